"""Presses, forms and slash commands on Discord: answered in time, to whoever pressed alone."""

import asyncio
import time
from dataclasses import replace
from datetime import UTC, datetime

import aiohttp
import pytest
from aiohttp import web

from bot.commands import NAMES, SEEN_ALONE
from bot.core.effect import EffectKind
from bot.core.errors import Forbidden, StoreError, VendorRefused
from bot.core.event import Kind
from channels.discord import presses
from channels.discord.hooks import PATH, Hooks
from tests.channels.discord_house import House, card, outbound
from tests.fakes.discord_server import DiscordServer
from tests.published import VECTORS, needs, vectors


async def shown_card(server, house, place=""):
    place = place or server.direct("ana")
    await house.channel.send(card(place))
    return server.shown(place)[-1]


async def test_a_press_decides_and_is_answered_to_one_person():
    async with DiscordServer() as server, House(server, reply="Approved. It is done.") as house:
        message = await shown_card(server, house, server.channel())
        pressed = await server.press("ana", message, "Approve")
        event = await house.heard()
        assert (event.kind, event.sender.ext_id) == (Kind.PRESSED, server.world.person("ana").id)
        assert event.payload == {"approval": "apr_1", "version": 1, "choice": "approve"}
        assert event.reply_to == f"{server.channel()}:{message.id}"
        assert pressed.private == ["Approved. It is done."] and not pressed.failed
        assert server.texts(server.channel(), "ben") != ["Approved. It is done."]
        assert server.mistakes == []


async def test_whoever_may_not_decide_is_told_so_alone():
    async with DiscordServer() as server, House(server) as house:
        house.raises = [Forbidden("Others may decide this one.")]
        message = await shown_card(server, house, server.channel())
        pressed = await server.press("eve", message, "Approve")
        assert pressed.private == ["Others may decide this one."]
        assert house.events == [] and server.mistakes == []


async def test_a_button_that_we_never_made_decides_nothing():
    async with DiscordServer() as server, House(server) as house:
        message = await shown_card(server, house)
        for value in ("nonsense", "apr_1:x:approve", "a" * 100, "apr_1:1:approve:more"):
            pressed = await server.press_raw("eve", message, value)
            assert pressed.private and not pressed.failed
        assert house.events == []


async def test_edit_opens_a_form_that_comes_back_with_its_words():
    async with DiscordServer() as server, House(server, reply="Sent as edited.") as house:
        message = await shown_card(server, house)
        asked = await server.press("ana", message, "Edit")
        assert asked.inputs == {"eff_1.text": "Hello"} and house.events == []
        sent = await server.submit(asked, **{"eff_1.text": "Hello you"})
        event = await house.heard()
        assert event.kind == Kind.FORM
        assert event.payload == {
            "approval": "apr_1",
            "version": 1,
            "choice": "edit",
            "inputs": {"eff_1.text": "Hello you"},
        }
        assert sent.private == ["Sent as edited."] and server.mistakes == []


async def test_what_is_too_long_for_a_form_is_said():
    async with DiscordServer() as server, House(server) as house:
        house.desk.value = "x" * 4001
        asked = await server.press("ana", await shown_card(server, house), "Edit")
        assert asked.modal is None and "too long" in asked.private[0]
        assert server.mistakes == []


async def test_show_all_shows_all_to_one_person():
    async with DiscordServer() as server, House(server) as house:
        message = await shown_card(server, house, server.channel())
        pressed = await server.press_raw("ana", message, "apr_1:1:all")
        await server.until(lambda: sum(map(len, pressed.private)) > 5000)
        assert "".join(pressed.private).count("All of it.") == 500
        assert server.mistakes == []


@pytest.mark.parametrize("slow_s", [0.3, 1.0])
async def test_a_slow_decision_is_promised_and_said_later(slow_s, monkeypatch):
    monkeypatch.setattr(presses, "FIRST_S", 0.5)
    async with DiscordServer() as server, House(server, reply="Approved.", slow_s=slow_s) as house:
        pressed = await server.press("ana", await shown_card(server, house), "Approve")
        assert pressed.took_s < 1.0 and not pressed.failed
        await server.until(lambda: pressed.private == ["Approved."])
        assert server.mistakes == []


