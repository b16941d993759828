"""Scripts side by side come to what they come to one after the other, in fewer statements."""

import random
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest
from sqlalchemy import bindparam, insert, select, update

import bot.store
from bot.core.conversation import Claim, Spend, Step, TurnEnd
from bot.core.errors import Conflict, Fenced
from bot.core.event import Ending, Event, Place, Sender
from bot.core.ids import AgentName, ConvKey, EventId, PersonId, TenantId
from bot.core.model import Usage
from bot.inbox import arrive
from bot.store import arrivals, conversations, schema, turns
from bot.store import inbox as inbox_rows
from bot.store.columns import metadata
from bot.store.inbox import replay
from bot.store.journal import _HOLDS, write_step
from bot.store.lockstep import Round, side_by_side
from bot.store.script import Ask, Script, Statement, restartable, restartable_by, run
from bot.store.shape import shape
from bot.store.sqlite import executor
from bot.store.tables import inbox, message, meta
from bot.store.tables_shared import shared

AT = datetime(2026, 1, 5, 9, tzinfo=UTC)
_GET = Statement(select(meta.c.value).where(meta.c.name == bindparam("name")))
_SET = Statement(
    update(meta).where(meta.c.name == bindparam("id")).values(value=bindparam("new_value"))
)
_PUT = Statement(insert(meta).values(name=bindparam("name"), value=bindparam("value")))
_TELL = Statement(
    insert(inbox).values(
        id=bindparam("name"),
        detail=bindparam("value"),
        **dict.fromkeys(("tenant", "channel", "account", "kind", "conv", "body", "body_hash"), ""),
        ext_id=bindparam("name"),
        **dict.fromkeys(("seq", "attempts", "at", "received_at"), 0),
    )
)
_TEXTS = Statement(
    select(message.c.text)
    .where(message.c.tenant == bindparam("tenant"), message.c.conv == bindparam("conv"))
    .order_by(message.c.n)
)


class Watched:
    """An empty database in memory, and what it was asked."""

    def __init__(self) -> None:
        self.conn = sqlite3.connect(":memory:", isolation_level=None)
        for statement in schema.statements():
            self.conn.execute(statement)
        self.execute = executor(self.conn)
        self.rounds: list[Round] = []

    def together(self, scripts: Sequence[Script[Any]]) -> list[Any]:
        """All of them in one transaction, side by side."""
        rounds = side_by_side(scripts)
        try:
            this = next(rounds)
            while True:
                self.rounds.append(this)
                for statement, sets in this.also:
                    for params in sets:
                        self.execute(Ask(statement, params))
                this = rounds.send(
                    [self.execute(Ask(this.statement, params)) for params in this.params]
                )
        except StopIteration as stop:
            results: list[Any] = stop.value
            return results

    def one_by_one(self, scripts: Sequence[Script[Any]]) -> list[Any]:
        """The same as it would be without."""
        return [run(script, self.execute) for script in scripts]

    def rows(self) -> dict[str, list[Any]]:
        """Everything; the number of a line of the audit says only which was written first."""
        found = {}
        for table in metadata.sorted_tables:
            names = ", ".join(c.name for c in table.columns if (table.name, c.name) != AUDIT)
            found[table.name] = sorted(
                map(repr, self.conn.execute(f"select {names} from {table.name}"))
            )
        return found


AUDIT = ("audit", "seq")


@pytest.fixture
def db() -> Watched:
    return Watched()


def _append(name: str, more: str) -> Script[str]:
    """Read, then write: who comes in between is forgotten."""
    rows = yield Ask(_GET, {"name": name})
    yield Ask(_SET, {"id": name, "new_value": rows[0][0] + more})
    return str(rows[0][0])


honest = restartable_by(lambda name, more: name)(_append)
lying = restartable_by(lambda name, more: more)(_append)
silent = restartable(_append)


@restartable_by(lambda name, value: name)
def put(name: str, value: str) -> Script[None]:
    """Add a row."""
    yield Ask(_PUT, {"name": name, "value": value})


@restartable_by(lambda name: name)
def get(name: str) -> Script[str | None]:
    """Read it."""
    rows = yield Ask(_GET, {"name": name})
    return rows[0][0] if rows else None


def test_scripts_of_one_key_run_to_their_end_one_after_the_other(db: Watched) -> None:
    db.one_by_one([put("a", "-"), put("b", "-")])
    scripts = [honest("a", "1"), honest("b", "x"), honest("a", "2"), honest("a", "3")]
    assert db.together(scripts) == ["-", "-", "-1", "-12"]
    assert db.one_by_one([get("a"), get("b")]) == ["-123", "-x"]


