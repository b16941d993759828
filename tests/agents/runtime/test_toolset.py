"""The tools as a model sees them, and as approvals and effects use them."""

import json
from dataclasses import replace

import pytest
from pydantic import BaseModel, ConfigDict, Field

from agents.runtime.toolset import plain_card
from bot.core.card import Card
from bot.core.card import Field as Line
from bot.core.effect import EffectState, Outcome
from bot.core.errors import Invalid
from bot.core.tool import Risk, Tool, ToolContext
from tests.fakes.model import ScriptedModel, call, last_words, say
from tests.fakes.switchboard import HOME, Switchboard, Team, agent
from tests.fakes.vendor import Vendor, Words, tools_of
from tests.sim.loop import virtual
from tests.tools.kit import effect


class Inner(BaseModel):
    """A part."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(description="What it is called", min_length=1)
    count: int | None = None


class Rich(BaseModel):
    """Arguments of every form."""

    model_config = ConfigDict(extra="forbid")

    title: str
    parts: list[Inner] = Field(default_factory=list, max_length=3)
    mood: str | None = Field(default=None, pattern="^(calm|loud)$")


async def perform(ctx: ToolContext, args: Rich) -> Outcome:
    """Do it. Example: {"title": "x"}"""
    return Outcome(state=EffectState.SENT)


def preview(args: Rich) -> Card:
    return Card(title=args.title, fields=(Line(name="parts", value=str(len(args.parts))),))


RICH = Tool(name="rich", arguments=Rich, perform=perform, preview=preview, risk=Risk.WRITE)


def house(connected: str = "", **more: Tool) -> Switchboard:
    made = Switchboard(tools={**tools_of(Vendor()), "rich": RICH, **more})
    made.engine.toolset._connected = lambda tenant, name: "" if name[:1] == ":" else connected
    return made


@virtual
async def test_a_schema_is_written_out_in_plain_keywords():
    (tool,) = house().engine.toolset.offered(agent(tools=("rich",)))
    text = json.dumps(tool.parameters)
    assert "$ref" not in text
    assert "$defs" not in text
    assert "anyOf" not in text
    assert tool.parameters["required"] == ["title"]
    parts = tool.parameters["properties"]["parts"]
    assert parts["items"]["properties"]["name"]["description"] == "What it is called"
    assert parts["items"]["properties"]["count"]["type"] == "integer"
    assert tool.description == 'Do it. Example: {"title": "x"}'


@virtual
async def test_an_argument_called_title_or_default_survives():
    class Odd(BaseModel):
        title: str
        default: str

    odd = Tool(name="odd", arguments=Odd, perform=perform)
    (tool,) = Switchboard(tools={"odd": odd}).engine.toolset.offered(agent(tools=("odd",)))
    assert set(tool.parameters["properties"]) == {"title", "default"}


@virtual
async def test_the_same_list_of_tools_is_the_same_tuple():
    toolset = house().engine.toolset
    assert toolset.offered(agent(tools=("rich",))) is toolset.offered(agent(tools=("rich",)))


class Visitors:
    """Guests of a toolset: each tenant's own."""

    def __init__(self, there: dict[str, dict[str, Tool]]) -> None:
        self.there = there

    def tools(self, tenant):
        return self.there.get(tenant, {})

    def names(self, tenant, agent, named):
        return tuple(self.there.get(tenant, {}))

    def words(self):
        return frozenset()


@virtual
async def test_a_list_stays_the_same_tuple_where_guests_may_come():
    toolset = house().engine.toolset
    bri = agent(tools=("rich",))
    toolset.guests = Visitors({})
    assert toolset.offered(bri, HOME) is toolset.offered(bri)
    one, other = replace(RICH, name="notes_one"), replace(RICH, name="notes_other")
    toolset.guests = Visitors({HOME: {"notes_one": one}, "tn_away": {"notes_other": other}})
    at_home = toolset.offered(bri, HOME)
    assert [tool.name for tool in at_home] == ["rich", "notes_one"]
    assert toolset.offered(bri, HOME) is at_home
    assert [tool.name for tool in toolset.offered(bri, "tn_away")] == ["rich", "notes_other"]


@virtual
async def test_a_guest_that_changed_is_offered_as_it_is_now():
    toolset = house().engine.toolset
    toolset.guests = Visitors({})
    for round_ in range(600):
        name = f"notes_{round_}"
        toolset.guests.there = {HOME: {name: replace(RICH, name=name)}}
        names = [tool.name for tool in toolset.offered(agent(tools=("rich",)), HOME)]
        assert names == ["rich", name]


@pytest.mark.parametrize(
    ("arguments", "mistake"),
    [
        ({}, "title: Field required"),
        ({"title": 7}, "title: Input should be a valid string"),
        ({"title": "a", "parts": [{"name": ""}]}, "parts.0.name"),
        ({"title": "a", "more": 1}, "more: Extra inputs are not permitted"),
        ({"title": "a", "mood": "wild"}, "mood: String should match pattern"),
    ],
)
@virtual
async def test_each_mistake_is_named_with_its_place(arguments, mistake: str):
    with pytest.raises(Invalid) as caught:
        house().engine.toolset.understand("rich", arguments)
    assert mistake in caught.value.message


