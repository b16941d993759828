"""The whole program on Slack, started as a user would: talk, files, approvals, and kill -9.

`python -m bot run` in a process of its own; Slack and the model are servers on loopback that its
settings name. People act in the Slack that plays.
"""

import asyncio
import io
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.channels.running import POST, WORDS, Model, Program, found, standing
from tests.channels.slack_side import ANA, BEN, until
from tests.fakes import slack_rules
from tests.fakes.slack_apps import BOT_USER
from tests.fakes.slack_server import SlackServer


@asynccontextmanager
async def whole(
    tmp_path: Path, slack: SlackServer, *, by_http: bool = False, model: type[Model] = Model
) -> AsyncIterator[Program]:
    """The program on a new folder, with Ana admitted."""
    async with model() as played:
        how = ("SLACK_SIGNING_SECRET", slack.signing_secret)
        settings = dict([how if by_http else ("SLACK_APP_TOKEN", slack.app_token)])
        program = Program(
            tmp_path,
            played,
            SLACK_BOT_TOKEN=slack.bot_token,
            BOT_ENDPOINT_SLACK=slack.base,
            **settings,
        )
        slack.webhook_via = program.url if by_http else ""
        async with standing(program, slack.bot_token, slack.app_token):
            place = slack.world.direct(ANA)
            await slack.world.say(ANA, place, "hello?")
            (text,) = await said(slack, place, 1)
            await program.admit(text)
            yield program
            assert played.violations == []


async def said(slack: SlackServer, place: str, count: int) -> list[str]:
    """Wait until the program has written so many messages there; gives their texts."""
    await found(lambda: len(slack.world.said(place)) >= count)
    return slack.world.said(place)


@pytest.fixture
async def slack(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SlackServer]:
    """A Slack that bans on excess. Its tiers are floors: here a program starts three times at once."""
    monkeypatch.setitem(slack_rules.TIER, "apps.connections.open", 0)
    async with SlackServer(rates="ban", again_s=(0.5, 1.0, 2.0, 4.0, 8.0, 16.0)) as server:
        yield server
        assert server.mistakes == []
        assert not server.is_banned


async def test_talk_files_and_an_approval_with_a_changed_text(
    tmp_path: Path, slack: SlackServer
) -> None:
    async with whole(tmp_path, slack) as house:
        world, place = slack.world, slack.world.direct(ANA)
        # A conversation in which the answer is seen while it is written.
        await world.say(ANA, place, "say it slowly")
        answer = await found(lambda: [m for m in slack.shown(place) if m.text.endswith("word39")])
        assert answer[0].text == f"Slowly: {WORDS}" and answer[0].edited >= 1
        assert len(world.said(place)) == 2
        # A file reaches the agent.
        await world.say(ANA, place, "read it", files=[("notes.txt", "text/plain", b"milk")])
        await found(
            lambda: [text for text in world.said(place)[2:] if text.endswith("Read: True.")]
        )
        # In a channel the answer stands in the thread, and a mention is one message.
        channel = world.channel("general", ANA, BEN)
        root = await world.say(ANA, channel, f"<@{BOT_USER}> publish it")
        card = (await found(lambda: [m for m in slack.shown(channel, root) if m.buttons]))[0]
        assert POST["text"] in card.words
        # A stranger presses: told alone, and nothing happens.
        await world.press(BEN, channel, card.ts, "Approve")
        alone = (await found(lambda: [m for m in slack.shown(channel) if m.only_for == BEN.id]))[0]
        assert alone.thread_ts == root and card.buttons
        assert not house.posts()
        # What waits is listed to whoever asks, and to nobody who reads along.
        await world.say(ANA, channel, f"<@{BOT_USER}> /approvals", thread=root)
        (listed,) = await found(lambda: [m for m in slack.shown(channel) if m.only_for == ANA.id])
        assert "Publish" in listed.text
        # Ana changes the text in a form and sends it.
        await world.press(ANA, channel, card.ts, "Edit")
        view = next(iter(await found(lambda: world.views)))
        label = next(b for b in world.views[view]["blocks"] if "Sunday" in json.dumps(b))
        done = await world.submit(ANA, view, {label["block_id"]: "We are open on Monday"})
        assert done.acked and not done.response.get("errors"), done.response
        (post,) = await found(house.posts)
        assert "We are open on Monday" in post.read_text()
        await until(lambda: not card.buttons, 30)
        assert "Ana" in card.words
        # A second press of the old button changes nothing.
        assert len(house.posts()) == 1
        await slack.settled()
        assert slack.lost == []
        assert max(slack.ack_times) < 3


