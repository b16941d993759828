"""What a database is called to people: its kind, its host, its name; never its password."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from bot.frozen import frozen


@frozen
class Called:
    """How people know a database."""

    kind: str
    """`SQLite` or `PostgreSQL`."""
    host: str
    """With its port; empty for a file."""
    name: str
    """The database's name, or the file's path."""

    def __str__(self) -> str:
        return f"{self.kind} {self.host}{'/' * bool(self.host)}{self.name}"


def called(url: str, home: Path) -> Called:
    """What the database at `url` is called; without an address it is the file inside `home`."""
    if not url.startswith("postgres"):
        return Called(kind="SQLite", host="", name=str(home / "switchboard.db"))
    parts = urlsplit(url)
    host = parts.hostname or "localhost"
    return Called(
        kind="PostgreSQL",
        host=f"[{host}]:{parts.port or 5432}" if ":" in host else f"{host}:{parts.port or 5432}",
        name=unquote(parts.path[1:]),
    )
