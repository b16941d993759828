"""Reading files, on the drive that plays: nasty ones too."""

from typing import Any

import pytest

from bot.core.errors import Invalid, NotFound, VendorUnknown
from bot.core.tool import Risk, ToolContext
from bot.files.drawing import NoText
from bot.files.library import PAGE_CHARS
from tests.fakes.google_shelf import FOLDER, NATIVE, Shelf
from tests.tools.kit import refusal
from tests.tools.mailbox.conftest import Side, fault
from tools.drive.read import TOOLS, Read, drive_read

(TOOL,) = TOOLS


async def told(ctx: ToolContext, file: str, **given: Any) -> str:
    return str((await drive_read(ctx, Read(file=file, **given))).data)


async def test_files_and_documents_are_read_as_text(ctx: ToolContext, shelf: Shelf) -> None:
    plan = shelf.put("plan.txt", "We plan für 2027.".encode())
    assert await told(ctx, plan.id) == "plan.txt (text/plain), page 1 of 1.\n\nWe plan für 2027."
    page = shelf.put("page", b"<html><body>Hello<script>evil()</script></body></html>", "text/html")
    found = await told(ctx, page.id)
    assert "Hello" in found and "evil" not in found
    document = shelf.put("Minutes", b"We met.", f"{NATIVE}document")
    assert "Minutes (Google Doc)" in await told(ctx, document.id)
    sheet = shelf.put("Numbers", b"a,b\n1,2\n", f"{NATIVE}spreadsheet")
    found = await told(ctx, sheet.id)
    assert "1 | 2" in found and "Only the first sheet" in found


async def test_a_long_file_has_pages(ctx: ToolContext, shelf: Shelf) -> None:
    long = shelf.put("long.txt", b"word " * PAGE_CHARS)
    assert "page 2 of " in await told(ctx, long.id, page=2)
    with pytest.raises(Invalid, match="The file has"):
        await told(ctx, long.id, page=99)


async def test_what_has_no_text_is_refused_by_what_it_is_not_by_its_name(
    side: Side, ctx: ToolContext, shelf: Shelf
) -> None:
    picture = shelf.put("plan.txt", b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    with pytest.raises(NoText):
        await told(ctx, picture.id)
    for kind, words in ((FOLDER, "folder"), (f"{NATIVE}form", "no text in a form")):
        with pytest.raises(Invalid, match=words):
            await told(ctx, shelf.put("x", kind=kind).id)
    with pytest.raises(NotFound):
        await told(ctx, "1nobody")
    large = shelf.put("large.txt", b"x")
    large.more["size"] = "26214401"
    shown = shelf.shown

    def larger(file: Any) -> Any:
        return shown(file) | file.more

    shelf.shown = larger  # type: ignore[method-assign]
    with pytest.raises(Invalid, match="25 MB"):
        await told(ctx, large.id)
    assert not any("alt=media" in each for each in side.server.asked)


async def test_a_file_that_is_larger_than_it_says_is_not_read(
    side: Side, ctx: ToolContext, shelf: Shelf
) -> None:
    file = shelf.put("bomb.txt", b"x" * 10, more={"size": "10"})
    file.held = b"y" * (25 * 2**20 + 1)
    with pytest.raises((VendorUnknown, Invalid)):
        await told(ctx, file.id)


@pytest.mark.parametrize("more", [{"status": 500}, {"cut": True}, {"slow_s": 1.0}])
async def test_an_answer_that_is_missing_is_said(side: Side, shelf: Shelf, more: Any) -> None:
    file = shelf.put("plan.txt", b"We plan.")
    side.server.trouble.append(fault("GET files", **more))
    with pytest.raises(VendorUnknown):
        await told(side.hasty(), file.id)


def test_it_reads_is_outside_words_and_is_described() -> None:
    assert (TOOL.risk, TOOL.outside, TOOL.egress) == (Risk.READ, True, False)
    assert all(
        name in TOOL.description for name in TOOL.arguments.model_json_schema()["properties"]
    )
    for bad in ("../about", "..", "a/b", "a?b", ""):
        assert refusal(Read, file=bad)
