"""Troubles as rows: what went wrong for good, once for each cause, and whether it was told.

Facts are found in the rows of deeds and events, which were written by whoever gave them up; so
nothing has to be reported in the moment of a failure, and a crash loses none. A fact is taken up
once: its key is the deed or event and the time of its end.
"""

from sqlalchemy import Select, bindparam, delete, exists, func, insert, or_, select, update

from bot.frozen import frozen
from bot.store.script import Ask, Params, Row, Script, Statement, one_of, restartable
from bot.store.tables import approval, effect, inbox, message, spend
from bot.store.tables_house import fire, schedule, trouble, trouble_fact
from bot.store.tables_people import person
from bot.store.tables_sms import sms_message
from bot.store.upsert import insert_once

AT_ONCE = 200
"""Facts that are taken up in one round."""


def _new(found: Select[tuple[object, ...]], tenant: object, ref: object, at: object) -> Statement:
    """Those that no trouble has taken up."""
    fact = trouble_fact.c
    known = exists().where(fact.tenant == tenant, fact.ref == ref, fact.at == at)
    return Statement(found.where(~known).order_by(at).limit(AT_ONCE))  # type: ignore[arg-type]


_DEED = (effect.c.tenant, effect.c.id, effect.c.tool, effect.c.turn)
_FAILED = _new(
    select(*_DEED, effect.c.ended_at).where(
        effect.c.state == "failed",
        effect.c.ended_at >= bindparam("since"),
        effect.c.kind != "reply",  # its event is a dead letter
    ),
    effect.c.tenant,
    effect.c.id,
    effect.c.ended_at,
)
_DOUBTS = _new(
    select(*_DEED, effect.c.started_at).where(
        effect.c.state == "in_doubt",
        effect.c.started_at >= bindparam("since"),
        effect.c.started_at < bindparam("before"),
    ),
    effect.c.tenant,
    effect.c.id,
    effect.c.started_at,
)
_MAY = (
    select(func.count())
    .select_from(person)
    .where(
        person.c.tenant == approval.c.tenant,
        person.c.removed_at.is_(None),
        or_(
            approval.c.approvers.like('%"' + person.c.id + '"%'),
            (approval.c.approvers == "[]")
            & or_(person.c.role == "owner", person.c.id == approval.c.requested_by),
        ),
    )
    .scalar_subquery()
)
"""How many of those who are there may decide; `may_decide` as SQL."""
_WAITS = (approval.c.state == "pending", approval.c.needs > _MAY)
_STUCK = _new(
    select(
        approval.c.tenant,
        approval.c.id,
        approval.c.code,
        approval.c.needs,
        _MAY.label("may"),
        approval.c.created_at,
    ).where(*_WAITS),
    approval.c.tenant,
    approval.c.id,
    approval.c.created_at,
)
_STILL_STUCK = Statement(
    lambda: select(approval.c.id).where(
        approval.c.tenant == bindparam("tenant"), approval.c.id == bindparam("subject"), *_WAITS
    )
)
_FALLEN = _new(
    select(
        sms_message.c.tenant, sms_message.c.id, sms_message.c.error, sms_message.c.changed_at
    ).where(
        one_of(sms_message.c.state, "undelivered", "failed"),
        sms_message.c.changed_at >= bindparam("since"),
    ),
    sms_message.c.tenant,
    sms_message.c.id,
    sms_message.c.changed_at,
)
_CAUSE = Statement(
    lambda: select(func.max(message.c.cause)).where(
        message.c.tenant == bindparam("tenant"),
        message.c.conv == bindparam("conv"),
        message.c.turn == bindparam("turn"),
    )
)
_DEAD = _new(
    select(
        inbox.c.tenant, inbox.c.id, inbox.c.kind, inbox.c.ext_id, inbox.c.ended_at, inbox.c.conv
    ).where(inbox.c.state == "dead", inbox.c.ended_at >= bindparam("since")),
    inbox.c.tenant,
    inbox.c.id,
    inbox.c.ended_at,
)
_TENANTS = Statement(lambda: select(trouble.c.tenant).where(trouble.c.state == "open").distinct())
_TAKE = Statement(
    lambda: insert_once(trouble_fact, "tenant", "ref", "at", "trouble", "noted_at").returning(
        trouble_fact.c.ref
    )
)
_NAMES = ("tenant", "id", "cause", "kind", "subject", "title", "step", "command", "href")
_TIMES = ("count", "told", "first_at", "last_at", "told_at")
_COLUMNS = tuple(trouble.c[name] for name in (*_NAMES, *_TIMES))
_OPEN_NOW = (trouble.c.tenant == bindparam("tenant"), trouble.c.state == "open")
_OF_CAUSE = Statement(
    lambda: select(*_COLUMNS).where(*_OPEN_NOW, trouble.c.cause == bindparam("cause"))
)
_LISTED = Statement(
    lambda: select(*_COLUMNS).where(*_OPEN_NOW).order_by(trouble.c.first_at, trouble.c.id)
)
_BORN = (*_NAMES, "count", "first_at", "last_at")
_BEGIN = Statement(lambda: insert(trouble).values({name: bindparam(name) for name in _BORN}))
_ONE = (trouble.c.tenant == bindparam("tenant"), trouble.c.id == bindparam("id"))
_MORE = Statement(
    lambda: (
        update(trouble)
        .where(*_ONE)
        .values(
            count=trouble.c.count + 1,
            last_at=bindparam("last_at"),
            step=bindparam("new_step"),
            command=bindparam("new_command"),
            href=bindparam("new_href"),
        )
    )
)
_TOLD = Statement(
    lambda: (
        update(trouble)
        .where(*_ONE, trouble.c.state == "open", trouble.c.told == bindparam("seen"))
        .values(told=bindparam("count"), told_at=bindparam("at"))
        .returning(trouble.c.id)
    )
)
_END = Statement(
    lambda: (
        update(trouble)
        .where(*_ONE, trouble.c.state == "open")
        .values(state="ended", ended_at=bindparam("at"))
        .returning(trouble.c.id)
    )
)
_SENT = Statement(
    lambda: (
        select(effect.c.id)
        .where(
            effect.c.tenant == bindparam("tenant"),
            effect.c.sandbox == 0,
            effect.c.started_at > bindparam("after"),
            effect.c.state == "sent",
            or_(effect.c.tool == bindparam("subject"), effect.c.connection == bindparam("subject")),
        )
        .limit(1)
    )
)
_IN_DOUBT = Statement(
    lambda: select(effect.c.id).where(
        effect.c.tenant == bindparam("tenant"),
        effect.c.id == bindparam("subject"),
        effect.c.state == "in_doubt",
    )
)
_STILL_DEAD = Statement(
    lambda: (
        select(inbox.c.id)
        .join(
            trouble_fact,
            (trouble_fact.c.ref == inbox.c.id) & (trouble_fact.c.tenant == inbox.c.tenant),
        )
        .where(
            inbox.c.tenant == bindparam("tenant"),
            trouble_fact.c.trouble == bindparam("id"),
            inbox.c.state == "dead",
        )
        .limit(1)
    )
)
_SPENT = Statement(
    lambda: (
        select(spend.c.id)
        .where(spend.c.tenant == bindparam("tenant"), spend.c.at > bindparam("after"))
        .limit(1)
    )
)
_SCHEDULED = Statement(
    lambda: select(schedule.c.words, schedule.c.state).where(
        schedule.c.tenant == bindparam("tenant"), schedule.c.id == bindparam("subject")
    )
)
_FIRED_WELL = Statement(
    lambda: (
        select(fire.c.event)
        .join(inbox, (inbox.c.id == fire.c.event) & (inbox.c.tenant == fire.c.tenant))
        .where(
            fire.c.tenant == bindparam("tenant"),
            fire.c.schedule == bindparam("subject"),
            inbox.c.ended_at > bindparam("after"),
            one_of(inbox.c.ending, "answered", "ignored"),
        )
        .limit(1)
    )
)
_FORGET = Statement(
    lambda: delete(trouble_fact).where(trouble_fact.c.noted_at < bindparam("before"))
)
_FORGET_ENDED = Statement(
    lambda: delete(trouble).where(
        trouble.c.state == "ended", trouble.c.ended_at < bindparam("before")
    )
)


