"""What a file is by its first bytes."""

from collections.abc import AsyncIterator

import pytest

from bot.files.kinds import begun, kind_of

CASES = (
    (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png", ".png"),
    (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg", ".jpg"),
    (b"GIF89a\x01\x00\x01\x00", "image/gif", ".gif"),
    (b"RIFF\x24\0\0\0WEBPVP8 ", "image/webp", ".webp"),
    (b"RIFF\x24\0\0\0WAVEfmt ", "", ""),
    (b"%PDF-1.7\n", "application/pdf", ".pdf"),
    (b"<svg onload=alert(1)>", "", ""),
    (b"", "", ""),
)


@pytest.mark.parametrize(("head", "media_type", "end"), CASES)
def test_it_is_told_by_its_signature(head: bytes, media_type: str, end: str) -> None:
    assert kind_of(head) == (media_type, end)


@pytest.mark.parametrize("size", [1, 3, 16, 100])
async def test_looking_at_the_beginning_takes_nothing_away(size: int) -> None:
    raw = bytes(range(100))

    async def pieces() -> AsyncIterator[bytes]:
        for at in range(0, len(raw), size):
            yield raw[at : at + size]

    head, whole = await begun(pieces())
    assert head == raw[:16]
    assert b"".join([piece async for piece in whole]) == raw
