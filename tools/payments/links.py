"""A payment link: a page of Stripe's where a price is paid, by one customer or by anybody.

A link is never deleted, only switched off at Stripe. Each link has a product and a price of its
own, so that a changed price never reaches people who have the link.
https://docs.stripe.com/api/payment-link (read 2026-11-21)
"""

from pydantic import BaseModel, ConfigDict, model_validator

from bot.core.card import Card
from bot.core.card import Field as Shown
from bot.core.effect import Effect, Outcome, Policy
from bot.core.tool import Risk, Tool, ToolContext
from tools.payments._api import Object, one, text
from tools.payments._customer import Line
from tools.payments._deed import TEST, Deed, begin, mode_now, open_api, sent, till_of
from tools.payments._limits import Sum, check
from tools.payments._money import Amount, Currency, Mode
from tools.payments._money import check as check_amount
from tools.payments._money import shown as money

PATH, PRICES = "/v1/payment_links", "/v1/prices"


class Link(BaseModel):
    """A page where a sum is paid."""

    model_config = ConfigDict(extra="forbid")

    description: Line
    amount_minor: Amount
    currency: Currency
    once: bool = True
    mode: Mode = None

    @model_validator(mode="after")
    def fits(self) -> "Link":
        """Refuse what Stripe does not take."""
        check_amount(self.amount_minor, self.currency)
        return self

    @property
    def sum(self) -> Sum:
        """What one payment is."""
        return Sum(amount_minor=self.amount_minor, currency=self.currency)


async def complete(ctx: ToolContext, args: Link) -> Link:
    """Say whether money moves at all."""
    mode = await mode_now(ctx)
    if not mode:
        return args
    await check(ctx, till_of(ctx), args.sum)
    return Link.model_validate({**args.model_dump(), "mode": mode})


def preview(args: Link) -> Card:
    """What is paid there, and how often."""
    return Card(
        title="Make a payment link",
        amount=money(args.amount_minor, args.currency),
        recipients=("one payment, then it is closed" if args.once else "as many as pay there",),
        fields=(Shown(name="For", value=args.description),),
        warnings=(TEST,) if args.mode == "test" else (),
        audience="whoever has the link",
    )


async def stripe_payment_link(ctx: ToolContext, args: Link) -> Outcome:
    """Make a link to a page where somebody pays a sum by card or as Stripe offers there.

    Use it when the person wants a link to be paid by. Do not use it to bill a known customer with a
    due date: that is stripe_invoice. Send nobody the link unless the person asks for it.
    - description: what is paid for, as the page shows it, such as "Workshop in May".
    - amount_minor: in the smallest unit: 12000 for 120.00 EUR.
    - currency: three letters, such as "EUR".
    - once: true closes the page after one payment; false keeps it open.
    Example: {"description": "Workshop in May", "amount_minor": 12000, "currency": "EUR"}
    """
    deed = await begin(ctx, args.mode or "", args.sum)
    price = await deed.step(
        "price",
        PRICES,
        {
            "currency": args.currency.lower(),
            "unit_amount": args.amount_minor,
            "product_data": {"name": args.description},
        },
    )
    limit = {"restrictions": {"completed_sessions": {"limit": 1}}} if args.once else {}
    lines = [{"price": price, "quantity": 1}]
    link = await deed.step("link", PATH, {"line_items": lines, **limit})
    return _told(await deed.api.get(one(PATH, link)))


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """The link that this made; a price alone is kept for the next call."""
    deed = Deed(ctx, await open_api(ctx))
    since = effect.started_at
    young = {"created": {"gte": int(since.timestamp()) - 86_400}} if since else {}
    if not deed.ref("price"):
        price = await deed.mine(PRICES, young)
        if price is None:
            return None
        await deed.keep("price", text(price, "id"))
    found = await deed.mine(PATH, {})
    return _told(found) if found else None


def _told(link: Object) -> Outcome:
    return sent(text(link, "id"), "The payment link is there.", text(link, "url"))


TOOLS = (
    Tool(
        name="stripe_payment_link",
        arguments=Link,
        perform=stripe_payment_link,
        find=find,
        preview=preview,
        complete=complete,
        risk=Risk.MONEY,
        policy=Policy.READBACK,
        provider="stripe",
        saying="making a payment link",
    ),
)
