"""The fake Bot API, spoken to by python-telegram-bot, of which only the address is changed."""

import asyncio
import subprocess
import sys
import urllib.request
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup, ReactionTypeEmoji, Update
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
)

from tests.fakes import telegram_spec
from tests.fakes.telegram_server import TelegramServer
from tests.fakes.telegram_spec import Refusal, misfit, parse, published
from tests.fakes.telegram_world import Person
from tests.published import needs

ANA, BEN = Person(11, "Ana", "ana_of_ops"), Person(12, "Ben")


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer() as server:
        yield server


@pytest.fixture
async def bot(server: TelegramServer) -> AsyncIterator[Bot]:
    async with Bot(server.token, f"{server.base}/bot", f"{server.base}/file/bot") as bot:
        yield bot


async def heard(bot: Bot, offset: int = 0, **more: object) -> list[Update]:
    return list(await bot.get_updates(offset=offset, timeout=1, **more))


async def test_a_message_is_answered_and_seen(server: TelegramServer, bot: Bot) -> None:
    server.world.say(ANA, "Hello /start@switchboard_bot")
    [update] = await heard(bot)
    assert update.message and update.message.from_user
    assert (update.message.text, update.message.from_user.id) == (
        "Hello /start@switchboard_bot",
        11,
    )
    sent = await bot.send_message(11, "<b>Hi</b> &amp; 👩‍💻 <i>welcome</i>", parse_mode="HTML")
    await bot.edit_message_text("Hi <b>again</b>", 11, sent.message_id, parse_mode="HTML")
    [_, seen] = server.world.shown(server.world.private(ANA))
    assert (seen.text, seen.entities, seen.edited) == ("Hi again", (("bold", "again"),), True)
    assert server.mistakes == []


async def test_an_update_stays_until_a_later_offset_confirms_it(
    server: TelegramServer, bot: Bot
) -> None:
    server.world.say(ANA, "one")
    server.world.say(ANA, "two")
    first = await heard(bot)
    assert [u.update_id for u in await heard(bot)] == [u.update_id for u in first]
    assert [u.message.text for u in await heard(bot, first[0].update_id + 1) if u.message] == [
        "two"
    ]
    assert await heard(bot, first[1].update_id + 1) == []


async def test_a_poll_waits_for_news_and_a_second_one_ends_it(
    server: TelegramServer, bot: Bot
) -> None:
    server.world.private(ANA)
    waiting = asyncio.create_task(bot.get_updates(timeout=5))
    await asyncio.sleep(0.1)
    server.world.say(ANA, "now")
    [update] = await asyncio.wait_for(waiting, 2)
    late = asyncio.create_task(bot.get_updates(offset=update.update_id + 1, timeout=5))
    await asyncio.sleep(0.1)
    server.world.say(ANA, "more")
    await asyncio.wait_for(late, 2)
    first = asyncio.create_task(bot.get_updates(offset=update.update_id + 9, timeout=5))
    await asyncio.sleep(0.1)
    async with Bot(server.token, f"{server.base}/bot") as another:
        assert await another.get_updates(offset=update.update_id + 9) == ()
    with pytest.raises(Conflict):
        await first


async def test_a_press_is_answered_to_its_presser_alone(server: TelegramServer, bot: Bot) -> None:
    server.world.private(ANA)
    keyboard = InlineKeyboardMarkup(
        [[InlineKeyboardButton("Approve", callback_data="a:1:approve")]]
    )
    sent = await bot.send_message(11, "Post it?", reply_markup=keyboard)
    query = server.world.press_label(ANA, sent.message_id, "Approve")
    [update] = await heard(bot)
    assert update.callback_query and update.callback_query.data == "a:1:approve"
    assert query not in server.world.answers
    await bot.answer_callback_query(query, "Approved.", show_alert=True)
    assert server.world.answers[query] == {"text": "Approved.", "alert": True}
    server.methods.answer_within_s = 0
    with pytest.raises(BadRequest, match="too old"):
        await bot.answer_callback_query(query, "Again")


async def test_groups_tell_the_bot_only_what_is_meant_for_it(
    server: TelegramServer, bot: Bot
) -> None:
    team = server.world.group(5)
    server.world.say(ANA, "lunch?", team)
    server.world.say(ANA, "@switchboard_bot lunch?", team)
    server.world.say(ANA, "/status@another_bot", team)
    server.world.say(ANA, "/status", team)
    sent = await bot.send_message(team.id, "Yes")
    server.world.say(BEN, "why", team, reply_to=sent.message_id)
    texts = [u.message.text for u in await heard(bot) if u.message]
    assert texts == ["@switchboard_bot lunch?", "/status", "why"]


