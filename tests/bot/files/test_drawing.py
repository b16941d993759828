"""Text out of files: what each kind gives, and what a hostile one does not manage to do."""

import asyncio
import io
import os
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from random import Random

import pytest

from bot.files import drawing as module
from bot.files.draw import limits
from bot.files.draw.child import draw
from bot.files.draw.kind import Kind, kind_of
from bot.files.drawing import Drawing, Drawn, NoText

pypdf = pytest.importorskip("pypdf")

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
BODY = "<w:p><w:r><w:t>Opening</w:t><w:tab/><w:t>hours</w:t></w:r></w:p><w:p><w:r><w:t>Sunday &amp; Monday</w:t></w:r></w:p>"


async def text_of(data: bytes) -> Drawn:
    return await Drawing().draw(data)


async def refusal(data: bytes, timeout_s: float = 20.0) -> str:
    with pytest.raises(NoText) as caught:
        await Drawing(timeout_s).draw(data)
    return caught.value.message


def word(body: str = BODY, name: str = "word/document.xml", head: str = "") -> bytes:
    """A Word file with this body."""
    xml = (
        f'<?xml version="1.0"?>{head}<w:document xmlns:w="{W}"><w:body>{body}</w:body></w:document>'
    )
    return packed({"[Content_Types].xml": b"<Types/>", name: xml.encode()})


def packed(parts: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return made.getvalue()


def pdf(*pages: str, password: str = "", stream: bytes = b"") -> bytes:
    """A PDF with a line on each page; of `stream` on all of them where it is given."""
    from pypdf import PdfWriter
    from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

    writer = PdfWriter()
    font = DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Font"),
            NameObject("/Subtype"): NameObject("/Type1"),
            NameObject("/BaseFont"): NameObject("/Helvetica"),
        }
    )
    for line in pages:
        page = writer.add_blank_page(300, 300)
        content = DecodedStreamObject()
        content.set_data(stream or f"BT /F1 12 Tf 20 200 Td ({line}) Tj ET".encode())
        fonts = DictionaryObject({NameObject("/F1"): font})
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
        page[NameObject("/Contents")] = writer._add_object(content.flate_encode())
    if password:
        writer.encrypt(password, algorithm="AES-256")
    made = io.BytesIO()
    writer.write(made)
    return made.getvalue()


async def test_a_pdf_is_read_page_by_page() -> None:
    found = await text_of(pdf("Open on Sunday", "Closed on Monday"))
    assert found.kind == "pdf"
    assert found.text == "[page 1]\nOpen on Sunday\n\n[page 2]\nClosed on Monday\n\n"
    assert found.note == ""


async def test_pages_without_text_are_counted_and_a_scan_is_named() -> None:
    assert "1 of 2 pages hold no text" in (await text_of(pdf("Open", ""))).note
    assert "a scan" in await refusal(pdf("", ""))


async def test_a_word_file_is_read() -> None:
    found = await text_of(word())
    assert (found.kind, found.text) == ("docx", "Opening\thours\nSunday & Monday\n\n")


async def test_cells_and_footnotes_of_a_word_file_are_read() -> None:
    cell = "<w:tc><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:tc>"
    body = f"<w:tbl><w:tr>{cell.format('Mon')}{cell.format('9-5')}</w:tr></w:tbl>"
    note = f'<w:footnotes xmlns:w="{W}"><w:t>By hand.</w:t></w:footnotes>'.encode()
    xml = f'<w:document xmlns:w="{W}"><w:instrText>HIDDEN</w:instrText>{body}</w:document>'.encode()
    found = await text_of(packed({"word/document.xml": xml, "word/footnotes.xml": note}))
    assert found.text.split() == ["Mon", "|", "9-5", "|", "By", "hand."]