def test_scripts_that_hide_that_their_rows_are_the_same_do_get_in_each_others_way(
    db: Watched,
) -> None:
    """The control: they do take turns, and it is the key that keeps the others in order."""
    db.one_by_one([put("a", "-")])
    assert db.together([lying("a", "1"), lying("a", "2")]) == ["-", "-"]
    assert db.one_by_one([get("a")]) == ["-2"]


def test_scripts_of_different_keys_ask_in_the_same_rounds(db: Watched) -> None:
    names = [f"n{n}" for n in range(20)]
    db.together([put(name, "-") for name in names])
    assert [len(this.params) for this in db.rounds] == [20]
    db.together([honest(name, "1") for name in names])
    assert [len(this.params) for this in db.rounds] == [20, 20, 20]


def test_a_script_without_a_key_runs_after_all_before_it_and_before_all_behind_it(
    db: Watched,
) -> None:
    db.one_by_one([put("a", "-"), put("b", "-")])
    scripts = [honest("a", "1"), silent("a", "2"), honest("a", "3"), silent("b", "x"), get("a")]
    assert db.together(scripts) == ["-", "-1", "-12", "-", "-123"]
    assert all(len(this.params) == 1 for this in db.rounds)


def test_what_was_added_is_there_for_whoever_asks(db: Watched) -> None:
    assert db.together([put("a", "1"), get("b"), get("a"), put("b", "2"), get("b")])[2] == "1"
    assert db.together([get("b")]) == ["2"]


def test_what_waits_to_be_added_to_several_tables_is_one_round(db: Watched) -> None:
    @restartable_by(lambda name: name)
    def twice(name: str) -> Script[None]:
        yield Ask(_PUT, {"name": name, "value": "1"})
        yield Ask(_TELL, {"name": name, "value": "2"})

    db.together([twice(name) for name in "abc"])
    assert [(len(this.params), len(this.also)) for this in db.rounds] == [(3, 1)]
    assert db.one_by_one([get(name) for name in "abc"]) == ["1", "1", "1"]
    told = db.conn.execute("select detail from inbox order by id").fetchall()
    assert told == [("2",)] * 3


def test_what_one_of_the_same_key_has_just_read_is_not_asked_again(db: Watched) -> None:
    db.one_by_one([put("a", "-"), put("b", "-")])
    assert db.together([get("a"), get("a"), get("b"), get("a")]) == ["-", "-", "-", "-"]
    assert [len(this.params) for this in db.rounds] == [2]


@pytest.mark.parametrize("between", ["changed", "added"])
def test_what_was_written_since_is_read_anew(db: Watched, between: str) -> None:
    if between == "changed":
        db.one_by_one([put("a", "-")])
        assert db.together([get("a"), honest("a", "1"), get("a")]) == ["-", "-", "-1"]
    else:
        assert db.together([get("a"), put("a", "-"), get("a")]) == [None, None, "-"]


def test_a_script_without_a_key_reads_everything_itself(db: Watched) -> None:
    @restartable
    def twice() -> Script[list[str]]:
        first = yield Ask(_GET, {"name": "a"})
        again = yield Ask(_GET, {"name": "a"})
        return [first[0][0], again[0][0]]

    db.one_by_one([put("a", "-")])
    assert db.together([twice()]) == [["-", "-"]]
    assert len(db.rounds) == 2


def test_what_one_raises_reaches_whoever_runs_them(db: Watched) -> None:
    @restartable_by(lambda: "no")
    def refuse() -> Script[None]:
        yield Ask(_GET, {"name": "a"})
        raise Conflict("Not after all.")

    with pytest.raises(Conflict):
        db.together([put("a", "1"), refuse()])


def test_each_is_told_its_own_rows_however_many_they_are(db: Watched) -> None:
    for n, conv in enumerate("abbbc"):
        line = dict.fromkeys(("approval", "cause"), None) | {
            "id": f"m{n}", "tenant": "t", "conv": conv, "seq": 1, "n": n, "turn": "", "role": "",
            "agent": "", "text": f"{conv}{n}", "raw": "", "footer": "", "attachments": "[]",
            "at": 1,
        }  # fmt: skip
        db.conn.execute(
            f"insert into message ({', '.join(line)}) values ({', '.join('?' * len(line))})",
            [value if value is not None else "" for value in line.values()],
        )

    @restartable_by(lambda conv: conv)
    def texts(conv: str) -> Script[list[str]]:
        rows = yield Ask(_TEXTS, {"tenant": "t", "conv": conv})
        return [row[0] for row in rows]

    found = db.together([texts(conv) for conv in "xbacy"])
    assert found == [[], ["b1", "b2", "b3"], ["a0"], ["c4"], []]
    assert len(db.rounds) == 1


