"""Sorting mails, at both that play: as the card says, and no more than is left to do."""

from typing import Any

import pytest

from bot.core.effect import EffectState, Policy
from bot.core.errors import BotError, Conflict, Invalid, NotFound, OperatorError, VendorUnknown
from bot.core.tool import Risk, ToolContext
from tests.tools.kit import lines, refusal
from tests.tools.mailbox.conftest import SCOPES, Side, fault, find, full
from tools.mailbox.sort import TOOLS, Sort, mailbox_sort, preview

(TOOL,) = TOOLS
ALL: dict[str, Any] = {"archive": True, "read": True, "add": ["Invoices", "2026"]}
WRITES = {"gmail": "POST modify", "outlook": "PATCH me/messages"}


def stands(side: Side, mail: str) -> tuple[bool, bool, list[str]]:
    """Whether it is in the inbox, whether it is read, and its labels."""
    id_ = mail.partition(":")[2]
    if side.name == "gmail":
        box = side.server.box
        labels = box.mails[id_].labels
        named = sorted(box.labels[each] for each in labels if each.startswith("Label_"))
        return "INBOX" in labels, "UNREAD" not in labels, named
    found = side.server.graph.mailboxes["ann@example.com"].find(id_)
    return found.folder == "inbox", found.is_read, sorted(found.categories)


def writes(side: Side) -> int:
    """How often something was changed there."""
    verbs = ("POST", "PATCH", "DELETE")
    return sum(each.startswith(verbs) for each in side.server.asked)


async def test_a_mail_is_put_as_the_card_says(side: Side, ctx: ToolContext) -> None:
    mail = side.arrive("Bill 7", "Pay")
    args = await full(ctx, TOOL, mail=mail, **ALL)
    assert isinstance(args, Sort)
    shown = lines(preview(args))
    name = "labels" if side.name == "gmail" else "categories"
    assert (shown["Mail"], shown["From"]) == ("Bill 7", "Bob <bob@example.org>")
    assert shown[f"Gets the {name}"] == "Invoices, 2026" and shown["Marked"] == "read"
    assert "leaves the inbox" in shown["Archive"] and stands(side, mail) == (True, False, [])
    assert (await mailbox_sort(ctx, args)).state is EffectState.SENT
    assert stands(side, mail) == (False, True, ["2026", "Invoices"])
    done = writes(side)
    await mailbox_sort(ctx, args)
    assert writes(side) == done, "what stands so is not done again"
    with pytest.raises(Invalid, match="stands so already"):
        await full(ctx, TOOL, mail=mail, **ALL)
    other = side.arrive("Bill 8", "Pay")
    back = await full(ctx, TOOL, mail=mail, read=False, remove=["INVOICES"])
    await mailbox_sort(ctx, back)
    assert stands(side, mail) == (False, False, ["2026"])
    await mailbox_sort(ctx, await full(ctx, TOOL, mail=other, add=["invoices"]))
    assert stands(side, other)[2] == (["Invoices"] if side.name == "gmail" else ["invoices"])


@pytest.mark.parametrize(
    ("more", "is_done"),
    [
        ({"status": 503}, False),
        ({"status": 500, "after": True}, True),
        ({"cut": True}, False),
        ({"cut": True, "after": True}, True),
        ({"half": True, "after": True}, True),
        ({"slow_s": 1.0, "after": True}, True),
        ({"status": 302, "headers": {"Location": "https://evil.example/"}}, False),
    ],
)
async def test_a_sorting_whose_answer_is_lost_is_looked_up(
    side: Side, more: Any, is_done: bool
) -> None:
    mail = side.arrive("Bill 7", "Pay")
    given = {"mail": mail, "read": True, "add": ["Invoices"]}
    args = await full(side.of(), TOOL, **given)
    assert await find(side.of(), TOOL, args) is None
    side.server.trouble.append(fault(WRITES[side.name], **more))
    with pytest.raises(VendorUnknown):
        await mailbox_sort(side.hasty(), args)
    assert (await find(side.of(), TOOL, args) is not None) is is_done
    await mailbox_sort(side.of(), args)
    assert stands(side, mail) == (True, True, ["Invoices"])


async def test_a_sorting_that_broke_off_in_its_middle_goes_on(side: Side, ctx: ToolContext) -> None:
    mail = side.arrive("Bill 7", "Pay")
    args = await full(ctx, TOOL, mail=mail, **ALL)
    second = "POST labels" if side.name == "gmail" else "POST move"
    side.server.trouble.append(fault(second, cut=True, after=side.name == "gmail"))
    with pytest.raises(VendorUnknown):
        await mailbox_sort(ctx, args)
    assert await find(ctx, TOOL, args) is None
    await mailbox_sort(ctx, args)
    assert stands(side, mail) == (False, True, ["2026", "Invoices"])


@pytest.mark.parametrize(
    ("more", "kind", "words"),
    [
        ({"status": 429, "headers": {"Retry-After": "7"}}, BotError, "pause"),
        ({"status": 401, "times": 2}, OperatorError, "any more"),
        ({"status": 403}, OperatorError, "not allowed"),
        ({"status": 404}, NotFound, "nothing of this id"),
    ],
)
async def test_each_refusal_says_what_to_do(
    side: Side, ctx: ToolContext, more: Any, kind: type[BotError], words: str
) -> None:
    args = await full(ctx, TOOL, mail=side.arrive("Bill 7", "Pay"), read=True)
    side.server.trouble.append(fault(WRITES[side.name], **more))
    with pytest.raises(kind, match=words) as error:
        await mailbox_sort(ctx, args)
    assert "canary" not in error.value.message


async def test_another_account_and_what_was_not_granted(bare: Side) -> None:
    lacking = {"gmail": 2, "outlook": 1}[bare.name]
    scopes = [each for each in SCOPES[bare.name] if each != "Mail.ReadWrite"][:lacking]
    await bare.house.connect(scopes=tuple(scopes))
    mail = bare.arrive("Bill 7", "Pay")
    with pytest.raises(OperatorError, match="admin/connections"):
        await full(bare.of(), TOOL, mail=mail, read=True)
    await bare.house.connect(scopes=tuple(SCOPES[bare.name]))
    args = await full(bare.of(), TOOL, mail=mail, read=True)
    with pytest.raises(Conflict, match="Another mailbox"):
        await mailbox_sort(bare.of(), args.model_copy(update={"account": "x"}))  # type: ignore[attr-defined]
    with pytest.raises(OperatorError, match="No mailbox"):
        await mailbox_sort(bare.of(tenant=bare.house.olga.tenant), args)
    assert not stands(bare, mail)[1]


def test_arguments_that_do_not_fit_are_explained() -> None:
    for given, words in (
        ({}, "what is to be done"),
        ({"add": ["A"], "remove": ["a"]}, "added and removed"),
        ({"add": []}, "at least 1"),
        ({"add": ["a\x00"]}, "U+0000"),
        ({"mail": "gmail:../x", "read": True}, "pattern"),
    ):
        assert words in refusal(Sort, **{"mail": "gmail:1a", **given})
    assert (TOOL.risk, TOOL.policy) == (Risk.WRITE, Policy.READBACK)
    told = TOOL.arguments.model_json_schema()["properties"]
    assert set(told) == {"mail", "archive", "read", "add", "remove"}
    assert all(name in TOOL.description for name in told)
