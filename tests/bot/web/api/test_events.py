"""Events: listed, traced, and put back when they failed for good."""

from aiohttp import ClientSession

from bot.core.conversation import Claim, Spend, Step, TurnEnd
from bot.core.event import Ending
from bot.core.model import Usage
from bot.core.times import from_us
from bot.store import journal
from tests.bot.web.api.reading import answered, get, items, say
from tests.fakes.web_house import WebHouse, said


async def thoughtful(house: WebHouse, claim: Claim) -> TurnEnd:
    """A turn with two steps, of which one cost something."""
    for number, kind in enumerate(("prompt", "model")):
        step = Step(
            step=number,
            kind=kind,
            input_hash="h",
            result='{"system":"You are Bri"}',
            at=from_us(0),
            ms=5,
        )
        await house.db.write(journal.write_step(claim, step))
    return said("Done", spends=(Spend(model="m", usage=Usage(tokens_in=7, tokens_out=3)),))


async def test_a_trace_tells_the_whole_story_to_an_owner(
    house: WebHouse, owner: ClientSession
) -> None:
    house.script = lambda claim: thoughtful(house, claim)
    told = await say(owner, "Hello")
    await answered(owner, told)
    trace = await get(owner, f"/v1/events/{told['event']}")
    assert (trace["kind"], trace["channel"], trace["ending"]) == ("message", "api", "answered")
    assert trace["conversation"] == told["conversation"]
    assert [step["kind"] for step in trace["steps"]] == ["prompt", "model"]
    assert (trace["steps"][1]["tokens_in"], trace["steps"][1]["title"]) == (7, "Asked the model: m")
    assert trace["steps"][0]["data"] == {"system": "You are Bri"}
    assert "event.answered" in [entry["action"] for entry in trace["audit"]]


async def test_a_member_sees_their_own_story_without_what_models_were_told(house: WebHouse) -> None:
    house.script = lambda claim: thoughtful(house, claim)
    member = await house.bearer(await house.member())
    told = await say(member, "Hello")
    await answered(member, told)
    trace = await get(member, f"/v1/events/{told['event']}")
    assert [step["data"] for step in trace["steps"]] == [None, None]


async def test_anothers_story_is_as_one_that_never_was(
    house: WebHouse, owner: ClientSession
) -> None:
    told = await say(owner, "Hello")
    member = await house.bearer(await house.member())
    unknown = await get(member, "/v1/events/evt_unknown", 404)
    assert await get(member, f"/v1/events/{told['event']}", 404) == unknown
    assert await items(member, "/v1/events") == []
    assert len(await items(owner, "/v1/events")) == 1


async def test_a_dead_letter_is_listed_and_tried_again(
    house: WebHouse, owner: ClientSession
) -> None:
    async def fails(claim: Claim) -> TurnEnd:
        return TurnEnd(ending=Ending.FAILED, detail="no model", reply="Sorry.", role="system")

    house.script = fails
    told = await say(owner, "Hello")
    await answered(owner, told)
    assert [item["detail"] for item in await items(owner, "/v1/dead")] == ["no model"]
    house.script = house.echo
    async with owner.post(f"/v1/dead/{told['event']}/replay") as response:
        assert response.status == 202
    found = await answered(owner, told)
    assert found[-1]["text"] == "You said: Hello"
    assert await items(owner, "/v1/dead") == []
    async with owner.post(f"/v1/dead/{told['event']}/replay") as response:
        assert response.status == 404


async def test_dead_letters_are_for_owners(house: WebHouse) -> None:
    member = await house.bearer(await house.member())
    await get(member, "/v1/dead", 403)
    async with member.post("/v1/dead/evt_1/replay") as response:
        assert response.status == 403


async def test_pages_of_events_follow_one_another(owner: ClientSession) -> None:
    told = [(await say(owner, f"{n}"))["event"] for n in range(5)]
    found: list[str] = []
    after = ""
    while after != "None":
        page = await get(owner, f"/v1/events?limit=2{after and '&after=' + after}")
        found += [item["id"] for item in page["items"]]
        after = str(page["next"])
    assert found == told[::-1]
