"""A real NATS server of a test's own, on this machine alone."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from tests.process import free_port

BINARY = shutil.which("nats-server") or ""
ABSENT = "nats-server is not installed (Debian: apt-get install nats-server)"
START_S = 20.0


class NatsServer:
    """One server; it may be ended and begun again at the same address."""

    def __init__(self, *words: str) -> None:
        self._words: Sequence[str] = words
        self.port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, name: str = "", user: str = "") -> str:
        """Where it is; `user` is `name:password@`."""
        return f"nats://{user}127.0.0.1:{self.port}" + (f"/{name}" if name else "")

    def start(self) -> None:
        """Begin it and wait until it answers."""
        command = [BINARY, "-a", "127.0.0.1", "-p", str(self.port), *self._words]
        self._process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError("NATS does not answer.")

    def stop(self) -> None:
        """End it at once."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None


@contextmanager
def nats_server(*words: str) -> Iterator[NatsServer]:
    """One for the length of a test."""
    server = NatsServer(*words)
    try:
        server.start()
        yield server
    finally:
        server.stop()
