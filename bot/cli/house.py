"""What the command line asks of `bot/app.py`, which it loads only when it is needed.

`run` hands the settings over and waits; other verbs speak HTTP to a house that runs, or borrow one
for the length of the verb. Loading the whole house takes longer than most verbs do.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from importlib import import_module
from typing import Protocol, cast

from bot.lazy import put_off
from bot.settings import Settings


class House(Protocol):
    """The functions of `bot.app` that verbs call."""

    def serve(self, settings: Settings) -> int:
        """Run until told to stop; the exit code.

        Raises OperatorError, whose `exit_code` counts, and OSError when no port is free.
        """
        ...

    def local(self, settings: Settings) -> AbstractContextManager[tuple[str, str]]:
        """A house of one verb's length, on a free port of this machine: its URL and token.

        Raises OperatorError, with exit code 4 when another process holds the folder.
        """
        ...

    def db_status(self, settings: Settings) -> tuple[str, str]:
        """The revision that the database has, and the one that this program needs."""
        ...

    def db_upgrade(self, settings: Settings, say: Callable[[str], None]) -> None:
        """Bring the database to the needed revision; `say` is told each step."""
        ...

    def db_examine(self, settings: Settings) -> tuple[Sequence[tuple[str, str]], Sequence[str]]:
        """What is wrong with the database, each with what mends it; and how a shared one is."""
        ...


def house() -> House:
    """Load `bot.app`, without what its server does not need to start: HTTP's client, and tokens
    that services sign, which bring half of a library of cryptography."""
    put_off("aiohttp")
    put_off("jwt")
    # The protocol above is all that is used of the module; its own tests call each function.
    return cast(House, import_module("bot.app"))
