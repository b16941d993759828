"""A terminal and somebody at it: runs a command on a pseudo-terminal, waits for words, types."""

import os
import re
import select
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

WAIT_S = 30.0
_TAKE_OVER = (
    "import os, sys\n"
    "tty = os.open(sys.argv[1], os.O_RDWR)\n"  # the first one that a session opens is its own
    "for number in (0, 1, 2): os.dup2(tty, number)\n"
    "os.execv(sys.executable, [sys.executable, *sys.argv[2:]])"
)
_CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class Sitting:
    """One command at one terminal; use it as a context manager."""

    def __init__(self, *words: str, cwd: Path, environ: Mapping[str, str]) -> None:
        self._master, slave = os.openpty()
        name = os.ttyname(slave)
        command = [sys.executable, "-c", _TAKE_OVER, name, "-m", "bot", *words]
        environ = {"TERM": "xterm", "COLUMNS": "100", **environ}
        self.process = subprocess.Popen(command, cwd=cwd, env=environ, start_new_session=True)
        self._slave = slave
        self.raw = ""
        self._read_to = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        os.close(self._slave)
        os.close(self._master)

    @property
    def text(self) -> str:
        """All that was shown, without colours; a line that was wiped out stays, on its own."""
        lines = self.raw.replace("\r\n", "\n").replace("\r\x1b[K", "\n")
        return re.sub("\n+", "\n", _CODES.sub("", lines))

    def wait_for(self, words: str, press: str = "") -> str:
        """Read until the words are shown after what was waited for before; return what came.

        `press` is pressed each second: a Ctrl-C in the very moment in which readline begins to
        wait is noticed only at the next key.
        """
        limit = time.monotonic() + WAIT_S
        while (at := self.text.find(words, self._read_to)) < 0:
            if press and not self._more(min(limit, time.monotonic() + 1)):
                self.type(press)
            if not press and not self._more(limit) or time.monotonic() > limit:
                raise AssertionError(f"{words!r} was not shown:\n{self.text}")
        start, self._read_to = self._read_to, at + len(words)
        return self.text[start : self._read_to]

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self._master, text.encode())

    def end(self, press: str = "") -> int:
        """Wait for the command to end; its exit code.

        `press` is pressed again each second: a Ctrl-C in the very moment in which readline begins
        to wait is noticed only at the next key, as a person would notice too.
        """
        limit = time.monotonic() + WAIT_S
        again = time.monotonic()
        while self.process.poll() is None and time.monotonic() < limit:
            if press and time.monotonic() >= again:
                self.type(press)
                again = time.monotonic() + 1
            self._more(min(limit, time.monotonic() + 0.1))
        code = self.process.wait(WAIT_S)
        while self._more(time.monotonic()):
            pass
        return code

    def _more(self, limit: float) -> bool:
        left = max(0.0, limit - time.monotonic())
        if not select.select([self._master], [], [], left)[0]:
            return False
        self.raw += os.read(self._master, 65536).decode("utf-8", "replace")
        return True
