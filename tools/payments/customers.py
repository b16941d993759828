"""A customer at Stripe by itself: made, or changed where one is there.

Stripe lets many customers share an address, so a new one is made only while there is none of that
address. A change goes through only while what it touches is as it was shown.
https://docs.stripe.com/api/customers (read 2026-11-22)
"""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

from bot.core.card import Card
from bot.core.card import Field as Shown
from bot.core.effect import Effect, Outcome, Policy
from bot.core.errors import Conflict, Invalid
from bot.core.tool import Risk, Tool, ToolContext
from tools._arguments import unfit
from tools.payments._api import Object, one, text
from tools.payments._customer import PATH, CustomerId, Email, Line, by_email
from tools.payments._deed import Deed, begin, mode_now, open_api, sent
from tools.payments._money import Mode

_PLAIN = ("name", "email", "phone", "description")
_ADDRESS = ("line1", "line2", "postal_code", "city", "state", "country")
_TITLES = {"line1": "Address", "line2": "Address, second line", "postal_code": "Postcode"}
MADE, CHANGED = "made", "changed"


def _phone(value: str) -> str:
    found = " ".join(value.split())
    if not found or set(found) - set("+0123456789 ()-./"):
        raise unfit("it is no telephone number; write one like +49 30 123456")
    return found


Phone = Annotated[str, Field(max_length=20), AfterValidator(_phone)]
Country = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]


class Customer(BaseModel):
    """What a customer is to be; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    customer_id: CustomerId | None = None
    name: Line | None = None
    email: Email | None = None
    phone: Phone | None = None
    description: Line | None = None
    line1: Line | None = None
    line2: Line | None = None
    postal_code: Line | None = None
    city: Line | None = None
    state: Line | None = None
    country: Country | None = None
    was: SkipJsonSchema[dict[str, str] | None] = None
    """Of a customer who is there: who it is, and what stands where something is changed."""
    mode: Mode = None

    @model_validator(mode="after")
    def fits(self) -> "Customer":
        """Refuse a new one without a name and an address, and a change of nothing."""
        if self.customer_id is None and not (self.name and self.email):
            raise unfit("say name and email of a new customer, or the customer_id of one")
        if not self.wanted:
            raise unfit("say what is to be changed")
        return self

    @property
    def wanted(self) -> dict[str, str]:
        """What is said, by the name of its argument."""
        told = ((name, getattr(self, name)) for name in (*_PLAIN, *_ADDRESS))
        return {name: value for name, value in told if value is not None}

    def form(self) -> dict[str, object]:
        """The same as Stripe takes it."""
        wanted: dict[str, object] = dict(self.wanted)
        address = {name: wanted.pop(name) for name in _ADDRESS if name in wanted}
        return {**wanted, "address": address} if address else wanted


async def complete(ctx: ToolContext, args: Customer) -> Customer:
    """Say who is there already. Raises Invalid."""
    mode = await mode_now(ctx)
    if not mode:
        return args
    known: dict[str, object] = {"mode": mode}
    api = await open_api(ctx)
    if args.customer_id:
        found = await api.get(one(PATH, args.customer_id))
        if found.get("deleted"):
            raise Invalid(f"The customer {args.customer_id} was deleted at Stripe.")
        known["was"] = {**_standing(found, args), "who": _who(found)}
    elif there := await by_email(api, args.email or ""):
        raise Invalid(
            f"Stripe has {text(there[0], 'id')} with the address {args.email} already. Give it as "
            "customer_id to change it."
        )
    return Customer.model_validate({**args.model_dump(), **known})


def _who(found: Object) -> str:
    name, email = text(found, "name"), text(found, "email")
    return f"{name} <{email}>" if name and email else name or email or "no name"


def _standing(found: Object, args: Customer) -> dict[str, str]:
    """What stands now where something is changed."""
    return {
        name: text(found, "address", name) if name in _ADDRESS else text(found, name)
        for name in args.wanted
    }


def preview(args: Customer) -> Card:
    """Who, and what becomes of them."""
    was = args.was or {}
    lines = [Shown(name="Customer", value=f"{was['who']}, {args.customer_id}")] if was else []
    for name, value in args.wanted.items():
        title = _TITLES.get(name, name.title())
        before = was.get(name, "")
        if before and before != value:
            lines.append(Shown(name=f"{title} now", value=before))
        lines.append(Shown(name=title, value=value, editable=name))
    return Card(
        title="Change a customer at Stripe" if args.customer_id else "Make a customer at Stripe",
        fields=tuple(lines),
        warnings=("test mode",) if args.mode == "test" else (),
        audience="nobody is told; invoices and receipts go to the address from then on",
    )


async def stripe_customer(ctx: ToolContext, args: Customer) -> Outcome:
    """Make a customer at Stripe, or change the name or address of one who is there.

    Use it when the person wants a customer kept or corrected, by itself. Do not use it before
    stripe_invoice or stripe_subscription_start: they make a new customer themselves. It charges
    nobody and mails nobody.
    - customer_id: of the one to be changed, from stripe_look; leave it out for a new one.
    - name, email: who it is, and where invoices go; a new one needs both.
    - phone, description: such as "+49 30 123456" and "paid by bank transfer".
    - line1, line2, postal_code, city, state, country: where bills are made out to; country in two
      letters, such as "DE".
    Example: {"name": "Acme", "email": "billing@acme.example", "country": "DE"}
    """
    deed = await begin(ctx, args.mode or "")
    if args.customer_id:
        if not deed.ref(CHANGED):
            found = await deed.api.get(one(PATH, args.customer_id))
            if not _is_mine(ctx, found):
                _hold(found, args)
                await deed.step(CHANGED, one(PATH, args.customer_id), args.form())
        return _told(args.customer_id, CHANGED)
    if not deed.ref(MADE) and (there := await by_email(deed.api, args.email or "")):
        mine = [each for each in there if _is_mine(ctx, each)]
        if not mine:
            raise Conflict(
                f"Stripe has {text(there[0], 'id')} with this address since you were asked. "
                "Nothing was done."
            )
        return _told(text(mine[0], "id"), MADE)
    return _told(await deed.step(MADE, PATH, args.form()), MADE)


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look up whether it was done."""
    args = Customer.model_validate(effect.arguments)
    deed = Deed(ctx, await open_api(ctx))
    if args.customer_id:
        found = await deed.api.get(one(PATH, args.customer_id))
        return _told(args.customer_id, CHANGED) if _is_mine(ctx, found) else None
    made = await deed.mine(PATH, {"email": args.email or ""})
    return _told(text(made, "id"), MADE) if made else None


def _is_mine(ctx: ToolContext, found: Object) -> bool:
    """Whether this deed was the last of ours that wrote it."""
    return text(found, "metadata", "effect") == ctx.key


def _hold(found: Object, args: Customer) -> None:
    """Raises Conflict where what is to be changed is not as it was shown."""
    shown = {name: value for name, value in (args.was or {}).items() if name != "who"}
    if found.get("deleted") or _standing(found, args) != shown:
        raise Conflict(
            "Somebody has changed this customer since you were asked. Look it up and ask for it "
            "again."
        )


def _told(id_: str, what: str) -> Outcome:
    return sent(id_, f"The customer {id_} is {what}.")


TOOLS = (
    Tool(
        name="stripe_customer",
        arguments=Customer,
        perform=stripe_customer,
        find=find,
        preview=preview,
        complete=complete,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        provider="stripe",
        outside=True,
        saying="keeping a customer",
    ),
)
