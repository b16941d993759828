"""Schedules over the API: seen and changed by those whose they are."""

from datetime import UTC, datetime

from aiohttp import ClientSession

from bot.core.ids import AgentName, ConvId, PersonId, ScheduleId, TenantId
from bot.core.schedule import Schedule, ScheduleState
from tests.bot.web.api.reading import items
from tests.fakes.web_house import WebHouse

NINE = datetime(2026, 11, 3, 9, 0, tzinfo=UTC)


def schedule(id_: str, tenant: TenantId, person: PersonId) -> Schedule:
    return Schedule(
        id=ScheduleId(id_),
        tenant=tenant,
        words="every day at 9",
        trigger="0 9 * * *",
        zone="UTC",
        prompt="Say hello",
        agent=AgentName("bri"),
        person=person,
        conv=ConvId("cnv_1"),
        state=ScheduleState.ACTIVE,
        next_at=NINE,
        created_at=NINE,
    )


async def test_a_schedule_is_paused_by_whose_it_is(house: WebHouse, owner: ClientSession) -> None:
    person = await house.member()
    member = await house.bearer(person)
    await house.schedules.add(schedule("sch_1", house.tenant.id, person.id))
    await house.schedules.add(schedule("sch_2", house.tenant.id, house.owner.id))
    assert [item["id"] for item in await items(owner, "/v1/schedules")] == ["sch_1", "sch_2"]
    assert [item["id"] for item in await items(member, "/v1/schedules")] == ["sch_1"]
    async with member.post("/v1/schedules/sch_1", json={"state": "paused"}) as response:
        assert (await response.json())["state"] == "paused"
    for id_, state, status in (
        ("sch_2", "paused", 404),
        ("sch_9", "paused", 404),
        ("sch_1", "done", 422),
        ("sch_1", "asleep", 422),
    ):
        async with member.post(f"/v1/schedules/{id_}", json={"state": state}) as response:
            assert response.status == status
    assert house.schedules.book["sch_2"].state is ScheduleState.ACTIVE
