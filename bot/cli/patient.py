"""What the doctor knows of a house: its settings, what it says of itself while it runs, its files.

Nothing is judged here; the checks of `doctor.py` do that.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec

from bot.cli.client import HttpClient, Refused, Unreachable, path_of
from bot.cli.house import house
from bot.cli.record import Record
from bot.cli.running import Running
from bot.cli.shell import Shell
from bot.cli.status import unready
from bot.config.mistakes import Mistaken
from bot.settings import Settings

PATIENCE_S = 5.0
BOOK_S = 10.0
"""How long the audit may take to be read through: some 300,000 entries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """What is examined."""

    shell: Shell
    settings: Settings | None
    """None when they are wrong."""
    running: Running | None
    status: Record
    """What the running house says of itself; empty when there is none."""
    why: str
    """Why it would not answer a message."""
    accounts: Sequence[Record] = ()
    """What is connected at services."""
    installs: Sequence[tuple[str, int, Record]] = ()
    """Where apps of platforms are installed: platform, newest version of its manifest, and it."""
    database: tuple[Sequence[tuple[str, str]], Sequence[str]] = ((), ())
    """What is wrong with it, with what mends it, and how a shared one is; asked for itself."""
    book: Sequence[str] | None = ()
    """What in the audit is not as it was sealed; None where it is too long to be read here."""


def examined(shell: Shell) -> Patient:
    """Ask a house that runs, and look at the settings and the database of one that does not."""
    running = shell.running()
    status, why = Record({}), ""
    accounts: Sequence[Record] = ()
    installs: list[tuple[str, int, Record]] = []
    book: Sequence[str] | None = ()
    if running is not None:
        client = HttpClient(running.url, running.token, PATIENCE_S)
        why = unready(client)
        try:
            status = client.call("GET", path_of("status"))
        except (Refused, Unreachable) as error:
            why = why or error.message
        why = why or status.text("silent")
        with suppress(Refused, Unreachable):  # an older house, which knows none
            accounts = client.call("GET", path_of("connections")).records("items")
        for name in [x.text("name") for x in status.records("channels")]:
            with suppress(Refused, Unreachable):
                found = client.call("GET", path_of("channels", name, "installs"))
                installs += [(name, found.number("newest"), x) for x in found.records("items")]
        book = _book(running) if status else ()
    try:
        settings: Settings | None = shell.settings
    except Mistaken:
        settings = None
    database: tuple[Sequence[tuple[str, str]], Sequence[str]] = ((), ())
    is_shared = settings is not None and settings.database_url.startswith("postgres")
    drivers = ("asyncpg", *(["nats"] * bool(settings and settings.nats_url)))
    if settings is not None and (not is_shared or all(map(find_spec, drivers))):
        database = house().db_examine(settings)
    return Patient(
        shell=shell,
        settings=settings,
        running=running,
        status=status,
        why=why,
        accounts=accounts,
        installs=installs,
        database=database,
        book=book,
    )


def _book(running: Running) -> Sequence[str] | None:
    """What is wrong with the audit of whoever runs this, by the house that holds its key."""
    client = HttpClient(running.url, running.token, BOOK_S)
    try:
        return client.call("GET", path_of("audit", "verify")).texts("problems")
    except Unreachable:
        return None
    except Refused:  # it says elsewhere what is wrong with it
        return ()
