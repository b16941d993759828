"""One call that stands for several deeds: one question, and each deed for itself from there on."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from pydantic import BaseModel, Field

from bot.core.effect import Effect, Outcome, Policy
from bot.core.errors import Conflict, ConnectionBroken, Forbidden
from bot.core.model import ModelRequest
from bot.core.tool import Risk, Tool, ToolContext
from bot.store.policies import Rule
from tests.fakes.database import Disk
from tests.fakes.model import ScriptedModel, call, last_words, say
from tests.fakes.switchboard import BEN, OLGA, OTTO, Switchboard, Team, agent, image
from tests.fakes.vendor import Fate, Vendor, Words
from tests.sim.loop import virtual
from tools.self.hand_off import TOOLS as HAND_OFF
from tools.social.posts import TOOLS as POSTS

NETWORKS = ("ada", "bob", "cyd")


class Short(Words):
    """A network with little room."""

    text: str = Field(min_length=1, max_length=20)


def network(vendor: Vendor, name: str, arguments: type[BaseModel] = Words) -> Tool:
    """A network's tool; `cyd` can be looked up, the others cannot."""
    policy = Policy.READBACK if name == "cyd" else Policy.NONE

    async def perform(ctx: ToolContext, args: Any) -> Outcome:
        """Publish. Example: {"text": "We are open."}"""
        return await vendor.post(policy, name, ctx, args)

    async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
        return await vendor.find(effect)

    return Tool(
        name=f"{name}_publish",
        arguments=arguments,
        perform=perform,
        find=find if policy is Policy.READBACK else None,
        risk=Risk.WRITE,
        policy=policy,
        egress=True,
    )


def tools(vendor: Vendor, **others: Tool) -> dict[str, Tool]:
    """Three networks, and the tools for several."""
    made = {f"{name}_publish": network(vendor, name) for name in NETWORKS}
    return {**made, **{tool.name: tool for tool in (*POSTS, *HAND_OFF)}, **others}


def team(**policies: Mapping[str, str]) -> Team:
    """Bri, who has everything, and a colleague for each network."""
    own = {f"{n}": agent(n, lead="bri", tools=(f"{n}_publish",), policy={}) for n in NETWORKS}
    bri = agent("bri", tools=tuple(tools(Vendor())), policy=dict(policies.get("bri", {})))
    return Team(members={"bri": bri, **own})


def posts(*on: object, text: str = "We are open") -> ScriptedModel:
    """A model that makes one call, and repeats what it is told."""

    def think(request: ModelRequest) -> Any:
        told = last_words(request)
        if request.messages[-1].role == "tool" or told.startswith("[outcome]"):
            return say(told)
        return call(("posts_publish", {"text": text, "on": list(on)}))

    return ScriptedModel(think)


def on(*names: str) -> list[dict[str, str]]:
    return [{"network": name} for name in names]


def house(model: ScriptedModel, vendor: Vendor, **given: Any) -> Switchboard:
    made = given.pop("tools", None) or tools(vendor)
    return Switchboard(model, vendor=vendor, tools=made, team=given.pop("team", team()), **given)


def said(vendor: Vendor) -> list[tuple[str, str]]:
    return [(record.tool, str(record.arguments["text"])) for record in vendor.book]


@virtual
async def test_one_card_shows_every_post_and_one_yes_makes_each_once():
    vendor = Vendor()
    variants = ({"network": "ada"}, {"network": "bob", "text": "Come in"}, {"network": "cyd"})
    async with house(posts(*variants), vendor) as place:
        told = await place.ask("go")
        assert "Waiting for your yes" in told
        (question,) = await place.pending()
        assert [field.value for field in question.card.fields] == [
            "text: We are open", "text: Come in", "text: We are open",
        ]  # fmt: skip
        assert vendor.book == []
        await place.decide(question, "approve")
        report = await place.settled(question)
        assert said(vendor) == [("ada", "We are open"), ("bob", "Come in"), ("cyd", "We are open")]
        assert [json.loads(line)["state"] for line in report.splitlines()[1:]] == ["sent"] * 3
        assert report.count("https://vendor.example/ref") == 3
        with pytest.raises(Conflict):
            await place.decide(question, "approve")
        await asyncio.sleep(60)
        assert len({record.key for record in vendor.book}) == len(vendor.book) == 3


@virtual
async def test_what_the_model_can_mend_comes_back_before_anybody_is_asked():
    vendor = Vendor()
    made = tools(vendor, bob_publish=network(vendor, "bob", Short))
    model = posts(*on("ada", "bob"), text="We are open on Sunday, 10 to 4")
    async with house(model, vendor, tools=made) as place:
        told = await place.ask("go")
        assert told.startswith("Error: nothing is asked yet") and "bob_publish: " in told
        assert await place.pending() == []


