"""Doors: one-time sign-in codes, sessions of browsers, API tokens.

Only a keyed hash of each secret is a row, and it is the key that is looked up, so that neither a
copy of the database nor the time of a lookup opens anything. A sign-in code is spent by one
compare-and-set. What is revoked stays as a row, for the list; what a session was is deleted.
"""

from sqlalchemy import bindparam, delete, insert, select, update

from bot.core.people import Person
from bot.core.times import from_us, iso
from bot.frozen import frozen
from bot.store.people import PERSON, person_of
from bot.store.script import Ask, Row, Script, Statement
from bot.store.tables_people import login, person, session, token

_ADD_LOGIN = Statement(
    lambda: insert(login).values(
        {name: bindparam(name) for name in ("code_hash", "tenant", "person", "expires_at")}
    )
)
_SPEND_LOGIN = Statement(
    lambda: (
        update(login)
        .where(
            login.c.code_hash == bindparam("code_hash"),
            login.c.used_at.is_(None),
            login.c.expires_at > bindparam("now"),
        )
        .values(used_at=bindparam("now"))
        .returning(login.c.tenant, login.c.person)
    )
)
_SWEEP_LOGINS = Statement(lambda: delete(login).where(login.c.expires_at < bindparam("now")))
_ADD_SESSION = Statement(
    lambda: insert(session).values(
        {
            name: bindparam(name)
            for name in ("id_hash", "tenant", "person", "csrf", "created_at", "expires_at")
        }
    )
)
_SWEEP_SESSIONS = Statement(lambda: delete(session).where(session.c.expires_at < bindparam("now")))
_SESSION = Statement(
    lambda: (
        select(*PERSON, session.c.csrf, session.c.expires_at)
        .join(session, (session.c.tenant == person.c.tenant) & (session.c.person == person.c.id))
        .where(
            session.c.id_hash == bindparam("id_hash"),
            session.c.expires_at > bindparam("now"),
            person.c.removed_at.is_(None),
        )
    )
)
_END_SESSION = Statement(
    lambda: (
        delete(session)
        .where(session.c.id_hash == bindparam("id_hash"))
        .returning(session.c.tenant, session.c.person)
    )
)
_TOKEN_NAMES = ("hash", "id", "tenant", "person", "name", "last4", "created_at")
_ADD_TOKEN = Statement(
    lambda: insert(token).values({name: bindparam(name) for name in _TOKEN_NAMES})
)
_TOKEN = Statement(
    lambda: (
        select(*PERSON)
        .join(token, (token.c.tenant == person.c.tenant) & (token.c.person == person.c.id))
        .where(
            token.c.hash == bindparam("hash"),
            token.c.revoked_at.is_(None),
            person.c.removed_at.is_(None),
        )
    )
)
_TOKENS = Statement(
    lambda: (
        select(token.c.id, token.c.person, token.c.name, token.c.last4, token.c.created_at)
        .where(
            token.c.tenant == bindparam("tenant"),
            token.c.revoked_at.is_(None),
            (token.c.person == bindparam("person")) | (bindparam("person") == "*"),
        )
        .order_by(token.c.created_at, token.c.id)
    )
)
_REVOKE = Statement(
    lambda: (
        update(token)
        .where(
            token.c.tenant == bindparam("tenant"),
            token.c.id == bindparam("id"),
            token.c.revoked_at.is_(None),
            (token.c.person == bindparam("person")) | (bindparam("person") == "*"),
        )
        .values(revoked_at=bindparam("at"))
        .returning(token.c.id)
    )
)
_DROP_TOKEN = Statement(lambda: delete(token).where(token.c.hash == bindparam("hash")))
_KEPT_HASH = Statement(
    lambda: select(token.c.hash).where(
        token.c.tenant == bindparam("tenant"),
        token.c.id == bindparam("id"),
        token.c.revoked_at.is_(None),
    )
)
_CLOSE = tuple(
    Statement(
        delete(table).where(
            table.c.tenant == bindparam("tenant"), table.c.person == bindparam("id")
        )
    )
    for table in (login, session)
)
_REVOKE_ALL = Statement(
    lambda: (
        update(token)
        .where(
            token.c.tenant == bindparam("tenant"),
            token.c.person == bindparam("id"),
            token.c.revoked_at.is_(None),
        )
        .values(revoked_at=bindparam("at"))
    )
)


