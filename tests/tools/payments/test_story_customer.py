"""The whole program: a customer is made, and changed, by a yes, once through a kill."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.openai_server import Body, OpenAIServer, Reply
from tests.fakes.stripe_server import StripeServer
from tests.tools.payments.test_story import Teller

NEW = {"name": "Acme", "email": "pay@acme.example", "city": "Bonn", "country": "DE"}
CHANGE = {"customer_id": "cus_000001", "email": "bills@acme.example"}
MAKES, CHANGES = "POST /v1/customers", "POST /v1/customers/{}"

pytestmark = pytest.mark.long


class Model(OpenAIServer):
    """It keeps the customer that it is asked to keep."""

    def __init__(self) -> None:
        super().__init__(otherwise=self._reply)

    def _reply(self, body: Body) -> Reply:
        words = json.dumps(body["messages"][-1]["content"])
        for asked, what in (("keep Acme", NEW), ("Acme has another address", CHANGE)):
            if asked in words and "outcome" not in words:
                return Reply(calls=[("stripe_customer", json.dumps(what))])
        return Reply(text=f"Heard: {words}")


@pytest.fixture
async def stripe() -> AsyncIterator[StripeServer]:
    async with StripeServer() as server:
        yield server
        assert server.mistakes == []


@pytest.fixture
async def teller(tmp_path: Path, stripe: StripeServer) -> AsyncIterator[Teller]:
    async with Model() as model:
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


async def asked_and_killed(teller: Teller, stripe: StripeServer, words: str, step: str) -> str:
    """Ask, approve, kill it between Stripe's deed and its record, and wait for the end; the card."""
    item = await teller.asks(words)
    assert stripe.asked(step) == []
    stripe.order(step, "late_after")
    await teller.approve(item)

    async def reached() -> bool:
        return bool(stripe.asked(step))

    async def settled() -> object:
        found = await teller.ask("GET", f"/v1/approvals/{item['id']}")
        return [each for each in found["effects"] if each["state"] == "sent"]

    await teller.until(reached)
    await asyncio.to_thread(teller.program.stop, signal.SIGKILL)
    await teller.program.start()
    await teller.until(settled)
    return json.dumps(item["shown"])


async def test_a_customer_is_made_once_through_a_kill(teller: Teller, stripe: StripeServer) -> None:
    shown = await asked_and_killed(teller, stripe, "keep Acme", MAKES)
    assert "Make a customer at Stripe" in shown and "pay@acme.example" in shown
    assert "Bonn" in shown and "test mode" in shown
    (made,) = stripe.world.things["cus"].values()
    assert (made["name"], made["email"]) == ("Acme", "pay@acme.example")
    assert made["address"] == {"city": "Bonn", "country": "DE"}


async def test_a_customer_is_changed_once_through_a_kill(
    teller: Teller, stripe: StripeServer
) -> None:
    stripe.world.customer({"name": "Acme", "email": "pay@acme.example"})
    shown = await asked_and_killed(teller, stripe, "Acme has another address", CHANGES)
    assert "Change a customer at Stripe" in shown
    assert "Acme <pay@acme.example>, cus_000001" in shown and "bills@acme.example" in shown
    (made,) = stripe.world.things["cus"].values()
    assert (made["name"], made["email"]) == ("Acme", "bills@acme.example")
    assert len(stripe.asked(CHANGES)) == 1
