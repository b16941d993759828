"""Payment links: one price, one link, whatever breaks off."""

from collections.abc import AsyncIterator

import pytest

from bot.core.effect import EffectState
from bot.core.tool import Risk
from tests.tools.payments import kit
from tests.tools.payments.kit import Desk, Killed
from tools.payments.links import TOOLS, Link, preview

(LINK,) = TOOLS
MAY = {"description": "Workshop in May", "amount_minor": 12000, "currency": "EUR"}


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with kit.desk() as desk:
        yield desk


def once(desk: Desk) -> None:
    """There is one link with one price."""
    things = desk.stripe.world.things
    assert [len(things[each]) for each in ("prod", "price", "plink")] == [1, 1, 1]


async def test_a_link_is_made_with_a_price_of_its_own(desk: Desk) -> None:
    plain = await desk.full(LINK, **MAY)
    card = preview(Link.model_validate(plain))
    assert (card.amount, card.recipients[0][:11]) == ("120.00 EUR", "one payment")
    assert LINK.risk is Risk.MONEY and card.warnings == ("test mode: no money moves",)
    outcome = await desk.bring(LINK, plain)
    assert outcome.state is EffectState.SENT and outcome.url.startswith("https://buy.stripe.com/")
    once(desk)
    (asked,) = desk.stripe.asked("POST /v1/payment_links")
    assert asked["restrictions"] == {"completed_sessions": {"limit": "1"}}
    await desk.full(LINK, **MAY, once=False)


@pytest.mark.parametrize("how", ["lost_after", "truncated", "500_after", "lost_before", "409"])
@pytest.mark.parametrize("step", ["POST /v1/prices", "POST /v1/payment_links"])
async def test_a_missing_answer_makes_one_link(desk: Desk, step: str, how: str) -> None:
    plain = await desk.full(LINK, **MAY)
    desk.stripe.order(step, how)
    assert (await desk.bring(LINK, plain)).state is EffectState.SENT
    once(desk)


@pytest.mark.parametrize("at", range(3))
@pytest.mark.parametrize("keeps_first", [False, True])
async def test_killed_in_between_there_is_one_link(desk: Desk, at: int, keeps_first: bool) -> None:
    plain = await desk.full(LINK, **MAY)
    desk.dies_at, desk.keeps_first = at, keeps_first
    with pytest.raises(Killed):
        await desk.bring(LINK, plain)
    desk.stripe.forget_keys()
    assert (await desk.bring(LINK, plain, looks=True)).state is EffectState.SENT
    once(desk)


@pytest.mark.parametrize("how", ["401", "402", "403", "404", "429", "redirect"])
async def test_a_refusal_makes_none(desk: Desk, how: str) -> None:
    plain = await desk.full(LINK, **MAY)
    desk.stripe.order("POST /v1/payment_links", how)
    outcome = await desk.bring(LINK, plain)
    assert outcome.state is EffectState.FAILED
    assert "Done before that: price price_" in outcome.error or how == "401"
    assert desk.stripe.world.things["plink"] == {}
