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
from bot.fleet import Alone, Fleet
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
    parts = ("postgres", "postgres_schema", "postgres_probe", "notices")
    postgres, tables, probe, notices = (part(name) for name in parts)
    direct = direct_address(settings)
    await tables.prepare(direct)
    deaf = not await probe.hears(direct)
    if deaf:
        log.warning("%s Set BOT_DIRECT_URL to the database itself.", probe.DEAF)
    db: Any = postgres.PostgresDatabase(url, pooled=deaf or direct != url, name=me)
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
    live = SharedLive(fleet)
    words = notices.Notices(direct, fleet.hear, fleet.missed)
    fleet.words, fleet.deaf, fleet.evict = words, deaf, db.evict
    return Opened(db=db, peers=fleet, live=live, tasks=(fleet.run, fleet.watch, words.run))


async def report(settings: Settings, opened: Opened) -> Mapping[str, Json]:
    """What the database is called, who works on it, and what is wrong with it, for status."""
    name = called(settings.database_url, settings.home)
    alive = await opened.fleet.census() if opened.fleet else []
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
        "problems": [part("postgres_probe").DEAF] if opened.fleet and opened.fleet.deaf else [],
    }


def examine(settings: Settings) -> tuple[Sequence[tuple[str, str]], Sequence[str]]:
    """What is wrong with a shared database, each with the command that mends it; and how it is."""
    url = shared_address(settings)
    if not url:
        return (), ()
    found: tuple[Sequence[tuple[str, str]], Sequence[str]] = asyncio.run(
        part("postgres_probe").examine(url, direct_address(settings))
    )
    return found


def part(name: str) -> Any:
    """A part that needs asyncpg. Raises OperatorError when that is not installed."""
    try:
        return import_module(f"bot.store.{name}")
    except ModuleNotFoundError as error:
        if error.name != "asyncpg":
            raise
        raise OperatorError(
            "A PostgreSQL address is set and its driver is not installed. "
            "Install it: pip install 'switchboard[postgres]'"
        ) from error


def schema_of(settings: Settings) -> int:
    """The schema that the database has; 0 when it has none."""
    if shared_address(settings):
        version: int = asyncio.run(part("postgres_schema").version_of(direct_address(settings)))
        return version
    return schema.version_of(settings.home / "switchboard.db")


def upgrade(settings: Settings, home: Callable[[], Home]) -> str:
    """Bring it to this program's schema; says what was done: `new`, `same` or `upgraded`."""
    if shared_address(settings):
        done: str = asyncio.run(part("postgres_schema").upgrade(direct_address(settings)))
        return done
    held = home()
    try:
        return schema.prepare(held.database)
    finally:
        held.release()
