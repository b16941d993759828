"""Telegram's channel against a Telegram that only plays, by long polling."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("telegram")

from bot.core.channel import Channel, Dialect, Outbound
from bot.core.errors import (
    ConnectionBroken,
    LimitReached,
    OperatorError,
    StoreError,
    VendorRefused,
    VendorUnknown,
)
from bot.core.event import Event, Kind
from bot.core.ids import TenantId
from bot.core.ports import Accepted
from bot.infra.clock import SystemClock
from bot.platforms.lent import Lent
from bot.render.markdown import pieces
from bot.testing import ChannelContract
from channels.telegram import api
from channels.telegram.channel import Telegram, make
from tests.channels.telegram_side import ANA, BO, Sink, Stage, lent_for, listening, outbound
from tests.fakes.telegram_server import TOKEN, TelegramServer
from tests.fakes.telegram_spec import parse
from tests.fakes.telegram_world import BOT, Person


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        yield server


@pytest.fixture
async def stage(server: TelegramServer) -> AsyncIterator[Stage]:
    async with listening(server) as found:
        yield found


# --- hearing ----------------------------------------------------------------------------------


async def test_what_people_say_alone_in_groups_and_in_topics(stage: Stage) -> None:
    world = stage.server.world
    team, forum = world.group(5), world.group(7, forum=True)
    topic = world.topic(forum, "Ops")
    world.privacy = False
    first = world.say(ANA, "Hello 👩‍💻")
    world.say(BO, "@switchboard_bot how are you?", team)
    world.say(BO, "👍👍 hey @Switchboard_Bot, look", forum, thread=topic)
    alone, called, inside = await stage.heard(3)
    assert (alone.text, alone.place.id, alone.place.direct) == ("Hello 👩‍💻", "11", True)
    assert alone.ext_id == f"11:{first}" and alone.sender.ext_id == "11"
    assert alone.sender.name == "Ana" and alone.account == "700001"
    assert called.text == "how are you?" and called.addressed and not called.place.direct
    assert (inside.place.id, inside.place.thread) == (str(forum.id), str(topic))
    assert inside.addressed and inside.text == "👍👍 hey , look"
    assert not stage.server.mistakes


async def test_a_group_is_heard_by_answers_and_commands_and_left_alone_else(stage: Stage) -> None:
    world = stage.server.world
    world.privacy = False
    team = world.group(5)
    sent = await stage.channel.send(outbound("Yes?", team.id))
    mine = int(sent.vendor_ref.partition(":")[2])
    world.say(ANA, "among ourselves", team)
    world.say(ANA, "thanks", team, reply_to=mine)
    world.say(ANA, "/approve@switchboard_bot 4821", team)
    world.say(ANA, "/new@other_bot", team)
    found = await stage.heard(4)
    assert [(each.text, each.addressed) for each in found] == [
        ("among ourselves", False),
        ("thanks", True),
        ("/approve 4821", True),
        ("/new@other_bot", False),
    ]
    assert found[1].reply_to == sent.vendor_ref


async def test_its_commands_are_told_once(stage: Stage) -> None:
    await stage.until(lambda: stage.server.methods.commands)
    names = [each["command"] for each in stage.server.methods.commands["default"]]
    assert {"help", "agents", "approve", "stop"} <= set(names)
    await stage.channel._name_commands()
    assert len(stage.server.asked("setMyCommands")) == 1


async def test_start_is_help_and_bots_are_not_heard(stage: Stage) -> None:
    world = stage.server.world
    world.say(ANA, "/start join")
    update = {"message_id": 5, "date": 1, "chat": {"id": 13, "type": "private"}, "text": "hi"}
    update["from"] = {"id": 13, "is_bot": True, "first_name": "Robot"}
    world._tell("message", update)
    world.say(ANA, "second")
    await stage.heard(2)
    assert stage.sink.texts == ["/help", "second"]


async def test_an_edited_message_comes_in_its_new_form(stage: Stage) -> None:
    world = stage.server.world
    first = world.say(ANA, "Tuesday")
    world.edit(ANA, first, "Wednesday")
    said, edited = await stage.heard(2)
    assert (edited.kind, edited.text) == (Kind.EDITED, "Wednesday")
    assert edited.reply_to == said.ext_id and edited.ext_id != said.ext_id


@pytest.mark.parametrize("kind", ["document", "photo", "voice", "audio", "video"])
async def test_files_come_by_name_and_are_fetched(stage: Stage, kind: str) -> None:
    stage.server.world.send_file(
        ANA, b"x" * 200_000, name="a.bin", kind=kind, media_type="audio/ogg", caption="Look"
    )
    (event,) = await stage.heard(1)
    (file,) = event.attachments
    assert event.text == "Look" and file.size == 200_000 and file.source and not file.sha256
    assert b"".join([part async for part in stage.channel.fetch(file)]) == b"x" * 200_000
    assert not stage.server.mistakes


async def test_a_file_that_is_too_big_is_refused(stage: Stage) -> None:
    stage.server.world.send_file(ANA, b"x" * (20 * 2**20 + 1))
    (event,) = await stage.heard(1)
    with pytest.raises(VendorRefused):
        async for _ in stage.channel.fetch(event.attachments[0]):
            raise AssertionError


async def test_a_thumb_is_an_opinion(stage: Stage) -> None:
    world = stage.server.world
    world.private(ANA)
    sent = await stage.channel.send(outbound())
    number = int(sent.vendor_ref.partition(":")[2])
    for emoji in ("👍", "👎", "🎉", "🔥"):
        world.react(ANA, number, emoji)
    found = await stage.heard(3)
    assert [each.payload["value"] for each in found] == ["up", "down", ""]
    assert {each.reply_to for each in found} == {sent.vendor_ref}
    assert len({each.ext_id for each in found}) == 3


# --- stored before it is confirmed ----------------------------------------------------------------


async def test_nothing_is_confirmed_before_it_is_stored(stage: Stage) -> None:
    stage.sink.fails = [StoreError("full"), StoreError("full")]
    stage.server.world.say(ANA, "one")
    stage.server.world.say(BO, "two")
    await stage.heard(2)
    await stage.until(lambda: not stage.server.world.updates)
    assert sorted(stage.sink.texts) == ["one", "two"]
    assert stage.sink.calls >= 4


async def test_after_a_crash_in_between_it_comes_again_and_is_one_event(
    server: TelegramServer,
) -> None:
    sink = Sink()
    server.world.say(ANA, "once")
    for _ in range(2):
        channel = make(lent_for(server))
        task = asyncio.create_task(channel.run(sink))
        calls = sink.calls
        async with asyncio.timeout(5):
            while sink.calls == calls:  # cancelled before the next poll confirms it
                await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    assert sink.calls == 2 and sink.texts == ["once"]


async def test_an_update_that_breaks_the_program_does_not_block_for_ever(
    server: TelegramServer,
) -> None:
    class Broken(Sink):
        async def __call__(self, event: Event) -> Accepted:
            if event.text == "bad":
                raise RuntimeError("a bug")
            return await super().__call__(event)

    sink, channel = Broken(), make(lent_for(server))
    server.world.say(ANA, "bad")
    server.world.say(ANA, "good")
    for _ in range(3):
        with pytest.raises(RuntimeError):
            await channel.run(sink)
    task = asyncio.create_task(channel.run(sink))
    async with asyncio.timeout(5):
        while not sink.events:
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert sink.texts == ["good"]


async def test_what_nobody_can_read_is_passed_over(
    stage: Stage, caplog: pytest.LogCaptureFixture
) -> None:
    for odd in ({"message": 5}, {"message": {"message_id": "x"}}, {"callback_query": {"id": 4}}):
        number = next(stage.server.world._update_ids)
        stage.server.world.updates.append({"update_id": number, **odd})
    stage.server.world.say(ANA, "after it")
    await stage.heard(1)
    assert stage.sink.texts == ["after it"]
    assert "nobody can read" in caplog.text


async def test_a_refusal_is_said_once_and_not_to_bystanders(stage: Stage) -> None:
    stage.sink.fails = [LimitReached(), LimitReached()]
    stage.server.world.say(ANA, "one")
    stage.server.world.say(ANA, "two")
    chat = stage.server.world.private(ANA)
    await stage.until(lambda: stage.server.world.said(chat) and not stage.sink.fails)
    await asyncio.sleep(0.1)
    assert len(stage.server.world.said(chat)) == 1
    assert "too many" in stage.server.world.said(chat)[0].lower()


# --- speaking -------------------------------------------------------------------------------------


async def test_a_text_is_rendered_and_changed_in_place(stage: Stage) -> None:
    chat = stage.server.world.private(ANA)
    sent = await stage.channel.send(outbound("**Hello** <b> & @all https://x.example"))
    (shown,) = stage.server.world.shown(chat)
    assert "Hello <b> & @" in shown.text and ("bold", "Hello") in shown.entities
    again = await stage.channel.send(outbound("Changed", replace=sent.vendor_ref))
    same = await stage.channel.send(outbound("Changed", replace=sent.vendor_ref))
    (shown,) = stage.server.world.shown(chat)
    assert (shown.text, shown.edited) == ("Changed", True)
    assert again.vendor_ref == same.vendor_ref == sent.vendor_ref
    (asked, *_) = stage.server.asked("sendMessage")
    assert asked["link_preview_options"] == {"is_disabled": True}
    assert not [each for each in stage.server.mistakes if "not modified" not in each]


async def test_a_draft_that_is_gone_becomes_a_new_message(stage: Stage) -> None:
    chat = stage.server.world.private(ANA)
    sent = await stage.channel.send(outbound("Draft"))
    stage.server.world.delete(int(sent.vendor_ref.partition(":")[2]), chat)
    again = await stage.channel.send(outbound("Answer", replace=sent.vendor_ref))
    assert again.vendor_ref != sent.vendor_ref
    assert stage.server.world.said(chat) == ["Answer"]


async def test_a_long_text_comes_in_parts_in_its_place(stage: Stage) -> None:
    world = stage.server.world
    forum = world.group(7, forum=True)
    topic = world.topic(forum, "Ops")
    asked = world.say(ANA, "@switchboard_bot tell", forum, thread=topic)
    text = "\n\n".join(f"Part {n}. " + "word " * 300 for n in range(4))
    sent = await stage.channel.send(
        outbound(text, forum.id, thread=str(topic), reply_to=f"{forum.id}:{asked}")
    )
    first, second = [each for each in world.shown(forum, topic) if each.sender == "Switchboard"]
    assert sent.vendor_ref == f"{forum.id}:{first.id}" and first.reply_to == asked
    assert second.reply_to == 0 and len(first.text) <= 4096
    assert sent.url == f"https://t.me/c/{str(forum.id)[4:]}/{first.id}"


@given(st.text(max_size=600), st.integers(100, 4096))
def test_no_text_is_refused_for_its_marks(text: str, most: int) -> None:
    for piece in pieces(text, Dialect.TELEGRAM, most):
        shown, _ = parse(piece)
        assert len(shown.encode("utf-16-le", "surrogatepass")) // 2 <= most


async def test_what_telegram_refuses_is_definite_and_what_it_swallows_is_not(stage: Stage) -> None:
    world = stage.server.world
    world.private(ANA)
    with pytest.raises(VendorRefused, match="Chat not found"):
        await stage.channel.send(outbound(place=404))
    world.private(BO)
    world.block(BO)
    with pytest.raises(VendorRefused, match="blocked"):
        await stage.channel.send(outbound(place=BO.id))
    for kind, code in (("error", 500), ("cut", 0), ("lost", 0)):
        stage.server.fail("sendMessage", kind, code=code)
        with pytest.raises(VendorUnknown):
            await stage.channel.send(outbound(kind))
    assert world.said(world.private(ANA)) == ["lost"]
    with pytest.raises(VendorRefused):
        await stage.channel.send(outbound(" "))
    with pytest.raises(VendorRefused):
        await stage.channel.send(replace(outbound(), place="ana"))


async def test_a_part_that_is_missing_is_not_called_a_refusal(stage: Stage) -> None:
    chat = stage.server.world.private(ANA)
    send = stage.channel._voice._api.bot.send_message
    count = 0

    async def once(*args: Any, **more: Any) -> Any:
        nonlocal count
        count += 1
        if count == 2:
            stage.server.world.block(ANA)
        return await send(*args, **more)

    stage.channel._voice._api = _Instead(stage.channel._voice._api, once)  # type: ignore[assignment]
    with pytest.raises(VendorUnknown, match="1 of 2"):
        await stage.channel.send(outbound("word " * 1500))
    assert len(stage.server.world.said(chat)) == 1


class _Instead:
    """The same bot, with another way to send."""

    def __init__(self, real: Any, send: Any) -> None:
        self._real, self._send = real, send
        self.bot = self

    async def open(self) -> None:
        await self._real.open()

    async def send_message(self, *args: Any, **more: Any) -> Any:
        return await self._send(*args, **more)


async def test_a_pause_that_is_asked_for_is_kept(stage: Stage) -> None:
    stage.server.world.private(ANA)
    stage.server.fail("sendMessage", code=429, retry_after=1)
    loop = asyncio.get_running_loop()
    at = loop.time()
    await stage.channel.send(outbound("late"))
    assert loop.time() - at >= 1
    assert stage.server.world.said(stage.server.world.private(ANA)) == ["late"]
    stage.server.fail("sendMessage", code=429, retry_after=100)
    with pytest.raises(VendorRefused) as error:
        await stage.channel.send(outbound("much later"))
    assert error.value.retry_after_s == 100


async def test_a_group_that_moved_is_followed(stage: Stage) -> None:
    world = stage.server.world
    team = world.group(5)
    new = world.upgrade(team)
    sent = await stage.channel.send(outbound("still here", team.id))
    assert world.said(new) == ["still here"] and sent.vendor_ref.startswith(f"{new.id}:")


async def test_no_flood_gets_it_banned() -> None:
    async with TelegramServer(rates="ban") as server:
        channel = make(lent_for(server))
        chats = [server.world.private(Person(n, f"P{n}")) for n in range(21, 31)]
        async with asyncio.timeout(30):
            await asyncio.gather(
                *(channel.send(outbound(str(n), chat.id)) for chat in chats for n in range(5))
            )
        assert not server.banned and not server.mistakes
        assert all(sorted(server.world.said(chat)) == list("01234") for chat in chats)
        await channel._api.close()


# --- drafts ---------------------------------------------------------------------------------------


async def test_a_draft_alone_leaves_nothing_behind(stage: Stage) -> None:
    chat = stage.server.world.private(ANA)
    assert await stage.channel.draft(outbound("")) is None
    assert stage.server.methods.actions == [(ANA.id, "typing")]
    await asyncio.sleep(2.6)
    assert await stage.channel.draft(outbound("It **gr")) is None
    assert stage.server.methods.drafts[chat.id] == ["It **gr"]
    assert stage.server.world.said(chat) == []
    assert await stage.channel.draft(outbound("no room")) is None
    assert stage.server.methods.drafts[chat.id] == ["It **gr"]
    await stage.channel.send(outbound("It grew"))
    assert stage.server.world.said(chat) == ["It grew"]
    assert not stage.server.mistakes


async def test_a_draft_in_a_group_is_a_message_that_becomes_the_answer(stage: Stage) -> None:
    team = stage.server.world.group(5)
    receipt = await stage.channel.draft(outbound("It gr", team.id))
    assert receipt is not None
    sent = await stage.channel.send(outbound("It grew", team.id, replace=receipt.vendor_ref))
    assert stage.server.world.said(team) == ["It grew"]
    assert sent.vendor_ref == receipt.vendor_ref


async def test_an_answer_that_its_draft_in_a_group_says_already_is_not_written_again(
    stage: Stage,
) -> None:
    team = stage.server.world.group(5)
    receipt = await stage.channel.draft(outbound("It grew", team.id))
    assert receipt is not None
    asked = len(stage.server.requests)
    sent = await stage.channel.send(outbound("It grew", team.id, replace=receipt.vendor_ref))
    assert (sent.vendor_ref, len(stage.server.requests)) == (receipt.vendor_ref, asked)
    await stage.channel.send(outbound("It changed", team.id, replace=receipt.vendor_ref))
    assert stage.server.world.said(team) == ["It changed"]


# --- what breaks -------------------------------------------------------------------------------------


def test_what_is_no_token_is_told_in_our_own_words(server: TelegramServer) -> None:
    with pytest.raises(OperatorError, match=r"not fit: token: a token looks like 123456:ABC…"):
        make(lent_for(server, token="hello"))


async def test_a_token_that_is_revoked_is_told_with_its_mend(stage: Stage) -> None:
    stage.server.revoke()
    with pytest.raises(ConnectionBroken, match="BotFather") as error:
        await stage.task
    assert TOKEN not in str(error.value)
    with pytest.raises(ConnectionBroken):
        await stage.channel.send(outbound())
    await stage.channel._api.close()


async def test_another_program_with_the_same_bot_is_told(stage: Stage) -> None:
    stage.server.fail("getUpdates", code=409)
    stage.server.world.say(ANA, "wakes the poll")
    with pytest.raises(OperatorError, match="Another program"):
        await stage.task


async def test_it_goes_on_when_telegram_is_away(stage: Stage) -> None:
    stage.server.fail("getUpdates", "error", code=502, times=2)
    stage.server.world.say(ANA, "one")
    await stage.heard(1)
    stage.server.world.say(ANA, "two")
    await stage.heard(2)
    assert stage.sink.texts == ["one", "two"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "BOTFATHERTOKEN"),
        ({"token": "nonsense"}, "token"),
        ({"token": TOKEN, "mode": "pigeon"}, "mode"),
        ({"token": TOKEN, "tokn": "x"}, "tokn"),
        ({"token": TOKEN, "webhook_secret": "with space"}, "webhook_secret"),
    ],
)
def test_settings_that_do_not_fit_are_named(options: dict[str, str], words: str) -> None:
    lent = Lent(tenant=TenantId("ten_1"), options=options, clock=SystemClock())
    with pytest.raises(OperatorError, match=words) as error:
        make(lent)
    assert "nonsense" not in str(error.value)


def test_the_names_of_its_limits_are_right() -> None:
    assert Telegram.features.max_chars == 4096 and api.POLL_S < 50
    assert BOT["id"] == int(TOKEN.partition(":")[0])


class TestContract(ChannelContract):
    """What every channel passes, with Ana's chat as its place."""

    @pytest.fixture(autouse=True)
    async def _server(self) -> AsyncIterator[None]:
        async with TelegramServer() as self.server:
            self.server.world.private(ANA)
            self.made: list[Telegram] = []
            yield
            for channel in self.made:
                await channel._api.close()

    def make(self, folder: Any) -> Channel:
        channel = make(lent_for(self.server))
        self.made.append(channel)
        send = channel.send

        async def to_ana(message: Outbound) -> Any:
            return await send(replace(message, place=str(ANA.id)))

        channel.send = to_ana  # type: ignore[method-assign]
        return channel

    def shown(self) -> Sequence[str]:
        return self.server.world.said(self.server.world.private(ANA))
