"""Memos as rows: what an agent keeps about a person, one tenant, agent and person at a time.

Finding the right ones among them is `agents/runtime/memory.py`. Nobody's memo can be read, counted
or deleted from under another tenant, agent or person: all of them stand in every statement.
"""

from sqlalchemy import bindparam, delete, func, insert, select

from bot.core.ids import AgentName, PersonId
from bot.core.ports import Memo
from bot.core.times import from_us, to_us
from bot.store.script import Ask, Row, Script, Statement, restartable
from bot.store.tables_house import memo

_MINE = (
    memo.c.tenant == bindparam("tenant"),
    memo.c.agent == bindparam("agent"),
    memo.c.person == bindparam("person"),
)
_COLUMNS = (
    memo.c.id,
    memo.c.text,
    memo.c.source,
    memo.c.trusted,
    memo.c.person,
    memo.c.agent,
    memo.c.at,
)
_SEEN = Statement(
    select(memo.c.id).where(memo.c.tenant == bindparam("tenant"), memo.c.id == bindparam("id"))
)
_COUNT = Statement(select(func.count()).select_from(memo).where(*_MINE))
_KEEP = Statement(
    insert(memo).values(
        {
            name: bindparam(name)
            for name in ("tenant", "id", "agent", "person", "text", "source", "trusted", "at")
        }
    )
)
_LIST = Statement(
    select(*_COLUMNS)
    .where(*_MINE)
    .order_by(memo.c.at.desc(), memo.c.id.desc())
    .limit(bindparam("limit"))
)
_FORGET = Statement(delete(memo).where(*_MINE, memo.c.id == bindparam("id")).returning(memo.c.id))
_FORGET_PERSON = Statement(
    delete(memo)
    .where(memo.c.tenant == bindparam("tenant"), memo.c.person == bindparam("person"))
    .returning(memo.c.id)
)


@restartable
def keep(tenant: str, item: Memo, most: int) -> Script[bool]:
    """Write a memo once; False when its owner has `most` already. A known id changes nothing."""
    seen = yield Ask(_SEEN, {"tenant": tenant, "id": item.id})
    if seen:
        return True
    owner = {"tenant": tenant, "agent": item.agent, "person": item.person or ""}
    count = yield Ask(_COUNT, owner)
    if count[0][0] >= most:
        return False
    yield Ask(
        _KEEP,
        {
            **owner,
            "id": item.id,
            "text": item.text,
            "source": item.source,
            "trusted": int(item.trusted),
            "at": to_us(item.at),
        },
    )
    return True


def listed(tenant: str, agent: str, person: str | None, limit: int) -> Script[list[Memo]]:
    """An owner's memos, latest first."""
    rows = yield Ask(
        _LIST, {"tenant": tenant, "agent": agent, "person": person or "", "limit": limit}
    )
    return [_memo(row) for row in rows]


@restartable
def forget(tenant: str, agent: str, person: str | None, id_: str) -> Script[bool]:
    """Delete a memo of this owner; False when there is none such."""
    rows = yield Ask(_FORGET, {"tenant": tenant, "agent": agent, "person": person or "", "id": id_})
    return bool(rows)


def forget_person(tenant: str, person: str) -> Script[int]:
    """Delete everything that any agent keeps about a person; returns how many memos."""
    return len((yield Ask(_FORGET_PERSON, {"tenant": tenant, "person": person})))


def _memo(row: Row) -> Memo:
    id_, text, source, trusted, person, agent, at = row
    return Memo(
        id=id_,
        text=text,
        source=source,
        trusted=bool(trusted),
        person=PersonId(person) if person else None,
        agent=AgentName(agent),
        at=from_us(at),
    )
