"""`bot run` in a process of its own, on a folder of its own, and the verbs of the command beside it."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
START_S = STOP_S = 60.0
READY = "Ctrl-C stops it"


def surroundings(home: Path, **more: str) -> dict[str, str]:
    """An environment that holds nothing by chance."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LC_ALL") if name in os.environ}
    fixed = {"BOT_HOME": str(home), "HOME": str(home.parent), "PYTHONPATH": str(ROOT)}
    return {**kept, **fixed, "TZ": "UTC", "PYTHONWARNINGS": "error", **more}


def free_port() -> int:
    """A port that nobody holds at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Process:
    """One program: what it is set to, and what it logs. It may be started again and again."""

    def __init__(
        self, folder: Path, name: str = "home", code: Sequence[str] = ("-m", "bot"), **settings: str
    ) -> None:
        """`code` is what Python runs in place of `-m bot`."""
        self.home, self.log = folder / name, folder / f"{name}.log"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.environ = surroundings(self.home, BOT_PORT=str(self.port), **settings)
        self.environ.pop("PYTHONWARNINGS")  # what others' packages warn of is not the program's
        self._command = [sys.executable, *code, "run"]
        self._begun = 0

    @property
    def said(self) -> str:
        """All that it logged."""
        return self.log.read_text(errors="replace")

    def launch(self) -> None:
        """Begin it, and do not wait."""
        with self.log.open("ab") as file:
            self._begun = file.tell()
            self.process = subprocess.Popen(
                self._command,
                cwd=self.home.parent,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    def ready(self) -> None:
        """Wait until it says that it is there."""
        until = time.monotonic() + START_S
        while READY.encode() not in self.log.read_bytes()[self._begun :]:
            assert self.process.poll() is None and time.monotonic() < until, self.said
            time.sleep(0.02)

    async def start(self) -> None:
        """Begin it, and wait until it says that it is there."""
        self.launch()
        await asyncio.to_thread(self.ready)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it: as its user does, or as a loss of power would."""
        if self.process.poll() is not None:
            return
        self.process.send_signal(how)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise

    def run(self, *words: str, told: str = "") -> "subprocess.CompletedProcess[str]":
        """A verb of the command in the same surroundings; `told` is piped into it."""
        return subprocess.run(
            [sys.executable, "-m", "bot", *words],
            cwd=self.home.parent,
            env=self.environ,
            input=told,
            capture_output=True,
            text=True,
            timeout=60,
        )

    async def verb(self, *words: str, code: int = 0, told: str = "") -> str:
        """What a verb says that ends with that code."""
        done = await asyncio.to_thread(self.run, *words, told=told)
        assert done.returncode == code, (done.stdout, done.stderr)
        return done.stdout
