"""Sending mails, at both that play: as the card shows it, and once, whatever goes wrong."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.core.effect import EffectState, Policy
from bot.core.errors import (
    BotError,
    Conflict,
    Invalid,
    NotFound,
    OperatorError,
    VendorRefused,
    VendorUnknown,
)
from bot.core.tool import Risk, ToolContext
from tests.tools.kit import lines, refusal
from tests.tools.mailbox.conftest import (
    MAKES,
    SCOPES,
    SENDS,
    Kept,
    Side,
    as_effect,
    fault,
    find,
    full,
    side_of,
)
from tools.mailbox import _sending as sending
from tools.mailbox.send import TOOLS, Send, mailbox_send, preview

(TOOL,) = TOOLS
MAIL = {
    "to": ["bob@example.org"],
    "cc": ["eve@example.org"],
    "subject": "Grüße",
    "text": "Dear Bob,\n\nwe meet at four — sharp.\n" + "x" * 300,
}


async def test_a_mail_leaves_as_the_card_shows_it(side: Side, ctx: ToolContext) -> None:
    args = await full(ctx, TOOL, **MAIL)
    assert isinstance(args, Send)
    card = preview(args)
    shown = lines(card)
    box = "Gmail" if side.name == "gmail" else "Outlook"
    assert shown["From"] == f"ann@example.com ({box})"
    assert shown["To"] == "bob@example.org" and shown["Copy to"] == "eve@example.org"
    assert shown["Subject"] == "Grüße" and shown["Text"] == args.text == card.body
    assert card.recipients == ("bob@example.org", "eve@example.org") and not card.warnings
    assert side.delivered == []
    outcome = await mailbox_send(ctx, args)
    assert outcome.state is EffectState.SENT and outcome.vendor_ref
    assert side.delivered == ["bob@example.org", "eve@example.org"] and side.drafts == 0
    left = side.message()
    assert (
        left.header("Subject") == "Grüße" and left.text.replace("\r\n", "\n").strip() == args.text
    )
    assert left.header("Cc") == "eve@example.org"
    # Exchange writes the sender itself, which the one that plays does in its copy.
    assert left.sender == ("ann@example.com" if side.name == "gmail" else "")
    assert left.html == "" and left.header("In-Reply-To") == ""


async def test_an_unseen_copy_goes_out_and_the_others_do_not_see_it(
    side: Side, ctx: ToolContext
) -> None:
    args = await full(ctx, TOOL, **MAIL, bcc=["zoe@example.org"])
    assert isinstance(args, Send)
    card = preview(args)
    assert lines(card)["Unseen copy to"] == "zoe@example.org" == card.recipients[2]
    side.server.trouble.append(fault("PATCH", status=503))
    kept = Kept(ctx)
    if side.name == "outlook":
        with pytest.raises(VendorRefused, match="nothing was sent"):
            await mailbox_send(kept.call(), args)
    await mailbox_send(kept.call(), args)
    assert side.delivered == ["bob@example.org", "eve@example.org", "zoe@example.org"]
    if side.name == "outlook":
        assert "zoe" not in side.server.graph.sent[-1][0].decode()


async def test_an_answer_goes_to_the_sender_and_into_the_thread(
    side: Side, ctx: ToolContext
) -> None:
    head = {"References": "<old@example.org>"}
    more = head if side.name == "gmail" else {"headers": {**head, "Message-ID": "<m1@example.org>"}}
    if side.name == "gmail":
        more["id"] = "<m1@example.org>"
    mail = side.arrive("Budget", "Numbers?", **more)
    args = await full(ctx, TOOL, reply_to=mail, text="Here they are.")
    assert isinstance(args, Send)
    shown = lines(preview(args))
    assert shown["To"] == "bob@example.org" and shown["Subject"] == "Re: Budget"
    assert shown["Answers"] == "“Budget” from Bob <bob@example.org>"
    await mailbox_send(ctx, args)
    left = side.message()
    assert left.header("In-Reply-To") == "<m1@example.org>"
    assert left.header("References") == "<old@example.org> <m1@example.org>"
    if side.name == "gmail":
        (sent,) = side.server.sent
        assert sent.thread == side.server.box.mails[mail.removeprefix("gmail:")].thread


async def test_an_answer_that_goes_elsewhere_is_pointed_out(side: Side, ctx: ToolContext) -> None:
    head = {"Reply-To": "thief@example.net"}
    more = head if side.name == "gmail" else {"headers": head}
    mail = side.arrive("Re: invoice", "Pay here", **more)
    args = await full(ctx, TOOL, reply_to=mail, text="Yes.")
    assert isinstance(args, Send)
    card = preview(args)
    assert card.recipients == ("thief@example.net",)
    assert "another address than thief@example.net" in card.warnings[0]
    assert args.subject == "Re: invoice"


async def test_files_go_along_as_they_were_shown(side: Side, ctx: ToolContext) -> None:
    file = await side.keep("plan.txt", b"We plan.")
    args = await full(ctx, TOOL, **MAIL, files=[{"id": file}])
    assert isinstance(args, Send) and args.files
    assert lines(preview(args))["File"] == "plan.txt (text/plain, 8 bytes)"
    await mailbox_send(ctx, args)
    (part,) = side.message().parts
    assert (part.name, part.media, part.content) == ("plan.txt", "text/plain", b"We plan.")
    other = args.files[0].model_copy(update={"sha256": "0" * 64})
    with pytest.raises(Conflict, match="another than was shown"):
        await mailbox_send(replace(ctx, key="eff_2"), args.model_copy(update={"files": [other]}))
    with pytest.raises(NotFound):
        await full(replace(ctx, person=side.house.olga.id), TOOL, **MAIL, files=[{"id": file}])
    large = await side.keep("large.bin", b"0" * 2_000_001)
    with pytest.raises(Invalid, match="too large"):
        await full(ctx, TOOL, **MAIL, files=[{"id": large}])
    most = await side.keep("most.bin", bytes(range(250)) * 8_000)
    await mailbox_send(
        replace(ctx, key="eff_3"), await full(ctx, TOOL, **MAIL, files=[{"id": most}])
    )
    assert len(side.message().parts[0].content) == 2_000_000


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits here for what comes a moment later, unless a test is about that."""
    monkeypatch.setattr(sending, "LOOK_S", 0.0)


