"""What every database driver must pass: subclass `DatabaseContract` and give it an open database.

    class TestMine(DatabaseContract):
        @pytest.fixture
        async def db(self): ...

A driver that can be made to fail also overrides `broken`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import pytest
from sqlalchemy import bindparam, insert, select, update

from bot.core.errors import Conflict, StoreError
from bot.store.script import Ask, Database, Script, Statement, restartable
from bot.store.tables import meta

_PUT = Statement(insert(meta).values(name=bindparam("name"), value=bindparam("value")))
_GET = Statement(select(meta.c.value).where(meta.c.name == bindparam("name")))
_ALL = Statement(select(meta.c.name, meta.c.value).order_by(meta.c.name))
_ADD = Statement(
    update(meta)
    .where(meta.c.name == bindparam("id"))
    .values(value=meta.c.value + bindparam("more"))
    .returning(meta.c.value)
)


@restartable
def put(name: str, value: str) -> Script[str]:
    """Write one value."""
    yield Ask(_PUT, {"name": name, "value": value})
    return value


def get(name: str) -> Script[str | None]:
    """Read one value."""
    rows = yield Ask(_GET, {"name": name})
    return rows[0][0] if rows else None


def everything() -> Script[dict[str, str]]:
    """Read all of them."""
    rows = yield Ask(_ALL, {})
    return dict(rows)


@restartable
def append(name: str, more: str) -> Script[str]:
    """Add to a value and return what it is now."""
    rows = yield Ask(_ADD, {"id": name, "more": more})
    return str(rows[0][0])


@restartable
def put_and_refuse(name: str) -> Script[None]:
    """Write, and then think better of it."""
    yield Ask(_PUT, {"name": name, "value": "never"})
    raise Conflict("Not after all.")


@restartable
def put_or_take(name: str, value: str) -> Script[str]:
    """Write, or learn from the failed statement that somebody was first."""
    try:
        yield Ask(_PUT, {"name": name, "value": value})
    except Exception:
        rows = yield Ask(_GET, {"name": name})
        return f"taken by {rows[0][0]}"
    return value


class DatabaseContract:
    """The tests."""

    @pytest.fixture
    async def db(self) -> AsyncIterator[Database]:
        raise NotImplementedError
        yield

    def broken(self, db: Database) -> AbstractAsyncContextManager[None]:
        """Within it no commit succeeds."""
        pytest.skip("This driver has no way to fail on purpose.")

    async def test_a_write_returns_what_its_script_returns(self, db: Database) -> None:
        assert await db.write(put("a", "1")) == "1"
        assert await db.read(get("a")) == "1"

    async def test_what_was_never_written_is_not_there(self, db: Database) -> None:
        assert await db.read(get("a")) is None

    async def test_text_comes_back_as_it_was(self, db: Database) -> None:
        for n, text in enumerate(
            ("", "ü 漢 😀", "a\x01b", "'); drop table meta; --", "x" * 100_000)
        ):
            await db.write(put(f"t{n}", text))
            assert await db.read(get(f"t{n}")) == text

    async def test_posts_and_writes_commit_in_the_order_of_the_calls(self, db: Database) -> None:
        await db.write(put("a", "-"))
        waiting = []
        for n in range(40):
            if n % 3:
                db.post(append("a", f"{n},"))
            else:
                waiting.append(asyncio.ensure_future(db.write(append("a", f"{n},"))))
                await asyncio.sleep(0)
        await asyncio.gather(*waiting)
        await db.write(append("a", "end"))
        assert await db.read(get("a")) == "-" + "".join(f"{n}," for n in range(40)) + "end"

    async def test_each_of_many_writers_gets_its_own_answer(self, db: Database) -> None:
        answers = await asyncio.gather(*(db.write(put(f"n{n}", str(n))) for n in range(300)))
        assert answers == [str(n) for n in range(300)]
        assert len(await db.read(everything())) == 300

    async def test_a_script_that_raises_leaves_nothing_and_harms_no_neighbour(
        self, db: Database
    ) -> None:
        answers = await asyncio.gather(
            db.write(put("before", "1")),
            db.write(put_and_refuse("a")),
            db.write(put("after", "1")),
            return_exceptions=True,
        )
        assert isinstance(answers[1], Conflict)
        assert await db.read(everything()) == {"before": "1", "after": "1"}

    async def test_a_statement_that_fails_tells_its_script_and_nobody_else(
        self, db: Database
    ) -> None:
        await db.write(put("a", "1"))
        answers = await asyncio.gather(
            db.write(put("b", "1")),
            db.write(put("a", "2")),
            db.write(put("c", "1")),
            return_exceptions=True,
        )
        assert isinstance(answers[1], Exception)
        assert await db.read(everything()) == {"a": "1", "b": "1", "c": "1"}

    async def test_a_script_may_go_on_after_a_statement_that_failed(self, db: Database) -> None:
        await db.write(put("a", "somebody"))
        assert await db.write(put_or_take("a", "me")) == "taken by somebody"

    async def test_a_posted_script_that_raises_leaves_nothing_and_the_next_is_written(
        self, db: Database
    ) -> None:
        db.post(put_and_refuse("a"))
        db.post(put("b", "1"))
        await db.write(put("c", "1"))
        assert await db.read(everything()) == {"b": "1", "c": "1"}

    async def test_a_read_sees_all_that_was_answered_before_it(self, db: Database) -> None:
        for n in range(20):
            await db.write(put(f"n{n}", "1"))
            assert len(await db.read(everything())) == n + 1

    async def test_a_read_that_writes_is_refused(self, db: Database) -> None:
        with pytest.raises(StoreError):
            await db.read(put("a", "1"))
        assert await db.read(everything()) == {}
        assert await db.write(put("a", "1")) == "1"

    async def test_a_read_that_raises_hurts_no_later_one(self, db: Database) -> None:
        def refuse() -> Script[None]:
            yield Ask(_ALL, {})
            raise Conflict("No.")

        for _ in range(10):
            with pytest.raises(Conflict):
                await db.read(refuse())
        assert await db.read(everything()) == {}

    async def test_cancelled_reads_hurt_no_later_one(self, db: Database) -> None:
        for rounds in range(12):
            tasks = [asyncio.ensure_future(db.read(everything())) for _ in range(6)]
            for _ in range(rounds):
                await asyncio.sleep(0)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        async with asyncio.timeout(10):
            found = await asyncio.gather(*(db.read(everything()) for _ in range(20)))
        assert found == [{}] * 20

    async def test_a_cancelled_write_is_whole_or_not_there_and_hurts_no_later_one(
        self, db: Database
    ) -> None:
        tasks = [asyncio.ensure_future(db.write(put(f"n{n}", "1"))) for n in range(20)]
        await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await db.write(put("last", "1"))
        found = await db.read(everything())
        assert {f"n{n}" for n in range(1, 20, 2)} < set(found)

    async def test_when_a_commit_fails_everyone_in_it_is_told_and_nothing_is_there(
        self, db: Database
    ) -> None:
        await db.write(put("a", "1"))
        async with self.broken(db):
            db.post(put("posted", "1"))
            answers = await asyncio.gather(
                *(db.write(put(f"n{n}", "1")) for n in range(5)), return_exceptions=True
            )
            assert all(isinstance(answer, StoreError) for answer in answers)
        assert await db.write(put("b", "1")) == "1"
        assert await db.read(everything()) == {"a": "1", "b": "1"}
