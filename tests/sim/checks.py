"""What must hold when the dust has settled, read from the rows and from the books outside.

One list of checks serves the simulation, the kill tests and the negative controls: a control
breaks the engine on purpose and must be caught by these very functions. A complaint begins with
the name of the promise that it breaks, so that a table can count them.
"""

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from bot.core.canonical import digest
from bot.core.effect import bind
from tests.fakes.channel import Shown
from tests.fakes.vendor import ASKED, Record

Row = dict[str, Any]


@dataclass(kw_only=True)
class Evidence:
    """What is left of a run."""

    conn: sqlite3.Connection
    book: Sequence[Record] = ()
    """What really happened at the vendor."""
    shown: Sequence[Shown] = ()
    """What people really saw on channels that are not rows."""
    acked: Mapping[str, str] = field(default_factory=dict)
    """`ext_id` → the id that `accept` returned, for every acknowledged event."""
    repeatable: frozenset[str] = frozenset()
    """Channels that can neither know a key nor be looked into: a reply may come twice."""

    def rows(self, sql: str, *values: object) -> list[Row]:
        """Rows as dictionaries."""
        found = self.conn.execute(sql, values)
        names = [column[0] for column in found.description]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    @cached_property
    def inbox(self) -> dict[str, Row]:
        return {row["id"]: row for row in self.rows("select * from inbox")}

    @cached_property
    def effects(self) -> dict[str, Row]:
        return {row["id"]: row for row in self.rows("select * from effect")}

    @cached_property
    def approvals(self) -> dict[str, Row]:
        return {row["id"]: row for row in self.rows("select * from approval")}

    @cached_property
    def audit(self) -> dict[str, list[Row]]:
        """By target, in order."""
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows("select * from audit order by seq"):
            found[row["target"]].append(row)
        return found

    @cached_property
    def again(self) -> Counter[tuple[str, str]]:
        """How often a person said that a deed (turn and hash) is not there and is to be done."""
        return Counter(
            (row["turn"], row["hash"])
            for row in self.approvals.values()
            if row["kind"] == "doubt" and "To be done again" in row["card"]
        )

    @cached_property
    def lines(self) -> dict[str, list[Row]]:
        """By turn, what was answered."""
        found: dict[str, list[Row]] = defaultdict(list)
        for row in self.rows("select * from message where role != 'user' order by n"):
            found[row["turn"]].append(row)
        return found

    def actions(self, target: str) -> list[str]:
        """What the audit says of something."""
        return [row["action"] for row in self.audit.get(target, [])]


def nothing_lost(e: Evidence) -> Iterator[str]:
    """Every acknowledged event is there and has an end."""
    by_ext = {row["ext_id"]: row for row in e.inbox.values()}
    for ext, event in e.acked.items():
        row = by_ext.get(ext)
        if row is None or event not in e.inbox:
            yield f"lost: {ext} was acknowledged and is not there"
    for row in e.inbox.values():
        ended = row["state"] in ("done", "dead") and row["ending"] and row["ended_at"] is not None
        if not ended:
            yield f"lost: {row['id']} ({row['kind']} {row['body'][:80]}) has no end: {row['state']}"


def one_end(e: Evidence) -> Iterator[str]:
    """An event ends once, by the audit; one with a number in a conversation."""
    for row in e.inbox.values():
        ends = [a for a in e.actions(row["id"]) if a.startswith("event.")]
        if row["seq"] and ends != [f"event.{row['ending']}"]:
            yield f"twice: {row['id']} ended as {ends}, the row says {row['ending']}"


def answered_or_told(e: Evidence) -> Iterator[str]:
    """A message of an admitted person ends answered, or failed and told."""
    for row in e.inbox.values():
        if row["kind"] != "message" or not row["seq"] or row["ending"] == "ignored":
            continue
        if row["ending"] not in ("answered", "failed"):
            yield f"lost: {row['id']} ended as {row['ending']}"
        if not any(line["text"] for line in e.lines.get(row["id"], [])):
            yield f"lost: {row['id']} was {row['ending']} without a word"