@frozen
class Session:
    """A signed-in browser, as found by its cookie."""

    person: Person
    csrf: str
    expires_at: int
    """Microseconds."""


@frozen
class Token:
    """An API token, as it may be shown."""

    id: str
    person: str
    name: str
    last4: str
    created_at: str
    """ISO 8601."""


def add_login(code_hash: str, item: Person, now: int, expires: int) -> Script[None]:
    """Keep a sign-in code; codes past their time are swept on the way."""
    yield Ask(_SWEEP_LOGINS, {"now": now})
    yield Ask(
        _ADD_LOGIN,
        {
            "code_hash": code_hash,
            "tenant": item.tenant,
            "person": item.id,
            "expires_at": expires,
        },
    )


def spend_login(code_hash: str, now: int) -> Script[tuple[str, str] | None]:
    """Use a sign-in code, once: its tenant and person; None when unknown, late or used."""
    rows = yield Ask(_SPEND_LOGIN, {"code_hash": code_hash, "now": now})
    return (rows[0][0], rows[0][1]) if rows else None


def add_session(id_hash: str, item: Person, csrf: str, now: int, expires: int) -> Script[None]:
    """Write a session; those past their time are swept on the way."""
    yield Ask(_SWEEP_SESSIONS, {"now": now})
    yield Ask(
        _ADD_SESSION,
        {
            "id_hash": id_hash,
            "tenant": item.tenant,
            "person": item.id,
            "csrf": csrf,
            "created_at": now,
            "expires_at": expires,
        },
    )


def session_of(id_hash: str, now: int) -> Script[Session | None]:
    """The session of a cookie, if it is open and its person still here."""
    rows = yield Ask(_SESSION, {"id_hash": id_hash, "now": now})
    if not rows:
        return None
    row = rows[0]
    return Session(person=person_of(row[:7]), csrf=row[7], expires_at=row[8])


def end_session(id_hash: str) -> Script[tuple[str, str] | None]:
    """Delete a session: its tenant and person; None when there was none."""
    rows = yield Ask(_END_SESSION, {"id_hash": id_hash})
    return (rows[0][0], rows[0][1]) if rows else None


def add_token(hash_: str, item: Token, tenant_id: str, at: int) -> Script[None]:
    """Write a token; the same secret given again replaces its row."""
    yield Ask(_DROP_TOKEN, {"hash": hash_})
    yield Ask(
        _ADD_TOKEN,
        {
            "hash": hash_,
            "id": item.id,
            "tenant": tenant_id,
            "person": item.person,
            "name": item.name,
            "last4": item.last4,
            "created_at": at,
        },
    )


def bearer(hash_: str) -> Script[Person | None]:
    """Whose token this is, if it still opens."""
    rows = yield Ask(_TOKEN, {"hash": hash_})
    return person_of(rows[0]) if rows else None


def tokens(tenant_id: str, person_id: str) -> Script[list[Token]]:
    """A person's open tokens; `*` is everyone's."""
    rows = yield Ask(_TOKENS, {"tenant": tenant_id, "person": person_id})
    return [_token(row) for row in rows]


def revoke(tenant_id: str, id_: str, person_id: str, at: int) -> Script[bool]:
    """End a token; `*` as the person is anyone's. False when there is none such."""
    rows = yield Ask(_REVOKE, {"tenant": tenant_id, "id": id_, "person": person_id, "at": at})
    return bool(rows)


def kept_hash(tenant_id: str, id_: str) -> Script[str]:
    """The hash of an open token; empty when there is none."""
    rows = yield Ask(_KEPT_HASH, {"tenant": tenant_id, "id": id_})
    return rows[0][0] if rows else ""


def close_all(tenant_id: str, person_id: str, at: int) -> Script[None]:
    """End everything that opens a door for a person."""
    for statement in _CLOSE:
        yield Ask(statement, {"tenant": tenant_id, "id": person_id})
    yield Ask(_REVOKE_ALL, {"tenant": tenant_id, "id": person_id, "at": at})


def _token(row: Row) -> Token:
    return Token(
        id=row[0], person=row[1], name=row[2], last4=row[3], created_at=iso(from_us(row[4]))
    )
