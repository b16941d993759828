"""Our phone numbers as rows: what the provider lists, and what an owner said of them."""

from collections.abc import Mapping, Sequence

from sqlalchemy import bindparam, select, update

from bot.core.canonical import Json
from bot.core.errors import NotFound
from bot.frozen import frozen
from bot.store import audit
from bot.store.script import Ask, Params, Script, Statement, restartable
from bot.store.tables_sms import sms_number
from bot.store.upsert import insert_over

_NUMBER = ("number", "account", "sid", "label", "purpose", "state", "is_default", "at")
_MY_NUMBER = (
    sms_number.c.tenant == bindparam("tenant"), sms_number.c.number == bindparam("number")
)  # fmt: skip
_NUMBERS = Statement(
    lambda: (
        select(*(sms_number.c[name] for name in _NUMBER))
        .where(sms_number.c.tenant == bindparam("tenant"))
        .order_by(sms_number.c.number)
    )
)
_PUT_NUMBER = Statement(lambda: insert_over(sms_number, "tenant", *_NUMBER))
_UNDEFAULT = Statement(
    lambda: (
        update(sms_number).where(sms_number.c.tenant == bindparam("tenant")).values(is_default=0)
    )
)
_SET_NUMBER = Statement(
    lambda: (
        update(sms_number)
        .where(*_MY_NUMBER)
        .values(purpose=bindparam("purpose"), is_default=bindparam("is_default"))
    )
)


@frozen
class Number:
    """One number of ours."""

    number: str
    """E.164, or a short code."""
    account: str = ""
    sid: str = ""
    label: str = ""
    purpose: str = ""
    state: str = ""
    """`ours`: its texts come here; `elsewhere`: they go somewhere else; `gone`."""
    is_default: bool = False
    at: int = 0
    """When it was first seen; what was texted before is not answered."""


def numbers(tenant: str) -> Script[list[Number]]:
    """A tenant's numbers."""
    rows = yield Ask(_NUMBERS, {"tenant": tenant})
    return [
        Number(**{**dict(zip(_NUMBER, row, strict=True)), "is_default": bool(row[6])})
        for row in rows
    ]


@restartable
def keep_numbers(tenant: str, found: Sequence[Number], at: int) -> Script[None]:
    """Write down what the provider lists now; what an owner said of a number stays."""
    known = {item.number: item for item in (yield from numbers(tenant))}
    has_default = any(item.is_default for item in known.values())
    for item in sorted(found, key=lambda one: one.number):
        old = known.pop(item.number, None)
        is_default = old.is_default if old else not has_default and item.state == "ours"
        has_default = has_default or is_default
        yield Ask(
            _PUT_NUMBER,
            {
                **_number_params(tenant, item),
                "purpose": old.purpose if old else item.purpose,
                "is_default": int(is_default),
                "at": old.at if old else item.at or at,
            },
        )
    for gone in known.values():
        yield Ask(_PUT_NUMBER, {**_number_params(tenant, gone), "state": "gone"})


def _number_params(tenant: str, item: Number) -> Params:
    values: Params = {name: getattr(item, name) for name in _NUMBER}
    return {**values, "is_default": int(item.is_default), "tenant": tenant}


@restartable
def set_number(
    tenant: str, number: str, changes: Mapping[str, str | bool], actor: str, at: int
) -> Script[Number]:
    """Say what a number is for (`purpose`), or that it is the default. Raises NotFound."""
    known = {item.number: item for item in (yield from numbers(tenant))}
    item = known.get(number)
    if item is None:
        raise NotFound("There is no such number here. `bot sms` lists them.")
    purpose = str(changes.get("purpose", item.purpose))
    is_default = bool(changes.get("default", item.is_default))
    if is_default:
        yield Ask(_UNDEFAULT, {"tenant": tenant})
    params: Params = {"tenant": tenant, "number": number, "purpose": purpose}
    yield Ask(_SET_NUMBER, {**params, "is_default": int(is_default)})
    details: dict[str, Json] = {"purpose": purpose, "default": is_default}
    yield from audit.note(tenant, at, actor, "sms.number", number, details)
    return next(one for one in (yield from numbers(tenant)) if one.number == number)
