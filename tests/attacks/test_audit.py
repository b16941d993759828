"""Attacks on the book by somebody who can write the database and has no key (G3)."""

import asyncio
import logging
import sqlite3
from pathlib import Path

import pytest

from bot.audit import Sealer
from bot.core.ids import TenantId
from bot.fleet import Alone
from bot.logs import FIELDS
from bot.store import audit, people
from bot.store.sqlite import SqliteDatabase
from tests.fakes.clock import StillClock
from tests.fakes.database import lay

HOME, AWAY = TenantId("ten_home"), TenantId("ten_away")
COLUMNS = ("at", "actor", "action", "target", "details", "event")


def key(tenant: TenantId) -> bytes:
    return f"the key of {tenant}".encode()


class Book:
    """A book of two tenants on a disk that the attacker can write."""

    def __init__(self, path: Path, db: SqliteDatabase, clock: StillClock) -> None:
        self.path, self.db, self.clock = path, db, clock
        self.sealer = Sealer(db, clock, key, Alone("one"))

    def restart(self) -> None:
        self.sealer = Sealer(self.db, self.clock, key, Alone("one"))

    async def write(self, *notes: tuple[TenantId, str]) -> None:
        for tenant, action in notes:
            await self.db.write(audit.note(tenant, 7, "person:ana", action, "x", {"a": 1}, "evt_1"))

    def attack(self, *statements: str) -> None:
        """What somebody with the file does: takes the triggers away first."""
        conn = sqlite3.connect(self.path)
        for (name,) in conn.execute(
            "select name from sqlite_master where type = 'trigger'"
        ).fetchall():
            conn.execute(f"drop trigger {name}")
        for statement in statements:
            assert conn.execute(statement).rowcount > 0, statement
        conn.commit()
        conn.close()

    async def bad(self, tenant: TenantId = HOME) -> tuple[int | None, str]:
        found = await self.sealer.verify(tenant)
        assert found.to_json()["ok"] is (found.first_bad is None and not found.why)
        return found.first_bad, found.why


@pytest.fixture
async def book(tmp_path: Path):
    path = tmp_path / "house.db"
    lay(path)
    db = SqliteDatabase(path)
    await db.open()
    for tenant in (HOME, AWAY):
        await db.write(people.add_tenant(tenant, tenant, 1))
    made = Book(path, db, StillClock())
    await made.write(
        *[(HOME, f"home{n}") for n in range(3)], *[(AWAY, f"away{n}") for n in range(3)]
    )
    assert await made.sealer.seal() == 6
    for tenant in (HOME, AWAY):
        assert await made.bad(tenant) == (None, "")
    yield made
    await db.close()


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("row", [1, 2, 3])
async def test_a_changed_row_is_named(book: Book, row: int, column: str):
    book.restart()
    book.attack(f"update audit set {column} = '9' where seq = {row}")
    assert await book.bad() == (row, f"Row {row} is not as it was sealed.")
    assert await book.bad(AWAY) == (None, "")


async def test_a_row_given_to_another_tenant_is_missed_by_both(book: Book):
    book.restart()
    book.attack("update audit set tenant = 'ten_away' where seq = 2")
    assert (await book.bad())[0] == 3
    assert (await book.bad(AWAY))[0] == 2


@pytest.mark.parametrize(
    ("statements", "row"),
    [
        (["delete from audit where seq = 1"], 2),
        (["delete from audit where seq = 2", "delete from audit_seal where audit = 2"], 3),
        (["delete from audit where seq = 3"], 3),
        (
            [
                "update audit set seq = 99 where seq = 3",
                "update audit_seal set audit = 99 where audit = 3",
            ],
            99,
        ),
        (["update audit_seal set mac = 'x' where audit = 2"], 2),
        (["update audit_seal set seq = seq + 10 where tenant = 'ten_home'"], 1),
        (
            [
                "update audit set action = 'z' where seq = 1",
                "update audit set action = 'home0' where seq = 2",
                "update audit set action = 'home1' where seq = 1",
            ],
            1,
        ),
    ],
)
async def test_rows_taken_out_moved_or_swapped_are_named(
    book: Book, statements: list[str], row: int
):
    book.restart()
    book.attack(*statements)
    first, why = await book.bad()
    assert first == row
    assert why


