"""Where people want to be told things: for each person one chat of their own on each platform.

It is a chat between the person and the house alone, and counts only as long as the platform's
account in it is still that person's. What is saved stands in the audit.
"""

from sqlalchemy import bindparam, delete, func, select

from bot.frozen import frozen
from bot.store import audit
from bot.store.script import Ask, Params, Row, Script, Statement, restartable
from bot.store.tables_house import saved_chat
from bot.store.tables_people import identity, person
from bot.store.upsert import insert_over

_NAMES = ("account", "place", "thread", "name", "at")
_PUT = Statement(lambda: insert_over(saved_chat, "tenant", "person", "channel", *_NAMES))
_OWN = saved_chat.join(
    identity,
    (identity.c.tenant == saved_chat.c.tenant)
    & (identity.c.channel == saved_chat.c.channel)
    & (identity.c.account == saved_chat.c.account)
    & (identity.c.ext_id == saved_chat.c.place)
    & (identity.c.person == saved_chat.c.person),
)
_COLUMNS = (saved_chat.c.person, *(saved_chat.c[name] for name in _NAMES))
_GET = Statement(
    lambda: (
        select(*_COLUMNS)
        .select_from(_OWN)
        .where(
            saved_chat.c.tenant == bindparam("tenant"),
            saved_chat.c.person == bindparam("person"),
            saved_chat.c.channel == bindparam("channel"),
        )
    )
)
_OF_NAME = Statement(
    lambda: (
        select(*_COLUMNS)
        .select_from(
            _OWN.join(
                person,
                (person.c.tenant == saved_chat.c.tenant) & (person.c.id == saved_chat.c.person),
            )
        )
        .where(
            saved_chat.c.tenant == bindparam("tenant"),
            saved_chat.c.channel == bindparam("channel"),
            func.lower(person.c.name) == bindparam("name"),
            person.c.removed_at.is_(None),
        )
        .order_by(saved_chat.c.person)
    )
)
_FORGET = Statement(
    lambda: delete(saved_chat).where(
        saved_chat.c.tenant == bindparam("tenant"), saved_chat.c.person == bindparam("person")
    )
)


@frozen
class SavedChat:
    """One chat, as the platform knows it."""

    person: str
    account: str
    place: str
    """The platform's id of the chat, which is its id of the person."""
    thread: str = ""
    name: str = ""
    """What the platform calls the person."""
    at: int = 0


@restartable
def put(tenant: str, channel: str, chat: SavedChat) -> Script[None]:
    """Save it, over an earlier one."""
    yield Ask(_PUT, {**_whose(tenant, chat.person, channel), **_values(chat)})
    actor = f"person:{chat.person}"
    yield from audit.note(tenant, chat.at, actor, "chat.saved", channel, {"account": chat.account})


def get(tenant: str, person_id: str, channel: str) -> Script[SavedChat | None]:
    """A person's chat; None where none is saved, or where it is no longer theirs."""
    rows = yield Ask(_GET, _whose(tenant, person_id, channel))
    return _chat(rows[0]) if rows else None


def of_name(tenant: str, channel: str, name: str) -> Script[list[SavedChat]]:
    """The saved chats of people of this name."""
    asked = {"tenant": tenant, "channel": channel, "name": name.strip().lower()}
    return [_chat(row) for row in (yield Ask(_OF_NAME, asked))]


def forget(tenant: str, person_id: str) -> Script[None]:
    """Drop a person's chats."""
    yield Ask(_FORGET, {"tenant": tenant, "person": person_id})


def _whose(tenant: str, person_id: str, channel: str) -> Params:
    return {"tenant": tenant, "person": person_id, "channel": channel}


def _values(chat: SavedChat) -> Params:
    return {
        "account": chat.account,
        "place": chat.place,
        "thread": chat.thread,
        "name": chat.name,
        "at": chat.at,
    }


def _chat(row: Row) -> SavedChat:
    person_id, account, place, thread, name, at = row
    return SavedChat(
        person=person_id, account=account, place=place, thread=thread, name=name, at=at
    )
