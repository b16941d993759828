"""Files that leave for Discord, Telegram and Teams: whole, once where that can be, never hidden."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from bot.core.errors import VendorUnknown
from bot.core.ids import TenantId
from bot.infra.clock import SystemClock
from bot.platforms.lent import Lent
from channels.discord.channel import Discord
from channels.discord.channel import make as make_discord
from channels.teams import calls as teams_calls
from channels.teams.channel import make as make_teams
from channels.telegram.channel import make as make_telegram
from tests.channels import discord_house, teams_side, telegram_side
from tests.channels.discord_house import House
from tests.fakes.discord_server import DiscordServer
from tests.fakes.shelf import FakeShelf
from tests.fakes.teams_server import TeamsServer
from tests.fakes.telegram_server import TelegramServer

CREATE = "POST /channels/{channel_id}/messages"
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 3000


@pytest.fixture
def shelf() -> FakeShelf:
    return FakeShelf()


@asynccontextmanager
async def discord(server: DiscordServer, shelf: FakeShelf) -> AsyncIterator[Discord]:
    """A channel that only sends."""
    async with House(server, listens=False):
        lent = Lent(
            tenant=TenantId("ten_1"),
            options={"token": server.token, "commands": False},
            clock=SystemClock(),
            endpoint=server.url,
            shelf=shelf,
        )
        channel = make_discord(lent)
        yield channel
        await channel._calls.close()


# --- Discord ----------------------------------------------------------------------------------


async def test_discord_shows_files_below_the_last_words_and_calls_nobody(shelf: FakeShelf) -> None:
    async with DiscordServer() as server, discord(server, shelf) as channel:
        place = server.direct("ana")
        files = (shelf.put("a.md", b"minutes" * 900), shelf.put("b.png", PNG, "image/png"))
        text = "\n\n".join("word " * 60 for _ in range(10)) + " @everyone"
        await channel.send(discord_house.outbound(place, text, attachments=files))
        *first, last = server.shown(place)
        assert first and not any(each.attachments for each in first)
        assert [(f["filename"], f["size"]) for f in last.attachments] == [
            ("a.md", 6300),
            ("b.png", len(PNG)),
        ]
        assert not last.pings_everyone and server.mistakes == []


@pytest.mark.parametrize("after", [True, False])
async def test_discord_shows_files_once_when_the_answer_got_lost(
    shelf: FakeShelf, after: bool
) -> None:
    async with DiscordServer() as server, discord(server, shelf) as channel:
        place = server.direct("ana")
        message = discord_house.outbound(place, "Here", attachments=(shelf.put("a.md", b"a"),))
        server.fail(CREATE, cut=True, after=after)
        with pytest.raises(VendorUnknown):
            await channel.send(message)
        await channel.send(message)
        (shown,) = server.shown(place)
        assert [f["filename"] for f in shown.attachments] == ["a.md"]


async def test_discord_puts_files_below_the_draft_that_becomes_the_answer(
    shelf: FakeShelf,
) -> None:
    async with DiscordServer() as server, discord(server, shelf) as channel:
        server.rest.rates.per_route.clear()
        place = server.direct("ana")
        draft = await channel.draft(discord_house.outbound(place, "He"))
        assert draft is not None
        files = (shelf.put("a.md", b"a"),)
        message = discord_house.outbound(place, "Here", attachments=files, replace=draft.vendor_ref)
        for _ in range(2):
            await channel.send(message)
        (shown,) = server.shown(place)
        assert shown.content == "Here"
        assert [f["filename"] for f in shown.attachments] == ["a.md"]


async def test_what_is_too_large_for_discord_is_a_link(shelf: FakeShelf) -> None:
    async with DiscordServer() as server, discord(server, shelf) as channel:
        place = server.direct("ana")
        large, small = shelf.put("film.mp4", b"x" * (10 * 2**20 + 1)), shelf.put("a.md", b"a")
        await channel.send(discord_house.outbound(place, "Here", attachments=(large, small)))
        (shown,) = server.shown(place)
        assert [f["filename"] for f in shown.attachments] == ["a.md"]
        assert shelf.link(large) in shown.content and "film.mp4" in shown.content
        assert shelf.opened == ["a.md"]


# --- Telegram ---------------------------------------------------------------------------------


async def test_telegram_takes_pictures_voices_and_files_as_what_they_are(shelf: FakeShelf) -> None:
    async with TelegramServer() as server:
        channel = make_telegram(replace(telegram_side.lent_for(server), shelf=shelf))
        server.world.say(telegram_side.ANA, "hi")
        files = (
            shelf.put("a.md", b"a" * 900),
            shelf.put("b.png", PNG, "image/png"),
            shelf.put("c.ogg", b"OggS" * 9, "audio/ogg"),
        )
        await channel.send(telegram_side.outbound("Here", attachments=files))
        chat = server.world.chats[telegram_side.ANA.id]
        shown = list(chat.messages.values())[-4:]
        assert shown[0]["text"] == "Here"
        assert [next(k for k in ("document", "photo", "voice") if k in m) for m in shown[1:]] == [
            "document",
            "photo",
            "voice",
        ]
        assert shown[1]["document"]["file_size"] == 900
        await channel._api.close()
        assert not server.mistakes


async def test_telegram_is_unsure_of_a_file_whose_answer_got_lost(shelf: FakeShelf) -> None:
    async with TelegramServer() as server:
        channel = make_telegram(replace(telegram_side.lent_for(server), shelf=shelf))
        server.world.say(telegram_side.ANA, "hi")
        server.fail("sendDocument", "lost")
        message = telegram_side.outbound("Here", attachments=(shelf.put("a.md", b"a"),))
        with pytest.raises(VendorUnknown, match=r"a\.md did not arrive"):
            await channel.send(message)
        await channel._api.close()


async def test_a_picture_that_telegram_refuses_goes_as_a_file(shelf: FakeShelf) -> None:
    async with TelegramServer() as server:
        channel = make_telegram(replace(telegram_side.lent_for(server), shelf=shelf))
        server.world.say(telegram_side.ANA, "hi")
        server.fail("sendPhoto", code=400)
        item = shelf.put("b.png", PNG, "image/png")
        await channel.send(telegram_side.outbound("Here", attachments=(item,)))
        shown = list(server.world.chats[telegram_side.ANA.id].messages.values())
        assert "document" in shown[-1]
        await channel._api.close()


# --- Teams ------------------------------------------------------------------------------------


async def test_teams_shows_pictures_and_gives_links_to_the_rest(
    shelf: FakeShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(teams_calls, "AGAIN_S", 0.05)
    async with TeamsServer() as server:
        place = server.world.personal(teams_side.ANA)
        channel = make_teams(replace(teams_side.lent(server), shelf=shelf))
        picture, text = shelf.put("b.png", PNG, "image/png"), shelf.put("a <b>.md", b"a")
        await channel.send(teams_side.outbound(place, "Here", attachments=(picture, text)))
        (shown,) = server.world.shown(place)
        (told,) = shown.attachments
        assert told["contentUrl"] == shelf.link(picture) and told["contentType"] == "image/png"
        assert shelf.link(text) in shown.words and "a <b>.md" in shown.words
        shelf.address = ""
        await channel.send(teams_side.outbound(place, "Again", attachments=(picture,)))
        assert "lies on your page of files" in server.world.shown(place)[-1].words
        await channel._calls.close()
        assert server.mistakes == []