async def test_a_page_is_read_as_a_person_sees_it() -> None:
    page = b"<!DOCTYPE html><title>Hours</title><script>evil()</script><p>Open <b>Sunday</b></p><p style='display:none'>hidden</p>"
    found = await text_of(page)
    assert found.kind == "html"
    assert "Open Sunday" in found.text
    assert "evil" not in found.text
    assert "hidden" not in found.text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"Name;City\nAna;Bonn\n", "Name | City\nAna | Bonn\n"),
        (b'a,b\n"x, y","1\n2"\n', "a | b\nx, y | 1 2\n"),
        ("\ufeffName\tOrt\nÜmit\tKöln".encode(), "Name | Ort\nÜmit | Köln\n"),
        (b"Dear all, hello.\r\nSee you.", "Dear all, hello.\nSee you."),
        ("Grüße".encode("cp1252"), "Grüße"),
        ("Grüße".encode("utf-16"), "Grüße"),
        (b'{"a": 1}', '{"a": 1}'),
        (
            b"Dear all, \x07open\x1b[31m on Sunday and on Monday.",
            "Dear all, open[31m on Sunday and on Monday.",
        ),
    ],
    ids=[
        "semicolons",
        "quotes",
        "a mark and tabs",
        "prose",
        "windows",
        "utf-16",
        "json",
        "controls",
    ],
)
async def test_text_is_text(data: bytes, text: str) -> None:
    assert (await text_of(data)).text == text


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (pdf("x"), Kind.PDF),
        (b"\n\n%PDF-1.7", Kind.PDF),
        (word(), Kind.ZIP),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), Kind.OLD_OFFICE),
        (b"\x89PNG\r\n\x1a\n" + bytes(90), Kind.PICTURE),
        (b"  <!-- a --><HTML>", Kind.HTML),
        (b"<html", Kind.HTML),
        (b"<htmlx>", Kind.TEXT),
        (b"GIF8 is a format", Kind.TEXT),
        (b"BMW", Kind.TEXT),
        (b"\x7fELF" + bytes(100), Kind.OTHER),
        (Random(1).randbytes(5000), Kind.OTHER),
        (b"plain", Kind.TEXT),
        (b"", Kind.TEXT),
    ],
)
def test_a_kind_is_known_by_content(data: bytes, kind: Kind) -> None:
    assert kind_of(data) is kind


async def test_what_holds_no_text_is_told_in_a_sentence() -> None:
    locked = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)
    told = {
        "Save it without one": pdf("secret", password="geheim"),
        "without a password": locked,
        "a picture": b"\x89PNG\r\n\x1a\n" + bytes(90),
        "no kind of file": b"\x7fELF" + bytes(100),
        "PDF is broken": pdf("x")[:200],
        "Word file is broken": word()[:150],
        "no Word file": packed({"a.txt": b"x"}),
        "no text in this file": b"  \n",
    }
    for words, data in told.items():
        message = await refusal(data)
        assert words in message, (words, message)
        assert message.endswith("."), message


async def test_a_pdf_that_anybody_may_open_is_read_although_it_is_encrypted() -> None:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf("Open"))))
    writer.encrypt("", "owner", algorithm="AES-256")
    made = io.BytesIO()
    writer.write(made)
    assert "Open" in (await text_of(made.getvalue())).text


# What is made to harm.


async def test_a_part_that_unpacks_to_too_much_is_not_opened() -> None:
    bomb = word("<w:p/>" + " " * 40_000_000)
    assert len(bomb) < 100_000
    assert "far more than it is" in await refusal(bomb)


async def test_an_archive_that_lies_about_its_parts_is_not_unpacked() -> None:
    """Its directory says a hundred bytes where forty million are."""
    bomb = word("<w:p/>" + " " * 40_000_000)
    with zipfile.ZipFile(io.BytesIO(bomb)) as archive:
        true = archive.getinfo("word/document.xml").file_size
    lying = bomb.replace(true.to_bytes(4, "little"), (100).to_bytes(4, "little"))
    assert lying != bomb
    assert "Word file is broken" in await refusal(lying)


async def test_a_crowd_of_parts_is_not_looked_through() -> None:
    parts = {f"{n}": b"" for n in range(limits.MAX_MEMBERS + 1)}
    assert "far more" in await refusal(packed({**parts, "word/document.xml": b"<a/>"}))


