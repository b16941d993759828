"""Putting files on the drive that plays: as the card shows it, and once, whatever goes wrong."""

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
from tests.tools.mailbox.conftest import Kept, Side, fault, find, full
from tools.drive import _pieces
from tools.drive.upload import TOOLS, Upload, drive_upload, preview

(TOOL,) = TOOLS
DATA = bytes(range(256)) * 4096
"""One megabyte: four pieces of 256 KiB."""


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces that are small enough for a test to have several."""
    monkeypatch.setattr(_pieces, "PIECE", 256 * 2**10)
    monkeypatch.setattr(_pieces, "PAUSE_S", 0.0)


def there(shelf: Shelf) -> list[tuple[str, bytes]]:
    """Name and bytes of each file that was put there."""
    return [(file.name, file.held) for file in shelf.files.values() if file.app]


async def test_a_file_is_put_there_as_the_card_shows_it(
    side: Side, ctx: ToolContext, shelf: Shelf
) -> None:
    file = await side.keep("plan.bin", DATA, "application/pdf")
    args = await full(ctx, TOOL, file=file)
    assert isinstance(args, Upload)
    card = preview(args)
    shown = lines(card)
    assert shown["File"] == "plan.bin (application/pdf, 1,048,576 bytes)"
    assert shown["Folder"] == "My Drive" and shown["Google account"] == "ann@example.com"
    assert card.audience == "this account alone" and there(shelf) == []
    outcome = await drive_upload(ctx, args)
    assert outcome.state is EffectState.SENT and outcome.url.startswith("https://drive.google.com/")
    ((name, data),) = there(shelf)
    assert (name, data) == ("plan.bin", DATA) and outcome.vendor_ref in shelf.files
    assert shelf.files[outcome.vendor_ref].kind == "application/pdf"
    assert sum(each.startswith("PUT") for each in side.server.asked) == 4
    empty = await side.keep("empty.txt", b"")
    await drive_upload(replace(ctx, key="eff_2"), await full(ctx, TOOL, file=empty, name="new"))
    assert there(shelf)[1] == ("new", b"")


async def test_a_folder_that_others_see_is_pointed_out(
    side: Side, ctx: ToolContext, shelf: Shelf
) -> None:
    folder = shelf.put("Team", kind=FOLDER, app=True)
    folder.grants.append({"id": "7", "type": "user", "role": "reader", "emailAddress": "bob@x.org"})
    file = await side.keep("plan.txt", b"We plan.")
    args = await full(ctx, TOOL, file=file, folder=folder.id)
    assert isinstance(args, Upload)
    card = preview(args)
    assert lines(card)["Folder"] == "Team" and "shared" in card.warnings[0]
    assert card.audience == "everybody who sees that folder"
    outcome = await drive_upload(ctx, args)
    assert shelf.files[outcome.vendor_ref].parents == [folder.id]
    with pytest.raises(Invalid, match="no folder"):
        await full(ctx, TOOL, file=file, folder=outcome.vendor_ref)
    with pytest.raises(NotFound, match="sees no such folder"):
        await full(ctx, TOOL, file=file, folder="1nobody")


async def test_twice_the_same_deed_is_one_file_and_another_deed_another(
    side: Side, ctx: ToolContext, shelf: Shelf
) -> None:
    args = await full(ctx, TOOL, file=await side.keep("plan.txt", b"We plan."))
    kept = Kept(ctx)
    first = await drive_upload(kept.call(), args)
    assert await drive_upload(kept.call(), args) == first
    assert await find(kept.call(), TOOL, args) == first and len(there(shelf)) == 1
    await drive_upload(Kept(replace(ctx, key="eff_2")).call(), args)
    assert len(there(shelf)) == 2


@pytest.mark.parametrize("more", [{"status": 503}, {"cut": True}, {"cut": True, "after": True},
                                  {"half": True}, {"status": 500, "after": True}])  # fmt: skip
async def test_a_piece_that_breaks_off_goes_on_where_google_has_got_to(
    side: Side, ctx: ToolContext, shelf: Shelf, more: Any
) -> None:
    args = await full(ctx, TOOL, file=await side.keep("plan.bin", DATA))
    side.server.trouble.append(fault("PUT", times=2, **more))
    side.server.takes = 0
    await drive_upload(ctx, args)
    assert there(shelf) == [("plan.bin", DATA)]
    assert sum("uploadType" in each or each.startswith("POST") for each in side.server.asked) == 1


@pytest.mark.parametrize(
    ("more", "is_done"),
    [
        ({"status": 503, "times": 9}, False),
        ({"cut": True, "times": 9}, False),
        ({"cut": True, "after": True, "times": 9}, True),
        ({"half": True, "after": True, "times": 9}, True),
        ({"slow_s": 1.0, "after": True, "times": 9}, True),
    ],
)
async def test_a_file_whose_answer_is_lost_is_there_once(
    side: Side, shelf: Shelf, more: Any, is_done: bool
) -> None:
    args = await full(side.of(), TOOL, file=await side.keep("plan.txt", b"We plan."))
    kept, quick = Kept(side.of()), Kept(side.hasty())
    side.server.trouble.append(fault("PUT", **more))
    with pytest.raises(VendorUnknown):
        await drive_upload(quick.call(), args)
    assert len(there(shelf)) == is_done
    side.server.trouble.clear()
    kept.told = quick.told
    looked = await find(kept.call(), TOOL, args)
    assert (looked is not None) is is_done
    await drive_upload(kept.call(), args)
    assert there(shelf) == [("plan.txt", b"We plan.")]


async def test_killed_at_any_moment_it_is_one_file(
    side: Side, ctx: ToolContext, shelf: Shelf
) -> None:
    args = await full(ctx, TOOL, file=await side.keep("plan.txt", b"We plan."))

    class Dead(Exception):
        pass

    for n, is_kept in enumerate((False, True)):
        kept = Kept(replace(ctx, key=f"eff_{n}"))

        async def save(progress: Any, kept: Any = kept, is_kept: bool = is_kept) -> None:
            if is_kept:
                kept.told = dict(progress)
            raise Dead

        with pytest.raises(Dead):
            await drive_upload(replace(kept.call(), save=save), args)
        assert len(there(shelf)) == n and await find(kept.call(), TOOL, args) is None
        await drive_upload(kept.call(), args)
        await drive_upload(kept.call(), args)
        assert len(there(shelf)) == n + 1


async def test_what_another_changed_since_is_not_taken_for_it(
    side: Side, ctx: ToolContext, shelf: Shelf
) -> None:
    args = await full(ctx, TOOL, file=await side.keep("plan.txt", b"We plan."))
    kept = Kept(ctx)
    made = await drive_upload(kept.call(), args)
    shelf.files[made.vendor_ref].held = b"changed"
    with pytest.raises(Conflict, match="changed it since"):
        await drive_upload(kept.call(), args)
    assert len(there(shelf)) == 1


@pytest.mark.parametrize(
    ("verb", "more", "kind", "words", "again"),
    [
        ("POST files", {"status": 429, "headers": {"Retry-After": "7"}}, VendorRefused, "pause", 7.0),
        ("POST files", {"status": 503}, VendorRefused, "nothing is there", 2.0),
        ("POST files", {"status": 403, "reason": "storageQuotaExceeded"}, Forbidden, "storageQuotaExceeded", None),
        ("POST files", {"status": 401, "times": 2}, OperatorError, r"any more.*#google", None),
        ("GET generateIds", {"status": 403, "reason": "insufficientPermissions"}, OperatorError, "#google", None),
        ("GET generateIds", {"half": True}, VendorUnknown, "broke off", None),
        ("PUT", {"status": 429}, VendorRefused, "pause", 30.0),
        ("PUT", {"status": 404}, VendorRefused, "let go of the upload", 0.0),
    ],
)  # fmt: skip
async def test_each_refusal_says_what_to_do_and_nothing_is_there(
    side: Side, ctx: ToolContext, shelf: Shelf,
    verb: str, more: Any, kind: type[BotError], words: str, again: float | None,
) -> None:  # fmt: skip
    args = await full(ctx, TOOL, file=await side.keep("plan.txt", b"We plan."))
    side.server.trouble.append(fault(verb, **more))
    with pytest.raises(kind, match=words) as error:
        await drive_upload(ctx, args)
    assert getattr(error.value, "retry_after_s", None) == again
    assert "canary" not in error.value.message and there(shelf) == []


async def test_an_address_that_is_not_google_s_gets_nothing(
    side: Side, ctx: ToolContext, shelf: Shelf
) -> None:
    args = await full(ctx, TOOL, file=await side.keep("plan.txt", b"We plan."))
    for where in ("https://evil.example/x", "http://www.googleapis.com/x", ""):
        wrong = fault("POST files", after=True, status=200, headers={"Location": where})
        side.server.trouble.append(wrong)
        with pytest.raises(VendorRefused, match="no address to upload to"):
            await drive_upload(ctx, args)
    assert there(shelf) == []


async def test_another_file_account_or_person_has_no_part_in_it(
    side: Side, ctx: ToolContext, shelf: Shelf
) -> None:
    file = await side.keep("plan.txt", b"We plan.")
    args = await full(ctx, TOOL, file=file)
    assert isinstance(args, Upload)
    with pytest.raises(Conflict, match="another than was shown"):
        await drive_upload(ctx, args.model_copy(update={"sha256": "0" * 64}))
    with pytest.raises(Conflict, match="Another Google account"):
        await drive_upload(ctx, args.model_copy(update={"account": "x"}))
    with pytest.raises(NotFound):
        await full(replace(ctx, person=side.house.olga.id), TOOL, file=file)
    with pytest.raises(OperatorError, match="not connected"):
        await drive_upload(side.of(tenant=side.house.olga.tenant), args)
    assert there(shelf) == []


async def test_what_was_not_granted_is_named_with_the_link(bare: Side) -> None:
    await connect(bare, "drive.readonly")
    with pytest.raises(OperatorError, match=r"drive.file.*admin/connections\S*#google"):
        await full(bare.of(), TOOL, file=await bare.keep("plan.txt", b"x"))


def test_it_asks_is_looked_up_and_is_described() -> None:
    assert (TOOL.risk, TOOL.policy, TOOL.egress) == (Risk.WRITE, Policy.READBACK, True)
    told = TOOL.arguments.model_json_schema()["properties"]
    assert set(told) == {"file", "name", "folder"}
    assert all(name in TOOL.description for name in told)
    assert "one line" in refusal(Upload, file="fil_1", name="a\u202eb")
    assert refusal(Upload, file="fil_1", folder="../x")
