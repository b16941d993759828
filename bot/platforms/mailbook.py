"""The book of mail: what became of what was sent, and whom nothing more is sent to.

A hard bounce and a complaint close an address for every later mail: answers, cards and tools. A
bounce is forgiven when its owner writes to us and proves it, because then the mailbox lives; a
complaint is not. An owner of the house may open an address again.
"""

from collections.abc import Sequence

from bot.core.errors import NotFound
from bot.core.ids import TenantId
from bot.core.ports import Clock
from bot.core.times import to_us
from bot.platforms.lent import News
from bot.render.text import clean, one_line
from bot.store import mail as rows
from bot.store.mail import Block, Told
from bot.store.script import Database

CLOSING = frozenset({"bounced", "complained"})
MAX_DETAIL = 300
LATEST = 2**62
_WORDS = {
    "bounced": "mail to it came back",
    "complained": "its owner reported a mail as unwanted",
}


class Book:
    """The book of one tenant; the port `Mailbook`."""

    def __init__(self, db: Database, clock: Clock, tenant: TenantId) -> None:
        self._db, self._clock, self._tenant = db, clock, tenant

    async def note(self, news: News) -> bool:
        """Write it down, once; False when it is there. Raises StoreError."""
        row = {
            "id": news.id,
            "address": news.address,
            "state": news.state,
            "key": news.key,
            "detail": one_line(clean(news.detail))[:MAX_DETAIL],
        }
        closes = news.state in CLOSING
        return await self._db.write(rows.note(self._tenant, row, self._now(), closes=closes))

    async def why_closed(self, address: str) -> str:
        """Why nothing is sent there, in words; empty when mail is."""
        found = await self._db.read(rows.state(self._tenant, address))
        return _WORDS.get(found[0], found[0]) if found else ""

    async def told_of(self, key: str) -> str:
        """The news that shows that a mail of this key was sent; empty when there is none."""
        return await self._db.read(rows.told_of(self._tenant, key)) if key else ""

    async def lives(self, address: str, before: int = LATEST) -> None:
        """Its owner wrote to us: a bounce before then is forgiven."""
        if await self._db.read(rows.state(self._tenant, address)):
            lift = rows.lift(self._tenant, address, "bounced", self._now(), before=before)
            await self._db.write(lift)

    async def recent(self, before: int = LATEST, limit: int = 100) -> Sequence[Told]:
        """News, the latest first."""
        return await self._db.read(rows.recent(self._tenant, before, limit))

    async def blocks(self, before: int = LATEST, limit: int = 100) -> Sequence[Block]:
        """Addresses that nothing more is sent to, the latest first."""
        return await self._db.read(rows.blocks(self._tenant, before, limit))

    async def open(self, address: str, actor: str) -> str:
        """Send there again, because somebody says so; what it was closed for. Raises NotFound."""
        found = await self._db.read(rows.state(self._tenant, address))
        if not found or not await self._db.write(
            rows.lift(self._tenant, address, found[0], self._now(), actor)
        ):
            raise NotFound("This address is not closed. `bot mail closed` lists those that are.")
        return found[0]

    def _now(self) -> int:
        return to_us(self._clock.now())
