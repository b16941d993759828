"""Money back: all of a payment or a part, never more than is left of it.

A payment is named by the invoice it paid or by its own id; which payment that is, in which
currency, and what is left of it is looked up before anybody is asked. A refund may still fail days
later: Stripe's event says it then.
https://docs.stripe.com/api/refunds (read 2026-11-21)
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from bot.core.card import Card
from bot.core.card import Field as Shown
from bot.core.effect import Effect, Outcome, Policy
from bot.core.errors import Invalid
from bot.core.tool import Risk, Tool, ToolContext
from tools.payments._api import Api, Object, number, objects, one, text
from tools.payments._deed import TEST, Deed, begin, mode_now, open_api, sent, till_of
from tools.payments._limits import Sum, check
from tools.payments._money import Amount, Currency, Mode
from tools.payments._money import check as check_amount
from tools.payments._money import shown as money

PATH, INTENTS = "/v1/refunds", "/v1/payment_intents"
Reason = Literal["duplicate", "fraudulent", "requested_by_customer"]


class Refund(BaseModel):
    """Money back."""

    model_config = ConfigDict(extra="forbid")

    payment: Annotated[str, Field(pattern=r"^(pi|in)_[A-Za-z0-9]{1,60}$")]
    amount_minor: Amount | None = None
    reason: Reason = "requested_by_customer"
    currency: SkipJsonSchema[Currency | None] = None
    about: SkipJsonSchema[Annotated[str, Field(max_length=500)] | None] = None
    mode: Mode = None


async def complete(ctx: ToolContext, args: Refund) -> Refund:
    """Say which payment it is, to whom it goes back and how much."""
    mode = await mode_now(ctx)
    if not mode:
        return args
    api = await open_api(ctx)
    intent, about = await _payment(api, args.payment)
    currency = text(intent, "currency").upper()
    if text(intent, "status") != "succeeded":
        raise Invalid(f"No money came by {args.payment}, so none can go back.")
    before = await api.every(PATH, {"payment_intent": text(intent, "id")})
    gone = sum(number(each, "amount") for each in before if text(each, "status") != "failed")
    left = number(intent, "amount_received") - gone
    amount = args.amount_minor or left
    if amount > left or not left:
        raise Invalid(f"Of this payment {money(left, currency)} is left to refund.")
    check_amount(amount, currency)
    await check(ctx, till_of(ctx), Sum(amount_minor=amount, currency=currency))
    told = {
        "payment": text(intent, "id"),
        "amount_minor": amount,
        "currency": currency,
        "about": about,
        "mode": mode,
    }
    return Refund.model_validate({**args.model_dump(), **told})


async def _payment(api: Api, id_: str) -> tuple[Object, str]:
    """The payment, and what it was for in words."""
    if id_.startswith("pi_"):
        intent = await api.get(one(INTENTS, id_))
        who = text(intent, "receipt_email") or text(intent, "customer") or "whoever paid"
        return intent, f"payment {id_} by {who}"
    invoice = await api.get(one("/v1/invoices", id_))
    who = text(invoice, "customer_name") or text(invoice, "customer_email")
    page = await api.get("/v1/invoice_payments", {"invoice": id_, "status": "paid", "limit": 10})
    ids = [text(each, "payment", "payment_intent") for each in objects(page)]
    if len(ids) != 1 or not ids[0]:
        raise Invalid(
            f"The invoice {id_} was paid by {len(ids)} payments. Name the one to refund (pi_…)."
        )
    return await api.get(one(INTENTS, ids[0])), f"invoice {text(invoice, 'number')} to {who}"


def preview(args: Refund) -> Card:
    """How much goes back, and to whom."""
    amount = args.amount_minor and args.currency and money(args.amount_minor, args.currency)
    return Card(
        title="Refund a payment",
        amount=amount or "all of the payment",
        recipients=(args.about or args.payment,),
        fields=(
            Shown(name="Payment", value=args.payment),
            Shown(name="Reason", value=args.reason),
        ),
        warnings=("It cannot be undone.", *((TEST,) if args.mode == "test" else ())),
    )


async def stripe_refund(ctx: ToolContext, args: Refund) -> Outcome:
    """Give money back that a customer paid, all of it or a part.

    Use it when the person asks for a refund. Do not use it for an invoice that nobody has paid:
    that is stripe_invoice_void. A person sees the amount and says yes first.
    - payment: the invoice that was paid, such as "in_1AbC", or the payment, such as "pi_1AbC".
    - amount_minor: in the smallest unit, such as 500 for 5.00 EUR; leave it out for all of it.
    - reason: duplicate, fraudulent or requested_by_customer.
    Example: {"payment": "in_1AbC", "amount_minor": 500}
    """
    if args.amount_minor is None or args.currency is None:
        raise Invalid("The amount is not known. Ask for the refund anew.")
    sum_ = Sum(amount_minor=args.amount_minor, currency=args.currency)
    deed = await begin(ctx, args.mode or "", sum_)
    form = {
        "payment_intent": args.payment,
        "amount": args.amount_minor,
        "reason": args.reason,
    }
    return _told(await deed.step("refund", PATH, form), args)


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """The refund that this made, among those of the payment."""
    args = Refund.model_validate(effect.arguments)
    deed = Deed(ctx, await open_api(ctx))
    if args.payment.startswith("in_"):
        return None
    found = await deed.mine(PATH, {"payment_intent": args.payment})
    return _told(text(found, "id"), args) if found else None


def _told(id_: str, args: Refund) -> Outcome:
    amount = money(args.amount_minor or 0, args.currency or "EUR")
    return sent(id_, f"{amount} goes back to the customer; a bank takes up to ten days for it.")


TOOLS = (
    Tool(
        name="stripe_refund",
        arguments=Refund,
        perform=stripe_refund,
        find=find,
        preview=preview,
        complete=complete,
        risk=Risk.MONEY,
        policy=Policy.READBACK,
        provider="stripe",
        saying="refunding",
    ),
)
