"""A folder that cannot be opened: every verb says why in a sentence, and doctor names it first."""

import fcntl
import os
import sqlite3
from pathlib import Path

import pytest

from bot.extras import upgrade
from bot.home import hold
from bot.store import schema
from tests.bot.cli.conftest import Bot

NEWER = "was written by a newer Switchboard (schema 99, this one knows "


@pytest.fixture
def newer(home: Path) -> Path:
    """A database that a later program wrote."""
    home.mkdir(mode=0o700)
    file = home / "switchboard.db"
    schema.prepare(file)
    conn = sqlite3.connect(file)
    conn.execute("PRAGMA user_version=99")
    conn.close()
    return file


@pytest.mark.parametrize("words", [("events",), ("chat", "hello"), ("agents",), ("run",)])
def test_a_newer_database_is_told_by_every_verb_and_is_no_fault_of_the_program(
    bot: Bot, newer: Path, words: tuple[str, ...]
) -> None:
    before = newer.read_bytes()
    said = bot(*words)
    assert (said.code, NEWER in said.err) == (1, True), said.err
    assert "restore a backup made before the upgrade" in said.err
    assert "fault" not in said.err and not (newer.parent / "logs").exists()
    assert newer.read_bytes() == before


def test_doctor_names_a_newer_database_before_it_says_to_start(bot: Bot, newer: Path) -> None:
    first, second = bot("doctor", "--json").json["problems"]
    assert NEWER in first["what"] and first["command"] == upgrade()
    assert second["command"] == "bot run"


def test_doctor_names_a_file_that_is_no_database(bot: Bot, newer: Path) -> None:
    newer.write_bytes(b"no database at all, and longer than one page's head " * 100)
    said = bot("doctor", "--json").json["problems"]
    assert "not a database" in said[0]["what"]
    assert said[0]["command"] == "bot restore FILE --replace"
    for words in (("events",), ("db", "status")):
        done = bot(*words)
        assert (done.code, "Bring a backup back with" in done.err) == (1, True), done.err


def test_a_master_key_that_others_may_read_is_told_with_the_command(bot: Bot, home: Path) -> None:
    assert bot("agents").code == 0
    (home / "master.key").chmod(0o644)
    said = bot("agents")
    assert f"Mend it: chmod 600 {home / 'master.key'}" in said.err
    assert (said.code, "fault" in said.err) == (2, False)
    (home / "master.key").chmod(0o600)
    assert bot("agents").code == 0


def test_a_folder_whose_holder_does_not_answer_is_told_with_what_to_do(
    bot: Bot, home: Path
) -> None:
    held = hold(home)
    try:
        said = bot("agents")
    finally:
        held.release()
    assert said.code == 4
    assert "(it has no page yet)" in said.err
    assert said.err.endswith("another command is at work, try again in a few seconds.\n")
    lock = os.open(home / "lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(lock)
