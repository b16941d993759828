"""The command against the whole house, no part of it played: from nothing to a post, and on.

Every other test of the command line has a house that plays its part; this one keeps that part true.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bot.cli.conftest import Bot, Sit, say, surroundings
from tests.fakes.terminal import Sitting

READS = [
    ("status",), ("doctor",), ("agents",), ("agents", "show", "bri"), ("routes",), ("policies",), ("people",),
    ("tenants",), ("token",), ("schedules",), ("events",), ("events", "dead"), ("audit",),
    ("audit", "verify"), ("audit", "export"), ("approvals",), ("approvals", "list", "--all"),
    ("login",), ("open", "--print"), ("db",), ("keys",), ("memory",), ("memory", "archives"),
]  # fmt: skip


@pytest.fixture
def port() -> int:
    """A port that is free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        found: int = probe.getsockname()[1]
        return found


def _start(home: Path, port: int, **more: str) -> subprocess.Popen[str]:
    around = surroundings(home, BOT_PORT=str(port), **more)
    around.pop("PYTHONWARNINGS")  # what others' packages warn of is not the command's
    command = [sys.executable, "-m", "bot", "run"]
    process = subprocess.Popen(
        command,
        cwd=home.parent,
        env=around,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    shown = ""
    for line in process.stdout:
        shown += line
        if "Ctrl-C stops it" in line:
            return process
    raise AssertionError(f"the house did not start: {shown}")


@pytest.fixture
def running(home: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    """The whole house, on the folder that the other fixtures use."""
    process = _start(home, port)
    yield process
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
    process.wait(20)
    assert process.stdout is not None
    process.stdout.close()


def test_every_reading_verb_is_understood(bot: Bot, running: subprocess.Popen[str]) -> None:
    for words in READS:
        said = bot(*words)
        assert (said.code, said.err) == (0, ""), words


def test_from_a_message_to_a_post(bot: Bot, running: subprocess.Popen[str], home: Path) -> None:
    waits = bot("chat", 'publish "We are open on Sunday" on the blog')
    assert waits.code == 0, waits.err
    (approval,) = bot("approvals", "--json").json["items"]
    done = bot("approvals", "edit", approval["code"], "--set", "text=We are open on Monday")
    assert done.code == 0, done.err
    (event,) = [e for e in bot("events", "--json").json["items"] if e["kind"] == "message"]
    assert "blog_publish sent" in bot("trace", event["id"]).out
    (post,) = (home / "blog").glob("*.md")
    assert "We are open on Monday" in post.read_text()
    assert bot("audit", "verify").code == 0


def test_a_policy_holds_from_the_next_call_on(
    bot: Bot, running: subprocess.Popen[str], home: Path
) -> None:
    wrong = bot("policies", "set", "deny", "--tool", "blog_publsh")
    assert (wrong.code, "Did you mean `blog_publish`?" in wrong.err) == (1, True)
    rule = bot("policies", "set", "deny", "--tool", "blog_publish", "--json").json
    refused = bot("chat", 'publish "We are open on Sunday" on the blog')
    assert bot("approvals", "--json").json["items"] == []
    assert not list((home / "blog").glob("*.md")), refused.out
    assert bot("policies", "remove", rule["id"]).code == 0
    assert bot("policies", "set", "auto", "--tool", "blog_publish").code == 0
    bot("chat", 'publish "We are open on Monday" on the blog')
    (post,) = (home / "blog").glob("*.md")
    assert "We are open on Monday" in post.read_text()
    assert bot("approvals", "--json").json["items"] == []


def test_a_note_is_kept_listed_and_forgotten(bot: Bot, running: subprocess.Popen[str]) -> None:
    assert bot("chat", "remember that we close at six").code == 0
    assert "we close at six" in bot("chat", "what do you remember about closing").out
    (note,) = bot("memory", "--json").json["items"]
    assert (note["text"], note["agent"], note["outside"]) == ("we close at six", "bri", False)
    assert "we close at six" in bot("chat", "/memory").out
    assert "is forgotten" in bot("memory", "forget", note["id"]).out
    assert bot("memory", "forget", note["id"]).code == 1
    assert "No agent keeps anything" in bot("chat", "/memory").out
    book = bot("audit", "--json").json["items"]
    acts = [e["action"] for e in book if e["action"].startswith("memory.")]
    assert {"memory.kept", "memory.listed", "memory.forgotten"} <= set(acts)


def test_people_tokens_and_routes_come_and_go(bot: Bot, running: subprocess.Popen[str]) -> None:
    added = bot("people", "add", "Bo", "--json").json
    assert "/in/" in added["link"]
    assert "Bo" in bot("people").out
    token = bot("token", "create", "ci", "--json").json
    assert token["id"] in bot("token").out
    assert bot("token", "revoke", token["id"]).code == 0
    rule = bot("routes", "add", "kelly", "--channel", "slack", "--place", "C123", "--json").json
    told = bot("routes", "explain", "--channel", "slack", "--place", "C123", "--person", "U9")
    assert told.out.startswith("kelly would answer: ")
    assert bot("routes", "remove", rule["id"]).code == 0
    assert bot("trace", "evt_none").code == 1


def test_a_second_start_is_told_who_runs(bot: Bot, running: subprocess.Popen[str]) -> None:
    said = bot("run")
    assert said.code == 4
    assert f"pid {running.pid}" in said.err


def test_a_talk_goes_on_through_a_crash(
    sit_whole: Sit, running: subprocess.Popen[str], home: Path, port: int
) -> None:
    with sit_whole() as terminal:
        say(terminal, "help")
        terminal.wait_for("I understand these phrases")
        terminal.wait_for("you › ")
        running.kill()
        running.wait()
        again = _start(home, port)
        try:
            say(terminal, "/whoami")
            terminal.wait_for("You are **Owner**")
            terminal.type("\x04")
            assert terminal.end() == 0
        finally:
            again.terminate()
            again.wait(20)
            assert again.stdout is not None
            again.stdout.close()


def test_a_borrowed_house_talks_as_well(bot: Bot, home: Path) -> None:
    said = bot("chat", "--json", "help")
    assert said.code == 0, said.err
    events = [json.loads(line) for line in said.out.splitlines()]
    assert any(
        "I understand these phrases" in str(event["data"].get("text")) for event in events
    ), said.out
    assert not (home / "server.json").exists()


@pytest.fixture
def sit_whole(home: Path) -> Sit:
    """`bot chat` at a terminal, with the whole house."""

    def start(*words: str) -> Sitting:
        terminal = Sitting("chat", *words, cwd=home.parent, environ=surroundings(home))
        terminal.wait_for("you › ")
        return terminal

    return start


def test_a_saved_house_comes_back_whole(bot: Bot, home: Path, tmp_path: Path) -> None:
    bot("people", "add", "Bo")
    assert bot("backup", "all.tar.gz").code == 0
    there = str(tmp_path / "elsewhere")
    assert bot("restore", "all.tar.gz", BOT_HOME=there).code == 0
    assert "Bo" in bot("people", BOT_HOME=there).out
    assert os.stat(there).st_mode & 0o077 == 0


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    process.wait(20)
    assert process.stdout is not None
    process.stdout.close()


def test_a_lost_master_key_is_told_and_never_replaced(bot: Bot, home: Path, port: int) -> None:
    _stop(_start(home, port))
    (home / "master.key").unlink()
    said = bot("run")
    assert said.code == 2
    assert "put it back from your backup" in said.err
    assert not (home / "master.key").exists()


def test_the_status_names_every_own_channel(bot: Bot, running: subprocess.Popen[str]) -> None:
    names = [channel["name"] for channel in bot("status", "--json").json["channels"]]
    assert names == ["web", "terminal", "api"]


def test_what_a_kill_left_in_the_blog_is_gone_after_the_start(home: Path, port: int) -> None:
    (home / "blog").mkdir(parents=True)
    left = home / "blog" / ".switchboard-abc.tmp"
    left.touch()
    _stop(_start(home, port))
    assert not left.exists()


def test_a_broken_agent_and_an_unknown_tool_are_named_and_the_others_go_on(
    bot: Bot, home: Path, port: int, tmp_path: Path
) -> None:
    folder = tmp_path / "team"
    folder.mkdir()
    (folder / "bri.md").write_text(
        "---\ntitle: helps\ntools: [memory_remembr]\n---\nYou are Bri.\n"
    )
    (folder / "max.md").write_text("no settings")
    process = _start(home, port, BOT_AGENTS_DIR=str(folder))
    try:
        ready = bot("status")
        assert ready.code == 0, ready.out
        assert "2 problems (bot doctor names them)" in ready.out
        named = bot("doctor").out
        assert "team/bri.md:3: there is no tool memory_remembr; did you mean" in named
        assert "team/max.md:1: begin with a line" in named
    finally:
        _stop(process)