async def test_a_press_that_could_not_be_kept_asks_for_another():
    async with DiscordServer() as server, House(server) as house:
        house.raises = [StoreError()]
        pressed = await server.press("ana", await shown_card(server, house), "Approve")
        assert pressed.private == [presses.NOT_KEPT]


async def test_a_press_does_not_wait_for_what_people_write():
    async with DiscordServer() as server, House(server, reply="Done.") as house:
        message = await shown_card(server, house)
        lock = house.channel._gateway.lock(server.direct("ana"))
        async with lock:
            pressed = await server.press("ana", message, "Approve")
        assert pressed.private == ["Done."]


# --- slash commands -----------------------------------------------------------------------------


async def registered(server):
    await server.until(lambda: server.rest.commands)


async def test_commands_are_listed_once_and_only_when_they_changed():
    async with DiscordServer() as server:
        for _ in range(2):
            async with House(server, {"commands": True}):
                await registered(server)
                await asyncio.sleep(0.1)
        puts = [each for each in server.rest.calls if str(each).find("PUT") >= 0]
        assert len(puts) <= 1
        names = {each["name"] for some in server.rest.commands.values() for each in some}
        ours = {name.removeprefix("/") for name in NAMES} - {"savechat"}  # that is Telegram's
        assert names == ours | {"ask"}
        assert server.mistakes == []


async def test_a_command_that_the_house_answers_at_once_is_answered_in_its_place():
    async with DiscordServer() as server, House(server, {"commands": True}) as house:
        await registered(server)

        async def sink(event):
            """As the house does: a command's answer is sent while it is taken in."""
            found = await house.sink(event)
            notice = outbound(event.place.id, "Nothing runs.", "ntc_1", kind=EffectKind.NOTICE)
            fields = {name: getattr(notice, name) for name in notice.__slots__}
            await house.channel.send(type(notice)(**{**fields, "reply_to": event.ext_id}))
            return found

        house.channel._presses._sink = sink
        called = await server.command("ana", "approve", server.channel(), code="4821")
        event = await house.heard()
        assert (event.kind, event.text) == (Kind.MESSAGE, "/approve 4821")
        assert called.private == ["Nothing runs."]
        assert server.mistakes == []


async def test_what_waits_is_told_to_whoever_asked_alone_or_not_at_all():
    async with DiscordServer() as server, House(server, {"commands": True}) as house:
        await registered(server)
        place, ana = server.channel(), server.world.person("ana").id
        called = await server.command("ana", "approvals", place)
        event = await house.heard()
        alone = f"only:{ana}"
        assert (event.text, event.place.thread, event.payload) == (
            "/approvals",
            alone,
            {SEEN_ALONE: True},
        )
        answer = outbound(place, "4821 Post it", thread=alone, reply_to=event.ext_id)
        await house.channel.send(answer)
        assert called.private == ["4821 Post it"]
        with pytest.raises(VendorRefused, match="Give it again"):
            await house.channel.send(replace(answer, reply_to="interaction:0", effect="eff_2"))
        assert "4821 Post it" not in server.texts(place, "ben")
        await server.command("ana", "status", place)
        await server.command("ana", "approvals", server.direct("ana"))
        await server.until(lambda: len(house.events) == 3)
        assert [each.place.thread for each in house.events[1:]] == ["", ""]
        assert server.mistakes == []


@pytest.mark.parametrize("words", ["/memory", "/Approvals", " /approvals now"])
async def test_a_command_in_the_words_for_an_agent_is_answered_to_whoever_gave_it(words: str):
    async with DiscordServer() as server, House(server, {"commands": True}) as house:
        await registered(server)
        place, ana = server.channel(), server.world.person("ana").id
        called = await server.command("ana", "ask", place, question=words)
        event = await house.heard()
        assert event.payload == {SEEN_ALONE: True}
        answer = outbound(place, "Ana is ill", thread=f"only:{ana}", reply_to=event.ext_id)
        await house.channel.send(answer)
        assert called.private == ["Ana is ill"] and "Ana is ill" not in server.texts(place, "ben")
        assert server.mistakes == []