async def test_over_http_a_message_is_answered_and_a_press_decides(
    tmp_path: Path, slack: SlackServer
) -> None:
    async with whole(tmp_path, slack, by_http=True) as house:
        world, place = slack.world, slack.world.direct(ANA)
        await world.say(ANA, place, "publish it")
        card = (await found(lambda: [m for m in slack.shown(place) if m.buttons]))[0]
        await world.press(ANA, place, card.ts, "Approve")
        await found(house.posts)
        await until(lambda: not card.buttons, 30)
        # Nobody but Slack is heard, whatever they send.
        events = f"{slack.webhook_via}/webhooks/slack/events"
        async with aiohttp.ClientSession() as session:
            for body, headers, status in (
                (b"{}", {}, 401),
                (b"{}", {**slack.signed("{} "), "Content-Type": "application/json"}, 401),
                (b"{}", {"Content-Type": "text/plain"}, 415),
                (b"x" * 3 * 2**20, {}, 413),
            ):
                kind = {"Content-Type": "application/json", **headers}
                data = io.BytesIO(body)
                async with session.post(events, data=data, headers=kind) as answer:
                    assert answer.status == status
        await slack.settled()
        assert slack.lost == []


async def test_an_app_that_may_not_write_is_named_and_its_answer_waits(
    tmp_path: Path, slack: SlackServer
) -> None:
    async with whole(tmp_path, slack) as house:
        world, place = slack.world, slack.world.direct(ANA)
        slack.scopes.discard("chat:write")
        await world.say(ANA, place, "hi")
        await asyncio.sleep(3)
        told = await house.verb("doctor", code=1)
        assert "The channel slack is down: The Slack app lacks the scope chat:write" in told
        assert told.count("The channel slack is down") == 1
        slack.scopes.add("chat:write")
        assert "You said" in (await said(slack, place, 2))[1]
        await slack.settled()
        assert slack.lost == []


async def test_kill_and_restart_lose_nothing_and_say_nothing_twice(
    tmp_path: Path, slack: SlackServer
) -> None:
    async with whole(tmp_path, slack) as house:
        world, place = slack.world, slack.world.direct(ANA)
        # Killed while an answer is being written: the same message becomes the answer.
        await world.say(ANA, place, "say it slowly")
        await found(lambda: [m for m in slack.shown(place) if m.text.startswith("Slowly")])
        house.stop(signal.SIGKILL)
        # What is written meanwhile is not acknowledged, and comes again.
        await world.say(ANA, place, "are you there?")
        await house.start()
        await until(lambda: f"Slowly: {WORDS}" in world.said(place), 40)
        texts = await said(slack, place, 3)
        await slack.settled()
        assert slack.lost == []
        assert [text.split(" ")[0] for text in texts[1:]] == ["Slowly:", "You"]
        # Delivered again by hand: nothing is answered twice.
        item = next(m for m in slack.shown(place) if m.text == "are you there?")
        event = {**world.event_of(item), "client_msg_id": "again"}
        await world.tell(event)
        await slack.settled()
        await asyncio.sleep(1)
        assert len(world.said(place)) == 3
        # A card outlives a kill, is pressed after it, and is decided once.
        await world.say(ANA, place, "publish it")
        card = (await found(lambda: [m for m in slack.shown(place) if m.buttons]))[0]
        house.stop(signal.SIGKILL)
        await house.start()
        await slack.connected()
        first = await world.press(ANA, place, card.ts, "Approve")
        assert first.acked
        await world.deliver("interactive", first.payload)
        await until(lambda: not card.buttons, 30)
        await found(house.posts)
        assert len(house.posts()) == 1
