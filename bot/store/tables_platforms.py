"""Tables of platforms outside: what is answered in a place, and where an app is installed.

`place_rule` says it for one place, or for all of a workspace where `place` is empty; who answers
there is a `binding`, written in the same commit. An `install` is an app of a platform in one
workspace of it, whose events are one tenant's: no two tenants have the same one; with an `agent` it
is that agent's own app. A `platform_user` is somebody as the platform last told of them. An
`install_state` is what comes back with a browser that was sent to the platform, or to a service
that an account is connected of, once. A `bookmark` is how far a channel has read in a list of its
platform, a `bulletin` where messages of one kind go that agents post unasked. Times are
microseconds since 1970, UTC.
"""

from sqlalchemy import Table, UniqueConstraint

from bot.store.columns import metadata, num, txt

place_rule = Table(
    "place_rule",
    metadata,
    txt("tenant", key=True),
    txt("channel", key=True),
    txt("workspace", key=True),
    txt("place", key=True),
    txt("name"),
    num("mentions", default=1),
    num("everything"),
    txt("changed_by"),
    num("changed_at"),
)

install = Table(
    "install",
    metadata,
    txt("tenant", key=True),
    txt("channel", key=True),
    txt("account", key=True),
    txt("app"),
    txt("team"),
    txt("team_name"),
    txt("bot_user"),
    txt("url"),
    txt("status", default="pending"),
    txt("error"),
    num("enabled", default=1),
    num("manifest"),
    txt("installed_by"),
    num("installed_at"),
    num("checked_at"),
    txt("agent"),
    UniqueConstraint("channel", "account"),
)

platform_user = Table(
    "platform_user",
    metadata,
    txt("tenant", key=True),
    txt("channel", key=True),
    txt("workspace", key=True),
    txt("ext_id", key=True),
    txt("username"),
    txt("name"),
    txt("email"),
    num("synced_at"),
)

install_state = Table(
    "install_state",
    metadata,
    txt("tenant", key=True),
    txt("state_hash", key=True),
    txt("channel"),
    txt("person"),
    txt("door"),
    txt("agent"),
    txt("back"),
    txt("scopes"),
    num("expires_at"),
)

bookmark = Table(
    "bookmark",
    metadata,
    txt("tenant", key=True),
    txt("channel", key=True),
    txt("name", key=True),
    txt("value"),
    num("at"),
)

bulletin = Table(
    "bulletin",
    metadata,
    txt("tenant", key=True),
    txt("channel", key=True),
    txt("kind", key=True),
    txt("place"),
    txt("name"),
    num("at"),
)
