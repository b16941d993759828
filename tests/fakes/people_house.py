"""A house of people and doors alone: a real database, a clock that stands still, no server."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Self

from bot.credentials import Credentials
from bot.people import People
from bot.store import audit
from bot.store.sqlite import SqliteDatabase
from tests.fakes.database import lay

KEY = b"k" * 32


class StillClock:
    """Time that moves a millisecond a look, and chance from a seed."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
        self.random = Random(7)

    def now(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def chance(self, size: int) -> bytes:
        return self.random.randbytes(size)

    def advance(self, **span: float) -> None:
        self.at += timedelta(**span)


class PeopleHouse:
    """Who is who, and how they come in."""

    def __init__(self, folder: Path) -> None:
        self.clock = StillClock()
        self.db = SqliteDatabase(folder / "people.db")
        self.credentials = Credentials(self.db, self.clock, KEY)
        self.changes = 0
        self.people = People(self.db, self.clock, KEY, self._changed)

    async def __aenter__(self) -> Self:
        lay(self.db.path)
        await self.db.open()
        tenant, self.owner = await self.people.ensure_first()
        self.tenant = tenant.id
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.db.close()

    async def book(self) -> list[tuple[str, str]]:
        """Actor and action of each audit line of the first tenant."""
        rows = await self.db.read(audit.entries(self.tenant, 0, 100))
        return [(entry.actor, entry.action) for entry, _, _ in rows]

    def _changed(self) -> None:
        self.changes += 1
        self.credentials.forget()