async def test_an_answer_of_an_agent_takes_the_place_that_waits_for_it():
    async with DiscordServer() as server, House(server, {"commands": True}) as house:
        await registered(server)
        place = server.channel()
        called = await server.command("ana", "ask", place, question="What is new?")
        event = await house.heard()
        assert event.text == "What is new?" and event.addressed
        answer = outbound(place, "Much.", reply_to=event.ext_id)
        assert await house.channel.draft(answer) is None
        receipt = await house.channel.send(answer)
        assert [each.text for each in called.shown] == ["Much."] and not called.private
        assert receipt.vendor_ref == f"{place}:{called.original.id}"
        assert server.mistakes == []


async def test_an_answer_after_its_place_is_gone_is_an_ordinary_message():
    async with DiscordServer() as server, House(server, {"commands": True}) as house:
        await registered(server)
        place = server.direct("ana")
        called = await server.command("ana", "ask", question="What is new?")
        event = await house.heard()
        server.age(called, 901)
        await house.channel.send(outbound(place, "Much.", reply_to=event.ext_id))
        assert "Much." in server.texts(place)


# --- by HTTP --------------------------------------------------------------------------------


class Web:
    """The house's server, with the channel's one route."""

    def __init__(self, channel):
        app = web.Application()
        for method, path, handler in channel.routes():
            app.router.add_route(method, path, handler)
        self._runner = web.AppRunner(app)

    async def __aenter__(self):
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}{PATH}"
        return self

    async def __aexit__(self, *error):
        await self._runner.cleanup()


async def test_presses_and_forms_come_by_http_as_well():
    async with DiscordServer() as server:
        options = {"public_key": server.public_key, "gateway": False}
        async with House(server, options, reply="Sent.") as house, Web(house.channel) as site:
            server.interactions.url = site.url
            assert await server.interactions.probe() == []
            for late in (-301, 301):
                at = str(int(time.time()) + late)
                assert (await server.interactions.post_raw(b'{"type":1}', timestamp=at))[0] == 401
            message = await shown_card(server, house)
            asked = await server.press("ana", message, "Edit")
            sent = await server.submit(asked, **{"eff_1.text": "new"})
            assert (await house.heard()).payload["inputs"] == {"eff_1.text": "new"}
            assert sent.private == ["Sent."]
            whole = await server.press_raw("ana", message, "apr_1:1:all")
            await server.until(lambda: sum(map(len, whole.private)) > 5000)
            assert server.mistakes == []


async def test_what_is_not_signed_is_refused_and_what_is_huge_too():
    async with DiscordServer() as server:
        options = {"public_key": server.public_key, "gateway": False}
        async with House(server, options) as house, Web(house.channel) as site:
            async with aiohttp.ClientSession() as session:
                for body, status in ((b'{"type":1}', 401), (b"x" * 300_000, 413), (b"", 401)):
                    async with session.post(site.url, data=body) as answer:
                        assert answer.status == status
            assert house.events == []


@pytest.mark.parametrize("vector", vectors("discord"), ids=lambda each: each["case"])
async def test_signatures_are_judged_as_published(vector):
    class Clock:
        def now(self):
            return datetime.fromtimestamp(vector.get("now") or time.time(), UTC)

    hooks = Hooks(vector["public_key"], Clock(), None)
    headers = {name.lower(): value for name, value in vector["headers"].items()}
    signature = headers.get("x-signature-ed25519", "")
    timestamp = headers.get("x-signature-timestamp", "")
    body = vector["body"].encode()
    assert hooks.is_signed(signature, timestamp, body) is vector["valid"]


@needs(VECTORS)
def test_the_vectors_are_here():
    assert len(vectors("discord")) >= 8
