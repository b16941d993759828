"""Texts that come in: proved, stored, met before any agent, and looked for when none was brought."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web

from bot.core.errors import LimitReached, StoreError
from bot.core.event import Kind
from bot.infra.clock import SystemClock
from bot.platforms.lent import Lent
from bot.platforms.texting import Book
from bot.render.codes import WORDS
from channels.sms import channel as module
from channels.sms.channel import make
from channels.sms.words import HELP, START, START_AGAIN, STOP, Meaning, meaning
from tests.channels.sms_side import ANA, BEN, HOME, OURS, SECOND, lent, listening, out, until
from tests.fakes.database import InlineDatabase
from tests.fakes.twilio_hooks import FORGERIES
from tests.fakes.twilio_server import TwilioServer
from tests.fakes.twilio_world import ACCOUNT

HOOK = "https://bot.example/webhooks/twilio/sms"
FORMER = "https://bot.example/webhooks/sms/twilio/messages"


@pytest.fixture
async def twilio():
    async with TwilioServer() as server:
        yield server
        await server.settled()
        assert server.mistakes == []


async def test_a_text_becomes_an_event_of_both_numbers_and_is_answered_with_empty_twiml(twilio):
    async with listening(twilio) as side:
        _, told = await twilio.world.text(ANA, OURS, "hello there")
        assert (told.status, told.media) == (200, "text/xml")
        (event,) = side.house.heard
        assert (event.channel, event.kind, event.account) == ("sms", Kind.MESSAGE, ACCOUNT)
        assert (event.sender.ext_id, event.to, event.text) == (ANA, OURS, "hello there")
        assert (event.place.id, event.place.thread, event.place.direct) == (ANA, OURS, True)
        assert event.ext_id.startswith("SM") and event.addressed
        (thread,) = await side.book.threads()
        assert (thread.heard, thread.said, thread.last) == (1, 0, "in")
        await twilio.settled()
        assert twilio.world.said(ANA) == []


async def test_what_our_own_numbers_write_is_not_answered(twilio):
    twilio.world.number(SECOND, "https://elsewhere.example/sms")
    async with listening(twilio) as side:
        assert await side.says("hello, myself", OURS) == 200
        assert await side.says("hello, other self", SECOND) == 200
        assert await side.says("STOP", SECOND) == 200
        assert await side.says("hello", ANA) == 200
        assert side.house.texts == ["hello"]
        assert [(each.number, each.contact) for each in await side.book.threads()] == [(OURS, ANA)]


async def test_a_number_that_goes_nowhere_is_pointed_at_the_house_and_others_are_left(twilio):
    twilio.world.number(SECOND, "https://elsewhere.example/sms")
    demo = twilio.world.number("+15550100003", "https://demo.twilio.com/welcome/sms/reply/")
    async with listening(twilio) as side:
        numbers = twilio.world.numbers
        assert numbers[OURS].sms_url.startswith(f"{HOOK}#rc=")
        assert numbers[OURS].sms_fallback_url == numbers[OURS].sms_url
        assert demo.sms_url.startswith(HOOK)
        assert numbers[SECOND].sms_url == "https://elsewhere.example/sms"
        known = {item.number: item for item in await side.book.numbers()}
        assert known[OURS].is_default and known[OURS].state == "ours"
        assert known[SECOND].state == "elsewhere" and not known[SECOND].is_default


async def test_a_number_that_is_named_is_taken_over_and_only_that(twilio):
    twilio.world.number(SECOND, "https://elsewhere.example/sms")
    async with listening(twilio, numbers=SECOND):
        assert twilio.world.numbers[SECOND].sms_url.startswith(HOOK)
        assert twilio.world.numbers[OURS].sms_url == ""


async def test_a_number_that_was_pointed_at_the_former_address_is_heard_there_and_moved(twilio):
    twilio.world.number(OURS, FORMER)
    async with listening(twilio) as side:
        assert twilio.world.numbers[OURS].sms_url.startswith(f"{HOOK}#rc=")
        twilio.world.number(OURS, FORMER)
        assert await side.says("still on my way") == 200
        assert side.house.texts == ["still on my way"]
    twilio.world.number(OURS, FORMER)
    async with listening(twilio, enabled=False):
        assert twilio.world.numbers[OURS].sms_url == FORMER


@pytest.mark.parametrize("kind", FORGERIES)
async def test_what_twilio_did_not_send_is_refused_and_nothing_is_kept(twilio, kind):
    async with listening(twilio) as side:
        told = await twilio.forge(kind, OURS, ANA, "STOP")
        assert told.status == (404 if kind == "other_account" else 401)
        assert side.house.heard == []
        assert side.rows("select * from sms_message") == []
        assert side.rows("select * from sms_opt_out") == []


@pytest.mark.parametrize(
    ("sender", "to"),
    [("", OURS), ("anonymous", OURS), ("whatsapp:+14155550101", OURS), (ANA, "+15559999999")],
)
async def test_a_text_from_no_number_or_to_none_of_ours_is_not_answered(twilio, sender, to):
    async with listening(twilio) as side:
        twilio.world.number("+15559999999", HOOK)
        _, told = await twilio.world.text(sender, to, "hello")
        assert told.status == 200
        assert side.house.heard == []


async def test_a_text_that_is_brought_twice_is_one_event_and_counted_once(twilio):
    async with listening(twilio) as side:
        message, _ = await twilio.world.text(ANA, OURS, "hello")
        assert (await twilio.again(message)).status == 200
        assert side.house.texts == ["hello"]
        (thread,) = await side.book.threads()
        assert thread.heard == 1


async def test_what_the_house_cannot_store_is_not_acknowledged_and_comes_again(twilio):
    async with listening(twilio) as side:
        side.house.fails = [StoreError("full"), StoreError("full")]
        assert await side.says("hello") == 200  # the third time, as the number's address asks
        assert [status for _, status in twilio.told] == [503, 503, 200]
        assert side.house.texts == ["hello"]


async def test_what_no_webhook_brought_is_looked_for(twilio, monkeypatch):
    monkeypatch.setattr(module, "LOOK_S", 0.05)
    async with listening(twilio) as side:
        way, twilio.webhook_via = twilio.webhook_via, "http://127.0.0.1:9"
        await side.says("are you there?", media=[("image/png", b"ink")])
        await side.says("STOP", BEN)
        twilio.webhook_via = way
        await until(lambda: side.house.texts == ["are you there?"])
        (event,) = side.house.heard
        assert b"".join([p async for p in side.channel.fetch(event.attachments[0])]) == b"ink"
        await until(lambda: side.rows("select 1 from sms_opt_out where state = 'out'"))
        await asyncio.sleep(0.3)
        assert side.house.texts == ["are you there?"]


async def test_what_was_texted_before_the_number_was_connected_is_not_answered(twilio):
    twilio.world.number(OURS)
    message, _ = await twilio.world.text(ANA, OURS, "long ago")
    message.created = message.sent = message.created.replace(year=2020)
    async with listening(twilio) as side:
        await asyncio.sleep(0.3)
        assert side.house.heard == []


async def test_pictures_are_named_and_fetched_without_carrying_the_credentials_on(twilio):
    async with listening(twilio) as side:
        await side.says("look", media=[("image/jpeg", b"cat"), ("image/png", b"dog")])
        (event,) = side.house.heard
        assert [(a.name, a.media_type) for a in event.attachments] == [
            ("picture-1.jpg", "image/jpeg"),
            ("picture-2.png", "image/png"),
        ]
        assert b"".join([p async for p in side.channel.fetch(event.attachments[1])]) == b"dog"


@pytest.mark.parametrize("source", ["https://evil.example/x", "http://169.254.169.254/", ""])
async def test_a_picture_elsewhere_is_not_fetched(twilio, source):
    async with listening(twilio) as side:
        await side.says("look", media=[("image/jpeg", b"cat")])
        other = replace(side.house.heard[0].attachments[0], source=source)
        with pytest.raises(Exception, match="not at Twilio"):
            [piece async for piece in side.channel.fetch(other)]


# --- opting out -------------------------------------------------------------------------------


@pytest.mark.parametrize("word", [*sorted(STOP), "stop", " Stop. ", "Stop!", "opt-out", "STOP ALL"])
@pytest.mark.parametrize("mode", ["default", "advanced", "off"])
async def test_a_word_that_opts_out_reaches_nobody_and_stops_every_send(twilio, word, mode):
    twilio.world.opt_out_mode = mode
    async with listening(twilio) as side:
        assert await side.says("hello") == 200
        assert await side.says(word) == 200
        assert side.house.texts == ["hello"]
        for kind in ("rep_1", "ntc_1", "eff_1"):
            with pytest.raises(Exception, match="opted out"):
                await side.channel.send(out("no more", kind))
        await side.again()
        with pytest.raises(Exception, match="opted out"):
            await side.channel.send(out("after a new start"))
        assert twilio.asked("send") == []
        assert len(side.rows("select 1 from audit where action = 'sms.opted_out'")) == 1


async def test_somebody_who_opted_out_is_not_texted_from_another_number_until_they_write_to_it(
    twilio,
):
    twilio.world.number(SECOND)
    async with listening(twilio) as side:
        await side.says("STOP")
        with pytest.raises(Exception, match="opted out"):
            await side.channel.send(out(thread=SECOND))
        await side.channel.send(out(to=BEN))  # others are
        await side.says("hi, it is me", number=SECOND)
        assert "ignore" not in side.house.heard[-1].payload  # their first words there are answered
        await side.channel.send(out("hello", "rep_2", thread=SECOND))
        await side.says("and me", number=OURS)
        assert side.house.heard[-1].payload["ignore"] == "opted out"
        with pytest.raises(Exception, match="opted out"):
            await side.channel.send(out("hello", "rep_3"))


@pytest.mark.parametrize("word", ["START", "UNSTOP", "yes"])
async def test_start_resumes(twilio, word):
    async with listening(twilio) as side:
        await side.says("STOP")
        await side.says(word)
        await side.channel.send(out("welcome back"))
        await twilio.settled()
        assert twilio.world.said(ANA)[-1] == "welcome back"
        assert side.house.heard == []


async def test_yes_of_somebody_who_did_not_opt_out_is_an_answer(twilio):
    async with listening(twilio) as side:
        await side.says("yes")
        assert side.house.texts == ["yes"]


async def test_what_an_opted_out_person_writes_is_stored_and_marked_as_not_to_be_answered(twilio):
    async with listening(twilio) as side:
        await side.says("STOP")
        await side.says("why do you not answer?")
        (event,) = side.house.heard
        assert event.payload["ignore"] == "opted out"


async def test_a_stop_that_comes_again_does_not_undo_a_later_start(twilio):
    async with listening(twilio) as side:
        stop, _ = await twilio.world.text(ANA, OURS, "STOP")
        await side.says("START")
        await twilio.again(stop)
        assert await side.book.blocked(OURS, ANA) is None


async def test_help_is_twilios_to_answer_unless_it_is_switched_on(twilio):
    async with listening(twilio) as side:
        await side.says("HELP")
        assert side.house.heard == [] and twilio.asked("send") == []
    twilio.world.opt_out_mode = "off"
    told = "Write STOP to leave."
    async with listening(twilio, side.db, answer_help=True, help_text=told) as side:
        message, _ = await twilio.world.text(ANA, OURS, "help!")
        await twilio.again(message)
        await twilio.settled()
        assert twilio.world.said(ANA)[-1] == told
        assert len(twilio.asked("send")) == 1
    twilio.world.opt_out_mode = "advanced"
    async with listening(twilio, side.db, answer_help=True) as side:
        await side.says("HELP", BEN)
        assert len(twilio.asked("send")) == 1


def test_no_word_that_decides_is_one_that_opts_out_or_in_or_asks_for_help():
    for word in WORDS.values():
        assert word not in STOP | START | START_AGAIN | HELP
        assert meaning(f"{word} 4821", is_out=True) is Meaning.NOTHING


@pytest.mark.parametrize(
    "text", ["please stop", "stop it", "/stop", "the end", "Cancel my order", "information", ""]
)
def test_other_texts_are_no_such_words(text):
    assert meaning(text, is_out=True) is Meaning.NOTHING


# --- switches and limits ----------------------------------------------------------------------


async def test_switched_off_it_acknowledges_answers_nothing_sends_nothing_and_still_hears_stop(
    twilio,
):
    twilio.world.number(OURS, HOOK)
    async with listening(twilio, enabled=False) as side:
        assert await side.says("hello") == 200
        assert await side.says("STOP", BEN) == 200
        assert side.house.heard == []
        assert await side.book.blocked(OURS, BEN)
        with pytest.raises(Exception, match="switched off"):
            await side.channel.send(out())


async def test_who_writes_too_much_is_told_now_and_then(twilio):
    async with listening(twilio) as side:
        side.house.fails = [LimitReached("Too many. Wait 3 seconds."), LimitReached("Too many.")]
        await side.says("one")
        await side.says("two")
        await twilio.settled()
        assert twilio.world.said(ANA) == ["Too many. Wait 3 seconds."]


async def test_money_is_marked_as_not_to_be_approved_here_unless_set_so(twilio):
    async with listening(twilio) as side:
        await side.says("OK 4821")
        assert side.house.heard[0].payload == {"forgeable": True}
    async with listening(twilio, side.db, approve_money=True) as side:
        await side.says("OK 4821")
        assert side.house.heard[-1].payload == {}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"auth_token": ""}, "TWILIO_AUTH_TOKEN"),
        ({"auth_token": "   "}, "TWILIO_AUTH_TOKEN"),
        ({"account_sid": "AC1"}, "account_sid"),
        ({"numbers": "call me"}, "is no number"),
        ({"api_key": "SK1"}, "go together"),
        ({"max_segments": 0}, "max_segments"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_setting_that_does_not_fit_is_named(options, says):
    server = TwilioServer()
    with pytest.raises(Exception, match=says):
        make(_lent(server, **options))


def test_without_an_address_outside_it_is_refused():
    with pytest.raises(Exception, match="public_url"):
        make(replace(_lent(TwilioServer()), public_url=""))


def _lent(server: TwilioServer, **options) -> Lent:
    return lent(server, Book(InlineDatabase(), SystemClock(), HOME), **options)


async def test_what_is_texted_while_numbers_are_being_pointed_here_is_taken() -> None:
    class Far(TwilioServer):
        """Brings a text as soon as its number is pointed somewhere, and takes its time."""

        async def _number_update(self, request: web.Request, form: Any) -> web.StreamResponse:
            answer = await super()._number_update(request, form)
            await self.world.text(ANA, OURS, "the first")
            await asyncio.sleep(1.5)
            return answer

    async with Far() as server, listening(server) as side:
        await until(lambda: side.house.texts == ["the first"])
