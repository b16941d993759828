"""`bot run`: the house itself. Refuses at once, and in one sentence, what cannot go well.

Checked before anything is written: the settings (exit 2), whether our own packages are the ones
that Python finds, a house that runs already (exit 4), a port that somebody else holds (exit 3).
"""

import errno
import gc
import socket
from argparse import ArgumentParser, Namespace
from importlib.util import find_spec
from pathlib import Path

from bot.cli.holder import holder_of
from bot.cli.house import house
from bot.cli.running import AlreadyRunning
from bot.cli.shell import Shell
from bot.core.errors import OperatorError
from bot.settings import Settings, take_secrets

OURS = ("agents", "channels", "tools", "scheduler")


class PortTaken(OperatorError):
    """Another program listens on this port."""

    exit_code = 3


def run(shell: Shell, _: Namespace) -> int:
    """Run until told to stop."""
    settings = shell.whole_settings
    check_packages(Path(__file__).parents[2])
    found = shell.running()
    if found is not None:
        raise AlreadyRunning(
            f"Switchboard is already running ({found.describe()}). `bot open` opens it."
        )
    if all(is_taken(settings.host, port) for port in settings.ports):
        raise port_taken(settings)
    take_secrets()
    gc.disable()  # until the start is over: it makes much and drops little
    try:
        return house().serve(settings)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        raise port_taken(settings) from None


def check_packages(root: Path) -> None:
    """Raises OperatorError when another package answers to one of our general names."""
    for name in OURS:
        spec = find_spec(name)
        places = list(spec.submodule_search_locations or ()) if spec else []
        if not any(Path(place).resolve().is_relative_to(root.resolve()) for place in places):
            there = f"comes from {places[0]}" if places else "is missing"
            raise OperatorError(
                f"The package `{name}` {there}, not from {root}. "
                "Install Switchboard into an environment of its own."
            )


def is_taken(host: str, port: int) -> bool:
    """Whether somebody listens there already."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host.strip("[]"), port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def taken(settings: Settings) -> tuple[str, str]:
    """Who holds the port, in a sentence, and the command that takes another one."""
    port = settings.ports[0]
    other = next((p for p in range(port + 1, port + 200) if not is_taken(settings.host, p)), 0)
    held = holder_of(port)
    who = f"{held.program} (pid {held.pid})" if held else "another program"
    return f"Port {port} is taken by {who}.", f"BOT_PORT={other} bot run"


def port_taken(settings: Settings) -> PortTaken:
    """What is said when no port is free."""
    what, command = taken(settings)
    return PortTaken(f"{what} Use another: {command}")


def _declare(parser: ArgumentParser) -> None:
    parser.set_defaults(act=run)


VERBS = {"run": _declare}
