"""Looking things up at Stripe: who, what is owed, what was paid. Reads only.

What stands there others wrote, so the results are outside words.
https://docs.stripe.com/api (read 2026-11-21)
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.core.effect import EffectState, Outcome
from bot.core.errors import Invalid
from bot.core.tool import Risk, Tool, ToolContext
from tools.payments import _customer
from tools.payments._api import Object, number, objects, text
from tools.payments._customer import Line
from tools.payments._deed import open_api
from tools.payments._money import shown as money

PATHS = {
    "invoices": "/v1/invoices",
    "payments": "/v1/payment_intents",
    "subscriptions": "/v1/subscriptions",
    "prices": "/v1/prices",
    "links": "/v1/payment_links",
}
OF_CUSTOMER = frozenset({"invoices", "payments", "subscriptions"})
SUMS = ("total", "amount", "unit_amount")
DETAILS = ("number", "status", "customer_name", "customer_email", "name", "email", "url")


class Look(BaseModel):
    """What is looked for."""

    model_config = ConfigDict(extra="forbid")

    what: Literal["customer", "invoices", "payments", "subscriptions", "prices", "links"]
    customer: Line | None = None
    most: Annotated[int, Field(ge=1, le=50)] = 10


async def stripe_look(ctx: ToolContext, args: Look) -> Outcome:
    """Look up customers, invoices, payments, subscriptions, prices or payment links at Stripe.

    Use it when the person asks what is owed, paid or there, and to find the id that another tool
    wants. Do not use it to charge, refund or change anything: it only reads.
    - what: "customer", "invoices", "payments", "subscriptions", "prices" or "links".
    - customer: a name or an e-mail address; leave it out for those of everybody, latest first.
    - most: how many, at most 50.
    Example: {"what": "invoices", "customer": "Acme"}
    """
    api = await open_api(ctx)
    query: dict[str, object] = {"limit": args.most}
    if args.what == "customer":
        if not args.customer:
            raise Invalid("Say which customer: a name or an e-mail address.")
        payee = await _customer.find(api, args.customer, None, None)
        shown = _customer.shown(payee.name, payee.email, payee.id)
        return Outcome(state=EffectState.SENT, data=shown)
    if args.customer and args.what in OF_CUSTOMER:
        payee = await _customer.find(api, args.customer, None, None)
        if not payee.id:
            raise Invalid(f"Stripe has no customer with the address {payee.email}.")
        query["customer"] = payee.id
    page = await api.get(PATHS[args.what], query)
    lines = [_line(item) for item in objects(page)]
    more = ["There are more."] if page.get("has_more") else []
    return Outcome(state=EffectState.SENT, data="\n".join([*lines, *more]) or "There are none.")


def _line(item: Object) -> str:
    sums = [
        money(number(item, name), text(item, "currency"))
        for name in SUMS
        if number(item, name) and text(item, "currency")
    ]
    told = [text(item, name) for name in DETAILS]
    return ", ".join(filter(None, [text(item, "id"), *sums[:1], *told]))


TOOLS = (
    Tool(
        name="stripe_look",
        arguments=Look,
        perform=stripe_look,
        risk=Risk.READ,
        provider="stripe",
        outside=True,
        saying="looking at Stripe",
    ),
)