async def test_deep_xml_and_entities_are_refused() -> None:
    deep = "<w:p>" * 1_000 + "</w:p>" * 1_000
    assert "nested deeper" in await refusal(word(deep))
    laughs = '<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
    assert "defines entities" in await refusal(word("<w:p><w:t>&b;</w:t></w:p>", head=laughs))
    outside = '<!DOCTYPE a SYSTEM "file:///etc/passwd">'
    assert "defines entities" in await refusal(word(head=outside))


async def test_a_pdf_of_too_many_pages_gives_its_first() -> None:
    found = await text_of(pdf(*(f"Page {n}" for n in range(limits.MAX_PAGES + 5))))
    assert "Only the first 500 of 505 pages" in found.note
    assert "Page 504" not in found.text


async def test_a_pdf_that_unpacks_to_hundreds_of_megabytes_is_refused_and_costs_us_nothing() -> (
    None
):
    bomb = pdf("x", stream=b"BT /F1 12 Tf (a) Tj ET\n" + b" " * 400_000_000)
    assert len(bomb) < 1_000_000
    before = _memory()
    began = time.monotonic()
    assert await refusal(bomb)
    assert time.monotonic() - began < 25
    assert _memory() - before < 60_000, "kilobytes of this process"


def _memory() -> int:
    """Resident kilobytes of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


async def test_long_text_is_cut_and_that_is_said() -> None:
    found = await text_of(b"word " * 1_000_000)
    assert len(found.text) == limits.MAX_CHARS
    assert "Only the beginning" in found.note


async def run_instead(monkeypatch: pytest.MonkeyPatch, code: str, timeout_s: float = 20.0) -> str:
    """What a call says whose child does this."""
    monkeypatch.setattr(module, "_CODE", code)
    return await refusal(b"x" * 5_000_000, timeout_s)


async def test_a_child_that_never_ends_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    code = "import time; print(__import__('os').getpid(), flush=True); time.sleep(600)"
    assert "too long" in await run_instead(monkeypatch, code, 1.0)
    assert _children() == []


async def test_a_child_that_talks_without_end_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ANSWER", 100_000)
    assert "cannot be read" in await run_instead(monkeypatch, "while True: print('x' * 10_000)")
    assert _children() == []


@pytest.mark.parametrize(
    "code",
    [
        "import os; os.abort()",
        "raise SystemExit(3)",
        "print('no json')",
        "print('[]')",
        "print('{}')",
        'print(\'{"error": 0, "kind": "pdf"}\')',
    ],
)
async def test_a_child_that_dies_or_talks_nonsense_is_a_file_that_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    assert "cannot be read" in await run_instead(monkeypatch, code)


async def test_a_cancelled_call_leaves_no_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_CODE", "import time; time.sleep(600)")
    call = asyncio.ensure_future(Drawing().draw(b"x"))
    async with asyncio.timeout(20):
        while not _children():
            await asyncio.sleep(0.02)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    assert _children() == []


@pytest.fixture(autouse=True)
def others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Children of this process that other tests keep."""
    monkeypatch.setattr(sys.modules[__name__], "OTHERS", frozenset(_children()))


OTHERS: frozenset[int] = frozenset()


def _children() -> list[int]:
    found = Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text()
    return [number for number in map(int, found.split()) if number not in OTHERS]


def test_the_child_has_no_secret_and_may_neither_grow_nor_write(tmp_path: Path) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from bot.files.draw.child import limit\n"
        "limit()\n"
        "import os\n"
        "assert 'BOT_MASTER_KEY' not in os.environ\n"
        "try:\n    bytearray(2 * 10**9)\nexcept MemoryError:\n    print('small', flush=True)\n"
        "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "try:\n    open(sys.argv[2], 'w').write('x' * 100000)\nexcept OSError:\n    print('dry')\n"
    )
    root = str(Path(module.__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-I", "-c", code, root, str(tmp_path / "x")],
        env={}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.stdout.split() == ["small", "dry"], done.stderr


def test_a_pdf_without_its_reader_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pypdf", None)
    assert "pypdf" in draw(b"%PDF-1.7")["error"]
