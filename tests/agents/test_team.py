"""The thirteen agents that come with the house."""

from pathlib import Path

import pytest

from agents.runtime import registry
from agents.runtime.loader import Team
from agents.runtime.prompt import CHARS_PER_TOKEN, RULES
from agents.runtime.schemas import model_tool
from agents.runtime.wire import Toolboxes
from bot.core.agent import Agent
from bot.core.ids import TenantId

FOLDER = Path(__file__).parent.parent.parent / "agents"
TEAM = Team(FOLDER)
PUBLISH = {
    "kelly": {"x"},
    "fran": {"facebook", "instagram"},
    "dwight": {"threads"},
    "timmy": {"tiktok"},
    "terry": {"tumblr"},
    "cornwall": {"pinterest"},
    "link": {"linkedin"},
    "emma": {"alignable"},
    "donna": {"reddit"},
    "reynolds": {"blog"},
    "porter": set(),
    "treasurer": set(),
}
"""Who publishes where; Bri publishes everywhere."""


def everybody() -> tuple[Agent, ...]:
    """The team."""
    return tuple(TEAM.all(TenantId("ten_a")))


def networks(agent: Agent) -> set[str]:
    """Where an agent publishes."""
    own = (name for name in agent.tools if name != "posts_publish")
    return {name.removesuffix("_publish") for name in own if name.endswith("_publish")}


def test_all_thirteen_are_there_and_read_without_a_problem() -> None:
    assert TEAM.problems == ()
    assert {agent.name for agent in everybody()} == {*PUBLISH, "bri"}


@pytest.mark.parametrize("agent", everybody(), ids=lambda agent: str(agent.name))
def test_each_has_what_it_needs_and_no_tool_that_is_not_there(agent: Agent) -> None:
    assert agent.title
    assert agent.emoji
    assert 300 < len(agent.prompt) < 2500
    assert agent.prompt.startswith("You are ")
    assert set(agent.tools) <= set(registry.load())
    assert len(set(agent.tools)) == len(agent.tools)
    assert {"hand_off", "schedule_create", "memory_recall"} <= set(agent.tools)
    assert agent.policy == {}, "what may be done unasked is for each tenant to say"


@pytest.mark.parametrize("agent", everybody(), ids=lambda agent: str(agent.name))
def test_what_goes_along_with_every_question_leaves_room_for_the_answer(agent: Agent) -> None:
    tools = registry.load()
    shown = [model_tool(tools[name]) for name in agent.tools if name not in agent.more]
    text = Toolboxes().get(tuple(shown)).text
    tokens = (len(text) + len(agent.prompt)) / CHARS_PER_TOKEN
    assert tokens <= agent.limits.tokens / 8, "put what is rarely needed under more_tools"


def test_each_publishes_on_its_own_network_and_bri_on_all() -> None:
    for agent in everybody():
        expected = PUBLISH.get(agent.name, set().union(*PUBLISH.values()))
        assert networks(agent) == expected, agent.name


def test_whoever_is_called_at_home_in_outlook_can_open_it() -> None:
    """A colleague who lacks the tool would say that nothing is connected, whatever is."""
    for name in ("bri", "porter"):
        agent = next(each for each in everybody() if each.name == name)
        assert {"calendar_list", "calendar_create", "mailbox_search", "mailbox_send"} <= {
            *agent.tools
        }, name


def test_what_holds_for_everybody_stands_in_the_rules_of_the_house_alone() -> None:
    for words in ("sandbox", "approval", "connected"):
        assert words in RULES
    told = [agent.name for agent in everybody() if "Kept in the sandbox" in agent.prompt]
    assert told == []


def test_bri_leads_everybody() -> None:
    leads = {str(agent.name): agent.lead for agent in everybody()}
    assert leads.pop("bri") is None
    assert set(leads.values()) == {"bri"}
