"""A home folder, a house that only plays, and the command itself in a process of its own."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.api_server import ApiServer
from tests.fakes.terminal import Sitting
from tests.process import surroundings


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a verb did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its output, read as JSON."""
        return json.loads(self.out)


Bot = Callable[..., Done]
Sit = Callable[..., Sitting]
ME = {"model": {"name": "openai/gpt-4o-mini", "offline": False}, "pending": 0}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder that does not exist yet."""
    return tmp_path / "home"


@pytest.fixture
def server(home: Path) -> Iterator[ApiServer]:
    """A house that plays on that folder, and kept the contract to the end."""
    found = ApiServer(home)
    yield found
    found.stop()
    assert found.faults == []


@pytest.fixture
def bot(home: Path, tmp_path: Path) -> Bot:
    """`bot("routes", "list")` runs the command and waits for it."""

    def run(*words: str, stdin: str | None = None, **environ: str) -> Done:
        done = subprocess.run(
            [sys.executable, "-m", "bot", *words],
            input=stdin if stdin is not None else "",
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=60,
            cwd=tmp_path,
            env=surroundings(home, **environ),
        )
        assert "Traceback" not in done.stderr, done.stderr
        return Done(code=done.returncode, out=done.stdout, err=done.stderr)

    return run


@pytest.fixture
def sit(server: ApiServer, tmp_path: Path) -> Sit:
    """`with sit(…) as terminal:` starts `bot chat` and waits for the prompt."""
    server.answers["GET", "/v1/me"] = 200, ME

    def start(*words: str, prompt: bool = True, **environ: str) -> Sitting:
        around = surroundings(server.home, **environ)
        terminal = Sitting("chat", *words, cwd=tmp_path, environ=around)
        if prompt:
            terminal.wait_for("you › ")
        return terminal

    return start


def say(terminal: Sitting, text: str) -> None:
    """Type a line and wait until it is shown."""
    terminal.type(f"{text}\r")
    terminal.wait_for(f"{text}\n")
