"""Invoices at Stripe: made, finalised and sent in one deed; voided in another.

    customer → invoice (a draft) → item → finalise → send

Each step happens once (`_deed.py`). A draft never finalises itself, so what stops before the last
steps reaches nobody. An invoice does not tell whether it was mailed; Stripe's own events do.
https://docs.stripe.com/api/invoices (read 2026-11-21)
"""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from bot.core.card import Card
from bot.core.card import Field as Shown
from bot.core.effect import Effect, Outcome, Policy
from bot.core.errors import VendorRefused
from bot.core.tool import Risk, Tool, ToolContext
from tools.payments import _customer
from tools.payments._api import Object, number, one, text
from tools.payments._customer import CustomerId, Email, Line
from tools.payments._deed import TEST, Deed, begin, mode_now, open_api, sent, till_of
from tools.payments._limits import Sum, check
from tools.payments._money import Amount, Currency, Mode
from tools.payments._money import check as check_amount
from tools.payments._money import shown as money

PATH = "/v1/invoices"
InvoiceId = Annotated[str, Field(pattern=r"^in_[A-Za-z0-9]{1,60}$")]


class Invoice(BaseModel):
    """An invoice of one line."""

    model_config = ConfigDict(extra="forbid")

    customer: Line
    email: Email | None = None
    amount_minor: Amount
    currency: Currency
    description: Annotated[str, Field(min_length=1, max_length=500)]
    days_until_due: Annotated[int, Field(ge=1, le=365)] = 14
    customer_id: CustomerId | None = None
    mode: Mode = None

    @model_validator(mode="after")
    def fits(self) -> "Invoice":
        """Refuse what Stripe does not take."""
        check_amount(self.amount_minor, self.currency)
        return self

    @property
    def sum(self) -> Sum:
        """What it asks for."""
        return Sum(amount_minor=self.amount_minor, currency=self.currency)


class Void(BaseModel):
    """An invoice that is taken back."""

    model_config = ConfigDict(extra="forbid")

    invoice: InvoiceId
    about: SkipJsonSchema[str | None] = None
    """Whom and what it is for, from Stripe."""
    amount_minor: SkipJsonSchema[Amount | None] = None
    currency: SkipJsonSchema[Currency | None] = None
    mode: Mode = None


async def complete(ctx: ToolContext, args: Invoice) -> Invoice:
    """Say who exactly is meant, and whether money moves at all."""
    mode = await mode_now(ctx)
    if not mode:
        return args
    await check(ctx, till_of(ctx), args.sum)
    payee = await _customer.find(await open_api(ctx), args.customer, args.email, args.customer_id)
    told = {
        "customer": payee.name or args.customer,
        "email": payee.email or None,
        "customer_id": payee.id or None,
        "mode": mode,
    }
    return Invoice.model_validate({**args.model_dump(), **told})


def preview(args: Invoice) -> Card:
    """The amount and the payee first, then what is written on it."""
    return Card(
        title="Send an invoice",
        amount=money(args.amount_minor, args.currency),
        recipients=(_customer.shown(args.customer, args.email, args.customer_id),),
        fields=(
            Shown(name="For", value=args.description, editable="description"),
            Shown(name="Due in", value=f"{args.days_until_due} days"),
        ),
        warnings=(TEST,) if args.mode == "test" else (),
        audience="the customer, by e-mail from Stripe",
    )


async def stripe_invoice(ctx: ToolContext, args: Invoice) -> Outcome:
    """Make an invoice, finalise it and have Stripe mail it to the customer.

    Use it when the person asks to invoice or bill somebody a sum. Do not use it for a sum, a
    currency or a customer that nobody named: ask. A person sees amount and payee first.
    - customer: the name, or the e-mail address, as Stripe knows it, such as "Acme".
    - email: the address of a customer who is new; leave it out for known ones.
    - amount_minor: in the smallest unit: 12000 for 120.00 EUR, 1500 for 1500 JPY.
    - currency: three letters, such as "EUR".
    - description: what it is for, as it stands on the invoice, such as "two workshops".
    - days_until_due: 14 if nobody says otherwise.
    - customer_id: only to tell apart customers of one name.
    Example: {"customer": "Acme", "amount_minor": 12000, "currency": "EUR",
    "description": "two workshops"}
    """
    deed = await begin(ctx, args.mode or "", args.sum)
    customer = await _customer.settle(deed, args.customer, args.email, args.customer_id)
    invoice = await deed.step(
        "invoice",
        PATH,
        {
            "customer": customer,
            "collection_method": "send_invoice",
            "days_until_due": args.days_until_due,
            "currency": args.currency.lower(),
            "auto_advance": False,
            "pending_invoice_items_behavior": "exclude",
        },
    )
    await deed.step(
        "item",
        "/v1/invoiceitems",
        {
            "customer": customer,
            "invoice": invoice,
            "amount": args.amount_minor,
            "currency": args.currency.lower(),
            "description": args.description,
        },
    )
    where = one(PATH, invoice)
    await deed.step("finalised", f"{where}/finalize", {"auto_advance": False}, marked=False)
    await deed.step("sent", f"{where}/send", {}, marked=False)
    return _told(await deed.api.get(where))


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """How far it came: the end when it was sent, otherwise what is proven is kept.

    What is surely not done yet is then done by the next call.
    """
    args = Invoice.model_validate(effect.arguments)
    deed = Deed(ctx, await open_api(ctx))
    customer = args.customer_id or deed.ref("customer")
    if not customer and args.email:
        customers = await _customer.by_email(deed.api, args.email)
        customer = text(customers[0], "id") if len(customers) == 1 else ""
    if not deed.ref("invoice"):
        found = await deed.mine(PATH, {"customer": customer}) if customer else None
        if found is None:
            return None
        await deed.keep("invoice", text(found, "id"))
    where = one(PATH, deed.ref("invoice"))
    invoice = await deed.api.get(where)
    if number(invoice, "subtotal") == args.amount_minor and not deed.ref("item"):
        await deed.keep("item", "found")
    if text(invoice, "status") == "draft":
        return None
    if not deed.ref("finalised"):
        await deed.keep("finalised", text(invoice, "id"))
    if deed.ref("sent") or await _was_mailed(deed):
        return _told(invoice)
    return None


