"""Texts that leave: once, shortened by rule, found again, and followed to their end."""

import asyncio
from dataclasses import replace

import pytest

from bot.core.card import Card, Field
from bot.core.effect import EffectKind, EffectState, Policy
from bot.core.errors import ConnectionBroken, VendorRefused, VendorUnknown
from bot.core.event import Attachment
from bot.core.ids import EffectId
from bot.limits import Rate
from bot.render.segments import measure
from bot.testing import effect_of
from channels.sms import outgoing
from channels.sms import twilio_http as api
from tests.channels.sms_side import ANA, BEN, OURS, listening, out
from tests.fakes.twilio_rules import segments
from tests.fakes.twilio_server import TwilioServer
from tests.fakes.twilio_world import API_KEY, API_SECRET


@pytest.fixture
async def twilio(monkeypatch):
    monkeypatch.setattr(outgoing, "SETTLED_S", 0.3)
    monkeypatch.setattr(api, "TIMEOUT_S", 1)
    async with TwilioServer() as server:
        yield server
        await server.settled()
        assert server.mistakes == []


async def test_an_answer_is_sent_and_keeps_what_it_answers_and_what_became_of_it(twilio):
    async with listening(twilio) as side:
        message, _ = await twilio.world.text(ANA, OURS, "hello")
        receipt = await side.channel.send(out("Hi there", reply_to=message.sid))
        await twilio.settled()
        assert twilio.world.said(ANA) == ["Hi there"]
        (row, _) = await side.book.messages(OURS, ANA)
        assert (row.id, row.sid, row.answers) == ("rep_1", receipt.vendor_ref, message.sid)
        assert (row.state, row.segments, row.way) == ("delivered", 1, "out")
        (thread,) = await side.book.threads()
        assert (thread.heard, thread.said, thread.last) == (1, 1, "out")


async def test_an_api_key_sends_and_the_token_proves(twilio):
    async with listening(twilio, api_key=API_KEY, api_secret=API_SECRET) as side:
        await side.says("hello")
        await side.channel.send(out())
        assert side.house.texts == ["hello"]
        packed = {r.headers["Authorization"] for r in twilio.requests if r.call == "send"}
        assert len(packed) == 1 and "QUM" not in packed.pop()


async def test_the_same_message_is_sent_once_however_often_it_is_asked_for(twilio):
    async with listening(twilio) as side:
        refs = {(await side.channel.send(out())).vendor_ref for _ in range(3)}
        await side.again()
        refs.add((await side.channel.send(out())).vendor_ref)
        assert len(refs) == 1 and len(twilio.asked("send")) == 1


@pytest.mark.parametrize("how", ["lost", "late"])
async def test_a_send_whose_answer_is_missing_is_found_and_not_repeated(twilio, how):
    twilio.receipts = "held"  # nobody tells what became of it
    async with listening(twilio) as side:
        twilio.fail("send", how)
        with pytest.raises(VendorUnknown):
            await side.channel.send(out("once"))
        await side.channel.send(out("once"))
        await twilio.settled()
        assert twilio.world.said(ANA) == ["once"]
        (row,) = await side.book.messages(OURS, ANA)
        assert row.sid.startswith("SM") and (await side.book.threads())[0].said == 1


async def test_what_twilio_lists_late_is_waited_for(twilio):
    twilio.unlisted_s = 0.15
    async with listening(twilio) as side:
        twilio.receipts = "held"
        twilio.fail("send", "lost")
        with pytest.raises(VendorUnknown):
            await side.channel.send(out("once"))
        await side.channel.send(out("once"))
        await twilio.settled()
        assert twilio.world.said(ANA) == ["once"]


@pytest.mark.parametrize("how", ["cut", "hang", "error"])
async def test_a_send_that_never_arrived_is_sent_after_the_look_up(twilio, how):
    async with listening(twilio) as side:
        twilio.fail("send", how)
        with pytest.raises(VendorUnknown):
            await side.channel.send(out("once"))
        await side.again()
        await side.channel.send(out("once"))
        await twilio.settled()
        assert twilio.world.said(ANA) == ["once"]


