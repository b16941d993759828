"""Tables behind finding again: what was embedded, summed up, put away, and how far that is.

`vector` holds no text: what it stands for is a memo, a line or an archive, by kind and id. Rows of
`summary` are never changed, so that a turn that is replayed reads the one it was laid from. For
each conversation `upkeep` says up to which line that work is done.
"""

from sqlalchemy import Index, Table, text

from bot.store.columns import blob, metadata, num, txt

vector = Table(
    "vector",
    metadata,
    txt("tenant", key=True),
    txt("kind", key=True),
    txt("id", key=True),
    txt("agent"),
    txt("person"),
    txt("conv"),
    txt("model"),
    blob("value"),
    num("at"),
    Index("vector_owner", "tenant", "person", "agent", "kind", "at"),
    Index("vector_conv", "tenant", "conv"),
)

summary = Table(
    "summary",
    metadata,
    txt("tenant", key=True),
    txt("conv", key=True),
    num("last", key=True),
    num("first"),
    txt("text"),
    txt("model"),
    num("tainted"),
    num("at"),
)

archive = Table(
    "archive",
    metadata,
    txt("tenant", key=True),
    txt("id", key=True),
    txt("conv"),
    txt("person"),
    txt("agent"),
    txt("title"),
    txt("text"),
    num("first"),
    num("last"),
    num("lines"),
    txt("file"),
    num("at"),
    num("restored_at", null=True),
    Index("archive_owner", "tenant", "person", "at"),
    Index("archive_conv", "tenant", "conv"),
)

upkeep = Table(
    "upkeep",
    metadata,
    txt("tenant", key=True),
    txt("conv", key=True),
    num("n"),
    num("tries"),
    num("due_at"),
    Index("upkeep_due", "due_at", sqlite_where=text("due_at > 0")),
)