async def test_reactions_come_only_to_those_who_asked(server: TelegramServer, bot: Bot) -> None:
    server.world.private(ANA)
    sent = await bot.send_message(11, "Hi")
    server.world.react(ANA, sent.message_id, "👍")
    assert await heard(bot, allowed_updates=["message", "message_reaction"]) == []
    server.world.react(ANA, sent.message_id, "👎")
    [update] = await heard(bot)
    assert update.message_reaction
    assert update.message_reaction.new_reaction == (ReactionTypeEmoji("👎"),)


async def test_files_go_both_ways(server: TelegramServer, bot: Bot) -> None:
    server.world.send_file(
        ANA, b"a,b\n1,2\n", name="table.csv", media_type="text/csv", caption="look"
    )
    server.world.send_file(ANA, b"OGG", kind="voice", media_type="audio/ogg")
    server.world.send_file(ANA, b"JPG", kind="photo")
    document, voice, photo = [u.message for u in await heard(bot)]
    assert document and document.document and voice and voice.voice and photo and photo.photo
    file = await bot.get_file(document.document.file_id)
    assert bytes(await file.download_as_bytearray()) == b"a,b\n1,2\n"
    await bot.send_document(11, b"PDF", filename="report.pdf", caption="Here")
    seen = server.world.shown(server.world.private(ANA))[-1]
    assert (seen.file, seen.text) == ("report.pdf", "Here")
    assert server.mistakes == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("<b>open", "end tag"),
        ("a < b", "Unsupported start tag"),
        ("</b>", "Unmatched end tag"),
        ("<b><i>x</b></i>", "Unmatched end tag"),
        ("<table>x</table>", "Unsupported start tag"),
        ("x" * 4097, "too long"),
        ("<b></b>", "empty"),
    ],
)
async def test_a_text_that_telegram_refuses(
    server: TelegramServer, bot: Bot, text: str, why: str
) -> None:
    server.world.private(ANA)
    with pytest.raises(BadRequest, match=f"(?i){why}"):
        await bot.send_message(11, text, parse_mode="HTML")
    assert server.mistakes and not server.world.said(server.world.private(ANA))


async def test_what_else_telegram_refuses(server: TelegramServer, bot: Bot) -> None:
    server.world.private(ANA)
    with pytest.raises(BadRequest, match="(?i)chat not found"):
        await bot.send_message(999, "x")
    with pytest.raises(BadRequest, match="(?i)BUTTON_DATA_INVALID"):
        keyboard = InlineKeyboardMarkup([[InlineKeyboardButton("x", callback_data="ü" * 33)]])
        await bot.send_message(11, "x", reply_markup=keyboard)
    sent = await bot.send_message(11, "x")
    with pytest.raises(BadRequest, match="(?i)not modified"):
        await bot.edit_message_text("x", 11, sent.message_id)
    with pytest.raises(BadRequest, match="(?i)to edit not found"):
        await bot.edit_message_text("x", 11, 1)
    server.world.private(BEN, started=False)
    with pytest.raises(Forbidden, match="(?i)initiate"):
        await bot.send_message(12, "x")
    server.world.block(ANA)
    with pytest.raises(Forbidden, match="(?i)blocked"):
        await bot.send_message(11, "x")
    team = server.world.group(5)
    new = server.world.upgrade(team)
    with pytest.raises(ChatMigrated) as moved:
        await bot.send_message(team.id, "x")
    assert moved.value.new_chat_id == new.id


async def test_faults_happen_when_told(
    server: TelegramServer, bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "true")
    server.world.private(ANA)
    server.fail("sendMessage", code=429, retry_after=7)
    with pytest.raises(RetryAfter) as refused:
        await bot.send_message(11, "x")
    assert refused.value.retry_after == timedelta(seconds=7)
    server.fail("sendMessage", code=502)
    with pytest.raises(NetworkError):
        await bot.send_message(11, "x")
    server.fail("sendMessage", "cut")
    with pytest.raises(NetworkError):
        await bot.send_message(11, "never")
    server.fail("sendMessage", "lost")
    with pytest.raises(NetworkError):
        await bot.send_message(11, "there")
    assert server.world.said(server.world.private(ANA)) == ["there"]
    server.revoke()
    with pytest.raises(InvalidToken):
        await bot.get_updates()


async def test_too_fast_is_refused_and_then_banned(
    bot: Bot, server: TelegramServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "true")
    server.world.private(ANA)
    server.rates = "obey"
    for n in range(3):
        await bot.send_message(11, str(n))
    with pytest.raises(RetryAfter):
        await bot.send_message(11, "4")
    server.rates = "ban"
    with pytest.raises(RetryAfter):
        await bot.send_message(11, "5")
    assert server.banned
    with pytest.raises(RetryAfter):
        await bot.get_me()


