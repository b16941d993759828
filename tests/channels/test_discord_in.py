"""What people write on Discord becomes events: once, in order, and also after an absence."""

import asyncio
import json

import pytest

from bot.core.errors import (
    ConnectionBroken,
    LimitReached,
    OperatorError,
    StoreError,
    VendorRefused,
)
from bot.core.event import Kind
from bot.platforms.lent import Lent
from bot.testing import lent
from channels.discord import intake
from channels.discord.channel import make
from tests.channels.discord_house import House, outbound
from tests.fakes.discord_server import DiscordServer


async def test_a_direct_message_is_said_to_us():
    async with DiscordServer() as server, House(server) as house:
        said = await server.say("ana", "Hello there")
        event = await house.heard()
        assert (event.kind, event.text, event.addressed) == (Kind.MESSAGE, "Hello there", True)
        assert event.ext_id == f"{server.direct('ana')}:{said.id}"
        assert event.place.id == server.direct("ana") and event.place.direct
        assert event.sender.ext_id == server.world.person("ana").id
        assert event.account == server.world.app_id
        assert server.mistakes == []


async def test_in_a_channel_only_what_mentions_or_answers_us_is_said_to_us():
    async with DiscordServer() as server, House(server) as house:
        place = server.channel()
        await server.say("ana", "not for you", place)
        await server.say("ana", "{bot} what is new?", place)
        event = await house.heard()
        assert (event.text, event.addressed, event.place.direct) == ("what is new?", True, False)
        assert event.place.workspace == server.world.guild_id
        receipt = await house.channel.send(outbound(place, "Much."))
        await server.say("ana", "{bot} go on", place, reply_to=receipt.vendor_ref.split(":")[1])
        answer = await house.heard(2)
        assert answer.addressed and answer.reply_to == receipt.vendor_ref
        await house.quiet(lambda: len(house.events) == 2)
        assert server.mistakes == []


async def test_with_the_intent_what_is_said_to_others_is_read_as_such():
    async with DiscordServer() as server:
        async with House(server, {"message_content": True}) as house:
            await server.say("ana", "to all of you", server.channel())
            event = await house.heard()
            assert (event.text, event.addressed) == ("to all of you", False)


async def test_a_thread_hangs_below_its_channel():
    async with DiscordServer() as server, House(server) as house:
        thread = await server.thread("ana", "plans")
        await server.say("ana", "{bot} hello", thread)
        event = await house.heard()
        assert (event.place.id, event.place.thread) == (server.channel(), thread)
        await house.channel.send(outbound(event.place.id, "Hi", thread=event.place.thread))
        assert server.texts(thread) == ["Hi"]
        assert server.mistakes == []


async def test_other_people_are_called_by_name():
    async with DiscordServer() as server, House(server) as house:
        ben = server.world.person("ben").id
        await server.say("ana", f"{{bot}} ask <@{ben}> and <@12345>", server.channel())
        assert (await house.heard()).text == "ask @Ben and <@12345>"


async def test_bots_and_we_ourselves_are_no_people():
    async with DiscordServer() as server, House(server) as house:
        place = server.channel()
        server.world.another_bot("robo")
        await server.say("robo", "{bot} hello", place)
        await house.channel.send(outbound(place, "I say something"))
        await house.quiet(lambda: house.events == [])


async def test_edits_and_deletions_name_what_they_are_about():
    async with DiscordServer() as server, House(server) as house:
        said = await server.say("ana", "helo")
        await house.heard(1)
        await server.edit(said, "hello")
        await server.delete(said)
        await house.heard(3)
        first, edited, deleted = house.events
        assert (edited.kind, edited.text, edited.reply_to) == (Kind.EDITED, "hello", first.ext_id)
        assert (deleted.kind, deleted.reply_to) == (Kind.DELETED, first.ext_id)
        assert deleted.sender.ext_id == first.sender.ext_id
        assert len({each.ext_id for each in house.events}) == 3


