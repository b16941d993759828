"""Looking things up at Stripe: what is there is told, and nothing changes."""

from dataclasses import replace

import pytest

from bot.core.errors import Invalid, OperatorError
from bot.core.tool import Risk
from tests.tools.payments import kit
from tools.payments.look import TOOLS, Look, stripe_look

(LOOK,) = TOOLS


async def test_what_is_there_is_listed_and_changes_nothing() -> None:
    async with kit.desk() as desk:
        world = desk.stripe.world
        acme = world.customer({"name": "Acme", "email": "pay@acme.example"})
        world.invoice({"customer": acme["id"], "currency": "eur"})["total"] = 500
        assert (LOOK.risk, LOOK.outside) == (Risk.READ, True)
        looked = await stripe_look(desk.context(), Look(what="invoices", customer="Acme"))
        assert "in_000002, 5.00 EUR, draft, Acme, pay@acme.example" in str(looked.data)
        found = await stripe_look(desk.context(), Look(what="customer", customer="Acme"))
        assert found.data == "Acme <pay@acme.example>, cus_000001"
        assert (await stripe_look(desk.context(), Look(what="links"))).data == "There are none."
        assert kit.writes(desk.stripe) == []
        with pytest.raises(Invalid, match="no customer"):
            await stripe_look(desk.context(), Look(what="invoices", customer="a@b.example"))
        with pytest.raises(OperatorError, match="not connected"):
            await stripe_look(replace(desk.context(), settings=None), Look(what="links"))
