"""A yes for a time: the deed waits as rows, is done once then, or is taken back before."""

import asyncio
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.core.effect import Outcome, Policy
from bot.core.errors import Conflict, Forbidden, NotFound
from bot.core.ids import ConvId, TenantId
from bot.core.model import ModelRequest
from bot.core.tool import Risk, Tool, ToolContext
from bot.plans import Plans
from bot.store import people
from bot.store.policies import Rule
from tests.bot.test_effects import audited
from tests.fakes.database import Disk
from tests.fakes.model import ScriptedModel, call, last_words, say
from tests.fakes.switchboard import ANA, BEN, GONE, HOME, OLGA, Switchboard, Team, agent, image
from tests.fakes.vendor import Vendor, Words
from tests.sim.loop import virtual
from tools.social._post import When


class Post(Words):
    """A post that may wait."""

    when: When = None

    @property
    def planned_at(self) -> datetime | None:
        return datetime.fromisoformat(self.when) if self.when else None


def tools(vendor: Vendor) -> dict[str, Tool]:
    async def perform(ctx: ToolContext, args: Any) -> Outcome:
        """Publish. Example: {"text": "We are open."}"""
        return await vendor.post(Policy.NONE, "ada", ctx, args)

    names = ("ada_publish", "bob_publish")
    return {
        name: Tool(name=name, arguments=Post, perform=perform, risk=Risk.WRITE) for name in names
    }


def posting(*posts: tuple[str, dict[str, Any]]) -> ScriptedModel:
    def think(request: ModelRequest) -> Any:
        told = last_words(request)
        if request.messages[-1].role == "tool" or told.startswith("[outcome]"):
            return say(told)
        return call(*posts)

    return ScriptedModel(think)


def house(vendor: Vendor, *posts: tuple[str, dict[str, Any]], disk: Disk | None = None) -> Any:
    team = Team(members={"bri": agent("bri", tools=tuple(tools(vendor)), policy={})})
    return Switchboard(posting(*posts), vendor=vendor, tools=tools(vendor), team=team, disk=disk)


def at(place: Switchboard, **span: float) -> str:
    return (place.clock.now() + timedelta(**span)).isoformat(timespec="minutes")


async def asked(place: Switchboard, **changes: Any) -> Any:
    await place.ask("go", **changes)
    return (await place.pending())[-1]


def said(vendor: Vendor) -> list[str]:
    return [str(record.arguments["text"]) for record in vendor.book]


def laid(place: Switchboard, **span: float) -> None:
    """Let the model plan its post for so long from now."""
    given = ("ada_publish", {"text": "Good morning", "when": at(place, **span)})
    place.model._script = posting(given)._script


@virtual
async def test_it_waits_for_its_time_and_is_done_once_then():
    vendor = Vendor()
    async with house(vendor) as place:
        laid(place, hours=3)
        question = await asked(place)
        await place.decide(question, "approve")
        await asyncio.sleep(3 * 3600 - 120)
        assert vendor.book == [] and place.states() == [("ada_publish", "ready")]
        await asyncio.sleep(240)
        report = await place.settled(question)
        assert said(vendor) == ["Good morning"] and '"state":"sent"' in report
        with pytest.raises(Conflict):
            await place.decide(question, "approve")
        await asyncio.sleep(86_400)
        assert vendor.calls == 1


@virtual
async def test_what_is_asked_for_now_does_not_wait_for_what_is_planned():
    vendor = Vendor()
    async with house(vendor) as place:
        later = {"text": "later", "when": at(place, hours=5)}
        place.model._script = posting(
            ("ada_publish", later), ("bob_publish", {"text": "now"})
        )._script
        question = await asked(place)
        await place.decide(question, "approve")
        await asyncio.sleep(60)
        assert said(vendor) == ["now"]
        await asyncio.sleep(6 * 3600)
        assert said(vendor) == ["now", "later"]


@virtual
@pytest.mark.parametrize(("days", "state"), [(0.9, "sent"), (1.5, "failed")])
async def test_a_house_that_was_away_does_it_late_or_says_that_it_was_too_late(days, state):
    disk, vendor = Disk(image()), Vendor()
    first = house(vendor, disk=disk)
    await first.engine.start()
    laid(first, hours=2)
    question = await asked(first)
    await first.decide(question, "approve")
    await first.engine.stop(seconds=0)
    await asyncio.sleep(2 * 3600 + days * 86_400)
    async with house(vendor, disk=disk) as place:
        report = await place.settled(question)
        (ended,) = [json.loads(line) for line in report.splitlines()[1:]]
        assert ended["state"] == state
        assert len(vendor.book) == (state == "sent")
        if state == "failed":
            assert "more than a day ago. Ask anew." in ended["error"]


