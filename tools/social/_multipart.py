"""A form with files in it, as bytes: `multipart/form-data`.

https://www.rfc-editor.org/rfc/rfc7578 (read 2026-11-21)

    kind, body = multipart([Part(field="file", data=data, kind="image/png", name="a.png")])

The boundary is made from what the form holds, so the same form is the same bytes.
"""

import hashlib
from collections.abc import Sequence

from bot.frozen import frozen


@frozen
class Part:
    """One field."""

    field: str
    data: bytes
    kind: str = ""
    """Its media type; empty for plain text."""
    name: str = ""
    """A file's name; empty for what is no file."""


def multipart(parts: Sequence[Part]) -> tuple[str, bytes]:
    """The header `Content-Type`, and the body."""
    found = hashlib.sha256()
    for part in parts:
        found.update(part.data)
    boundary = f"switchboard-{found.hexdigest()[:32]}"  # 70 characters at most
    pieces = []
    for part in parts:
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="{_plain(part.field)}"'
        head += f'; filename="{_plain(part.name)}"' if part.name else ""
        head += f"\r\nContent-Type: {part.kind}" if part.kind else ""
        pieces.append(head.encode() + b"\r\n\r\n" + part.data + b"\r\n")
    body = b"".join((*pieces, f"--{boundary}--\r\n".encode()))
    return f"multipart/form-data; boundary={boundary}", body


def _plain(text: str) -> str:
    """A name that cannot end its line or its quotation marks."""
    return text.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")
