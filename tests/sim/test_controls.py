"""Each protection is taken away in turn, and the checks must complain: negative controls.

Were one of these tests to fail, the simulation would be proving nothing about that protection.
"""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from bot.core.ids import AgentName, ConvId, ScheduleId
from bot.core.schedule import Schedule, ScheduleState
from bot.core.times import to_us
from bot.inbox import arrive
from bot.store import schedules
from scheduler.runner import Runner
from tests.fakes.database import InlineDatabase
from tests.fakes.model import call, last_words, say
from tests.fakes.switchboard import ANA, HOME
from tests.sim import broken
from tests.sim.checks import complaints
from tests.sim.loop import SeededLoop
from tests.sim.people import Crowd, story
from tests.sim.world import World, tell

MOST_SEEDS = 120


def first_complaint(tale: Callable[[World], Any], kind: str) -> str:
    """The first complaint of a kind in a row of stories."""
    for seed in range(MOST_SEEDS):
        for text in complaints(tell(seed, tale).evidence()):
            if text.startswith(kind):
                return text
    return ""


@pytest.mark.parametrize(
    ("control", "kind"),
    [
        ("blind_resend", "twice: "),
        ("ack_before_commit", "lost: "),
        ("sending_after_the_call", "twice: "),
        ("key_changes_on_retry", "twice: keyed"),
        ("approval_without_compare_and_set", "decided twice: "),
        ("number_without_lock", "out of order: "),
    ],
)
def test_the_checks_complain_when_this_is_broken(
    control: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken.apply(control, monkeypatch.setattr)
    assert first_complaint(story, kind)


async def overtaken(world: World) -> None:
    """A process stands still while another one takes over, and then goes on as if nothing were."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SeededLoop)
    world.nature.calm()
    old = world.process
    asked = 0

    async def think(request: Any) -> Any:
        nonlocal asked
        if request.messages[-1].role == "tool" or not last_words(request).endswith("do it"):
            return say("So it is.")
        asked += 1
        late = asked == 1
        await asyncio.sleep(5.0 if late else 0.1)
        return call(("none_auto", {"text": "late"})) if late else say("No need.")

    world.model._script = think
    crowd = Crowd(world)
    await crowd._send(crowd.event("web", "c0", "do it", addressed=True))
    await asyncio.sleep(0.5)
    assert old is not None
    old.frozen = True
    world.process = world.engine = None
    await world.boot()
    await asyncio.sleep(10)
    old.frozen = False
    loop.thaw()
    await asyncio.sleep(30)
    old.dead = True


def test_who_was_overtaken_does_nothing_any_more() -> None:
    world = tell(1, overtaken)
    assert complaints(world.evidence()) == []
    assert world.vendor.book == []


def test_who_was_overtaken_does_harm_without_the_epoch_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken.apply("no_epoch_check", monkeypatch.setattr)
    world = tell(1, overtaken)
    assert any(text.startswith("late: ") for text in complaints(world.evidence()))


async def two_clocks(world: World) -> None:
    """Two processes see the same time of a schedule come, at the same moment."""
    world.nature.calm()
    crowd = Crowd(world)
    await crowd._send(crowd.event("web", "c0", "please do", addressed=True))
    await asyncio.sleep(30)
    now = world.clock.now()
    item = Schedule(
        id=ScheduleId("sch_1"),
        tenant=HOME,
        words="soon",
        trigger=(now + timedelta(seconds=1)).isoformat(),
        zone="UTC",
        prompt="remind me",
        agent=AgentName("bri"),
        person=ANA,
        conv=ConvId(world.disk.all("select id from conv")[0][0]),
        state=ScheduleState.ACTIVE,
        next_at=now + timedelta(seconds=1),
        created_at=now,
    )
    world.disk.now(schedules.add(item, 50))
    await asyncio.sleep(2)

    def arriving(event: Any) -> Any:
        ids = (f"cnv_{event.id[4:]}", f"msg_{event.id[4:]}")
        return arrive(event, ids, to_us(world.clock.now()), "", "")

    engine = await world.up()
    runners = [
        Runner(InlineDatabase(world.disk, world.nature), world.clock, arriving, engine.turns.wake)
        for _ in range(2)
    ]
    await asyncio.gather(*(runner.tick() for runner in runners))


def test_two_clocks_fire_once() -> None:
    worlds = [tell(seed, two_clocks) for seed in range(20)]
    assert [text for world in worlds for text in complaints(world.evidence())] == []
    assert all(
        world.disk.all("select count(*) from inbox where kind = 'tick'") == [(1,)]
        for world in worlds
    )


def test_two_clocks_fire_twice_without_the_unique_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    broken.apply("fire_without_unique_key", monkeypatch.setattr)
    assert first_complaint(two_clocks, "twice: ('sch_1'")
