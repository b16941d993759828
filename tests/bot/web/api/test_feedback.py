"""Opinions of answers: kept once, changed at will, by the people of the conversation alone."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from bot.core.conversation import Claim, Spend, TurnEnd
from bot.core.errors import Forbidden, Invalid, NotFound
from bot.core.event import Event, Kind, Place, Sender
from bot.core.ids import EventId, conv_key
from bot.core.model import Usage
from bot.core.ports import new_id
from tests.bot.web.api.reading import answered, get, lines, say
from tests.fakes.web_house import WebHouse, said


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WebHouse]:
    async with WebHouse(tmp_path) as house:
        yield house


@pytest.fixture
async def owner(house: WebHouse) -> ClientSession:
    return await house.bearer()


async def rate(client: ClientSession, id_: str, status: int = 200, **body: Any) -> Any:
    async with client.post(f"/v1/messages/{id_}/feedback", json=body) as response:
        assert response.status == status, await response.text()
        return await response.json()


async def opinions(owner: ClientSession, query: str = "") -> list[Any]:
    found: list[Any] = (await get(owner, f"/v1/feedback{query}"))["items"]
    return found


async def given(owner: ClientSession) -> list[Any]:
    book = (await get(owner, "/v1/audit"))["items"]
    return [entry for entry in book if entry["action"] == "feedback.given"]


async def test_an_answer_is_rated_and_the_last_opinion_counts(owner: ClientSession) -> None:
    told = await say(owner, "Hello")
    answer = (await answered(owner, told))[1]
    assert "feedback" not in answer
    assert await rate(owner, answer["id"], value="up") == {"message": answer["id"], "value": "up"}
    await rate(owner, answer["id"], value="down", detail="too short")
    assert (await lines(owner, told))[1]["feedback"] == "down"
    (kept,) = await opinions(owner)
    assert (kept["value"], kept["detail"], kept["agent"]) == ("down", "too short", "bri")
    assert (kept["text"], kept["event"]) == (answer["text"], told["event"])
    assert kept["person"]["name"] == "Owner"


async def test_the_same_opinion_twice_is_one_and_one_line_of_the_book(owner: ClientSession) -> None:
    answer = (await answered(owner, await say(owner, "Hello")))[1]
    await rate(owner, answer["id"], value="down", detail="wrong day")
    for _ in range(3):
        await rate(owner, answer["id"], value="down")
    (kept,) = await opinions(owner)
    assert kept["detail"] == "wrong day"
    assert [entry["details"]["value"] for entry in await given(owner)] == ["down"]
    await rate(owner, answer["id"], value="up")
    assert [entry["details"]["value"] for entry in await given(owner)] == ["down", "up"]
    assert (await opinions(owner))[0]["detail"] == ""  # those words were about a bad answer


async def test_the_model_that_answered_is_kept_with_it(
    house: WebHouse, owner: ClientSession
) -> None:
    async def script(claim: Claim) -> TurnEnd:
        spend = Spend(model="openai/gpt-5.4-mini", usage=Usage(tokens_in=1, tokens_out=1, micros=2))
        return replace(said("Yes."), spends=(spend,))

    house.script = script
    answer = (await answered(owner, await say(owner, "Hello")))[1]
    await rate(owner, answer["id"], value="up")
    assert [item["model"] for item in await opinions(owner)] == ["openai/gpt-5.4-mini"]


async def test_an_opinion_is_up_or_down(owner: ClientSession) -> None:
    answer = (await answered(owner, await say(owner, "Hello")))[1]
    for value in ("", "good", 1, True, None):
        await rate(owner, answer["id"], 422, value=value)
    await rate(owner, answer["id"], 422, value="up", detail="x" * 2001)
    assert await opinions(owner) == []


async def test_only_the_people_of_a_conversation_rate_its_answers(
    house: WebHouse, owner: ClientSession
) -> None:
    max_ = await house.bearer(await house.member())
    mine = (await answered(owner, await say(owner, "Hello")))[1]
    his = (await answered(max_, await say(max_, "Hello")))[1]
    _, olga = await house.other_tenant()
    for stranger in (max_, await house.bearer(olga)):
        for id_ in (mine["id"], "msg_unknown"):
            await rate(stranger, id_, 404, value="up")
    await rate(owner, his["id"], 403, value="up")
    await rate(owner, (await lines_of(owner, mine))[0]["id"], 404, value="up")  # one's own words
    assert await opinions(owner) == []
    await rate(max_, his["id"], value="up")
    assert [item["person"]["name"] for item in await opinions(owner)] == ["Max"]
    assert await opinions(await house.bearer(olga)) == []


async def lines_of(owner: ClientSession, line: Any) -> list[Any]:
    conv = (await get(owner, "/v1/conversations"))["items"][0]["id"]
    found: list[Any] = (await get(owner, f"/v1/conversations/{conv}/messages"))["items"]
    return [item for item in found if item["turn"] == line["turn"]]


async def test_good_and_bad_rate_the_last_answer(owner: ClientSession) -> None:
    told = await say(owner, "Hello")
    await answered(owner, told)
    again = await say(owner, "/bad it was   too\nshort", conversation=told["conversation"])
    assert again["reply"] == "Thank you, noted: not a good answer."
    assert [(o["value"], o["detail"]) for o in await opinions(owner)] == [
        ("down", "it was   too\nshort")
    ]
    assert (await lines(owner, told))[1]["feedback"] == "down"
    await say(owner, "/good", conversation=told["conversation"])
    assert [o["value"] for o in await opinions(owner)] == ["up"]
    assert "no answer here" in (await say(owner, "/good"))["reply"]
    long = await say(owner, f"/bad {'x' * 2001}", conversation=told["conversation"])
    assert "2,000" in long["reply"]


async def test_only_owners_read_what_people_think(house: WebHouse, owner: ClientSession) -> None:
    member = await house.bearer(await house.member())
    async with member.get("/v1/feedback") as response:
        assert response.status == 403


async def test_the_list_is_paged_and_filtered(house: WebHouse, owner: ClientSession) -> None:
    for number in range(3):
        house.clock.advance(seconds=1)
        answer = (await answered(owner, await say(owner, f"Hello {number}")))[1]
        await rate(owner, answer["id"], value="down" if number == 1 else "up")
    assert [o["value"] for o in await opinions(owner, "?value=down")] == ["down"]
    first = await get(owner, "/v1/feedback?limit=2")
    rest = await get(owner, f"/v1/feedback?limit=2&after={first['next']}")
    assert [o["text"][-1] for o in [*first["items"], *rest["items"]]] == ["2", "1", "0"]
    async with owner.get("/v1/feedback?value=so") as response:
        assert response.status == 422


def reaction(house: WebHouse, ext_id: str, value: object, **more: Any) -> Event:
    """What a channel makes of a reaction to a message of ours."""
    place = more.pop("place", "C1")
    return Event(
        id=EventId(new_id(house.clock, "evt")),
        tenant=more.pop("tenant", house.tenant.id),
        channel="chat",
        account="W1",
        ext_id=ext_id,
        kind=Kind.FEEDBACK,
        conv=conv_key("chat", "W1", place, ""),
        sender=Sender(ext_id="U1", person=more.pop("person", house.owner.id)),
        place=Place(id=place, direct=False),
        text="",
        at=house.clock.now(),
        reply_to=more.pop("ref", "ts-1"),
        payload={"value": value},
    )


async def shown_outside(house: WebHouse) -> None:
    """An answer that a channel outside showed as `ts-1` in the place `C1`."""
    asked = replace(reaction(house, "m1", ""), kind=Kind.MESSAGE, text="Hello", payload={})
    accepted = await house.inbox.accept(asked)
    await house.turns.idle()
    house.db.post(_reply(house, str(accepted.conv), accepted.event))


def _reply(house: WebHouse, conv: str, turn: str) -> Any:
    from bot.store import effects
    from tests.bot.web.api.effect import reply

    return effects.plan(reply(house.tenant.id, conv, turn, "ts-1"), 1)


async def test_a_reaction_elsewhere_is_the_same_opinion_and_can_be_taken_back(
    house: WebHouse, owner: ClientSession
) -> None:
    await shown_outside(house)
    thumb = reaction(house, "r1", "up")
    await house.inbox.accept(thumb)
    again = await house.inbox.accept(replace(thumb, id=EventId(new_id(house.clock, "evt"))))
    assert again.duplicate
    (kept,) = await opinions(owner)
    assert (kept["value"], kept["text"]) == ("up", "You said: Hello")
    assert len(await given(owner)) == 1
    beside = await house.member()
    await house.inbox.accept(reaction(house, "r3", "down", person=beside.id))
    assert [o["value"] for o in await opinions(owner, "?value=down")] == ["down"]
    await house.inbox.accept(reaction(house, "r4", "", person=beside.id))
    await house.inbox.accept(reaction(house, "r2", ""))
    assert await opinions(owner) == []


async def test_a_reaction_from_elsewhere_or_to_nothing_is_refused(
    house: WebHouse, owner: ClientSession
) -> None:
    await shown_outside(house)
    other, olga = await house.other_tenant()
    max_ = await house.member()
    for wrong, error in (
        (reaction(house, "r1", "up", ref="ts-2"), NotFound),
        (reaction(house, "r2", "up", ref=""), NotFound),
        (reaction(house, "r4", "up", place="C2", person=max_.id), NotFound),
        (reaction(house, "r5", "up", tenant=other.id, person=olga.id), NotFound),
        (reaction(house, "r6", "up", person=None), Forbidden),
        (reaction(house, "r7", "sideways"), Invalid),
    ):
        with pytest.raises(error):
            await house.inbox.accept(wrong)
    assert await opinions(owner) == []
