"""What is answered in a place of Slack: an owner says so there, in a form that others do not see."""

import json
from collections.abc import AsyncIterator

import pytest

from bot.platforms.lent import Manner, Site
from channels.slack import placing
from tests.channels.slack_side import ANA, BEN, Side, listening, until
from tests.fakes import slack_rules
from tests.fakes.slack_apps import TEAM
from tests.fakes.slack_server import SlackServer

AGENTS = [("bri", "Bri writes")]


@pytest.fixture
async def side() -> AsyncIterator[Side]:
    async with SlackServer() as server, listening(server) as side:
        yield side
        assert server.mistakes == [] and server.lost == []


async def form(side: Side, place: str) -> str:
    """Ana opens the form of a place; gives its id."""
    asked = await side.server.world.command(ANA, place, "/switchboard", "configure")
    assert asked.acked
    await until(lambda: side.server.world.views)
    return next(iter(side.server.world.views))


async def test_an_owner_says_in_a_channel_who_answers_what(side: Side) -> None:
    world = side.server.world
    place = world.channel("general", ANA, BEN)
    view = await form(side, place)
    words = {"Who answers": "bri", "What is answered": "Everything that is said"}
    done = await world.submit(ANA, view, words)
    assert done.acked and not done.response
    site = Site(workspace=TEAM, place=place, name="#somewhere")
    assert side.desk.places == {place: Manner(site=site, agent="bri", everything=True)}
    await side.idle()
    ((who, text),) = [(m.only_for, m.text) for m in side.server.shown(place)]
    assert who == ANA.id and "bri answers everything that is said in #somewhere" in text
    assert side.heard == [], "the command is for the house, no agent sees it"


async def test_sending_the_form_twice_says_it_once(side: Side) -> None:
    world = side.server.world
    place = world.channel("general", ANA)
    view = await form(side, place)
    kept = dict(world.views)
    for _ in range(2):
        world.views.update(kept)
        await world.submit(ANA, view, {"What is answered": "none"})
    assert list(side.desk.places) == [place]
    assert side.desk.places[place].mentions is False


async def test_the_form_shows_what_holds_now(side: Side) -> None:
    world = side.server.world
    place = world.channel("general", ANA)
    site = Site(workspace=TEAM, place=place)
    side.desk.places[place] = Manner(site=site, agent="bri", everything=True)
    view = world.views[await form(side, place)]
    chosen = [b["element"]["initial_option"]["value"] for b in view["blocks"] if "element" in b]
    assert chosen == ["bri", "all"]


async def test_others_see_no_form_and_are_told_why(side: Side) -> None:
    world = side.server.world
    place = world.channel("general", ANA, BEN)
    await world.command(BEN, place, "/switchboard", "configure")
    await side.idle()
    assert world.views == {}
    ((who, text),) = [(m.only_for, m.text) for m in side.server.shown(place)]
    assert who == BEN.id and "Only an owner" in text


async def test_a_form_that_came_from_somebody_else_changes_nothing(side: Side) -> None:
    world = side.server.world
    place = world.channel("general", ANA, BEN)
    view = await form(side, place)
    done = await world.submit(BEN, view, {"What is answered": "none"})
    assert "Only an owner" in done.response["errors"]["agent"]
    assert side.desk.places == {}


async def test_the_home_of_an_owner_has_a_button_for_each_place(side: Side) -> None:
    world = side.server.world
    place = world.channel("general", ANA, BEN)
    site = Site(workspace=TEAM, place=place, name="#general")
    side.desk.places[place] = Manner(site=site, agent="bri")
    for person in (ANA, BEN):
        await world.open_home(person)
        await until(lambda person=person: person.id in world.homes)
    assert "configure_action" not in json.dumps(world.homes[BEN.id])
    buttons = [b["accessory"]["value"] for b in world.homes[ANA.id]["blocks"] if "accessory" in b]
    assert buttons == ["*", place]


async def test_a_button_of_the_home_opens_the_form_of_its_place(side: Side) -> None:
    world = side.server.world
    place = world.channel("general", ANA)
    for value, wanted in (("*", ""), (place, place)):
        world.views.clear()
        action = {"action_id": "configure_action", "action_ts": world.ts(), "value": value}
        action |= {"type": "button"}
        pressed = {"type": "block_actions", "container": {"type": "view"}, "actions": [action]}
        await world.deliver("interactive", {**pressed, **world._by(ANA)})
        await until(lambda: world.views)
        (view,) = world.views.values()
        assert json.loads(view["private_metadata"])["place"] == wanted
        await world.submit(ANA, view["id"], {"What is answered": "none"})
        assert side.desk.places[wanted].mentions is False


async def test_in_a_direct_message_it_is_the_whole_workspace(side: Side) -> None:
    view = side.server.world.views[await form(side, side.server.world.direct(ANA))]
    assert json.loads(view["private_metadata"]) == {"place": "", "name": ""}


@pytest.mark.parametrize(
    "agents",
    [[], AGENTS, [(f"agent{n}", "x" * 200) for n in range(200)]],
    ids=["none", "one", "more than a select holds"],
)
def test_the_form_is_one_that_slack_takes(agents: list[tuple[str, str]]) -> None:
    for manner in (Manner(site=Site(workspace=TEAM)), Manner(site=Site(workspace="T"), agent="x")):
        assert list(slack_rules.view_misfits(placing.of_place(manner, agents))) == []


@pytest.mark.parametrize("told", ["", "[]", '{"place": 5}', "no json"])
def test_a_form_that_is_odd_changes_nothing_of_other_places(told: str) -> None:
    found = placing.read({"private_metadata": told}, TEAM)
    assert found == Manner(site=Site(workspace=TEAM))
