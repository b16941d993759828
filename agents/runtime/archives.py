"""Archives: once a week old conversations are put away into compressed files, and come back.

The file stands on the disk, whole, before any line leaves the database; the lines leave in the
commit that writes the archive's row, and only if they are still what the file holds. So a crash at
any moment leaves every line in at least one of the two places. An archive is found by its title and
by the first sentence of each line. A file is gzip of JSON lines: a head, then each row of `message`
as a list in the order that the head names.
"""

import asyncio
import gzip
import hashlib
import json
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

from agents.runtime.metering import Metered, Whose
from agents.runtime.summary import EXTRACT, extract
from bot.core.conversation import Conversation
from bot.core.errors import BotError, Conflict, NotFound, StoreError
from bot.core.ids import PersonId, TenantId
from bot.core.people import Person, Role
from bot.core.ports import Clock, new_id
from bot.core.times import from_us, to_us
from bot.files import Files, clean_name
from bot.fleet import Peers
from bot.store import archives as rows
from bot.store import files, people, summaries, upkeep
from bot.store.archives import NAMES, Archive, Away
from bot.store.conversations import LINE, line
from bot.store.files import File
from bot.store.rows import dumps
from bot.store.script import Database, Row
from bot.store.summaries import Summary
from bot.store.vectors import ARCHIVE, Vector

log = logging.getLogger(__name__)

LEASE = "archive"
WEEK = timedelta(days=7)
PAGE = 100
MOST_LINES = 2_000
"""Lines of one archive; a longer conversation becomes several."""
MOST_BYTES = 256 * 1024 * 1024
"""Of a file, unpacked."""
FORMAT = "switchboard.conversation/1"


class Archives:
    """Puts away and brings back."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        models: Metered,
        kept: tuple[Files, timedelta],
        peers: Peers,
    ) -> None:
        """`kept`: where files go, and how long a conversation rests before it is put away."""
        self._db = db
        self._clock = clock
        self._models = models
        self._files, self._after = kept
        self._peers = peers

    async def weekly(self) -> int:
        """Put away what is old, if a week has passed since the last time; returns how many."""
        if not await self._peers.take(LEASE):
            return 0
        now = self._clock.now()
        last = await self._db.read(upkeep.noted(upkeep.ARCHIVED_AT))
        if last and to_us(now - WEEK) < int(last):
            return 0
        done = await self.put_away()
        await self._db.write(upkeep.note(upkeep.ARCHIVED_AT, str(to_us(now))))
        return done

    async def put_away(self) -> int:
        """Put away every conversation that rests long enough; returns how many archives."""
        before = to_us(self._clock.now() - self._after)
        done = 0
        for tenant in await self._db.read(people.tenants()):
            after = ""
            while found := await self._db.read(rows.ripe(tenant.id, before, after, PAGE)):
                for conv in found:
                    done += await self._all_of(tenant.id, conv, before)
                after = found[-1]
        return done

    async def restore(self, person: Person, id_: str) -> Archive:
        """Bring an archive's lines back. Raises NotFound, Conflict when that was done before."""
        item = await self._db.read(rows.get(person.tenant, id_))
        if item is None or not (person.role is Role.OWNER or item.person == person.id):
            raise NotFound("There is no such archive here.")
        file = await self._db.read(files.get(person.tenant, item.file))
        if file is None:
            raise NotFound("The file of this archive is gone. Bring back a backup that has it.")
        found = await asyncio.to_thread(_unpack, self._files.path(file), item, person.tenant)
        now = to_us(self._clock.now())
        actor = f"person:{person.id}"
        if not await self._db.write(rows.put_back(person.tenant, item, found, actor, now)):
            raise Conflict("This archive was brought back before.")
        return item

    async def _all_of(self, tenant: TenantId, conv: str, before: int) -> int:
        done = 0
        try:
            while await self._one(tenant, conv, before):
                done += 1
        except BotError as error:
            log.error("Not archived: %s", error.message, extra={"conversation": conv})
        return done

    async def _one(self, tenant: TenantId, conv: str, before: int) -> bool:
        """Put away the first lines of a conversation; False when there are none."""
        found = await self._db.read(rows.read(tenant, conv, MOST_LINES))
        if found is None or not found[1]:
            return False
        where, lines = found
        packed = await asyncio.to_thread(_pack, where, lines)
        sha256, size = await self._files.lay(tenant, _pieces(packed))
        away = await self._away(where, tuple(lines), sha256, size)
        return await self._db.write(rows.put_away(tenant, away, before))

    async def _away(
        self, where: Conversation, lines: tuple[Row, ...], sha256: str, size: int
    ) -> Away:
        now = self._clock.now()
        said = [line(_columns(row)) for row in lines]
        first, last = said[0].n, said[-1].n
        known = await self._db.read(summaries.latest(where.tenant, where.id, 2**62))
        if known and known.last >= last:
            summed = known
        else:
            new = [item for item in said if known is None or item.n > known.last]
            summed = Summary(
                first=known.first if known else first,
                last=last,
                text=extract(known.text if known else "", new),
                model=EXTRACT,
                tainted=where.tainted,
                at=to_us(now),
            )
        item = Archive(
            id=new_id(self._clock, "arc"),
            conv=where.id,
            person=where.person or "",
            agent=where.agent or "",
            title=where.title,
            text=extract("", said),
            first=first,
            last=last,
            lines=len(lines),
            file=new_id(self._clock, "fil"),
            at=to_us(now),
        )
        file = File(
            tenant=where.tenant,
            id=item.file,
            name=clean_name(f"conversation {where.title} {from_us(item.at):%Y-%m-%d}.jsonl.gz"),
            media_type="application/gzip",
            size=size,
            sha256=sha256,
            person=where.person,
            at=item.at,
        )
        vector = await self._vector(where, item)
        return Away(archive=item, file=file, summary=summed, vector=vector, rows=lines)

    async def _vector(self, where: Conversation, item: Archive) -> Vector | None:
        """What it is found by in other words; without it the same words find it."""
        if not item.person:
            return None
        whose = Whose(
            tenant=where.tenant, agent=item.agent, person=PersonId(item.person), conv=where.id
        )
        try:
            (value,) = await self._models.embed(whose, [f"{item.title}\n{item.text}"])
        except BotError as error:
            log.warning("An archive is found by its words alone: %s", error.message)
            return None
        return Vector(
            kind=ARCHIVE,
            id=item.id,
            agent=item.agent,
            person=item.person,
            conv=item.conv,
            model=self._models.embedder.name,
            value=value,
            at=item.at,
        )


