"""Colleagues write one post each after a brief, and it comes back as one question and one report."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.core.errors import VendorRefused
from bot.core.model import ModelReply, ModelRequest
from bot.wiring.engine import Limits
from tests.agents.runtime.test_spreading import Short, network, team, tools
from tests.fakes.database import Disk
from tests.fakes.model import ScriptedModel, call, last_words, say
from tests.fakes.switchboard import UNLIMITED, Switchboard, agent, image
from tests.fakes.vendor import Vendor
from tests.sim.loop import virtual

BRIEF = "Opening hours from Monday: 8 to 18."


class Office:
    """Bri hands the brief out; each colleague writes as `words` say, after `mended` the second time."""

    def __init__(self, **words: Any) -> None:
        self.words = words
        self.mended: dict[str, Any] = {}
        self.given: Mapping[str, Any] = {"brief": BRIEF}
        self.at_once = self.most = 0
        self.slow: set[str] = set()

    async def think(self, request: ModelRequest) -> Any:
        told, me = last_words(request), str(request.agent)
        if me == "bri":
            if request.messages[-1].role == "tool" or told.startswith("[outcome]"):
                return say(told)
            return call(("posts_everywhere", self.given))
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        await asyncio.sleep(20 if me in self.slow else 2)
        self.at_once -= 1
        (tool,) = request.tools
        assert tool.name == f"{me}_publish"
        again = request.messages[-1].role == "tool"
        words = self.mended[me] if again else self.words.get(me, f"{me} says: open at 8")
        if isinstance(words, BaseException | ModelReply):
            return words
        return call((tool.name, {"text": words}))


def house(office: Office, vendor: Vendor, **given: Any) -> Switchboard:
    made = given.pop("tools", None) or tools(vendor)
    mates = given.pop("team", None) or team()
    model = ScriptedModel(office.think)
    return Switchboard(model, vendor=vendor, tools=made, team=mates, **given)


@virtual
async def test_each_colleague_writes_for_its_network_and_one_yes_covers_all():
    vendor, office = Vendor(), Office()
    async with house(office, vendor) as place:
        told = await place.ask("Post our opening hours everywhere")
        assert "Waiting for your yes" in told and office.most == 3
        (question,) = await place.pending()
        assert question.agent == question.card.agent == "bri"
        assert [f.value for f in question.card.fields] == [
            f"By: {name}\ntext: {name} says: open at 8" for name in ("ada", "bob", "cyd")
        ]
        shown = [r for r in place.model.asked if r.agent == "ada"][0].messages
        assert BRIEF in shown[-1].content and "everywhere" not in shown[-1].content
        assert len(shown) == 2 and shown[0].content.startswith("You are ada.")
        assert vendor.book == []
        await place.decide(question, "approve")
        report = await place.settled(question)
        assert report.count("https://vendor.example/ref") == 3
        assert place.disk.all("select agent, tool from effect where kind = 'tool' order by n") == [
            (name, f"{name}_publish") for name in ("ada", "bob", "cyd")
        ]
        assert (
            place.disk.all("select agent from spend where turn = ?", question.turn)
            == [("bri",)] * 4
        )
        assert len(vendor.book) == 3


@virtual
async def test_a_text_that_does_not_fit_is_mended_once_and_then_left_out():
    vendor = Vendor()
    office = Office(bob="much too long for a network like this", cyd=say("I need a picture."))
    office.mended = {"bob": "short now"}
    short = {n: network(vendor, n[:3], Short) for n in ("bob_publish", "ada_publish")}
    office.mended["ada"] = "still far too long for this network"
    async with house(office, vendor, tools=tools(vendor, **short)) as place:
        office.words["ada"] = "also too long for this network"
        await place.ask("everywhere")
        (question,) = await place.pending()
        assert question.card.title == "Bob publish"
        left = "\n".join(question.card.warnings)
        assert "Publish on Cyd (cyd): I need a picture." in left
        assert "Publish on Ada (ada): The arguments do not fit." in left
        asked = [r for r in place.model.asked if r.agent == "bob"]
        assert len(asked) == 2 and "at most 20" in asked[1].messages[-1].content


@virtual
async def test_named_networks_only_and_one_that_nobody_has_is_told():
    vendor, office = Vendor(), Office()
    office.given = {"brief": BRIEF, "networks": ["bob", "nowhere"], "link": "https://a.example/h"}
    async with house(office, vendor) as place:
        await place.ask("go")
        (question,) = await place.pending()
        assert question.card.warnings == (
            "Left out: Publish on Nowhere: nobody in the team has nowhere_publish",
        )
        (asked,) = [r for r in place.model.asked if r.agent != "bri"]
        assert asked.messages[-1].content.endswith(f"{BRIEF}\nLink: https://a.example/h")


@virtual
async def test_of_all_networks_only_those_with_an_account_are_meant_if_any_has_one():
    vendor, office = Vendor(), Office()
    made = {
        f"{name}_publish": replace(network(vendor, name), provider=name) for name in ("ada", "bob")
    }
    async with house(office, vendor, tools=tools(vendor, **made)) as place:
        await place.ask("go")
        (question,) = await place.pending()  # no account at all: the sandbox shows them
        kept = ["Sandbox" in field.value for field in question.card.fields]
        assert kept == [True, True, False] and not question.card.sandbox  # cyd needs no account
        place.engine.toolset._connected = lambda tenant, provider: "c" if provider == "bob" else ""
        await place.ask("again", thread="t2")
        latest = (await place.pending())[-1]
        assert latest.card.fields[0].value.startswith("By: bob")
        assert ["Sandbox" in field.value for field in latest.card.fields] == [False, False]
        assert latest.card.warnings == ("Left out: Publish on Ada: no account is connected",)


@virtual
async def test_a_turn_that_was_cut_off_keeps_the_drafts_that_were_written():
    disk, vendor, office = Disk(image()), Vendor(), Office()
    office.slow = {"bob"}
    first = house(office, vendor, disk=disk)
    await first.engine.start()
    got = await first.accept("everywhere")
    await asyncio.sleep(5)
    await first.engine.stop(seconds=0)
    assert disk.all("select 1 from approval") == []
    async with house(Office(ada="another", bob="bob at last"), vendor, disk=disk) as place:
        await place.live.line_of(got.event)
        (question,) = await place.pending()
        texts = [field.value.split("text: ")[1] for field in question.card.fields]
        assert texts[:2] == ["ada says: open at 8", "bob at last"]
        assert "ada" not in {request.agent for request in place.model.asked}


@virtual
async def test_a_model_that_fails_ends_the_turn_and_says_so():
    vendor, office = Vendor(), Office(bob=VendorRefused("The model refuses."))
    async with house(office, vendor) as place:
        assert "The model refuses." in await place.ask("go")
        assert await place.pending() == [] and vendor.book == []


@virtual
async def test_what_the_drafts_cost_counts_towards_the_budget():
    vendor, office = Vendor(), Office()
    limits = Limits(sender=UNLIMITED, tenant=UNLIMITED, tenant_day_micros=45)
    async with house(office, vendor, limits=limits) as place:
        await place.ask("go")
        (question,) = await place.pending()
        assert question.kind == "budget" and vendor.book == []


@virtual
async def test_words_from_outside_taint_the_drafts_too():
    vendor, office = Vendor(), Office()
    mates = team()
    for name in ("ada", "bob", "cyd"):
        own = {f"{name}_publish": "auto"}
        mates.members[name] = agent(name, lead="bri", tools=(f"{name}_publish",), policy=own)
    auto = {"posts_everywhere": "auto"}
    mates.members["bri"] = replace(mates.members["bri"], policy=auto)
    async with house(office, vendor, team=mates) as place:
        await place.ask("go")
        assert len(vendor.book) == 3  # a policy lets them go unasked
        place.disk.all("update conv set tainted = 1")
        await place.ask("go")
        assert len(vendor.book) == 3
        (question,) = await place.pending()
        assert "This conversation holds text from outside." in question.card.warnings
