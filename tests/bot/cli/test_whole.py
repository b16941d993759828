"""The command against the whole house, no part of it played: from nothing to a post, and on.

Every other test of the command line has a house that plays its part; this one keeps that part true.
"""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bot.cli.conftest import Bot, Sit, say
from tests.fakes.terminal import Sitting
from tests.process import Process, surroundings

READS = [
    ("status",), ("doctor",), ("agents",), ("agents", "show", "bri"), ("routes",), ("policies",), ("people",),
    ("tenants",), ("token",), ("schedules",), ("events",), ("events", "dead"), ("audit",),
    ("audit", "verify"), ("audit", "export"), ("approvals",), ("approvals", "list", "--all"),
    ("login",), ("open", "--print"), ("db",), ("keys",), ("memory",), ("memory", "archives"),
]  # fmt: skip


def begin(home: Path, **more: str) -> Process:
    """The whole house on that folder, once it is there."""
    house = Process(home.parent, home.name, **more)
    house.launch()
    house.ready()
    return house


@pytest.fixture
def running(home: Path) -> Iterator[Process]:
    """The whole house, on the folder that the other fixtures use."""
    house = begin(home)
    yield house
    house.stop()


def test_every_reading_verb_is_understood(bot: Bot, running: Process) -> None:
    for words in READS:
        said = bot(*words)
        assert (said.code, said.err) == (0, ""), words


def test_from_a_message_to_a_post(bot: Bot, running: Process, home: Path) -> None:
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


def test_a_policy_holds_from_the_next_call_on(bot: Bot, running: Process, home: Path) -> None:
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


def test_a_note_is_kept_listed_and_forgotten(bot: Bot, running: Process) -> None:
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


def test_people_tokens_and_routes_come_and_go(bot: Bot, running: Process) -> None:
    added = bot("people", "add", "Bo", "--json").json
    assert "/in/" in added["link"]
    assert "Bo" in bot("people").out
    token = bot("token", "create", "ci", "--json").json
    assert token["id"] in bot("token").out
    assert bot("token", "revoke", token["id"]).code == 0
    rule = bot("routes", "add", "kelly", "--channel", "slack", "--place", "C123", "--json").json
    told = bot("routes", "explain", "--channel", "slack", "--place", "C123", "--person", "U9")
    assert told.out.startswith("kelly would answer: ")
    tied = bot("routes", "add", "bri", "--channel", "slack", "--place", "C123")
    assert (
        f"so nobody does until one of the two is gone: bot routes remove {rule['id']}" in tied.out
    )
    assert bot("routes", "remove", rule["id"]).code == 0
    told = bot("routes", "explain", "--channel", "slack", "--place", "C123")
    assert told.out.startswith("bri would answer: ")
    assert bot("trace", "evt_none").code == 1


def test_a_second_start_is_told_who_runs(bot: Bot, running: Process) -> None:
    said = bot("run")
    assert said.code == 4
    assert f"pid {running.process.pid}" in said.err


def test_a_talk_goes_on_through_a_crash(sit_whole: Sit, running: Process) -> None:
    with sit_whole() as terminal:
        say(terminal, "help")
        terminal.wait_for("I understand these phrases")
        terminal.wait_for("you › ")
        running.stop(signal.SIGKILL)
        running.launch()
        running.ready()
        say(terminal, "/whoami")
        terminal.wait_for("You are Owner")
        terminal.wait_for("you › ")  # a Ctrl-D that comes before the prompt is forgotten
        terminal.type("\x04")
        assert terminal.end() == 0


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


def test_a_lost_master_key_is_told_and_never_replaced(bot: Bot, home: Path) -> None:
    begin(home).stop()
    (home / "master.key").unlink()
    said = bot("run")
    assert said.code == 2
    assert "put it back from your backup" in said.err
    assert not (home / "master.key").exists()


def test_the_status_names_every_own_channel(bot: Bot, running: Process) -> None:
    names = [channel["name"] for channel in bot("status", "--json").json["channels"]]
    assert names == ["web", "terminal", "api"]


def test_what_a_kill_left_in_the_blog_is_gone_after_the_start(home: Path) -> None:
    (home / "blog").mkdir(parents=True)
    left = home / "blog" / ".switchboard-abc.tmp"
    left.touch()
    begin(home).stop()
    assert not left.exists()


def test_a_broken_agent_and_an_unknown_tool_are_named_and_the_others_go_on(
    bot: Bot, home: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "team"
    folder.mkdir()
    (folder / "bri.md").write_text(
        "---\ntitle: helps\ntools: [memory_remembr]\n---\nYou are Bri.\n"
    )
    (folder / "max.md").write_text("no settings")
    house = begin(home, BOT_AGENTS_DIR=str(folder))
    try:
        ready = bot("status")
        assert ready.code == 0, ready.out
        assert "2 problems (bot doctor names them)" in ready.out
        named = bot("doctor").out
        assert "team/bri.md:3: there is no tool memory_remembr; did you mean" in named
        assert "team/max.md:1: begin with a line" in named
    finally:
        house.stop()


HANGS = """
import sys, threading, time
import bot.app
from bot.cli.main import main
bot.app.END_S = 2.0
threading.Thread(target=time.sleep, args=(600,), name="a hung folder").start()
sys.exit(main(sys.argv[1:]))
"""


def test_a_thread_that_hangs_keeps_no_house_from_ending(home: Path) -> None:
    house = Process(home.parent, home.name, code=("-c", HANGS))
    house.launch()
    house.ready()
    house.stop()
    assert house.process.returncode == 0
    assert "Not everything ended in time (MainThread, a hung folder)" in house.said