@frozen
class Fact:
    """One thing that went wrong, as the rows have it."""

    tenant: str
    ref: str
    """The deed or the event."""
    at: int
    kind: str
    """deed, doubt, question, text or event."""
    subject: str = ""
    """For a deed the tool; for a question its code, how many must say yes and how many can; for a
    text why it did not arrive; for a tick the key of its time."""
    event: str = ""
    conv: str = ""


@frozen
class Trouble:
    """Something that an owner must know of."""

    tenant: str
    id: str
    cause: str
    """What makes it one and the same: one trouble is open for each cause."""
    kind: str
    """deed, doubt, question, text, event, model, schedule, connection or channel."""
    subject: str
    title: str
    step: str
    """What mends it, in a sentence."""
    command: str
    href: str
    count: int = 0
    told: int = 0
    """How many of `count` were told."""
    first_at: int = 0
    last_at: int = 0
    told_at: int | None = None


def facts(since: int, doubts: tuple[int, int]) -> Script[list[Fact]]:
    """What nobody has taken up: given up since a time, or in doubt between two."""
    found = [
        Fact(tenant=row[0], ref=row[1], subject=row[2], event=row[3], at=row[4], kind="deed")
        for row in (yield Ask(_FAILED, {"since": since}))
    ]
    for row in (yield Ask(_DOUBTS, {"since": doubts[0], "before": doubts[1]})):
        fact = Fact(
            tenant=row[0], ref=row[1], subject=row[2], event=row[3], at=row[4], kind="doubt"
        )
        found.append(fact)
    for row in (yield Ask(_FALLEN, {"since": since})):
        found.append(Fact(tenant=row[0], ref=row[1], subject=row[2], at=row[3], kind="text"))
    for row in (yield Ask(_STUCK, {})):
        can = f"only {row[4]} can" if row[4] else "nobody can"
        said = f"{row[2]}: {row[3]} must say yes, and {can}"
        found.append(Fact(tenant=row[0], ref=row[1], subject=said, at=row[5], kind="question"))
    for row in (yield Ask(_DEAD, {"since": since})):
        subject = row[3] if row[2] == "tick" else ""
        fact = Fact(
            tenant=row[0],
            ref=row[1],
            subject=subject,
            event=row[1],
            at=row[4],
            conv=row[5],
            kind="event",
        )
        found.append(fact)
    return found