async def test_a_webhook_is_offered_again_until_it_takes(server: TelegramServer, bot: Bot) -> None:
    taken: list[tuple[str, str]] = []

    async def hook(request: web.Request) -> web.Response:
        body = await request.json()
        taken.append((body["message"]["text"], request.headers["X-Telegram-Bot-Api-Secret-Token"]))
        return web.Response(status=500 if len(taken) == 1 else 200)

    app = web.Application()
    app.router.add_post("/webhooks/telegram/one", hook)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.webhook_via = f"http://127.0.0.1:{runner.addresses[0][1]}"
    await bot.set_webhook("https://bot.example/webhooks/telegram/one", secret_token="s3cret_s3cret")
    with pytest.raises(Conflict):
        await bot.get_updates()
    server.world.say(ANA, "hello")
    for _ in range(50):
        await asyncio.sleep(0.05)
        if not server.world.updates:
            break
    await runner.cleanup()
    assert taken == [("hello", "s3cret_s3cret")] * 2
    assert [status for _, status in server.offered] == [500, 200]


async def test_drafts_vanish_when_the_answer_comes(server: TelegramServer, bot: Bot) -> None:
    server.world.private(ANA)
    await bot.send_message_draft(11, 5, "Hel")
    await bot.send_message_draft(11, 5, "Hello")
    assert server.methods.drafts[11] == ["Hel", "Hello"]
    await bot.send_message(11, "Hello Ana")
    assert 11 not in server.methods.drafts


async def test_a_request_against_the_description_is_kept(server: TelegramServer) -> None:
    server.world.private(ANA)
    address = f"{server.base}/bot{server.token}/sendMessage"
    async with aiohttp.ClientSession() as session:
        async with session.post(address, json={"chat_id": 11}) as answer:
            assert answer.status == 400 and not (await answer.json())["ok"]
        async with session.post(f"{server.base}/bot1:wrong/getMe") as answer:
            assert answer.status == 401
    assert len(server.mistakes) >= 2


@needs("telegram-bot-api.json")
async def test_what_it_tells_fits_the_description(server: TelegramServer) -> None:
    server.world.is_admin, server.world.allowed = (
        True,
        ["message", "edited_message", "callback_query", "message_reaction"],
    )
    forum = server.world.group(7, forum=True)
    topic = server.world.topic(forum, "Ops")
    number = server.world.say(ANA, "@switchboard_bot /go https://a.example", forum, thread=topic)
    server.world.say(BEN, "yes", forum, thread=topic, reply_to=number)
    server.world.edit(ANA, number, "changed", forum)
    server.world.react(BEN, number, "👍", forum)
    server.world.press(BEN, 1, "x", forum)
    for kind in ("document", "photo", "voice", "audio", "video"):
        server.world.send_file(ANA, b"x", kind=kind, caption="/look")
    assert len(server.world.updates) == 10
    for update in server.world.updates:
        assert misfit(update, ["Update"], "update") == ""
    assert misfit({"update_id": "1"}, ["Update"], "update")


@pytest.mark.parametrize(
    ("html", "text", "kinds"),
    [
        ("&lt;b&gt; &amp;&nbsp; a&b", "<b> &&nbsp; a&b", []),
        ('<a href="https://a.example/?x=1&amp;y=2">here</a>', "here", ["text_link"]),
        ('<pre><code class="language-python">x = 1</code></pre>', "x = 1", ["pre", "code"]),
        ("<blockquote expandable>long</blockquote>", "long", ["blockquote"]),
    ],
)
def test_tags_are_read(html: str, text: str, kinds: list[str]) -> None:
    found, entities = parse(html)
    assert found == text and sorted(e["type"] for e in entities) == sorted(kinds)


def test_a_span_of_nothing_is_refused() -> None:
    with pytest.raises(Refusal):
        parse("<span>x</span>")


async def test_without_the_description_required_fields_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOT_SPECS", str(tmp_path))
    published.cache_clear()
    try:
        assert telegram_spec.read("sendMessage", {"chat_id": "11"}, is_json=False)[1] == [
            "text is missing"
        ]
        body, wrong = telegram_spec.read(
            "sendMessage", {"chat_id": "11", "text": "x"}, is_json=False
        )
        assert (body["chat_id"], wrong) == (11, [])
    finally:
        published.cache_clear()


def test_it_runs_by_itself() -> None:
    command = [sys.executable, "-m", "tests.fakes.telegram_server", "--port", "0"]
    root = Path(telegram_spec.__file__).parent.parent.parent
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            base, token = process.stdout.readline().split()
            with urllib.request.urlopen(f"{base}/bot{token}/getMe", timeout=10) as answer:
                assert b"switchboard_bot" in answer.read()
        finally:
            process.terminate()
