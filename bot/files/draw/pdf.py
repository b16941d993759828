"""Text of a PDF, page by page, by pypdf. https://pypdf.readthedocs.io, read 2026-11-21.

Pages without text (scans) are counted and said. Time and memory are the child's limits.
"""

import logging
from io import BytesIO

from bot.files.draw.limits import MAX_PAGES, Text, Unreadable


def read(data: bytes) -> tuple[str, str]:
    """Text and what has to be said of it. Raises Unreadable."""
    try:
        from pypdf import PdfReader  # only where a PDF has come
        from pypdf.errors import PyPdfError
    except ModuleNotFoundError as error:
        raise Unreadable(
            "PDF files cannot be read here until an owner installs what reads them, pypdf."
        ) from error
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        reader = PdfReader(BytesIO(data), strict=False)
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable("This PDF is locked with a password. Save it without one.")
        return _pages(reader.pages)
    except (PyPdfError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise _broken() from error
    except (RecursionError, ArithmeticError, AssertionError, NotImplementedError) as error:
        raise _broken() from error


# `object` would say less than nothing here: pypdf's own list of pages has no public type.
def _pages(pages) -> tuple[str, str]:  # type: ignore[no-untyped-def]
    text, empty, count = Text(), 0, len(pages)
    for number in range(min(count, MAX_PAGES)):
        found = pages[number].extract_text().strip()
        empty += not found
        text.add(f"[page {number + 1}]\n{found}\n\n")
        if text.is_full:
            return str(text), "Only the beginning is here: the file holds more text."
    if count > MAX_PAGES:
        return str(text), f"Only the first {MAX_PAGES} of {count} pages are here."
    if empty == count:
        raise Unreadable("This PDF holds pictures of pages and no text (a scan).")
    return str(text), f"{empty} of {count} pages hold no text (scans)." if empty else ""


def _broken() -> Unreadable:
    return Unreadable("This PDF is broken. Open it and save it anew.")