async def test_a_mail_that_is_seen_a_moment_later_is_found(
    side: Side, ctx: ToolContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "LOOK_S", 0.3)
    args = await full(ctx, TOOL, **MAIL)
    kept = Kept(ctx)
    if side.name == "gmail":
        side.server.is_late = True
        asyncio.get_running_loop().call_later(0.4, lambda: seen(side))
    else:
        side.server.graph.copy_s = 0.4
    side.server.trouble.append(fault(SENDS[side.name], cut=True, after=True))
    with pytest.raises(VendorUnknown):
        await mailbox_send(kept.call(), args)
    assert await find(kept.call(), TOOL, args) and len(side.delivered) == 2


def seen(side: Side) -> None:
    """The search over there has got to what was sent."""
    for mail in side.server.sent:
        mail.is_searchable = True


async def test_twice_the_same_deed_is_one_mail_and_another_deed_another(
    side: Side, ctx: ToolContext
) -> None:
    args = await full(ctx, TOOL, **MAIL)
    kept = Kept(ctx)
    first = await mailbox_send(kept.call(), args)
    again = await mailbox_send(kept.call(), args)
    assert again.vendor_ref == first.vendor_ref and len(side.delivered) == 2
    assert await mailbox_send(ctx, args), "also where nothing was kept, it is found"
    assert len(side.delivered) == 2 and side.drafts == 0
    looked = await find(kept.call(), TOOL, args)
    assert looked and looked.vendor_ref == first.vendor_ref
    await mailbox_send(replace(ctx, key="eff_2"), args)
    assert len(side.delivered) == 4


LOST = [
    ({"status": 503}, 0),
    ({"status": 500, "after": True}, 2),
    ({"cut": True}, 0),
    ({"cut": True, "after": True}, 2),
    ({"slow_s": 1.0, "after": True}, 2),
    ({"status": 302, "headers": {"Location": "https://evil.example/"}}, 0),
]


@pytest.mark.parametrize(("more", "done"), LOST)
async def test_a_mail_whose_answer_is_lost_is_sent_once(side: Side, more: Any, done: int) -> None:
    ctx = side.hasty()
    args = await full(side.of(), TOOL, **MAIL)
    kept = Kept(ctx)
    assert await find(kept.call(), TOOL, args) is None
    side.server.trouble.append(fault(SENDS[side.name], **more))
    with pytest.raises(VendorUnknown):
        await mailbox_send(kept.call(), args)
    assert len(side.delivered) == done
    looked = await find(kept.call(), TOOL, args)
    assert (looked is not None) is bool(done)
    again = await mailbox_send(kept.call(), args)
    assert again.state is EffectState.SENT
    assert len(side.delivered) == 2 and side.drafts == 0


