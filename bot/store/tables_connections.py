"""Tables of accounts at services: what is connected, and what was deleted because a service said
so.

A `connection` is one account of one service, for all agents of a tenant or for one of them. Its
tokens are no columns: they are sealed in the vault under the connection's id. An `oauth_deletion`
is nobody's any more; it says under a code that somebody's data was deleted. Times are microseconds
since 1970, UTC; 0 is never.
"""

from sqlalchemy import Table, UniqueConstraint

from bot.store.columns import metadata, num, txt

connection = Table(
    "connection",
    metadata,
    txt("tenant", key=True),
    txt("id", key=True),
    txt("provider"),
    txt("agent"),
    txt("account"),
    txt("name"),
    txt("status", default="active"),
    txt("error"),
    txt("asked"),
    txt("granted"),
    txt("client"),
    txt("config"),
    num("renewed"),
    num("expires_at"),
    num("refresh_until"),
    num("token_at"),
    num("due_at"),
    num("retry_at"),
    num("tries"),
    num("renewing_at"),
    num("version"),
    num("told"),
    txt("connected_by"),
    num("connected_at"),
    num("checked_at"),
    UniqueConstraint("tenant", "provider", "agent"),
)

oauth_deletion = Table(
    "oauth_deletion",
    metadata,
    txt("code", key=True),
    txt("provider"),
    txt("state"),
    num("removed"),
    num("asked_at"),
    num("done_at"),
)
