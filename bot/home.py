"""The folder of one house: made private, held by one process, told to the verbs of `bot`.

`lock` is held as long as the process lives, whatever way it ends. `server.json` says where it
listens and holds a token that opens it as its owner until it ends; only this user can read it.
"""

import errno
import fcntl
import json
import os
import secrets
import socket
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot.core.errors import OperatorError, StoreError
from bot.core.secret import Secret
from bot.core.times import iso


class AlreadyRunning(OperatorError):
    """Another Switchboard runs on this folder. `bot open` opens its page."""

    exit_code = 4


@dataclass(slots=True, kw_only=True)
class Home:
    """A folder that this process holds."""

    folder: Path
    lock: int
    """The descriptor of the locked file."""
    since: datetime

    @property
    def database(self) -> Path:
        """The embedded database."""
        return self.folder / "switchboard.db"

    def announce(self, url: str, token: Secret, version: str) -> None:
        """Write `server.json`, whole or not at all."""
        told = {
            "url": url,
            "pid": os.getpid(),
            "since": iso(self.since),
            "token": token.reveal(),
            "version": version,
        }
        path = self.folder / "server.json"
        part = path.with_name("server.json.part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            json.dump(told, file)
        part.replace(path)

    def release(self) -> None:
        """Take `server.json` away and let the folder go."""
        (self.folder / "server.json").unlink(missing_ok=True)
        os.close(self.lock)


def hold(folder: Path) -> Home:
    """Make the folder if needed and hold it. Raises AlreadyRunning, StoreError."""
    os.umask(0o077)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        folder.chmod(0o700)
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError(
            f"Cannot use the folder {folder}: {reason}. Name another with BOT_HOME."
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise AlreadyRunning(_who(folder)) from None
    return Home(folder=folder, lock=lock, since=datetime.now(UTC))


BACKLOG = 2048
"""Callers that may stand before the door; one more is sent away and comes back a second later."""


def listen(host: str, ports: tuple[int, ...]) -> socket.socket:
    """A listening socket on the first free port. Raises OSError when there is none."""
    for port in ports:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((host.strip("[]"), port))
            sock.listen(BACKLOG)
        except OSError as error:
            sock.close()
            if error.errno != errno.EADDRINUSE or port == ports[-1]:
                raise
        else:
            sock.setblocking(False)
            return sock
    raise OSError(errno.EADDRINUSE, "No port is free.")


def owner_token() -> Secret:
    """A token for the verbs of `bot`, good until this process ends."""
    return Secret(f"sbp_{secrets.token_urlsafe(32)}")


def _who(folder: Path) -> str:
    try:
        told = json.loads((folder / "server.json").read_text())
        who = f"pid {told['pid']}, since {told['since']}, {told['url']}"
    except (OSError, ValueError, KeyError):
        who = "it has no page yet"
    return (
        f"Switchboard is already running on {folder} ({who}), and this needs the folder for "
        "itself. Stop it with Ctrl-C where it runs; while it starts or stops, or another command "
        "is at work, try again in a few seconds."
    )
