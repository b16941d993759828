"""Customers by themselves: made once, changed as shown, whatever breaks off."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.core.effect import EffectState
from bot.core.errors import BotError, Invalid
from bot.core.tool import Risk
from tests.tools.kit import lines, refusal
from tests.tools.payments import kit
from tests.tools.payments.kit import Desk, Killed
from tools.payments.customers import TOOLS, Customer, preview

(CUSTOMER,) = TOOLS
ACME = {"name": "Acme", "email": "pay@acme.example", "line1": "Main St 1", "country": "DE"}
MAKE, CHANGE = "POST /v1/customers", "POST /v1/customers/{}"


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    async with kit.desk() as desk:
        yield desk


def there(desk: Desk) -> list[dict[str, Any]]:
    """The customers at Stripe."""
    return list(desk.stripe.world.things["cus"].values())


def acme(desk: Desk) -> str:
    """One that was there before."""
    address = {"line1": "Old St 9", "city": "Berlin"}
    made = {"name": "Acme", "email": "old@acme.example", "address": address, "phone": None}
    return str(desk.stripe.world.customer(made)["id"])


async def test_a_customer_is_made_as_the_card_shows_it(desk: Desk) -> None:
    plain = await desk.full(CUSTOMER, **ACME)
    card = preview(Customer.model_validate(plain))
    assert card.title == "Make a customer at Stripe" and card.warnings == ("test mode",)
    assert lines(card) == {
        "Name": "Acme",
        "Email": "pay@acme.example",
        "Address": "Main St 1",
        "Country": "DE",
    }
    assert CUSTOMER.risk is Risk.WRITE and "was" not in Customer.model_json_schema()["properties"]
    assert (await desk.bring(CUSTOMER, plain)).state is EffectState.SENT
    (made,) = there(desk)
    assert (made["name"], made["address"]) == ("Acme", {"line1": "Main St 1", "country": "DE"})
    with pytest.raises(Invalid, match=made["id"]):
        await desk.full(CUSTOMER, **ACME)


async def test_a_customer_is_changed_and_the_card_shows_what_was(desk: Desk) -> None:
    id_ = acme(desk)
    plain = await desk.full(CUSTOMER, customer_id=id_, email="new@acme.example", city="Bonn")
    shown = lines(preview(Customer.model_validate(plain)))
    assert shown["Customer"] == f"Acme <old@acme.example>, {id_}"
    assert (shown["Email now"], shown["Email"]) == ("old@acme.example", "new@acme.example")
    assert (await desk.bring(CUSTOMER, plain)).state is EffectState.SENT
    (made,) = there(desk)
    assert (made["email"], made["name"]) == ("new@acme.example", "Acme")
    assert made["address"] == {"line1": "Old St 9", "city": "Bonn"}


@pytest.mark.parametrize("how", ["lost_after", "truncated", "500_after", "lost_before", "409"])
@pytest.mark.parametrize("is_new", [True, False])
async def test_a_missing_answer_is_one_deed(desk: Desk, is_new: bool, how: str) -> None:
    more = ACME if is_new else {"customer_id": acme(desk), "email": "new@acme.example"}
    plain = await desk.full(CUSTOMER, **more)
    desk.stripe.order(MAKE if is_new else CHANGE, how)
    assert (await desk.bring(CUSTOMER, plain)).state is EffectState.SENT
    (made,) = there(desk)
    assert made["email"] == more["email"] and made["metadata"] == {"effect": "eff_1"}


@pytest.mark.parametrize("at", range(2))
@pytest.mark.parametrize("keeps_first", [False, True])
@pytest.mark.parametrize("is_new", [True, False])
async def test_killed_in_between_it_is_done_once(
    desk: Desk, is_new: bool, at: int, keeps_first: bool
) -> None:
    more = ACME if is_new else {"customer_id": acme(desk), "email": "new@acme.example"}
    plain = await desk.full(CUSTOMER, **more)
    desk.dies_at, desk.keeps_first = at, keeps_first
    with pytest.raises(Killed):
        await desk.bring(CUSTOMER, plain)
    desk.stripe.forget_keys()
    for looks in (True, False):
        assert (await desk.bring(CUSTOMER, plain, looks=looks)).state is EffectState.SENT
    (made,) = there(desk)
    assert made["email"] == more["email"]
    assert len(desk.stripe.asked(MAKE if is_new else CHANGE)) == 1


@pytest.mark.parametrize("how", ["401", "403", "404", "429", "redirect"])
async def test_a_refusal_makes_none(desk: Desk, how: str) -> None:
    plain = await desk.full(CUSTOMER, **ACME)
    desk.stripe.order(MAKE, how)
    assert (await desk.bring(CUSTOMER, plain)).state is EffectState.FAILED
    assert there(desk) == []


async def test_what_became_otherwise_since_the_card_is_left(desk: Desk) -> None:
    id_ = acme(desk)
    plain = await desk.full(CUSTOMER, customer_id=id_, email="new@acme.example")
    desk.stripe.world.things["cus"][id_]["email"] = "other@acme.example"
    outcome = await desk.bring(CUSTOMER, plain)
    assert outcome.state is EffectState.FAILED and "Somebody has changed" in outcome.error
    new = await desk.full(CUSTOMER, **ACME)
    desk.stripe.world.customer({"name": "A", "email": "pay@acme.example"})
    outcome = await desk.bring(CUSTOMER, new)
    assert outcome.state is EffectState.FAILED and "since you were asked" in outcome.error
    assert len(there(desk)) == 2


async def test_one_that_was_deleted_or_never_was_is_refused(desk: Desk) -> None:
    id_ = acme(desk)
    desk.stripe.world.things["cus"][id_]["deleted"] = True
    for customer in (id_, "cus_404"):
        with pytest.raises(BotError):
            await desk.full(CUSTOMER, customer_id=customer, name="x")


def test_arguments_that_do_not_fit_are_explained() -> None:
    for given, words in (
        ({"name": "Acme"}, "name and email"),
        ({"customer_id": "cus_1"}, "what is to be changed"),
        ({"customer_id": "../x", "name": "x"}, "pattern"),
        ({**ACME, "email": "acme"}, "no e-mail address"),
        ({**ACME, "phone": "call me"}, "no telephone number"),
        ({**ACME, "country": "Germany"}, "pattern"),
        ({**ACME, "name": "a\x00b"}, "plain text"),
    ):
        assert words in refusal(Customer, **given)