@virtual
async def test_a_yes_that_comes_a_day_after_the_time_is_refused_until_the_time_is_changed():
    vendor = Vendor()
    async with house(vendor) as place:
        laid(place, hours=1)
        question = await asked(place)
        await asyncio.sleep(26 * 3600)
        with pytest.raises(Conflict, match="over for more than a day"):
            await place.decide(question, "approve")
        assert (await place.pending())[0].version == question.version
        _, (effect,) = await place.engine.approvals.get(HOME, question.id)
        edited = {effect.id: {"text": "Good evening", "when": at(place, hours=2)}}
        await place.decide(question, "edit", arguments=edited)
        await asyncio.sleep(3600)
        assert vendor.book == []
        await asyncio.sleep(2 * 3600)
        assert said(vendor) == ["Good evening"]


def context(place: Switchboard, conv: str, person: str | None = ANA) -> ToolContext:
    ctx: Any = place.engine.toolset.context(
        tenant=HOME, conv=ConvId(conv), turn="evt", agent="bri", person=person
    )
    found: ToolContext = ctx
    return found


@virtual
async def test_it_is_taken_back_before_its_time_by_its_own_conversation_and_never_done():
    vendor = Vendor()
    async with house(vendor) as place:
        laid(place, hours=3)
        question = await asked(place)
        await place.decide(question, "approve")
        plans = Plans(place.db, place.clock)
        ((due, effect),) = await plans.waiting(context(place, question.conv))
        assert due - place.clock.now() > timedelta(hours=2, minutes=50)
        assert await plans.waiting(context(place, "cnv_of_others")) == []
        with pytest.raises(NotFound):
            await plans.take_back(context(place, "cnv_of_others", BEN), effect.id)
        assert not await plans.is_taken_back(context(place, question.conv), effect.id)
        await plans.take_back(context(place, question.conv), effect.id)
        assert await plans.is_taken_back(context(place, question.conv), effect.id)
        assert not await plans.is_taken_back(context(place, "cnv_of_others", BEN), effect.id)
        assert '"state":"abandoned"' in await place.settled(question)
        with pytest.raises(NotFound, match="will not go out"):
            await plans.take_back(context(place, question.conv), effect.id)
        await asyncio.sleep(5 * 3600)
        assert vendor.book == [] and audited(place) == ["effect.taken_back"]


@virtual
@pytest.mark.parametrize(
    ("who", "deciders", "may"),
    [
        pytest.param(ANA, (), True, id="whoever asked for it"),
        pytest.param(OLGA, (), True, id="an owner, where nobody is named"),
        pytest.param(BEN, (), False, id="somebody else who writes there"),
        pytest.param(None, (), False, id="nobody that the house knows"),
        pytest.param(ANA, (BEN,), True, id="whoever asked for it, where others decided"),
        pytest.param(BEN, (BEN,), True, id="whoever decides about it"),
        pytest.param(OLGA, (BEN,), False, id="an owner, where others decide"),
        pytest.param(GONE, (GONE, BEN), False, id="somebody who decided and was removed"),
    ],
)
async def test_only_who_asked_for_it_or_decides_about_it_takes_it_back(who, deciders, may):
    vendor = Vendor()
    async with house(vendor) as place:
        rule = Rule(id="r", tool="ada_publish", decision="ask", approvers=deciders)
        await place.put_rule(rule)
        laid(place, hours=3)
        question = await asked(place)
        await place.decide(question, "approve", person=deciders[-1] if deciders else ANA)
        plans = Plans(place.db, place.clock)
        ((_, effect),) = await plans.waiting(context(place, question.conv))
        taken = plans.take_back(context(place, question.conv, who), effect.id)
        if may:
            await taken
        else:
            with pytest.raises(Forbidden, match="who asked for it"):
                await taken
        await asyncio.sleep(4 * 3600)
        assert len(vendor.book) == (not may)
        assert ("effect.taken_back" in audited(place)) == may


