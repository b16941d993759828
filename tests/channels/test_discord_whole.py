"""The whole program on Discord, started as a user would: talk, files, approvals, and kill -9.

discord.py in the program is the vendor's own, told another address by `BOT_ENDPOINT_DISCORD`;
people act in the Discord that plays.
"""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from channels.discord.hooks import PATH
from tests.channels.running import POST, WORDS, Model, Program, found, standing
from tests.fakes.discord_server import DiscordServer
from tests.published import vectors

SLOW = f"Slowly: {WORDS}"


@pytest.fixture
async def discord() -> AsyncIterator[DiscordServer]:
    """A Discord that bans whoever does not keep to its limits."""
    async with DiscordServer() as server:
        server.rest.rates.ban_after = 10
        yield server
        assert not server.banned
        assert server.mistakes == []


@asynccontextmanager
async def whole(folder: Path, discord: DiscordServer, **more: str) -> AsyncIterator[Program]:
    """The program on a new folder, with Ana admitted."""
    async with Model() as model:
        settings = {"DISCORD_BOT_TOKEN": discord.token, "BOT_ENDPOINT_DISCORD": discord.url}
        program = Program(folder, model, **settings, **more)
        async with standing(program, discord.token):
            await discord.gateway.until_connected(30)
            await admit(program, discord)
            yield program
            assert model.violations == []


async def admit(program: Program, discord: DiscordServer) -> None:
    """Ana writes, is given a code, and is let in."""
    await discord.say("ana", "hello?")
    (text,) = await found(lambda: discord.texts(discord.direct("ana")))
    await program.admit(text)


async def test_talk_files_and_an_approval_with_a_changed_text(
    tmp_path: Path, discord: DiscordServer
) -> None:
    async with whole(tmp_path, discord) as program:
        place = discord.direct("ana")
        # A conversation in which the answer is seen while it is written.
        await discord.say("ana", "say it slowly")
        await found(lambda: [t for t in discord.texts(place) if t.startswith("Slowly")])
        (answer,) = await found(lambda: [m for m in discord.shown(place) if m.text == SLOW])
        assert answer.edits >= 1
        # A file reaches the agent.
        await discord.say("ana", "read it", files=[("notes.txt", "text/plain", b"milk")])
        await found(lambda: discord.texts(place)[-1].endswith("Read: True."))
        assert len(discord.texts(place)) == 3
        # In a channel it asks with a card; a stranger's press does nothing and is told so alone.
        channel = discord.channel()
        asked = await discord.say("ana", "{bot} publish it", channel)
        (card,) = await found(lambda: [m for m in discord.shown(channel) if m.buttons])
        assert POST["text"] in str(card.embeds)
        assert any(m.reply_to == asked.id for m in discord.shown(channel))
        pressed = await discord.press("eve", card, "Approve")
        assert pressed.private and not pressed.failed and program.posts() == []
        # What waits is listed to whoever asks, and to nobody who reads along.
        listed = await discord.command("ana", "approvals", channel)
        await found(lambda: listed.private)
        await discord.say("ana", "{bot} /approvals", channel)
        await found(lambda: "1 question waits" in discord.texts(channel, "ben")[-1])
        assert "Publish" in listed.private[0]
        # Ana changes the text in a form and sends it.
        form = await discord.press("ana", card, "Edit")
        (name,) = [key for key, text in form.inputs.items() if text == POST["text"]]
        sent = await discord.submit(form, **{name: "We are open on Monday"})
        assert not sent.failed
        (post,) = await found(program.posts)
        assert "We are open on Monday" in post.read_text()
        await found(lambda: not card.buttons)
        assert "Ana" in str(card.embeds)
        # The old button, pressed again, changes nothing.
        stale = await discord.press_raw("ana", card, form.data["custom_id"])
        assert stale.private and len(program.posts()) == 1
        # A slash command is answered in its own place.
        status = await discord.command("ana", "whoami", channel)
        assert status.private and "Ana" in status.private[0]
        answered = await discord.command("ana", "ask", channel, question="What is new?")
        await found(lambda: [m for m in answered.shown if m.text.startswith("You said")])


async def test_kill_and_restart_lose_nothing_and_say_nothing_twice(
    tmp_path: Path, discord: DiscordServer
) -> None:
    async with whole(tmp_path, discord) as program:
        place = discord.direct("ana")
        # Killed while an answer is being written: the same message becomes the answer.
        await discord.say("ana", "say it slowly")
        await found(lambda: [t for t in discord.texts(place) if t.startswith("Slowly")])
        program.stop(signal.SIGKILL)
        # Discord forgets the session: what is written now is told to nobody.
        await discord.gateway.forget_sessions()
        await discord.say("ana", "are you there?")
        await program.start()
        await found(lambda: SLOW in discord.texts(place), 40)
        texts = await found(lambda: len(discord.texts(place)) >= 3 and discord.texts(place))
        assert [text.split(" ")[0] for text in texts[1:]] == ["Slowly:", "You"]
        # Told again: nothing is answered twice.
        await discord.gateway.again(2)
        await asyncio.sleep(1)
        assert len(discord.texts(place)) == 3
        # A card outlives a kill, is pressed after it, and is decided once.
        await discord.say("ana", "publish it")
        (card,) = await found(lambda: [m for m in discord.shown(place) if m.buttons])
        program.stop(signal.SIGKILL)
        await discord.gateway.forget_sessions()
        await program.start()
        await discord.gateway.until_connected(30)
        button = card.buttons[-1]["custom_id"].rpartition(":")[0] + ":approve"
        first = await discord.press_raw("ana", card, button)
        second = await discord.press_raw("ana", card, button)
        assert not first.failed and not second.failed
        await found(lambda: not card.buttons)
        await found(program.posts)
        await asyncio.sleep(1)
        assert len(program.posts()) == 1
        cards = [m for m in discord.shown(place) if m.embeds]
        assert len(cards) == 1


async def test_presses_by_signed_webhook_and_none_that_is_forged(
    tmp_path: Path, discord: DiscordServer
) -> None:
    async with whole(tmp_path, discord, DISCORD_PUBLIC_KEY=discord.public_key) as program:
        discord.interactions.url = program.url + PATH
        assert await discord.interactions.probe() == []
        async with aiohttp.ClientSession() as session:
            for vector in vectors("discord"):  # signed with other keys, or long ago
                body, headers = vector["body"].encode(), vector["headers"]
                async with session.post(program.url + PATH, data=body, headers=headers) as answer:
                    assert answer.status == 401, vector["case"]
        await discord.say("ana", "publish it")
        place = discord.direct("ana")
        (card,) = await found(lambda: [m for m in discord.shown(place) if m.buttons])
        pressed = await discord.press("eve", card, "Approve")
        assert pressed.private and program.posts() == []
        pressed = await discord.press("ana", card, "Approve")
        assert not pressed.failed and pressed.took_s < 3
        await found(program.posts)
        await found(lambda: not card.buttons)
