"""Files that people give us: bytes on the disk under `tenant/sha256`, names in the database.

Bytes go into a temporary file, to the disk, then to their place by a rename, so that a row never
names bytes that are not there. The path is made of a tenant's id and a digest, nothing that anybody
typed. The same bytes are kept once per tenant and never shared between tenants.
"""

import asyncio
import hashlib
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

from bot.core.errors import Invalid, NotFound, StoreError
from bot.core.ids import TenantId
from bot.core.people import Person, Role
from bot.core.ports import Clock, new_id
from bot.core.times import to_us
from bot.store import files as rows
from bot.store.files import File
from bot.store.script import Database

MAX_BYTES = 25 * 1024 * 1024
SHOWN_INLINE = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Types that a browser may show by itself; none of them carries a script."""
_TYPE = re.compile(r"[a-z]+/[a-z0-9][a-z0-9.+-]{0,99}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[A-Za-z0-9_]{1,80}")


class TooLarge(Invalid):
    """This file is too large: 25 MB is the most."""

    status = 413


class Files:
    """Keeps and finds files."""

    def __init__(self, db: Database, clock: Clock, folder: Path) -> None:
        self._db = db
        self._clock = clock
        self._folder = folder

    async def keep(
        self, person: Person, name: str, media_type: str, pieces: AsyncIterator[bytes]
    ) -> File:
        """Write bytes to the disk, then their row. Raises TooLarge, StoreError; nothing is left."""
        sha256, size = await self.lay(person.tenant, pieces)
        item = File(
            tenant=person.tenant,
            id=new_id(self._clock, "fil"),
            name=clean_name(name),
            media_type=clean_type(media_type),
            size=size,
            sha256=sha256,
            person=person.id,
            at=to_us(self._clock.now()),
        )
        await self._db.write(rows.add(item))
        return item

    async def lay(self, tenant: TenantId, pieces: AsyncIterator[bytes]) -> tuple[str, int]:
        """Write bytes to the disk and return digest and size; whoever asks writes the row.

        The same bytes again change nothing. Raises TooLarge, StoreError.
        """
        try:
            return await self._keep(self._folder_of(tenant), pieces)
        except OSError as error:
            raise StoreError(
                f"The file cannot be kept: {error.strerror}. Make room or mend the disk."
            ) from error

    async def _keep(self, folder: Path, pieces: AsyncIterator[bytes]) -> tuple[str, int]:
        part = folder / f"{new_id(self._clock, 'part')}.part"
        descriptor = await asyncio.to_thread(_create, part)
        try:
            try:
                sha256, size = await _write(descriptor, pieces)
            finally:
                os.close(descriptor)
            await asyncio.to_thread(_place, part, folder / sha256)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return sha256, size

    async def get(self, person: Person, id_: str) -> File:
        """A file of this person; owners get any of their tenant. Raises NotFound."""
        item = await self._db.read(rows.get(person.tenant, id_)) if _ID.fullmatch(id_) else None
        if item is None or not (person.role is Role.OWNER or item.person == person.id):
            raise NotFound("There is no such file here.")
        return item

    def path(self, item: File) -> Path:
        """Where the bytes are. Raises NotFound when the row names no digest."""
        if not _SHA256.fullmatch(item.sha256):
            raise NotFound("There is no such file here.")
        return self._folder_of(TenantId(item.tenant)) / item.sha256

    def _folder_of(self, tenant: TenantId) -> Path:
        if not _ID.fullmatch(tenant):
            raise NotFound("There is no such tenant.")
        return self._folder / tenant


def clean_name(name: str) -> str:
    """The last part of a name, without controls and at most 200 characters long."""
    last = name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(char for char in last if char.isprintable()).strip(" .")
    return shown[-200:] or "file"


def clean_type(media_type: str) -> str:
    """A plain media type; anything odd becomes bytes."""
    plain = media_type.split(";", 1)[0].strip().lower()
    return plain if _TYPE.fullmatch(plain) else "application/octet-stream"


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


def _place(part: Path, target: Path) -> None:
    part.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