async def test_a_row_put_in_behind_the_seals_is_named(book: Book):
    """It was never sealed and never will be, for later rows are sealed already."""
    book.attack(
        "delete from audit_seal where audit = 3",
        "delete from audit where seq = 3",
        "insert into audit values (3, 'ten_home', 7, 'person:eve', 'approval.approved', 'x', '', '')",
    )
    book.restart()
    await book.write((HOME, "home3"))
    await book.sealer.seal()
    assert await book.bad() == (3, "Row 3 was put in behind the seals.")


async def test_what_is_not_sealed_yet_is_no_mistake(book: Book):
    await book.write((HOME, "new"), (AWAY, "new"))
    found = await book.sealer.verify(HOME)
    assert (found.first_bad, found.why, found.rows, found.unsealed) == (None, "", 4, 1)


async def test_a_tail_that_is_sealed_anew_is_seen_by_the_process_that_sealed_it(book: Book, caplog):
    """Without its seal the last row is changed, and the house itself seals what stands there."""
    book.attack(
        "delete from audit_seal where audit = 6", "update audit set actor = 'eve' where seq = 6"
    )
    await book.sealer.seal()
    first, why = await book.bad(AWAY)
    assert first is None
    assert "up to row 3 was changed" in why
    (told,) = (r for r in caplog.records if r.message == "audit broken")
    assert (told.levelname, told.tenant, told.seq) == ("ERROR", AWAY, 3)
    assert await book.bad(HOME) == (None, "")


async def test_a_tail_cut_off_is_seen_by_the_process_that_sealed_it(book: Book):
    book.attack("delete from audit_seal where audit = 3", "delete from audit where seq = 3")
    assert await book.bad() == (3, "This process has sealed 3 rows and 2 are there.")


async def test_after_a_restart_only_the_head_in_the_log_shows_a_tail_cut_off(book: Book, caplog):
    """So the log has to hold all of the head, and not only that there is one."""
    caplog.set_level(logging.INFO)
    book.sealer.tell_heads()
    heads = {r.tenant: (r.seq, r.mac) for r in caplog.records if r.message == "audit head"}
    assert {"tenant", "seq", "mac"} <= set(FIELDS)
    book.attack("delete from audit_seal where audit = 3", "delete from audit where seq = 3")
    book.restart()
    assert await book.bad() == (None, "")
    seq, mac = await book.db.read(audit.head(HOME))
    assert (seq, mac) != heads[HOME]
    assert heads[HOME][0] == 3


async def test_the_book_refuses_before_it_has_to_tell(book: Book):
    for statement in (
        "update audit set actor = 'eve'",
        "delete from audit",
        "delete from audit_seal",
    ):
        with sqlite3.connect(book.path) as conn, pytest.raises(sqlite3.IntegrityError):
            conn.execute(statement)
        conn.close()


async def test_another_key_verifies_nothing(book: Book):
    other = Sealer(book.db, book.clock, lambda tenant: b"another key", Alone("one"))
    assert (await other.verify(HOME)).first_bad == 1


async def test_rows_sealed_while_it_is_checked_are_no_mistake(book: Book, monkeypatch):
    """Page by page: what is written and sealed between two pages is for the next check."""
    monkeypatch.setattr("bot.audit.PAGE", 2)
    read = book.db.read

    async def busy(script):
        found = await read(script)
        monkeypatch.setattr(book.db, "read", read)
        await book.write((HOME, "more"), (AWAY, "more"))
        await book.sealer.seal()
        monkeypatch.setattr(book.db, "read", busy)
        return found

    monkeypatch.setattr(book.db, "read", busy)
    found = await book.sealer.verify(HOME)
    assert (found.first_bad, found.why) == (None, "")


async def test_two_rounds_of_seals_at_one_time_seal_each_row_once(book: Book, caplog):
    await book.write((HOME, "more"), (AWAY, "more"))
    assert sorted(await asyncio.gather(book.sealer.seal(), book.sealer.seal())) == [0, 2]
    assert await book.bad() == (None, "") and caplog.records == []


async def test_a_round_that_is_cancelled_while_it_writes_is_no_second_seal(
    book: Book, caplog, monkeypatch
):
    """As when the house ends within the second: its last round begins with the other under way."""
    await book.write((HOME, "more"))
    write, begun = book.db.write, asyncio.Event()

    async def slow(script):
        begun.set()
        await asyncio.sleep(0.05)
        return await write(script)

    monkeypatch.setattr(book.db, "write", slow)
    round_ = asyncio.create_task(book.sealer.seal())
    await begun.wait()
    round_.cancel()
    await asyncio.gather(round_, return_exceptions=True)
    assert await book.sealer.seal() == 0
    assert await book.bad() == (None, "") and caplog.records == []
