"""Lines that a person types: with history and editing where the terminal has them.

An answer to a question never enters the history, and a key is read without being shown. The feed
of a conversation may print while a person types; `above` does that without breaking their line.
"""

import getpass
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from io import TextIOWrapper
from pathlib import Path
from threading import Lock, Thread, get_ident
from time import sleep
from types import ModuleType

MOST = 1000


def _readline() -> ModuleType | None:
    try:
        import readline
    except ImportError:  # not on every system
        return None
    return readline


@contextmanager
def ctrl_c_waits() -> Iterator[None]:
    """Hold Ctrl-C back until the end; threads that are started in here never get it.

    The system may deliver it to any thread, and then the one that waits for a line sleeps on.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


NUDGES = 40
NUDGE_S = 0.05


class Nudge:
    """Wakes a waiting readline until it has noticed a Ctrl-C.

    Python's readline looks for signals only when one breaks its `select` (CPython,
    Modules/readline.c, read 2026-11-21): a Ctrl-C that comes a moment before is noticed at the
    next one. So a second signal that does nothing follows, until no line is waited for.
    """

    def __init__(self) -> None:
        self.waits = False
        """Somebody types a line."""
        self._read, write = os.pipe()
        os.set_blocking(write, False)
        signal.signal(signal.SIGUSR1, lambda *_: None)
        signal.set_wakeup_fd(write, warn_on_full_buffer=False)
        self._main = get_ident()
        with ctrl_c_waits():
            Thread(target=self._follow, name="ctrl-c", daemon=True).start()

    def _follow(self) -> None:
        while got := os.read(self._read, 64):
            left = NUDGES if signal.SIGINT in got else 0
            while left and self.waits:
                sleep(NUDGE_S)
                signal.pthread_kill(self._main, signal.SIGUSR1)
                left -= 1


class Lines:
    """The keyboard."""

    def __init__(self, history: Path | None = None) -> None:
        self._history = history
        self._tools = _readline() if sys.stdin.isatty() else None
        self._prompt = ""
        if isinstance(sys.stdin, TextIOWrapper):
            sys.stdin.reconfigure(errors="replace")  # bytes that are no text
        self._lock = Lock()
        self._nudge = Nudge() if self._tools else None
        if self._tools and history and history.is_file():
            with suppress(OSError):
                self._tools.read_history_file(history)

    def message(self, prompt: str) -> str:
        """A line for the conversation. Raises EOFError at the end, KeyboardInterrupt on Ctrl-C."""
        return self._read(prompt, remember=True)

    def answer(self, prompt: str, start: str = "") -> str:
        """An answer to a question; `start` stands there already, to be changed."""
        tools = self._tools
        if tools is None:
            return self._read(prompt, remember=False) or start
        tools.set_startup_hook(lambda: tools.insert_text(start))
        try:
            return self._read(prompt, remember=False)
        finally:
            tools.set_startup_hook(None)

    def block(self) -> str:
        """Lines up to one that holds only a dot."""
        found: list[str] = []
        while (line := self._read("  ", remember=False)) != ".":
            found.append(line)
        return "\n".join(found)

    def secret(self, prompt: str) -> str:
        """A line that is not shown."""
        return getpass.getpass(prompt).strip()

    def typed(self) -> str:
        """What stands on the line now."""
        return str(self._tools.get_line_buffer()) if self._tools else ""

    @property
    def waits(self) -> bool:
        """Somebody is asked for a line at this moment."""
        return bool(self._prompt)

    def above(self, text: str) -> None:
        """Print above the line that is being typed."""
        with self._lock:
            if not self._prompt:
                print(text, flush=True)
                return
            print(f"\r\x1b[K{text}\n{self._prompt}{self.typed()}", end="", flush=True)

    def close(self) -> None:
        """Keep the history for the next time, readable by its owner only."""
        if self._tools and self._history:
            with suppress(OSError):
                self._history.touch(mode=0o600)
                self._tools.set_history_length(MOST)
                self._tools.write_history_file(self._history)

    def _wait(self, waits: bool) -> None:
        if self._nudge:
            self._nudge.waits = waits

    def _read(self, prompt: str, *, remember: bool) -> str:
        if self._tools:
            self._tools.set_auto_history(remember)
        with self._lock:
            self._prompt = prompt if sys.stdout.isatty() else ""
        try:
            self._wait(True)
            return input(prompt)
        finally:
            self._wait(False)
            with self._lock:
                self._prompt = ""