async def test_half_an_answer_is_no_second_mail(side: Side, ctx: ToolContext) -> None:
    """Microsoft answers with nothing, so there is no half of it."""
    args = await full(ctx, TOOL, **MAIL)
    kept = Kept(ctx)
    side.server.trouble.append(fault(SENDS[side.name], half=True, after=True))
    try:
        await mailbox_send(kept.call(), args)
    except VendorUnknown:
        assert side.name == "gmail"
    await mailbox_send(kept.call(), args)
    assert len(side.delivered) == 2


@pytest.mark.parametrize("more", [{"status": 503}, {"cut": True, "after": True}, {"half": True}])
async def test_a_draft_whose_answer_is_lost_is_no_mail(
    side: Side, ctx: ToolContext, more: Any
) -> None:
    args = await full(ctx, TOOL, **MAIL)
    kept = Kept(ctx)
    side.server.trouble.append(fault(MAKES[side.name], **more))
    with pytest.raises(VendorRefused, match="nothing was sent") as error:
        await mailbox_send(kept.call(), args)
    assert error.value.retry_after_s == 2.0 and side.delivered == []
    assert await find(kept.call(), TOOL, args) is None
    await mailbox_send(kept.call(), args)
    assert len(side.delivered) == 2


async def test_killed_between_any_two_steps_it_is_one_mail(side: Side, ctx: ToolContext) -> None:
    """A process dies at each moment at which something was kept, or a moment before."""
    args = await full(ctx, TOOL, **MAIL)

    class Dead(Exception):
        pass

    for moment in range(4):
        key, told = f"eff_{moment}", {"saves": 0}
        kept = Kept(replace(ctx, key=key))

        async def save(
            progress: Any, told: Any = told, kept: Any = kept, moment: int = moment
        ) -> None:
            if told["saves"] == moment // 2 and moment % 2 == 0:
                raise Dead
            kept.told = dict(progress)
            if told["saves"] == moment // 2:
                raise Dead
            told["saves"] += 1

        before = len(side.delivered)
        with pytest.raises(Dead):
            await mailbox_send(replace(kept.call(), save=save), args)
        assert len(side.delivered) == before, "nothing leaves before its draft is kept"
        assert await find(kept.call(), TOOL, args) is None
        await mailbox_send(kept.call(), args)
        await mailbox_send(kept.call(), args)
        assert len(side.delivered) == before + 2


async def test_a_mail_that_gmail_gave_another_name_is_found_by_its_mark(tmp_path: Path) -> None:
    async with side_of("gmail", tmp_path) as side:
        await side.house.connect(scopes=tuple(SCOPES["gmail"]))
        args = await full(side.of(), TOOL, **MAIL)
        kept = Kept(side.of())
        side.server.replaces_ids = True
        side.server.trouble.append(fault(SENDS["gmail"], cut=True, after=True))
        with pytest.raises(VendorUnknown):
            await mailbox_send(kept.call(), args)
        looked = await find(kept.call(), TOOL, args)
        assert looked and looked.vendor_ref == side.server.sent[0].id
        assert (await mailbox_send(kept.call(), args)).vendor_ref == looked.vendor_ref
        assert len(side.delivered) == 2


async def test_what_is_gone_and_not_found_is_asked_about(side: Side, ctx: ToolContext) -> None:
    """Its draft was sent, and a look-up does not show it: nobody knows, and nothing goes again."""
    args = await full(ctx, TOOL, **MAIL)
    kept = Kept(ctx)
    if side.name == "gmail":
        side.server.is_late = side.server.replaces_ids = True
        await mailbox_send(kept.call(), args)
    else:
        side.server.trouble.append(fault(SENDS["outlook"], status=503))
        with pytest.raises(VendorUnknown):
            await mailbox_send(kept.call(), args)
        (item,) = [i for i in side.server.graph.folder("ann@example.com", "") if i.is_draft]
        side.server.graph.mailboxes["ann@example.com"].remove(item)
    sent = list(side.delivered)
    with pytest.raises(VendorUnknown, match="gone"):
        await mailbox_send(kept.call(), args)
    assert side.delivered == sent


