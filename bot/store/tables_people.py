"""Tables of tenants, people, and how they come in."""

from sqlalchemy import Index, Table

from bot.store.columns import metadata, num, txt

tenant = Table("tenant", metadata, txt("id", key=True), txt("name"), num("created_at"))

person = Table(
    "person",
    metadata,
    txt("tenant", key=True),
    txt("id", key=True),
    txt("name"),
    txt("role", default="member"),
    txt("email"),
    txt("zone", default="UTC"),
    num("created_at"),
    num("removed_at", null=True),
)

identity = Table(
    "identity",
    metadata,
    txt("tenant", key=True),
    txt("channel", key=True),
    txt("account", key=True),
    txt("ext_id", key=True),
    txt("person"),
    txt("name"),
    num("created_at"),
)

pairing = Table(
    "pairing",
    metadata,
    txt("tenant", key=True),
    txt("code_hash", key=True),
    txt("channel"),
    txt("account"),
    txt("ext_id"),
    txt("name"),
    txt("state", default="open"),
    num("expires_at"),
    Index("pairing_sender", "tenant", "channel", "account", "ext_id"),
)

login = Table(
    "login",
    metadata,
    txt("code_hash", key=True),
    txt("tenant"),
    txt("person"),
    num("expires_at"),
    num("used_at", null=True),
)

session = Table(
    "session",
    metadata,
    txt("id_hash", key=True),
    txt("tenant"),
    txt("person"),
    txt("csrf"),
    num("created_at"),
    num("expires_at"),
)

token = Table(
    "token",
    metadata,
    txt("hash", key=True),
    txt("id"),
    txt("tenant"),
    txt("person"),
    txt("name"),
    txt("last4"),
    num("created_at"),
    num("revoked_at", null=True),
)
