"""The agents as OpenAI's clients see them: proven with the official package and by hand."""

import asyncio
import json
from collections.abc import AsyncIterator
from importlib import import_module
from typing import Any

import pytest
from aiohttp import ClientSession

from bot.core.conversation import Claim, Spend, TurnEnd
from bot.core.event import Ending
from bot.core.model import Usage
from tests.bot.web.api.reading import Told, answered, get, items, lines, told
from tests.fakes.web_house import WebHouse, said

PATH = "/v1/chat/completions"


def official() -> Any:
    """OpenAI's own package. It takes a second to load, and not only these tests would wait for it."""
    return import_module("openai")


@pytest.fixture
async def client(house: WebHouse) -> AsyncIterator[Any]:
    """The official client, as an owner."""
    async with official().AsyncOpenAI(
        base_url=f"{house.url}/v1", api_key=await house.token(), max_retries=0
    ) as client:
        yield client


def body(text: str = "Hello", **more: Any) -> dict[str, Any]:
    return {"model": "bri", "messages": [{"role": "user", "content": text}], **more}


async def content(client: ClientSession, text: str, **headers: str) -> str:
    async with client.post(PATH, json=body(text), headers=headers) as response:
        assert response.status == 200, await response.text()
        found: str = (await response.json())["choices"][0]["message"]["content"]
        return found


async def spending(claim: Claim) -> TurnEnd:
    spends = [Spend(model="m", usage=Usage(tokens_in=n, tokens_out=2)) for n in (10, 20)]
    return said("Done", spends=tuple(spends))


def streaming(house: WebHouse, *pieces: str, whole: str = "", **more: Any) -> None:
    """Let the turn say these pieces and end with the whole."""

    async def script(claim: Claim) -> TurnEnd:
        for piece in pieces:
            house.live.text(claim.event.tenant, claim.conv.id, claim.event.id, piece)
            await asyncio.sleep(0)
        return said(whole or "".join(pieces), **more)

    house.script = script


async def test_the_official_client_gets_an_answer(house: WebHouse, client: Any) -> None:
    house.script = spending
    made = await client.chat.completions.create(
        model="bri", messages=[{"role": "user", "content": "Hello"}], temperature=0.2
    )
    assert made.choices[0].message.content == "Done"
    assert made.choices[0].finish_reason == "stop"
    assert made.model == "bri"
    assert made.usage
    assert (made.usage.prompt_tokens, made.usage.completion_tokens) == (30, 4)
    assert made.usage.total_tokens == 34
    assert house.claims[0].event.agent == "bri"
    assert house.claims[0].event.channel == "api"


async def test_the_official_client_streams(house: WebHouse, client: Any) -> None:
    streaming(house, "Grüße ", "aus ", "Wien 🎡")
    stream = await client.chat.completions.create(
        model="bri",
        messages=[{"role": "user", "content": "Hello"}],
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(c.choices[0].delta.content or "" for c in chunks if c.choices)
    assert text == "Grüße aus Wien 🎡"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [c.choices[0].finish_reason for c in chunks if c.choices][-1] == "stop"
    assert chunks[-1].usage
    assert house.claims[0].event.payload["stream"] is True


async def test_the_official_client_lists_the_team(client: Any) -> None:
    assert [model.id async for model in client.models.list()] == ["kelly", "bri"]
    assert (await client.models.retrieve("bri")).id == "bri"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"model": "nobody"}, "NotFoundError"),
        ({"tools": [{"type": "function", "function": {"name": "f"}}]}, "BadRequestError"),
        ({"functions": [{"name": "f"}]}, "BadRequestError"),
        ({"tool_choice": "required"}, "BadRequestError"),
        ({"n": 2}, "BadRequestError"),
        ({"messages": []}, "BadRequestError"),
        ({"messages": [{"role": "assistant", "content": "Hi"}]}, "BadRequestError"),
        ({"messages": [{"role": "user", "content": "  "}]}, "BadRequestError"),
        ({"messages": [{"role": "robot", "content": "Hi"}]}, "BadRequestError"),
        ({"messages": ["Hi"]}, "BadRequestError"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {}}]}]},
            "BadRequestError",
        ),
    ],
)
async def test_what_cannot_be_done_is_refused_and_not_stored(
    house: WebHouse, client: Any, change: Any, error: str
) -> None:
    with pytest.raises(getattr(official(), error)):
        await client.chat.completions.create(**{**body(), **change})
    assert house.claims == []


async def test_a_wrong_token_is_the_clients_authentication_error(house: WebHouse) -> None:
    async with official().AsyncOpenAI(
        base_url=f"{house.url}/v1", api_key="wrong", max_retries=0
    ) as client:
        with pytest.raises(official().AuthenticationError):
            await client.models.list()


