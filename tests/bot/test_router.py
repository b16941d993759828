"""Who answers: the stages in their order, and the most specific rule."""

import asyncio
from dataclasses import replace

import pytest

from bot.core.agent import Limits as Caps
from bot.core.event import Event, Place, Sender, Trust
from bot.core.ids import AgentName
from bot.core.route import Binding
from bot.limits import Rate
from bot.router import rank
from bot.store import bindings
from bot.wiring.engine import Limits
from tests.fakes.database import Disk
from tests.fakes.model import ScriptedModel, say
from tests.fakes.switchboard import ANA, HOME, OLGA, UNLIMITED, Switchboard, Team, agent, image
from tests.sim.loop import virtual

NAMES = ("bri", "kelly", "dwight", "emma")


def crew() -> Team:
    """Four agents."""
    return Team({name: agent(name) for name in NAMES})


def rule(name: str, **parts: str) -> Binding:
    """A rule for an agent."""
    return Binding(id=f"r-{name}-{len(parts)}-{'-'.join(parts)}", agent=AgentName(name), **parts)


async def with_rules(house: Switchboard, *rules: Binding) -> Switchboard:
    """Instead of the default one."""
    await house.db.write(bindings.remove(HOME, "default"))
    for each in rules:
        await house.db.write(bindings.add(HOME, each, 1))
    house.engine.changed()
    return house


def event_in(house: Switchboard, **changes) -> Event:
    """A message of Ana's in a busy place."""
    event = house.event(changes.pop("text", "hello"), channel="chat", person=None, ext="U-Ana")
    place = Place(id="C123", thread="T9", workspace="W1", direct=False)
    sender = Sender(ext_id="U-Ana", name="Ana", person=ANA)
    return replace(event, place=place, sender=sender, to="+49123", **changes)


EVERY_PART = {
    "channel": "chat",
    "workspace": "W1",
    "place": "C123",
    "thread": "T9",
    "person": ANA,
    "address": "+49123",
}


@pytest.mark.parametrize("part", EVERY_PART)
@virtual
async def test_a_rule_that_names_a_part_fits_what_has_it_and_nothing_else(part: str):
    async with Switchboard(team=crew()) as house:
        await with_rules(house, rule("kelly", **{part: EVERY_PART[part]}))
        event = event_in(house)
        assert (await house.engine.router.explain(event)).agent == "kelly"
        await with_rules(house, rule("dwight", **{part: "another"}))
        explained = await house.engine.router.explain(event)
        assert explained.agent == "kelly"
        lost = [v for v in explained.verdicts if v.agent == "dwight"]
        assert not lost[0].won
        assert "another" in lost[0].why


@pytest.mark.parametrize(
    ("more", "less"),
    [
        ({"person": ANA}, {"thread": "T9"}),
        ({"thread": "T9"}, {"place": "C123"}),
        ({"place": "C123"}, {"address": "+49123"}),
        ({"address": "+49123"}, {"workspace": "W1"}),
        ({"workspace": "W1"}, {"channel": "chat"}),
        ({"channel": "chat"}, {}),
        ({"place": "C123", "person": ANA}, {"person": ANA}),
        ({"person": ANA}, {"thread": "T9", "place": "C123", "channel": "chat"}),
    ],
    ids=lambda parts: "+".join(parts) or "everything",
)
@virtual
async def test_the_more_specific_rule_wins_in_whichever_order_they_stand(more, less):
    for order in ((more, less), (less, more)):
        async with Switchboard(team=crew()) as house:
            names = ["kelly" if parts is more else "dwight" for parts in order]
            rules = [rule(name, **parts) for name, parts in zip(names, order, strict=True)]
            await with_rules(house, *rules)
            explained = await house.engine.router.explain(event_in(house))
            assert explained.agent == "kelly"
            assert [v.won for v in explained.verdicts if v.agent == "kelly"] == [True]
            (lost,) = [v for v in explained.verdicts if v.agent == "dwight"]
            assert "more specific" in lost.why


