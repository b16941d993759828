"""What the engine on PostgreSQL is measured against: a pool of connections, row by row.

The loop of `naive.py` on asyncpg, with as many connections as conversations: each step of a turn
takes a connection and commits its own rows. It loses nothing; PostgreSQL itself gathers the syncs
of commits that meet.
"""

import asyncio
import time
from typing import Any

import asyncpg

TABLES = """
create table if not exists naive_inbox (
  id bigserial primary key, ext_id text unique, conv text, body text, state text);
create index if not exists naive_inbox_conv on naive_inbox (conv);
create table if not exists naive_journal (
  turn bigint, step integer, result text, primary key (turn, step));
create table if not exists naive_line (
  id bigserial primary key, conv text, role text, text text, state text);
create index if not exists naive_line_conv on naive_line (conv);
"""
HISTORY = 80


class Pooled:
    """One turn after the other, step by step."""

    def __init__(self, pool: "asyncpg.Pool[Any]", answer: str) -> None:
        self._pool = pool
        self._answer = answer

    async def turn(self, conv: str, ext_id: str, text: str) -> None:
        """From an arrival to the reply's having been sent."""
        async with self._pool.acquire() as db, db.transaction():
            number = await db.fetchval(
                "insert into naive_inbox (ext_id, conv, body, state)"
                " values ($1, $2, $3, 'new') returning id",
                ext_id,
                conv,
                text,
            )
            await db.execute(
                "insert into naive_line (conv, role, text, state) values ($1, 'user', $2, 'said')",
                conv,
                text,
            )
        async with self._pool.acquire() as db, db.transaction():
            await db.execute(
                "update naive_inbox set state = 'running' where id = $1 and state = 'new'", number
            )
            history = await db.fetch(
                "select role, text from naive_line where conv = $1 order by id desc limit $2",
                conv,
                HISTORY,
            )
        prompt = "\n".join(f"{row['role']}: {row['text']}" for row in reversed(history))
        for step, result in enumerate((prompt[-800:], self._answer)):
            async with self._pool.acquire() as db, db.transaction():
                await db.execute(
                    "insert into naive_journal values ($1, $2, $3)", number, step, result
                )
        async with self._pool.acquire() as db, db.transaction():
            line = await db.fetchval(
                "insert into naive_line (conv, role, text, state)"
                " values ($1, 'assistant', $2, 'planned') returning id",
                conv,
                self._answer,
            )
        async with self._pool.acquire() as db, db.transaction():
            await db.execute("update naive_line set state = 'sent' where id = $1", line)
            await db.execute("update naive_inbox set state = 'done' where id = $1", number)


async def analyze(url: str) -> None:
    """Have the server look at its tables, as it does by itself within the first minute.

    Until it has, it takes any index for as good as any other, and reads all that a tenant has.
    """
    conn = await asyncpg.connect(url)
    await conn.execute("ANALYZE")
    await conn.close()


async def run(url: str, conversations: int, seconds: float, words: tuple[str, str]) -> float:
    """Turns a second, in a closed loop after a warm-up; `words` are what is said and answered."""
    pool = await asyncpg.create_pool(url, min_size=conversations, max_size=conversations)
    await pool.execute(TABLES)
    pooled = Pooled(pool, words[1])
    done = 0

    async def talk(n: int, until: float) -> None:
        nonlocal done
        at = 0
        while time.perf_counter() < until:
            await pooled.turn(f"c{n}-{until}-{at // 10}", f"{n}-{until}-{at}", words[0])
            at += 1
            done += 1

    for length in (seconds / 4, seconds):
        if done:
            await analyze(url)
        done = 0
        began = time.perf_counter()
        await asyncio.gather(*(talk(n, began + length) for n in range(conversations)))
        took = time.perf_counter() - began
    await pool.close()
    return done / took
