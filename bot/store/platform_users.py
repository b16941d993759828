"""The users of platforms, as each platform last told of them, with the time it was asked.

A cache and no directory of people: who somebody is in the house stands in `identity`.
"""

from collections.abc import Sequence

from sqlalchemy import bindparam, delete, func, select

from bot.frozen import frozen
from bot.store.script import Ask, Script, Statement, restartable
from bot.store.tables_platforms import platform_user
from bot.store.upsert import insert_over

_SAID = ("username", "name", "email")
_MINE = (
    platform_user.c.tenant == bindparam("tenant"),
    platform_user.c.channel == bindparam("channel"),
)
_THERE = (*_MINE, platform_user.c.workspace == bindparam("workspace"))
_PUT = Statement(
    lambda: insert_over(
        platform_user, "tenant", "channel", "workspace", "ext_id", *_SAID, "synced_at"
    )
)
_DROP = Statement(
    lambda: delete(platform_user).where(*_THERE, platform_user.c.synced_at < bindparam("before"))
)
_NEWEST = Statement(lambda: select(func.max(platform_user.c.synced_at)).where(*_THERE))
_COLUMNS = tuple(platform_user.c[name] for name in ("workspace", "ext_id", *_SAID, "synced_at"))
_WHERE = platform_user.c.workspace + " " + platform_user.c.ext_id
_LIST = Statement(
    lambda: (
        select(*_COLUMNS)
        .where(*_MINE, bindparam("after") < _WHERE)
        .order_by(_WHERE)
        .limit(bindparam("most"))
    )
)
_NAMES = Statement(lambda: select(platform_user.c.ext_id, platform_user.c.name).where(*_THERE))
_ONE = Statement(
    lambda: select(*_COLUMNS).where(*_THERE, platform_user.c.ext_id == bindparam("ext_id"))
)


@frozen
class PlatformUser:
    """Somebody on a platform."""

    workspace: str
    ext_id: str
    username: str = ""
    name: str = ""
    """The name that others see."""
    email: str = ""
    synced_at: int = 0
    """When the platform told it, microseconds since 1970."""


@restartable
def put(tenant: str, channel: str, users: Sequence[PlatformUser], at: int) -> Script[None]:
    """Write these over what was known of them; a page of the platform's at a time."""
    for user in users:
        said = {name: getattr(user, name) for name in ("workspace", "ext_id", *_SAID)}
        yield Ask(_PUT, {"tenant": tenant, "channel": channel, **said, "synced_at": at})


@restartable
def drop(tenant: str, channel: str, workspace: str, before: int) -> Script[None]:
    """Forget whom the platform did not name any more since."""
    keys = {"tenant": tenant, "channel": channel, "workspace": workspace}
    yield Ask(_DROP, {**keys, "before": before})


def newest(tenant: str, channel: str, workspace: str) -> Script[int]:
    """When a workspace was last asked; 0 when it never was."""
    rows = yield Ask(_NEWEST, {"tenant": tenant, "channel": channel, "workspace": workspace})
    return int(rows[0][0] or 0) if rows else 0


def names(tenant: str, channel: str, workspace: str) -> Script[dict[str, str]]:
    """Id → name of everybody in a workspace."""
    rows = yield Ask(_NAMES, {"tenant": tenant, "channel": channel, "workspace": workspace})
    return {row[0]: row[1] for row in rows}


def listed(tenant: str, channel: str, after: str, most: int) -> Script[list[PlatformUser]]:
    """Everybody on a platform after `WORKSPACE ID`, in that order."""
    rows = yield Ask(_LIST, {"tenant": tenant, "channel": channel, "after": after, "most": most})
    return [_user(tuple(row)) for row in rows]


def one(tenant: str, channel: str, workspace: str, ext_id: str) -> Script[PlatformUser | None]:
    """One user; None for somebody of whom the platform did not tell."""
    keys = {"tenant": tenant, "channel": channel, "workspace": workspace, "ext_id": ext_id}
    rows = yield Ask(_ONE, keys)
    return _user(tuple(rows[0])) if rows else None


def _user(row: tuple[object, ...]) -> PlatformUser:
    names = ("workspace", "ext_id", *_SAID, "synced_at")
    return PlatformUser(**dict(zip(names, row, strict=True)))  # type: ignore[arg-type]