@virtual
async def test_arguments_are_kept_in_full_so_that_the_hash_binds_what_is_done():
    call_ = house().engine.toolset.understand("rich", {"title": "a", "parts": [{"name": "b"}]})
    assert call_.plain == {"title": "a", "parts": [{"name": "b"}]}


@virtual
async def test_a_tool_that_nobody_knows_is_invalid():
    with pytest.raises(Invalid, match="no tool 'nothing'"):
        house().engine.toolset.understand("nothing", {})


@virtual
async def test_names_are_the_agent_s_own_once_each_and_only_those_that_there_are():
    toolset = house().engine.toolset
    assert toolset.names(agent(tools=("rich", "rich", "gone", "pay"))) == ("rich", "pay")
    assert toolset.named(("rich", "pay")) is toolset.named(["rich", "pay"]), "found out once"


@virtual
async def test_a_tool_without_its_connection_is_performed_by_the_sandbox_and_says_so():
    vendor = Vendor()
    tools = tools_of(vendor)
    tools["none_ask"] = replace(tools["none_ask"], provider="x")
    model = ScriptedModel(
        lambda request: (
            say(last_words(request))
            if last_words(request).startswith("[outcome]")
            else call(("none_ask", {"text": "hello"}))
        )
    )
    async with Switchboard(model, tools=tools, vendor=vendor) as made:
        await made.ask("go")
        (question,) = await made.pending()
        assert question.card.sandbox
        assert [f.value for f in question.card.fields] == ["hello"]
        await made.decide(question, "approve")
        said = await made.settled(question)
        assert '"sandbox":true' in said
        assert vendor.calls == 0
        rows = made.disk.all("select state, vendor_ref, sandbox from effect")
        assert rows[0][0] == "sent"
        assert rows[0][1].startswith("sandbox:eff_")
        details = made.disk.all("select details from audit where action like 'effect.%'")
        assert all('"sandbox":true' in row[0] for row in details)


@pytest.mark.parametrize("is_outside", [True, False])
@virtual
async def test_what_an_approved_deed_brought_reaches_the_next_turn(is_outside: bool):
    async def act(ctx: ToolContext, args: Words) -> Outcome:
        assert ctx.save is not None
        await ctx.save({"since": "noon"})
        return Outcome(state=EffectState.SENT, data="Event 17 is there.")

    vendor = Vendor()
    tools = tools_of(vendor)
    tools["none_ask"] = replace(tools["none_ask"], perform=act, outside=is_outside)
    model = ScriptedModel(
        lambda request: (
            say(last_words(request))
            if last_words(request).startswith("[outcome]")
            else call(("none_ask", {"text": "hello"}))
        )
    )
    async with Switchboard(model, tools=tools, vendor=vendor) as made:
        await made.ask("go")
        (question,) = await made.pending()
        await made.decide(question, "approve")
        said = await made.settled(question)
        ours, _, theirs = said.partition("<outside")
        assert "Event 17 is there." in (theirs if is_outside else ours), said
        ((kept,),) = made.disk.all("select progress from effect")
        assert '"since":"noon"' in kept


@virtual
async def test_with_its_connection_it_is_performed_for_real_and_named_in_the_hash():
    toolset = house(connected="con_1").engine.toolset
    tool = replace(RICH, provider="x")
    assert toolset.connection(HOME, tool) == "con_1"
    assert not toolset.in_sandbox(HOME, tool)
    assert not toolset.in_sandbox(HOME, RICH)
    assert toolset.connection(HOME, RICH) == ""


@virtual
async def test_a_card_of_a_tool_without_one_shows_every_argument_whole():
    long = "word " * 100
    model = ScriptedModel([call(("none_ask", {"text": long}))])
    async with Switchboard(model) as made:
        await made.ask("go")
        (question,) = await made.pending()
        (field,) = question.card.fields
        assert (field.name, field.value, field.long, field.editable) == ("text", long, True, "text")


@virtual
async def test_what_identifies_a_deed_comes_from_the_house_and_not_from_the_model():
    seen: list[ToolContext] = []

    async def watch(ctx: ToolContext, args: Words) -> Outcome:
        """Watch. Example: {"text": "x"}"""
        seen.append(ctx)
        return Outcome(state=EffectState.SENT)

    tools = tools_of(Vendor())
    tools["none_auto"] = replace(tools["none_auto"], perform=watch)
    model = ScriptedModel([call(("none_auto", {"text": "I am Olga, tenant ten_away"})), say("ok")])
    async with Switchboard(model, tools=tools, team=Team()) as made:
        got = await made.accept("go")
        await made.live.line_of(got.event)
    (ctx,) = seen
    assert (ctx.tenant, ctx.person, ctx.agent, ctx.turn) == (HOME, "per_ana", "bri", got.event)
    assert ctx.key == ctx.effect == f"eff_{got.event[4:]}0200"


def test_a_plain_card_has_the_tool_s_name_in_words():
    assert plain_card(effect(RICH, {"title": "a"})).title == "Rich"
