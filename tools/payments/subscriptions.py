"""Subscriptions: begun, moved to another price, paused, resumed, and ended.

A subscription begins with invoices by e-mail, so no card is needed before. What is changed is
looked up first; a change that is there already is not made again.
https://docs.stripe.com/api/subscriptions (read 2026-11-21)
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from bot.core.card import Card
from bot.core.card import Field as Shown
from bot.core.effect import Effect, Outcome, Policy
from bot.core.errors import Invalid, VendorRefused
from bot.core.tool import Risk, Tool, ToolContext
from tools.payments import _customer
from tools.payments._api import Api, Object, number, objects, one, text
from tools.payments._customer import CustomerId, Email, Line
from tools.payments._deed import TEST, Deed, begin, mode_now, open_api, sent, till_of
from tools.payments._limits import Sum, check
from tools.payments._money import Amount, Currency, Mode
from tools.payments._money import shown as money

PATH, PRICES = "/v1/subscriptions", "/v1/prices"
PriceId = Annotated[str, Field(pattern=r"^price_[A-Za-z0-9]{1,60}$")]
Interval = Literal["day", "week", "month", "year"]
_DONE = {
    "price": "It is on the new price; the difference stands on the next invoice.",
    "pause": "It is paused: invoices are made and nobody is asked to pay them.",
    "resume": "It goes on.",
    "cancel_at_end": "It ends when the time that is paid for is over.",
    "cancel_now": "It has ended.",
}


class Start(BaseModel):
    """A subscription that begins."""

    model_config = ConfigDict(extra="forbid")

    customer: Line
    price: PriceId
    email: Email | None = None
    days_until_due: Annotated[int, Field(ge=1, le=365)] = 14
    customer_id: CustomerId | None = None
    amount_minor: SkipJsonSchema[Amount | None] = None
    currency: SkipJsonSchema[Currency | None] = None
    interval: SkipJsonSchema[Interval | None] = None
    mode: Mode = None


class Change(BaseModel):
    """A subscription that changes."""

    model_config = ConfigDict(extra="forbid")

    subscription: Annotated[str, Field(pattern=r"^sub_[A-Za-z0-9]{1,60}$")]
    action: Literal["price", "pause", "resume", "cancel_at_end", "cancel_now"]
    price: PriceId | None = None
    amount_minor: SkipJsonSchema[Amount | None] = None
    currency: SkipJsonSchema[Currency | None] = None
    about: SkipJsonSchema[Annotated[str, Field(max_length=500)] | None] = None
    mode: Mode = None


async def _cost(api: Api, id_: str) -> dict[str, object]:
    """What a price takes, how often. Raises Invalid for one that is not recurring."""
    price = await api.get(one(PRICES, id_))
    interval = text(price, "recurring", "interval")
    if not interval or not number(price, "unit_amount"):
        raise Invalid(f"{id_} is no price for a subscription; stripe_look lists prices.")
    return {
        "amount_minor": number(price, "unit_amount"),
        "currency": text(price, "currency"),
        "interval": interval,
    }


async def complete_start(ctx: ToolContext, args: Start) -> Start:
    """Say who is meant, and what it costs how often."""
    mode = await mode_now(ctx)
    if not mode:
        return args
    api = await open_api(ctx)
    payee = await _customer.find(api, args.customer, args.email, args.customer_id)
    told = {
        "customer": payee.name or args.customer,
        "email": payee.email or None,
        "customer_id": payee.id or None,
        "mode": mode,
    }
    full = Start.model_validate({**args.model_dump(), **told, **await _cost(api, args.price)})
    await check(ctx, till_of(ctx), _sum(full))
    return full


def _sum(args: Start | Change) -> Sum:
    if args.amount_minor is None or args.currency is None:
        raise Invalid("The price is not known. Ask for it anew.")
    return Sum(amount_minor=args.amount_minor, currency=args.currency)


def preview_start(args: Start) -> Card:
    """What is asked of whom, how often."""
    known = args.amount_minor and args.currency
    amount = money(args.amount_minor or 0, args.currency or "") if known else ""
    return Card(
        title="Begin a subscription",
        amount=f"{amount} each {args.interval}" if known else "",
        recipients=(_customer.shown(args.customer, args.email, args.customer_id),),
        fields=(
            Shown(name="Price", value=args.price),
            Shown(name="Due in", value=f"{args.days_until_due} days"),
        ),
        warnings=(TEST,) if args.mode == "test" else (),
        audience="the customer, by an invoice from Stripe each time",
    )


async def stripe_subscription_start(ctx: ToolContext, args: Start) -> Outcome:
    """Begin a subscription; Stripe mails an invoice for each period.

    Use it when the person wants a customer to pay regularly. Do not use it without a price: find
    one with stripe_look or make one with stripe_tier.
    - customer: the name, or the e-mail address, as Stripe knows it, such as "Acme".
    - price: the id of a monthly or yearly price, such as "price_1AbC".
    - email: the address of a customer who is new. days_until_due: 14 if nobody says otherwise.
    - customer_id: only to tell apart customers of one name.
    Example: {"customer": "Acme", "price": "price_1AbC"}
    """
    deed = await begin(ctx, args.mode or "", _sum(args))
    customer = await _customer.settle(deed, args.customer, args.email, args.customer_id)
    form = {
        "customer": customer,
        "items": [{"price": args.price}],
        "collection_method": "send_invoice",
        "days_until_due": args.days_until_due,
    }
    return _begun(await deed.step("subscription", PATH, form))


async def find_start(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """The subscription that this made."""
    args = Start.model_validate(effect.arguments)
    deed = Deed(ctx, await open_api(ctx))
    found = await deed.mine(PATH, {"price": args.price, "status": "all"})
    return _begun(text(found, "id")) if found else None


def _begun(id_: str) -> Outcome:
    return sent(id_, f"The subscription {id_} has begun.")


async def complete_change(ctx: ToolContext, args: Change) -> Change:
    """Say whose it is, and what the new price is."""
    mode = await mode_now(ctx)
    if (args.action == "price") is (args.price is None):
        raise Invalid("A new `price` goes with the action price, and with no other.")
    if not mode:
        return args
    api = await open_api(ctx)
    found = await api.get(one(PATH, args.subscription))
    payee = await _customer.find(api, "", None, text(found, "customer"))
    who = f"{payee.name} <{payee.email}>, {text(found, 'status')}"
    told: dict[str, object] = {"about": who, "mode": mode}
    if args.price:
        cost = await _cost(api, args.price)
        told |= {"amount_minor": cost["amount_minor"], "currency": cost["currency"]}
    full = Change.model_validate({**args.model_dump(), **told})
    if full.price:
        await check(ctx, till_of(ctx), _sum(full))
    return full


def preview_change(args: Change) -> Card:
    """What becomes of whose subscription."""
    known = args.amount_minor and args.currency
    return Card(
        title=f"Subscription: {args.action.replace('_', ' ')}",
        amount=money(args.amount_minor or 0, args.currency or "") if known else "",
        recipients=(args.about or args.subscription,),
        fields=(
            Shown(name="Subscription", value=args.subscription),
            Shown(name="Action", value=args.action),
            *((Shown(name="New price", value=args.price),) if args.price else ()),
        ),
        warnings=(TEST,) if args.mode == "test" else (),
    )


async def stripe_subscription_change(ctx: ToolContext, args: Change) -> Outcome:
    """Move a subscription to another price, pause it, resume it or end it.

    Use it when the person says what becomes of a subscription. Do not use it to give money back.
    - subscription: its id, such as "sub_1AbC"; stripe_look finds it.
    - action: price, pause, resume, cancel_at_end (of the time that is paid for) or cancel_now.
    - price: the new price's id, with the action price only.
    Example: {"subscription": "sub_1AbC", "action": "cancel_at_end"}
    """
    deed = await begin(ctx, args.mode or "", _sum(args) if args.price else None)
    where = one(PATH, args.subscription)
    now = await deed.api.get(where)
    if _is_so(now, args):
        return sent(args.subscription, _DONE[args.action])
    if args.action == "cancel_now":
        await _end(deed, where)
    else:
        await deed.step(args.action, where, _form(now, args), marked=False)
    return sent(args.subscription, _DONE[args.action])


async def _end(deed: Deed, where: str) -> None:
    """End it; a refusal because it has ended is what was wanted."""
    try:
        await deed.api.delete(where)
    except VendorRefused:
        if text(await deed.api.get(where), "status") != "canceled":
            raise


def _form(now: Object, args: Change) -> dict[str, object]:
    if args.action == "price":
        return {
            "items": [{"id": _item(now), "price": args.price}],
            "proration_behavior": "create_prorations",
        }
    if args.action == "cancel_at_end":
        return {"cancel_at_period_end": True}
    return {"pause_collection": {"behavior": "keep_as_draft"} if args.action == "pause" else ""}


def _item(now: Object, *names: str) -> str:
    """A text of the only thing that is subscribed to. Raises Invalid where there are several."""
    page = now.get("items")
    items = objects(page) if isinstance(page, dict) else []
    if len(items) != 1:
        raise Invalid(f"{text(now, 'id')} has {len(items)} things in it; change it at Stripe.")
    return text(items[0], *(names or ("id",)))


def _is_so(now: Object, args: Change) -> bool:
    """Whether it is as it was to become."""
    if args.action == "price":
        return _item(now, "price", "id") == args.price
    if args.action == "cancel_now":
        return text(now, "status") == "canceled"
    if args.action == "cancel_at_end":
        return now.get("cancel_at_period_end") is True
    return bool(now.get("pause_collection")) is (args.action == "pause")


async def find_change(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Whether it is so by now."""
    args = Change.model_validate(effect.arguments)
    now = await (await open_api(ctx)).get(one(PATH, args.subscription))
    return sent(args.subscription, _DONE[args.action]) if _is_so(now, args) else None


TOOLS = (
    Tool(
        name="stripe_subscription_start",
        arguments=Start,
        perform=stripe_subscription_start,
        find=find_start,
        preview=preview_start,
        complete=complete_start,
        risk=Risk.MONEY,
        policy=Policy.READBACK,
        provider="stripe",
        saying="beginning the subscription",
    ),
    Tool(
        name="stripe_subscription_change",
        arguments=Change,
        perform=stripe_subscription_change,
        find=find_change,
        preview=preview_change,
        complete=complete_change,
        risk=Risk.MONEY,
        policy=Policy.READBACK,
        provider="stripe",
        saying="changing the subscription",
    ),
)
