"""`bot mcp` against the whole house and a real server: from a line of settings to an approved tool."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bot.cli.conftest import Bot
from tests.bot.cli.test_whole import begin
from tests.process import Process, free_port
from tests.tools.mcp import kit

SETTINGS = """
[mcp.servers.notes]
command = "{python}"
args = ["{script}", "stdio"]
env = {{ BOOK = "{folder}/book", SHAPE = "{folder}/shape", TOKEN = "canary-of-a-secret" }}
agents = ["bri"]
read = ["long"]
"""


@pytest.fixture
def running(home: Path, tmp_path: Path) -> Iterator[Process]:
    """The whole house, with our server in its settings."""
    text = SETTINGS.format(python=sys.executable, script=kit.HERE / "server.py", folder=tmp_path)
    home.mkdir(mode=0o700)
    (home / "bot.toml").write_text(text)
    (home / "bot.toml").chmod(0o600)
    house = begin(home)
    yield house
    house.stop()


def test_a_server_is_found_told_approved_and_gone_with_the_house(
    bot: Bot, running: Process, tmp_path: Path
) -> None:
    until = time.monotonic() + 30
    while "8 tools wait" not in (said := bot("doctor")).out and time.monotonic() < until:
        time.sleep(0.3)
    assert said.code == 1
    assert "8 tools wait for: bot mcp approve notes\n    bot mcp approve notes" in said.out
    assert "Adds a note." in bot("mcp").out
    done = bot("mcp", "approve", "notes", "add", "long", "--yes")
    assert (done.code, done.err) == (0, "")
    states = {t["name"]: t["state"] for t in bot("mcp", "check", "notes", "--json").json["tools"]}
    assert {name for name, state in states.items() if state == "approved"} == {"add", "long"}
    told = bot("audit", "export").out
    assert "mcp.approved" in told
    assert "canary" not in told
    running.stop()
    out = running.said
    assert "canary" not in out
    assert "hunter2" not in out, "what a program says is masked"
    until = time.monotonic() + 10
    while kit.processes(f"BOOK={tmp_path}") and time.monotonic() < until:
        time.sleep(0.1)
    assert kit.processes(f"BOOK={tmp_path}") == []


def test_mistakes_in_the_settings_are_named_with_their_place(bot: Bot, home: Path) -> None:
    home.mkdir(mode=0o700)
    (home / "bot.toml").write_text(
        '[mcp.servers.my_notes]\ncommand = "x"\n'
        '[mcp.servers.both]\ncommand = "x"\nurl = "https://h"\n'
        '[mcp.servers.plain]\nurl = "http://mcp.example.org"\n'
        '[mcp.servers.mixed]\nurl = "https://h"\nenv = { A = "canary-secret" }\n'
    )
    (home / "bot.toml").chmod(0o600)
    said = bot("run", BOT_PORT=str(free_port()))
    assert said.code == 2
    for words in (
        "small letters and digits",
        "one of the two",
        "Write https",
        "no args and no env",
    ):
        assert words in said.err, said.err
    assert "canary" not in said.err
