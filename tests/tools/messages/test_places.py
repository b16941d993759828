"""Where an agent may write: the bot's own places, each with its id, and nobody else's."""

from bot.core.effect import Policy
from tests.fakes.switchboard import AWAY, EVE
from tests.sim.loop import virtual
from tests.tools.messages.test_slack import house_of, platform, sending


@virtual
async def test_places_are_listed_with_their_ids() -> None:
    outside = platform("slack", Policy.READBACK)
    async with house_of(outside, sending("message_places", platform="slack")) as house:
        assert "#general (C1): the whole team" in await house.ask("where?")


@virtual
async def test_another_tenant_is_told_of_none() -> None:
    outside = platform("slack", Policy.READBACK)
    async with house_of(outside, sending("message_places", platform="slack")) as house:
        said = await house.ask("where?", tenant=AWAY, person=EVE)
        assert "not connected here" in said and "#general" not in said
