"""What the engine is measured against: the loop that one writes first, and it loses nothing.

SQLAlchemy's async engine over aiosqlite, WAL, `synchronous=FULL`, and a commit of its own for each
durable point of a turn: arrived, claimed, prompt laid, model answered, reply planned, reply sent.
It reads the conversation's last 80 lines, as ours does. It has no gate, limits, audit or costs.
"""

import asyncio
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Integer, MetaData, Table, Text, event, insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

META = MetaData()
INBOX = Table(
    "inbox",
    META,
    Column("id", Integer, primary_key=True),
    Column("ext_id", Text, unique=True),
    Column("conv", Text, index=True),
    Column("body", Text),
    Column("state", Text),
)
JOURNAL = Table(
    "journal",
    META,
    Column("turn", Integer, primary_key=True),
    Column("step", Integer, primary_key=True),
    Column("result", Text),
)
LINES = Table(
    "line",
    META,
    Column("id", Integer, primary_key=True),
    Column("conv", Text, index=True),
    Column("role", Text),
    Column("text", Text),
    Column("state", Text),
)
HISTORY = 80


def engine(path: Path) -> AsyncEngine:
    """An engine whose every connection syncs as ours does."""
    address = f"sqlite+aiosqlite:///{path}"
    made = create_async_engine(address, pool_size=1, max_overflow=0)

    @event.listens_for(made.sync_engine, "connect")
    def _settle(connection: Any, _: object) -> None:
        for pragma in ("journal_mode=WAL", "synchronous=FULL"):
            connection.execute(f"PRAGMA {pragma}")

    return made


class Naive:
    """One turn after the other, step by step."""

    def __init__(self, db: AsyncEngine, answer: str) -> None:
        self._db = db
        self._answer = answer

    async def turn(self, conv: str, ext_id: str, text: str) -> None:
        """From an arrival to the reply's having been sent."""
        async with self._db.begin() as tx:
            values = {"ext_id": ext_id, "conv": conv, "body": text, "state": "new"}
            done = await tx.execute(insert(INBOX).values(values))
            number = _key(done)
            said = {"conv": conv, "role": "user", "text": text, "state": "said"}
            await tx.execute(insert(LINES).values(said))
        async with self._db.begin() as tx:
            where = (INBOX.c.id == number, INBOX.c.state == "new")
            await tx.execute(update(INBOX).where(*where).values(state="running"))
            lines = select(LINES.c.role, LINES.c.text).where(LINES.c.conv == conv)
            history = (await tx.execute(lines.order_by(LINES.c.id.desc()).limit(HISTORY))).all()
        prompt = "\n".join(f"{role}: {words}" for role, words in reversed(history))
        for step, result in enumerate((prompt[-800:], self._answer)):
            async with self._db.begin() as tx:
                row = {"turn": number, "step": step, "result": result}
                await tx.execute(insert(JOURNAL).values(row))
        async with self._db.begin() as tx:
            reply = {"conv": conv, "role": "assistant", "text": self._answer, "state": "planned"}
            done = await tx.execute(insert(LINES).values(reply))
            line = _key(done)
        async with self._db.begin() as tx:
            await tx.execute(update(LINES).where(LINES.c.id == line).values(state="sent"))
            await tx.execute(update(INBOX).where(INBOX.c.id == number).values(state="done"))


def _key(done: Any) -> int:
    key: int = done.inserted_primary_key[0]
    return key


async def run(home: Path, conversations: int, seconds: float, words: tuple[str, str]) -> float:
    """Turns a second, in a closed loop after a warm-up; `words` are what is said and answered."""
    db = engine(home / "naive.db")
    async with db.begin() as tx:
        await tx.run_sync(META.create_all)
    naive = Naive(db, words[1])
    done = 0

    async def talk(n: int, until: float) -> None:
        nonlocal done
        at = 0
        while time.perf_counter() < until:
            # Ids that no other loop makes, and a fresh conversation after ten turns, as ours.
            await naive.turn(f"c{n}-{until}-{at // 10}", f"{n}-{until}-{at}", words[0])
            at += 1
            done += 1

    for length in (seconds / 4, seconds):
        done = 0
        began = time.perf_counter()
        await asyncio.gather(*(talk(n, began + length) for n in range(conversations)))
        took = time.perf_counter() - began
    await db.dispose()
    return done / took
