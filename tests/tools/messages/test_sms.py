"""A text message as a tool: what is shown, from which number it leaves, and whom it never reaches."""

import pytest

from bot.core.effect import EffectState, Policy
from bot.core.errors import OperatorError, VendorRefused, VendorUnknown
from bot.core.ids import AgentName, EffectId
from bot.core.route import Binding
from bot.core.tool import Risk
from bot.platforms.texting import Phone
from bot.store import bindings
from channels.sms import outgoing
from tests.channels.sms_side import ANA, BEN, HOME, OURS, SECOND, listening
from tests.fakes.twilio_server import TwilioServer
from tests.tools.kit import context, effect, lines, refusal
from tools.messages.sms import TOOLS, TextArguments, find, preview, send_sms

(TOOL,) = TOOLS


@pytest.fixture
async def twilio(monkeypatch):
    monkeypatch.setattr(outgoing, "SETTLED_S", 0.2)
    async with TwilioServer() as server:
        server.world.number(OURS)
        server.world.number(SECOND)
        yield server
        await server.settled()
        assert server.mistakes == []


def called(side, **changes):
    phone = Phone(channel_of=lambda tenant, _: side.channel, book_of=lambda _: side.book)
    kept: dict = changes.pop("kept", {})

    async def save(progress):
        kept.update(progress)

    given = {"effect": EffectId("eff_1"), "settings": phone, "save": save, "tenant": HOME}
    return context(**{**given, **changes})


def test_it_asks_is_looked_up_and_carries_words_out():
    assert (TOOL.risk, TOOL.policy, TOOL.egress) == (Risk.WRITE, Policy.READBACK, True)


def test_the_card_shows_whom_it_reaches_every_word_and_what_it_costs():
    card = preview(TextArguments(to="+1 (415) 555-0102", text="“Your” table… is ready"))
    assert card.recipients == (BEN,)
    assert lines(card) == {
        "Text": '"Your" table... is ready',
        "Length": "1 segment (GSM-7, 24 places)",
    }
    assert card.body == '"Your" table... is ready' and card.warnings == ()
    dear = preview(TextArguments(to=BEN, text="ж" * 202))
    assert "4 segments (UCS-2" in lines(dear)["Length"] and len(dear.warnings) == 2
    mms = preview(TextArguments(to=BEN, text="look", media=["https://bot.example/p.png"]))
    assert "MMS" in lines(mms)["Length"] and "https://bot.example/p.png" in lines(mms)["Picture 1"]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"to": "4155550102", "text": "x"}, "no phone number"),
        ({"to": "", "text": "x"}, "no phone number"),
        ({"to": f"{BEN}, {ANA}", "text": "x"}, "no phone number"),
        ({"to": BEN}, "nothing to send"),
        ({"to": BEN, "text": "x" * 1601}, "1601 characters"),
        ({"to": BEN, "text": "x\x00y"}, "U+0000"),
        ({"to": BEN, "text": "x", "media": ["http://127.0.0.1/p"]}, "https address"),
        ({"to": BEN, "text": "x", "from": OURS}, "from"),
    ],
)
def test_what_does_not_fit_is_named(values, says):
    assert says in refusal(TextArguments, **values)


async def test_it_leaves_once_from_the_number_of_the_agent_else_from_the_default(twilio):
    async with listening(twilio) as side:
        rule = Binding(id="r1", agent=AgentName("kelly"), channel="sms", address=SECOND)
        await side.db.write(bindings.add(HOME, rule, 1))
        args = TextArguments(to=BEN, text="Hello")
        for _ in range(2):
            done = await send_sms(called(side), args)
        assert done.state is EffectState.SENT and "1 segment" in str(done.data)
        other = called(side, agent=AgentName("kelly"), effect=EffectId("eff_2"))
        await send_sms(other, args)
        await twilio.settled()
        assert [m.sender for m in twilio.world.shown(BEN)] == [OURS, SECOND]


async def test_whoever_opted_out_is_not_texted_and_it_is_said_why(twilio):
    async with listening(twilio) as side:
        await side.says("STOP", BEN)
        with pytest.raises(VendorRefused, match=r"opted out of texts \(STOP\)"):
            await send_sms(called(side), TextArguments(to=BEN, text="Hello"))
        assert twilio.asked("send") == []


async def test_a_tenant_without_a_phone_is_told_the_mend(twilio):
    async with listening(twilio) as side:
        args = TextArguments(to=BEN, text="Hello")
        none = Phone(channel_of=lambda tenant, _: None, book_of=lambda _: side.book)
        with pytest.raises(OperatorError, match="bot connect sms"):
            await send_sms(called(side, settings=none), args)
        assert twilio.asked("send") == []


async def test_a_text_whose_answer_was_lost_is_found_and_one_that_never_left_is_not(twilio):
    async with listening(twilio) as side:
        args = TextArguments(to=BEN, text="Hello")
        deed = effect(TOOL, {"to": BEN, "text": "Hello"})
        assert await find(called(side), deed) is None
        twilio.fail("send", "cut")
        with pytest.raises(VendorUnknown):
            await send_sms(called(side), args)
        assert await find(called(side), deed) is None
        twilio.fail("send", "lost")
        with pytest.raises(VendorUnknown):
            await send_sms(called(side), args)
        found = await find(called(side), deed)
        assert found and found.state is EffectState.SENT
        await twilio.settled()
        assert twilio.world.said(BEN) == ["Hello"]
