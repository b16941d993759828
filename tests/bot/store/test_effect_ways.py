"""The ways between the states of an effect, and that there are no others."""

from itertools import product

import pytest

from bot.core.effect import Effect, EffectKind, EffectState, Outcome, Policy
from bot.core.errors import Fenced
from bot.core.ids import AgentName, ConvId, EffectId, EventId
from bot.store import effects
from tests.fakes.database import Disk
from tests.fakes.switchboard import ANA, AWAY, HOME, image

STATES = [state.value for state in EffectState]


def made(state: str, **changes: object) -> Effect:
    given: dict[str, object] = {
        "id": EffectId("eff_1"),
        "tenant": HOME,
        "conv": ConvId("cnv_1"),
        "turn": EventId("evt_1"),
        "step": 1,
        "n": 0,
        "kind": EffectKind.TOOL,
        "tool": "x",
        "tool_version": 1,
        "agent": AgentName("bri"),
        "person": ANA,
        "connection": "",
        "arguments": {"text": "a"},
        "hash": "h",
        "policy": Policy.NONE,
        "state": EffectState(state),
        "attempt": 1,
    }
    return Effect(**{**given, **changes})  # type: ignore[arg-type]


def begun(disk: Disk, item: Effect) -> bool:
    return disk.now(effects.begin(item.tenant, item.id, 5)) is not None


def again(disk: Disk, item: Effect) -> bool:
    try:
        return disk.now(effects.attempt_again(item, 5)).attempt == item.attempt + 1
    except Fenced:
        return False


def settled(disk: Disk, item: Effect) -> bool:
    return disk.now(effects.settle(item, Outcome(state=EffectState.SENT), 5)) is not None


def retried(disk: Disk, item: Effect) -> bool:
    return disk.now(effects.retry(item, 9, "busy", 5))


def doubted(disk: Disk, item: Effect) -> bool:
    return disk.now(effects.doubt(item, "apr_1", "who knows", 5))


def changed(disk: Disk, item: Effect) -> bool:
    return disk.now(effects.change(item, {"text": "b"}, "h2"))


WAYS = {
    "begin": (begun, {"ready", "planned"}, "sending"),
    "again": (again, {"sending"}, "sending"),
    "settle": (settled, {"sending", "in_doubt"}, "sent"),
    "retry": (retried, {"sending"}, "ready"),
    "doubt": (doubted, {"sending"}, "in_doubt"),
    "change": (changed, {"awaiting_approval"}, "awaiting_approval"),
}


@pytest.mark.parametrize(("way", "state"), list(product(WAYS, STATES)))
def test_a_way_is_open_from_its_own_states_alone(way: str, state: str) -> None:
    go, starts, end = WAYS[way]
    disk = Disk(image())
    item = made(state)
    disk.now(effects.plan(item, 1))
    assert go(disk, item) is (state in starts)
    now = disk.all("select state from effect")[0][0]
    assert now == (end if state in starts else state)


@pytest.mark.parametrize(("was", "now"), list(product(STATES, STATES)))
def test_a_person_s_decision_moves_only_what_is_still_where_it_was(was: str, now: str) -> None:
    disk = Disk(image())
    item = made(now)
    disk.now(effects.plan(item, 1))
    moved = disk.now(effects.move(item, EffectState(was), EffectState.ABANDONED, 5))
    assert moved is (was == now)


@pytest.mark.parametrize("way", WAYS)
def test_no_way_leads_into_another_tenant(way: str) -> None:
    go, starts, _ = WAYS[way]
    disk = Disk(image())
    state = sorted(starts)[0]
    disk.now(effects.plan(made(state), 1))
    assert go(disk, made(state, tenant=AWAY)) is False
    assert disk.all("select state from effect") == [(state,)]


def test_two_that_count_an_attempt_at_once_do_not_both_win() -> None:
    disk = Disk(image())
    item = made("sending")
    disk.now(effects.plan(item, 1))
    assert again(disk, item)
    assert not again(disk, item)


def test_a_late_answer_settles_a_doubt_and_a_second_one_changes_nothing() -> None:
    disk = Disk(image())
    item = made("sending")
    disk.now(effects.plan(item, 1))
    assert doubted(disk, item)
    assert settled(disk, item)
    late = Outcome(state=EffectState.FAILED, error="late")
    assert disk.now(effects.settle(item, late, 6)) is None
    assert disk.all("select state from effect") == [("sent",)]


def test_every_change_of_state_stands_in_the_audit_in_the_same_commit() -> None:
    disk = Disk(image())
    item = made("sending")
    disk.now(effects.plan(item, 1))
    again(disk, item)
    doubted(disk, item)
    settled(disk, item)
    actions = [row[0] for row in disk.all("select action from audit order by seq")]
    assert actions == ["effect.sending", "effect.sending", "effect.in_doubt", "effect.sent"]


def test_what_is_ready_is_taken_when_it_is_due_and_in_order() -> None:
    disk = Disk(image())
    for n, due in enumerate((30, 10, 20)):
        item = made("ready", id=f"eff_{n}", n=n, approval=f"apr_{n}")
        disk.now(effects.plan(item, due))
    assert [item.id for item in disk.now(effects.ready(20, 10))] == ["eff_1", "eff_2"]
    assert disk.now(effects.next_due(20)) == 10


@pytest.mark.parametrize("state", ["ready", "sending"])
def test_of_one_question_only_the_next_is_ready(state: str) -> None:
    disk = Disk(image())
    disk.now(effects.plan(made(state, id="eff_0", n=0, approval="apr_1", attempt=1), 30))
    disk.now(effects.plan(made("ready", id="eff_1", n=1, approval="apr_1"), 10))
    assert disk.now(effects.ready(20, 10)) == []
    assert disk.now(effects.next_due(20)) == (30 if state == "ready" else None)
    assert len(disk.now(effects.ready(40, 10))) == (1 if state == "ready" else 0)


def test_nobody_waits_for_what_is_planned_for_later() -> None:
    disk = Disk(image())
    disk.now(effects.plan(made("ready", id="eff_0", n=0, approval="apr_1", attempt=0), 30))
    disk.now(effects.plan(made("ready", id="eff_1", n=1, approval="apr_1"), 10))
    assert [item.id for item in disk.now(effects.ready(20, 10))] == ["eff_1"]
    assert disk.now(effects.next_due(20)) == 10
    assert [item.id for item in disk.now(effects.ready(40, 10))] == ["eff_0"]