@virtual
async def test_what_nobody_here_can_mend_is_left_out_and_the_card_says_so():
    vendor = Vendor()

    async def complete(ctx: ToolContext, args: Any) -> Any:
        raise ConnectionBroken("Bob's account was not allowed to post.")

    plain = network(vendor, "bob")
    broken = Tool(
        name=plain.name, arguments=Words, perform=plain.perform, risk=Risk.WRITE, complete=complete
    )
    async with house(
        posts(*on("ada", "bob")), vendor, tools=tools(vendor, bob_publish=broken)
    ) as p:
        await p.ask("go")
        (question,) = await p.pending()
        why = "Left out: Publish on Bob: Bob's account was not allowed to post."
        assert question.card.warnings == (why,)
        await p.ask("and?")
        results = [m.content for m in p.model.asked[-1].messages if m.role == "tool"]
        assert results == [f"Waiting for approval {question.code}; not done.\n{why}"]
        await p.decide(question, "approve")
        await p.settled(question)
        assert said(vendor) == [("ada", "We are open")]


@virtual
@pytest.mark.parametrize(
    ("fates", "states"),
    [
        ({"ada": Fate.REFUSED}, ["failed", "sent", "sent"]),
        ({"bob": Fate.BLIND}, ["sent", "in_doubt", "sent"]),
        ({"cyd": Fate.SILENT}, ["sent", "sent", "sent"]),
        ({"ada": Fate.BLIND, "bob": Fate.REFUSED}, ["in_doubt", "failed", "sent"]),
    ],
)
async def test_one_network_s_failure_or_doubt_stops_no_other(
    fates: Mapping[str, Fate], states: Sequence[str]
):
    vendor = Vendor(fate=lambda tool: fates.get(tool, Fate.DONE))
    vendor.find = _nothing_known  # type: ignore[method-assign]
    if "cyd" in fates:
        del vendor.find  # type: ignore[attr-defined]
    async with house(posts(*on(*NETWORKS)), vendor) as place:
        await place.ask("go")
        (question,) = await place.pending()
        await place.decide(question, "approve")
        await asyncio.sleep(60)
        assert [state for _, state in place.states()] == states
        doubts = await place.pending()
        assert len(doubts) == states.count("in_doubt")
        for doubt in doubts:
            assert "I may have done this" in doubt.card.title
            await place.decide(doubt, "there")
        report = await place.settled(question)
        ends = [json.loads(line)["state"] for line in report.splitlines()[1:]]
        assert ends == ["sent" if state == "in_doubt" else state for state in states]
        assert len({record.effect for record in vendor.book}) == len(vendor.book)


async def _nothing_known(effect: Effect) -> Outcome | None:
    return None


@virtual
async def test_a_network_that_wants_patience_does_not_keep_the_others_waiting():
    busy = {"ada": 2}

    def fate(tool: str) -> Fate:
        busy[tool] = busy.get(tool, 0) - 1
        return Fate.BUSY if busy[tool] >= 0 else Fate.DONE

    vendor = Vendor(fate=fate)
    async with house(posts(*on(*NETWORKS)), vendor) as place:
        await place.ask("go")
        (question,) = await place.pending()
        await place.decide(question, "approve")
        await place.settled(question)
        assert [tool for tool, _ in said(vendor)] == ["bob", "cyd", "ada"]


@virtual
async def test_one_text_is_changed_on_the_card_and_one_post_struck_out():
    vendor = Vendor()
    async with house(posts(*on(*NETWORKS)), vendor) as place:
        await place.ask("go")
        (question,) = await place.pending()
        _, covered = await place.engine.approvals.get(question.tenant, question.id)
        ada, bob, _ = covered
        edit = {ada.id: {"text": "Changed for Ada"}, bob.id: None}
        done = await place.decide(question, "edit", arguments=edit)
        assert done.hash != question.hash
        await place.settled(question)
        assert said(vendor) == [("ada", "Changed for Ada"), ("cyd", "We are open")]
        assert [state for _, state in place.states()] == ["sent", "abandoned", "sent"]


@virtual
async def test_nobody_else_decides_and_what_was_changed_behind_the_card_is_not_done():
    vendor = Vendor()
    async with house(posts(*on(*NETWORKS)), vendor) as place:
        await place.ask("go")
        (question,) = await place.pending()
        with pytest.raises(Forbidden):
            await place.decide(question, "approve", BEN)
        place.disk.all(
            "update effect set arguments = '{\"text\":\"Other\"}' where tool like 'bob%'"
        )
        with pytest.raises(Conflict, match="not what was shown"):
            await place.decide(question, "approve")
        assert vendor.book == []


