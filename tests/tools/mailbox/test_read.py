"""Reading a mail and its files, at both that play: nasty ones too."""

from typing import Any

import pytest

from bot.core.errors import Invalid, NotFound, OperatorError, VendorUnknown
from bot.core.tool import Risk, ToolContext
from bot.files.drawing import NoText
from bot.files.library import PAGE_CHARS
from tests.tools.kit import refusal
from tests.tools.mailbox.conftest import Side, fault
from tools.mailbox.read import TOOLS, Read, mailbox_read

(TOOL,) = TOOLS
FILES = {
    "gmail": {"files": {"plan.txt": b"We plan to open a second shop.", "x.bin": b"\x00\x01" * 9}},
    "outlook": {"files": [("plan.txt", "text/plain", b"We plan to open a second shop."),
                          ("x.bin", "application/octet-stream", b"\x00\x01" * 9)]},
}  # fmt: skip


async def told(ctx: ToolContext, mail: str, **given: Any) -> str:
    return str((await mailbox_read(ctx, Read(mail=mail, **given))).data)


async def test_a_mail_is_read_whole_with_its_files(side: Side, ctx: ToolContext) -> None:
    head = {"Cc": "eve@example.org", "Reply-To": "desk@example.net"}
    more = head if side.name == "gmail" else {"headers": head}
    mail = side.arrive("Budget", "Dear Ann,\n\nnumbers please.", **more, **FILES[side.name])
    found = await told(ctx, mail)
    for words in (
        "From: Bob <bob@example.org>",
        "Copy to: eve@example.org",
        "Answers go to: desk@example.net",
        "Subject: Budget",
        "Attachment 1: plan.txt",
        "Attachment 2: x.bin",
        "Dear Ann,\n\nnumbers please.",
        "Page 1 of 1",
    ):
        assert words in found, found
    found = await told(ctx, mail, attachment=1)
    assert "plan.txt, attached to “Budget”" in found and "second shop" in found
    with pytest.raises(NoText):
        await told(ctx, mail, attachment=2)
    with pytest.raises(Invalid, match="2 attachments"):
        await told(ctx, mail, attachment=3)


async def test_a_page_of_markup_becomes_words(side: Side, ctx: ToolContext) -> None:
    page = "<p>Hello <b>Ann</b></p><script>evil()</script><p style='display:none'>hidden</p>"
    mail = side.arrive("Page", "", html=page)
    found = await told(ctx, mail)
    assert "Hello" in found and "<b>" not in found
    if side.name == "gmail":  # Outlook itself makes words of it when it is asked for them
        assert "evil" not in found and "hidden" not in found


async def test_a_long_mail_has_pages(side: Side, ctx: ToolContext) -> None:
    mail = side.arrive("Long", "word " * PAGE_CHARS)
    assert "Page 2 of " in await told(ctx, mail, page=2)
    with pytest.raises(Invalid, match="It has"):
        await told(ctx, mail, page=99)


async def test_what_is_not_there_or_broken_is_said(side: Side, ctx: ToolContext) -> None:
    mail = side.arrive("Budget", "x")
    gone = {"gmail": "gmail:00000000000000ff", "outlook": "outlook:AAkALg999999="}[side.name]
    with pytest.raises(NotFound):
        await told(ctx, gone)
    for more in ({"half": True}, {"status": 500}, {"cut": True}):
        side.server.trouble.append(fault("GET messages", **more))
        with pytest.raises(VendorUnknown):
            await told(ctx, mail)
    with pytest.raises(OperatorError, match="is not connected"):
        await told(ctx, {"gmail": "outlook:x", "outlook": "gmail:x"}[side.name])


def test_an_id_leads_to_no_other_address() -> None:
    for bad in ("../../drafts", "..", "x?alt=media", "x/attachments/1", "x#y", "x%2Fy", "x\n"):
        for where in ("gmail", "outlook"):
            assert "pattern" in refusal(Read, mail=f"{where}:{bad}")


def test_it_reads_is_outside_words_and_is_described() -> None:
    assert (TOOL.risk, TOOL.outside, TOOL.egress) == (Risk.READ, True, False)
    assert all(
        name in TOOL.description for name in TOOL.arguments.model_json_schema()["properties"]
    )
    for bad in ("18f2", "yahoo:1", "gmail:", "gmail:a b", "gmail:a\nb"):
        assert refusal(Read, mail=bad)
