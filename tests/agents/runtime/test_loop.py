"""The loop: every way out is a plain sentence, and what is cut off goes on where it was."""

import asyncio
import json
from dataclasses import replace

import pytest

from bot.core.errors import OperatorError, VendorError, VendorUnknown
from bot.core.model import ModelMessage, ModelReply, Usage
from bot.core.tool import ToolContext
from bot.wiring.engine import Limits
from tests.fakes.database import Calm, Disk
from tests.fakes.model import ScriptedModel, call, last_words, say
from tests.fakes.switchboard import FREE, UNLIMITED, Switchboard, Team, agent, image
from tests.fakes.vendor import Vendor, Words, tools_of
from tests.sim.loop import virtual


def team(**caps: float) -> Team:
    """Two agents with these caps."""
    limits = replace(FREE, **caps)
    return Team({name: agent(name, limits=limits) for name in ("bri", "kelly")})


def detail(house: Switchboard) -> str:
    """Why the last turn ended, for the trace."""
    (row,) = house.disk.all("select detail from inbox order by seq desc limit 1")
    return str(row[0])


def raw(house: Switchboard) -> list[list[dict]]:
    """What turns keep for later turns."""
    rows = house.disk.all("select raw from message where raw != '' order by n")
    return [json.loads(row[0]) for row in rows]


def unanswered(lines: list[dict]) -> set[str]:
    """Calls without a result: no provider takes a history that holds one."""
    asked = {each[0] for line in lines for each in line.get("calls", ())}
    return asked - {line["call"] for line in lines if "call" in line}


ENDLESS = ScriptedModel(lambda request: call(("note_read", {"text": "again"})))


@pytest.mark.parametrize(
    ("caps", "sentence", "why"),
    [
        ({"steps": 3}, "I stopped after 3 steps without coming to an end.", "steps"),
        ({"tokens": 250}, "I stopped: this used 360 tokens", "cap"),
        ({"money_micros": 25}, "I stopped: this cost 0.00 USD", "cap"),
    ],
    ids=["steps", "tokens", "money"],
)
@virtual
async def test_an_endless_model_is_stopped_with_a_sentence(caps, sentence: str, why: str):
    async with Switchboard(ENDLESS, team=team(**caps)) as house:
        got = await house.accept("hello")
        line = await house.live.line_of(got.event)
        assert str(line["text"]).startswith(sentence)
        assert house.ending(got.event) == ("done", "answered")
        assert detail(house) == why


@virtual
async def test_a_model_that_hangs_is_stopped_when_its_time_is_over():
    async def think(request):
        await asyncio.sleep(10_000)
        return say("too late")

    async with Switchboard(ScriptedModel(think), team=team(wall_s=120)) as house:
        got = await house.accept("hello")
        line = await house.live.line_of(got.event, 300)
        assert line["text"] == "I stopped: this took longer than 2 minutes."
        assert detail(house) == "wall time"


@virtual
async def test_handing_over_in_circles_is_stopped():
    def think(request):
        other = "kelly" if request.agent == "bri" else "bri"
        return call(("hand_off", {"agent": other}))

    async with Switchboard(ScriptedModel(think), team=team(depth=3)) as house:
        assert "from one colleague to another too often" in await house.ask("hello")
        assert len(house.model.asked) == 4


@virtual
async def test_a_colleague_goes_on_and_keeps_the_conversation():
    def think(request):
        if request.agent == "bri":
            return call(("hand_off", {"agent": "kelly", "note": "yours"}))
        return say(f"{request.messages[0].content.split('.')[0]}.")

    async with Switchboard(ScriptedModel(think), team=team()) as house:
        assert await house.ask("hello") == "You are kelly."
        assert await house.ask("and now") == "You are kelly."
        assert [request.agent for request in house.model.asked] == ["bri", "kelly", "kelly"]


