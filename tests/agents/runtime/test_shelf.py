"""Tools that are only named until the model asks: fewer words each time, and no other rights."""

import asyncio
import json

from agents.runtime.shelf import NAME
from agents.runtime.wire import Toolboxes
from bot.core.model import ModelRequest
from tests.fakes.model import ScriptedModel, call, last_words, say
from tests.fakes.switchboard import ALL_TOOLS, OLGA, Switchboard, Team, agent
from tests.sim.loop import virtual

SHELVED = "none_ask"


def house_of(model: ScriptedModel, *shelved: str) -> Switchboard:
    """One agent, some of whose tools are on the shelf."""
    return Switchboard(model, team=Team({"bri": agent("bri", more=shelved)}))


def described(request: ModelRequest) -> list[str]:
    """What a provider would be sent."""
    sent = Toolboxes().get(request.tools)
    assert json.loads(sent.text) == sent.payload
    return [str(tool["function"]["name"]) for tool in sent.payload]


def asking(*names: str) -> ScriptedModel:
    """A model that asks for tools when told to, and does the deed when told to."""

    def think(request):
        told = last_words(request)
        if request.messages[-1].role == "tool":
            return say(request.messages[-1].content)
        if told.endswith("look"):
            return call((NAME, {"names": list(names)}))
        if told.endswith("do it"):
            return call((SHELVED, {"text": "hello"}))
        return say("ok")

    return ScriptedModel(think)


@virtual
async def test_what_is_on_the_shelf_is_named_and_not_described():
    async with house_of(asking(SHELVED), SHELVED) as house:
        await house.ask("hello")
        (request,) = house.model.asked
        assert set(described(request)) == {*ALL_TOOLS, NAME} - {SHELVED}
        opener = next(tool for tool in request.tools if tool.name == NAME)
        assert f"- {SHELVED}: " in opener.description
        assert {tool.name for tool in request.tools} == {*ALL_TOOLS, NAME}, "for who needs no words"


@virtual
async def test_once_asked_for_it_is_described_in_this_turn_and_the_next():
    async with house_of(asking(SHELVED), SHELVED) as house:
        assert await house.ask("look") == f"Described from now on: {SHELVED}."
        await house.ask("hello")
        before, after, later = map(described, house.model.asked)
        assert SHELVED not in before
        assert set(after) == set(later) == set(ALL_TOOLS), "nothing is left on the shelf"
        assert house.model.asked[1].tools is house.model.asked[2].tools, "written out once"


@virtual
async def test_a_tool_that_nobody_has_is_not_promised():
    async with house_of(asking("money_take", SHELVED), SHELVED) as house:
        said = await house.ask("look")
        assert said == f"Described from now on: {SHELVED}. You have no tool money_take."


@virtual
async def test_names_that_are_none_are_a_mistake_that_ends_by_the_cap():
    def think(request):
        return call((NAME, {"names": "everything"}))

    async with house_of(ScriptedModel(think), SHELVED) as house:
        said = await house.ask("look")
        assert said.startswith("I could not work out how to use my tools")


@virtual
async def test_the_shelf_gives_no_right_and_takes_none():
    async with house_of(asking(SHELVED), SHELVED) as house:
        await house.ask("do it")
        (question,) = await house.pending()
        assert house.vendor.calls == 0, "it waits for a yes, described or not"
        await house.decide(question, "approve", OLGA)
        await house.settled(question)
        assert house.vendor.calls == 1


@virtual
async def test_an_agent_without_a_shelf_has_no_such_tool():
    async with house_of(asking(SHELVED)) as house:
        await asyncio.wait_for(house.ask("look"), 60)
        assert set(described(house.model.asked[0])) == set(ALL_TOOLS)
