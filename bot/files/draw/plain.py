"""Text that is text already: decoded, tables (CSV) set in columns, HTML without its marks."""

import codecs
import csv
from itertools import islice, pairwise

from bot.fetch.reading import read as read_page
from bot.files.draw.limits import Text, Unreadable

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CUT = "Only the beginning is here: the file holds more text."
_DELIMITERS = ",;\t|"
_LOOKED_AT = 6
"""Rows by which a table is known."""


def decode(data: bytes) -> str:
    """The text, by its mark, as UTF-8, or as what Windows wrote in the West."""
    for mark, name in _BOMS:
        if data.startswith(mark):
            try:
                return data.decode(name)
            except UnicodeDecodeError as error:
                raise Unreadable("This text breaks off or is damaged.") from error
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def read_html(data: bytes) -> tuple[str, str]:
    """What a person would see of a page, without scripts and what is hidden."""
    title, found = read_page("text/html", "", data, "")
    text = Text()
    text.add(f"{title}\n\n{found}" if title else found)
    return str(text), _CUT * text.is_cut


def read_text(data: bytes) -> tuple[str, str]:
    """Plain text, or a table with a bar between its cells."""
    found = decode(data)
    delimiter = _delimiter(found)
    text = Text()
    if not delimiter:
        text.add(found.replace("\r\n", "\n"))
        return str(text), _CUT * text.is_cut
    try:
        for row in csv.reader(found.splitlines(keepends=True), delimiter=delimiter):
            text.add(" | ".join(" ".join(cell.split()) for cell in row) + "\n")
            if text.is_full:
                break
    except csv.Error:
        text = Text()
        text.add(found)
    return str(text), _CUT * (text.is_cut or text.is_full)


def _delimiter(text: str) -> str:
    """What stands between cells, where the first rows have equally many; empty for no table."""
    lines = text[:20_000].splitlines(keepends=True)
    for mark in _DELIMITERS:
        try:
            rows = list(islice(filter(None, csv.reader(lines, delimiter=mark)), _LOOKED_AT))
        except csv.Error:
            continue
        counts = [len(row) for row in rows]
        if len(rows) > 1 and counts[0] > 1 and all(a == b for a, b in pairwise(counts)):
            return mark
    return ""
