"""Rows of files: what they are called, whose they are, and where their bytes lie.

A row is there before its bytes and stays until they are gone, so that nothing lies in a store that
no row knows of: `coming` (bytes are being put), `kept`, `going` (bytes are being removed). Only
what is kept is seen. What a process left half done is found by its state and age (`stuck`).
"""

from sqlalchemy import and_, bindparam, delete, insert, or_, select, update

from bot.frozen import frozen
from bot.store.script import Ask, Params, Row, Script, Statement, one_of, restartable
from bot.store.tables import file
from bot.store.tables_memory import archive

_NAMES = (
    *("tenant", "id", "name", "media_type", "size", "sha256", "person", "at"),
    *("path", "shared", "state", "moved_at"),
)
_COLUMNS = [file.c[name] for name in _NAMES]
_THIS = (file.c.tenant == bindparam("tenant"), file.c.id == bindparam("id"))
_ADD = Statement(lambda: insert(file).values({name: bindparam(name) for name in _NAMES}))
_ANY = Statement(lambda: select(*_COLUMNS).where(*_THIS))
_GET = Statement(lambda: select(*_COLUMNS).where(*_THIS, file.c.state == "kept"))
_BEFORE = or_(
    file.c.at < bindparam("at"), and_(file.c.at == bindparam("at"), file.c.id < bindparam("before"))
)
_PAGE = (
    select(*_COLUMNS)
    .where(file.c.tenant == bindparam("tenant"), file.c.state == "kept", _BEFORE)
    .order_by(file.c.at.desc(), file.c.id.desc())
    .limit(bindparam("limit"))
)
_ALL = Statement(lambda: _PAGE)
_MINE = Statement(
    lambda: _PAGE.where(or_(file.c.person == bindparam("person"), file.c.shared == 1))
)
_MOVE = {
    (was, now): Statement(
        update(file)
        .where(*_THIS, file.c.state == was)
        .values(state=now, moved_at=bindparam("now"))
        .returning(file.c.id)
    )
    for was, now in (("coming", "kept"), ("coming", "going"), ("kept", "going"))
}
_KEPT, _FAILED, _GO = _MOVE.values()
_AGAIN = Statement(
    lambda: update(file).where(*_THIS, file.c.state == "coming").values(moved_at=bindparam("now"))
)
_OTHERS = Statement(
    lambda: select(file.c.id).where(
        file.c.tenant == bindparam("tenant"),
        file.c.path == bindparam("path"),
        file.c.state == "kept",
    )
)
_ARCHIVE = Statement(
    lambda: select(archive.c.id).where(
        archive.c.tenant == bindparam("tenant"),
        archive.c.file == bindparam("id"),
        archive.c.restored_at.is_(None),
    )
)
_GONE = Statement(lambda: delete(file).where(*_THIS, file.c.state == "going"))
_STUCK = Statement(
    lambda: (
        select(*_COLUMNS)
        .where(one_of(file.c.state, "coming", "going"), file.c.moved_at < bindparam("before"))
        .order_by(file.c.moved_at)
        .limit(bindparam("limit"))
    )
)
LATEST = (2**62, "~")
"""A cursor before every file."""


@frozen
class File:
    """One file."""

    tenant: str
    id: str
    name: str
    """As its owner called it: shown, never a path."""
    media_type: str
    size: int
    sha256: str
    person: str | None
    at: int
    path: str
    """Where the bytes are, in whichever store holds them."""
    shared: int = 0
    """1 for the knowledge base: everybody in the tenant may read it."""
    state: str = "coming"
    moved_at: int = 0
    """When it came into its state."""


def _file(row: Row) -> File:
    return File(**dict(zip(_NAMES, row, strict=True)))


@restartable
def add(item: File) -> Script[File]:
    """Write a row whose bytes are coming; one with this id that is there is returned.

    Bytes that come once more count as coming since now, so that no sweep takes them for left.
    """
    rows = yield Ask(_ANY, {"tenant": item.tenant, "id": item.id})
    if rows:
        yield Ask(_AGAIN, {"tenant": item.tenant, "id": item.id, "now": item.moved_at})
        return _file(rows[0])
    yield Ask(_ADD, {name: getattr(item, name) for name in _NAMES})
    return item


def get(tenant: str, id_: str) -> Script[File | None]:
    """One file that is kept."""
    rows = yield Ask(_GET, {"tenant": tenant, "id": id_})
    return _file(rows[0]) if rows else None


def page(
    tenant: str, person: str | None, before: tuple[int, str], limit: int
) -> Script[list[File]]:
    """The newest before a place; a person's own and the shared ones, or all of a tenant."""
    asked: Params = {"tenant": tenant, "at": before[0], "before": before[1], "limit": limit}
    if person is None:
        rows = yield Ask(_ALL, asked)
    else:
        rows = yield Ask(_MINE, {**asked, "person": person})
    return [_file(row) for row in rows]


def is_archive(tenant: str, id_: str) -> Script[bool]:
    """Whether lines of a conversation are in this file and nowhere else."""
    return bool((yield Ask(_ARCHIVE, {"tenant": tenant, "id": id_})))


@restartable
def arrived(tenant: str, id_: str, now: int) -> Script[bool]:
    """The bytes are there; False when the row was given up in the meantime."""
    return bool((yield Ask(_KEPT, {"tenant": tenant, "id": id_, "now": now})))


@restartable
def give_up(tenant: str, id_: str, now: int) -> Script[bool]:
    """Bytes that were coming will be removed; False when they have arrived or were given up."""
    return bool((yield Ask(_FAILED, {"tenant": tenant, "id": id_, "now": now})))


@restartable
def let_go(tenant: str, id_: str, now: int) -> Script[bool]:
    """Nobody sees the file from now on; False when it was not there."""
    return bool((yield Ask(_GO, {"tenant": tenant, "id": id_, "now": now})))


def is_path_used(tenant: str, path: str) -> Script[bool]:
    """Whether a kept row has these bytes: rows of older versions may share them."""
    return bool((yield Ask(_OTHERS, {"tenant": tenant, "path": path})))


@restartable
def gone(tenant: str, id_: str) -> Script[None]:
    """The bytes are gone, and so is the row."""
    yield Ask(_GONE, {"tenant": tenant, "id": id_})


def stuck(before: int, limit: int) -> Script[list[File]]:
    """What has been coming or going since before a time, in all tenants."""
    rows = yield Ask(_STUCK, {"before": before, "limit": limit})
    return [_file(row) for row in rows]