async def test_words_that_were_said_before_are_not_taken_for_the_one_that_is_missing(twilio):
    async with listening(twilio) as side:
        await side.channel.send(out("Done.", "rep_1"))
        twilio.fail("send", "cut")
        with pytest.raises(VendorUnknown):
            await side.channel.send(out("Done.", "rep_2"))
        await side.channel.send(out("Done.", "rep_2"))
        await twilio.settled()
        assert twilio.world.said(ANA) == ["Done.", "Done."]


async def test_a_look_up_that_fails_leaves_it_in_doubt(twilio):
    twilio.receipts = "held"
    async with listening(twilio) as side:
        twilio.fail("send", "lost")
        with pytest.raises(VendorUnknown):
            await side.channel.send(out("once"))
        side.rows("update sms_message set sid = '', state = 'leaving', rank = 0")
        for how in ("error", "ratelimited", "cut"):
            twilio.fail("list", how, times=2)  # a question is asked again by itself, once
            with pytest.raises(VendorUnknown):
                await side.channel.send(out("once"))
        assert len(twilio.asked("send")) == 1


async def test_what_becomes_of_a_message_moves_forward_only_in_any_order_and_twice(twilio):
    twilio.receipts = "held"
    async with listening(twilio) as side:
        receipt = await side.channel.send(out())
        await twilio.settled()

        async def after(*states: str) -> str:
            for state in states:
                message = twilio.world.messages[receipt.vendor_ref]
                told = await twilio.hooks.status(message, state, None)
                assert told.status == 200
            return (await side.book.messages(OURS, ANA))[0].state

        assert await after("queued", "sent") == "sent"
        assert await after("queued", "sending", "sent") == "sent"
        assert await after("delivered", "sent", "failed", "undelivered") == "delivered"
        assert await after("read", "delivered") == "read"
        assert (await side.book.threads())[0].said == 1


WHY = "the phone is switched off or cannot be reached (Twilio 30003)"


async def test_a_message_that_fails_later_says_why(twilio):
    twilio.world.fails[ANA] = ("undelivered", 30003)
    async with listening(twilio) as side:
        await side.channel.send(out())
        await twilio.settled()
        (row,) = await side.book.messages(OURS, ANA)
        assert (row.state, row.error) == ("undelivered", WHY)


async def test_a_status_that_comes_before_the_answer_of_the_send_settles_it(twilio):
    async with listening(twilio) as side:
        twilio.fail("send", "lost")
        with pytest.raises(VendorUnknown):
            await side.channel.send(out())
        await twilio.settled()  # the callbacks name our id
        asked = len(twilio.asked("list"))
        await side.channel.send(out())
        assert len(twilio.asked("list")) == asked and len(twilio.asked("send")) == 1


async def test_twilios_own_no_is_kept_as_an_opt_out(twilio):
    async with listening(twilio) as side:
        twilio.world.opted_out.add((OURS, ANA))
        for _ in range(2):
            with pytest.raises(VendorRefused, match="Twilio says so"):
                await side.channel.send(out())
        assert len(twilio.asked("send")) == 1
        assert (await side.book.blocked(OURS, ANA)).how == "21610"
        await side.says("START")
        await side.channel.send(out())


async def test_a_stop_that_comes_while_a_text_waits_for_its_turn_holds_it_back(twilio, monkeypatch):
    async with listening(twilio) as side:

        async def turn(letter):
            await side.says("STOP")

        monkeypatch.setattr(side.channel._out, "_turn", turn)
        with pytest.raises(VendorRefused, match="STOP"):
            await side.channel.send(out())
        assert twilio.asked("send") == []


@pytest.mark.parametrize(
    ("code", "says"), [(21614, "no mobile number"), (21408, "country"), (21608, "trial")]
)
async def test_a_refusal_is_said_in_words_and_may_be_tried_anew(twilio, code, says):
    twilio.world.refuses[ANA] = code
    async with listening(twilio) as side:
        with pytest.raises(VendorRefused, match=says):
            await side.channel.send(out())
        twilio.world.refuses.clear()
        await side.channel.send(out())
        assert len(twilio.asked("send")) == 2