@virtual
async def test_a_colleague_who_is_not_there_is_an_error_that_the_model_reads():
    model = ScriptedModel([call(("hand_off", {"agent": "keely"})), say("Nobody like that.")])
    async with Switchboard(model) as house:
        assert await house.ask("hello") == "Nobody like that."
        assert "Did you mean kelly?" in last_words(model.asked[1])


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("none_auto", "{broken", "not a JSON object"),
        ("none_auto", "[1]", "not a JSON object"),
        ("none_auto", '{"text": NaN}', "not a JSON object"),
        ("none_auto", {"text": 7}, "do not fit"),
        ("none_auto", {"text": "a", "more": 1}, "do not fit"),
        ("none_auto", "", "do not fit"),
        ("no_such_tool", {}, "has no tool 'no_such_tool'"),
    ],
)
@virtual
async def test_nonsense_is_told_to_the_model_which_may_try_again(name, arguments, told):
    model = ScriptedModel([call((name, arguments)), say("I see.")])
    async with Switchboard(model) as house:
        assert await house.ask("hello") == "I see."
        assert told in last_words(model.asked[1])
        assert house.states() == []


@virtual
async def test_a_model_that_writes_nothing_but_nonsense_is_stopped_with_a_sentence():
    async with Switchboard(ScriptedModel([call(("none_auto", "{"))])) as house:
        said = await house.ask("hello")
        assert said.startswith("I could not work out how to use my tools")
        assert len(house.model.asked) == 4


@virtual
async def test_one_call_that_fits_forgives_the_nonsense_before_it():
    nonsense = call(("none_auto", "{"))
    fine = call(("note_read", {"text": "a"}))
    model = ScriptedModel([nonsense, nonsense, nonsense, fine, nonsense, say("There.")])
    async with Switchboard(model) as house:
        assert await house.ask("hello") == "There."


@pytest.mark.parametrize(
    ("reply", "text", "why"),
    [
        (say(""), "I have no answer to that. Try it in other words?", "empty answer"),
        (say("   \n"), "I have no answer to that. Try it in other words?", "empty answer"),
        (
            say("Once upon", finish="length"),
            "Once upon\n\n_(cut off: the answer was longer than allowed)_",
            "cut at the length limit",
        ),
        (say("Hello.", finish="content_filter"), "Hello.", ""),
    ],
    ids=["empty", "blank", "cut", "filtered"],
)
@virtual
async def test_half_an_answer_is_told_as_what_it_is(reply: ModelReply, text: str, why: str):
    async with Switchboard(ScriptedModel([reply])) as house:
        assert await house.ask("hello") == text
        assert detail(house) == why


@pytest.mark.parametrize(
    "error",
    [
        OperatorError("OPENAI_API_KEY was refused by OpenAI."),
        VendorError("The provider is down."),
        VendorUnknown("No answer in time."),
    ],
    ids=["the key", "the provider", "no answer"],
)
@virtual
async def test_a_model_that_fails_is_told_to_the_person_and_the_turn_is_a_dead_letter(error):
    async with Switchboard(ScriptedModel([error])) as house:
        got = await house.accept("hello")
        line = await house.live.line_of(got.event)
        assert line["text"] == error.message
        assert line["role"] == "system"
        assert house.ending(got.event) == ("dead", "failed")
        assert len(house.model.asked) == 1


class Full(Calm):
    """A disk that is full while it says so."""

    says = "ok"

    def commit(self) -> str:
        return self.says


@virtual
async def test_a_full_disk_before_a_deed_is_waited_out_and_not_told_as_a_failure():
    weather = Full()

    async def think(request):
        if request.messages[-1].role == "tool":
            return say("It is done.")
        if not house.model.asked[1:]:
            weather.says = "refused"
            asyncio.get_running_loop().call_later(20, setattr, weather, "says", "ok")
        return call(("none_auto", {"text": "a"}))

    async with Switchboard(ScriptedModel(think), weather=weather) as house:
        got = await house.accept("do it")
        assert (await house.live.line_of(got.event, 200))["text"] == "It is done."
        assert len(house.vendor.book) == 1


