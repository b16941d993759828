"""The whole program: connected by its verb, asked in words, approved, killed in between, sent once."""

import asyncio
import json
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.stripe_server import StripeServer
from tests.program import Program

ASKED = "invoice Acme 120 EUR for two workshops"
SEND = "POST /v1/invoices/{}/send"


@pytest.fixture
async def stripe() -> AsyncIterator[StripeServer]:
    async with StripeServer() as server:
        server.world.customer({"name": "Acme", "email": "pay@acme.example"})
        yield server
        assert server.mistakes == []


class Teller:
    """The program, spoken to from a thread, for the played Stripe answers on this loop."""

    def __init__(self, folder: Path, stripe: StripeServer, **more: str) -> None:
        ours = {"BOT_ENDPOINT_STRIPE": stripe.base, "BOT_ALLOW_PRIVATE_ENDPOINTS": "1"}
        self.program = Program(folder, "home", "", **ours, **more)

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        """One request; what it answered."""
        status, told = await asyncio.to_thread(self.program.ask, method, path, body)
        assert status < 300, (status, told)
        return told

    async def asks(self, text: str) -> dict[str, Any]:
        """The treasurer is asked for something; the approval that comes of it."""
        await self.ask("POST", "/v1/messages", {"text": text, "agent": "treasurer"})
        found: dict[str, Any] = await self.until(self.pending)
        return found

    async def pending(self) -> Any:
        """The first approval that waits."""
        items = (await self.ask("GET", "/v1/approvals"))["items"]
        return next(iter(items), None)

    async def until(self, look: Any) -> Any:
        """What `look` gives in the end."""
        async with asyncio.timeout(60):
            while not (found := await look()):
                await asyncio.sleep(0.05)
        return found

    async def approve(self, item: dict[str, Any]) -> None:
        """Say yes."""
        told = {"decision": "approve", "version": item["version"]}
        await self.ask("POST", f"/v1/approvals/{item['id']}/decide", told)

    async def connect(self, stripe: StripeServer) -> str:
        """`bot connect stripe`, the key piped in."""
        told = json.dumps({"key": stripe.key, "webhook_secret": "whsec_of_the_played_endpoint"})
        return await self.program.verb("connect", "stripe", "--stdin", told=told)


@pytest.fixture
async def teller(tmp_path: Path, stripe: StripeServer) -> AsyncIterator[Teller]:
    made = Teller(tmp_path, stripe)
    try:
        await asyncio.to_thread(made.program.ready)
        yield made
        await asyncio.to_thread(made.program.stop)
        assert "Traceback" not in made.program.said
        assert stripe.key not in made.program.said
    finally:
        made.program.stop(signal.SIGKILL)
        print(made.program.said)


async def test_an_invoice_from_the_first_word_to_the_customer(
    teller: Teller, stripe: StripeServer
) -> None:
    refused = await asyncio.to_thread(
        teller.program.run, "connect", "stripe", "--stdin", told='{"key": "pk_test_1"}'
    )
    assert refused.returncode == 1 and "no secret key" in refused.stderr
    assert "test mode: no money moves" in await teller.connect(stripe)
    item = await teller.asks(ASKED)
    card = json.dumps(item["shown"])
    assert "120.00 EUR" in card and "pay@acme.example" in card and "no money moves" in card
    assert stripe.world.things["in"] == {}
    await teller.approve(item)

    async def lines() -> Any:
        told = await teller.ask("GET", f"/v1/conversations/{item['conversation']}/messages")
        return [each for each in told["items"] if "invoice.stripe.com/i/in_" in json.dumps(each)]

    await teller.until(lines)
    assert len(stripe.world.mailed) == 1
    assert "stripe, test mode" in (await asyncio.to_thread(teller.program.run, "doctor")).stdout


