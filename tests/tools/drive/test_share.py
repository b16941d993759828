"""Sharing files of the drive that plays: the card says who will see it, and it is told once."""

from dataclasses import replace
from typing import Any

import pytest

from bot.core.effect import EffectState, Policy
from bot.core.errors import (
    BotError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    OperatorError,
    VendorRefused,
    VendorUnknown,
)
from bot.core.tool import Risk, ToolContext
from tests.fakes.google_shelf import FOLDER, Shelf
from tests.tools.drive.conftest import connect
from tests.tools.kit import lines, refusal
from tests.tools.mailbox.conftest import Side, fault, find, full
from tools.drive.share import TOOLS, Share, drive_share, preview

(TOOL,) = TOOLS
BOB: dict[str, Any] = {"who": "bob@example.org", "message": "Here it is"}


async def test_a_file_is_shared_as_the_card_shows_it(
    side: Side, ctx: ToolContext, shelf: Shelf
) -> None:
    file = shelf.put("Budget", b"x")
    args = await full(ctx, TOOL, file=file.id, **BOB)
    assert isinstance(args, Share)
    card = preview(args)
    shown = lines(card)
    assert shown["File"] == "Budget (text/plain)" and shown["Owner"] == "ann@example.com"
    assert shown["Will be seen by"] == "bob@example.org, who may read it"
    assert (
        shown["Seen already by"] == "ann@example.com (owner)" and shown["Message"] == "Here it is"
    )
    assert card.recipients == ("bob@example.org",) and "own domain" in card.warnings[0]
    assert len(file.grants) == 1
    outcome = await drive_share(ctx, args)
    assert outcome.state is EffectState.SENT and outcome.url.startswith("https://drive.google.com/")
    assert (file.grants[1]["emailAddress"], file.grants[1]["role"]) == ("bob@example.org", "reader")
    assert side.server.mails == [("bob@example.org", file.id, "Here it is")]


async def test_anybody_with_the_link_is_pointed_out_and_no_mail_goes(
    side: Side, ctx: ToolContext, shelf: Shelf
) -> None:
    folder = shelf.put("Team", kind=FOLDER)
    args = await full(ctx, TOOL, file=folder.id, who="anyone", may="comment")
    assert isinstance(args, Share)
    card = preview(args)
    assert "without signing in" in card.warnings[0] and "all that is in it" in card.warnings[1]
    assert card.audience.startswith("anybody who has the link")
    await drive_share(ctx, args)
    assert (folder.grants[1]["type"], folder.grants[1]["role"]) == ("anyone", "commenter")
    assert side.server.mails == []
    with pytest.raises(Invalid, match="Nobody gets a message"):
        await full(ctx, TOOL, file=shelf.put("x").id, who="anyone", message="Hi")


async def test_twice_the_same_deed_is_one_share_and_one_mail(
    side: Side, ctx: ToolContext, shelf: Shelf
) -> None:
    file = shelf.put("Budget", b"x")
    args = await full(ctx, TOOL, file=file.id, **BOB)
    await drive_share(ctx, args)
    await drive_share(ctx, args)
    assert len(file.grants) == 2 and len(side.server.mails) == 1
    assert await find(ctx, TOOL, args)
    with pytest.raises(Invalid, match="already"):
        await full(ctx, TOOL, file=file.id, who="BOB@example.org")
    more = await full(ctx, TOOL, file=file.id, who="bob@example.org", may="change")
    await drive_share(replace(ctx, key="eff_2"), more)
    assert file.grants[1]["role"] == "writer" and len(file.grants) == 2


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
async def test_a_share_whose_answer_is_lost_is_made_and_told_once(
    side: Side, shelf: Shelf, more: Any, is_done: bool
) -> None:
    file = shelf.put("Budget", b"x")
    args = await full(side.of(), TOOL, file=file.id, **BOB)
    assert await find(side.of(), TOOL, args) is None
    side.server.trouble.append(fault("POST permissions", **more))
    with pytest.raises(VendorUnknown):
        await drive_share(side.hasty(), args)
    looked = await find(side.of(), TOOL, args)
    assert (looked is not None) is is_done
    await drive_share(side.of(), args)
    assert len(file.grants) == 2 and len(side.server.mails) == 1


