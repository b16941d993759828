"""Taking files back on the drive that plays: from whom the card says, and once."""

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
from tests.fakes.google_drive import grant_id
from tests.fakes.google_shelf import FOLDER, File, Shelf
from tests.tools.drive.conftest import connect
from tests.tools.kit import lines, refusal
from tests.tools.mailbox.conftest import Side, fault, find, full
from tools.drive.unshare import TOOLS, Unshare, drive_unshare, preview

(TOOL,) = TOOLS


def shared(shelf: Shelf, *more: str, kind: str = "text/plain") -> File:
    """A file that Bob may change, and others may read."""
    file = shelf.put("Budget", b"x", kind=kind)
    for who in ("bob@example.org", *more):
        named: dict[str, Any] = {"type": "anyone"}
        if who != "anyone":
            named = {"type": "user", "emailAddress": who}
        role = "writer" if who.startswith("bob") else "reader"
        file.grants.append({"kind": "drive#permission", "id": grant_id(who), "role": role, **named})
    return file


def seen(file: File) -> list[str]:
    """Who may see it."""
    return [each.get("emailAddress", each["type"]) for each in file.grants]


async def test_a_file_is_taken_back_as_the_card_shows_it(
    side: Side, ctx: ToolContext, shelf: Shelf
) -> None:
    file = shared(shelf, "eve@example.org")
    args = await full(ctx, TOOL, file=file.id, who="BOB@example.org")
    assert isinstance(args, Unshare)
    card = preview(args)
    shown = lines(card)
    assert shown["File"] == "Budget (text/plain)"
    assert shown["Taken back from"] == "BOB@example.org (writer)"
    assert shown["Seen still by"] == "ann@example.com (owner), eve@example.org (reader)"
    assert card.warnings == () and len(file.grants) == 3
    for _ in range(2):
        assert (await drive_unshare(ctx, args)).state is EffectState.SENT
    assert seen(file) == ["ann@example.com", "eve@example.org"] and side.server.mails == []
    assert len([each for each in side.server.asked if each.startswith("DELETE")]) == 1
    with pytest.raises(Invalid, match="not shared with them by name"):
        await full(ctx, TOOL, file=file.id, who="bob@example.org")


async def test_who_sees_it_still_is_pointed_out(ctx: ToolContext, shelf: Shelf) -> None:
    folder = shared(shelf, "anyone", kind=FOLDER)
    args = await full(ctx, TOOL, file=folder.id, who="bob@example.org")
    assert isinstance(args, Unshare)
    card = preview(args)
    assert "may see it still" in card.warnings[0] and "what is in it" in card.warnings[1]
    link = await full(ctx, TOOL, file=folder.id, who="anyone")
    assert isinstance(link, Unshare)
    assert lines(preview(link))["Taken back from"] == "anybody who has the link (reader)"
    await drive_unshare(ctx, link)
    assert seen(folder) == ["ann@example.com", "bob@example.org"]


@pytest.mark.parametrize(
    ("more", "is_done"),
    [
        ({"status": 503}, False),
        ({"status": 500, "after": True}, True),
        ({"cut": True}, False),
        ({"cut": True, "after": True}, True),
        ({"slow_s": 1.0, "after": True}, True),
        ({"status": 302, "headers": {"Location": "https://evil.example/"}}, False),
    ],
)
async def test_a_taking_back_whose_answer_is_lost_is_looked_up(
    side: Side, shelf: Shelf, more: Any, is_done: bool
) -> None:
    file = shared(shelf, "eve@example.org")
    args = await full(side.of(), TOOL, file=file.id, who="bob@example.org")
    assert await find(side.of(), TOOL, args) is None
    side.server.trouble.append(fault("DELETE permissions", **more))
    with pytest.raises(VendorUnknown):
        await drive_unshare(side.hasty(), args)
    assert (await find(side.of(), TOOL, args) is not None) is is_done
    await drive_unshare(side.of(), args)
    assert seen(file) == ["ann@example.com", "eve@example.org"]


@pytest.mark.parametrize(
    ("more", "kind", "words"),
    [
        ({"status": 429, "headers": {"Retry-After": "7"}}, VendorRefused, "pause"),
        ({"status": 403, "reason": "insufficientPermissions"}, OperatorError, "#google"),
        ({"status": 403, "reason": "cannotDeletePermission"}, Forbidden, "cannotDelete"),
        ({"status": 401, "times": 2}, OperatorError, "any more"),
        ({"status": 404}, NotFound, "nothing of this id"),
    ],
)
async def test_each_refusal_says_what_to_do(
    side: Side, ctx: ToolContext, shelf: Shelf, more: Any, kind: type[BotError], words: str
) -> None:
    file = shared(shelf)
    args = await full(ctx, TOOL, file=file.id, who="bob@example.org")
    side.server.trouble.append(fault("DELETE permissions", **more))
    with pytest.raises(kind, match=words) as error:
        await drive_unshare(ctx, args)
    assert "canary" not in error.value.message and len(file.grants) == 2


async def test_what_somebody_took_back_in_this_moment_is_done(
    side: Side, ctx: ToolContext, shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = shared(shelf)
    args = await full(ctx, TOOL, file=file.id, who="bob@example.org")
    revoke = side.server._revoke

    def twice(*words: Any) -> Any:
        revoke(*words)
        return revoke(*words)

    monkeypatch.setattr(side.server, "_revoke", twice)
    assert (await drive_unshare(ctx, args)).state is EffectState.SENT


async def test_what_may_not_be_taken_back_is_refused_before_anybody_is_asked(
    bare: Side, shelf: Shelf
) -> None:
    await connect(bare, "drive.readonly", "drive.file")
    mine = shared(shelf)
    with pytest.raises(OperatorError, match=r"admin/connections\S*#google"):
        await full(bare.of(), TOOL, file=mine.id, who="bob@example.org")
    await connect(bare, "drive")
    theirs = shelf.put("theirs", role="reader", owner="bob@example.org")
    for file, who, kind, words in (
        (theirs.id, "ann@example.com", Forbidden, "Its owner can"),
        (mine.id, "ann@example.com", Invalid, "their own file"),
        (mine.id, "anyone", Invalid, "not shared with them"),
        ("1nobody", "bob@example.org", NotFound, "nothing of this id"),
    ):
        with pytest.raises(kind, match=words):
            await full(bare.of(), TOOL, file=file, who=who)
    args = await full(bare.of(), TOOL, file=mine.id, who="bob@example.org")
    with pytest.raises(Conflict, match="Another Google account"):
        await drive_unshare(bare.of(), args.model_copy(update={"account": "x"}))  # type: ignore[attr-defined]
    with pytest.raises(OperatorError, match="not connected"):
        await drive_unshare(bare.of(tenant=bare.house.olga.tenant), args)
    assert len(mine.grants) == 2


def test_it_asks_is_looked_up_and_is_described() -> None:
    assert (TOOL.risk, TOOL.policy) == (Risk.WRITE, Policy.READBACK)
    told = TOOL.arguments.model_json_schema()["properties"]
    assert set(told) == {"file", "who"} and all(name in TOOL.description for name in told)
    for given in ({"who": "bob"}, {"file": "../x"}):
        assert refusal(Unshare, **{"file": "1a", "who": "bob@example.org", **given})
