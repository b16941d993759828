"""Rules of places: what is answered where, who answers, and nothing of it in direct messages."""

from dataclasses import replace
from typing import Any

import pytest

from bot.core.errors import Forbidden, NotFound
from bot.core.event import Event, Kind, Place, Trust
from bot.core.ids import AgentName, TenantId
from bot.platforms.desk import Behind, Counter, Seat
from bot.platforms.lent import Manner, Site
from bot.platforms.places import Places
from bot.store import place_rules
from bot.store.place_rules import PlaceRule
from bot.store.sqlite import DIALECT
from tests.bot.test_router import crew, event_in
from tests.fakes.model import ScriptedModel, say
from tests.fakes.switchboard import HOME, Switchboard
from tests.sim.loop import virtual

HERE, WHOLE = {"workspace": "W1", "place": "C123"}, {"workspace": "W1"}
ALL = {"everything": True}
NOTHING = {"mentions": False}


def places(house: Switchboard) -> Places:
    team = crew()
    is_agent = lambda tenant, name: team.get(tenant, name) is not None  # noqa: E731
    return Places(house.db, house.clock, is_agent, house.engine.changed)


async def put(house: Switchboard, tenant: TenantId = HOME, **told: Any) -> None:
    agent = told.pop("agent", None)
    rule = PlaceRule(channel="chat", agent=AgentName(agent) if agent else None, **told)
    await places(house).put(tenant, rule, "person:per_olga")


async def answered(house: Switchboard, event: Event) -> str:
    """What comes of an event; empty when it is left alone."""
    await house.engine.inbox.accept(event)
    return str((await house.live.line_of(event.id)).get("text", ""))


def board() -> Switchboard:
    return Switchboard(ScriptedModel(lambda request: say(str(request.agent))), team=crew())


@virtual
@pytest.mark.parametrize(
    ("rules", "unaddressed", "mention"),
    [
        ([], "", "bri"),
        ([{**HERE, **ALL}], "bri", "bri"),
        ([{**HERE, **ALL, "agent": "kelly"}], "kelly", "kelly"),
        ([{**HERE, "agent": "kelly"}], "", "kelly"),
        ([{**HERE, **NOTHING}], "", ""),
        ([{**WHOLE, **ALL, "agent": "emma"}], "emma", "emma"),
        ([{**WHOLE, **NOTHING}], "", ""),
        ([{**WHOLE, **NOTHING}, {**HERE, "agent": "kelly"}], "", "kelly"),
        ([{**WHOLE, **ALL}, {**HERE, **NOTHING}], "", ""),
        ([{**WHOLE, "agent": "emma"}, {**HERE, **ALL}], "emma", "emma"),
        ([{"workspace": "W1", "place": "C999", **ALL}], "", "bri"),
        ([{"workspace": "W2", **ALL}], "", "bri"),
    ],
    ids=[
        "as usual",
        "everything",
        "everything, by Kelly",
        "mentions, by Kelly",
        "nothing",
        "everything in the workspace",
        "direct messages alone",
        "direct messages alone, but for here",
        "everything, but for here",
        "the workspace's agent where a place says none",
        "another place",
        "another workspace",
    ],
)
async def test_what_is_answered(
    rules: list[dict[str, Any]], unaddressed: str, mention: str
) -> None:
    async with board() as house:
        for told in rules:
            await put(house, **told)
        for is_addressed, wanted in ((False, unaddressed), (True, mention)):
            assert await answered(house, event_in(house, addressed=is_addressed)) == wanted


@virtual
async def test_a_rule_silences_no_direct_message_no_command_and_nothing_of_the_house() -> None:
    async with board() as house:
        await put(house, **WHOLE, **NOTHING)
        direct = Place(id="D1", workspace="W1", direct=True)
        assert await answered(house, replace(event_in(house), place=direct)) == "bri"
        assert "/approvals" in await answered(house, event_in(house, text="/help"))
        router = house.engine.router
        told = event_in(house, trust=Trust.HOUSE, kind=Kind.SETTLED)
        assert await router._is_answered(told)
        about = event_in(house, payload={"about": "apr_1"})
        assert await router._is_answered(about)
        assert not await router._is_answered(event_in(house))


@virtual
async def test_a_stranger_is_given_a_code_only_when_they_speak_to_us() -> None:
    async with board() as house:
        await put(house, **HERE, **ALL)
        stranger = replace(event_in(house).sender, ext_id="U-nobody", person=None)
        overheard = replace(event_in(house, addressed=False), sender=stranger)
        assert await answered(house, overheard) == ""
        spoken = replace(event_in(house), sender=stranger)
        assert "Give this code" in await answered(house, spoken)


@virtual
async def test_a_stranger_is_told_nothing_where_nothing_is_answered() -> None:
    async with board() as house:
        await put(house, **HERE, **NOTHING)
        stranger = replace(event_in(house).sender, ext_id="U-nobody", person=None)
        assert await answered(house, replace(event_in(house), sender=stranger)) == ""


@virtual
async def test_a_rule_is_written_whole_or_not_at_all() -> None:
    """The process dies between the binding and the rule: neither is there."""
    async with board() as house:
        rule = PlaceRule(channel="chat", **HERE, agent=AgentName("kelly"))
        script = iter(place_rules.put(HOME, rule, "rul_1", 1, "house"))

        def dying() -> Any:
            rows: Any = None
            while True:
                ask = script.send(rows)
                if "INTO place_rule" in ask.statement.text(DIALECT):
                    raise RuntimeError("killed")
                rows = yield ask

        with pytest.raises(RuntimeError, match="killed"):
            await house.db.write(dying())
        assert await places(house).listed(HOME) == []
        assert "kelly" not in {r.agent for r in await house.engine.bindings_of(HOME)}


@virtual
async def test_at_the_desk_only_an_owner_of_this_tenant_says_what_is_answered() -> None:
    async with board() as house:
        engine = house.engine
        parts = Behind(
            db=house.db,
            approvals=lambda: engine.approvals,
            people=lambda: engine.directory,
            places=places(house),
        )
        desk = Counter(Seat(channel="chat", tenant=HOME), parts, list)
        site = Site(workspace="W1", place="C123", name="#general")
        manner = Manner(site=site, agent="kelly", everything=True)
        for who in ("U-Ana", "U-Nobody", "U-Eve"):
            for asked in (
                desk.manners("", who),
                desk.manner("", who, site),
                desk.set_manner("", who, manner),
            ):
                with pytest.raises(Forbidden, match="Only an owner"):
                    await asked
        assert await places(house).listed(HOME) == []
        assert await desk.manner("", "U-Olga", site) == Manner(site=site)
        await desk.set_manner("", "U-Olga", manner)
        assert await desk.manners("", "U-Olga") == [manner]
        assert await answered(house, event_in(house, addressed=False)) == "kelly"
        with pytest.raises(NotFound, match="no agent called nobody"):
            await desk.set_manner("", "U-Olga", replace(manner, agent="nobody"))
