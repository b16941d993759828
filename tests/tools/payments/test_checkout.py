"""Pages of Stripe's for one customer: what is paid there is on the card, and there is one page."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.core.effect import EffectState
from bot.core.errors import Invalid
from tests.tools.kit import refusal
from tests.tools.payments import kit
from tests.tools.payments.kit import Desk, Killed
from tools.payments.checkout import TOOLS, Page, preview

(PAGE,) = TOOLS
SAVE: dict[str, Any] = {
    "kind": "save_payment_method",
    "customer": "Beta",
    "email": "pay@beta.example",
    "currency": "EUR",
    "return_url": "https://shop.example/thanks",
}
SESSIONS = "POST /v1/checkout/sessions"


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with kit.desk() as desk:
        yield desk


def pages(desk: Desk) -> int:
    """How many pages there are; of customers there is one."""
    assert len(desk.stripe.world.things["cus"]) == 1
    return len(desk.stripe.world.things["cs"])


async def test_a_new_customer_leaves_a_way_to_pay(desk: Desk) -> None:
    plain = await desk.full(PAGE, **SAVE)
    card = preview(Page.model_validate(plain))
    assert (card.amount, card.recipients) == ("", ("Beta <pay@beta.example>, new at Stripe",))
    outcome = await desk.bring(PAGE, plain)
    assert outcome.state is EffectState.SENT
    assert outcome.url.startswith("https://checkout.stripe.com/") and pages(desk) == 1


async def test_a_subscription_shows_its_price_and_carries_the_mark(desk: Desk) -> None:
    price = desk.stripe.world.price(
        {
            "currency": "eur",
            "unit_amount": 999,
            "recurring": {"interval": "month"},
            "product_data": {"name": "Team"},
        }
    )
    with pytest.raises(Invalid, match="goes with subscribe"):
        await desk.full(PAGE, **SAVE, price=price["id"])
    plain = await desk.full(PAGE, **{**SAVE, "kind": "subscribe"}, price=price["id"])
    assert preview(Page.model_validate(plain)).amount == "9.99 EUR each month"
    assert (await desk.bring(PAGE, plain)).state is EffectState.SENT
    (asked,) = desk.stripe.asked(SESSIONS)
    assert asked["subscription_data"]["metadata"] == asked["metadata"] == {"effect": "eff_1"}


def test_an_address_to_come_back_to_is_https() -> None:
    for url in ("http://shop.example", "javascript:alert(1)", "https://shop.example/a b"):
        assert "https://" in refusal(Page, **{**SAVE, "return_url": url})


@pytest.mark.parametrize("how", ["lost_after", "truncated", "500_after", "lost_before", "409"])
@pytest.mark.parametrize("step", ["POST /v1/customers", SESSIONS])
async def test_a_missing_answer_makes_one_page(desk: Desk, step: str, how: str) -> None:
    plain = await desk.full(PAGE, **SAVE)
    desk.stripe.order(step, how)
    assert (await desk.bring(PAGE, plain)).state is EffectState.SENT
    assert pages(desk) == 1


@pytest.mark.parametrize("keeps_first", [False, True])
@pytest.mark.parametrize("at", range(3))
async def test_killed_in_between_there_is_one_page(desk: Desk, at: int, keeps_first: bool) -> None:
    plain = await desk.full(PAGE, **SAVE)
    desk.dies_at, desk.keeps_first = at, keeps_first
    with pytest.raises(Killed):
        await desk.bring(PAGE, plain)
    desk.stripe.forget_keys()
    assert (await desk.bring(PAGE, plain, looks=True)).state is EffectState.SENT
    assert pages(desk) == 1


@pytest.mark.parametrize("how", ["401", "402", "403", "404", "429", "redirect"])
async def test_a_refusal_makes_none(desk: Desk, how: str) -> None:
    plain = await desk.full(PAGE, **SAVE)
    desk.stripe.order(SESSIONS, how)
    outcome = await desk.bring(PAGE, plain)
    assert outcome.state is EffectState.FAILED and outcome.error and pages(desk) == 0
