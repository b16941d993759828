"""What an agent keeps about a person, and what the two said: the port `Memory` on the store.

A question is answered from three places of one owner (tenant, agent and person): notes, lines of
their conversations, and archives of old ones. Words and meaning each make an order, and both are
blended. What belongs to another owner is never even read. What outside words put in, or what was
said where such words are, is kept apart by `trusted`.
"""

import asyncio
import logging
from collections.abc import Sequence

from agents.runtime.finding import blended, nearest, sought, words_of
from agents.runtime.metering import Metered, Whose
from bot.core.errors import BotError, LimitReached
from bot.core.ids import AgentName, PersonId, TenantId
from bot.core.ports import Clock, Memo
from bot.core.times import from_us, to_us
from bot.store import memory as rows
from bot.store import vectors
from bot.store.script import Database, Script
from bot.store.vectors import ARCHIVE, SAID, Found, Owner

log = logging.getLogger(__name__)

MAX_MEMOS = 500
"""Notes of one agent about one person."""
MAX_FOUND = 20
MAX_SAID = 8
"""Lines and archives of an answer, besides notes."""
MAX_VECTORS = 5_000
"""Of one owner, the newest, that a question is compared with."""
MAX_LINES = 200
"""Lines that hold a word of the question, the newest."""
MAX_EXCERPT = 500
_SAYS = {"user": "said by the person", "archive": "an archived conversation"}


class StoredMemory:
    """Notes, lines and archives in the database."""

    def __init__(self, db: Database, clock: Clock, models: Metered) -> None:
        self._db = db
        self._clock = clock
        self._models = models

    async def remember(self, tenant: TenantId, memo: Memo) -> None:
        """Keep a note; the same id again changes nothing. Raises LimitReached."""
        if not await self._db.write(rows.keep(tenant, memo, MAX_MEMOS)):
            raise LimitReached(f"There are {MAX_MEMOS} notes already. Forget some first.")

    async def recall(
        self, tenant: TenantId, agent: AgentName, person: PersonId | None, query: str
    ) -> Sequence[Memo]:
        """What fits best, or the newest notes for an empty query: 20 trusted, 20 others."""
        memos = await self._db.read(rows.listed(tenant, agent, person, MAX_MEMOS))
        if not words_of(query):
            return _some(memos)
        owner = Owner(tenant=tenant, agent=agent, person=person or "")
        near = await self._near(owner, person, query)
        found = await self._db.read(_found(owner, query, near))
        known = [*memos, *(_as_memo(item, agent, person) for item in found)]
        ids = [id_ for _, id_ in near]
        return _some(await asyncio.to_thread(blended, known, query, ids))

    async def forget(
        self, tenant: TenantId, agent: AgentName, person: PersonId | None, memo: str
    ) -> bool:
        """Delete a note; False when there is none such."""
        at = to_us(self._clock.now())
        return await self._db.write(rows.forget(tenant, agent, person, memo, at))

    async def _near(
        self, owner: Owner, person: PersonId | None, query: str
    ) -> list[tuple[str, str]]:
        """What is near in meaning; nothing when nobody can tell: words find it all the same."""
        embedder = self._models.embedder
        there = self._db.compares
        most = 1 if there else MAX_VECTORS
        known = await self._db.read(vectors.of_owner(owner, embedder.name, most))
        if not known:
            return []
        whose = Whose(tenant=TenantId(owner.tenant), agent=owner.agent, person=person)
        try:
            (asked,) = await self._models.embed(whose, [query])
        except BotError as error:
            log.warning("A question was looked up by words alone: %s", error.message)
            return []
        how = (embedder.floor, 2 * MAX_FOUND)
        if there:
            return await self._db.read(vectors.nearest(owner, embedder.name, asked, *how))
        return await asyncio.to_thread(nearest, asked, known, *how)


def _found(owner: Owner, query: str, near: list[tuple[str, str]]) -> Script[list[Found]]:
    """Lines and archives that a question may be about, each once."""
    lines = yield from vectors.worded(owner, sought(query, vectors.MOST_WORDS), MAX_LINES)
    lines += yield from vectors.said(owner, [id_ for kind, id_ in near if kind == SAID])
    away = yield from vectors.put_away(owner, MAX_LINES)
    return list({item.id: item for item in (*lines, *away)}.values())


def _as_memo(item: Found, agent: AgentName, person: PersonId | None) -> Memo:
    text = item.text
    if len(text) > MAX_EXCERPT and item.kind != ARCHIVE:
        text = text[:MAX_EXCERPT].rsplit(" ", 1)[0] + " …"
    return Memo(
        id=item.id,
        text=text,
        source=_SAYS.get(item.role, f"said by {agent}"),
        trusted=not item.tainted,
        person=person,
        agent=agent,
        at=from_us(item.at),
        conv=item.conv,
        event=item.event,
    )


def _some(memos: Sequence[Memo]) -> Sequence[Memo]:
    """The first 20 that are trusted, and the first 20 that are not; few lines among each."""
    kept: list[Memo] = []
    for trusted in (True, False):
        own = [memo for memo in memos if memo.trusted is trusted]
        lines = {memo.id for memo in [m for m in own if not _is_note(m)][MAX_SAID:]}
        kept += [memo for memo in own if memo.id not in lines][:MAX_FOUND]
    return kept


def _is_note(memo: Memo) -> bool:
    return not memo.id.startswith(("msg_", "arc_"))
