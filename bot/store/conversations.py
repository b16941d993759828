"""Conversations and their lines: the rows that order hangs on, and what people read back."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, func, insert, select, update

from bot.core.conversation import Conversation, Line
from bot.core.event import Attachment, Event
from bot.core.ids import (
    AgentName,
    ApprovalId,
    ConvId,
    ConvKey,
    EventId,
    PersonId,
    TenantId,
)
from bot.core.model import ModelMessage
from bot.core.times import from_us, iso, to_us
from bot.frozen import frozen
from bot.store.rows import attachments_from, attachments_to_json, dumps, loads, messages_from
from bot.store.rows import messages_to_json as raw_text
from bot.store.script import Ask, Row, Script, Statement, restartable
from bot.store.tables import approval, conv, message

HISTORY_LINES = 80
CONV = (
    conv.c.id,
    conv.c.tenant,
    conv.c.key,
    conv.c.session,
    conv.c.channel,
    conv.c.account,
    conv.c.place,
    conv.c.thread,
    conv.c.person,
    conv.c.agent,
    conv.c.title,
    conv.c.tainted,
    conv.c.epoch,
)
_CURRENT = Statement(
    select(*CONV, conv.c.state)
    .where(conv.c.tenant == bindparam("tenant"), conv.c.key == bindparam("key"))
    .order_by(conv.c.session.desc())
    .limit(1)
)
_BY_ID = Statement(
    select(*CONV, conv.c.state).where(
        conv.c.tenant == bindparam("tenant"), conv.c.id == bindparam("id")
    )
)
_OPEN = Statement(
    insert(conv).values(
        {
            name: bindparam(name)
            for name in (
                "id",
                "tenant",
                "key",
                "session",
                "channel",
                "account",
                "place",
                "thread",
                "person",
                "agent",
                "title",
                "created_at",
                "updated_at",
                "next_seq",
                "next_n",
                "state",
                "owner",
                "epoch",
            )
        }
    )
)
_NUMBER = Statement(
    update(conv)
    .where(conv.c.tenant == bindparam("tenant"), conv.c.id == bindparam("id"))
    .values(
        next_n=conv.c.next_n + 1,
        updated_at=bindparam("at"),
    )
    .returning(conv.c.next_n - 1)
)
_ATTACH = Statement(
    update(message)
    .where(
        message.c.tenant == bindparam("tenant"),
        message.c.conv == bindparam("conv"),
        message.c.turn == bindparam("turn"),
        message.c.role == "user",
    )
    .values(attachments=bindparam("files"))
    .returning(message.c.id)
)
_TAINT = Statement(
    update(conv)
    .where(conv.c.tenant == bindparam("tenant"), conv.c.id == bindparam("id"))
    .values(tainted=1)
)
_SAY = Statement(
    insert(message).values(
        {
            name: bindparam(name)
            for name in (
                "id",
                "tenant",
                "conv",
                "seq",
                "n",
                "turn",
                "role",
                "agent",
                "text",
                "raw",
                "approval",
                "footer",
                "cause",
                "attachments",
                "at",
            )
        }
    )
)
LINE = (
    message.c.id,
    message.c.seq,
    message.c.n,
    message.c.turn,
    message.c.role,
    message.c.agent,
    message.c.text,
    message.c.at,
    message.c.raw,
    message.c.approval,
    message.c.footer,
    message.c.attachments,
    message.c.cause,
)
_HISTORY = Statement(
    select(*LINE)
    .where(
        message.c.tenant == bindparam("tenant"),
        message.c.conv == bindparam("conv"),
        message.c.seq < bindparam("seq"),
    )
    .order_by(message.c.n.desc())
    .limit(bindparam("limit"))
)
_LAST = Statement(
    select(message.c.n)
    .where(message.c.tenant == bindparam("tenant"), message.c.conv == bindparam("conv"))
    .order_by(message.c.n.desc())
    .limit(1)
)
_PENDING = (
    select(func.count())
    .where(approval.c.conv == conv.c.id, approval.c.state == "pending")
    .scalar_subquery()
)
_LIST = Statement(
    select(*CONV, conv.c.state, conv.c.updated_at, _PENDING)
    .where(
        conv.c.tenant == bindparam("tenant"),
        (conv.c.person == bindparam("person")) | (bindparam("person") == "*"),
        conv.c.updated_at < bindparam("before"),
    )
    .order_by(conv.c.updated_at.desc())
    .limit(bindparam("limit"))
)
_TURN_AT = Statement(
    select(func.min(message.c.n)).where(
        message.c.tenant == bindparam("tenant"),
        message.c.conv == bindparam("conv"),
        message.c.turn == bindparam("turn"),
        message.c.role != "user",
    )
)


@frozen
class First:
    """The event that a conversation begins with, claimed as it is stored."""

    owner: str
    lines: int
    """0 or 1: whether it is a line of the transcript."""


@frozen
class Listed:
    """A conversation in a list."""

    conv: Conversation
    state: str
    updated_at: str
    """ISO 8601."""
    updated_us: int
    pending: int
    """Approvals that wait in it."""


def conversation(row: Row) -> Conversation:
    """The conversation of the columns `CONV`."""
    return Conversation(
        id=ConvId(row[0]),
        tenant=TenantId(row[1]),
        key=ConvKey(row[2]),
        session=row[3],
        channel=row[4],
        account=row[5],
        place=row[6],
        thread=row[7],
        person=PersonId(row[8]) if row[8] else None,
        agent=AgentName(row[9]) if row[9] else None,
        title=row[10],
        tainted=bool(row[11]),
        epoch=row[12],
    )


def line(row: Row) -> Line:
    """The line of the columns `LINE`."""
    return Line(
        id=row[0],
        seq=row[1],
        n=row[2],
        turn=EventId(row[3]),
        role=row[4],
        agent=AgentName(row[5]) if row[5] else None,
        text=row[6],
        at=from_us(row[7]),
        raw=messages_from(row[8]) if row[8] else (),
        approval=ApprovalId(row[9]) if row[9] else None,
        footer=row[10],
        attachments=attachments_from(loads(row[11])) if row[11] != "[]" else (),
        cause=row[12],
    )


def current(tenant: str, key: str) -> Script[tuple[Conversation, str] | None]:
    """The session of a key that is open now, and its state."""
    rows = yield Ask(_CURRENT, {"tenant": tenant, "key": key})
    return (conversation(rows[0]), rows[0][13]) if rows else None


def get(tenant: str, id_: str) -> Script[tuple[Conversation, str] | None]:
    """One conversation and its state."""
    rows = yield Ask(_BY_ID, {"tenant": tenant, "id": id_})
    return (conversation(rows[0]), rows[0][13]) if rows else None


def open_(
    event: Event, id_: str, session: int, at: int, first: First | None = None
) -> Script[Conversation]:
    """Begin a session for the key of an event; with `first` it is that event's turn already."""
    title = " ".join(event.text.split())[:60]
    person = event.sender.person
    params: dict[str, Any] = {
        "id": id_,
        "tenant": event.tenant,
        "key": event.conv,
        "session": session,
        "channel": event.channel,
        "account": event.account,
        "place": event.place.id,
        "thread": event.place.thread,
        "person": person,
        "agent": event.agent or "",
        "title": title,
        "created_at": at,
        "updated_at": at,
        "next_seq": 2 if first else 1,
        "next_n": 1 + first.lines if first else 1,
        "state": "running" if first else "idle",
        "owner": first.owner if first else "",
        "epoch": int(first is not None),
    }
    yield Ask(_OPEN, params)
    return Conversation(
        id=ConvId(id_),
        tenant=event.tenant,
        key=event.conv,
        session=session,
        channel=event.channel,
        account=event.account,
        place=event.place.id,
        thread=event.place.thread,
        person=person,
        agent=event.agent,
        title=title,
        tainted=False,
        epoch=params["epoch"],
    )


