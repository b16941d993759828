"""Tiers: a year is a fifth below twelve months, in the steps that each currency has."""

import pytest

from tests.tools.kit import lines
from tests.tools.payments import kit
from tools.payments._money import shown, yearly
from tools.payments.tiers import TOOLS, Tier, preview

(TIER,) = TOOLS
TEAM = {"name": "Team", "monthly_minor": 999, "currency": "EUR"}


@pytest.mark.parametrize(
    ("monthly", "currency", "year", "text"),
    [
        (999, "EUR", 9590, "95.90 EUR"),
        (1000, "EUR", 9600, "96.00 EUR"),
        (995, "JPY", 9552, "9,552 JPY"),
        (1, "JPY", 10, "10 JPY"),
        (1010, "KWD", 9700, "9.700 KWD"),
        (1300, "ISK", 12500, "125.00 ISK"),
    ],
)
def test_a_year_is_a_fifth_below_twelve_months_in_each_currency(
    monthly: int, currency: str, year: int, text: str
) -> None:
    assert yearly(monthly, currency) == year
    assert shown(year, currency) == text


async def test_a_tier_has_both_prices() -> None:
    async with kit.desk() as desk:
        plain = await desk.full(TIER, **TEAM)
        card = preview(Tier.model_validate(plain))
        assert lines(card)["Each year"] == "95.90 EUR, 20 % below twelve months"
        await desk.bring(TIER, plain)
        prices = desk.stripe.world.things["price"].values()
        made = [(each["unit_amount"], each["recurring"]["interval"]) for each in prices]
        assert made == [(999, "month"), (9590, "year")]
