"""What an agent keeps about a person: the port `Memory` on the store.

Simple on purpose: a note is found by the words that it shares with the question, the rarer among
the owner's notes the better, and the newest first where that does not decide. Notes of another
tenant, agent or person are never even read. What outside words put in is kept apart by `trusted`.
"""

import math
import re
from collections import Counter
from collections.abc import Sequence

from bot.core.errors import LimitReached
from bot.core.ids import AgentName, PersonId, TenantId
from bot.core.ports import Memo
from bot.store import memory as rows
from bot.store.script import Database

MAX_MEMOS = 500
"""Notes of one agent about one person."""
MAX_FOUND = 20
_WORD = re.compile(r"\w+")


class StoredMemory:
    """Notes in the database."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def remember(self, tenant: TenantId, memo: Memo) -> None:
        """Keep a note; the same id again changes nothing. Raises LimitReached."""
        if not await self._db.write(rows.keep(tenant, memo, MAX_MEMOS)):
            raise LimitReached(f"There are {MAX_MEMOS} notes already. Forget some first.")

    async def recall(
        self, tenant: TenantId, agent: AgentName, person: PersonId | None, query: str
    ) -> Sequence[Memo]:
        """The notes that fit best, or the newest for an empty query: 20 trusted, 20 others."""
        memos = await self._db.read(rows.listed(tenant, agent, person, MAX_MEMOS))
        best = ranked(memos, query)
        trusted = [memo for memo in best if memo.trusted][:MAX_FOUND]
        others = [memo for memo in best if not memo.trusted][:MAX_FOUND]
        return [*trusted, *others]

    async def forget(
        self, tenant: TenantId, agent: AgentName, person: PersonId | None, memo: str
    ) -> bool:
        """Delete a note; False when there is none such."""
        return await self._db.write(rows.forget(tenant, agent, person, memo))


def ranked(memos: Sequence[Memo], query: str) -> Sequence[Memo]:
    """The memos that share a word with the query, best first; all of them for an empty one."""
    wanted = words_of(query)
    if not wanted:
        return memos
    texts = [words_of(memo.text) for memo in memos]
    spread = Counter(word for text in texts for word in text)
    scores = [
        sum(math.log(1 + len(memos) / spread[word]) for word in wanted & text) for text in texts
    ]
    order = sorted(range(len(memos)), key=lambda n: -scores[n])  # stable: the newest first
    return [memos[n] for n in order if scores[n] > 0]


def words_of(text: str) -> frozenset[str]:
    """Words without their commonest endings, so that `invoices` finds `invoice`."""
    return frozenset(_stem(word) for word in _WORD.findall(text.casefold()))


def _stem(word: str) -> str:
    for ending in ("s", "ing", "e"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending)
    return word
