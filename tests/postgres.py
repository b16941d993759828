"""A database of a test's own on the PostgreSQL server that the tests may use.

`BOT_TEST_POSTGRES` is the address of one where databases may be made; by default the one of this
machine. Without a server these tests are skipped.

Making a database with our tables and dropping it takes longer than most tests that want one, so
`our_database` empties those that it made and lends them again.
"""

import asyncio
import os
import secrets
import shutil
import socket
import sqlite3
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bot.store import postgres_schema, schema
from bot.store.columns import metadata

asyncpg = pytest.importorskip("asyncpg")

SERVER = os.environ.get("BOT_TEST_POSTGRES", "postgresql://postgres@127.0.0.1:5432/postgres")


def address(name: str) -> str:
    """The address of a database on that server."""
    return urlsplit(SERVER)._replace(path=f"/{name}").geturl()


async def admin(sql: str, url: str = SERVER) -> None:
    """Run one statement as the server's owner."""
    conn = await asyncpg.connect(url, timeout=5)
    try:
        await conn.execute(sql)
    finally:
        await conn.close()


async def answers(url: str = SERVER) -> bool:
    """Whether a database takes a statement."""
    try:
        await admin("SELECT 1", url)
    except (OSError, asyncpg.PostgresError):
        return False
    return True


@asynccontextmanager
async def own_database() -> AsyncIterator[str]:
    """The address of an empty database, which is dropped afterwards."""
    if not await answers():
        pytest.skip(f"There is no PostgreSQL at {SERVER}.")
    name = f"sb_test_{secrets.token_hex(6)}"
    await admin(f"CREATE DATABASE {name}")
    try:
        yield address(name)
    finally:
        await admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


_lent: dict[str, int] = {}
"""What stood in the catalogue of each database that is to be lent again, when it was new."""
_idle: list[str] = []
SHAPE = """
SELECT hashtext(string_agg(line, E'\\n' ORDER BY line)) FROM (
  SELECT concat_ws(' ', c.relname, c.relkind, c.relrowsecurity, c.relforcerowsecurity, c.relacl,
    a.attname, a.atttypid, a.attnotnull) AS line
  FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND NOT a.attisdropped
  WHERE c.relnamespace = 'public'::regnamespace
  UNION ALL SELECT concat_ws(' ', polname, polrelid::regclass) FROM pg_policy
  UNION ALL SELECT concat_ws(' ', tgname, tgrelid::regclass, tgenabled) FROM pg_trigger
  UNION ALL SELECT concat_ws(' ', version, min_version) FROM release
  UNION ALL SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid))
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
  UNION ALL SELECT pg_get_indexdef(indexrelid) FROM pg_index JOIN pg_class c ON c.oid = indexrelid
    WHERE c.relnamespace = 'public'::regnamespace
  UNION ALL SELECT concat_ws(' ', adrelid::regclass, adnum, pg_get_expr(adbin, adrelid))
    FROM pg_attrdef
  UNION ALL SELECT concat_ws(' ', oid::regprocedure, prosrc, proacl) FROM pg_proc
    WHERE pronamespace = 'public'::regnamespace
  UNION ALL SELECT concat_ws(' ', polname, polcmd, polroles, pg_get_expr(polqual, polrelid),
    pg_get_expr(polwithcheck, polrelid)) FROM pg_policy
) AS lines
"""
"""What a test may not change in a database that is lent: tables with their constraints, indexes and
defaults, functions, rights, walls, release."""


@asynccontextmanager
async def our_database(image: bytes | None = None) -> AsyncIterator[str]:
    """The address of one with our tables and nothing in them, or the rows of an SQLite database.

    It comes from an earlier test and goes to a later one, so the shape of its tables is not to be
    changed: that is a defect of the test. `own_database` is for such.
    """
    if not await answers():
        pytest.skip(f"There is no PostgreSQL at {SERVER}.")
    url = _idle.pop() if _idle else await _made()
    if image is not None:
        await fill(url, image)
    yield url
    await _emptied(url)
    _idle.append(url)


async def _made() -> str:
    url = address(f"sb_test_{secrets.token_hex(6)}")
    await admin(f"CREATE DATABASE {urlsplit(url).path[1:]}")
    assert await postgres_schema.upgrade(url) == "new"
    conn = await asyncpg.connect(url)
    _lent[url] = await conn.fetchval(SHAPE)
    await conn.close()
    return url


async def _emptied(url: str) -> None:
    """Nobody is connected to it any more, and it is as it was when it was made."""
    conn = await asyncpg.connect(url)
    try:
        others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
        others += "pg_backend_pid() AND backend_type = 'client backend'"
        async with asyncio.timeout(30):
            while await conn.fetch(f"SELECT pg_terminate_backend(pid) {others}"):
                await asyncio.sleep(0.01)
        rows = "; ".join(f"DELETE FROM {table.name}" for table in postgres_schema.tables())
        await conn.execute(
            f"SET session_replication_role = replica; {rows}; "  # passes by what seals the audit
            "SELECT setval('audit_seq_seq', 1, false)"
        )
        assert await conn.fetchval(SHAPE) == _lent[url], "A test changed the tables it was lent."
    finally:
        await conn.close()


