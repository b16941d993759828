"""Bytes in a folder of this machine, or of all machines of a house when `files_shared` is set.

A file appears under its path by a rename, so that it is whole or not there. Folders are 0700, files
0600. Nothing that anybody typed is part of a path.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from bot.core.errors import StoreError
from bot.files.port import PIECE, BytesMissing, checked


class LocalStore:
    """A folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, path: str, source: Path) -> None:
        """See `FileStore`."""
        try:
            await asyncio.to_thread(_place, self._folder, checked(path), source)
        except OSError as error:
            raise StoreError(
                f"The file cannot be kept: {error.strerror}. Make room or mend the disk."
            ) from error

    async def read(self, path: str) -> AsyncIterator[bytes]:
        """See `FileStore`."""
        try:
            descriptor = await asyncio.to_thread(
                os.open, self._folder / checked(path), os.O_RDONLY | os.O_NOFOLLOW
            )
        except FileNotFoundError:
            raise BytesMissing from None
        except OSError as error:
            raise StoreError(f"The file cannot be read: {error.strerror}.") from error
        try:
            while piece := await asyncio.to_thread(os.read, descriptor, PIECE):
                yield piece
        finally:
            os.close(descriptor)

    async def delete(self, path: str) -> None:
        """See `FileStore`."""
        try:
            await asyncio.to_thread((self._folder / checked(path)).unlink, missing_ok=True)
        except OSError as error:
            raise StoreError(f"The file cannot be removed: {error.strerror}.") from error


def _place(root: Path, path: str, source: Path) -> None:
    """Copy beside the target, to the disk, then rename."""
    target = root / path
    folder = root
    folder.mkdir(mode=0o700, exist_ok=True)
    for part in Path(path).parent.parts:
        folder /= part
        folder.mkdir(mode=0o700, exist_ok=True)
    spool = root / "spool"
    spool.mkdir(mode=0o700, exist_ok=True)
    descriptor, name = tempfile.mkstemp(suffix=".part", dir=spool)  # 0600, and nobody else's
    part_file = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as kept, source.open("rb") as taken:
            shutil.copyfileobj(taken, kept, PIECE)
            kept.flush()
            os.fsync(kept.fileno())
        part_file.replace(target)
    except BaseException:
        part_file.unlink(missing_ok=True)
        raise
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