@pytest.mark.parametrize("step", ["POST /v1/invoices", "POST /v1/invoiceitems", SEND])
async def test_killed_between_the_call_and_its_record_it_is_sent_once(
    teller: Teller, stripe: StripeServer, step: str
) -> None:
    await teller.connect(stripe)
    item = await teller.asks(ASKED)
    stripe.order(step, "late_after")
    await teller.approve(item)

    async def reached() -> bool:
        return bool(stripe.asked(step))

    await teller.until(reached)
    await asyncio.to_thread(teller.program.stop, signal.SIGKILL)
    await teller.program.start()

    async def mailed() -> Any:
        settled = await teller.ask("GET", f"/v1/approvals/{item['id']}")
        return [e for e in settled["effects"] if e["state"] == "sent"]

    await teller.until(mailed)
    world = stripe.world
    assert [len(world.things["in"]), len(world.things["ii"]), len(world.mailed)] == [1, 1, 1]


async def test_a_yes_for_one_account_is_not_done_by_another_that_is_connected_by_then(
    teller: Teller, stripe: StripeServer
) -> None:
    await teller.connect(stripe)
    item = await teller.asks(ASKED)
    stripe.key, stripe.account = stripe.key + "_of_another_account", "acct_2Another"
    await teller.connect(stripe)
    stripe.requests.clear()
    await teller.approve(item)

    async def failed() -> Any:
        told = await teller.ask("GET", f"/v1/approvals/{item['id']}")
        return [each for each in told["effects"] if each["state"] == "failed"]

    (effect,) = await teller.until(failed)
    assert "connected anew" in json.dumps(effect)
    assert stripe.requests == [] and stripe.world.things["in"] == {}


async def test_a_yes_holds_when_the_key_of_its_account_was_rolled_meanwhile(
    teller: Teller, stripe: StripeServer
) -> None:
    await teller.connect(stripe)
    item = await teller.asks(ASKED)
    stripe.key += "_rolled"
    await teller.connect(stripe)
    await teller.approve(item)
    await teller.until(lambda: _sent(teller, item))
    assert len(stripe.world.things["in"]) == len(stripe.world.mailed) == 1


async def _sent(teller: Teller, item: dict[str, Any]) -> Any:
    told = await teller.ask("GET", f"/v1/approvals/{item['id']}")
    return [each for each in told["effects"] if each["state"] == "sent"]


async def test_what_stripe_tells_is_said_once_where_the_invoice_was_asked_for(
    teller: Teller, stripe: StripeServer
) -> None:
    await teller.connect(stripe)
    hook = f"{teller.program.url}/webhooks/stripe/events"
    item = await teller.asks(ASKED)
    await teller.approve(item)

    async def said(words: str) -> list[str]:
        told = await teller.ask("GET", f"/v1/conversations/{item['conversation']}/messages")
        return [each["text"] for each in told["items"] if words in each["text"]]

    await teller.until(lambda: said("invoice.stripe.com/i/in_"))
    (invoice,) = stripe.world.things["in"]
    paid = stripe.world.pay(invoice)
    late = stripe.world.tell("invoice.payment_failed", stripe.world.things["in"][invoice])
    # Stripe cannot be asked just then: it is asked to tell again, and nothing is lost.
    stripe.order("GET /v1/invoices/{}", "503_before")
    assert (await stripe.notify(hook, paid)).status == 503
    assert [(await stripe.notify(hook, paid)).status for _ in range(3)] == [200] * 3
    # What the key will never find is acknowledged, for else it would be told again for days.
    gone = {**stripe.world.things["in"][invoice], "id": "in_404"}
    assert (await stripe.notify(hook, stripe.world.tell("invoice.paid", gone))).status == 200
    assert "invoice.paid of in_404, which the key cannot find" in teller.program.said
    # An address that Stripe does not know is another matter: that can be mended here.
    stripe.order("GET /v1/invoices/{}", "404")
    assert (await stripe.notify(hook, paid)).status == 503
    # What is over by now is not told, what others made is not ours, and forgers are not heard.
    assert (await stripe.notify(hook, late)).status == 200
    strange = stripe.world.invoice({"customer": "cus_000001", "currency": "eur"})
    assert (await stripe.notify(hook, stripe.world.pay(strange["id"]))).status == 200
    assert (await stripe.notify(hook, paid, "whsec_another")).status == 401
    assert (await stripe.notify(hook.replace("stripe/", "stripe/ten_x/"), paid)).status == 404
    await teller.until(lambda: said("Stripe: "))
    await asyncio.sleep(0.5)
    assert await said("Stripe: ") == ["Stripe: Acme paid invoice ACME-0001: 120.00 EUR."]
