"""Messages: acknowledged when durable, harmless to repeat, refused with a reason."""

from aiohttp import ClientSession

from tests.bot.web.api.reading import answered, lines, say
from tests.fakes.web_house import WebHouse


async def test_a_message_is_accepted_and_answered(house: WebHouse, owner: ClientSession) -> None:
    told = await say(owner, "Hello")
    assert set(told) == {"event", "conversation"}
    found = await answered(owner, told)
    assert [(line["role"], line["text"]) for line in found] == [
        ("user", "Hello"),
        ("assistant", "You said: Hello"),
    ]


async def test_the_same_key_and_body_is_the_same_event(
    house: WebHouse, owner: ClientSession
) -> None:
    first = await say(owner, "Hello", key="k1")
    again = await say(owner, "Hello", key="k1")
    assert again == first
    assert len(await answered(owner, first)) == 2


async def test_the_same_key_with_another_body_is_a_conflict(owner: ClientSession) -> None:
    await say(owner, "Hello", key="k1")
    async with owner.post(
        "/v1/messages", json={"text": "Bye"}, headers={"Idempotency-Key": "k1"}
    ) as response:
        assert response.status == 409
        assert (await response.json())["error"]["code"] == "conflict"


async def test_the_same_key_of_another_person_is_another_event(
    house: WebHouse, owner: ClientSession
) -> None:
    mine = await say(owner, "Hello", key="k1")
    other = await house.bearer(await house.member())
    theirs = await say(other, "Hello", key="k1")
    assert mine["event"] != theirs["event"]
    assert mine["conversation"] != theirs["conversation"]


async def test_without_a_key_each_call_is_a_message(owner: ClientSession) -> None:
    first, second = await say(owner, "Hello"), await say(owner, "Hello")
    assert first["event"] != second["event"]


async def test_a_conversation_is_gone_on_with(house: WebHouse, owner: ClientSession) -> None:
    first = await say(owner, "One")
    await answered(owner, first)
    second = await say(owner, "Two", conversation=first["conversation"])
    assert second["conversation"] == first["conversation"]
    found = await answered(owner, second)
    assert [line["text"] for line in found if line["role"] == "user"] == ["One", "Two"]


async def test_the_named_agent_is_asked(house: WebHouse, owner: ClientSession) -> None:
    await answered(owner, await say(owner, "Hello", agent="kelly"))
    assert house.claims[0].event.agent == "kelly"


async def test_an_unknown_agent_is_not_found_and_the_nearest_named(owner: ClientSession) -> None:
    async with owner.post("/v1/messages", json={"text": "Hi", "agent": "kely"}) as response:
        assert response.status == 404
        assert "`kelly`" in (await response.json())["error"]["message"]


async def test_what_does_not_fit_names_its_field(owner: ClientSession) -> None:
    for body, field in (
        ({}, "text"),
        ({"text": ""}, "text"),
        ({"text": "  \n "}, "text"),
        ({"text": 5}, "text"),
        ({"text": "a\x00b"}, "text"),
        ({"text": "x" * 200_001}, "text"),
        ({"text": "Hi", "agent": 1}, "agent"),
        ({"text": "Hi", "attachments": "fil_1"}, "attachments"),
        ({"text": "Hi", "convresation": "cnv_1"}, "convresation"),
    ):
        async with owner.post("/v1/messages", json=body) as response:
            assert response.status == 422, body
            assert (await response.json())["error"]["field"] == field


async def test_nothing_of_a_refused_message_is_stored(
    house: WebHouse, owner: ClientSession
) -> None:
    async with owner.post("/v1/messages", json={"text": ""}) as response:
        assert response.status == 422
    async with owner.get("/v1/events") as response:
        assert (await response.json())["items"] == []


async def test_the_channel_is_told_by_the_way_in(house: WebHouse, owner: ClientSession) -> None:
    page = await house.browser()
    await answered(owner, await say(owner, "From a program"))
    await answered(page, await say(page, "From the page"))
    terminal = {"X-Switchboard-Channel": "terminal"}
    await answered(owner, await say(owner, "From the terminal", headers=terminal))
    pretends = {"X-Switchboard-Channel": "slack"}
    await answered(owner, await say(owner, "Not from Slack", headers=pretends))
    channels = {claim.event.text: claim.event.channel for claim in house.claims}
    assert channels == {
        "From a program": "api",
        "From the page": "web",
        "From the terminal": "terminal",
        "Not from Slack": "api",
    }


async def test_a_command_that_works_at_once_is_answered_at_once(owner: ClientSession) -> None:
    told = await say(owner, "/whoami")
    assert "Owner" in told["reply"]
    assert [line["role"] for line in await lines(owner, told)] == ["user", "system"]


async def test_a_message_of_many_kinds_of_text_comes_back_as_it_was(owner: ClientSession) -> None:
    text = 'Grüße 👩‍💻\n\tTab "quoted" <script>alert(1)</script> \u202eright to left'
    assert (await answered(owner, await say(owner, text)))[0]["text"] == text
