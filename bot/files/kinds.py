"""What a file is by its first bytes, where whoever sent it does not say.

In-house table of a few signatures: https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern
(read 2026-11-21). What is none of them stays what it was called.
"""

from collections.abc import AsyncIterator

UNSAID = "application/octet-stream"
HEAD = 16
_STARTS: tuple[tuple[bytes, str, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png", ".png"),
    (b"\xff\xd8\xff", "image/jpeg", ".jpg"),
    (b"GIF87a", "image/gif", ".gif"),
    (b"GIF89a", "image/gif", ".gif"),
    (b"%PDF-", "application/pdf", ".pdf"),
)
_BOXES = {
    **dict.fromkeys((b"iso", b"mp4", b"avc", b"M4V", b"das"), ("video/mp4", ".mp4")),
    b"qt ": ("video/quicktime", ".mov"),
}
"""Brands of films, by three letters; pictures and sound come in the same box."""


def kind_of(head: bytes) -> tuple[str, str]:
    """Media type and ending; empty texts for what is not known."""
    for start, media_type, end in _STARTS:
        if head.startswith(start):
            return media_type, end
    if head[:4] == b"RIFF" and head[8:14] == b"WEBPVP":
        return "image/webp", ".webp"
    if head[4:8] == b"ftyp":  # https://www.rfc-editor.org/rfc/rfc4337 (read 2026-11-21)
        return _BOXES.get(head[8:11], ("", ""))
    return "", ""


async def begun(pieces: AsyncIterator[bytes]) -> tuple[bytes, AsyncIterator[bytes]]:
    """The first bytes, and all of the pieces with them. Raises what the pieces raise."""
    head = b""
    async for piece in pieces:
        head += piece
        if len(head) >= HEAD:
            break

    async def whole() -> AsyncIterator[bytes]:
        if head:
            yield head
        async for piece in pieces:
            yield piece

    return head[:HEAD], whole()
