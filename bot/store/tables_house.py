"""Tables of the house's own keeping: what it remembers, its own agents, the clock's book.

They share the metadata of `bot/store/columns.py`; times are microseconds since 1970, UTC. `fire`
is the lock of the clock: one row for each time that a schedule fired, whoever fired it. A `trouble`
is what an owner must know of; `trouble_fact` are the deeds and events that it was seen in.
`mcp_tool` holds what a server says of its tools now (`seen`) and what an owner has approved
(`pinned`), each with its hash. `score` is one number of a tenant, `score_change` what it became
each time, by the effect that changed it. A `saved_chat` is where a person wants to be told things.
"""

from sqlalchemy import Index, Table, text

from bot.store.columns import metadata, num, txt

memo = Table(
    "memo",
    metadata,
    txt("tenant", key=True),
    txt("id", key=True),
    txt("agent"),
    txt("person"),
    txt("text"),
    txt("source"),
    num("trusted"),
    num("at"),
    txt("conv"),
    txt("event"),
    num("indexed"),
    Index("memo_owner", "tenant", "agent", "person", "at"),
    Index("memo_bare", "tenant", "at", sqlite_where=text("indexed = 0")),
)

own_agent = Table(
    "own_agent",
    metadata,
    txt("tenant", key=True),
    txt("name", key=True),
    txt("text"),
    txt("saved_by"),
    num("at"),
)

schedule = Table(
    "schedule",
    metadata,
    txt("tenant", key=True),
    txt("id", key=True),
    txt("words"),
    txt("trigger"),
    txt("zone", default="UTC"),
    txt("prompt"),
    txt("agent"),
    txt("person", null=True),
    txt("conv"),
    txt("state", default="active"),
    num("next_at", null=True),
    num("last_at", null=True),
    num("tainted"),
    num("skipped"),
    num("version", default=1),
    num("created_at"),
    Index("schedule_due", "state", "next_at"),
    Index("schedule_conv", "tenant", "conv"),
)

fire = Table(
    "fire",
    metadata,
    txt("tenant", key=True),
    txt("schedule", key=True),
    num("fire_at", key=True),
    txt("event"),
    num("at"),
)

trouble = Table(
    "trouble",
    metadata,
    txt("tenant", key=True),
    txt("id", key=True),
    txt("cause"),
    txt("kind"),
    txt("subject"),
    txt("title"),
    txt("step"),
    txt("command"),
    txt("href"),
    txt("state", default="open"),
    num("count"),
    num("told"),
    num("first_at"),
    num("last_at"),
    num("told_at", null=True),
    num("ended_at", null=True),
    Index("trouble_open", "tenant", "cause", unique=True, sqlite_where=text("state = 'open'")),
)

trouble_fact = Table(
    "trouble_fact",
    metadata,
    txt("tenant", key=True),
    txt("ref", key=True),
    num("at", key=True),
    txt("trouble"),
    num("noted_at"),
    Index("trouble_facts", "tenant", "trouble"),
)

mcp_tool = Table(
    "mcp_tool",
    metadata,
    txt("tenant", key=True),
    txt("server", key=True),
    txt("name", key=True),
    txt("tool"),
    txt("seen"),
    txt("seen_hash"),
    txt("problem"),
    txt("pinned"),
    txt("pinned_hash"),
    txt("pinned_by"),
    num("at"),
)

score = Table("score", metadata, txt("tenant", key=True), num("value"), num("at"))

score_change = Table(
    "score_change",
    metadata,
    txt("tenant", key=True),
    txt("id", key=True),
    txt("reason"),
    txt("person"),
    txt("agent"),
    num("value"),
    num("at"),
    Index("score_change_recent", "tenant", "at"),
)

saved_chat = Table(
    "saved_chat",
    metadata,
    txt("tenant", key=True),
    txt("person", key=True),
    txt("channel", key=True),
    txt("account"),
    txt("place"),
    txt("thread"),
    txt("name"),
    num("at"),
)
