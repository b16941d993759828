"""Bytes on their way: they wait in a file of this machine until they are all here.

Only then is their size known, and their digest, and a store is given them whole. Whatever happens,
the waiting file is gone afterwards; one that a killed process left is swept a day later.
"""

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bot.core.errors import StoreError
from bot.core.ports import Clock, new_id
from bot.files.port import MAX_BYTES, TooLarge
from bot.frozen import frozen

LEFT_BEHIND_S = 86_400.0


@frozen
class Spooled:
    """Bytes that are all here."""

    path: Path
    size: int
    sha256: str


class Spool:
    """A folder of waiting files."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock

    @asynccontextmanager
    async def take(self, pieces: AsyncIterator[bytes]) -> AsyncIterator[Spooled]:
        """Hold bytes in a file while the block runs. Raises TooLarge, StoreError."""
        part = self._folder / f"{new_id(self._clock, 'part')}.part"
        try:
            try:
                descriptor = await asyncio.to_thread(_create, part)
                try:
                    sha256, size = await _write(descriptor, pieces)
                finally:
                    os.close(descriptor)
            except OSError as error:
                raise StoreError(
                    f"The file cannot be kept: {error.strerror}. Make room or mend the disk."
                ) from error
            yield Spooled(path=part, size=size, sha256=sha256)
        finally:
            part.unlink(missing_ok=True)

    async def sweep(self) -> int:
        """Remove what a killed process left; how many."""
        return await asyncio.to_thread(_sweep, self._folder)


async def _write(descriptor: int, pieces: AsyncIterator[bytes]) -> tuple[str, int]:
    digest = hashlib.sha256()
    size = 0
    async for piece in pieces:
        size += len(piece)
        if size > MAX_BYTES:
            raise TooLarge
        digest.update(piece)
        await asyncio.to_thread(_write_all, descriptor, piece)
    await asyncio.to_thread(os.fsync, descriptor)
    return digest.hexdigest(), size


def _create(part: Path) -> int:
    for folder in (part.parent.parent, part.parent):
        folder.mkdir(mode=0o700, exist_ok=True)
    return os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)


def _write_all(descriptor: int, piece: bytes) -> None:
    view = memoryview(piece)
    while view:
        view = view[os.write(descriptor, view) :]


def _sweep(folder: Path) -> int:
    done = 0
    for part in folder.glob("*.part"):
        if time.time() - part.stat().st_mtime > LEFT_BEHIND_S:
            part.unlink(missing_ok=True)
            done += 1
    return done