async def test_a_busy_twilio_says_when_to_come_again_and_a_wrong_token_what_to_mend(twilio):
    async with listening(twilio) as side:
        twilio.fail("send", "ratelimited")
        with pytest.raises(VendorRefused) as caught:
            await side.channel.send(out())
        assert caught.value.retry_after_s
        twilio.auth_token = "rolled"
        with pytest.raises(ConnectionBroken, match="bot connect sms"):
            await side.channel.send(out(effect="rep_2", to=BEN))


async def test_a_long_answer_is_shortened_after_a_sentence_and_marks_are_made_plain(twilio):
    text = "“It’s here” – she said… " + "This is one more sentence of it. " * 60
    async with listening(twilio, max_segments=2) as side:
        await side.channel.send(out(text))
        await twilio.settled()
        (shown,) = twilio.world.said(ANA)
        assert shown.startswith('"It\'s here" - she said...')
        assert shown.endswith("sentence of it. [shortened: ask me for the rest]")
        assert segments(shown) == measure(shown).segments == 2


async def test_what_must_be_said_whole_is_sent_in_parts(twilio, monkeypatch):
    monkeypatch.setattr(outgoing, "USUAL", Rate(count=100, seconds=1.0))
    text = "\n\n".join(f"Paragraph {n}: " + "words " * 40 for n in range(12))
    async with listening(twilio) as side:
        await side.channel.send(out(text, "ntc_1", kind=EffectKind.NOTICE))
        await side.channel.send(out(text, "ntc_1", kind=EffectKind.NOTICE))
        await twilio.settled()
        shown = twilio.world.said(ANA)
        assert len(shown) == 3 and "Paragraph 11" in shown[-1]


async def test_a_card_is_a_text_that_a_code_answers_and_each_version_is_sent_once(twilio):
    card = Card(
        title="Publish on X",
        code="4821",
        fields=(Field(name="Text", value="“Open” on Sunday", long=True, editable="text"),),
    )
    given = {"kind": EffectKind.CARD, "card": card, "approval": "apr_1"}
    async with listening(twilio) as side:
        for _ in range(2):
            sent = await side.channel.send(out("", "crd_1", version=1, **given))
        await side.channel.send(out("", "crd_1", version=2, replace=sent.vendor_ref, **given))
        done = {**given, "card": replace(card, decided="Approved by Ana", choices=())}
        last = await side.channel.send(out("", "crd_1", version=2, replace=sent.vendor_ref, **done))
        assert last.vendor_ref == sent.vendor_ref
        await twilio.settled()
        first, second = twilio.world.said(ANA)
        assert "OK 4821" in first and "“Open” on Sunday" in first and first == second


async def test_pictures_leave_as_mms(twilio):
    picture = Attachment(name="p", media_type="", size=0, source="https://bot.example/p.png")
    async with listening(twilio) as side:
        sent = await side.channel.send(out("look", attachments=(picture,)))
        made = twilio.world.messages[sent.vendor_ref]
        assert made.media_urls == ["https://bot.example/p.png"] and sent.vendor_ref[:2] == "MM"
        await twilio.settled()


async def test_a_burst_is_sent_no_faster_than_the_number_may(twilio, monkeypatch):
    rate = Rate(count=2, seconds=0.5)
    monkeypatch.setattr(outgoing, "USUAL", rate)
    async with listening(twilio) as side:
        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.gather(*(side.channel.send(out(effect=f"rep_{n}")) for n in range(6)))
        assert loop.time() - began > 0.9
        assert len(twilio.asked("send")) == 6


@pytest.mark.parametrize("text", ["", "   ", "\n"])
async def test_nothing_is_not_sent(twilio, text):
    async with listening(twilio) as side:
        with pytest.raises(VendorRefused, match="nothing to say"):
            await side.channel.send(out(text))


async def test_an_effect_is_looked_up_by_its_row_and_its_words(twilio):
    async with listening(twilio) as side:
        deed = replace(
            effect_of("sms", {"text": "once"}, Policy.READBACK),
            id=EffectId("rep_1"),
            kind=EffectKind.REPLY,
            progress={"place": ANA, "thread": OURS},
        )
        assert await side.channel.find(deed) is None
        twilio.fail("send", "lost")
        with pytest.raises(VendorUnknown):
            await side.channel.send(out("once"))
        found = await side.channel.find(deed)
        assert found and found.state is EffectState.SENT and found.vendor_ref.startswith("SM")