def tenants() -> Script[list[str]]:
    """Those with an open trouble."""
    rows = yield Ask(_TENANTS, {})
    return [row[0] for row in rows]


@restartable
def take(item: Trouble, ref: str, at: int, now: int) -> Script[bool]:
    """Count a fact into the open trouble of its cause, or begin one; False when it was taken."""
    found = yield Ask(_OF_CAUSE, {"tenant": item.tenant, "cause": item.cause})
    id_ = found[0][1] if found else item.id
    fact: Params = {"tenant": item.tenant, "ref": ref, "at": at, "trouble": id_, "noted_at": now}
    if not (yield Ask(_TAKE, fact)):
        return False
    if found:
        params: Params = {"new_step": item.step, "new_command": item.command, "new_href": item.href}
        yield Ask(_MORE, {"tenant": item.tenant, "id": id_, "last_at": at, **params})
        return True
    born: Params = {name: getattr(item, name) for name in _NAMES}
    yield Ask(_BEGIN, {**born, "count": 1, "first_at": at, "last_at": at})
    return True


def listed(tenant: str) -> Script[list[Trouble]]:
    """Open troubles, oldest first."""
    rows = yield Ask(_LISTED, {"tenant": tenant})
    return [_trouble(row) for row in rows]


def of_cause(tenant: str, cause: str) -> Script[Trouble | None]:
    """The open trouble of a cause."""
    rows = yield Ask(_OF_CAUSE, {"tenant": tenant, "cause": cause})
    return _trouble(rows[0]) if rows else None


def told(item: Trouble, at: int) -> Script[bool]:
    """Note that it is told as it stands; False when somebody else was quicker."""
    params: Params = {"tenant": item.tenant, "id": item.id, "seen": item.told}
    rows = yield Ask(_TOLD, {**params, "count": item.count, "at": at})
    return bool(rows)


def end(item: Trouble, at: int) -> Script[bool]:
    """It is over; False when it was."""
    rows = yield Ask(_END, {"tenant": item.tenant, "id": item.id, "at": at})
    return bool(rows)


def is_over(item: Trouble) -> Script[bool]:
    """Whether the rows show that it works again, or that somebody has dealt with it."""
    params: Params = {"tenant": item.tenant, "subject": item.subject, "after": item.last_at}
    if item.kind in ("deed", "connection"):
        return bool((yield Ask(_SENT, params)))
    if item.kind == "question":
        return not (yield Ask(_STILL_STUCK, params))
    if item.kind == "doubt":
        return not (yield Ask(_IN_DOUBT, params))
    if item.kind == "schedule":
        rows = yield Ask(_SCHEDULED, params)
        return not rows or rows[0][1] != "active" or bool((yield Ask(_FIRED_WELL, params)))
    if item.kind == "model":
        return bool((yield Ask(_SPENT, params)))
    if item.kind == "event":
        return not (yield Ask(_STILL_DEAD, {"tenant": item.tenant, "id": item.id}))
    return False


def cause_of(fact: Fact) -> Script[str]:
    """Why the turn of an event failed, in one word; empty when it does not say."""
    params: Params = {"tenant": fact.tenant, "conv": fact.conv, "turn": fact.event}
    rows = yield Ask(_CAUSE, params)
    return rows[0][0] or ""


def words_of(tenant: str, id_: str) -> Script[str]:
    """When a schedule fires, in its person's words; empty when it is gone."""
    rows = yield Ask(_SCHEDULED, {"tenant": tenant, "subject": id_})
    return rows[0][0] if rows else ""


@restartable
def forget(before: int) -> Script[None]:
    """Drop old facts and troubles that are over."""
    yield Ask(_FORGET, {"before": before})
    yield Ask(_FORGET_ENDED, {"before": before})


def _trouble(row: Row) -> Trouble:
    return Trouble(**dict(zip((*_NAMES, *_TIMES), row, strict=True)))
