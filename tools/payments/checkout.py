"""A page of Stripe's for one customer: to leave a way to pay, or to subscribe and pay at once.

Card numbers are typed there and nowhere else. A page is open for a day and used once.
https://docs.stripe.com/api/checkout/sessions (read 2026-11-21)
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from bot.core.card import Card
from bot.core.card import Field as Shown
from bot.core.effect import Effect, Outcome, Policy
from bot.core.errors import Invalid
from bot.core.tool import Risk, Tool, ToolContext
from tools._arguments import unfit
from tools.payments import _customer
from tools.payments._api import Object, number, one, text
from tools.payments._customer import CustomerId, Email, Line
from tools.payments._deed import TEST, Deed, begin, mode_now, open_api, sent, till_of
from tools.payments._limits import Sum, check
from tools.payments._money import Amount, Currency, Mode
from tools.payments._money import shown as money

PATH = "/v1/checkout/sessions"


def _address(value: str) -> str:
    if not value.startswith("https://") or not value.isprintable() or " " in value:
        raise unfit("it is no address that a customer comes back to; write one with https://")
    return value


class Page(BaseModel):
    """A page for one customer."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["save_payment_method", "subscribe"]
    customer: Line
    currency: Currency
    return_url: Annotated[str, Field(max_length=2000), AfterValidator(_address)]
    price: Annotated[str, Field(pattern=r"^price_[A-Za-z0-9]{1,60}$")] | None = None
    email: Email | None = None
    customer_id: CustomerId | None = None
    amount_minor: SkipJsonSchema[Amount | None] = None
    interval: SkipJsonSchema[Literal["day", "week", "month", "year"] | None] = None
    mode: Mode = None


async def complete(ctx: ToolContext, args: Page) -> Page:
    """Say who is meant, and what is paid there how often."""
    if (args.kind == "subscribe") is (args.price is None):
        raise Invalid("A `price` goes with subscribe, and with nothing else.")
    mode = await mode_now(ctx)
    if not mode:
        return args
    api = await open_api(ctx)
    payee = await _customer.find(api, args.customer, args.email, args.customer_id)
    told: dict[str, object] = {
        "customer": payee.name or args.customer,
        "email": payee.email or None,
        "customer_id": payee.id or None,
        "mode": mode,
    }
    if args.price:
        price = await api.get(one("/v1/prices", args.price))
        amount, currency = number(price, "unit_amount"), text(price, "currency").upper()
        if not amount or not text(price, "recurring", "interval"):
            raise Invalid(f"{args.price} is no price for a subscription.")
        await check(ctx, till_of(ctx), Sum(amount_minor=amount, currency=currency))
        told |= {"amount_minor": amount, "currency": currency}
        told["interval"] = text(price, "recurring", "interval")
    return Page.model_validate({**args.model_dump(), **told})


def preview(args: Page) -> Card:
    """Whom it is for, and what is paid there."""
    saves = args.kind == "save_payment_method"
    amount = money(args.amount_minor, args.currency) if args.amount_minor else ""
    return Card(
        title="Make a page to leave a way to pay" if saves else "Make a page to subscribe",
        amount=f"{amount} each {args.interval}" if amount else "",
        recipients=(_customer.shown(args.customer, args.email, args.customer_id),),
        fields=(
            Shown(name="Kind", value=args.kind),
            Shown(name="Currency", value=args.currency),
            Shown(name="Comes back to", value=args.return_url),
        ),
        warnings=(TEST,) if args.mode == "test" else (),
        audience="whoever has the address",
    )


async def stripe_checkout(ctx: ToolContext, args: Page) -> Outcome:
    """Make a page where a customer leaves a payment method, or subscribes and pays at once.

    Use it when a customer shall type in a card or a bank account themselves. Never ask anybody for
    a card number. Do not use it for a single sum: that is stripe_payment_link.
    - kind: save_payment_method, or subscribe.
    - customer: the name, or the e-mail address, as Stripe knows it, such as "Acme".
    - currency: three letters, such as "EUR".
    - return_url: where the customer lands afterwards, such as "https://shop.example/thanks".
    - price: with subscribe, the id of a recurring price. email: of a customer who is new.
    - customer_id: only to tell apart customers of one name.
    Example: {"kind": "save_payment_method", "customer": "Acme", "currency": "EUR",
    "return_url": "https://shop.example/thanks"}
    """
    known = args.amount_minor is not None
    sum_ = Sum(amount_minor=args.amount_minor or 0, currency=args.currency) if known else None
    deed = await begin(ctx, args.mode or "", sum_)
    customer = await _customer.settle(deed, args.customer, args.email, args.customer_id)
    form: dict[str, object] = {"customer": customer, "success_url": args.return_url}
    if args.kind == "subscribe":
        marked = {"metadata": {"effect": ctx.key}}
        lines = [{"price": args.price, "quantity": 1}]
        form |= {"mode": "subscription", "line_items": lines, "subscription_data": marked}
    else:
        form |= {"mode": "setup", "currency": args.currency.lower()}
    return _told(await deed.api.get(one(PATH, await deed.step("page", PATH, form))))


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """The page that this made, among the customer's."""
    args = Page.model_validate(effect.arguments)
    deed = Deed(ctx, await open_api(ctx))
    customer = args.customer_id or deed.ref("customer")
    found = await deed.mine(PATH, {"customer": customer}) if customer else None
    return _told(found) if found else None


def _told(page: Object) -> Outcome:
    return sent(text(page, "id"), "The page is there, for a day.", text(page, "url"))


TOOLS = (
    Tool(
        name="stripe_checkout",
        arguments=Page,
        perform=stripe_checkout,
        find=find,
        preview=preview,
        complete=complete,
        risk=Risk.MONEY,
        policy=Policy.READBACK,
        provider="stripe",
        saying="making a page to pay at",
    ),
)
