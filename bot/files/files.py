"""Files: taken in, listed, given back, deleted; to and from those who may.

Bytes lie in a store (`port.py`) under `tenants/TENANT/FILE`; everything else about a file is its
row. The order of row and bytes is what makes a crash harmless, at whichever line it falls:

    keep     row `coming` → bytes → row `kept`
    delete   row `going`  → no bytes → no row

Only `kept` rows are seen, so a file is there whole or not at all; whatever else a row says has been
left half done, and after an hour `sweep` removes bytes and row. A member has their own files and
the shared ones; an owner has all of the tenant.
"""

import hashlib
import logging
import re
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta

from bot.core.errors import BotError, Conflict, NotFound, StoreError
from bot.core.ids import PersonId, TenantId
from bot.core.people import Person, Role
from bot.core.ports import Clock, new_id
from bot.core.times import to_us
from bot.files.links import Links
from bot.files.names import clean_name, clean_type
from bot.files.port import FileStore
from bot.files.spool import Spool
from bot.frozen import frozen
from bot.store import files as rows
from bot.store.files import LATEST, File
from bot.store.script import Database

log = logging.getLogger(__name__)

LEFT_AFTER = timedelta(hours=1)
"""Longer than any store takes; what is half done for so long was left by a process that died."""
SWEPT_AT_ONCE = 200
_ID = re.compile(r"[A-Za-z0-9_]{1,80}")


@frozen
class NewFile:
    """What is known of a file before its bytes are here."""

    tenant: TenantId
    person: PersonId | None
    name: str
    media_type: str
    shared: bool = False
    id: str = ""
    """Given by whoever may ask twice for the same file; a new one when empty."""


class Files:
    """Keeps and finds files."""

    def __init__(
        self, db: Database, clock: Clock, store: FileStore, spool: Spool, links: Links
    ) -> None:
        self._db = db
        self._clock = clock
        self._store = store
        self._spool = spool
        self.links = links

    async def keep(self, new: NewFile, pieces: AsyncIterator[bytes]) -> File:
        """Keep bytes. Raises TooLarge, StoreError, VendorError; then nothing is there.

        With an `id` that is kept already, the file that is there is returned: once, however often.
        """
        item = await self.lay(new, pieces)
        if item.state == "kept":
            return item
        await self._db.write(rows.arrived(item.tenant, item.id, to_us(self._clock.now())))
        kept = await self.find(new.tenant, item.id)
        if kept is None:
            raise Conflict("It took too long, and what had arrived was removed. Upload it again.")
        return kept

    async def lay(self, new: NewFile, pieces: AsyncIterator[bytes]) -> File:
        """Put bytes into the store; they count once a commit of the caller's has them `arrived`.

        Without that, the sweep removes them. Raises as `keep` does.
        """
        if not _ID.fullmatch(new.tenant):
            raise NotFound("There is no such tenant.")
        async with self._spool.take(pieces) as here:
            id_ = new.id or new_id(self._clock, "fil")
            now = to_us(self._clock.now())
            item = File(
                tenant=new.tenant,
                id=id_,
                name=clean_name(new.name),
                media_type=clean_type(new.media_type),
                size=here.size,
                sha256=here.sha256,
                person=new.person,
                at=now,
                path=f"tenants/{new.tenant}/{id_}",
                shared=int(new.shared),
                moved_at=now,
            )
            item = await self._db.write(rows.add(item))
            if item.state == "kept":
                return item
            if item.sha256 != here.sha256:
                raise Conflict("Another file is being kept under this id. Try again.")
            # If this raises, bytes may be there or not: the sweep removes them and the row.
            await self._store.put(item.path, here.path)
        return item

    async def get(self, person: Person, id_: str) -> File:
        """A file that this person may read. Raises NotFound."""
        item = await self.find(person.tenant, id_)
        if item is None or not (_is_theirs(item, person) or item.shared):
            raise NotFound("There is no such file here.")
        return item

    async def find(self, tenant: TenantId, id_: str) -> File | None:
        """Any file of a tenant, for who has checked already that it may be read."""
        return await self._db.read(rows.get(tenant, id_)) if _ID.fullmatch(id_) else None

    async def page(
        self, person: Person, before: tuple[int, str] = LATEST, limit: int = 100
    ) -> Sequence[File]:
        """What this person may read, the newest first."""
        whose = None if person.role is Role.OWNER else person.id
        return await self._db.read(rows.page(person.tenant, whose, before, limit))

    async def page_of(
        self, tenant: TenantId, person: str, before: tuple[int, str] = LATEST, limit: int = 100
    ) -> Sequence[File]:
        """The files of one person and the shared ones; the shared ones alone for nobody (empty)."""
        return await self._db.read(rows.page(tenant, person, before, limit))

    async def delete(self, person: Person, id_: str) -> File:
        """Remove a file for good: one's own, or any as an owner. Raises NotFound."""
        item = await self.find(person.tenant, id_)
        if item is None or not _is_theirs(item, person):
            raise NotFound("There is no such file here.")
        if await self._db.read(rows.is_archive(item.tenant, item.id)):
            raise Conflict("This file holds an archived conversation; bring that back first.")
        if not await self._db.write(rows.let_go(item.tenant, item.id, to_us(self._clock.now()))):
            raise NotFound("There is no such file here.")
        try:
            await self._clear(item)
        except BotError as error:
            # Nobody sees it any more; the sweep tries again until the store answers.
            log.warning("A file's bytes are not gone yet: %s", error.message, extra={"file": id_})
        return item

    def read(self, item: File) -> AsyncIterator[bytes]:
        """The bytes, in pieces. Raises BytesMissing, StoreError, VendorError."""
        return self._store.read(item.path)

    async def whole(self, item: File) -> bytes:
        """All bytes at once, as they were given. Raises as `read`, StoreError when they differ."""
        found = b"".join([piece async for piece in self.read(item)])
        if hashlib.sha256(found).hexdigest() != item.sha256:
            raise StoreError("The store gave other bytes than were kept. Upload the file again.")
        return found

    async def sweep(self) -> int:
        """Remove what was left half done, and how many that was. May stop anywhere and run again.

        A store that does not answer leaves its file for the next time.
        """
        done = await self._spool.sweep()
        now = self._clock.now()
        left = await self._db.read(rows.stuck(to_us(now - LEFT_AFTER), SWEPT_AT_ONCE))
        for item in left:
            if item.state == "coming" and not await self._db.write(
                rows.give_up(item.tenant, item.id, to_us(now))
            ):
                continue
            try:
                await self._clear(item)
            except BotError as error:
                log.warning("A file is left for later: %s", error.message, extra={"file": item.id})
                continue
            done += 1
        return done

    async def _clear(self, item: File) -> None:
        """Remove bytes and row of a file that is going."""
        if not await self._db.read(rows.is_path_used(item.tenant, item.path)):
            await self._store.delete(item.path)
        await self._db.write(rows.gone(item.tenant, item.id))


def _is_theirs(item: File, person: Person) -> bool:
    return person.role is Role.OWNER or item.person == person.id
