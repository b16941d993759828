"""What may be read back, by whom, and where reading begins again."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.core.approval import Approval
from bot.core.errors import NotFound
from bot.core.people import Person, Role
from bot.transcript import may_see, shown_line
from tests.bot.web.api.reading import answered, say
from tests.fakes.web_house import WebHouse


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WebHouse]:
    """A running house."""
    async with WebHouse(tmp_path) as house:
        yield house


async def question(house: WebHouse) -> tuple[Approval, Person]:
    """An approval that a member asked for, and the member."""
    asker = await house.member("Max")
    house.script = house.asks()
    client = await house.bearer(asker)
    line = (await answered(client, await say(client, "Publish")))[1]
    item, _ = await house.approvals.get(house.tenant.id, line["approval"])
    return item, asker


async def test_an_approval_is_seen_by_asker_owners_and_the_named(house: WebHouse) -> None:
    item, asker = await question(house)
    other = await house.member("Bo")
    assert may_see(item, asker)
    assert may_see(item, house.owner)
    assert not may_see(item, other)
    assert may_see(replace(item, approvers=(other.id,)), other)


async def test_a_conversation_is_given_to_its_person_and_to_owners(house: WebHouse) -> None:
    item, asker = await question(house)
    transcript = house.transcript
    for person in (asker, house.owner):
        assert (await transcript.conversation(person, item.conv)).person == asker.id
        assert await transcript.may_read(person, item.conv)
    stranger = await house.member("Bo")
    foreign = replace(house.owner, tenant=(await house.other_tenant())[0].id)
    for person in (stranger, foreign):
        assert not await transcript.may_read(person, item.conv)
        with pytest.raises(NotFound):
            await transcript.now(person, item.conv)


async def test_what_is_remembered_gives_nobody_more(house: WebHouse) -> None:
    """The second look is answered from memory; it asks who looks all the same."""
    item, asker = await question(house)
    await house.transcript.conversation(asker, item.conv)
    with pytest.raises(NotFound):
        await house.transcript.conversation(await house.member("Bo"), item.conv)
    demoted = replace(house.owner, role=Role.MEMBER)
    with pytest.raises(NotFound):
        await house.transcript.conversation(demoted, item.conv)


async def test_reading_begins_before_the_answer_of_a_turn(house: WebHouse) -> None:
    client = await house.bearer()
    first = await say(client, "One")
    await answered(client, first)
    second = await say(client, "Two", conversation=first["conversation"])
    await answered(client, second)
    at = [
        await house.transcript.before_turn(house.tenant.id, first["conversation"], event)
        for event in (first["event"], second["event"], "evt_unknown")
    ]
    assert at == [1, 3, None]


async def test_a_turn_of_another_conversation_is_none_of_this(house: WebHouse) -> None:
    client = await house.bearer()
    first, second = await say(client, "One"), await say(client, "Two")
    for told in (first, second):
        await answered(client, told)
    place = await house.transcript.before_turn(
        house.tenant.id, first["conversation"], second["event"]
    )
    assert place is None


async def test_a_line_shows_no_more_than_it_has(house: WebHouse) -> None:
    client = await house.bearer()
    told = await say(client, "Hello")
    await answered(client, told)
    _, line = await house.transcript.answer(house.tenant.id, told["event"])
    assert line
    assert set(shown_line(line)) == {"id", "role", "agent", "text", "at", "turn", "n"}
    assert shown_line(line, -1)["feedback"] == "down"