def said(n: int, at: int, tenant: str) -> Event:
    """The `at`th message of a conversation."""
    return Event(
        id=EventId(f"evt_{tenant}-{n}-{at}"),
        tenant=TenantId(tenant),
        channel="api",
        account="",
        ext_id=f"{n}-{at}",
        kind="message",
        conv=ConvKey(f"api:{n}"),
        sender=Sender(ext_id="p", person=PersonId("p")),
        place=Place(id="p"),
        text=f"{n}: {at}",
        at=AT,
    )


def arriving(event: Event) -> Script[Any]:
    """It is stored, and its conversation taken if it is free."""
    ids = (f"cnv_{event.id}", f"msg_{event.id}")
    return arrive(event, ids, 1_000, "", "me")


def ending(claim: Claim) -> list[Script[Any]]:
    """What a turn writes: two steps and its end."""
    spent = Spend(model="m", usage=Usage(tokens_in=1, tokens_out=2, micros=3))
    end = TurnEnd(ending=Ending.ANSWERED, reply="Yes.", agent=AgentName("bri"), spends=(spent,))
    steps = [
        Step(step=n, kind="model", input_hash="h", result=f"{n}", at=AT, ms=1) for n in range(2)
    ]
    return [*(write_step(claim, step) for step in steps), turns.finish(claim, end, 2_000)]


def play(seed: int, db: Watched, how: Any) -> list[Any]:
    """Several conversations of two tenants, in an order of chance that keeps each one's own."""
    chance = random.Random(seed)
    coming = {(t, n): [said(n, at, t) for at in range(3)] for t in "ab" for n in range(3)}
    told: list[Any] = []
    batch: list[Script[Any]] = []
    for _ in range(30):
        found = how(db, batch)
        told += [repr(result) for result in found]
        batch = []
        for result in found:
            for claim in result if isinstance(result, list | tuple) else ():
                if isinstance(claim, Claim):
                    batch += ending(claim)
        for events in coming.values():
            for _ in range(chance.choice((0, 0, 1, 1, 2))):
                if events:
                    batch.append(arriving(events.pop(0)))
        if chance.random() < 0.6:
            batch.insert(chance.randint(0, len(batch)), turns.claim("me", 3_000, 9))
    return told


@pytest.mark.parametrize("seed", range(20))
def test_turns_side_by_side_leave_what_turns_one_by_one_leave(seed: int) -> None:
    one, other = Watched(), Watched()
    assert play(seed, one, Watched.together) == play(seed, other, Watched.one_by_one)
    assert one.rows() == other.rows()
    assert max(len(this.params) for this in one.rounds) > 3
    ended = one.conn.execute("select count(*) from inbox where state = 'done'").fetchone()
    assert ended == (18,)


def begun(db: Watched, n: int = 0) -> Claim:
    """The turn of a conversation's first message."""
    ((_, claim),) = db.together([arriving(said(n, 0, "a"))])
    db.rounds.clear()
    assert isinstance(claim, Claim)
    return claim


def asks_whether_it_holds(db: Watched) -> int:
    """How often it was asked of a claim."""
    return sum(this.statement is _HOLDS for this in db.rounds)


def test_steps_do_not_ask_for_what_the_end_of_their_turn_fails_without(db: Watched) -> None:
    first, second = begun(db, 0), begun(db, 1)
    db.together([*ending(first), *ending(second)])
    assert asks_whether_it_holds(db) == 0
    assert db.conn.execute("select count(*) from journal").fetchone() == (4,)


def test_a_step_behind_which_nothing_ends_asks_for_itself(db: Watched) -> None:
    first, second = begun(db, 0), begun(db, 1)
    step, _, end = ending(first)
    db.together([step, *ending(second)])
    assert asks_whether_it_holds(db) == 1
    db.together([end])
    with pytest.raises(Fenced):
        db.together([ending(first)[1]])


