"""Text messages as rows: threads, who opted out, what was heard and sent.

A message that leaves has a row before the provider is called, and `begin` writes it only while the
other side wants to hear from us: the question and the row are one transaction, so a STOP that was
taken in stops every send that has not begun. States go forward by rank, in whatever order they
come.
"""

from collections.abc import Mapping
from typing import Final

from sqlalchemy import Select, bindparam, select, update

from bot.core.canonical import Json
from bot.frozen import frozen
from bot.store import audit
from bot.store.script import Ask, Params, Row, Script, Statement, Value, restartable
from bot.store.tables_people import identity, person
from bot.store.tables_sms import sms_message, sms_opt_out, sms_thread
from bot.store.upsert import insert_once, insert_over

LEAVING, REFUSED = "leaving", "refused"
RANK: Final[Mapping[str, int]] = {
    LEAVING: 0, "accepted": 1, "scheduled": 1, "queued": 2, "sending": 3, "sent": 4,
    "partially_delivered": 5, "delivered": 6, "undelivered": 6, "failed": 6, "canceled": 6,
    "read": 7, REFUSED: 9,
}  # fmt: skip
"""How far a message is. The first of equal ends stands."""

MESSAGE = (
    *("id", "sid", "way", "number", "contact", "kind", "answers", "state"),
    *("rank", "segments", "media", "error", "at", "changed_at"),
)
_THREAD = ("number", "contact", "heard", "said", "last", "heard_at", "last_at")
_ONE_THREAD = Statement(
    lambda: select(*(sms_thread.c[name] for name in _THREAD)).where(
        sms_thread.c.tenant == bindparam("tenant"),
        sms_thread.c.number == bindparam("number"),
        sms_thread.c.contact == bindparam("contact"),
    )
)
_PUT_THREAD = Statement(lambda: insert_over(sms_thread, "tenant", *_THREAD))
_THREADS = Statement(
    lambda: (
        select(*(sms_thread.c[name] for name in _THREAD))
        .where(
            sms_thread.c.tenant == bindparam("tenant"), sms_thread.c.last_at < bindparam("before")
        )
        .order_by(sms_thread.c.last_at.desc())
        .limit(bindparam("limit"))
    )
)
_KNOWN = Statement(
    lambda: (
        select(identity.c.ext_id, person.c.id, person.c.name)
        .join(person, (person.c.tenant == identity.c.tenant) & (person.c.id == identity.c.person))
        .where(identity.c.tenant == bindparam("tenant"), identity.c.channel == bindparam("channel"))
    )
)
_OUT = ("contact", "number", "state", "how", "ref", "at")
_OUTS_OF = Statement(
    lambda: select(*(sms_opt_out.c[name] for name in _OUT)).where(
        sms_opt_out.c.tenant == bindparam("tenant"),
        sms_opt_out.c.contact == bindparam("contact"),
    )
)
_OUTS = Statement(
    lambda: (
        select(*(sms_opt_out.c[name] for name in _OUT))
        .where(sms_opt_out.c.tenant == bindparam("tenant"))
        .order_by(sms_opt_out.c.at.desc())
        .limit(bindparam("limit"))
    )
)
_PUT_OUT = Statement(lambda: insert_over(sms_opt_out, "tenant", *_OUT))
_ADD = Statement(lambda: insert_once(sms_message, "tenant", *MESSAGE))
_CHANGE = Statement(
    lambda: (
        update(sms_message)
        .where(sms_message.c.tenant == bindparam("tenant"), sms_message.c.id == bindparam("id"))
        .values(
            {name: bindparam(name) for name in ("sid", "state", "rank", "segments", "error")}
            | {"at": bindparam("at"), "changed_at": bindparam("changed_at")}
        )
    )
)


def _messages(*when: object) -> Select[tuple[object, ...]]:
    return select(*(sms_message.c[name] for name in MESSAGE)).where(
        sms_message.c.tenant == bindparam("tenant"),
        *when,  # type: ignore[arg-type]
    )


_BY_ID = Statement(lambda: _messages(sms_message.c.id == bindparam("id")))
_BY_SID = Statement(lambda: _messages(sms_message.c.sid == bindparam("sid")))
_OF_THREAD = Statement(
    lambda: (
        _messages(
            sms_message.c.number == bindparam("number"),
            sms_message.c.contact == bindparam("contact"),
        )
        .order_by(sms_message.c.at.desc())
        .limit(bindparam("limit"))
    )
)