def nothing_runs(e: Evidence) -> Iterator[str]:
    """No conversation is held or waits, and nobody's deed is half done."""
    for row in e.rows("select id, state, owner from conv where state != 'idle' or owner != ''"):
        yield f"stuck: conversation {row['id']} is {row['state']} ({row['owner']})"
    for row in e.effects.values():
        if row["state"] in ("planned", "ready", "sending"):
            yield f"stuck: effect {row['id']} ({row['tool']}) is {row['state']}"
        asked = e.approvals.get(row["approval"] or "")
        doubt = e.approvals.get(row["doubt"] or "")
        if row["state"] == "awaiting_approval" and (not asked or asked["state"] != "pending"):
            yield f"stuck: effect {row['id']} waits for nothing"
        if row["kind"] != "tool":
            continue
        if row["state"] == "in_doubt" and (not doubt or doubt["state"] != "pending"):
            yield f"stuck: effect {row['id']} is in doubt and nobody is asked"


def nothing_twice(e: Evidence) -> Iterator[str]:
    """A deed happened once; again only by a person's word, where it cannot be looked up."""
    for effect, count in Counter(record.effect for record in e.book).items():
        row = e.effects.get(effect)
        if row is None:
            yield f"unknown: {effect} was done and nobody wrote it down"
            continue
        most = 1
        if row["policy"] == "none":
            most += e.again[row["turn"], row["hash"]]
        if count > most:
            yield f"twice: {row['policy']} {effect} ({row['tool']}) happened {count} times"


def truth_is_told(e: Evidence) -> Iterator[str]:
    """`sent` happened, or a person says so; `failed` did not happen."""
    done = {record.effect for record in e.book}
    for row in e.effects.values():
        if row["kind"] != "tool":
            continue
        again = (row["turn"], row["hash"]) in e.again
        if row["state"] == "failed" and row["id"] in done and not again:
            yield f"untrue: {row['id']} ({row['tool']}) is failed and happened"
        said = "Found to be there" in e.approvals.get(row["doubt"] or "", {"card": ""})["card"]
        if row["state"] == "sent" and row["id"] not in done and not said:
            yield f"untrue: {row['id']} ({row['tool']}) is sent and never happened"
        untouched = ("awaiting_approval", "planned", "ready")
        if row["state"] in untouched and row["id"] in done and not row["doubt"]:
            yield f"untrue: {row['id']} ({row['tool']}) is {row['state']} and happened"


def nothing_without_a_yes(e: Evidence) -> Iterator[str]:
    """What asks was approved before it was sent, with exactly these arguments."""
    covered: dict[str, list[Row]] = defaultdict(list)
    for row in e.effects.values():
        covered[row["approval"] or ""].append(row)
    for record in e.book:
        effect = e.effects.get(record.effect)
        if effect is None:
            continue
        if record.tool in ASKED and not effect["approval"]:
            yield f"unasked: {record.tool} of {effect['id']} was done without a question"
        if dict(record.arguments) != json.loads(effect["arguments"]):
            yield f"altered: {effect['id']} was done with {dict(record.arguments)}"
        if hash_of(effect) != effect["hash"]:
            yield f"altered: {effect['id']} is not what its hash binds"
    for key, asked in e.approvals.items():
        if asked["kind"] == "approve":
            yield from _asked(e, asked, sorted(covered[key], key=lambda r: (r["step"], r["n"])))


