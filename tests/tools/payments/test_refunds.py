"""Refunds: what is left of which payment is known before anybody is asked, and it goes back once."""

from collections.abc import AsyncIterator

import pytest

from bot.core.effect import EffectState
from bot.core.errors import Invalid, LimitReached
from bot.core.tool import Risk
from tests.fakes.openapi import Body
from tests.tools.payments import kit
from tests.tools.payments.kit import Desk, Killed
from tools.payments._settings import Ceilings
from tools.payments.refunds import TOOLS, Refund, preview

(REFUND,) = TOOLS


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with kit.desk() as desk:
        yield desk


def paid(desk: Desk, amount: int = 12000) -> Body:
    """An invoice that Acme paid."""
    world = desk.stripe.world
    acme = world.customer({"name": "Acme", "email": "pay@acme.example"})["id"]
    invoice = world.invoice({"customer": acme, "currency": "eur"})
    world.item({"customer": acme, "invoice": invoice["id"], "currency": "eur", "amount": amount})
    world.finalise(invoice["id"], {})
    world.pay(invoice["id"])
    return invoice


def refunded(desk: Desk) -> list[int]:
    """What went back."""
    return [each["amount"] for each in desk.stripe.world.things["re"].values()]


async def test_a_paid_invoice_goes_back_in_part_or_whole(desk: Desk) -> None:
    invoice = paid(desk)
    plain = await desk.full(REFUND, payment=invoice["id"], amount_minor=5000)
    card = preview(Refund.model_validate(plain))
    assert (card.amount, card.recipients) == ("50.00 EUR", ("invoice ACME-0001 to Acme",))
    assert REFUND.risk is Risk.MONEY and "no money moves" in card.warnings[1]
    outcome = await desk.bring(REFUND, plain)
    assert outcome.state is EffectState.SENT and "50.00 EUR goes back" in str(outcome.data)
    rest = await desk.full(REFUND, payment=invoice["id"])
    assert rest["amount_minor"] == 7000
    desk.kept = {}
    with pytest.raises(Invalid, match=r"70\.00 EUR is left"):
        await desk.full(REFUND, payment=invoice["id"], amount_minor=7001)
    assert refunded(desk) == [5000]


async def test_what_nobody_paid_cannot_go_back(desk: Desk) -> None:
    invoice = paid(desk)
    desk.stripe.world.things["inpay"].clear()
    with pytest.raises(Invalid, match="paid by 0 payments"):
        await desk.full(REFUND, payment=invoice["id"])
    (intent,) = desk.stripe.world.things["pi"].values()
    intent["status"] = "canceled"
    with pytest.raises(Invalid, match="No money came"):
        await desk.full(REFUND, payment=intent["id"])


@pytest.mark.parametrize("how", ["lost_after", "truncated", "500_after", "lost_before", "409"])
@pytest.mark.parametrize("keys_known", [True, False])
async def test_a_missing_answer_refunds_once(desk: Desk, how: str, keys_known: bool) -> None:
    plain = await desk.full(REFUND, payment=paid(desk)["id"], amount_minor=5000)
    desk.stripe.order("POST /v1/refunds", how)
    if not keys_known:  # half of the payment could go back twice if only a key kept it from it
        desk.stripe.keep_keys = False
    assert (await desk.bring(REFUND, plain)).state is EffectState.SENT
    assert refunded(desk) == [5000]


@pytest.mark.parametrize("how", ["401", "402", "403", "404", "429", "redirect"])
async def test_a_refusal_moves_nothing(desk: Desk, how: str) -> None:
    plain = await desk.full(REFUND, payment=paid(desk)["id"])
    desk.stripe.order("POST /v1/refunds", how)
    outcome = await desk.bring(REFUND, plain)
    assert outcome.state is EffectState.FAILED and outcome.error
    assert refunded(desk) == []


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("keeps_first", [False, True])
async def test_killed_in_between_it_goes_back_once(desk: Desk, at: int, keeps_first: bool) -> None:
    plain = await desk.full(REFUND, payment=paid(desk)["id"], amount_minor=5000)
    desk.dies_at, desk.keeps_first = at, keeps_first
    with pytest.raises(Killed):
        await desk.bring(REFUND, plain)
    desk.stripe.forget_keys()
    assert (await desk.bring(REFUND, plain, looks=True)).state is EffectState.SENT
    assert refunded(desk) == [5000]


async def test_the_limit_holds_for_what_is_looked_up(desk: Desk) -> None:
    desk.ceilings = Ceilings(at_once=100)
    with pytest.raises(LimitReached):
        await desk.full(REFUND, payment=paid(desk)["id"])