@pytest.mark.parametrize("moved", ["its turn", "another"])
def test_steps_of_a_turn_that_was_overtaken_are_never_left_by_its_end(
    db: Watched, moved: str
) -> None:
    """Nor are they let through by the end of the turn that came after it."""
    claim = begun(db)
    db.conn.execute("update conv set epoch = epoch + 1")
    now = replace(claim, conv=replace(claim.conv, epoch=claim.conv.epoch + 1))
    end = ending(claim if moved == "its turn" else now)[-1]
    with pytest.raises(Fenced):
        db.together([ending(claim)[0], end])


def asked(db: Watched) -> list[Statement]:
    """What a batch asked, round by round; all that is added at once as nothing but the first."""
    return [this.statement for this in db.rounds]


def test_an_event_takes_its_conversation_at_rest_without_looking_for_it_first(db: Watched) -> None:
    db.together(ending(begun(db)))
    db.rounds.clear()
    ((got, claim),) = db.together([arriving(said(0, 1, "a"))])
    assert asked(db)[:2] == [inbox_rows._SEIZE, conversations._HISTORY]
    assert len(db.rounds) == 3
    assert (got.seq, got.conv.epoch, [line.text for line in claim.history]) == (
        2, 2, ["0: 0", "Yes."],
    )  # fmt: skip


def test_the_first_event_of_a_conversation_makes_it_its_own(db: Watched) -> None:
    ((got, claim),) = db.together([arriving(said(0, 0, "a"))])
    assert asked(db)[:2] == [inbox_rows._SEIZE, arrivals._MET]
    assert len(db.rounds) == 3
    assert (got.seq, got.conv.epoch, got.claimed, claim.history) == (1, 1, True, ())
    row = db.conn.execute("select state, owner, epoch, next_seq, next_n from conv").fetchall()
    assert row == [("running", "me", 1, 2, 2)]


def test_one_that_comes_again_is_known_though_its_conversation_rests(db: Watched) -> None:
    claim = begun(db)
    db.together(ending(claim))
    ((got, again),) = db.together([arriving(said(0, 0, "a"))])
    assert (got.duplicate, got.event, again) == (True, claim.event.id, None)
    assert db.conn.execute("select state, epoch from conv").fetchall() == [("idle", 1)]


def test_turns_end_in_one_round_and_nobody_waits_for_what_others_add(db: Watched) -> None:
    claims = [begun(db, n) for n in range(3)]
    db.together(ending(claims[0]))
    db.rounds.clear()
    db.together([*ending(claims[1]), *ending(claims[2]), arriving(said(0, 1, "a"))])
    once = [turns._END, inbox_rows._SEIZE, conversations._HISTORY]
    assert asked(db)[:-1] == once


def looks_for_more(db: Watched) -> int:
    """How often the inbox was read after a conversation was let go."""
    return sum(this.statement is turns._MORE for this in db.rounds)


def test_a_turn_looks_for_more_only_where_something_came(db: Watched) -> None:
    claim = begun(db)
    *_, ended = db.together(ending(claim))
    assert (ended.more, looks_for_more(db)) == (False, 0)
    ((_, again),) = db.together([arriving(said(0, 1, "a"))])
    db.together([arriving(said(0, 2, "a"))])
    *_, ended = db.together(ending(again))
    assert (ended.more, looks_for_more(db)) == (True, 1)


def test_what_is_taken_back_from_the_dead_letters_meanwhile_is_seen_at_the_end(db: Watched) -> None:
    claim = begun(db)
    failed = TurnEnd(ending=Ending.FAILED, detail="No key.")
    db.together([turns.finish(claim, failed, 2_000)])
    ((_, again),) = db.together([arriving(said(0, 1, "a"))])
    assert db.one_by_one([replay("a", claim.event.id, 2_500)]) == [True]
    *_, ended = db.together(ending(again))
    assert ended.more


def statements() -> dict[str, Statement]:
    """`module._NAME` and what stands there."""
    found = {}
    for module in iter_modules(bot.store.__path__):
        if not module.ispkg:
            there = vars(import_module(f"bot.store.{module.name}"))
            found |= {
                f"{module.name}.{name}": value
                for name, value in there.items()
                if isinstance(value, Statement)
            }
    return found


NAMED = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE) (\w+)")


@pytest.mark.parametrize("name", sorted(statements()))
def test_the_tables_of_a_statement_are_known(name: str) -> None:
    """Or a row that waits to be added would not be there for it."""
    found = shape(statements()[name])
    tables = {table.name for part in (metadata, shared) for table in part.sorted_tables}
    assert set(NAMED.findall(found.sql)) & tables <= found.tables
