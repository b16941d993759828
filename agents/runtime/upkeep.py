"""Upkeep: what is done behind the turns so that things are found again and prompts stay short.

Notes and lines are embedded, and long conversations summed up. How far that has come stands in
rows, in the commit of the work itself: a process that dies in between leaves what it did, and the
next look goes on. One process of several does it. What fails is tried again with growing pauses,
and holds up no other conversation.
"""

import logging
from collections.abc import Sequence
from typing import Protocol

from agents.runtime.metering import Metered, Whose
from bot.core.conversation import Line
from bot.core.errors import BotError
from bot.core.ids import PersonId, TenantId
from bot.core.ports import Clock
from bot.core.times import to_us
from bot.fleet import Peers
from bot.store import people, vectors
from bot.store import upkeep as rows
from bot.store.script import Database
from bot.store.upkeep import Behind
from bot.store.vectors import MEMO, SAID, Bare, Vector

log = logging.getLogger(__name__)

LEASE = "memory"
PAGE = 100
OVERLAP_US = 60_000_000
"""Clocks of several processes differ; what came a minute before is looked at again."""
IDLE_US = 600_000_000
"""A house where nothing happens moves its mark every ten minutes."""
FIRST_PAUSE_S, LAST_PAUSE_S = 30, 3600


class Summing(Protocol):
    """Sums up what is too long."""

    async def tend(self, tenant: str, conv: str) -> int: ...


class Upkeep:
    """Does it."""

    def __init__(
        self, db: Database, clock: Clock, models: Metered, summaries: Summing, peers: Peers
    ) -> None:
        self._db = db
        self._clock = clock
        self._models = models
        self._summaries = summaries
        self._peers = peers

    async def tend(self) -> int:
        """Do what there is to do, unless another process does; returns how much was done."""
        if not await self._peers.take(LEASE):
            return 0
        tenants = [tenant.id for tenant in await self._db.read(people.tenants())]
        await self._same_embedder(tenants)
        since = int(await self._db.read(rows.noted(rows.SINCE)) or 0)
        began = to_us(self._clock.now())
        oldest = await self._db.read(rows.oldest_open())
        done = 0
        for tenant in tenants:
            done += await self._memos(tenant)
            done += await self._conversations(tenant, since)
        for whose, conv in await self._db.read(rows.due(began, PAGE)):
            done += await self._conversation(whose, conv)
        mark = min(began, oldest if oldest is not None else began) - OVERLAP_US
        if done or mark - since > IDLE_US:
            await self._db.write(rows.note(rows.SINCE, str(max(mark, 1))))
        return done

    async def _same_embedder(self, tenants: Sequence[str]) -> None:
        """Begin anew when another model embeds than the last time."""
        name = self._models.embedder.name
        if await self._db.read(rows.noted(rows.EMBEDDED_BY)) != name:
            await self._db.write(rows.start_over(list(tenants), name))

    async def _memos(self, tenant: TenantId) -> int:
        done = 0
        while bare := await self._db.read(vectors.bare(tenant, PAGE)):
            try:
                items = [
                    item for group in _by_owner(bare) for item in await self._embed(tenant, group)
                ]
            except BotError as error:
                log.warning("Notes cannot be embedded yet: %s", error.message)
                return done
            done += await self._db.write(vectors.index_memos(tenant, items))
            if len(bare) < PAGE:
                break
        return done

    async def _embed(self, tenant: TenantId, memos: Sequence[Bare]) -> list[Vector]:
        person = PersonId(memos[0].person) if memos[0].person else None
        whose = Whose(tenant=tenant, agent=memos[0].agent, person=person)
        values = await self._models.embed(whose, [memo.text for memo in memos])
        name = self._models.embedder.name
        return [
            Vector(
                kind=MEMO,
                id=memo.id,
                agent=memo.agent,
                person=memo.person,
                conv=memo.conv,
                model=name,
                value=value,
                at=memo.at,
            )
            for memo, value in zip(memos, values, strict=True)
        ]

    async def _conversations(self, tenant: TenantId, since: int) -> int:
        done, after = 0, ""
        while found := await self._db.read(rows.with_news(tenant, since, after, PAGE)):
            for conv in found:
                done += await self._conversation(tenant, conv)
            after = found[-1]
        return done

    async def _conversation(self, tenant: str, conv: str) -> int:
        """Bring one conversation up to date; 1 when there was something to do."""
        behind = await self._db.read(rows.behind(tenant, conv, PAGE))
        if behind is None:
            return 0
        failure: BotError | None = None
        try:
            await self._summaries.tend(tenant, conv)
        except BotError as error:  # the lines are embedded all the same
            failure = error
        try:
            while behind is not None and behind.lines:
                await self._index(tenant, conv, behind)
                behind = await self._db.read(rows.behind(tenant, conv, PAGE))
        except BotError as error:
            failure = error
        if failure is not None:
            log.warning("Upkeep waits: %s", failure.message, extra={"conversation": conv})
            await self._later(tenant, conv)
        elif behind is not None:
            await self._db.write(rows.settled(tenant, conv, behind.last))
        return 1

    async def _index(self, tenant: str, conv: str, behind: Behind) -> None:
        """Embed what people and agents said; lines of nobody's conversation belong to no memory."""
        said = [line for line in behind.lines if _counts(line)] if behind.person else []
        whose = Whose(
            tenant=TenantId(tenant), agent=behind.agent, person=PersonId(behind.person), conv=conv
        )
        values = await self._models.embed(whose, [line.text for line in said])
        name = self._models.embedder.name
        items = [
            Vector(
                kind=SAID,
                id=line.id,
                agent=behind.agent,
                person=behind.person,
                conv=conv,
                model=name,
                value=value,
                at=to_us(line.at),
            )
            for line, value in zip(said, values, strict=True)
        ]
        last = behind.lines[-1].n
        await self._db.write(rows.index_lines(tenant, conv, items, last, behind.tries))

    async def _later(self, tenant: str, conv: str) -> None:
        behind = await self._db.read(rows.behind(tenant, conv, 1))
        if behind is None:  # a turn is open: its end is news
            return
        pause = min(LAST_PAUSE_S, FIRST_PAUSE_S * 2 ** min(behind.tries, 10))
        due = to_us(self._clock.now()) + pause * 1_000_000
        await self._db.write(rows.postpone(tenant, conv, behind.n, behind.tries + 1, due))


def _by_owner(memos: Sequence[Bare]) -> list[list[Bare]]:
    groups: dict[tuple[str, str], list[Bare]] = {}
    for memo in memos:
        groups.setdefault((memo.agent, memo.person), []).append(memo)
    return list(groups.values())


def _counts(line: Line) -> bool:
    return (
        line.role in ("user", "assistant")
        and not line.text.startswith("/")
        and bool(line.text.strip())
    )
