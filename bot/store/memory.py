"""Memos as rows: what an agent keeps about a person, one tenant, agent and person at a time.

Finding the right ones among them is `agents/runtime/memory.py`. Nobody's memo can be read, counted
or deleted from under another tenant, agent or person: all of them stand in every statement. What
is kept and forgotten stands in the audit, without its words.
"""

from dataclasses import replace

from sqlalchemy import bindparam, delete, func, insert, or_, select

from bot.core.ids import AgentName, PersonId
from bot.core.ports import Memo
from bot.core.times import from_us, to_us
from bot.store import audit, vectors
from bot.store.rows import attachments_from, loads
from bot.store.script import Ask, Params, Row, Script, Statement, restartable
from bot.store.tables import message
from bot.store.tables_house import memo

MAX_SOURCE = 300
_MINE = (
    memo.c.tenant == bindparam("tenant"),
    memo.c.agent == bindparam("agent"),
    memo.c.person == bindparam("person"),
)
_NAMES = ("id", "text", "source", "trusted", "person", "agent", "at", "conv", "event")
_COLUMNS = tuple(memo.c[name] for name in _NAMES)
_SEEN = Statement(
    lambda: select(memo.c.id).where(
        memo.c.tenant == bindparam("tenant"), memo.c.id == bindparam("id")
    )
)
_COUNT = Statement(lambda: select(func.count()).select_from(memo).where(*_MINE))
_KEEP = Statement(
    lambda: insert(memo).values({name: bindparam(name) for name in ("tenant", *_NAMES)})
)
_FILES = Statement(
    lambda: select(message.c.attachments).where(
        message.c.tenant == bindparam("tenant"),
        message.c.conv == bindparam("conv"),
        message.c.turn == bindparam("event"),
        message.c.role == "user",
    )
)
_LIST = Statement(
    lambda: (
        select(*_COLUMNS)
        .where(*_MINE)
        .order_by(memo.c.at.desc(), memo.c.id.desc())
        .limit(bindparam("limit"))
    )
)
_ABOUT = (
    memo.c.tenant == bindparam("tenant"),
    or_(memo.c.person == bindparam("person"), memo.c.person == bindparam("also")),
)
_OF_PERSON = Statement(
    lambda: (
        select(*_COLUMNS)
        .where(*_ABOUT, memo.c.at < bindparam("before"))
        .order_by(memo.c.at.desc(), memo.c.id.desc())
        .limit(bindparam("limit"))
    )
)
_FORGET = Statement(
    lambda: delete(memo).where(*_MINE, memo.c.id == bindparam("id")).returning(memo.c.id)
)
_FORGET_ABOUT = Statement(
    lambda: delete(memo).where(*_ABOUT, memo.c.id == bindparam("id")).returning(memo.c.agent)
)
_FORGET_PERSON = Statement(
    lambda: (
        delete(memo)
        .where(memo.c.tenant == bindparam("tenant"), memo.c.person == bindparam("person"))
        .returning(memo.c.id)
    )
)


@restartable
def keep(tenant: str, item: Memo, most: int) -> Script[bool]:
    """Write a memo once; False when its owner has `most` already. A known id changes nothing.

    Files that came with its event are named in its source.
    """
    seen = yield Ask(_SEEN, {"tenant": tenant, "id": item.id})
    if seen:
        return True
    owner: Params = {"tenant": tenant, "agent": item.agent, "person": item.person or ""}
    count = yield Ask(_COUNT, owner)
    if count[0][0] >= most:
        return False
    item = replace(item, source=(yield from _source(tenant, item)))
    row: Params = {
        **owner,
        "id": item.id,
        "text": item.text,
        "source": item.source,
        "trusted": int(item.trusted),
        "at": to_us(item.at),
        "conv": item.conv,
        "event": item.event,
    }
    yield Ask(_KEEP, row)
    told = {"agent": item.agent, "person": item.person or "", "trusted": item.trusted}
    actor = f"agent:{item.agent}"
    yield from audit.note(tenant, to_us(item.at), actor, "memory.kept", item.id, told, item.event)
    return True


def _source(tenant: str, item: Memo) -> Script[str]:
    if not (item.conv and item.event):
        return item.source
    rows = yield Ask(_FILES, {"tenant": tenant, "conv": item.conv, "event": item.event})
    files = [file.name for row in rows for file in attachments_from(loads(row[0]))]
    named = f", with the file {', '.join(files)}" if files else ""
    return (item.source + named)[:MAX_SOURCE]


def listed(tenant: str, agent: str, person: str | None, limit: int) -> Script[list[Memo]]:
    """An owner's memos, latest first."""
    rows = yield Ask(
        _LIST, {"tenant": tenant, "agent": agent, "person": person or "", "limit": limit}
    )
    return [_memo(row) for row in rows]


def about(
    tenant: str, person: str, before: int, limit: int, *, nobodys: bool = False
) -> Script[list[Memo]]:
    """What all agents keep about a person, latest first; `nobodys`: and about no person at all."""
    params: Params = {"before": before, "limit": limit}
    rows = yield Ask(_OF_PERSON, {**params, **_whose(tenant, person, nobodys)})
    return [_memo(row) for row in rows]


@restartable
def forget(tenant: str, agent: str, person: str | None, id_: str, at: int) -> Script[bool]:
    """Delete a memo of this owner; False when there is none such."""
    rows = yield Ask(_FORGET, {"tenant": tenant, "agent": agent, "person": person or "", "id": id_})
    if rows:
        yield from _gone(tenant, id_, f"agent:{agent}", agent, at)
    return bool(rows)


@restartable
def forget_about(
    tenant: str, person: str, id_: str, at: int, *, nobodys: bool = False
) -> Script[bool]:
    """Delete what some agent keeps about a person, for that person; False when there is none."""
    rows = yield Ask(_FORGET_ABOUT, {**_whose(tenant, person, nobodys), "id": id_})
    if rows:
        yield from _gone(tenant, id_, f"person:{person}", rows[0][0], at)
    return bool(rows)


def forget_person(tenant: str, person: str) -> Script[int]:
    """Delete everything that any agent keeps about a person; returns how many memos."""
    yield from vectors.drop_person(tenant, person)
    return len((yield Ask(_FORGET_PERSON, {"tenant": tenant, "person": person})))


def _whose(tenant: str, person: str, nobodys: bool) -> Params:
    return {"tenant": tenant, "person": person, "also": "" if nobodys else person}


def _gone(tenant: str, id_: str, actor: str, agent: str, at: int) -> Script[None]:
    yield from vectors.drop(tenant, vectors.MEMO, id_)
    yield from audit.note(tenant, at, actor, "memory.forgotten", id_, {"agent": agent})


def _memo(row: Row) -> Memo:
    id_, text, source, trusted, person, agent, at, conv, event = row
    return Memo(
        id=id_,
        text=text,
        source=source,
        trusted=bool(trusted),
        person=PersonId(person) if person else None,
        agent=AgentName(agent),
        at=from_us(at),
        conv=conv,
        event=event,
    )