async def test_a_named_conversation_goes_on_and_needs_no_history(
    house: WebHouse, client: Any
) -> None:
    for text in ("One", "Two"):
        await client.chat.completions.create(
            **body(text), extra_headers={"X-Conversation-Id": "my talk / 7"}
        )
    first, second = house.claims
    assert first.conv.id == second.conv.id
    assert [line.text for line in second.history] == ["One", "You said: One"]


async def test_the_same_name_of_another_person_is_another_conversation(house: WebHouse) -> None:
    mine, theirs = await house.bearer(), await house.bearer(await house.member())
    await content(mine, "Mine", **{"X-Conversation-Id": "talk"})
    await content(theirs, "Theirs", **{"X-Conversation-Id": "talk"})
    assert len({claim.conv.id for claim in house.claims}) == 2
    assert house.claims[1].history == ()


async def test_a_fresh_conversation_takes_its_history_as_data(
    house: WebHouse, owner: ClientSession
) -> None:
    sent = [
        {"role": "system", "content": "You are a pirate"},
        {"role": "user", "content": [{"type": "text", "text": "Ahoy"}]},
        {"role": "assistant", "content": "Arr"},
        {"role": "user", "content": "Hello"},
    ]
    async with owner.post(PATH, json={"model": "bri", "messages": sent}) as response:
        assert response.status == 200
        conversation = response.headers["X-Conversation"]
    event = house.claims[0].event
    assert event.text == "Hello"
    assert event.payload["history"] == [
        {"role": "system", "content": "You are a pirate"},
        {"role": "user", "content": "Ahoy"},
        {"role": "assistant", "content": "Arr"},
    ]
    shown = await items(owner, f"/v1/conversations/{conversation}/messages")
    assert [line["text"] for line in shown] == ["Hello", "You said: Hello"]


async def test_a_named_conversation_carries_no_sent_history(
    house: WebHouse, owner: ClientSession
) -> None:
    sent = [{"role": "assistant", "content": "Arr"}, {"role": "user", "content": "Hello"}]
    async with owner.post(
        PATH, json={"model": "bri", "messages": sent}, headers={"X-Conversation-Id": "t"}
    ) as response:
        assert response.status == 200
    assert "history" not in house.claims[0].event.payload


async def test_an_ask_ends_with_the_waiting_line_and_the_link(
    house: WebHouse, owner: ClientSession
) -> None:
    house.script = house.asks()
    async with owner.post(PATH, json=body("Publish")) as response:
        conversation = response.headers["X-Conversation"]
        text = (await response.json())["choices"][0]["message"]["content"]
    assert text == f"Waiting for your yes.\n\n{house.url}/chat/{conversation}"


async def test_a_streamed_ask_ends_in_the_same_way(house: WebHouse, owner: ClientSession) -> None:
    asks = house.asks()

    async def script(claim: Claim) -> TurnEnd:
        house.live.text(claim.event.tenant, claim.conv.id, claim.event.id, "I will publish it.")
        await asyncio.sleep(0)
        return await asks(claim)

    house.script = script
    async with owner.post(PATH, json=body("Publish", stream=True)) as response:
        conversation = response.headers["X-Conversation"]
        text = await poured(response)
    end = f"Waiting for your yes.\n\n{house.url}/chat/{conversation}"
    assert text == f"I will publish it.\n\n{end}"


async def poured(response: Any) -> str:
    """The whole text of a streamed answer, which has to end well."""
    events: list[Told] = [event async for event in told(response)]
    assert events[-1].data == "[DONE]", events
    chunks = [event.data["choices"] for event in events[:-1]]
    return "".join(choice["delta"].get("content", "") for c in chunks for choice in c)


async def test_the_footer_of_the_offline_model_is_told(
    house: WebHouse, owner: ClientSession
) -> None:
    streaming(house, "Hello", footer="Answered by the offline model.")
    assert await content(owner, "Hi") == "Hello\n\n_Answered by the offline model._"


async def test_a_failed_turn_is_told_in_its_own_sentence(
    house: WebHouse, owner: ClientSession
) -> None:
    async def script(claim: Claim) -> TurnEnd:
        return TurnEnd(
            ending=Ending.FAILED, detail="x", reply="The model cannot be reached.", role="system"
        )

    house.script = script
    assert await content(owner, "Hi") == "The model cannot be reached."


async def test_a_turn_that_says_nothing_is_an_empty_answer(
    house: WebHouse, owner: ClientSession
) -> None:
    async def script(claim: Claim) -> TurnEnd:
        return TurnEnd(ending=Ending.IGNORED, detail="not addressed")

    house.script = script
    assert await content(owner, "Hi") == ""


async def test_a_command_at_the_door_is_answered(owner: ClientSession) -> None:
    assert "Owner" in await content(owner, "/whoami")
    async with owner.post(PATH, json=body("/whoami", stream=True)) as response:
        assert "Owner" in await poured(response)


