"""Where apps of platforms are installed.

Whose an event is stands in the row of its account and nowhere else. Tokens are no rows: they are
sealed in the vault under the account.
"""

from datetime import datetime

from sqlalchemy import bindparam, delete, select, update

from bot.core.errors import Conflict
from bot.core.ids import TenantId
from bot.core.times import from_us, to_us
from bot.frozen import frozen
from bot.store import audit
from bot.store.script import Ask, Row, Script, Statement, restartable
from bot.store.tables_platforms import install
from bot.store.upsert import insert_over

PREFIX = "app:"
"""What every account of an install begins with, and no other account: an event of one whose install
is gone is nobody's."""
_TEXTS = (
    "app", "team", "team_name", "bot_user", "url", "status", "error", "installed_by", "agent"
)  # fmt: skip
_NUMBERS = ("enabled", "manifest", "installed_at", "checked_at")
_NAMES = ("tenant", "channel", "account", *_TEXTS, *_NUMBERS)
_COLUMNS = tuple(install.c[name] for name in _NAMES)
_ONE = (install.c.channel == bindparam("channel"), install.c.account == bindparam("account"))
_MINE = (install.c.tenant == bindparam("tenant"), *_ONE)
_OF = Statement(lambda: select(*_COLUMNS).where(*_ONE))
_LIST = Statement(
    lambda: (
        select(*_COLUMNS)
        .where(install.c.tenant == bindparam("tenant"), install.c.channel == bindparam("channel"))
        .order_by(install.c.installed_at, install.c.account)
    )
)
_OWN = Statement(
    lambda: (
        select(*_COLUMNS)
        .where(install.c.channel == bindparam("channel"), install.c.agent != "")
        .order_by(install.c.installed_at, install.c.account)
    )
)
_PUT = Statement(lambda: insert_over(install, *_NAMES))
_SETTLE = Statement(
    lambda: (
        update(install)
        .where(*_MINE, install.c.installed_at == bindparam("since"))
        .values(
            status=bindparam("new_status"),
            error=bindparam("new_error"),
            url=bindparam("new_url"),
            checked_at=bindparam("at"),
        )
        .returning(install.c.account)
    )
)
_ENABLE = Statement(
    lambda: (
        update(install).where(*_MINE).values(enabled=bindparam("on")).returning(install.c.team_name)
    )
)
_REMOVE = Statement(lambda: delete(install).where(*_MINE).returning(install.c.team_name))


@frozen
class Install:
    """An app of a platform in one of its workspaces, and whose it is here."""

    tenant: TenantId
    channel: str
    account: str
    """Its name here, which events and conversations carry."""
    app: str
    team: str
    team_name: str
    bot_user: str
    url: str = ""
    """The workspace's address."""
    status: str = "pending"
    """pending (not yet tried), active, or error."""
    error: str = ""
    installed_by: str
    is_enabled: bool = True
    manifest: int
    """The version of the manifest that its scopes were asked by."""
    installed_at: datetime
    checked_at: datetime | None = None
    agent: str = ""
    """Whose own app it is; empty: nobody's in particular."""


def of(channel: str, account: str) -> Script[Install | None]:
    """The install of an account, whosever it is."""
    rows = yield Ask(_OF, {"channel": channel, "account": account})
    return _install(rows[0]) if rows else None


def listed(tenant: str, channel: str) -> Script[list[Install]]:
    """A tenant's, oldest first."""
    rows = yield Ask(_LIST, {"tenant": tenant, "channel": channel})
    return [_install(row) for row in rows]


def own(channel: str) -> Script[list[Install]]:
    """The apps that are an agent's own, of all tenants, oldest first."""
    rows = yield Ask(_OWN, {"channel": channel})
    return [_install(row) for row in rows]


@restartable
def put(item: Install) -> Script[None]:
    """Write an install over an earlier one. Raises Conflict where its account is another's."""
    check_free((yield from of(item.channel, item.account)), item)
    at = to_us(item.installed_at)
    texts = {name: str(getattr(item, name)) for name in _TEXTS}
    numbers = {"manifest": item.manifest, "installed_at": at, "checked_at": 0}
    keys = {"tenant": item.tenant, "channel": item.channel, "account": item.account}
    yield Ask(_PUT, {**keys, **texts, **numbers, "enabled": int(item.is_enabled)})
    details = {"workspace": item.team_name, "team": item.team, "app": item.app}
    if item.agent:
        details["agent"] = item.agent
    yield from audit.note(
        item.tenant, at, item.installed_by, "install.added", item.account, details
    )


def check_free(known: Install | None, new: Install) -> None:
    """Raises Conflict where an account is another tenant's, or the app another agent's."""
    if known and known.tenant != new.tenant:
        raise Conflict(
            "This workspace is connected to another part of this house. Its owner lets go of it "
            "there first."
        )
    if known and known.agent != new.agent:
        whose = f"the agent {known.agent}'s" if known.agent else "everybody's"
        raise Conflict(f"This app is {whose} in this workspace. Let go of it there first.")


@restartable
def settle(item: Install, status: str, error: str, url: str, at: int) -> Script[bool]:
    """Write how it is; False when it was installed anew meanwhile, or let go of."""
    rows = yield Ask(
        _SETTLE,
        {
            "tenant": item.tenant,
            "channel": item.channel,
            "account": item.account,
            "since": to_us(item.installed_at),
            "new_status": status,
            "new_error": error,
            "new_url": url,
            "at": at,
        },
    )
    if rows and status != item.status:
        details = {"status": status, "error": error}
        yield from audit.note(item.tenant, at, "house", "install.status", item.account, details)
    return bool(rows)


@restartable
def enable(item: Install, on: bool, at: int, actor: str) -> Script[bool]:
    """Switch it on or off; False when it is not there any more."""
    keys = {"tenant": item.tenant, "channel": item.channel, "account": item.account}
    rows = yield Ask(_ENABLE, {**keys, "on": int(on)})
    if rows:
        what = "install.enabled" if on else "install.disabled"
        details = {"workspace": rows[0][0]}
        yield from audit.note(item.tenant, at, actor, what, item.account, details)
    return bool(rows)


@restartable
def remove(item: Install, at: int, actor: str) -> Script[bool]:
    """Delete it; False when it is not there any more."""
    keys = {"tenant": item.tenant, "channel": item.channel, "account": item.account}
    rows = yield Ask(_REMOVE, keys)
    if rows:
        details = {"workspace": rows[0][0]}
        yield from audit.note(item.tenant, at, actor, "install.removed", item.account, details)
    return bool(rows)


def _install(row: Row) -> Install:
    found = dict(zip(_NAMES, row, strict=True))
    at, checked = found.pop("installed_at"), found.pop("checked_at")
    is_enabled = bool(found.pop("enabled"))
    return Install(
        **found,
        is_enabled=is_enabled,
        installed_at=from_us(at),
        checked_at=from_us(checked) if checked else None,
    )