@frozen
class Thread:
    """What was said between a number of ours and one of theirs."""

    number: str
    contact: str
    heard: int = 0
    said: int = 0
    last: str = ""
    """`in` or `out`."""
    heard_at: int = 0
    last_at: int = 0
    person: str = ""
    name: str = ""


@frozen
class OptOut:
    """What somebody said about hearing from one number of ours."""

    contact: str
    number: str
    state: str
    """`out` or `in`."""
    how: str
    """The word that they wrote, or the error that the provider gave."""
    ref: str = ""
    at: int = 0


@frozen
class Texted:
    """One message, without its words."""

    id: str
    """The deed it is, or the provider's id of one that came in."""
    number: str
    contact: str
    way: str = "out"
    kind: str = ""
    sid: str = ""
    answers: str = ""
    """The event that it answers."""
    state: str = LEAVING
    rank: int = 0
    segments: int = 0
    media: int = 0
    error: str = ""
    at: int = 0
    changed_at: int = 0


def threads(tenant: str, before: int, limit: int) -> Script[list[Thread]]:
    """The threads with the newest message first, with whom each is if that is known."""
    rows = yield Ask(_THREADS, {"tenant": tenant, "before": before, "limit": limit})
    people = yield Ask(_KNOWN, {"tenant": tenant, "channel": "sms"})
    known = {row[0]: (row[1], row[2]) for row in people}
    found = [Thread(**dict(zip(_THREAD, row, strict=True))) for row in rows]
    return [_named(item, *known.get(item.contact, ("", ""))) for item in found]


def _named(item: Thread, who: str, name: str) -> Thread:
    values = {key: getattr(item, key) for key in _THREAD}
    return Thread(**values, person=who, name=name)


def of_thread(tenant: str, number: str, contact: str, limit: int) -> Script[list[Texted]]:
    """The newest messages of a thread."""
    params: Params = {"tenant": tenant, "number": number, "contact": contact, "limit": limit}
    rows = yield Ask(_OF_THREAD, params)
    return [texted(row) for row in rows]


def opt_outs(tenant: str, limit: int) -> Script[list[OptOut]]:
    """What people said about hearing from us, the newest first."""
    rows = yield Ask(_OUTS, {"tenant": tenant, "limit": limit})
    return [OptOut(**dict(zip(_OUT, row, strict=True))) for row in rows]


def blocked(tenant: str, number: str, contact: str) -> Script[OptOut | None]:
    """Why a number may not be texted from one of ours; None when it may.

    Whoever wrote STOP to one of our numbers is not texted from another either, unless they wrote to
    that one since.
    """
    rows = yield Ask(_OUTS_OF, {"tenant": tenant, "contact": contact})
    outs = [OptOut(**dict(zip(_OUT, row, strict=True))) for row in rows]
    outs = [item for item in outs if item.state == "out"]
    if not outs:
        return None
    if here := next((item for item in outs if item.number == number), None):
        return here
    thread = yield from _thread(tenant, number, contact)
    return next((item for item in outs if item.at >= thread.heard_at), None)


@restartable
def opt(tenant: str, item: OptOut) -> Script[bool]:
    """Write down an opt-out or opt-in; False when that very one is known."""
    rows = yield Ask(_OUTS_OF, {"tenant": tenant, "contact": item.contact})
    old = [OptOut(**dict(zip(_OUT, row, strict=True))) for row in rows]
    if any(one.number == item.number and one.ref and one.ref == item.ref for one in old):
        return False
    if any(one.number == item.number and one.state == "in" and one.at > item.at for one in old):
        return False  # an older word that came late
    values: Params = {name: getattr(item, name) for name in _OUT}
    yield Ask(_PUT_OUT, {"tenant": tenant, **values})
    details: dict[str, Json] = {"number": item.number, "how": item.how}
    action = "sms.opted_out" if item.state == "out" else "sms.opted_in"
    yield from audit.note(tenant, item.at, f"sms:{item.contact}", action, item.contact, details)
    return True


@restartable
def heard(tenant: str, item: Texted, said: OptOut | None = None) -> Script[bool]:
    """Write down a message that came in, with what it says of hearing from us. False: a repeat."""
    if (yield Ask(_BY_ID, {"tenant": tenant, "id": item.id})):
        return False
    yield Ask(_ADD, _message_params(tenant, item))
    if said:
        yield from opt(tenant, said)
    yield from _count(tenant, item)
    return True


