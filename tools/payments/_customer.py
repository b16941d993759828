"""Whom something at Stripe is for: found by e-mail first, then by name, and never guessed.

Stripe lets many customers share an address or a name, so two that fit are a question to the person.
https://docs.stripe.com/api/customers (read 2026-11-21)
"""

import re
from typing import Annotated

from pydantic import AfterValidator, Field

from bot.core.errors import Invalid
from bot.frozen import frozen
from tools._arguments import unfit
from tools.payments._api import Api, Object, objects, text
from tools.payments._deed import Deed

PATH = "/v1/customers"
SHOWN = 5
_EMAIL = re.compile(r"[^\s@<>\"']+@[^\s@<>\"']+\.[^\s@<>\"']+")


def _line(value: str) -> str:
    text_ = " ".join(value.split())
    if not text_ or not text_.isprintable():
        raise unfit("it is one line of plain text")
    return text_


def _email(value: str) -> str:
    found = value.strip()
    if not _EMAIL.fullmatch(found):
        raise unfit("it is no e-mail address; write one like ana@example.com")
    return found


Line = Annotated[str, Field(min_length=1, max_length=250), AfterValidator(_line)]
Email = Annotated[str, Field(max_length=250), AfterValidator(_email)]
CustomerId = Annotated[str, Field(pattern=r"^cus_[A-Za-z0-9]{1,60}$")]


@frozen
class Payee:
    """Who it is; `id` is empty for one that Stripe does not have yet."""

    id: str
    name: str
    email: str


def shown(name: str, email: str | None, id_: str | None) -> str:
    """`Acme <billing@acme.example>, cus_1`, as cards show it."""
    who = f"{name} <{email}>" if email and email != name else name
    return f"{who}, {id_}" if id_ else f"{who}, new at Stripe"


async def find(api: Api, name: str, email: str | None, id_: str | None) -> Payee:
    """Whom these words mean. Raises Invalid with a sentence where that is not certain."""
    if id_:
        return _payee(await api.get(f"{PATH}/{id_}"))
    address = email or (name if _EMAIL.fullmatch(name) else "")
    if address:
        found = await by_email(api, address)
        return _only(found, address) or Payee(id="", name=name, email=address)
    quoted = name.replace("\\", "\\\\").replace("'", "\\'")
    page = await api.get(f"{PATH}/search", {"query": f"name:'{quoted}'", "limit": 100})
    named = [each for each in objects(page) if text(each, "name").casefold() == name.casefold()]
    payee = _only(named, name)
    if payee is None:
        raise Invalid(
            f"Stripe has no customer called {name}. Ask for the e-mail address and give it as "
            "`email`; then a new customer is made."
        )
    if not payee.email:
        raise Invalid(f"{name} ({payee.id}) has no e-mail address at Stripe. Add one first.")
    return payee


async def by_email(api: Api, email: str) -> list[Object]:
    """The customers with exactly this address."""
    page = await api.get(PATH, {"email": email, "limit": 100})
    return [each for each in objects(page) if text(each, "email").casefold() == email.casefold()]


async def settle(deed: Deed, name: str, email: str | None, id_: str | None) -> str:
    """The customer's id; one that is new is made, once."""
    if id_ or deed.ref("customer"):
        return id_ or deed.ref("customer")
    if email and (payee := _only(await by_email(deed.api, email), email)):
        await deed.keep("customer", payee.id)
        return payee.id
    return await deed.step("customer", PATH, {"name": name, "email": email})


def _only(found: list[Object], words: str) -> Payee | None:
    if len(found) > 1:
        ids = ", ".join(text(each, "id") for each in found[:SHOWN])
        raise Invalid(
            f"Stripe has {len(found)} customers for {words}: {ids}. Ask which, and give its id as "
            "`customer_id`."
        )
    return _payee(found[0]) if found else None


def _payee(found: Object) -> Payee:
    if found.get("deleted"):
        raise Invalid(f"The customer {text(found, 'id')} was deleted at Stripe.")
    return Payee(id=text(found, "id"), name=text(found, "name"), email=text(found, "email"))