async def test_a_thumb_is_an_opinion_of_the_whole_answer():
    async with DiscordServer() as server, House(server) as house:
        place = server.direct("ana")
        receipt = await house.channel.send(outbound(place, "Long. " * 700))
        parts = server.shown(place)
        assert len(parts) > 1
        await server.react("ana", parts[-1], "👍🏽")
        await server.unreact("ana", parts[-1], "👍🏽")
        await server.react("ana", parts[0], "🎉")
        await house.heard(2)
        up, back = house.events
        assert (up.kind, up.payload["value"], up.reply_to) == (
            Kind.FEEDBACK,
            "up",
            receipt.vendor_ref,
        )
        assert back.payload["value"] == "" and back.ext_id != up.ext_id
        await house.quiet(lambda: len(house.events) == 2)


async def test_a_file_is_fetched_from_discord_and_from_nowhere_else():
    async with DiscordServer() as server, House(server) as house:
        said = await server.say("ana", "see", files=[("a.txt", "text/plain", b"bytes")])
        (file,) = (await house.heard()).attachments
        assert (file.name, file.media_type, file.size) == ("a.txt", "text/plain", 5)

        async def read(source):
            given = type(file)(name="a", media_type="", size=0, source=source)
            return b"".join([part async for part in house.channel.fetch(given)])

        assert await read(file.source) == b"bytes"
        where, _, address = file.source.partition(" ")
        assert await read(f"{where} {address.partition('?')[0]}") == b"bytes", "a fresh address"
        with pytest.raises(VendorRefused, match="does not lie at Discord"):
            await read(f"{where} http://169.254.169.254/latest")
        await server.delete(said)
        with pytest.raises(VendorRefused, match=r"code 10008"):
            await read(f"{where} {server.url}/cdn/attachments/1/2/a.txt")


async def test_the_same_telling_twice_is_one_event():
    async with DiscordServer() as server, House(server) as house:
        await server.say("ana", "once")
        await house.heard()
        await server.gateway.again(3)
        await house.quiet(lambda: len(house.events) == 1)


async def test_a_channel_keeps_its_order_though_the_database_fails_for_a_while(monkeypatch):
    monkeypatch.setattr(intake, "PAUSES_S", (0.01, 0.01, 0.01))
    async with DiscordServer() as server, House(server) as house:
        house.raises = [StoreError(), StoreError()]
        for number in range(5):
            await server.say("ana", str(number))
        await house.heard(5)
        assert [event.text for event in house.events] == list("01234")


async def test_what_the_house_will_not_take_is_said_there_once():
    async with DiscordServer() as server, House(server) as house:
        house.raises = [LimitReached(), LimitReached()]
        await server.say("ana", "one")
        await server.say("ana", "two")
        place = server.direct("ana")
        await server.until(lambda: server.texts(place))
        await house.quiet()
        assert server.texts(place) == [LimitReached().message]


async def test_a_cut_connection_is_resumed_and_nothing_is_missed():
    async with DiscordServer() as server, House(server) as house:
        await server.say("ana", "before")
        await house.heard()
        await server.gateway.cut()
        await server.say("ana", "while it was away")
        event = await house.heard(2)
        assert event.text == "while it was away"
        assert server.mistakes == []


async def test_what_could_not_be_stored_is_read_up_by_the_next_session(monkeypatch):
    monkeypatch.setattr(intake, "PAUSES_S", ())
    async with DiscordServer() as server, House(server) as house:
        await server.say("ana", "before")
        await house.heard()
        house.raises = [StoreError()]
        await server.say("ana", "not stored")
        await server.until(lambda: not house.raises)
        await server.gateway.forget_sessions()
        await server.gateway.cut()
        assert (await house.heard(2)).text == "not stored"


@pytest.mark.parametrize("remembers", ["the channel", "the house"])
async def test_what_a_new_session_is_not_told_is_read_up(remembers):
    async with DiscordServer() as server:
        async with House(server) as house:
            await server.say("ana", "before")
            await house.heard()
            if remembers == "the channel":
                await server.gateway.forget_sessions()
                await server.gateway.cut()
                await server.say("ana", "missed")
                assert (await house.heard(2)).text == "missed"
                return
            seen = house.events[0]
        await server.say("ana", "missed")
        await server.say("ben", "{bot} missed as well", server.channel())
        await server.say("ben", "of no concern", server.channel())
        again = House(server)
        again.desk.places = [(seen.place.id, seen.ext_id)]
        async with again:
            await again.heard(2)
            assert sorted(event.text for event in again.events) == ["missed", "missed as well"]
            direct = next(event for event in again.events if event.text == "missed")
            assert direct.place.direct and direct.conv == seen.conv
        assert server.mistakes == []


