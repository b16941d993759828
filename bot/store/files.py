"""Files that people gave us: what they are called and which bytes they are.

The bytes lie in the home folder under their tenant and their SHA-256 (`bot/files.py`); a path is
never a row.
"""

from dataclasses import dataclass

from sqlalchemy import bindparam, insert, select

from bot.store.script import Ask, Script, Statement, restartable
from bot.store.tables import file

_NAMES = ("tenant", "id", "name", "media_type", "size", "sha256", "person", "at")
_ADD = Statement(insert(file).values({name: bindparam(name) for name in _NAMES}))
_GET = Statement(
    select(*(file.c[name] for name in _NAMES)).where(
        file.c.tenant == bindparam("tenant"), file.c.id == bindparam("id")
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
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


@restartable
def add(item: File) -> Script[None]:
    """Write a new file."""
    yield Ask(_ADD, {name: getattr(item, name) for name in _NAMES})


def get(tenant: str, id_: str) -> Script[File | None]:
    """One file."""
    rows = yield Ask(_GET, {"tenant": tenant, "id": id_})
    return File(**dict(zip(_NAMES, rows[0], strict=True))) if rows else None
