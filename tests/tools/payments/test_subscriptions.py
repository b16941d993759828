"""Subscriptions: what it costs how often is on the card, and each change happens once."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.core.effect import EffectState
from bot.core.errors import Invalid, LimitReached
from bot.core.tool import Tool
from tests.tools.payments import kit
from tests.tools.payments.kit import Desk, Killed
from tools.payments._settings import Ceilings
from tools.payments.subscriptions import TOOLS, Start, preview_start
from tools.payments.tiers import TOOLS as TIERS

(START, CHANGE), (TIER,) = TOOLS, TIERS
TEAM = {"name": "Team", "monthly_minor": 999, "currency": "EUR"}
FAULTS = ["lost_after", "truncated", "500_after", "lost_before", "409"]


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with kit.desk() as desk:
        desk.stripe.world.customer({"name": "Acme", "email": "pay@acme.example"})
        yield desk


def things(desk: Desk, *prefixes: str) -> list[int]:
    """How many there are of each."""
    return [len(desk.stripe.world.things[each]) for each in prefixes]


async def tier(desk: Desk) -> tuple[str, str]:
    """A monthly and a yearly price."""
    await desk.bring(TIER, await desk.full(TIER, **TEAM))
    desk.kept = {}
    month, year = desk.stripe.world.things["price"]
    return month, year


async def subscribed(desk: Desk, **more: Any) -> str:
    """A subscription of Acme's."""
    month, _ = await tier(desk)
    made = await desk.bring(START, await desk.full(START, customer="Acme", price=month))
    desk.kept = {}
    return made.vendor_ref


async def test_a_subscription_begins_with_its_price_on_the_card(desk: Desk) -> None:
    _, year = await tier(desk)
    plain = await desk.full(START, customer="Acme", price=year)
    card = preview_start(Start.model_validate(plain))
    assert card.amount == "95.90 EUR each year"
    assert card.recipients == ("Acme <pay@acme.example>, cus_000001",)
    assert (await desk.bring(START, plain)).state is EffectState.SENT
    once = desk.stripe.world.price(
        {"currency": "eur", "unit_amount": 5, "product_data": {"name": "x"}}
    )
    with pytest.raises(Invalid, match="no price for a subscription"):
        await desk.full(START, customer="Acme", price=once["id"])


@pytest.mark.parametrize("how", FAULTS)
async def test_a_missing_answer_makes_nothing_twice(desk: Desk, how: str) -> None:
    for step in ("products", "prices"):
        desk.stripe.order(f"POST /v1/{step}", how)
    month, _ = await tier(desk)
    assert things(desk, "prod", "price") == [1, 2]
    plain = await desk.full(START, customer="Acme", price=month)
    desk.stripe.order("POST /v1/subscriptions", how)
    assert (await desk.bring(START, plain)).state is EffectState.SENT
    assert things(desk, "sub") == [1]


@pytest.mark.parametrize("keeps_first", [False, True])
@pytest.mark.parametrize("at", range(4))
async def test_killed_in_between_nothing_is_there_twice(
    desk: Desk, at: int, keeps_first: bool
) -> None:
    async def killed(tool: Tool, at: int, **values: Any) -> None:
        plain = await desk.full(tool, **values)
        desk.dies_at, desk.keeps_first = at, keeps_first
        with pytest.raises(Killed):
            await desk.bring(tool, plain)
        desk.stripe.forget_keys()
        assert (await desk.bring(tool, plain, looks=True)).state is EffectState.SENT
        desk.kept = {}

    await killed(TIER, at, **TEAM)
    assert things(desk, "prod", "price") == [1, 2]
    month = next(iter(desk.stripe.world.things["price"]))
    await killed(START, min(at, 1), customer="Acme", price=month)
    assert things(desk, "sub") == [1]


@pytest.mark.parametrize("how", ["", *FAULTS])
@pytest.mark.parametrize("action", ["pause", "resume", "cancel_at_end", "cancel_now", "price"])
async def test_each_change_is_made_and_seen(desk: Desk, action: str, how: str) -> None:
    made = await subscribed(desk)
    found = desk.stripe.world.things["sub"][made]
    if action == "resume":
        found["pause_collection"] = {"behavior": "void"}
    values = {"subscription": made, "action": action}
    if action == "price":
        values["price"] = list(desk.stripe.world.things["price"])[1]
    plain = await desk.full(CHANGE, **values)
    assert plain["about"] == "Acme <pay@acme.example>, active"
    method = "DELETE" if action == "cancel_now" else "POST"
    if how:
        desk.stripe.order(f"{method} /v1/subscriptions/{{}}", how)
    assert (await desk.bring(CHANGE, plain)).state is EffectState.SENT
    assert found["cancel_at_period_end"] is (action == "cancel_at_end")
    assert bool(found["pause_collection"]) is (action == "pause")
    assert (found["status"] == "canceled") is (action == "cancel_now")
    interval = found["items"]["data"][0]["price"]["recurring"]["interval"]
    assert interval == ("year" if action == "price" else "month")


@pytest.mark.parametrize("how", ["401", "402", "403", "404", "429", "redirect"])
async def test_a_refusal_changes_nothing(desk: Desk, how: str) -> None:
    made = await subscribed(desk)
    plain = await desk.full(CHANGE, subscription=made, action="cancel_now")
    desk.stripe.order("DELETE /v1/subscriptions/{}", how)
    outcome = await desk.bring(CHANGE, plain)
    assert outcome.state is EffectState.FAILED and outcome.error
    assert desk.stripe.world.things["sub"][made]["status"] == "active"


async def test_the_limit_holds_for_a_price_that_begins_or_changes(desk: Desk) -> None:
    made = await subscribed(desk)
    month, year = desk.stripe.world.things["price"]
    desk.ceilings = Ceilings(at_once=20)
    plain = await desk.full(START, customer="Acme", price=month)
    assert plain["amount_minor"] == 999
    with pytest.raises(LimitReached, match=r"95\.90 EUR is more than the 20\.00 EUR"):
        await desk.full(START, customer="Acme", price=year)
    with pytest.raises(LimitReached):
        await desk.full(CHANGE, subscription=made, action="price", price=year)
    await desk.full(CHANGE, subscription=made, action="cancel_now")  # ending is never too much


async def test_a_new_price_goes_with_the_action_price_alone(desk: Desk) -> None:
    for values in ({"action": "price"}, {"action": "pause", "price": "price_1"}):
        with pytest.raises(Invalid, match="goes with the action price"):
            await desk.full(CHANGE, subscription="sub_1", **values)
