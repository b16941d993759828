"""Archives: once a week old conversations are put away into compressed files, and come back.

The file stands on the disk, whole, before any line leaves the database; the lines leave in the
commit that writes the archive's row, and only if they are still what the file holds. So a crash at
any moment leaves every line in at least one of the two places. An archive is found by its title and
by the first sentence of each line. A file is gzip of JSON lines: a head, then each row of `message`
as a list in the order that the head names.
"""

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator
from datetime import timedelta
from io import BytesIO

from agents.runtime.metering import Metered, Whose
from agents.runtime.summary import EXTRACT, extract
from bot.core.conversation import Conversation
from bot.core.errors import BotError, Conflict, NotFound, StoreError
from bot.core.ids import PersonId, TenantId
from bot.core.people import Person, Role
from bot.core.ports import Clock, new_id
from bot.core.times import to_us
from bot.files.files import Files, NewFile
from bot.fleet import Peers
from bot.store import archives as rows
from bot.store import files, people, summaries, upkeep
from bot.store.archives import NAMES, Archive, Away
from bot.store.conversations import LINE, line
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
        self.files, self._after = kept
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
        packed = await self.files.whole(file)
        found = await asyncio.to_thread(_unpack, packed, item, person.tenant)
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
        now = self._clock.now()
        new = NewFile(
            tenant=tenant,
            person=where.person,
            name=f"conversation {where.title} {now:%Y-%m-%d}.jsonl.gz",
            media_type="application/gzip",
        )
        file = await self.files.lay(new, _pieces(packed))
        away = await self._away(where, tuple(lines), file.id)
        return await self._db.write(rows.put_away(tenant, away, before))

    async def _away(self, where: Conversation, lines: tuple[Row, ...], file: str) -> Away:
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
            file=file,
            at=to_us(now),
        )
        vector = await self._vector(where, item)
        return Away(archive=item, summary=summed, vector=vector, rows=lines)

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


def _unpack(packed: bytes, item: Archive, tenant: str) -> list[Row]:
    """The rows of a file. Raises StoreError when it is not what was put away."""
    try:
        with gzip.open(BytesIO(packed)) as stream:
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