@virtual
@pytest.mark.parametrize(
    ("who", "deciders", "may"),
    [
        pytest.param(ANA, (), True, id="whoever asked for it"),
        pytest.param(OLGA, (), True, id="an owner, where nobody is named"),
        pytest.param(BEN, (BEN,), True, id="whoever decides about it"),
        pytest.param(OLGA, (BEN,), False, id="an owner, where others decide"),
        pytest.param(BEN, (), False, id="somebody else"),
        pytest.param(None, (), False, id="nobody that the house knows"),
        pytest.param(GONE, (GONE, BEN), False, id="somebody who decided and was removed"),
    ],
)
async def test_from_elsewhere_it_is_seen_and_taken_back_by_whom_it_is_and_by_no_other(
    who, deciders, may
):
    vendor = Vendor()
    async with house(vendor) as place:
        await place.put_rule(Rule(id="r", tool="ada_publish", decision="ask", approvers=deciders))
        laid(place, hours=3)
        question = await asked(place)
        await place.decide(question, "approve", person=deciders[-1] if deciders else ANA)
        plans, elsewhere = Plans(place.db, place.clock), context(place, "cnv_of_others", who)
        ((_, effect),) = await plans.waiting(context(place, question.conv))
        assert await plans.waiting(elsewhere) == []
        seen = [each.id for _, each in await plans.waiting(elsewhere, everywhere=True)]
        assert seen == ([effect.id] if may else [])
        if may:
            assert (await plans.one(elsewhere, effect.id))[1].id == effect.id
            await plans.take_back(elsewhere, effect.id)
        else:
            with pytest.raises(NotFound):
                await plans.one(elsewhere, effect.id)
            with pytest.raises(NotFound):
                await plans.take_back(elsewhere, effect.id)
        assert await plans.is_taken_back(elsewhere, effect.id) is may
        await asyncio.sleep(4 * 3600)
        assert len(vendor.book) == (not may)
        assert await plans.waiting(elsewhere, everywhere=True) == []


@virtual
async def test_what_another_tenant_planned_is_neither_seen_nor_taken_back():
    async with house(Vendor()) as place:
        laid(place, hours=3)
        question = await asked(place)
        await place.decide(question, "approve")
        plans = Plans(place.db, place.clock)
        ((_, effect),) = await plans.waiting(context(place, question.conv))
        theirs = replace(context(place, question.conv, OLGA), tenant=TenantId("ten_other"))
        assert await plans.waiting(theirs, everywhere=True) == []
        with pytest.raises(NotFound):
            await plans.take_back(theirs, effect.id)


@virtual
async def test_the_audit_names_the_person_who_took_it_back():
    async with house(Vendor()) as place:
        laid(place, hours=3)
        question = await asked(place)
        await place.decide(question, "approve")
        plans = Plans(place.db, place.clock)
        ((_, effect),) = await plans.waiting(context(place, question.conv))
        await plans.take_back(context(place, question.conv, OLGA), effect.id)
        asked_for = "select actor, details from audit where action = 'effect.taken_back'"
        ((actor, details),) = place.disk.all(asked_for)
        assert actor == f"person:{OLGA}" and json.loads(details)["agent"] == "bri"


@virtual
async def test_what_has_gone_out_is_not_taken_back():
    vendor = Vendor()
    async with house(vendor) as place:
        laid(place, hours=1)
        question = await asked(place)
        await place.decide(question, "approve")
        plans = Plans(place.db, place.clock)
        ((_, effect),) = await plans.waiting(context(place, question.conv))
        await asyncio.sleep(2 * 3600)
        with pytest.raises(NotFound, match="may have gone out"):
            await plans.take_back(context(place, question.conv), effect.id)
        assert said(vendor) == ["Good morning"]


@virtual
async def test_what_runs_unasked_still_asks_for_a_later_time_and_does_not_leave_before_it():
    vendor = Vendor()
    auto = {"ada_publish": "auto"}
    team = Team(members={"bri": agent("bri", tools=tuple(tools(vendor)), policy=auto)})
    async with Switchboard(posting(), vendor=vendor, tools=tools(vendor), team=team) as place:
        laid(place, hours=3)
        question = await asked(place)
        assert vendor.book == []
        await place.decide(question, "approve")
        await asyncio.sleep(2 * 3600)
        assert vendor.book == []
        await asyncio.sleep(2 * 3600)
        assert said(vendor) == ["Good morning"]


@virtual
async def test_what_the_policy_forbids_by_then_does_not_go_out():
    vendor = Vendor()
    async with house(vendor) as place:
        laid(place, hours=3)
        question = await asked(place)
        await place.decide(question, "approve")
        await place.put_rule(Rule(id="r", tool="ada_publish", decision="deny"))
        await asyncio.sleep(4 * 3600)
        report = await place.settled(question)
        assert vendor.calls == 0 and '"state":"failed"' in report
        assert "does not allow ada_publish" in report


@virtual
@pytest.mark.parametrize("who", [BEN, None])
async def test_in_the_name_of_somebody_who_was_removed_nothing_goes_out_later(who):
    vendor = Vendor()
    async with house(vendor) as place:
        laid(place, hours=3)
        question = await asked(place, person=BEN)
        await place.decide(question, "approve")
        if who:
            await place.db.write(people.remove(HOME, who, place.now_us))
        await asyncio.sleep(4 * 3600)
        assert len(vendor.book) == (who is None)
        if who:
            assert place.states() == [("ada_publish", "failed")]
