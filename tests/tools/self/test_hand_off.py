"""Handing over to a colleague."""

import pytest

from bot.core.agent import Agent
from bot.core.errors import Forbidden, NotFound
from bot.core.ids import AgentName
from tests.tools.kit import context, house, refusal
from tools.self.hand_off import HandOff, follows_chart, hand_off


def agent(name: str, lead: str | None = None) -> Agent:
    """One of the team."""
    return Agent(
        name=AgentName(name),
        title=name,
        prompt="",
        version="1",
        lead=AgentName(lead) if lead else None,
    )


FLAT = (agent("bri"), agent("kelly"), agent("donna"))
CHART = (agent("ada"), agent("bri", "ada"), agent("kelly", "ada"), agent("tim", "kelly"))


async def test_the_loop_is_told_who_and_what() -> None:
    asked = HandOff(agent="@Kelly ", note="Post the hours.")
    outcome = await hand_off(context(house(FLAT)), asked)
    assert outcome.data == {"hand_off": "kelly", "note": "Post the hours."}


async def test_a_colleague_who_is_none_is_refused_with_the_nearest() -> None:
    with pytest.raises(NotFound, match="Did you mean kelly"):
        await hand_off(context(house(FLAT)), HandOff(agent="kelli"))
    with pytest.raises(NotFound, match="There are: bri, kelly, donna"):
        await hand_off(context(house(FLAT)), HandOff(agent="../../zzz\r\n"))


async def test_nobody_hands_over_to_themselves() -> None:
    with pytest.raises(Forbidden, match="That is you"):
        await hand_off(context(house(FLAT)), HandOff(agent="bri"))


@pytest.mark.parametrize(
    ("giver", "taker", "may"),
    [
        ("bri", "ada", True),
        ("ada", "bri", True),
        ("bri", "kelly", True),
        ("kelly", "tim", True),
        ("tim", "kelly", True),
        ("bri", "tim", False),
        ("tim", "ada", False),
    ],
)
def test_the_chart_is_followed(giver: str, taker: str, may: bool) -> None:
    team = {member.name: member for member in CHART}
    assert follows_chart(team[AgentName(giver)], team[AgentName(taker)]) is may


async def test_out_of_reach_is_refused_with_who_is_in_reach() -> None:
    with pytest.raises(Forbidden, match="only to: ada, kelly"):
        await hand_off(context(house(CHART)), HandOff(agent="tim"))


def test_arguments_have_limits() -> None:
    assert "at most 2000" in refusal(HandOff, agent="a", note="b" * 10**6)
    assert "at most 64" in refusal(HandOff, agent="a" * 65)
    assert "Extra" in refusal(HandOff, agent="a", tenant="ten_2")