@virtual
async def test_two_rules_as_specific_as_each_other_are_a_refusal_that_names_both():
    async with Switchboard(team=crew()) as house:
        await with_rules(house, rule("kelly", place="C123"), rule("dwight", place="C123"))
        explained = await house.engine.router.explain(event_in(house))
        assert explained.agent is None
        assert "dwight and kelly" in explained.why
        assert all(not verdict.won for verdict in explained.verdicts)
        event = event_in(house)
        await house.engine.inbox.accept(event)
        line = await house.live.line_of(event.id)
        assert line["text"] == explained.why
        assert house.model.asked == []


@virtual
async def test_two_equal_rules_for_the_same_agent_are_no_tie():
    async with Switchboard(team=crew()) as house:
        await with_rules(
            house, rule("kelly", place="C123"), rule("kelly", place="C123", channel="chat")
        )
        assert (await house.engine.router.explain(event_in(house))).agent == "kelly"


@virtual
async def test_no_rule_is_a_refusal_that_says_who_can_mend_it():
    async with Switchboard(team=crew()) as house:
        await with_rules(house, rule("kelly", place="elsewhere"))
        assert "An owner can add one" in await house.ask("hello")
        assert house.model.asked == []


@virtual
@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("@kelly please", "kelly"),
        ("Kelly, please", "kelly"),
        ("dwight: count them", "dwight"),
        ("kelly please", None),
        ("@nobody please", None),
        ("tell kelly, please", None),
    ],
)
async def test_an_agent_addressed_at_the_beginning_answers(text: str, named: str | None):
    async with Switchboard(team=crew()) as house:
        await with_rules(house, rule("bri"))
        explained = await house.engine.router.explain(event_in(house, text=text))
        assert explained.agent == (named or "bri")


@virtual
async def test_an_agent_that_the_channel_names_answers_and_an_unknown_one_is_refused():
    async with Switchboard(team=crew()) as house:
        await with_rules(house, rule("bri"))
        assert (await house.engine.router.explain(event_in(house, agent="emma"))).agent == "emma"
        explained = await house.engine.router.explain(event_in(house, agent="keely"))
        assert explained.agent is None
        assert "Did you mean kelly?" in explained.why


@virtual
async def test_a_conversation_stays_with_its_agent_until_the_person_says_otherwise():
    async with Switchboard(ScriptedModel(lambda r: say(str(r.agent))), team=crew()) as house:
        assert await house.ask("hello") == "bri"
        assert "kelly" in await house.ask("/agent kelly")
        assert await house.ask("hello") == "kelly"
        assert await house.ask("@emma, hello") == "emma"
        assert await house.ask("hello") == "kelly"


@virtual
async def test_a_misspelt_agent_or_command_is_told_the_nearest_right_one():
    async with Switchboard(team=crew()) as house:
        assert "Did you mean `kelly`?" in await house.ask("/agent keely")
        assert "Did you mean `/agents`?" in await house.ask("/agnets")
        assert "`/help` lists them" in await house.ask("/xyzzy")


@virtual
async def test_commands_are_answered_without_a_model():
    async with Switchboard(team=crew()) as house:
        for name in NAMES:
            assert f"**{name}**" in await house.ask("/agents")
        assert "/approvals" in await house.ask("/help")
        assert "Nothing waits" in await house.ask("/approvals")
        assert "Nothing was spent" in await house.ask("/usage")
        assert house.model.asked == []


@virtual
async def test_a_stranger_gets_a_code_and_nothing_else_and_only_once_an_hour():
    async with Switchboard() as house:
        stranger = {"person": None, "channel": "chat", "ext": "U-nobody"}
        said = await house.ask("hello", **stranger)
        assert "Give this code to whoever runs this" in said
        assert await house.ask("hello?", **stranger) == ""
        assert await house.ask("/agents", **stranger) == ""
        assert house.model.asked == []
        await asyncio.sleep(3700)
        house.move(hours=2)
        assert "Give this code" in await house.ask("hello??", **stranger)


@virtual
async def test_whoever_did_not_prove_to_be_somebody_gets_no_code_from_outside():
    async with Switchboard() as house:
        outside = {"person": None, "channel": "chat", "ext": "forged", "trust": Trust.OUTSIDE}
        assert await house.ask("hello", **outside) == ""
        assert house.model.asked == []