def _columns(row: Row) -> Row:
    """The columns of a line, out of a whole row."""
    named = dict(zip(NAMES, row, strict=True))
    return tuple(named[column.name] for column in LINE)


def _pack(where: Conversation, lines: list[Row]) -> bytes:
    """The file: the same lines are the same bytes, whenever they are packed."""
    head = {"format": FORMAT, "tenant": where.tenant, "conversation": where.id, "names": NAMES}
    texts = [dumps({**head, "names": list(NAMES)}), *(dumps(list(row)) for row in lines)]
    return gzip.compress("\n".join(texts).encode(), mtime=0)


def _unpack(path: Path, item: Archive, tenant: str) -> list[Row]:
    """The rows of a file. Raises StoreError when it is not what was put away."""
    try:
        packed = path.read_bytes()
        if hashlib.sha256(packed).hexdigest() != path.name:
            raise StoreError(
                "The file of this archive is damaged. Bring back a backup that has it."
            )
        with gzip.open(path) as stream:
            head, *texts = stream.read(MOST_BYTES).decode().split("\n")
        told = json.loads(head)
        found = [
            rows.row_of(dict(zip(told["names"], json.loads(text), strict=True))) for text in texts
        ]
    except (OSError, ValueError, EOFError, KeyError, TypeError) as error:
        raise StoreError("The file of this archive cannot be read. Bring back a backup.") from error
    mine = (told["format"], told["tenant"], told["conversation"]) == (FORMAT, tenant, item.conv)
    place = {(row[NAMES.index("tenant")], row[NAMES.index("conv")]) for row in found}
    if not mine or place != {(tenant, item.conv)}:
        raise StoreError("The file of this archive is of another conversation.")
    if len(found) != item.lines:
        raise StoreError("The file of this archive is not whole. Bring back a backup that has it.")
    return found


async def _pieces(packed: bytes) -> AsyncIterator[bytes]:
    yield packed
