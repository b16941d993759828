"""The table of faults: every tool that writes at Stripe, each of its steps, each answer.

What comes of a step that went wrong is what comes of a deed in which nothing did, or nothing of that
step: no fault makes two of anything, and none leaves a person without a sentence.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import product

import pytest

from bot.core.canonical import Json
from bot.core.effect import EffectState
from bot.core.tool import Tool
from tests.tools.payments import kit
from tests.tools.payments.kit import Desk
from tests.tools.payments.test_checkout import SAVE
from tests.tools.payments.test_invoices import ACME, INVOICE, NEW, VOID
from tests.tools.payments.test_links import MAY
from tests.tools.payments.test_refunds import paid
from tests.tools.payments.test_subscriptions import subscribed, tier
from tools.payments import _api, checkout, customers, links, refunds, subscriptions, tiers

SENTENCES = {
    "401": "bot connect stripe",
    "402": "no money moved",
    "403": "The key may not do this",
    "404": "Stripe does not have this",
    "413": "refused it with 413",
    "422": "refused it with 422",
    "429": "asked too often",
}
OPEN = ("409", "500_before", "503_before", "500_after", "lost_before", "lost_after", "late_after")
OPEN += ("truncated", "redirect")
"""What leaves open whether it was done."""
Case = tuple[Tool, dict[str, Json]]


async def _invoice(desk: Desk) -> Case:
    return INVOICE, await desk.full(INVOICE, **NEW)


async def _void(desk: Desk) -> Case:
    made = await desk.bring(INVOICE, await desk.full(INVOICE, **ACME))
    desk.kept = {}
    return VOID, await desk.full(VOID, invoice=made.vendor_ref)


async def _refund(desk: Desk) -> Case:
    (tool,) = refunds.TOOLS
    return tool, await desk.full(tool, payment=paid(desk)["id"], amount_minor=5000)


async def _link(desk: Desk) -> Case:
    (tool,) = links.TOOLS
    return tool, await desk.full(tool, **MAY)


async def _page(desk: Desk) -> Case:
    (tool,) = checkout.TOOLS
    return tool, await desk.full(tool, **SAVE)


async def _customer(desk: Desk) -> Case:
    (tool,) = customers.TOOLS
    return tool, await desk.full(tool, name="Beta", email="pay@beta.example")


async def _correction(desk: Desk) -> Case:
    (tool,) = customers.TOOLS
    return tool, await desk.full(tool, customer_id="cus_000001", email="new@acme.example")


async def _tier(desk: Desk) -> Case:
    (tool,) = tiers.TOOLS
    return tool, await desk.full(tool, name="Team", monthly_minor=999, currency="EUR")


async def _start(desk: Desk) -> Case:
    tool, (month, _) = subscriptions.TOOLS[0], await tier(desk)
    return tool, await desk.full(tool, customer="Acme", price=month)


async def _change(desk: Desk) -> Case:
    tool, made = subscriptions.TOOLS[1], await subscribed(desk)
    year = list(desk.stripe.world.things["price"])[1]
    return tool, await desk.full(tool, subscription=made, action="price", price=year)


async def _ending(desk: Desk) -> Case:
    tool, made = subscriptions.TOOLS[1], await subscribed(desk)
    return tool, await desk.full(tool, subscription=made, action="cancel_now")


CASES: dict[str, Callable[[Desk], Awaitable[Case]]] = {
    "invoice": _invoice, "void": _void, "refund": _refund, "link": _link, "page": _page,
    "customer": _customer, "correction": _correction, "tier": _tier, "start": _start,
    "change": _change, "ending": _ending,
}  # fmt: skip


@asynccontextmanager
async def ready(case: str) -> AsyncIterator[tuple[Desk, Tool, dict[str, Json]]]:
    """A desk where the deed was approved."""
    async with kit.desk() as desk:
        desk.stripe.world.customer({"name": "Acme", "email": "pay@acme.example"})
        tool, plain = await CASES[case](desk)
        desk.kept = {}
        desk.stripe.requests.clear()
        yield desk, tool, plain


def standing(desk: Desk) -> object:
    """All that is at Stripe: of each kind how many, in which state, and how many mails went out."""
    states = Counter(
        (kind, each.get("status"), each.get("email"))
        for kind, things in desk.stripe.world.things.items()
        for each in things.values()
        if kind != "evt"
    )
    return states, len(desk.stripe.world.mailed)


def writing(desk: Desk) -> list[str]:
    """The calls that do something, in order."""
    return [each.call for each in desk.stripe.requests if not each.call.startswith("GET")]


async def clean(case: str) -> tuple[object, list[str]]:
    """What stands there when nothing goes wrong, and its steps."""
    async with ready(case) as (desk, tool, plain):
        assert (await desk.bring(tool, plain)).state is EffectState.SENT
        return standing(desk), list(dict.fromkeys(writing(desk)))


@pytest.mark.parametrize("case", CASES)
async def test_a_refusal_of_any_step_is_worded_and_afterwards_it_is_done_once(case: str) -> None:
    wanted, steps = await clean(case)
    for step, (how, words) in product(steps, SENTENCES.items()):
        async with ready(case) as (desk, tool, plain):
            before = standing(desk)
            desk.stripe.order(step, how)
            outcome = await desk.bring(tool, plain)
            assert outcome.state is EffectState.FAILED and words in outcome.error, (step, how)
            assert (outcome.retry_after_s == 7) is (how == "429")
            if step == steps[0]:
                assert standing(desk) == before, (step, how)
            desk.stripe.forget_keys()
            assert (await desk.bring(tool, plain, looks=True)).state is EffectState.SENT
            assert standing(desk) == wanted, (step, how)


@pytest.mark.parametrize("case", CASES)
async def test_an_answer_that_leaves_it_open_never_makes_two(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, steps = await clean(case)
    for step, how in product(steps, OPEN):
        async with ready(case) as (desk, tool, plain):
            desk.stripe.order(step, how)
            waits_s = 0.3 if how.startswith("late") else 20.0  # long for all that answers
            monkeypatch.setattr(_api, "TIMEOUT_S", waits_s)
            outcome = await desk.bring(tool, plain)
            monkeypatch.setattr(_api, "TIMEOUT_S", 20.0)
            if outcome.state is not EffectState.SENT:  # a question to a person, with words
                assert outcome.state is EffectState.IN_DOUBT or how == "redirect", (step, how)
                desk.stripe.forget_keys()
                outcome = await desk.bring(tool, plain, looks=True)
            assert outcome.state is EffectState.SENT, (step, how, outcome.error)
            assert standing(desk) == wanted, (step, how)