async def test_what_was_on_its_way_in_another_channel_when_the_house_died_is_read_up():
    async with DiscordServer() as server:
        await server.say("ben", "{bot} heard by nobody", server.channel())
        last = await server.say("ana", "noted")  # in another place, and later
        house = House(server)
        house.desk.places = [(server.direct("ana"), f"{server.direct('ana')}:{last.id}")]
        async with house:
            assert (await house.heard()).text == "heard by nobody"
        assert server.mistakes == []


async def test_a_history_that_discord_does_not_give_is_asked_for_again(monkeypatch):
    monkeypatch.setattr(intake, "AGAIN_S", (0.05, 0.05))
    async with DiscordServer() as server:
        seen = await server.say("ana", "before")
        await server.say("ana", "missed")
        house = House(server)
        house.desk.places = [(server.direct("ana"), f"{server.direct('ana')}:{seen.id}")]
        server.fail(
            "GET /channels/{channel_id}/messages", times=2, status=501
        )  # which the library does not repeat by itself
        async with house:
            assert (await house.heard()).text == "missed"


@pytest.mark.parametrize(
    ("code", "words"), [(4004, "DISCORD_BOT_TOKEN"), (4014, "Message Content"), (4013, "intent")]
)
async def test_a_fatal_close_names_what_mends_it(code, words):
    async with DiscordServer() as server:
        server.gateway.refuse_with = code
        async with House(server, listens=False) as house:
            with pytest.raises(ConnectionBroken, match=words):
                async with asyncio.timeout(10):
                    await house.channel.run(house.sink)


async def test_a_refused_token_names_what_mends_it():
    async with DiscordServer() as server:
        async with House(server, {"token": "another"}, listens=False) as house:
            with pytest.raises(ConnectionBroken, match="DISCORD_BOT_TOKEN"):
                await house.channel.run(house.sink)


async def test_a_token_that_is_revoked_ends_the_listening():
    async with DiscordServer() as server, House(server) as house:
        server.token = "another"
        with pytest.raises(ConnectionBroken):
            await house.channel.send(outbound(server.direct("ana")))
        done, _ = await asyncio.wait({house.task}, timeout=5)
        assert done and isinstance(house.task.exception(), ConnectionBroken)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "DISCORD_BOT_TOKEN"),
        ({"token": "t", "public_key": "abc"}, "64 hex digits"),
        ({"token": "t", "guild_id": "my server"}, "Copy Server ID"),
        ({"token": "t", "gateway": False}, "listens nowhere"),
        ({"token": "t", "tokn": "x"}, "tokn"),
    ],
)
def test_settings_that_do_not_fit_are_named(options, words):
    with pytest.raises(OperatorError, match=words):
        make(lent(**options))


def test_secrets_are_not_printed():
    given: Lent = lent(token="very-secret-token")
    channel = make(given)
    assert "very-secret-token" not in repr([channel._settings, vars(channel._calls)])


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"id": "x" * 50},
        {"id": 5, "channel_id": None},
        {"id": "1", "channel_id": "2", "author": {"id": "../../x"}, "timestamp": "now"},
        {"id": "1", "channel_id": "2", "author": {"id": "3"}, "timestamp": "2026-01-01T00:00:00"},
        {"content": "x" * 30_000},
    ],
)
async def test_strange_shapes_harm_nobody(body):
    async with DiscordServer() as server, House(server) as house:
        for name in ("MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_REACTION_ADD"):
            await house.channel._intake.take(name, body, "s:1")
        frames = json.dumps({"t": "INTERACTION_CREATE", "d": body, "s": 1})
        await house.channel._gateway.on_socket_raw_receive(frames)
        await server.say("ana", "still there")
        assert (await house.heard()).text in ("still there", "")