async def _was_mailed(deed: Deed) -> bool:
    """Whether Stripe says so. A key that may not read events decides while it is known itself."""
    try:
        events = await deed.api.every("/v1/events", {"type": "invoice.sent"})
    except VendorRefused:
        if deed.is_young:
            return False
        raise
    objects = [event.get("data", {}).get("object", {}) for event in events]
    return any(text(found, "id") == deed.ref("invoice") for found in objects)


def _told(invoice: Object) -> Outcome:
    name = text(invoice, "number") or text(invoice, "id")
    due = money(number(invoice, "total"), text(invoice, "currency") or "eur")
    return sent(
        text(invoice, "id"),
        f"Invoice {name} over {due} is on its way by e-mail. The customer pays at the address.",
        text(invoice, "hosted_invoice_url"),
    )


async def complete_void(ctx: ToolContext, args: Void) -> Void:
    """Say what the invoice is."""
    mode = await mode_now(ctx)
    if not mode:
        return args
    found = await (await open_api(ctx)).get(one(PATH, args.invoice))
    who = text(found, "customer_name") or text(found, "customer_email") or text(found, "customer")
    told = {
        "about": f"{text(found, 'number') or args.invoice} to {who}, {text(found, 'status')}",
        "amount_minor": number(found, "total") or None,
        "currency": text(found, "currency") or None,
        "mode": mode,
    }
    return Void.model_validate({**args.model_dump(), **told})


def preview_void(args: Void) -> Card:
    """Which invoice nobody has to pay any more."""
    amount = args.amount_minor and args.currency and money(args.amount_minor, args.currency)
    return Card(
        title="Void an invoice",
        amount=amount or "",
        fields=(Shown(name="Invoice", value=args.about or args.invoice),),
        warnings=("It cannot be undone.", *((TEST,) if args.mode == "test" else ())),
    )


async def stripe_invoice_void(ctx: ToolContext, args: Void) -> Outcome:
    """Void an invoice that was finalised and is not paid: nobody has to pay it any more.

    Use it when the person takes an invoice back. Do not use it for a paid one: that is a refund.
    - invoice: its id, such as "in_1AbC"; `stripe_look` finds it.
    Example: {"invoice": "in_1AbC"}
    """
    deed = await begin(ctx, args.mode or "")
    await deed.step("voided", f"{one(PATH, args.invoice)}/void", {}, marked=False)
    return sent(args.invoice, "The invoice is void; nobody has to pay it.")


async def find_void(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Whether it is void by now; doing it once more would be refused."""
    args = Void.model_validate(effect.arguments)
    found = await (await open_api(ctx)).get(one(PATH, args.invoice))
    void = text(found, "status") == "void"
    return sent(args.invoice, "The invoice is void; nobody has to pay it.") if void else None


TOOLS = (
    Tool(
        name="stripe_invoice",
        arguments=Invoice,
        perform=stripe_invoice,
        find=find,
        preview=preview,
        complete=complete,
        risk=Risk.MONEY,
        policy=Policy.READBACK,
        provider="stripe",
        saying="drawing up the invoice",
    ),
    Tool(
        name="stripe_invoice_void",
        arguments=Void,
        perform=stripe_invoice_void,
        find=find_void,
        preview=preview_void,
        complete=complete_void,
        risk=Risk.MONEY,
        policy=Policy.READBACK,
        provider="stripe",
        saying="voiding the invoice",
    ),
)
