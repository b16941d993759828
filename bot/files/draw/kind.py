"""What a file is, by its first bytes and by nothing that anybody says of it."""

import re
from enum import StrEnum

_HTML = re.compile(
    rb"\s*(?:<!--.{0,500}?-->\s*)?<(?:!doctype\s+html|html|head|body)\b", re.I | re.S
)
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_PICTURES = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\x00", b"MM\x00*")
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
LOOKED_AT = 4096


class Kind(StrEnum):
    """What can be told apart."""

    PDF = "pdf"
    ZIP = "zip"
    """Word's files are this, and others as well."""
    HTML = "html"
    TEXT = "text"
    OLD_OFFICE = "old_office"
    """Office files before 2007, and newer ones behind a password."""
    PICTURE = "picture"
    OTHER = "other"


def kind_of(data: bytes) -> Kind:
    """Look at the first bytes."""
    head = data[:LOOKED_AT]
    if b"%PDF-" in head[:1024]:
        return Kind.PDF
    if head.startswith(_ZIP):
        return Kind.ZIP
    if head.startswith(_OLE):
        return Kind.OLD_OFFICE
    is_picture = head.startswith(_PICTURES) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
    if is_picture and not head.isascii():
        return Kind.PICTURE
    if head.startswith(_BOMS):
        return Kind.HTML if _HTML.match(head[3:]) else Kind.TEXT
    if b"\x00" in data or _has_controls(head):
        return Kind.OTHER
    return Kind.HTML if _HTML.match(head) else Kind.TEXT


def _has_controls(head: bytes) -> bool:
    """More than one byte in thirty that no text has."""
    odd = sum(byte < 32 and byte not in b"\t\n\r\f\x1b" for byte in head)
    return odd * 30 > len(head)