def _asked(e: Evidence, asked: Row, effects: list[Row]) -> Iterator[str]:
    done = {record.effect for record in e.book}
    performed = [row for row in effects if row["id"] in done]
    if performed and asked["state"] != "approved":
        yield f"unasked: {asked['id']} is {asked['state']}, and {performed[0]['id']} was done"
    yes = [r for r in e.audit.get(asked["id"], []) if r["action"] == "approval.approved"]
    for row in performed:
        begun = [r for r in e.audit.get(row["id"], []) if r["action"] == "effect.sending"]
        if not yes or not begun or yes[0]["seq"] > begun[0]["seq"]:
            yield f"unasked: {row['id']} began before {asked['id']} was approved"
    kept = [row["hash"] for row in effects if row["error"] != "struck out"]
    if effects and asked["hash"] != digest(kept):
        yield f"altered: {asked['id']} is bound to something else than its effects"
    for row in yes:
        if json.loads(row["details"])["hash"] != asked["hash"]:
            yield f"altered: {asked['id']} was approved with another hash than shown"


def hash_of(effect: Row) -> str:
    """What an approval of this effect is bound to, computed anew."""
    return bind(
        effect["tenant"],
        effect["agent"],
        effect["tool"],
        effect["tool_version"],
        json.loads(effect["arguments"]),
        effect["connection"],
    )


