"""A tier: a product with a price for a month and one for a year, which is 20 % below twelve months.

The yearly price is reckoned here, twelve months times 0.8, to the nearest amount that the currency
has, halves to the even one: 9.99 a month is 95.90 a year. Prices cannot be changed at Stripe: a new
tier is made and the old one is left to those who have it.
https://docs.stripe.com/api/prices (read 2026-11-21)
"""

from pydantic import BaseModel, ConfigDict, model_validator

from bot.core.card import Card
from bot.core.card import Field as Shown
from bot.core.effect import Effect, Outcome, Policy
from bot.core.tool import Risk, Tool, ToolContext
from tools.payments._api import text
from tools.payments._customer import Line
from tools.payments._deed import TEST, Deed, begin, mode_now, open_api, sent
from tools.payments._money import Amount, Currency, Mode, check, yearly
from tools.payments._money import shown as money

PRODUCTS, PRICES = "/v1/products", "/v1/prices"


class Tier(BaseModel):
    """What can be subscribed to, by the month or by the year."""

    model_config = ConfigDict(extra="forbid")

    name: Line
    monthly_minor: Amount
    currency: Currency
    mode: Mode = None

    @model_validator(mode="after")
    def fits(self) -> "Tier":
        """Refuse what Stripe does not take."""
        check(self.monthly_minor, self.currency)
        return self

    @property
    def yearly_minor(self) -> int:
        """What a year costs."""
        return yearly(self.monthly_minor, self.currency)


async def complete(ctx: ToolContext, args: Tier) -> Tier:
    """Say whether money moves at all."""
    mode = await mode_now(ctx)
    return Tier.model_validate({**args.model_dump(), "mode": mode}) if mode else args


def preview(args: Tier) -> Card:
    """Both prices."""
    return Card(
        title="Make a pricing tier",
        fields=(
            Shown(name="Tier", value=args.name),
            Shown(name="Each month", value=money(args.monthly_minor, args.currency)),
            Shown(
                name="Each year",
                value=f"{money(args.yearly_minor, args.currency)}, 20 % below twelve months",
            ),
        ),
        warnings=(TEST,) if args.mode == "test" else (),
        audience="nobody until it is used in a subscription",
    )


async def stripe_tier(ctx: ToolContext, args: Tier) -> Outcome:
    """Make a pricing tier: a product with a monthly price and a yearly one, 20 % cheaper.

    Use it when the person wants something new that customers subscribe to. Do not use it to change
    a price that is there: prices cannot be changed. It charges nobody.
    - name: as customers see it, such as "Team".
    - monthly_minor: a month in the smallest unit: 999 for 9.99 EUR. The year is reckoned.
    - currency: three letters, such as "EUR".
    Example: {"name": "Team", "monthly_minor": 999, "currency": "EUR"}
    """
    deed = await begin(ctx, args.mode or "")
    product = await deed.step("product", PRODUCTS, {"name": args.name})
    for interval, amount in (("month", args.monthly_minor), ("year", args.yearly_minor)):
        form = {
            "product": product,
            "currency": args.currency.lower(),
            "unit_amount": amount,
            "recurring": {"interval": interval},
        }
        await deed.step(interval, PRICES, form)
    return _told(deed)


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """What of it is there; the rest is made by the next call."""
    deed = Deed(ctx, await open_api(ctx))
    if not deed.ref("product"):
        made = await deed.mine(PRODUCTS, {})
        if made is None:
            return None
        await deed.keep("product", text(made, "id"))
    for price in await deed.api.every(PRICES, {"product": deed.ref("product")}):
        interval = text(price, "recurring", "interval")
        if interval in ("month", "year") and not deed.ref(interval):
            await deed.keep(interval, text(price, "id"))
    return _told(deed) if deed.ref("month") and deed.ref("year") else None


def _told(deed: Deed) -> Outcome:
    prices = f"a month is {deed.ref('month')}, a year is {deed.ref('year')}"
    return sent(deed.ref("product"), f"The tier is there: {prices}.")


TOOLS = (
    Tool(
        name="stripe_tier",
        arguments=Tier,
        perform=stripe_tier,
        find=find,
        preview=preview,
        complete=complete,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        provider="stripe",
        saying="making a pricing tier",
    ),
)
