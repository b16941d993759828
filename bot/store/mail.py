"""What became of mail, once for each piece of news, and the addresses that it closed."""

from dataclasses import dataclass

from sqlalchemy import bindparam, delete, select

from bot.core.canonical import Json
from bot.store import audit
from bot.store.script import Ask, Params, Script, Statement, restartable
from bot.store.tables_mail import mail_block, mail_news
from bot.store.upsert import insert_once

_NEWS = Statement(
    lambda: insert_once(
        mail_news, "tenant", "id", "address", "state", "key", "detail", "at"
    ).returning(mail_news.c.id)
)
_BLOCK = Statement(
    lambda: insert_once(mail_block, "tenant", "address", "state", "detail", "at").returning(
        mail_block.c.address
    )
)
_STATE = Statement(
    lambda: select(mail_block.c.state, mail_block.c.detail).where(
        mail_block.c.tenant == bindparam("tenant"), mail_block.c.address == bindparam("address")
    )
)
_OF_KEY = Statement(
    lambda: (
        select(mail_news.c.id)
        .where(
            mail_news.c.tenant == bindparam("tenant"),
            mail_news.c.key == bindparam("key"),
            mail_news.c.state != "failed",
        )
        .order_by(mail_news.c.at)
        .limit(1)
    )
)
_RECENT = Statement(
    lambda: (
        select(*(mail_news.c[name] for name in ("id", "address", "state", "key", "detail", "at")))
        .where(mail_news.c.tenant == bindparam("tenant"), mail_news.c.at < bindparam("before"))
        .order_by(mail_news.c.at.desc())
        .limit(bindparam("limit"))
    )
)
_BLOCKS = Statement(
    lambda: (
        select(*(mail_block.c[name] for name in ("address", "state", "detail", "at")))
        .where(mail_block.c.tenant == bindparam("tenant"), mail_block.c.at < bindparam("before"))
        .order_by(mail_block.c.at.desc())
        .limit(bindparam("limit"))
    )
)
_LIFT = Statement(
    lambda: (
        delete(mail_block)
        .where(
            mail_block.c.tenant == bindparam("tenant"),
            mail_block.c.address == bindparam("address"),
            mail_block.c.state == bindparam("state"),
            mail_block.c.at < bindparam("before"),
        )
        .returning(mail_block.c.address)
    )
)


@dataclass(frozen=True, slots=True)
class Told:
    """One piece of news."""

    id: str
    address: str
    state: str
    key: str
    detail: str
    at: int


@dataclass(frozen=True, slots=True)
class Block:
    """An address that nothing more is sent to."""

    address: str
    state: str
    detail: str
    at: int


@restartable
def note(tenant: str, news: dict[str, str], at: int, *, closes: bool) -> Script[bool]:
    """Write a piece of news, once; False when it was there. `closes`: its address as well.

    `news` has id, address, state, key and detail.
    """
    rows = yield Ask(_NEWS, {"tenant": tenant, **news, "at": at})
    if not rows:
        return False
    if closes:
        block = {name: news[name] for name in ("address", "state", "detail")}
        closed = yield Ask(_BLOCK, {"tenant": tenant, **block, "at": at})
        if closed:
            details = {"state": news["state"]}
            yield from audit.note(
                tenant, at, "channel:email", "mail.closed", news["address"], details
            )
    return True


def state(tenant: str, address: str) -> Script[tuple[str, str] | None]:
    """Why an address is closed, and in whose words; None when it is not."""
    rows = yield Ask(_STATE, {"tenant": tenant, "address": address})
    return (rows[0][0], rows[0][1]) if rows else None


def told_of(tenant: str, key: str) -> Script[str]:
    """The first news of a mail that its carrier took; empty when there is none."""
    rows = yield Ask(_OF_KEY, {"tenant": tenant, "key": key})
    return str(rows[0][0]) if rows else ""


def recent(tenant: str, before: int, limit: int) -> Script[list[Told]]:
    """News, the latest first."""
    rows = yield Ask(_RECENT, {"tenant": tenant, "before": before, "limit": limit})
    return [Told(*row) for row in rows]


def blocks(tenant: str, before: int, limit: int) -> Script[list[Block]]:
    """Closed addresses, the latest first."""
    rows = yield Ask(_BLOCKS, {"tenant": tenant, "before": before, "limit": limit})
    return [Block(*row) for row in rows]


@restartable
def lift(
    tenant: str,
    address: str,
    state_: str,
    at: int,
    actor: str = "channel:email",
    before: int = 2**62,
) -> Script[bool]:
    """Open an address again that was closed for this before then; False when it was not."""
    keys: Params = {"tenant": tenant, "address": address, "state": state_, "before": before}
    rows = yield Ask(_LIFT, keys)
    if rows:
        details: dict[str, Json] = {"state": state_}
        yield from audit.note(tenant, at, actor, "mail.opened", address, details)
    return bool(rows)
