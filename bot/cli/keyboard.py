"""Lines that a person types: with history and editing where the terminal has them.

An answer to a question never enters the history, and a key is read without being shown. The feed
of a conversation may print while a person types; `above` does that without breaking their line.
"""

import getpass
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Lock
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


class Lines:
    """The keyboard."""

    def __init__(self, history: Path | None = None) -> None:
        self._history = history
        self._tools = _readline() if sys.stdin.isatty() else None
        self._prompt = ""
        self._lock = Lock()
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

    def _read(self, prompt: str, *, remember: bool) -> str:
        if self._tools:
            self._tools.set_auto_history(remember)
        with self._lock:
            self._prompt = prompt if sys.stdout.isatty() else ""
        try:
            return input(prompt)
        finally:
            with self._lock:
                self._prompt = ""