@virtual
async def test_text_is_passed_on_while_it_comes():
    async with Switchboard(ScriptedModel([say("Hello Ana, how are you?")])) as house:
        got = await house.accept("hello")
        await house.live.line_of(got.event)
        assert house.live.drafts[got.event] == "Hello Ana, how are you?"


@virtual
async def test_what_is_being_done_is_said_in_plain_words():
    model = ScriptedModel([call(("note_read", {"text": "a"})), say("ok")])
    async with Switchboard(model) as house:
        await house.ask("hello")
        assert house.live.activities == ["using note read", ""]


@virtual
async def test_the_cost_of_every_call_is_written_down_with_the_turn():
    model = ScriptedModel([call(("note_read", {"text": "a"})), say("ok")])
    async with Switchboard(model) as house:
        got = await house.accept("hello")
        await house.live.line_of(got.event)
        rows = house.disk.all("select turn, tokens_in, tokens_out, micros, person from spend")
        assert rows == [(got.event, 100, 20, 10, "per_ana")] * 2


@virtual
async def test_what_is_cut_off_goes_on_where_it_was_without_asking_again():
    disk = Disk(image())
    seen: list[int] = []

    async def think(request):
        seen.append(len(request.messages))
        if len(seen) == 3:
            await asyncio.sleep(10_000)
        return call(("note_read", {"text": str(len(seen))}))

    first = Switchboard(ScriptedModel(think), disk=disk)
    await first.engine.start()
    got = await first.accept("hello")
    await asyncio.sleep(5)
    await first.engine.stop(seconds=0)
    second = ScriptedModel([say("There.")])
    async with Switchboard(second, disk=disk) as house:
        assert (await house.live.line_of(got.event, 30))["text"] == "There."
    assert len(second.asked) == 1
    told = [m.content for m in second.asked[0].messages if m.role == "tool"]
    assert told == ["note_read says: 1", "note_read says: 2"]


@virtual
async def test_what_a_turn_leaves_for_later_ones_holds_no_call_without_a_result():
    vendor = Vendor()

    async def hang(ctx: ToolContext, args: Words):
        """Hang. Example: {"text": "x"}"""
        await asyncio.sleep(10_000)

    tools = tools_of(vendor)
    tools["note_read"] = replace(tools["note_read"], perform=hang)
    model = ScriptedModel(
        lambda request: (
            say("ok")
            if last_words(request).endswith("and now")
            else call(("page_read", {"text": "a"}), ("note_read", {"text": "b"}))
        )
    )
    async with Switchboard(model, tools=tools, team=team(wall_s=10)) as house:
        got = await house.accept("hello")
        assert "took longer" in str((await house.live.line_of(got.event, 60))["text"])
        assert await house.ask("and now") == "ok"
        assert [unanswered(lines) for lines in raw(house)] == [set()]


@virtual
async def test_when_too_much_was_asked_the_calls_are_answered_all_the_same():
    limits = Limits(sender=UNLIMITED, tenant=UNLIMITED, asks_per_hour=1)
    model = ScriptedModel(lambda request: call(("none_ask", {"text": "a"})))
    async with Switchboard(model, limits=limits) as house:
        await house.ask("one")
        assert "Decide those first" in await house.ask("two")
        assert [unanswered(lines) for lines in raw(house)] == [set(), set()]


@virtual
async def test_a_vendor_s_own_form_of_a_message_is_sent_back_unchanged():
    thinking = {"role": "assistant", "content": "Hm.", "signature": "s1"}
    first = ModelReply(
        message=ModelMessage(role="assistant", content="Hm.", raw=thinking),
        finish="stop",
        model="m",
        usage=Usage(),
    )
    model = ScriptedModel([first, say("Yes.")])
    async with Switchboard(model) as house:
        await house.ask("hello")
        await house.ask("really?")
        kept = [m for m in model.asked[1].messages if m.role == "assistant"]
        assert [m.raw for m in kept] == [thinking]
