"""The whole program on Teams, started as a user would: talk, files, approvals, and kill -9.

`python -m bot run` in a process of its own; Microsoft and the model are servers on loopback that its
settings name. People act in the Teams that plays.
"""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.channels.running import POST, WORDS, Model, Program, found, standing
from tests.channels.teams_side import ANA, BEN
from tests.fakes.teams_server import APP, SECRET, TENANT, TeamsServer
from tests.fakes.teams_world import Shown


@asynccontextmanager
async def whole(tmp_path: Path, teams: TeamsServer) -> AsyncIterator[Program]:
    """The program on a new folder, with Ana admitted."""
    options = f'app_id = "{APP}", app_secret = "{SECRET}", tenant_id = "{TENANT}"'
    async with Model() as model:
        channels = f"{{teams = {{{options}}}}}"
        program = Program(tmp_path, model, BOT_CHANNELS=channels, BOT_ENDPOINT_TEAMS=teams.base)
        teams.webhook_via = program.url
        async with standing(program, SECRET):
            place = teams.world.personal(ANA)
            await teams.world.say(ANA, place, "hello?")
            (text,) = await found(lambda: teams.world.said(place))
            await program.admit(text)
            yield program
            assert model.violations == []


async def card_in(teams: TeamsServer, place: str) -> Shown:
    """The newest card with buttons, once it is there."""
    cards = await found(lambda: [m for m in teams.shown(place) if m.buttons])
    newest: Shown = cards[-1]
    return newest


@pytest.fixture
async def teams() -> AsyncIterator[TeamsServer]:
    """A Teams that bans on excess."""
    async with TeamsServer(rates="ban", again_s=(0.5, 1.0, 2.0, 4.0, 8.0, 16.0)) as server:
        yield server
        assert server.mistakes == []
        assert not server.is_banned


async def test_talk_files_and_an_approval_with_a_changed_text(
    tmp_path: Path, teams: TeamsServer
) -> None:
    async with whole(tmp_path, teams) as house:
        world, place = teams.world, teams.world.personal(ANA)
        # A conversation in which the answer is seen while it is written.
        await world.say(ANA, place, "say it slowly")
        (answer,) = await found(
            lambda: [m for m in teams.shown(place) if m.text.endswith("word39</p>")]
        )
        assert answer.words == f"Slowly: {WORDS}" and answer.edited >= 1
        assert len(world.said(place)) == 2
        # A file reaches the agent.
        await world.say(ANA, place, "read it", files=[("notes.txt", "text/plain", b"milk")])
        await found(lambda: world.said(place)[-1].endswith("Read: True."))
        assert len(world.said(place)) == 3
        # In a channel the answer stands in the thread.
        channel = world.channel("general", ANA, BEN)
        root = await world.mention(ANA, channel, "publish it")
        card = await card_in(teams, f"{channel};messageid={root}")
        assert POST["text"] in card.card_words and card.thread == root
        # A stranger presses: told alone, and nothing happens.
        done = await world.press(BEN, card.id, "Approve")
        assert done.status == 200 and done.private and card.buttons
        assert not house.posts()
        # Ana changes the text in the card's form and sends it.
        done = await world.press(
            ANA, card.id, "Save and approve", {"text": "We are open on Monday"}
        )
        assert done.status == 200 and done.took_s < teams.invoke_s
        (post,) = await found(house.posts)
        assert "We are open on Monday" in post.read_text()
        await found(lambda: not card.buttons)
        assert "Ana" in card.card_words
        # The old button, pressed again by hand, changes nothing.
        pressed = [each for each in teams.delivered if each.activity["type"] == "invoke"]
        assert (await teams.again(pressed[-1])).status == 200
        assert len(house.posts()) == 1
        # Forged, it is refused, by the whole program as well.
        assert (await teams.forge("wrong_key", ANA, place)).status == 401
        await teams.settled()
        assert teams.lost == []


async def test_kill_and_restart_lose_nothing_and_say_nothing_twice(
    tmp_path: Path, teams: TeamsServer
) -> None:
    async with whole(tmp_path, teams) as house:
        world, place = teams.world, teams.world.personal(ANA)
        # Killed while an answer is being written: the same message becomes the answer.
        await world.say(ANA, place, "say it slowly")
        # Teams has no way to look a message up, so what it is called must be on the disk first: only
        # then is it rewritten.
        await found(lambda: [m for m in teams.shown(place) if "Slowly" in m.text and m.edited])
        house.stop(signal.SIGKILL)
        # What is written meanwhile is not acknowledged, and comes again.
        await world.say(ANA, place, "are you there?")
        await house.start()
        await found(lambda: f"Slowly: {WORDS}" in world.said(place), 40)
        await found(lambda: len(world.said(place)) >= 3)
        await teams.settled()
        assert teams.lost == []
        assert [text.split(" ")[0] for text in world.said(place)[1:]] == ["Slowly:", "You"]
        # Delivered again: nothing is answered twice.
        assert (await teams.again()).status == 200
        await asyncio.sleep(1)
        assert len(world.said(place)) == 3
        # A card outlives a kill, is pressed twice after it, and is decided once.
        await world.say(ANA, place, "publish it")
        card = await card_in(teams, place)
        house.stop(signal.SIGKILL)
        await house.start()
        first = await world.press(ANA, card.id, "Approve")
        second = await teams.again(first)
        assert (first.status, second.status) == (200, 200)
        await found(lambda: not card.buttons)
        await found(house.posts)
        assert len(house.posts()) == 1