def say(tenant: str, conv_id: str, said: Line) -> Script[int]:
    """Write a line at the conversation's next position (not at its `n`); returns that position."""
    rows = yield Ask(_NUMBER, {"tenant": tenant, "id": conv_id, "at": to_us(said.at)})
    n: int = rows[0][0]
    yield from write(tenant, conv_id, replace(said, n=n))
    return n


def taint(tenant: str, conv_id: str, said: Line) -> Script[Line]:
    """Taint a conversation by a line from outside, whatever becomes of its turn; the line, marked.

    A person's line has no `raw`; one from outside has an empty one, so that later turns mark it.
    """
    yield from soil(tenant, conv_id)
    return replace(said, raw=(ModelMessage(role="user"),))


def soil(tenant: str, conv_id: str) -> Script[None]:
    """Words from outside are in a conversation from now on."""
    yield Ask(_TAINT, {"tenant": tenant, "id": conv_id})


def write(tenant: str, conv_id: str, said: Line) -> Script[None]:
    """Write a line at its `n`, which is the conversation's by now."""
    files = attachments_to_json(said.attachments)
    yield Ask(
        _SAY,
        {
            "id": said.id,
            "tenant": tenant,
            "conv": conv_id,
            "seq": said.seq,
            "n": said.n,
            "turn": said.turn,
            "role": said.role,
            "agent": said.agent or "",
            "text": said.text,
            "raw": raw_text(said.raw) if said.raw else "",
            "approval": said.approval,
            "footer": said.footer,
            "cause": said.cause,
            "attachments": dumps(files) if files else "[]",
            "at": to_us(said.at),
        },
    )


@restartable
def attach(tenant: str, conv_id: str, turn: str, files: Sequence[Attachment]) -> Script[None]:
    """Write into a person's line where its files are by now."""
    told = dumps(attachments_to_json(files))
    yield Ask(_ATTACH, {"tenant": tenant, "conv": conv_id, "turn": turn, "files": told})


def history(
    tenant: str, conv_id: str, before_seq: int, limit: int = HISTORY_LINES
) -> Script[tuple[Line, ...]]:
    """The last lines of events before a number, oldest first."""
    rows = yield Ask(
        _HISTORY, {"tenant": tenant, "conv": conv_id, "seq": before_seq, "limit": limit}
    )
    # What was said while an earlier turn ran stands behind that turn's answer.
    return tuple(line(row) for row in sorted(rows, key=lambda row: (row[1], row[2])))


def last_n(tenant: str, conv_id: str) -> Script[int]:
    """The position of the last line; 0 when there is none."""
    rows = yield Ask(_LAST, {"tenant": tenant, "conv": conv_id})
    return rows[0][0] if rows else 0


def position_of_turn(tenant: str, conv_id: str, turn: str) -> Script[int | None]:
    """The position of a turn's first answer; None before it is written."""
    rows = yield Ask(_TURN_AT, {"tenant": tenant, "conv": conv_id, "turn": turn})
    return rows[0][0] if rows else None


def listed(tenant: str, person: str, before: int, limit: int) -> Script[list[Listed]]:
    """A person's conversations (`*`: everyone's), latest first."""
    rows = yield Ask(_LIST, {"tenant": tenant, "person": person, "before": before, "limit": limit})
    return [
        Listed(
            conv=conversation(row),
            state=row[13],
            updated_at=iso(from_us(row[14])),
            updated_us=row[14],
            pending=row[15],
        )
        for row in rows
    ]
