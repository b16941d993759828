"""Tables of e-mail: what became of what was sent, and addresses that are written to no more."""

from sqlalchemy import Index, Table

from bot.store.columns import metadata, num, txt

mail_news = Table(
    "mail_news",
    metadata,
    txt("tenant", key=True),
    txt("id", key=True),
    txt("address"),
    txt("state"),
    txt("key"),
    txt("detail"),
    num("at"),
    Index("mail_of_key", "tenant", "key"),
    Index("mail_recent", "tenant", "at"),
)

mail_block = Table(
    "mail_block",
    metadata,
    txt("tenant", key=True),
    txt("address", key=True),
    txt("state"),
    txt("detail"),
    num("at"),
)
