"""A real database with Ana's conversation in it, and a clock that stands still."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.event import Event, Kind, Place, Sender
from bot.core.ids import EventId, PersonId, TenantId, conv_key
from bot.core.people import Person, Role
from bot.core.times import to_us
from bot.store import inbox, people, tables_house
from bot.store.sqlite import SqliteDatabase
from tests.fakes.clock import StillClock
from tests.fakes.database import lay
from tests.scheduler.process import Process

assert tables_house.fire is not None, "the clock's tables are part of the schema"


@pytest.fixture
def clock() -> StillClock:
    """Wednesday, 3 March 2027, 10:17:05 UTC."""
    return StillClock()


@pytest.fixture
async def db(tmp_path: Path, clock: StillClock) -> AsyncIterator[SqliteDatabase]:
    """A database with a person and a conversation."""
    path = tmp_path / "house.db"
    lay(path)
    made = SqliteDatabase(path)
    await made.open()
    ana = Person(
        id=PersonId("per_ana"),
        tenant=TenantId("ten_1"),
        name="Ana",
        role=Role.OWNER,
        created_at=clock.at,
    )
    await made.write(people.add_tenant("ten_1", "One", to_us(clock.at)))
    await made.write(people.add(ana))
    await made.write(inbox.ingest(hello(clock), ("cnv_1", "msg_1"), to_us(clock.at)))
    yield made
    await made.close()


def hello(clock: StillClock) -> Event:
    """Ana's first message."""
    return Event(
        id=EventId("evt_hello"),
        tenant=TenantId("ten_1"),
        channel="web",
        account="",
        ext_id="hello",
        kind=Kind.MESSAGE,
        conv=conv_key("web", "", "per_ana"),
        sender=Sender(ext_id="per_ana", person=PersonId("per_ana")),
        place=Place(id="per_ana"),
        text="Hello",
        at=clock.at,
    )


@pytest.fixture
def house(db: SqliteDatabase, clock: StillClock) -> Process:
    """One process."""
    return Process(db, clock)