@pytest.mark.parametrize(
    ("more", "kind", "words", "again"),
    [
        ({"status": 429, "headers": {"Retry-After": "7"}}, VendorRefused, "pause", 7.0),
        ({"status": 403, "reason": "insufficientPermissions"}, OperatorError, r"admin/connections\S*#google", None),
        ({"status": 403, "reason": "cannotShareOutsideDomain"}, Forbidden, "cannotShareOutsideDomain", None),
        ({"status": 401, "times": 2}, OperatorError, r"any more.*#google", None),
        ({"status": 404}, NotFound, "nothing of this id", None),
        ({"status": 400, "reason": "invalidSharingRequest"}, VendorRefused, "invalidSharingRequest", None),
    ],
)  # fmt: skip
async def test_each_refusal_says_what_to_do_and_nothing_is_shared(
    side: Side, ctx: ToolContext, shelf: Shelf,
    more: Any, kind: type[BotError], words: str, again: float | None,
) -> None:  # fmt: skip
    file = shelf.put("Budget", b"x")
    args = await full(ctx, TOOL, file=file.id, **BOB)
    side.server.trouble.append(fault("POST permissions", **more))
    with pytest.raises(kind, match=words) as error:
        await drive_share(ctx, args)
    assert getattr(error.value, "retry_after_s", None) == again
    assert "canary" not in error.value.message and len(file.grants) == 1


async def test_an_organisation_that_shares_with_nobody_outside_is_told_of(
    side: Side, ctx: ToolContext, shelf: Shelf
) -> None:
    side.server.foreign.add("example.org")
    args = await full(ctx, TOOL, file=shelf.put("Budget").id, **BOB)
    with pytest.raises(Forbidden, match="does not let this account"):
        await drive_share(ctx, args)


async def test_what_may_not_be_shared_is_refused_before_anybody_is_asked(
    bare: Side, shelf: Shelf
) -> None:
    await connect(bare, "drive")
    ctx = bare.of()
    for file, kind, words in (
        (shelf.put("theirs", role="reader", owner="bob@example.org"), Forbidden, "Its owner can"),
        (shelf.put("old", is_trashed=True), Invalid, "in the bin"),
    ):
        with pytest.raises(kind, match=words):
            await full(ctx, TOOL, file=file.id, **BOB)
    with pytest.raises(NotFound):
        await full(ctx, TOOL, file="1nobody", **BOB)


async def test_another_account_and_what_was_not_granted(bare: Side, shelf: Shelf) -> None:
    await connect(bare, "drive.readonly", "drive.file")
    file = shelf.put("Budget", app=True)
    with pytest.raises(OperatorError, match=r"auth/drive\..*admin/connections\S*#google"):
        await full(bare.of(), TOOL, file=file.id, **BOB)
    await connect(bare, "drive")
    args = await full(bare.of(), TOOL, file=file.id, **BOB)
    with pytest.raises(Conflict, match="Another Google account"):
        await drive_share(bare.of(), args.model_copy(update={"account": "x"}))  # type: ignore[attr-defined]
    with pytest.raises(OperatorError, match="not connected"):
        await drive_share(bare.of(tenant=bare.house.olga.tenant), args)
    assert len(file.grants) == 1


def test_it_asks_is_looked_up_and_is_described() -> None:
    assert (TOOL.risk, TOOL.policy, TOOL.egress) == (Risk.WRITE, Policy.READBACK, True)
    told = TOOL.arguments.model_json_schema()["properties"]
    assert set(told) == {"file", "who", "may", "message"}
    assert all(name in TOOL.description for name in told)
    for given in ({"who": "bob"}, {"may": "own"}, {"file": "../x"}, {"message": "a\x00"}):
        assert refusal(Share, **{"file": "1a", **BOB, **given})
