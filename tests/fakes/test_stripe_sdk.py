"""Stripe's own library drives the played Stripe and finds what it knows; skips where it is absent."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests import published
from tests.fakes.stripe_server import KEY, WEBHOOK_SECRET, StripeServer

stripe: Any = pytest.importorskip("stripe")
pytestmark = published.needs("stripe.json")


@pytest.fixture
async def server() -> AsyncIterator[StripeServer]:
    async with StripeServer() as server:
        yield server


def client(server: StripeServer, key: str = KEY) -> Any:
    """The library, pointed at the played server."""
    base = {"api": server.base}
    return stripe.StripeClient(key, base_addresses=base, max_network_retries=0).v1


def invoice(server: StripeServer) -> str:
    """Make an invoice as the library's own documents do; returns its id."""
    api, twice = client(server), {"idempotency_key": "k1"}
    acme = api.customers.create({"name": "Acme", "email": "pay@acme.example"}, twice)
    same = api.customers.create({"name": "Acme", "email": "pay@acme.example"}, twice)
    assert same.id == acme.id
    with pytest.raises(stripe.IdempotencyError):
        api.customers.create({"name": "Other"}, twice)
    assert [each.id for each in api.customers.list({"email": "pay@acme.example"})] == [acme.id]
    assert api.customers.search({"query": "name:'Acme'"}).data[0].id == acme.id
    due = {"collection_method": "send_invoice", "days_until_due": 3}
    made = api.invoices.create({"customer": acme.id, "currency": "eur", **due})
    line = {"customer": acme.id, "invoice": made.id, "amount": 500, "currency": "eur"}
    api.invoice_items.create(line)
    assert api.invoices.finalize_invoice(made.id).total == 500
    assert api.invoices.send_invoice(made.id).status == "open"
    assert api.events.list({"type": "invoice.sent"}).data[0].data.object["id"] == made.id
    found: str = made.id
    return found


async def test_an_invoice_goes_its_way_and_its_event_is_believed(server: StripeServer) -> None:
    made = await asyncio.to_thread(invoice, server)
    body = json.dumps(server.world.pay(made)).encode()
    signed = server.signature(body)
    event = stripe.Webhook.construct_event(body, signed, WEBHOOK_SECRET)
    assert (event.type, event.data.object["id"]) == ("invoice.paid", made)
    assert server.mistakes == []


@pytest.mark.parametrize(
    ("how", "error"),
    [
        ("402", "CardError"),
        ("403", "PermissionError"),
        ("404", "InvalidRequestError"),
        ("429", "RateLimitError"),
        ("500_before", "APIError"),
        ("500_after", "APIError"),
        ("lost_after", "APIConnectionError"),
    ],
)
async def test_what_goes_wrong_is_what_the_library_calls_so(
    server: StripeServer, how: str, error: str
) -> None:
    server.order("POST /v1/customers", how)
    with pytest.raises(getattr(stripe, error)):
        await asyncio.to_thread(client(server).customers.create, {"name": "Acme"})
