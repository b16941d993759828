"""The whole program: each other deed at Stripe is done by a yes, once through a kill."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.obedient import Obedient, please
from tests.fakes.stripe_server import StripeServer
from tests.tools.payments.test_story import Teller, stripe

pytestmark = pytest.mark.long


__all__ = ["stripe"]


@pytest.fixture
async def teller(tmp_path: Path, stripe: StripeServer) -> AsyncIterator[Teller]:
    async with Obedient() as model:
        made = Teller(
            tmp_path,
            stripe,
            OPENAI_API_KEY="sk-of-nobody",
            OPENAI_API_BASE=model.url,
            BOT_MODELS_DEFAULT="openai/gpt-4o-mini",
            BOT_MODELS_TRANSPORT="direct",
        )
        try:
            await asyncio.to_thread(made.program.ready)
            await made.connect(stripe)
            yield made
            await asyncio.to_thread(made.program.stop)
            assert "Traceback" not in made.program.said and stripe.key not in made.program.said
            assert model.violations == []
        finally:
            made.program.stop(signal.SIGKILL)
            print(made.program.said)


def _invoice(stripe: StripeServer) -> str:
    world, new = stripe.world, {"customer": "cus_000001", "currency": "eur"}
    made: str = world.invoice(new)["id"]
    world.item({**new, "invoice": made, "amount": 12000})
    world.finalise(made, {})
    return made


def _paid(stripe: StripeServer) -> str:
    made = _invoice(stripe)
    stripe.world.pay(made)
    return made


def _price(stripe: StripeServer) -> str:
    new = {"currency": "eur", "unit_amount": 999, "recurring": {"interval": "month"}}
    made: str = stripe.world.price({**new, "product_data": {"name": "Team"}})["id"]
    return made


def _subscription(stripe: StripeServer) -> str:
    new = {"customer": "cus_000001", "items": [{"price": _price(stripe)}]}
    new |= {"collection_method": "send_invoice", "days_until_due": 14}
    made: str = stripe.world.subscribe(new)["id"]
    return made


def _nothing(stripe: StripeServer) -> str:
    return ""


Case = tuple[str, dict[str, Any], Callable[[StripeServer], str], str, dict[str, int], str]
PAGE = {"kind": "save_payment_method", "customer": "Acme", "currency": "EUR",
        "return_url": "https://shop.example/thanks"}  # fmt: skip
LINK = {"description": "Workshop in May", "amount_minor": 12000, "currency": "EUR"}
CASES: dict[str, Case] = {
    "customer": (
        "stripe_customer", {"name": "Beta", "email": "pay@beta.example", "city": "Bonn"}, _nothing,
        "POST /v1/customers", {"cus": 2}, "pay@beta.example",
    ),
    "correction": (
        "stripe_customer", {"customer_id": "cus_000001", "email": "bills@acme.example"}, _nothing,
        "POST /v1/customers/{}", {"cus": 1}, "bills@acme.example",
    ),
    "link": ("stripe_payment_link", LINK, _nothing, "POST /v1/payment_links", {"plink": 1}, "120.00"),
    "page": ("stripe_checkout", PAGE, _nothing, "POST /v1/checkout/sessions", {"cs": 1}, "Acme"),
    "tier": (
        "stripe_tier", {"name": "Team", "monthly_minor": 999, "currency": "EUR"}, _nothing,
        "POST /v1/prices", {"prod": 1, "price": 2}, "95.90 EUR",
    ),
    "refund": (
        "stripe_refund", {"payment": "MADE", "amount_minor": 5000}, _paid,
        "POST /v1/refunds", {"re": 1}, "50.00 EUR",
    ),
    "void": (
        "stripe_invoice_void", {"invoice": "MADE"}, _invoice,
        "POST /v1/invoices/{}/void", {"in": 1}, "ACME-0001",
    ),
    "start": (
        "stripe_subscription_start", {"customer": "Acme", "price": "MADE"}, _price,
        "POST /v1/subscriptions", {"sub": 1}, "9.99 EUR",
    ),
    "ending": (
        "stripe_subscription_change", {"subscription": "MADE", "action": "cancel_now"},
        _subscription, "DELETE /v1/subscriptions/{}", {"sub": 1}, "Acme",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
async def test_it_is_done_by_a_yes_and_once_through_a_kill(
    teller: Teller, stripe: StripeServer, case: str
) -> None:
    tool, given, make, step, there, shown = CASES[case]
    made = make(stripe)
    told = {name: made if value == "MADE" else value for name, value in given.items()}
    item = await teller.asks(please(tool, told))
    assert shown in json.dumps(item["shown"]) and "test mode" in json.dumps(item["shown"])
    assert stripe.asked(step) == []
    stripe.order(step, "late_after")
    await teller.approve(item)

    async def reached() -> bool:
        return bool(stripe.asked(step))

    async def settled() -> object:
        found = await teller.ask("GET", f"/v1/approvals/{item['id']}")
        return [each for each in found["effects"] if each["state"] == "sent"]

    await teller.until(reached)
    await asyncio.to_thread(teller.program.stop, signal.SIGKILL)  # done, and the answer on its way
    await teller.program.start()
    await teller.until(settled)
    things = stripe.world.things
    assert {kind: len(things[kind]) for kind in there} == there
    if case == "correction":
        (acme,) = things["cus"].values()
        assert (acme["name"], acme["email"]) == ("Acme", "bills@acme.example")
    if case in ("void", "ending"):
        (one,) = things[next(iter(there))].values()
        assert one["status"] == {"void": "void", "ending": "canceled"}[case]
    assert len(stripe.asked(step)) == (2 if case == "tier" else 1)
