"""Buttons, questions and webhooks of Telegram's channel: who is answered, with what, and how often."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

pytest.importorskip("telegram")

from aiohttp import ClientSession, web

from bot.core.card import Field
from bot.core.errors import Conflict, OperatorError, StoreError
from bot.core.event import Kind
from bot.platforms.lent import Input
from channels.telegram.channel import SECRET_HEADER, make
from channels.telegram.forms import Slips
from tests.channels.telegram_side import (
    ANA,
    APPROVAL,
    BO,
    Desk,
    Sink,
    Stage,
    card,
    lent_for,
    listening,
    outbound,
)
from tests.fakes.telegram_server import TOKEN, TelegramServer
from tests.fakes.telegram_world import Chat
from tests.published import VECTORS, needs, vectors


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        yield server


@pytest.fixture
async def stage(server: TelegramServer) -> AsyncIterator[Stage]:
    async with listening(server) as found:
        yield found


async def shown_card(stage: Stage, chat: Chat) -> int:
    sent = await stage.channel.send(card(chat.id))
    return int(sent.vendor_ref.partition(":")[2])


async def told(stage: Stage, query: str) -> dict[str, Any]:
    await stage.until(lambda: query in stage.server.world.answers)
    return stage.server.world.answers[query]


# --- presses ------------------------------------------------------------------------------------


async def test_a_press_is_decided_and_answered_to_whoever_pressed(stage: Stage) -> None:
    world = stage.server.world
    team = world.group(5)
    number = await shown_card(stage, team)
    (shown,) = world.shown(team)
    assert "Approve" in dict(shown.buttons) and "Open on Sunday" in shown.text
    query = world.press_label(ANA, number, "Approve", team)
    assert await told(stage, query) == {"text": "Approved by Ana", "alert": True}
    (event,) = stage.sink.events
    assert event.kind == Kind.PRESSED and event.sender.ext_id == str(ANA.id)
    assert event.payload == {"approval": APPROVAL, "version": 3, "choice": "approve"}
    assert event.place.id == str(team.id) and event.reply_to == f"{team.id}:{number}"
    assert len(world.shown(team)) == 1, "nobody else is told"
    assert not stage.server.mistakes


async def test_two_presses_are_two_and_one_that_comes_again_is_one(stage: Stage) -> None:
    world = stage.server.world
    number = await shown_card(stage, world.private(ANA))
    stage.sink.fails = [StoreError("full")]
    first = world.press_label(ANA, number, "Approve")
    second = world.press_label(ANA, number, "Approve")
    await told(stage, first)
    await told(stage, second)
    assert len(stage.sink.events) == 2 and stage.sink.calls == 3


async def test_a_press_that_is_refused_says_why_to_that_person_alone(stage: Stage) -> None:
    world = stage.server.world
    team = world.group(5)
    number = await shown_card(stage, team)
    stage.sink.fails = [Conflict("This was edited since it was asked. " + "Look again. " * 30)]
    query = world.press_label(BO, number, "Approve", team)
    answer = await told(stage, query)
    assert answer["text"].startswith("This was edited") and answer["alert"]
    assert len(answer["text"]) <= 200 and len(world.shown(team)) == 1


@pytest.mark.parametrize("data", ["nonsense", "apr:1", "apr:1:approve:more", "x" * 64])
async def test_a_foreign_button_means_nothing(stage: Stage, data: str) -> None:
    number = await shown_card(stage, stage.server.world.private(ANA))
    answer = await told(stage, stage.server.world.press(ANA, number, data))
    assert "nothing" in answer["text"] and not stage.sink.events


async def test_a_press_under_a_message_that_is_gone_still_counts(stage: Stage) -> None:
    query = stage.server.world.press(ANA, 4, f"{APPROVAL}:3:reject")
    await told(stage, query)
    assert stage.sink.events[0].payload["choice"] == "reject"


async def test_an_answer_that_comes_too_late_is_no_fault(stage: Stage) -> None:
    stage.server.methods.answer_within_s = 0.0
    stage.server.world.press(ANA, 4, f"{APPROVAL}:3:approve")
    await stage.until(lambda: stage.server.asked("answerCallbackQuery"))
    await stage.heard(1)
    assert not stage.task.done()


async def test_a_decided_card_loses_its_buttons(stage: Stage) -> None:
    chat = stage.server.world.private(ANA)
    number = await shown_card(stage, chat)
    decided = card(chat.id, replace=f"{chat.id}:{number}")
    assert decided.card is not None
    decided = replace(decided, card=replace(decided.card, decided="Approved by Ana"))
    await stage.channel.send(decided)
    (shown,) = stage.server.world.shown(chat)
    assert not shown.buttons and "Approved by Ana" in shown.text and shown.edited


@pytest.mark.parametrize(
    ("url", "kept"), [("https://bot.example/a", True), ("http://localhost:8080/a", False)]
)
async def test_an_address_that_telegram_refuses_does_not_cost_the_card(
    stage: Stage, url: str, kept: bool
) -> None:
    chat = stage.server.world.private(ANA)
    long = card(chat.id, url=url)
    assert long.card is not None
    fields = (Field(name="Text", value="word " * 2000, long=True),)
    await stage.channel.send(replace(long, card=replace(long.card, fields=fields)))
    (shown,) = stage.server.world.shown(chat)
    assert (url in dict(shown.buttons).values()) is kept
    assert not stage.server.mistakes


# --- the whole text, Edit and Ask -----------------------------------------------------------------


async def test_the_whole_is_shown_to_the_presser_alone(stage: Stage) -> None:
    world = stage.server.world
    team, alone = world.group(5), world.private(ANA)
    stage.desk.long = "<all> of it " * 900
    number = await shown_card(stage, team)
    query = world.press(ANA, number, f"{APPROVAL}:3:all", team)
    await told(stage, query)
    assert len(world.shown(team)) == 1
    assert "".join(world.said(alone)).count("<all> of it") == 900
    refused = await told(stage, world.press(BO, number, f"{APPROVAL}:3:all", team))
    assert "Others may decide" in refused["text"] and not world.said(world.private(BO))
    assert not stage.sink.events


async def test_who_never_wrote_to_the_bot_is_told_how(stage: Stage) -> None:
    world = stage.server.world
    team = world.group(5)
    world.private(ANA, started=False)
    number = await shown_card(stage, team)
    answer = await told(stage, world.press(ANA, number, f"{APPROVAL}:3:all", team))
    assert "press Start" in answer["text"]


async def test_edit_is_a_question_whose_reply_is_the_form(stage: Stage) -> None:
    world = stage.server.world
    chat = world.private(ANA)
    number = await shown_card(stage, chat)
    await told(stage, world.press_label(ANA, number, "Edit"))
    question = world.shown(chat)[-1]
    assert question.forced_reply and "Open on Sunday" in question.text
    assert question.reply_to == number and "t.me" not in question.text
    reply = world.say(ANA, "Open on Monday", reply_to=question.id)
    (event,) = await stage.heard(1)
    assert (event.kind, event.ext_id) == (Kind.FORM, f"{chat.id}:{reply}")
    assert event.payload == {
        "approval": APPROVAL,
        "version": 3,
        "choice": "edit",
        "inputs": {"eff_1/text": "Open on Monday"},
    }
    await stage.until(lambda: world.said(chat)[-1] == "Approved by Ana")
    assert not stage.server.mistakes


async def test_several_texts_are_several_questions_and_the_others_stay(stage: Stage) -> None:
    world = stage.server.world
    chat = world.private(ANA)
    stage.desk.inputs = (
        Input(key="e1/text", label="Text", value="one"),
        Input(key="e2/text", label="Second", value="two"),
    )
    number = await shown_card(stage, chat)
    await told(stage, world.press_label(ANA, number, "Edit"))
    second, first = world.shown(chat)[-2:]
    assert "Text" in first.text and "Second" in second.text
    world.say(ANA, "new two", reply_to=second.id)
    (event,) = await stage.heard(1)
    assert event.payload["inputs"] == {"e1/text": "one", "e2/text": "new two"}


async def test_ask_is_a_question_too(stage: Stage) -> None:
    world = stage.server.world
    chat = world.private(ANA)
    number = await shown_card(stage, chat)
    await told(stage, world.press_label(ANA, number, "Ask"))
    world.say(ANA, "Why Sunday?", reply_to=world.shown(chat)[-1].id)
    (event,) = await stage.heard(1)
    assert event.payload["choice"] == "ask"
    assert event.payload["inputs"] == {"question": "Why Sunday?"}


async def test_a_question_outlives_a_restart_and_is_for_one_person_in_one_chat(
    server: TelegramServer,
) -> None:
    world, sink = server.world, Sink()
    world.privacy = False
    team = world.group(5)
    channel = make(lent_for(server))
    task = asyncio.create_task(channel.run(sink))
    stage = Stage(server, channel, sink, Desk(), task)
    number = await shown_card(stage, team)
    await told(stage, world.press_label(ANA, number, "Edit", team))
    question = world.shown(team)[-1].id
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    again = make(lent_for(server))
    task = asyncio.create_task(again.run(sink))
    world.say(BO, "Closed", team, reply_to=question)
    world.say(ANA, "Open", team, reply_to=question)
    await Stage(server, again, sink, Desk(), task).heard(2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [each.kind for each in sink.events] == [Kind.MESSAGE, Kind.FORM]


async def test_no_text_of_a_model_stands_for_a_question(stage: Stage) -> None:
    world = stage.server.world
    chat = world.private(ANA)
    forged = Slips("another key").question(
        await stage.desk.form("", "11", APPROVAL, "edit"), 0, "switchboard_bot", f"{chat.id}:11"
    )
    link = forged.partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    sent = await stage.channel.send(outbound(f"[Edit]({link}): Text"))
    assert ("text_link", "Edit") in world.shown(chat)[-1].entities
    world.say(ANA, "yes", reply_to=int(sent.vendor_ref.partition(":")[2]))
    (event,) = await stage.heard(1)
    assert event.kind == Kind.MESSAGE


# --- webhooks ---------------------------------------------------------------------------------------


class Hooked:
    """A channel whose webhook stands on a real server."""

    def __init__(self, server: TelegramServer, **options: Any) -> None:
        self.server, self.sink = server, Sink()
        options = {"public_url": "https://bot.example", **options}
        self.channel = make(lent_for(server, **options))
        self.base = ""

    async def __aenter__(self) -> "Hooked":
        app = web.Application(client_max_size=8 << 20)
        for method, path, handler in self.channel.routes():
            app.router.add_route(method, path, handler)  # type: ignore[arg-type]
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.base = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        self.server.webhook_via = self.base
        self.task = asyncio.create_task(self.channel.run(self.sink))
        async with asyncio.timeout(5):
            while not self.server.webhook.get("url"):
                await asyncio.sleep(0.01)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self._runner.cleanup()

    async def post(self, body: bytes, **headers: str) -> int:
        async with (
            ClientSession() as session,
            session.post(self.base + self.channel.path, data=body, headers=headers) as answer,
        ):
            return answer.status


@pytest.fixture
async def hooked(server: TelegramServer) -> AsyncIterator[Hooked]:
    async with Hooked(server) as found:
        yield found


async def test_a_webhook_listens_where_there_is_an_address(hooked: Hooked) -> None:
    hooked.sink.fails = [StoreError("full")]
    hooked.server.world.say(ANA, "Hello")
    query = hooked.server.world.press(ANA, 4, f"{APPROVAL}:3:approve")
    async with asyncio.timeout(5):
        while query not in hooked.server.world.answers:
            await asyncio.sleep(0.01)
    assert [event.text for event in hooked.sink.events] == ["Hello", ""]
    assert [status for _, status in hooked.server.offered] == [503, 200, 200]
    (asked,) = hooked.server.asked("setWebhook")
    assert asked["url"] == "https://bot.example/webhooks/telegram/700001"
    assert TOKEN not in asked["secret_token"] and len(asked["secret_token"]) >= 32
    assert not hooked.server.mistakes


async def test_what_breaks_the_program_keeps_what_follows_away_three_times_and_no_more(
    hooked: Hooked, caplog: pytest.LogCaptureFixture
) -> None:
    secret = {SECRET_HEADER: hooked.channel._settings.hook_secret}
    chat = {"id": ANA.id, "type": "private"}
    message = {"message_id": 1, "date": 1, "chat": chat, "from": {"id": ANA.id}, "text": "odd"}
    update = json.dumps({"update_id": 77, "message": message}).encode()
    hooked.sink.fails = [ZeroDivisionError() for _ in range(9)]
    statuses = [await hooked.post(update, **secret) for _ in range(4)]
    assert statuses == [500, 500, 500, 200]
    assert "Update 77 broke the program 3 times" in caplog.text
    assert len(hooked.sink.fails) == 6


async def test_nobody_else_is_heard(hooked: Hooked) -> None:
    update = json.dumps({"update_id": 1, "message": {"message_id": 1}}).encode()
    secret = hooked.channel._settings.hook_secret
    assert await hooked.post(update) == 401
    assert await hooked.post(update, **{SECRET_HEADER: ""}) == 401
    assert await hooked.post(update, **{SECRET_HEADER: secret[:-1]}) == 401
    assert await hooked.post(b"{", **{SECRET_HEADER: secret}) == 400
    assert await hooked.post(b" " * 1_000_001, **{SECRET_HEADER: secret}) == 413
    assert await hooked.post(b"[]", **{SECRET_HEADER: secret}) == 200
    assert not hooked.sink.events


@needs(VECTORS)
@pytest.mark.parametrize("vector", vectors("telegram-secret-token"), ids=lambda each: each["case"])
async def test_published_vectors(
    server: TelegramServer,
    vector: dict[str, Any],
) -> None:
    async with Hooked(server, webhook_secret=vector["secret"]) as hooked:
        status = await hooked.post(vector["body"].encode(), **vector["headers"])
        assert (status == 200) is vector["valid"], status


async def test_a_webhook_without_an_address_says_what_is_missing(
    server: TelegramServer,
) -> None:
    channel = make(lent_for(server, mode="webhook"))
    with pytest.raises(OperatorError, match="public_url"):
        await channel.run(Sink())


async def test_polling_frees_itself_from_an_old_webhook(
    server: TelegramServer,
) -> None:
    server.webhook = {"url": "https://old.example/hook"}
    sink, channel = Sink(), make(lent_for(server))
    assert channel.routes() == ()
    task = asyncio.create_task(channel.run(sink))
    server.world.say(ANA, "Hello")
    async with asyncio.timeout(5):
        while not sink.events:
            await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert sink.texts == ["Hello"]