@virtual
async def test_killed_between_two_posts_the_rest_goes_on_and_nothing_is_there_twice():
    disk, vendor = Disk(image()), Vendor()
    first = house(posts(*on(*NETWORKS)), vendor, disk=disk)
    await first.engine.start()
    await first.ask("go")
    (question,) = await first.pending()

    async def far(_: str) -> float:
        if len(vendor.book) >= 1:
            await asyncio.sleep(30)
        return 0.0

    vendor.delay = far
    await first.decide(question, "approve")
    await asyncio.sleep(1)
    await first.engine.stop(seconds=0)
    vendor.delay = Vendor().delay
    assert [tool for tool, _ in said(vendor)] == ["ada"]
    async with house(posts(), vendor, disk=disk) as place:
        await asyncio.sleep(120)
        for doubt in await place.pending():  # neither key nor look-up: a person says
            await place.decide(doubt, "leave")
        await place.settled(question)
        assert [tool for tool, _ in said(vendor)].count("ada") == 1
        assert ("cyd", "We are open") in said(vendor)
        assert len({record.effect for record in vendor.book}) == len(vendor.book)


@virtual
async def test_one_that_asks_makes_all_ask_and_a_rule_for_the_whole_counts():
    vendor = Vendor()
    auto = {"ada_publish": "auto", "posts_publish": "auto"}
    async with house(posts(*on("ada", "bob")), vendor, team=team(bri=auto)) as place:
        await place.ask("go")
        assert vendor.book == [] and len(await place.pending()) == 1
    auto["bob_publish"] = "auto"
    async with house(posts(*on("ada", "bob")), vendor, team=team(bri=auto)) as place:
        told = await place.ask("go")
        assert "ada_publish: Done." in told and "bob_publish: Done." in told
        assert [tool for tool, _ in said(vendor)] == ["ada", "bob"]
        await place.put_rule(Rule(id="r", tool="posts_publish", decision="deny"))
        assert (await place.ask("go")).startswith("Refused: ")
        await place.put_rule(
            Rule(id="r", tool="posts_publish", decision="ask", approvers=(OTTO,), needs=1)
        )
        await place.ask("go")
        (question,) = await place.pending()
        with pytest.raises(Forbidden):
            await place.decide(question, "approve", OLGA)
        assert len(vendor.book) == 2


@virtual
async def test_a_post_that_is_denied_stays_out():
    vendor = Vendor()
    async with house(posts(*on("ada", "bob")), vendor) as place:
        await place.put_rule(Rule(id="r", tool="bob_publish", decision="deny"))
        await place.ask("go")
        (question,) = await place.pending()
        assert question.card.body == "" and question.card.title == "Ada publish"
        assert any("bob_publish" in warning for warning in question.card.warnings)


@virtual
async def test_an_agent_posts_only_where_it_has_the_tool():
    vendor = Vendor()
    mates = team()
    mates.members["bri"] = agent("bri", tools=("ada_publish", "posts_publish"), policy={})
    async with house(posts(*on("ada", "bob")), vendor, team=mates) as place:
        assert "bri has no tool 'bob_publish'" in await place.ask("go")
        assert await place.pending() == []


@virtual
async def test_a_call_for_several_holds_no_call_for_several():
    vendor = Vendor()
    inner = {"network": "posts", "on": on("ada")}
    async with house(posts(inner, {"network": "bob"}), vendor) as place:
        assert "posts_publish: it is no deed of its own" in await place.ask("go")
        assert await place.pending() == []


@virtual
async def test_other_calls_of_the_message_keep_their_order_on_the_card():
    vendor = Vendor()

    def think(request: ModelRequest) -> Any:
        told = last_words(request)
        if request.messages[-1].role == "tool" or told.startswith("[outcome]"):
            return say(told)
        several = {"text": "many", "on": on("cyd", "ada")}
        return call(
            ("bob_publish", {"text": "first"}),
            ("posts_publish", several),
            ("bob_publish", {"text": "last"}),
        )

    async with house(ScriptedModel(think), vendor) as place:
        await place.ask("go")
        (question,) = await place.pending()
        await place.decide(question, "approve")
        await place.settled(question)
        assert said(vendor) == [
            ("bob", "first"), ("cyd", "many"), ("ada", "many"), ("bob", "last"),
        ]  # fmt: skip


@virtual
@pytest.mark.parametrize("several", [True, False])
async def test_what_a_person_does_by_hand_is_never_said_to_be_done_by_a_yes_to_others(several):
    vendor = Vendor()
    made = tools(vendor)
    made["bob_publish"] = replace(made["bob_publish"], by_hand=True)
    words = {"text": "We are open"}
    model = posts(*on("ada", "bob"))
    if not several:
        model = ScriptedModel(
            lambda request: (
                say(last_words(request))
                if request.messages[-1].role == "tool"
                else call(("ada_publish", words), ("bob_publish", words), ("cyd_publish", words))
            )
        )
    async with house(model, vendor, tools=made) as place:
        await place.ask("go")
        (question,) = await place.pending()
        await place.decide(question, "approve")
        await asyncio.sleep(60)
        assert "bob" not in dict(said(vendor))
        assert ("ada", "We are open") in said(vendor)
