"""The statements of every turn and sweep find their rows by an index, whatever the tables hold."""

import re
import sqlite3
from pathlib import Path

import pytest

from bot.store import approvals, arrivals, conversations, effects, inbox, schema, turns
from bot.store.script import Statement
from bot.store.sqlite import DIALECT

HOT = {
    "the next event of a conversation": (turns._HEAD, "inbox_next"),
    "whether another event waits": (turns._MORE, "inbox_next"),
    "whether one waited already": (turns._END, "inbox_next"),
    "the next conversation of a tenant": (turns._NEXT, "conv_due"),
    "tenants with work": (turns._TENANTS, "conv_due"),
    "how many wait": (turns._MANY["ready"], "conv_due"),
    "whether an event was seen": (arrivals._SEEN, "sqlite_autoindex_inbox_2"),
    "whether it was, with its conversation": (arrivals._MET, "sqlite_autoindex_inbox_2"),
    "its conversation": (arrivals._MET, "sqlite_autoindex_conv_2"),
    "an event that is new": (inbox._SEIZE, "sqlite_autoindex_inbox_2"),
    "and its conversation at rest": (inbox._SEIZE, "sqlite_autoindex_conv_2"),
    "the conversation of a key": (conversations._CURRENT, "sqlite_autoindex_conv_2"),
    "the lines before a turn": (conversations._HISTORY, "message_order"),
    "effects to be done": (effects._READY, "effect_ready"),
    "effects that were cut off": (effects._STUCK, "effect_sending"),
    "questions past their time": (approvals._DUE, "approval_code"),
}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> sqlite3.Connection:
    """A database with the schema and no rows: plans rest on the schema alone."""
    path: Path = tmp_path_factory.mktemp("plans") / "house.db"
    schema.prepare(path)
    return sqlite3.connect(path)


def plan(db: sqlite3.Connection, sql: str) -> str:
    names = dict.fromkeys(re.findall(r":(\w+)", sql), 1)
    return "; ".join(row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", names))


@pytest.mark.parametrize(("statement", "index"), HOT.values(), ids=HOT)
def test_a_hot_statement_takes_its_index(
    empty: sqlite3.Connection, statement: Statement, index: str
) -> None:
    assert f"USING INDEX {index}" in plan(empty, statement.text(DIALECT)).replace("COVERING ", "")


def test_lines_before_a_turn_are_read_in_order_and_not_sorted(empty: sqlite3.Connection) -> None:
    assert "TEMP B-TREE" not in plan(empty, conversations._HISTORY.text(DIALECT))


def test_a_bound_state_would_read_all_that_a_tenant_ever_sent(empty: sqlite3.Connection) -> None:
    written = turns._MORE.text(DIALECT)
    bound = written.replace("inbox.state = 'new'", "inbox.state = :state")
    assert bound != written
    assert "inbox_next" not in plan(empty, bound)
