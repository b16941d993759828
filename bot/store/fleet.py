"""Processes that share a database: signs of life, what died with one, what only one may do.

Times are the database's own clock, so that no two processes need agree on theirs. A process is dead
when it gave no sign for `dead_us`; then its leases may be taken, and the conversations that ran in
its name are let go. Whoever takes one raises its epoch, which fences a process that only slept.
"""

from sqlalchemy import (
    ColumnElement,
    Text,
    bindparam,
    column,
    delete,
    func,
    insert,
    literal_column,
    select,
    table,
    update,
)
from sqlalchemy.dialects.sqlite import insert as upsert

from bot.core.errors import OperatorError
from bot.frozen import frozen
from bot.store.script import Ask, Script, Statement, restartable
from bot.store.tables import conv
from bot.store.tables_shared import lease, worker
from bot.store.upsert import portable

JOIN_LOCK = 5_172_003
CHANNEL = "switchboard"
"""Of words between processes."""
_NOW: ColumnElement[int] = literal_column(
    "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"
)
_IS_ALIVE = worker.c.beat_at > _NOW - bindparam("dead_us", type_=worker.c.beat_at.type)
_JOIN_ALONE = Statement(lambda: select(func.pg_advisory_xact_lock(literal_column(str(JOIN_LOCK)))))
_REPLACE = Statement(lambda: delete(worker).where(worker.c.place == bindparam("place")))
_JOIN = Statement(
    lambda: insert(worker).values(
        beat_at=_NOW,
        **{name: bindparam(name) for name in ("id", "place", "version", "files_shared")},
    )
)
_BEAT = Statement(
    lambda: (
        update(worker)
        .where(worker.c.id == bindparam("worker"))
        .values(beat_at=_NOW)
        .returning(worker.c.id)
    )
)
_SAY = Statement(
    lambda: select(func.pg_notify(literal_column(f"'{CHANNEL}'"), bindparam("word", type_=Text)))
)
_LEAVE = Statement(lambda: delete(worker).where(worker.c.id == bindparam("worker")))
_BURY = Statement(
    lambda: delete(worker).where(worker.c.beat_at < _NOW - literal_column("3600000000"))
)
_LIVING = Statement(
    lambda: (
        select(worker.c.id, worker.c.place, worker.c.files_shared)
        .where(_IS_ALIVE)
        .order_by(worker.c.id)
    )
)
_CENSUS = Statement(
    lambda: (
        select(worker.c.id, worker.c.place, worker.c.version, _NOW - worker.c.beat_at)
        .where(_IS_ALIVE)
        .order_by(worker.c.place)
    )
)
_SILENT = Statement(lambda: select(worker.c.id).where(~_IS_ALIVE).order_by(worker.c.id))
_LEAST = Statement(lambda: select(column("min_version")).select_from(table("release")))
_TAKE = upsert(lease).values(name=bindparam("name"), owner=bindparam("owner"))
_LEASE = Statement(
    lambda: portable(
        _TAKE.on_conflict_do_update(
            index_elements=["name"],
            set_={"owner": _TAKE.excluded.owner},
            where=(lease.c.owner == _TAKE.excluded.owner)
            | lease.c.owner.not_in(select(worker.c.id).where(_IS_ALIVE)),
        )
    ).returning(lease.c.owner)
)
_DROP = Statement(
    lambda: delete(lease).where(
        lease.c.name == bindparam("name"), lease.c.owner == bindparam("owner")
    )
)
_DROP_ALL = Statement(lambda: delete(lease).where(lease.c.owner == bindparam("owner")))
_RUNNERS = Statement(lambda: select(conv.c.owner).where(conv.c.state == "running").distinct())
_VOID = Statement(
    lambda: (
        update(conv)
        .where(conv.c.state == "running", conv.c.owner == bindparam("dead"))
        .values(state="ready", owner="", due_at=bindparam("now"))
        .returning(conv.c.id)
    )
)


