"""The house that runs on this home folder, as `server.json` tells it.

The file is written by the house when it listens, mode 0600, and holds `{url, pid, since, token,
version}`. A file whose process is gone, or behind whose address nobody listens, counts as none.
"""

import json
import os
import socket
from pathlib import Path
from urllib.parse import urlsplit

from bot.cli.record import Record
from bot.cli.terminal import when
from bot.core.errors import OperatorError
from bot.core.secret import Secret
from bot.frozen import frozen

FILE = "server.json"
CONNECT_S = 1.0


class NotRunning(OperatorError):
    """Switchboard is not running. Start it with: bot run"""


class AlreadyRunning(OperatorError):
    """Switchboard is already running on this folder."""

    exit_code = 4


@frozen
class Running:
    """A house that answers."""

    url: str
    pid: int
    since: str
    token: Secret
    """Opens the house as its owner, for as long as this process lives."""
    version: str

    def describe(self) -> str:
        """Who and where, for a person."""
        return f"pid {self.pid}, since {when(self.since)}, {self.url}"


def find(home: Path) -> Running | None:
    """The house that runs on `home`; None when there is none."""
    try:
        told = Record(json.loads((home / FILE).read_text("utf-8")))
    except (OSError, ValueError):
        return None
    running = Running(
        url=told.text("url").rstrip("/"),
        pid=told.number("pid"),
        since=told.text("since"),
        token=Secret(told.text("token")),
        version=told.text("version"),
    )
    return running if _is_alive(running.pid) and _listens(running.url) else None


def _is_alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # another user's process: alive
    return True


def _listens(url: str) -> bool:
    parts = urlsplit(url)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or 80), CONNECT_S):
            return True
    except (OSError, ValueError):
        return False