def one_after_the_other(e: Evidence) -> Iterator[str]:
    """What one question covers is done in the order shown, each when the one before has ended."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for row in sorted(e.effects.values(), key=lambda r: (r["step"], r["n"])):
        if row["approval"]:
            groups[row["approval"]].append(row)
    for key, members in groups.items():
        over = 0
        for row in members:
            said = [r for r in e.audit.get(row["id"], []) if r["action"].startswith("effect.")]
            begun = [r["seq"] for r in said if r["action"] == "effect.sending"]
            if not begun:
                continue
            if begun[0] < over:
                yield f"out of order: {row['id']} of {key} began before the one before had ended"
            ended = [r["seq"] for r in said if r["action"] != "effect.sending"]
            over = max(over, ended[0] if ended else 2**62)


def decided_once(e: Evidence) -> Iterator[str]:
    """A question is answered at most once, and its row says what the audit says."""
    ends = ("approval.approved", "approval.rejected", "approval.expired", "approval.withdrawn")
    for key, row in e.approvals.items():
        found = [a for a in e.actions(key) if a in ends]
        wanted = [] if row["state"] == "pending" else [f"approval.{row['state']}"]
        if found != wanted:
            yield f"decided twice: {key} is {row['state']}, the audit has {found}"


def outcome_is_told(e: Evidence) -> Iterator[str]:
    """When all that a question covers has ended, the agent learns of it, once."""
    told = Counter(row["ext_id"] for row in e.inbox.values() if row["kind"] == "settled")
    over = ("sent", "failed", "abandoned")
    for key, row in e.approvals.items():
        effects = [x for x in e.effects.values() if key in (x["approval"], x["doubt"])]
        if row["state"] == "pending" or not effects or _taken_back(e, key):
            continue
        asked = effects[0]["approval"] or key
        group = [x for x in e.effects.values() if asked in (x["approval"], x["doubt"])]
        if all(x["state"] in over for x in group) and told[f"settled:{asked}"] != 1:
            yield f"lost: the outcome of {asked} was told {told[f'settled:{asked}']} times"


def _taken_back(e: Evidence, key: str) -> bool:
    """Whether the agent withdrew its own question, of which it need not be told."""
    return any(
        row["action"] == "approval.withdrawn" and row["actor"].startswith("agent:")
        for row in e.audit.get(key, [])
    )


def in_order(e: Evidence) -> Iterator[str]:
    """One conversation is answered in the order in which it was spoken to."""
    numbers = e.rows(
        "select conv, seq, count(*) as many from inbox where seq > 0 group by conv, seq having "
        "count(*) > 1"
    )
    for row in numbers:
        yield f"out of order: {row['conv']} has the number {row['seq']} {row['many']} times"
    last: dict[str, int] = {}
    for row in e.rows(
        "select conv, seq, n from message where role != 'user' and seq > 0 order by conv, n"
    ):
        if row["seq"] < last.get(row["conv"], 0):
            yield f"out of order: {row['conv']} answers {row['seq']} after {last[row['conv']]}"
        last[row["conv"]] = row["seq"]
    yield from _shown(e)


def _shown(e: Evidence) -> Iterator[str]:
    last: dict[str, int] = {}
    for effect, count in Counter(shown.effect for shown in e.shown).items():
        row = e.effects.get(effect)
        if row is None:
            yield f"unknown: the reply {effect} was shown and nobody wrote it down"
            continue
        if count > (2 if row["tool"] in e.repeatable else 1):
            yield f"twice: the reply {effect} was shown {count} times on {row['tool']}"
        yield from _named(e, effect, row)
        seq = e.inbox[row["turn"]]["seq"]
        if seq < last.get(row["conv"], 0):
            yield f"out of order: {row['conv']} shows {seq} after {last[row['conv']]}"
        last[row["conv"]] = seq


def _named(e: Evidence, effect: str, row: Row) -> Iterator[str]:
    """The code that people were shown is the code of the question."""
    text = next(shown.text for shown in e.shown if shown.effect == effect)
    for asked in e.approvals.values():
        mine = asked["turn"] == row["turn"] and asked["kind"] == "approve"
        if mine and asked["code"] not in text:
            yield f"untrue: {effect} does not show the code {asked['code']} of {asked['id']}"


def turns_own_their_effects(e: Evidence) -> Iterator[str]:
    """What a turn does unasked begins before the turn is over."""
    for row in e.effects.values():
        turn = e.inbox[row["turn"]]
        begun = [r for r in e.audit.get(row["id"], []) if r["action"] == "effect.sending"]
        ended = [r for r in e.audit.get(turn["id"], []) if r["action"].startswith("event.")]
        if row["approval"] or row["doubt"] or not begun or not ended:
            continue
        if begun[0]["seq"] > ended[0]["seq"]:
            yield f"late: {row['id']} ({row['tool']}) began after its turn was over"


def audit_is_whole(e: Evidence) -> Iterator[str]:
    """Each state that an effect went through has its line, in the order of the ways between."""
    for key, row in e.effects.items():
        said = [a for a in e.actions(key) if a.startswith("effect.")]
        if row["attempt"] and "effect.sending" not in said:
            yield f"audit: {key} ({row['tool']}) was tried and no line says so"
        by_person = "Found to be there" in e.approvals.get(row["doubt"] or "", {"card": ""})["card"]
        wanted = f"effect.{row['state']}"
        if row["state"] in ("sent", "failed", "in_doubt") and wanted not in said and not by_person:
            yield f"audit: {key} ({row['tool']}) is {row['state']} and no line says so"


def fired_once(e: Evidence) -> Iterator[str]:
    """A time of a schedule fires once."""
    fires = Counter((row["schedule"], row["fire_at"]) for row in e.rows("select * from fire"))
    ticks = Counter(
        (json.loads(row["body"])["payload"]["schedule"], row["at"])
        for row in e.inbox.values()
        if row["kind"] == "tick"
    )
    for key, count in (*fires.items(), *ticks.items()):
        if count > 1:
            yield f"twice: {key} fired {count} times"
    for key in fires.keys() ^ ticks.keys():
        yield f"lost: {key} fired in one table only"


def database_is_whole(e: Evidence) -> Iterator[str]:
    """SQLite finds nothing wrong."""
    found = e.conn.execute("pragma integrity_check").fetchone()[0]
    if found != "ok":
        yield f"broken: {found}"


Check = Callable[[Evidence], Iterator[str]]
CHECKS: tuple[Check, ...] = (
    nothing_lost,
    one_end,
    answered_or_told,
    nothing_runs,
    nothing_twice,
    truth_is_told,
    nothing_without_a_yes,
    one_after_the_other,
    decided_once,
    outcome_is_told,
    in_order,
    turns_own_their_effects,
    audit_is_whole,
    fired_once,
    database_is_whole,
)


def complaints(e: Evidence) -> list[str]:
    """Everything that is wrong."""
    return [text for check in CHECKS for text in check(e)]
