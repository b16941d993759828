"""The database of a house: a file of its own, or a PostgreSQL that several processes share.

What only the shared one needs (asyncpg, signs of life, words between processes) is loaded only when
its address is set.
"""

import asyncio
import logging
import platform
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib import import_module
from typing import Any, Protocol

from bot.config.database import called
from bot.core.canonical import Json
from bot.core.errors import OperatorError
from bot.core.ports import Clock, new_id
from bot.extras import install
from bot.fleet import Alone, Fleet, Words
from bot.frozen import frozen
from bot.home import Home
from bot.live import Live
from bot.live_shared import SharedLive
from bot.settings import Settings
from bot.store import schema
from bot.store.fleet import Worker
from bot.store.script import Database
from bot.store.sqlite import SqliteDatabase

log = logging.getLogger(__name__)


class OpenDatabase(Database, Protocol):
    """A database that is open."""

    broken: str
    """Why the last commit failed; empty when the database is well."""

    async def close(self) -> None: ...


@frozen
class Opened:
    """A database, and who else works on it."""

    db: OpenDatabase
    peers: Alone | Fleet
    live: Live
    tasks: tuple[Callable[[], Awaitable[None]], ...] = ()
    """What must run as long as the house does."""

    @property
    def fleet(self) -> Fleet | None:
        """The other processes; None when there cannot be any."""
        return self.peers if isinstance(self.peers, Fleet) else None


def shared_address(settings: Settings) -> str:
    """The address of the shared database; empty when the house has a file of its own."""
    url = settings.database_url
    scheme, _, rest = url.partition("://")
    return f"postgresql://{rest}" if scheme.startswith("postgres") else ""


def direct_address(settings: Settings) -> str:
    """The same past its pooler."""
    return settings.direct_url.replace("+asyncpg", "") or shared_address(settings)


async def open_database(settings: Settings, home: Home, clock: Clock, version: str) -> Opened:
    """Open it. Raises StoreError, and OperatorError when other processes cannot be joined."""
    me = new_id(clock, "own")
    url = shared_address(settings)
    if not url:
        schema.prepare(home.database)
        file = SqliteDatabase(home.database)
        await file.open()
        return Opened(db=file, peers=Alone(me), live=Live())
    parts = ("postgres", "postgres_schema", "postgres_probe")
    postgres, tables, probe = (part(f"store.{name}") for name in parts)
    direct = direct_address(settings)
    await tables.prepare(direct)
    is_pooled = not await probe.hears(direct)
    db: Any = postgres.PostgresDatabase(url, pooled=is_pooled or direct != url, name=me)
    await db.open()
    worker = Worker(
        id=me,
        place=f"{platform.node()}:{home.folder}",
        version=version,
        files_shared=settings.files_shared or settings.files.store != "local",
    )
    fleet = Fleet(db, clock, worker)
    try:
        await fleet.join()
    except BaseException:
        await db.close()
        raise
    db.on_lost(fleet.missed)
    live = SharedLive(fleet)
    words = fleet.words = _words(settings, fleet)
    fleet.deaf, fleet.evict = is_pooled and words.in_commits, db.evict
    if fleet.deaf:
        log.warning("%s Set BOT_DIRECT_URL to the database itself, or BOT_NATS_URL.", words.deaf)
    return Opened(db=db, peers=fleet, live=live, tasks=(fleet.run, fleet.watch, words.run))


def _words(settings: Settings, fleet: Fleet) -> Words:
    """What carries words: NATS where its address is set, else the database."""
    if settings.nats_url:
        words: Words = part("infra.nats").Words(settings.nats_url, fleet.hear, fleet.cut_off)
        return words
    words = part("store.notices").Notices(direct_address(settings), fleet.hear, fleet.cut_off)
    return words


async def report(settings: Settings, opened: Opened) -> Mapping[str, Json]:
    """What the database is called, who works on it, and what is wrong with it, for status."""
    name = called(settings.database_url, settings.home)
    alive = await opened.fleet.census() if opened.fleet else []
    words = opened.fleet.words if opened.fleet else None
    return {
        "kind": name.kind,
        "host": name.host,
        "name": name.name,
        "processes": [
            {
                "place": each.place,
                "version": each.version,
                "silent_s": round(each.silent_us / 1e6, 1),
                "this": each.id == opened.peers.id,
            }
            for each in alive
        ],
        "problems": [words.deaf] if words and opened.fleet and opened.fleet.deaf else [],
    }


def examine(settings: Settings) -> tuple[Sequence[tuple[str, str]], Sequence[str]]:
    """What is wrong with it, each with the command that mends it; and how a shared one is."""
    url = shared_address(settings)
    if not url:
        return schema.problems_of(settings.home / "switchboard.db"), ()
    probe = part("store.postgres_probe").examine
    problems, facts = asyncio.run(
        probe(url, direct_address(settings), is_told_otherwise=bool(settings.nats_url))
    )
    if settings.nats_url:
        nats = part("infra.nats")
        if why := asyncio.run(nats.examine(settings.nats_url)):
            host, _, port = nats.called(settings.nats_url).partition("/")[0].rpartition(":")
            problems.append((why, f"nc -z {host} {port}"))
        facts.append(f"words between processes go by NATS at {nats.called(settings.nats_url)}")
    return problems, facts


DRIVERS: Mapping[str, tuple[str, str]] = {
    "asyncpg": ("A PostgreSQL address is set and its driver", "postgres"),
    "nats": ("An address of NATS is set and its client", "nats"),
}
"""What a part needs: what is missing then, and the extra that brings it."""


def part(name: str) -> Any:
    """A part that needs a driver. Raises OperatorError when that is not installed."""
    try:
        return import_module(f"bot.{name}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name not in DRIVERS:
            raise
        what, extra = DRIVERS[error.name]
        raise OperatorError(f"{what} is not installed. Install it: {install(extra)}") from error


def schema_of(settings: Settings) -> int:
    """The schema that the database has; 0 when it has none."""
    if shared_address(settings):
        version: int = asyncio.run(
            part("store.postgres_schema").version_of(direct_address(settings))
        )
        return version
    return schema.version_of(settings.home / "switchboard.db")


def upgrade(settings: Settings, home: Callable[[], Home]) -> str:
    """Bring it to this program's schema; says what was done: `new`, `same` or `upgraded`."""
    if shared_address(settings):
        done: str = asyncio.run(part("store.postgres_schema").upgrade(direct_address(settings)))
        return done
    held = home()
    try:
        return schema.prepare(held.database)
    finally:
        held.release()