def drop_lent() -> None:
    """Drop what was made to be lent; at the end of a run."""
    for url in _lent:
        asyncio.run(admin(f"DROP DATABASE IF EXISTS {urlsplit(url).path[1:]} WITH (FORCE)"))
    _lent.clear()
    _idle.clear()


async def fill(url: str, image: bytes) -> None:
    """Put the rows of an SQLite database into one of ours."""
    source = sqlite3.connect(":memory:")
    source.deserialize(image)
    conn = await asyncpg.connect(url)
    try:
        for table in metadata.sorted_tables:
            found = source.execute(f"select * from {table.name}")
            names = [column[0] for column in found.description]
            await conn.copy_records_to_table(table.name, records=found.fetchall(), columns=names)
        await conn.execute("select setval('audit_seq_seq', 1 + (select count(*) from audit))")
    finally:
        await conn.close()
        source.close()


async def as_sqlite(url: str) -> sqlite3.Connection:
    """All rows in an SQLite database in memory, where the checks read them."""
    sink = sqlite3.connect(":memory:", isolation_level=None)
    for statement in schema.statements():
        if not statement.startswith("CREATE TRIGGER"):
            sink.execute(statement)
    conn = await asyncpg.connect(url)
    try:
        for table in metadata.sorted_tables:
            rows = [tuple(row.values()) for row in await conn.fetch(f"select * from {table.name}")]
            marks = ", ".join("?" for _ in table.columns)
            sink.executemany(f"insert into {table.name} values ({marks})", rows)
    finally:
        await conn.close()
    return sink


def open_folder() -> Path:
    """A folder that another user may enter and write to: PostgreSQL refuses to run as root."""
    folder = Path(tempfile.mkdtemp(prefix="sb-test-"))
    folder.chmod(0o777)
    return folder


class Server:
    """A PostgreSQL of a test's own, on a free port, to be stopped and started at will."""

    def __init__(self) -> None:
        programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not programs:
            pytest.skip("There is no initdb.")
        self._bin = programs[-1].parent
        self._folder = open_folder()
        self._data, self._copy = self._folder / "data", self._folder / "copy"
        self._user = "postgres" if os.getuid() == 0 else None
        self._run("initdb", "-D", self._data, "-U", "postgres", "-A", "trust", "--no-sync")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"postgresql://postgres@127.0.0.1:{self.port}/postgres"
        self._options = f"-p {self.port} -c listen_addresses=127.0.0.1 -k {self._data}"

    def start(self) -> None:
        """Start, and wait until it answers."""
        log = self._data / "log"
        self._run("pg_ctl", "-D", self._data, "-o", self._options, "-l", log, "-w", "start")

    def stop(self, how: str) -> None:
        """`fast`: everybody is thrown out; `immediate`: like a loss of power."""
        self._run("pg_ctl", "-D", self._data, "-m", how, "-w", "stop")

    def copy(self) -> None:
        """Lay a copy of what it holds aside, and start again."""
        self.stop("fast")
        self._run("/bin/cp", "-a", self._data, self._copy)
        self.start()

    def fall_back(self) -> None:
        """It is lost; the copy takes its place, without what was committed since."""
        self.stop("immediate")
        shutil.rmtree(self._data)
        self._copy.rename(self._data)
        self.start()

    def remove(self) -> None:
        """Stop it for good."""
        self.stop("immediate")
        shutil.rmtree(self._folder)

    def _run(self, program: str, *words: object) -> None:
        done = subprocess.run(
            [str(self._bin / program), *map(str, words)],
            user=self._user,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr


class Pooler:
    """A real PgBouncer in transaction mode before the tests' server."""

    def __init__(self, wait_s: int = 120) -> None:
        """A query that finds no server within `wait_s` is refused."""
        program = shutil.which("pgbouncer", path="/usr/sbin:/usr/bin:/usr/local/bin")
        if not program:
            pytest.skip("There is no pgbouncer.")
        self._folder = folder = open_folder()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        server = urlsplit(SERVER)
        users, settings = folder / "users", folder / "pgbouncer.ini"
        users.write_text(f'"{server.username}" "{server.password or ""}"\n')
        settings.write_text(
            f"[databases]\n* = host={server.hostname} port={server.port or 5432}\n[pgbouncer]\n"
            f"listen_addr = 127.0.0.1\nlisten_port = {self.port}\nauth_type = trust\n"
            f"auth_file = {users}\npool_mode = transaction\n"
            "default_pool_size = 5\nunix_socket_dir =\nserver_login_retry = 0\n"
            f"query_wait_timeout = {wait_s}\n"
        )
        for path in (users, settings):
            path.chmod(0o644)
        user = "postgres" if os.getuid() == 0 else None
        self._process = subprocess.Popen(
            [program, "-q", str(settings)],
            user=user,
            cwd="/",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def address(self, url: str) -> str:
        """The address of a database through the pooler."""
        parts = urlsplit(url)
        return parts._replace(netloc=f"{parts.username}@127.0.0.1:{self.port}").geturl()

    async def ready(self) -> None:
        """Wait until it listens."""
        for _ in range(100):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                await writer.wait_closed()
                return
        raise TimeoutError("pgbouncer does not listen.")

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait(10)
        shutil.rmtree(self._folder)