@frozen
class Neighbour:
    """One process that is alive, as another sees it."""

    id: str
    place: str
    version: str
    silent_us: int
    """How long ago it gave its last sign."""


@frozen
class Worker:
    """One process."""

    id: str
    place: str
    """Machine and home folder; the folder's lock lets only one process be there."""
    version: str
    files_shared: bool
    """Whether its files lie where every process sees them."""


@restartable
def join(me: Worker, dead_us: int) -> Script[None]:
    """Enter a process; an earlier one in the same place is dead. Raises OperatorError."""
    yield Ask(_JOIN_ALONE, {})
    yield Ask(_REPLACE, {"place": me.place})
    others = yield Ask(_LIVING, {"dead_us": dead_us})
    local = [row[1] for row in others if not row[2]] if me.files_shared else others
    if others and local:
        raise OperatorError(
            f"{len(others)} other process(es) use this database ({others[0][1]}), and files are "
            "kept where only one of them sees them. Give all of them the same files_dir and set "
            "files_shared, or stop the others (one that was killed is forgotten in 20 seconds)."
        )
    yield Ask(
        _JOIN,
        {
            "id": me.id,
            "place": me.place,
            "version": me.version,
            "files_shared": int(me.files_shared),
        },
    )


@restartable
def beat(me: Worker, dead_us: int, word: str = "") -> Script[frozenset[str]]:
    """Give a sign of life, and say `word`; returns who is alive.

    One that was thought dead enters again.
    """
    if word:
        yield Ask(_SAY, {"word": word})
    rows = yield Ask(_BEAT, {"worker": me.id})
    if not rows:
        yield from join(me, dead_us)
    yield Ask(_BURY, {})
    return (yield from living(dead_us))


@restartable
def leave(id_: str, word: str, now: int) -> Script[None]:
    """Take a process off, let go of its leases and of turns that it did not end, and say `word`."""
    yield Ask(_VOID, {"dead": id_, "now": now})
    yield Ask(_DROP_ALL, {"owner": id_})
    yield Ask(_LEAVE, {"worker": id_})
    yield Ask(_SAY, {"word": word})


@restartable
def living(dead_us: int) -> Script[frozenset[str]]:
    """The ids of all that are alive."""
    rows = yield Ask(_LIVING, {"dead_us": dead_us})
    return frozenset(row[0] for row in rows)


def silent(dead_us: int) -> Script[list[str]]:
    """The ids of those that entered and give no sign of life."""
    rows = yield Ask(_SILENT, {"dead_us": dead_us})
    return [row[0] for row in rows]


def census(dead_us: int) -> Script[list[Neighbour]]:
    """All that are alive, by place."""
    rows = yield Ask(_CENSUS, {"dead_us": dead_us})
    return [
        Neighbour(id=id_, place=place, version=version, silent_us=max(0, int(silent)))
        for id_, place, version, silent in rows
    ]


def least() -> Script[int]:
    """The oldest schema whose programs may run on this database."""
    rows = yield Ask(_LEAST, {})
    return int(rows[0][0]) if rows else 0


@restartable
def take(name: str, owner: str, dead_us: int) -> Script[bool]:
    """Lease a name, or keep it; False while a living process has it."""
    rows = yield Ask(_LEASE, {"name": name, "owner": owner, "dead_us": dead_us})
    return bool(rows)


@restartable
def drop(name: str, owner: str) -> Script[None]:
    """Give a lease back."""
    yield Ask(_DROP, {"name": name, "owner": owner})


@restartable
def take_over(now: int, dead_us: int) -> Script[int]:
    """Let go of every conversation whose owner is dead; returns how many.

    Owners are read before the living: one that has just entered is never taken for dead.
    """
    owners = yield Ask(_RUNNERS, {})
    alive = yield from living(dead_us)
    count = 0
    for (owner,) in owners:
        if owner not in alive:
            freed = yield Ask(_VOID, {"dead": owner, "now": now})
            count += len(freed)
    return count
