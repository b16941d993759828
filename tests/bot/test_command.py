"""Hints that can be run: after `make run` the command has a path, and elsewhere its name."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bot import command
from tests.process import ROOT, surroundings

BIN = ROOT / ".venv" / "bin"
HINTS = {
    "bot run": "./bot run",
    "Start it with: bot run": "Start it with: ./bot run",
    "`bot open` opens its page.": "`./bot open` opens its page.",
    "2 problems (bot doctor names them)": "2 problems (./bot doctor names them)",
    "kill 12 && bot run": "kill 12 && ./bot run",
    "Use another: BOT_PORT=8081 bot run": "Use another: BOT_PORT=8081 ./bot run",
    "Install it: pip install mcp": "Install it: pip --python ./python install mcp",
}
LEFT = ("Give the bot access to this channel.", "robot run", ".venv/bin/bot run", "bot: no")


def test_a_hint_is_what_can_be_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_name", lambda: "./bot")  # what it is here depends on the machine
    assert {text: command.runnable(text) for text in HINTS} == HINTS
    assert [command.runnable(text) for text in LEFT] == list(LEFT)


@pytest.mark.skipif(not (BIN / "bot").is_file(), reason="there is no launcher in this checkout")
def test_the_launcher_is_named_by_its_path_where_its_name_leads_nowhere(tmp_path: Path) -> None:
    around = surroundings(tmp_path / "home", PATH="/usr/bin:/bin")
    on_path = {**around, "PATH": f"{BIN}{os.pathsep}/usr/bin"}

    def said(*words: str, cwd: Path, env: dict[str, str]) -> str:
        command = [sys.executable, *words, "-m", "bot", "status"]
        done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=60)
        return done.stdout.strip().rpartition("with: ")[2]

    assert said("-P", cwd=tmp_path, env=around) == f"{BIN}/bot run"
    assert said("-P", cwd=ROOT, env=around) == ".venv/bin/bot run"
    assert said("-P", cwd=tmp_path, env=on_path) == "bot run"
    assert said(cwd=tmp_path, env=around) == "bot run"
