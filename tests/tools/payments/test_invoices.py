"""Invoices: amount and payee on the card, each step once, whatever breaks off wherever."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.core.canonical import Json
from bot.core.effect import EffectState
from bot.core.errors import Invalid, LimitReached
from bot.core.secret import Secret
from bot.core.tool import Risk
from tests.tools.kit import lines, refusal
from tests.tools.payments import kit
from tests.tools.payments.kit import Desk, Killed
from tools.payments._settings import Ceilings, Past
from tools.payments.invoices import TOOLS, Invoice, preview

INVOICE, VOID = TOOLS
ACME: dict[str, Any] = {
    "customer": "Acme",
    "amount_minor": 12000,
    "currency": "EUR",
    "description": "two workshops",
}
NEW = {**ACME, "customer": "Beta", "email": "pay@beta.example"}
STEPS = (
    "POST /v1/customers",
    "POST /v1/invoices",
    "POST /v1/invoiceitems",
    "POST /v1/invoices/{}/finalize",
    "POST /v1/invoices/{}/send",
)


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with kit.desk() as desk:
        desk.stripe.world.customer({"name": "Acme", "email": "pay@acme.example"})
        yield desk


def once(desk: Desk, customers: int = 2) -> None:
    """One invoice with one line went out, once."""
    world = desk.stripe.world
    (invoice,) = world.things["in"].values()
    assert (invoice["status"], invoice["total"]) == ("open", 12000)
    assert len(world.things["ii"]) == 1
    assert len(world.things["cus"]) == customers
    assert world.mailed == [invoice["id"]]
    assert invoice["metadata"] == {"effect": "eff_1"}


async def test_an_invoice_is_made_finalised_and_mailed(desk: Desk) -> None:
    plain = await desk.full(INVOICE, **ACME)
    assert plain["customer_id"] == "cus_000001" and plain["mode"] == "test"
    outcome = await desk.bring(INVOICE, plain)
    assert outcome.state is EffectState.SENT and outcome.url.startswith("https://invoice.stripe")
    assert "ACME-0001 over 120.00 EUR" in str(outcome.data)
    once(desk, customers=1)
    keys = [each.headers["Idempotency-Key"] for each in desk.stripe.requests if each.body]
    assert len(set(keys)) == len(keys) and all(key.startswith("eff_1:") for key in keys)


async def test_the_card_shows_amount_and_payee_first_and_says_test_mode(desk: Desk) -> None:
    assert INVOICE.risk is Risk.MONEY
    plain = await desk.full(INVOICE, **ACME)
    card = preview(Invoice.model_validate(plain))
    assert card.amount == "120.00 EUR"
    assert card.recipients == ("Acme <pay@acme.example>, cus_000001",)
    assert card.warnings == ("test mode: no money moves",)
    assert lines(card) == {"For": "two workshops", "Due in": "14 days"}
    live = preview(Invoice.model_validate({**plain, "mode": "live"}))
    assert live.warnings == ()
    made = preview(Invoice.model_validate(await desk.full(INVOICE, **NEW)))
    assert made.recipients == ("Beta <pay@beta.example>, new at Stripe",)


async def test_who_is_meant_is_never_guessed(desk: Desk) -> None:
    with pytest.raises(Invalid, match="no customer called Beta"):
        await desk.full(INVOICE, **{**ACME, "customer": "Beta"})
    desk.stripe.world.customer({"name": "Acme", "email": "other@acme.example"})
    with pytest.raises(Invalid, match="2 customers for Acme: cus_000001, cus_000002"):
        await desk.full(INVOICE, **ACME)
    by_id = await desk.full(INVOICE, **ACME, customer_id="cus_000002")
    assert by_id["email"] == "other@acme.example"
    by_mail = await desk.full(INVOICE, **{**ACME, "customer": "pay@acme.example"})
    assert (by_mail["customer"], by_mail["customer_id"]) == ("Acme", "cus_000001")


async def test_unfit_arguments_are_refused_in_words() -> None:
    assert "no currency" in refusal(Invoice, **{**ACME, "currency": "EURO"[:2] + "1"})
    assert "last digit" in refusal(Invoice, **{**ACME, "currency": "KWD", "amount_minor": 1005})
    assert "00" in refusal(Invoice, **{**ACME, "currency": "ISK", "amount_minor": 150})
    assert "greater than" in refusal(Invoice, **{**ACME, "amount_minor": 0})
    assert "e-mail" in refusal(Invoice, **{**ACME, "email": "acme"})


@pytest.mark.parametrize("keeps_first", [False, True])
@pytest.mark.parametrize("keys_known", [True, False])
@pytest.mark.parametrize("at", range(6))
async def test_a_crash_between_any_two_steps_does_each_once(
    desk: Desk, at: int, keys_known: bool, keeps_first: bool
) -> None:
    plain = await desk.full(INVOICE, **NEW)
    desk.dies_at, desk.keeps_first = at, keeps_first
    with pytest.raises(Killed):
        await desk.bring(INVOICE, plain)
    if not keys_known:
        desk.stripe.forget_keys()
        desk.later = timedelta(days=2)
    outcome = await desk.bring(INVOICE, plain, looks=True)
    assert outcome.state is EffectState.SENT
    once(desk)


async def test_what_was_cut_off_is_not_gone_on_with_by_another_key_of_the_same_account(
    desk: Desk,
) -> None:
    """Whether Stripe finds a first answer by another key than it was given to is not documented."""
    desk.account = "acct_1Played"
    plain = await desk.full(INVOICE, **NEW)
    desk.dies_at = 2
    with pytest.raises(Killed):
        await desk.bring(INVOICE, plain)
    first, desk.key, desk.stripe.key = desk.stripe.key, Secret("sk_test_rolled"), "sk_test_rolled"
    desk.stripe.requests.clear()
    outcome = await desk.bring(INVOICE, plain, looks=True)
    assert (outcome.state, desk.stripe.requests) == (EffectState.IN_DOUBT, [])
    assert "connected anew" in outcome.error
    desk.key, desk.stripe.key = Secret(first), first
    assert (await desk.bring(INVOICE, plain, looks=True)).state is EffectState.SENT
    once(desk)


@pytest.mark.parametrize("how", ["lost_after", "truncated", "500_after", "lost_before", "409"])
@pytest.mark.parametrize("step", STEPS)
async def test_a_missing_answer_never_makes_it_twice(desk: Desk, step: str, how: str) -> None:
    plain = await desk.full(INVOICE, **NEW)
    desk.stripe.order(step, how)
    outcome = await desk.bring(INVOICE, plain)
    if outcome.state is EffectState.SENT:
        once(desk)
    else:  # what Stripe remembers as a failure is a question to a person
        assert (outcome.state, how) == (EffectState.IN_DOUBT, "500_after")
        assert len(desk.stripe.world.mailed) <= 1
        assert len(desk.stripe.world.things["in"]) <= 1


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("401", "bot connect stripe"),
        ("402", "declined; no money moved"),
        ("403", "The key may not do this"),
        ("404", "Stripe does not have this"),
        ("429", "asked too often"),
    ],
)
@pytest.mark.parametrize("step", STEPS)
async def test_a_refusal_is_told_and_nothing_goes_out(
    desk: Desk, step: str, how: str, sentence: str
) -> None:
    plain = await desk.full(INVOICE, **NEW)
    desk.stripe.order(step, how)
    outcome = await desk.bring(INVOICE, plain)
    assert outcome.state is EffectState.FAILED
    assert sentence in outcome.error
    assert desk.stripe.world.mailed == []
    assert (outcome.retry_after_s == 7.0) is (how == "429")
    if how == "429":  # asked again after that time, it goes on where it stopped
        assert (await desk.bring(INVOICE, plain)).state is EffectState.SENT
        once(desk)


async def test_a_redirect_is_not_followed_with_the_key(desk: Desk) -> None:
    async with kit.desk() as other:
        plain = await desk.full(INVOICE, **ACME)
        desk.stripe.redirect_to = f"{other.stripe.base}/v1/invoices"
        desk.stripe.order("POST /v1/invoices", "redirect")
        outcome = await desk.bring(INVOICE, plain)
        assert outcome.state is EffectState.FAILED and "307" in outcome.error
        assert other.stripe.requests == []


async def test_a_server_that_keeps_failing_becomes_a_question(desk: Desk) -> None:
    plain = await desk.full(INVOICE, **ACME)
    desk.stripe.order("POST /v1/invoices/{}/send", "500_before")
    outcome = await desk.bring(INVOICE, plain)
    assert outcome.state is EffectState.IN_DOUBT
    assert desk.stripe.world.mailed == []


async def test_a_limit_is_named_and_holds_again_before_the_first_step(desk: Desk) -> None:
    desk.ceilings = Ceilings(at_once=100, per_day=150, times_per_day=2)
    with pytest.raises(LimitReached, match=r"120\.00 EUR is more than the 100\.00 EUR"):
        await desk.full(INVOICE, **ACME)
    desk.ceilings = replace(desk.ceilings, at_once=120)
    plain = await desk.full(INVOICE, **ACME)
    before: dict[str, Json] = {"amount_minor": 4000, "currency": "EUR"}
    desk.past = [Past(effect="eff_0", arguments=before), Past(effect="eff_1", arguments=plain)]
    outcome = await desk.bring(INVOICE, plain)
    assert outcome.state is EffectState.FAILED
    assert (
        "40.00 EUR of the last 24 hours" in outcome.error and "[payments] per_day" in outcome.error
    )
    desk.past = [Past(effect=f"eff_{n}", arguments={"currency": "USD"}) for n in (2, 3)]
    assert "times_per_day" in (await desk.bring(INVOICE, plain)).error
    assert kit.writes(desk.stripe) == []
    desk.past = desk.past[:1]
    assert (await desk.bring(INVOICE, plain)).state is EffectState.SENT


async def test_what_was_approved_in_test_mode_is_not_done_with_a_live_key(desk: Desk) -> None:
    plain = await desk.full(INVOICE, **ACME)
    desk.key = Secret("sk_live_0123456789abcdef")
    outcome = await desk.bring(INVOICE, plain)
    assert outcome.state is EffectState.FAILED and "test mode" in outcome.error
    assert kit.writes(desk.stripe) == []


async def test_without_a_key_the_arguments_stay_for_the_sandbox(desk: Desk) -> None:
    desk.key = None
    plain = await desk.full(INVOICE, **ACME)
    assert "mode" not in plain and "customer_id" not in plain
    assert "bot connect stripe" in (await desk.bring(INVOICE, plain)).error


async def test_an_invoice_is_voided_once(desk: Desk) -> None:
    made = await desk.bring(INVOICE, await desk.full(INVOICE, **ACME))
    desk.kept = {}
    plain = await desk.full(VOID, invoice=made.vendor_ref)
    assert plain["about"] == "ACME-0001 to Acme, open" and plain["amount_minor"] == 12000
    desk.stripe.order("POST /v1/invoices/{}/void", "lost_after")
    assert (await desk.bring(VOID, plain)).state is EffectState.SENT
    assert desk.stripe.world.things["in"][made.vendor_ref]["status"] == "void"
    assert kit.writes(desk.stripe).count("POST /v1/invoices/{}/void") == 1
