"""Albums on each database: parts that come all at once, from several processes, are one message."""

import asyncio
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.core.event import Attachment, Event, Kind, Place, Sender
from bot.core.ids import EventId, TenantId, conv_key
from bot.core.times import to_us
from bot.inbox import arrive
from bot.store import albums, conversations, turns
from bot.store import people as people_rows
from bot.store.postgres import PostgresDatabase
from bot.store.script import Database
from tests.bot.store.test_lockstep import Watched

HOME = TenantId("ten_home")
AT = datetime(2027, 3, 3, tzinfo=UTC)
PARTS = 10


def part(number: int) -> Event:
    item = Attachment(name=f"{number}.jpg", media_type="image/jpeg", size=1, source=f"f{number}")
    return Event(
        id=EventId(f"evt_{number}"),
        tenant=HOME,
        channel="telegram",
        account="7",
        ext_id=f"5:{number}",
        kind=Kind.MESSAGE,
        conv=conv_key("telegram", "7", "5", ""),
        sender=Sender(ext_id="11"),
        place=Place(id="5"),
        text=f"words {number}" if number == 4 else "",
        at=AT,
        attachments=(item,),
        payload={"album": "13"},
    )


async def bring(db: Database, event: Event, at: datetime = AT) -> bool:
    """Whether it was there before."""
    ids = (f"cnv_{event.id[4:]}", f"msg_{event.id[4:]}")
    got, claim = await db.write(arrive(event, ids, to_us(at), "", "own_1"))
    assert claim is None
    return got.duplicate


async def test_parts_that_come_all_at_once_are_one_message(kept: Database) -> None:
    await kept.write(people_rows.add_tenant(HOME, "Home", 1))
    others: list[Database] = [kept]
    if isinstance(kept, PostgresDatabase):
        second = PostgresDatabase(kept.url)
        await second.open()
        others.append(second)
    parts = [part(n) for n in range(PARTS)]
    work = [bring(others[n % len(others)], each) for n, each in enumerate(parts)]
    assert await asyncio.gather(*work) == [False] * PARTS
    again = [replace(each, id=EventId(f"evt_again{n}")) for n, each in enumerate(parts)]
    assert await asyncio.gather(*(bring(kept, each) for each in again)) == [True] * PARTS
    assert await kept.write(turns.claim("own_1", to_us(AT), 5)) == []
    later = to_us(AT + timedelta(microseconds=albums.HOLD_US))
    (claim,) = await kept.write(turns.claim("own_1", later, 5))
    assert sorted(each.name for each in claim.event.attachments) == [f"{n}.jpg" for n in range(10)]
    assert claim.event.text == "words 4"
    late = replace(part(11), id=EventId("evt_11"))
    assert not await bring(kept, late)
    for each in others[1:]:
        await each.close()


def test_whoever_comes_second_to_a_new_conversation_begins_again_and_joins() -> None:
    """Its album may be there by then: it is not stored as the first of another."""
    db = Watched()
    steps = albums.ingest(part(0), ("cnv_0", "msg_0"), to_us(AT), "")
    ask = next(steps)
    while ask.statement is not conversations._CURRENT:
        ask = steps.send(db.execute(ask))
    nobody = db.execute(ask)
    db.one_by_one([albums.ingest(part(1), ("cnv_1", "msg_1"), to_us(AT), "")])
    with pytest.raises(sqlite3.IntegrityError):
        db.execute(steps.send(nobody))
    db.one_by_one([albums.ingest(part(0), ("cnv_0", "msg_0"), to_us(AT), "")])
    found = db.conn.execute("select count(*), sum(state = 'new') from inbox").fetchone()
    assert found == (2, 1)
