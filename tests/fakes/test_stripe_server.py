"""The played Stripe itself: it keeps what a key made, refuses what Stripe refuses, knows its states."""

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests import published
from tests.fakes import stripe_forms as forms
from tests.fakes.openapi import Body
from tests.fakes.stripe_server import KEY, StripeServer

pytestmark = published.needs("stripe.json")


@pytest.fixture
async def stripe() -> AsyncIterator[StripeServer]:
    async with StripeServer() as server:
        yield server


async def post(server: StripeServer, path: str, key: str, **form: Any) -> tuple[int, Body]:
    """A call as any client makes it."""
    headers = {"Authorization": f"Bearer {KEY}", "Stripe-Version": "x", "Idempotency-Key": key}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{server.base}{path}", data=form) as answer,
    ):
        return answer.status, await answer.json()


def test_forms_are_read_as_objects_with_numbers_and_truths() -> None:
    text = "line_items[0][price]=price_1&line_items[0][quantity]=2&metadata[effect]=eff_1"
    form, wrong = forms.read("POST", "/v1/payment_links", forms.decode(text))
    assert wrong == []
    assert form == {
        "line_items": [{"price": "price_1", "quantity": 2}],
        "metadata": {"effect": "eff_1"},
    }
    _, wrong = forms.read("POST", "/v1/invoices", forms.decode("days_until_due=soon&colour=red"))
    assert len(wrong) == 2


async def test_a_key_gives_its_first_answer_again(stripe: StripeServer) -> None:
    first = await post(stripe, "/v1/customers", "k1", name="Acme")
    assert await post(stripe, "/v1/customers", "k1", name="Acme") == first
    status, told = await post(stripe, "/v1/customers", "k1", name="Other")
    assert (status, told["error"]["type"]) == (400, "idempotency_error")
    assert len(stripe.world.things["cus"]) == 1


async def test_a_key_keeps_a_failure_but_not_a_form_that_was_refused(stripe: StripeServer) -> None:
    stripe.order("POST /v1/customers", "500_after")
    assert (await post(stripe, "/v1/customers", "k1", name="Acme"))[0] == 500
    assert (await post(stripe, "/v1/customers", "k1", name="Acme"))[0] == 500
    assert len(stripe.world.things["cus"]) == 1
    assert (await post(stripe, "/v1/customers", "k2", colour="red"))[0] == 400
    assert (await post(stripe, "/v1/customers", "k2", name="Acme"))[0] == 200
    assert stripe.mistakes == ["/v1/customers: form: Additional properties are not allowed "
                               "('colour' was unexpected)"]  # fmt: skip


async def test_an_invoice_is_changed_as_a_draft_only(stripe: StripeServer) -> None:
    acme = stripe.world.customer({"name": "Acme"})["id"]
    told = {"customer": acme, "currency": "eur", "collection_method": "send_invoice"}
    assert (await post(stripe, "/v1/invoices", "a", **told))[0] == 400
    _, made = await post(stripe, "/v1/invoices", "b", **told, days_until_due=14)
    item = {"customer": acme, "invoice": made["id"], "currency": "eur", "amount": 500}
    assert (await post(stripe, "/v1/invoiceitems", "c", **item))[0] == 200
    _, final = await post(stripe, f"/v1/invoices/{made['id']}/finalize", "d")
    assert (final["status"], final["total"]) == ("open", 500)
    assert (await post(stripe, "/v1/invoiceitems", "e", **item))[0] == 400
    assert (await post(stripe, f"/v1/invoices/{made['id']}/finalize", "f"))[0] == 400
    assert stripe.mistakes == []


async def test_another_key_of_the_account_is_refused(stripe: StripeServer) -> None:
    stripe.key = "sk_test_other"
    assert (await post(stripe, "/v1/customers", "k", name="Acme"))[0] == 401
