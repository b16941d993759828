"""A database that is lent again is as it was when it was new."""

import pytest

asyncpg = pytest.importorskip("asyncpg")

from bot.store import postgres_schema  # noqa: E402
from tests.fakes.switchboard import image  # noqa: E402
from tests.postgres import SHAPE, admin, our_database  # noqa: E402

CHANGES = (
    "ALTER TABLE message NO FORCE ROW LEVEL SECURITY",
    "ALTER TABLE effect DROP COLUMN owner",
    "DROP INDEX feedback_recent",
    "DROP POLICY own ON message",
    "ALTER TABLE audit DISABLE TRIGGER audit_held",
    "GRANT DELETE ON audit TO PUBLIC",
    "UPDATE release SET version = 1",
    "ALTER TABLE message DROP CONSTRAINT message_pkey",
    "ALTER TABLE message ADD CONSTRAINT few CHECK (n < 5)",
    "ALTER TABLE message ALTER COLUMN text SET DEFAULT 'other'",
    "DROP INDEX feedback_recent; CREATE INDEX feedback_recent ON feedback (at)",
    "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "ALTER POLICY own ON message USING (true)",
)


async def test_what_one_test_wrote_is_not_there_for_the_next() -> None:
    async with our_database(image()) as url:
        audit = "INSERT INTO audit (tenant, at, actor, action, target, details) "
        await admin(f"{audit} VALUES ('t', 1, 'a', 'a', 'a', '')", url)
        conn = await asyncpg.connect(url)  # is left open, as by a process that was killed
    with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError)):
        await conn.execute("SELECT 1")
    async with our_database() as again:
        assert again == url
        conn = await asyncpg.connect(again)
        for table in postgres_schema.tables():
            assert await conn.fetchval(f"SELECT count(*) FROM {table.name}") == 0, table.name
        assert await conn.fetchval("SELECT nextval('audit_seq_seq')") == 1


async def test_every_change_of_the_tables_is_seen() -> None:
    async with our_database() as url:
        conn = await asyncpg.connect(url)
        before = await conn.fetchval(SHAPE)
        for change in CHANGES:
            await conn.execute("BEGIN")
            await conn.execute(change)
            assert await conn.fetchval(SHAPE) != before, change
            await conn.execute("ROLLBACK")


async def test_who_changes_the_tables_is_told_and_nobody_gets_them() -> None:
    with pytest.raises(AssertionError, match="changed the tables"):
        async with our_database() as url:
            await admin(CHANGES[0], url)
    async with our_database() as other:
        assert other != url