@virtual
async def test_a_paired_stranger_is_a_person_from_then_on():
    async with Switchboard() as house:
        stranger = {"person": None, "channel": "chat", "ext": "U-new"}
        code = (await house.ask("hello", **stranger)).partition(": ")[2][:8]
        await house.engine.directory._people.pair(HOME, code, OLGA, name="Nina")
        assert await house.ask("hello", **stranger) == "Hello."


@virtual
async def test_an_agent_is_spoken_to_only_where_it_lives():
    team = Team({"bri": agent("bri", channels=("slack", "web"))})
    async with Switchboard(team=team) as house:
        assert await house.ask("hello") == "Hello."
        said = await house.ask("hello", channel="chat", ext="U-Ana")
        assert said == "bri can be spoken to on slack, web, not here."


@virtual
async def test_too_many_messages_to_an_agent_are_refused_with_the_time_to_wait():
    team = Team({"bri": agent("bri", limits=Caps(per_minute=2, per_hour=0, per_day=0))})
    async with Switchboard(team=team) as house:
        assert [await house.ask("hi") for _ in range(2)] == ["Hello."] * 2
        assert "Write again in 30 seconds" in await house.ask("hi")
        assert await house.ask("hi", channel="chat", ext="U-Ana") == "Hello."
        await asyncio.sleep(31)
        assert await house.ask("hi") == "Hello."


@virtual
async def test_what_another_process_let_pass_is_counted_here_as_well():
    caps = Caps(per_minute=3, per_hour=0, per_day=0)
    team = Team({"bri": agent("bri", limits=caps)})
    async with Switchboard(team=team) as house, Switchboard(team=team) as other:
        told = []
        other.engine.router._took = lambda *what: told.append(what)
        assert [await other.ask("hi") for _ in range(3)] == ["Hello."] * 3
        assert "Write again in" in await other.ask("hi")
        assert len(told) == 3, "what is refused takes nothing"
        for what in told[:2]:
            house.engine.router.taken(*what)
        house.engine.router.taken("ten_home", "nobody-we-know", "web")
        assert await house.ask("hi") == "Hello."
        assert "Write again in" in await house.ask("hi")


@virtual
async def test_a_tenant_that_is_busy_is_told_and_another_one_is_not():
    limits = Limits(sender=UNLIMITED, tenant=Rate(count=2, seconds=60))
    async with Switchboard(limits=limits) as house:
        for _ in range(2):
            await house.ask("hi")
        assert "Write again in" in await house.ask("hi")
        assert await house.ask("hi", tenant="ten_away", person="per_eve") == "Hello."


@virtual
async def test_the_stages_stand_in_one_visible_row():
    async with Switchboard() as house:
        names = [stage.__name__ for stage in house.engine.router.stages]
        assert names == [
            *("admit", "addressed", "news", "command", "choose", "access", "limit", "think")
        ]


@virtual
async def test_words_of_the_house_need_no_person():
    async with Switchboard() as house:
        event = replace(
            house.event("tick", person=None), trust=Trust.HOUSE, sender=Sender(ext_id="clock")
        )
        await house.engine.inbox.accept(event)
        assert (await house.live.line_of(event.id))["text"] == "Hello."


def test_what_a_rule_names_decides_its_rank_and_not_how_much():
    parts = ("person", "thread", "place", "address", "workspace", "channel")
    ranks = [rank(rule("bri", **{part: "x"})) for part in parts]
    assert ranks == sorted(ranks, reverse=True)
    rest = dict.fromkeys(parts[1:], "x")
    assert rank(rule("bri", person="x")) > rank(rule("bri", **rest))


@virtual
async def test_a_stranger_whose_code_still_holds_is_not_given_an_empty_one_after_a_restart():
    disk = Disk(image())
    stranger = {"person": None, "channel": "chat", "ext": "U-nobody"}
    async with Switchboard(disk=disk) as house:
        assert "Give this code" in await house.ask("hello", **stranger)
    async with Switchboard(disk=disk) as house:
        assert await house.ask("hello", **stranger) == ""


async def test_watchers_hear_who_answers_a_conversation_that_was_nobody_s() -> None:
    async with Switchboard() as board:
        await board.ask("hello")
        assert [data for what, data in board.live.told if what == "agent"] == [{"agent": "bri"}]
        await board.ask("hello again")  # it is theirs by now
        assert [what for what, _ in board.live.told].count("agent") == 1
