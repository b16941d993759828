"""Text of a Word file (.docx), with the standard library: a ZIP of XML, both made to be abused.

What an archive says of its parts is checked before a part is opened, and what comes out is counted
all the same, because the archive may lie. The XML is read as a stream: no tree is built, a document
type is refused (so there are no entities), and depth is counted.
ECMA-376, part 1, WordprocessingML: w:p, w:t, w:tab, w:br, w:tc.
"""

import zipfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from xml.parsers import expat

from bot.files.draw.limits import (
    MAX_DEPTH,
    MAX_MEMBERS,
    MAX_RATIO,
    MAX_UNPACKED,
    Text,
    Unreadable,
)

MAIN = "word/document.xml"
PARTS = (MAIN, "word/footnotes.xml", "word/endnotes.xml")
_W = (
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main",
    "http://purl.oclc.org/ooxml/wordprocessingml/main",
)
_PIECE = 65_536
_BOMB = "This file unpacks to far more than it is, so it is not opened."


def read(data: bytes) -> tuple[str, str]:
    """Text and what has to be said of it. Raises Unreadable."""
    text = Text()
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            for info in _checked(archive):
                _Reader(text).feed(_unpacked(archive, info))
    except (zipfile.BadZipFile, zlib.error, expat.ExpatError, EOFError, OSError) as error:
        raise Unreadable("This Word file is broken. Open it and save it anew.") from error
    except (NotImplementedError, RuntimeError, ValueError) as error:
        raise Unreadable("This Word file is packed or locked in a way that is not read.") from error
    return str(text), "Only the beginning is here: the file holds more text." * text.is_cut


def _checked(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The parts to read, after a look at what the archive says of all of them."""
    infos = archive.infolist()
    if len(infos) > MAX_MEMBERS:
        raise Unreadable(_BOMB)
    named = {info.filename: info for info in infos}
    if MAIN not in named:
        raise Unreadable("This is an archive and no Word file. Send what is in it by itself.")
    found = [named[name] for name in PARTS if name in named]
    for info in found:
        most = max(info.compress_size, 5_000) * MAX_RATIO
        if info.file_size > min(MAX_UNPACKED, most):
            raise Unreadable(_BOMB)
    return found


def _unpacked(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Iterator[bytes]:
    left = min(MAX_UNPACKED, max(info.compress_size, 5_000) * MAX_RATIO)
    with archive.open(info) as part:
        while piece := part.read(_PIECE):
            left -= len(piece)
            if left < 0:
                raise Unreadable(_BOMB)
            yield piece


class _Reader:
    """Hears the elements of one part."""

    def __init__(self, text: Text) -> None:
        self._text = text
        self._depth = 0
        self._in_text = False
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._said
        self._parser = parser

    def feed(self, pieces: Iterator[bytes]) -> None:
        """Read a whole part, or until there is no room."""
        for piece in pieces:
            self._parser.Parse(piece, False)
            if self._text.is_full:
                return
        self._parser.Parse(b"", True)
        self._text.add("\n")

    def _doctype(self, *_: object) -> None:
        raise Unreadable("This Word file defines entities, which none needs. It is not read.")

    def _start(self, name: str, _: object) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise Unreadable("This Word file is nested deeper than any document. It is not read.")
        match _local(name):
            case "t":
                self._in_text = True
            case "tab":
                self._text.add("\t")
            case "br" | "cr":
                self._text.add("\n")

    def _end(self, name: str) -> None:
        self._depth -= 1
        match _local(name):
            case "t":
                self._in_text = False
            case "p":
                self._text.add("\n")
            case "tc":
                self._text.add(" | ")

    def _said(self, text: str) -> None:
        if self._in_text:
            self._text.add(text)


def _local(name: str) -> str:
    space, _, local = name.rpartition(" ")
    return local if space in _W else ""
