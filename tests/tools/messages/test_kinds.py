"""What agents post unasked: the kind is the agent's word, the place is an owner's."""

from dataclasses import replace
from typing import Any

from bot.core.channel import Channel
from bot.core.effect import Policy
from bot.core.ids import TenantId
from bot.platforms.bulletins import Bulletins
from bot.platforms.lent import Spot
from bot.platforms.outgoing import Outgoing
from tests.fakes.switchboard import AWAY, EVE, HOME, Switchboard
from tests.sim.loop import virtual
from tests.tools.kit import lines
from tests.tools.messages.test_slack import BOTH, Library, Platform, house_of, platform, sending

OPS = "person:per_olga"


def told(house: Switchboard, outside: Platform) -> Bulletins:
    """The kinds of a switchboard, with one that stands in the settings."""

    def channel_of(tenant: TenantId, name: str) -> Channel | None:
        return outside if (tenant, name) == (HOME, outside.name) else None

    settings = {outside.name: {"press": "#general"}}
    kinds = Bulletins(house.db, house.clock, Outgoing(channel_of, None).place, settings, HOME)
    outgoing = Outgoing(channel_of, Library(), kinds)  # type: ignore[arg-type]
    house.engine.toolset._settings = {"messages": outgoing}
    return kinds


@BOTH
@virtual
async def test_a_message_of_a_kind_goes_where_an_owner_said(tool, name, policy):
    outside = platform(name, policy)
    model = sending(tool, kind="alarms", place="#general", text="The shop is down")
    async with house_of(outside, model) as house:
        kinds = told(house, outside)
        await kinds.put(HOME, name, "Alarms", "C2", OPS)
        await house.ask("look after the shop")
        (question,) = await house.pending()
        shown = lines(question.card)
        assert (shown["To"], shown["Kind"]) == ("#team (C2)", "alarms")
        # Another place from now on; what was shown goes where it was shown.
        await kinds.put(HOME, name, "alarms", "C3", OPS)
        await house.decide(question, "approve")
        await house.settled(question)
        assert outside.sent == [("C2", "The shop is down", ())]
        await house.ask("look again")
        (question,) = await house.pending()
        assert lines(question.card)["To"] == "#team (C3)"


@BOTH
@virtual
async def test_a_kind_of_the_settings_is_the_first_tenants_and_a_name_is_enough(tool, name, policy):
    outside = platform(name, policy)
    async with house_of(outside, sending(tool, kind="press", text="Hi")) as house:
        told(house, outside)
        await house.ask("tell the press")
        (question,) = await house.pending()
        assert lines(question.card)["To"] == "#general (C1)"
        said = await house.ask("tell the press", tenant=AWAY, person=EVE)
        assert "No kinds of messages are set" in said
        assert await house.pending(AWAY) == []


@virtual
async def test_an_agent_is_told_the_kinds_and_the_nearest_right_one():
    outside = platform("slack", Policy.READBACK)
    async with house_of(outside, sending("message_places", platform="slack")) as house:
        kinds = told(house, outside)
        await kinds.put(HOME, "slack", "alarms", "#general", OPS)
        said = await house.ask("where?")
        assert "Messages of the kind alarms go to #general." in said
        assert "Messages of the kind press go to #general." in said
    model = sending("send_slack_message", kind="alarm", text="Down")
    async with house_of(outside, model) as house:
        kinds = told(house, outside)
        await kinds.put(HOME, "slack", "alarms", "#general", OPS)
        assert "Did you mean alarms?" in await house.ask("tell them")
        assert await house.pending() == []


@BOTH
@virtual
async def test_without_kind_and_place_it_goes_nowhere(tool, name, policy):
    outside = platform(name, policy)
    async with house_of(outside, sending(tool, text="Down")) as house:
        told(house, outside)
        assert "Say where it goes" in await house.ask("tell them")


@virtual
async def test_a_place_that_the_bot_left_is_named_and_nothing_is_sent():
    outside = platform("slack", Policy.READBACK)
    model = sending("send_slack_message", kind="alarms", text="Down")
    async with house_of(outside, model) as house:
        kinds = told(house, outside)
        await kinds.put(HOME, "slack", "alarms", "#general", OPS)
        outside.spots = [replace(spot, name="#else") for spot in outside.spots if spot.id != "C1"]
        assert "in no place called C1" in await house.ask("tell them")
        assert outside.sent == []


async def test_a_place_that_a_tenants_own_bot_and_the_shared_app_are_both_in_is_one_place():
    class Listing:
        async def places(self) -> list[Spot]:
            return [Spot(id="C1", name="#ops")]

        async def places_in(self, account: str, tenant: TenantId) -> list[Spot]:
            return [Spot(id=id_, name=name, account=account) for id_, name in SHARED]

    own: Any = Listing()

    async def shared_of(tenant: TenantId, name: str) -> tuple[Channel | None, list[str]]:
        return own, ["app:A1/T1"]

    SHARED = [("C1", "#ops"), ("C2", "#news")]
    outgoing = Outgoing(lambda tenant, name: own, None, None, shared_of)
    for named in ("C1", "#ops"):
        found = await outgoing.place(AWAY, "slack", named)
        assert (found.id, found.account) == ("C1", ""), "the tenant's own bot speaks there"
    assert (await outgoing.place(AWAY, "slack", "#news")).account == "app:A1/T1"
