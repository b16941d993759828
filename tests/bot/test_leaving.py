"""What a removed person leaves: nothing runs for them, nothing waits for them, nothing is kept."""

import json
from datetime import timedelta

from bot.core.ids import AgentName, ScheduleId
from bot.core.ports import Memo
from bot.core.schedule import Schedule, ScheduleState
from bot.people import People
from bot.store import approvals, memory, schedules
from bot.store.policies import Rule
from tests.bot.test_approvals import asked, asking
from tests.fakes.switchboard import ANA, BEN, HOME, KEY, Switchboard
from tests.sim.loop import virtual


async def remove(house: Switchboard, person: str) -> dict[str, object]:
    """Remove a person; what the audit says was wound up."""
    people = People(house.db, house.clock, KEY, lambda: None)
    await people.remove(HOME, person, "person:per_olga")
    rows = house.disk.all("select details from audit where action = 'person.removed'")
    details: dict[str, object] = json.loads(rows[-1][0])
    return details


def schedule(house: Switchboard, person: str) -> Schedule:
    """Something that fires every day."""
    now = house.clock.now()
    conv = house.disk.all("select id from conv")[0][0]
    return Schedule(
        id=ScheduleId(f"sch_{person}"),
        tenant=HOME,
        words="every day",
        trigger="0 9 * * *",
        zone="UTC",
        prompt="Remind me",
        agent=AgentName("bri"),
        person=person,
        conv=conv,
        state=ScheduleState.ACTIVE,
        next_at=now + timedelta(days=1),
        created_at=now,
    )


@virtual
async def test_schedules_and_memos_of_the_removed_go_and_those_of_others_stay():
    async with Switchboard(asking("none_ask")) as house:
        await asked(house)
        for person in (ANA, BEN):
            house.disk.now(schedules.add(schedule(house, person), 10))
            memo = Memo(
                id=f"mem_{person}",
                text="likes tea",
                source="",
                trusted=True,
                person=person,
                agent=AgentName("bri"),
                at=house.clock.now(),
            )
            house.disk.now(memory.keep(HOME, memo, 10))
        told = await remove(house, BEN)
        assert told == {
            "name": "Ben",
            "schedules": [f"sch_{BEN}"],
            "approvals": [],
            "memos": 1,
        }
        assert [item.person for item in house.disk.now(schedules.listed(HOME))] == [ANA]
        assert house.disk.now(memory.listed(HOME, "bri", BEN, 10)) == []
        assert len(house.disk.now(memory.listed(HOME, "bri", ANA, 10))) == 1


@virtual
async def test_a_question_that_only_they_could_decide_is_withdrawn_and_told_to_the_agent():
    async with Switchboard(asking("none_ask")) as house:
        await house.put_rule(Rule(id="r", tool="none_ask", decision="ask", approvers=(BEN,)))
        question = await asked(house)
        told = await remove(house, BEN)
        assert told["approvals"] == [question.id]
        assert house.states() == [("none_ask", "abandoned")]
        assert '"state":"withdrawn"' in await house.settled(question)
        closed = house.disk.now(approvals.get(HOME, question.id))
        assert closed is not None
        assert closed.card.decided.startswith("Withdrawn: nobody who may decide it is here")
        assert house.vendor.calls == 0


@virtual
async def test_a_question_that_somebody_else_may_decide_stays_open():
    async with Switchboard(asking("none_ask")) as house:
        await house.put_rule(Rule(id="r", tool="none_ask", decision="ask", approvers=(BEN, ANA)))
        question = await asked(house)
        assert (await remove(house, BEN))["approvals"] == []
        assert [item.id for item in await house.pending()] == [question.id]