@pytest.mark.parametrize(
    ("more", "kind", "words", "again"),
    [
        ({"status": 429, "headers": {"Retry-After": "7"}}, VendorRefused, "pause", 7.0),
        ({"status": 403}, OperatorError, r"not allowed.*/admin/connections\S*#", None),
        ({"status": 401, "times": 2}, OperatorError, r"any more.*/admin/connections\S*#", None),
        ({"status": 400, "reason": "invalidArgument"}, VendorRefused, "refused it", None),
        ({"status": 413}, VendorRefused, "refused it", None),
    ],
)
async def test_each_refusal_says_what_to_do_and_nothing_leaves(
    side: Side, ctx: ToolContext, more: Any, kind: type[BotError], words: str, again: float | None
) -> None:
    args = await full(ctx, TOOL, **MAIL)
    kept = Kept(ctx)
    side.server.trouble.append(fault(SENDS[side.name], **more))
    with pytest.raises(kind, match=words) as error:
        await mailbox_send(kept.call(), args)
    assert getattr(error.value, "retry_after_s", None) == again
    assert "canary" not in error.value.message and side.delivered == []
    await mailbox_send(kept.call(), args)
    assert len(side.delivered) == 2, "and later it goes, once"


async def test_what_was_not_granted_is_named_with_the_link(bare: Side) -> None:
    reading = {"gmail": SCOPES["gmail"][1:], "outlook": ["Mail.Read"]}[bare.name]
    await bare.house.connect(scopes=tuple(reading), features=())
    with pytest.raises(OperatorError, match=r"was not allowed to: .*admin/connections\S*#"):
        await full(bare.of(), TOOL, **MAIL)


async def test_another_account_and_another_tenant_have_no_part_in_it(
    side: Side, ctx: ToolContext
) -> None:
    args = await full(ctx, TOOL, **MAIL)
    with pytest.raises(Conflict, match="Another mailbox"):
        await mailbox_send(ctx, args.model_copy(update={"account": "somebody-else"}))  # type: ignore[attr-defined]
    with pytest.raises(OperatorError, match="not connected"):
        await mailbox_send(side.of(tenant=side.house.olga.tenant), args)
    with pytest.raises(Conflict):
        await TOOL.find(
            ctx, as_effect(TOOL, args.model_copy(update={"account": "x"}), progress={"draft": "d"})
        )  # type: ignore
    assert side.delivered == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"to": None}, "whom the mail goes to"),
        ({"subject": ""}, "a subject"),
        ({"reply_to": "gmail:1", "mailbox": "outlook"}, "other mailbox"),
    ],
)
async def test_what_is_lacking_is_said_before_anybody_is_asked(
    ctx: ToolContext, given: dict[str, Any], words: str
) -> None:
    with pytest.raises(Invalid, match=words):
        await full(ctx, TOOL, **{k: v for k, v in {**MAIL, **given}.items() if v is not None})


async def test_a_mail_of_nasty_headers_does_no_harm(side: Side, ctx: ToolContext) -> None:
    """What a stranger writes into a mail does not come into the headers of the answer."""
    evil = "=?utf-8?q?x=0D=0ABcc:_spy@example.net?="
    mail = side.arrive("hello", "x", sender="Bob <bob@example.org>")
    if side.name == "gmail":
        box = side.server.box.mails[mail.removeprefix("gmail:")]
        box.raw = box.raw.replace(b"Subject: hello", b"Subject: " + evil.encode())
    else:
        side.server.graph.mailboxes["ann@example.com"].items[
            -1
        ].subject = "x\r\nBcc: spy@example.net"
    args = await full(ctx, TOOL, reply_to=mail, text="Hi")
    await mailbox_send(ctx, args)
    assert side.delivered == ["bob@example.org"] and side.message().header("Bcc") == ""


def test_arguments_that_do_not_fit_are_explained() -> None:
    for given, words in (
        ({"to": ["bob"]}, "no e-mail address"),
        ({"to": ["b@x.org\nBcc: e@x.org"]}, "no e-mail address"),
        ({"to": ["b@x.org, e@x.org"]}, "no e-mail address"),
        ({"to": ["a@x.org"] * 21}, "at most 20"),
        ({"subject": "a\x00b"}, "U+0000"),
        ({"subject": "=?utf-8?q?x?="}, "=?"),
        ({"text": "a\u202eb"}, "U+202E"),
        ({"text": ""}, "at least 1"),
        ({"unknown": 1}, "xtra"),
    ):
        assert words in refusal(Send, **{**MAIL, **given})


def test_it_asks_is_looked_up_and_is_described() -> None:
    assert (TOOL.risk, TOOL.policy, TOOL.egress) == (Risk.WRITE, Policy.READBACK, True)
    told = TOOL.arguments.model_json_schema()["properties"]
    assert not {"account", "answers", "thread", "was_from"} & set(told)
    assert all(name in TOOL.description for name in told)