def one(tenant: str, id_: str) -> Script[Texted | None]:
    """A message by its id."""
    rows = yield Ask(_BY_ID, {"tenant": tenant, "id": id_})
    return texted(rows[0]) if rows else None


def holder(tenant: str, sid: str) -> Script[str]:
    """Which message of ours a message of the provider is; empty when none."""
    rows = yield Ask(_BY_SID, {"tenant": tenant, "sid": sid})
    return texted(rows[0]).id if rows else ""


@restartable
def begin(tenant: str, item: Texted) -> Script[OptOut | Texted | None]:
    """Write a message as leaving; else the opt-out against it, or the message that left before."""
    if why := (yield from blocked(tenant, item.number, item.contact)):
        return why
    old = yield from one(tenant, item.id)
    if old is None:
        yield Ask(_ADD, _message_params(tenant, item))
        return None
    if old.sid:
        return old
    at = old.at if old.state == LEAVING else item.at
    changes: Params = {"state": LEAVING, "rank": 0, "error": "", "changed_at": item.changed_at}
    yield Ask(_CHANGE, _changed(tenant, old, **changes, at=at))
    return None


@restartable
def refused(tenant: str, id_: str, error: str, at: int, out: OptOut | None = None) -> Script[None]:
    """The provider surely did not take it; `out` when that was because they opted out."""
    old = yield from one(tenant, id_)
    if old and not old.sid:
        changes: Params = {"state": REFUSED, "rank": RANK[REFUSED], "error": error}
        yield Ask(_CHANGE, _changed(tenant, old, **changes, changed_at=at))
    if out:
        yield from opt(tenant, out)


@restartable
def moved(tenant: str, found: Texted, at: int) -> Script[bool]:
    """Bring a message forward to what the provider says of it; False when it is there already.

    It is known by our id, or by the provider's. Its first word on a message counts it.
    """
    old = (yield from one(tenant, found.id)) if found.id else None
    if old is None and found.sid:
        rows = yield Ask(_BY_SID, {"tenant": tenant, "sid": found.sid})
        old = texted(rows[0]) if rows else None
    if old is None or (old.sid and found.sid and old.sid != found.sid):
        return False
    is_first = not old.sid
    ahead = RANK.get(found.state, 0) > old.rank or old.state == REFUSED
    if not (is_first or ahead):
        return False
    changes: Params = {"sid": old.sid or found.sid, "changed_at": at}
    if ahead:
        changes |= {"state": found.state, "rank": RANK.get(found.state, 0), "error": found.error}
    if found.segments:
        changes["segments"] = found.segments
    yield Ask(_CHANGE, _changed(tenant, old, **changes))
    if is_first:
        yield from _count(tenant, old)
    return True


def _changed(tenant: str, old: Texted, **changes: Value) -> Params:
    names = ("id", "sid", "state", "rank", "segments", "error", "at", "changed_at")
    kept: Params = {name: getattr(old, name) for name in names}
    return {"tenant": tenant, **kept, **changes}


def _message_params(tenant: str, item: Texted) -> Params:
    values: Params = {name: getattr(item, name) for name in MESSAGE}
    return {"tenant": tenant, **values}


def texted(row: Row) -> Texted:
    """A message of a row of `MESSAGE`."""
    return Texted(**dict(zip(MESSAGE, row, strict=True)))


def _thread(tenant: str, number: str, contact: str) -> Script[Thread]:
    params: Params = {"tenant": tenant, "number": number, "contact": contact}
    rows = yield Ask(_ONE_THREAD, params)
    if not rows:
        return Thread(number=number, contact=contact)
    return Thread(**dict(zip(_THREAD, rows[0], strict=True)))


def _count(tenant: str, item: Texted) -> Script[None]:
    """One more message of a thread."""
    old = yield from _thread(tenant, item.number, item.contact)
    is_in = item.way == "in"
    values: Params = {
        "number": item.number,
        "contact": item.contact,
        "heard": old.heard + is_in,
        "said": old.said + (not is_in),
        "last": item.way if item.at >= old.last_at else old.last,
        "heard_at": max(old.heard_at, item.at) if is_in else old.heard_at,
        "last_at": max(old.last_at, item.at),
    }
    yield Ask(_PUT_THREAD, {"tenant": tenant, **values})