async def test_a_repeat_with_the_same_key_gets_the_same_answer(
    house: WebHouse, owner: ClientSession
) -> None:
    first = await content(owner, "Hello", **{"Idempotency-Key": "k"})
    assert await content(owner, "Hello", **{"Idempotency-Key": "k"}) == first
    assert len(house.claims) == 1
    async with owner.post(PATH, json=body("Bye"), headers={"Idempotency-Key": "k"}) as response:
        assert response.status == 409


async def test_a_repeat_while_the_first_runs_waits_for_it(
    house: WebHouse, owner: ClientSession
) -> None:
    go = asyncio.Event()

    async def script(claim: Claim) -> TurnEnd:
        await go.wait()
        return said("Once")

    house.script = script
    tries = [
        asyncio.create_task(content(owner, "Hello", **{"Idempotency-Key": "k"})) for _ in range(5)
    ]
    while not house.claims:
        await asyncio.sleep(0)
    go.set()
    assert await asyncio.gather(*tries) == ["Once"] * 5
    assert len(house.claims) == 1


async def test_whoever_hangs_up_stops_nothing(house: WebHouse, owner: ClientSession) -> None:
    go, begun = asyncio.Event(), asyncio.Event()

    async def script(claim: Claim) -> TurnEnd:
        begun.set()
        await go.wait()
        return said("Still answered")

    house.script = script
    for stream in (False, True):
        calling = asyncio.create_task(_call(owner, stream))
        await begun.wait()
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)
        begun.clear()
    go.set()
    for claim in house.claims:
        where = {"event": claim.event.id, "conversation": claim.conv.id}
        assert (await answered(owner, where))[-1]["text"] == "Still answered"


async def _call(client: ClientSession, stream: bool) -> None:
    async with client.post(PATH, json=body(stream=stream)) as response:
        await response.read()


async def test_an_end_that_nobody_tells_is_found_in_the_database(
    house: WebHouse, owner: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.web.api.completions.SWEEP_S", 0.01)
    monkeypatch.setattr(house.live, "end", lambda *args: None)
    assert await content(owner, "Hello") == "You said: Hello"
    async with owner.post(PATH, json=body(stream=True)) as response:
        assert await poured(response) == "You said: Hello"


async def test_a_second_attempt_never_mixes_with_the_first(
    house: WebHouse, owner: ClientSession
) -> None:
    async def script(claim: Claim) -> TurnEnd:
        event, conv = claim.event, claim.conv.id
        house.live.text(event.tenant, conv, event.id, "The first half")
        await asyncio.sleep(0.01)
        house.live.begin(event.tenant, conv, event.id, 1)
        house.live.text(event.tenant, conv, event.id, "Another ")
        await asyncio.sleep(0.01)
        house.live.text(event.tenant, conv, event.id, "answer")
        return said("Another answer")

    house.script = script
    async with owner.post(PATH, json=body(stream=True)) as response:
        assert await poured(response) == "The first half\n\nAnother answer"


async def test_the_end_of_the_house_is_told_and_the_message_kept(
    house: WebHouse, owner: ClientSession
) -> None:
    go = asyncio.Event()

    async def script(claim: Claim) -> TurnEnd:
        await go.wait()
        return said("Later")

    house.script = script
    plain = asyncio.create_task(_status(owner, body()))
    streamed = asyncio.create_task(_status(owner, body(stream=True)))
    while len(house.claims) < 2:
        await asyncio.sleep(0)
    house.live.close()
    assert (await plain)[0] == 503
    status, text = await streamed
    assert status == 200
    assert "The house is stopping" in json.loads(text.split("data: ")[-1])["error"]["message"]
    go.set()
    for claim in house.claims:
        where = {"event": claim.event.id, "conversation": claim.conv.id}
        assert (await answered(owner, where))[-1]["text"] == "Later"


async def _status(client: ClientSession, asked: dict[str, Any]) -> tuple[int, str]:
    async with client.post(PATH, json=asked) as response:
        return response.status, await response.text()


async def test_many_at_once_get_their_own_answers(house: WebHouse, owner: ClientSession) -> None:
    texts = [f"Number {n}" for n in range(40)]
    found = await asyncio.gather(*(content(owner, text) for text in texts))
    assert found == [f"You said: {text}" for text in texts]


async def test_the_answer_is_in_the_conversation_too(house: WebHouse, owner: ClientSession) -> None:
    await content(owner, "Hello", **{"X-Conversation-Id": "t"})
    event = house.claims[0].event.id
    trace = await get(owner, f"/v1/events/{event}")
    shown = await lines(owner, {"conversation": trace["conversation"]})
    assert [line["text"] for line in shown] == ["Hello", "You said: Hello"]
