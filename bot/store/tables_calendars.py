"""Tables of calendars that are followed: how far, and what stands in them.

A `calendar_copy` belongs to a connection and is named after it: where the vendor's changes were
read to, and by which channel it tells of new ones. A `calendar_event` is one event of it, as the
vendor told it last; other people wrote its words. Both go with the connection. Times are
microseconds since 1970, UTC; 0 is never.
"""

from sqlalchemy import Index, Table

from bot.store.columns import metadata, num, txt

calendar_copy = Table(
    "calendar_copy",
    metadata,
    txt("tenant", key=True),
    txt("id", key=True),
    txt("cursor"),
    num("begins_at"),
    num("ends_at"),
    txt("channel"),
    txt("resource"),
    num("watched_until"),
    num("renew_at"),
    txt("old_channel"),
    txt("old_resource"),
    num("due_at"),
    num("synced_at"),
    num("tries"),
    num("version"),
    txt("error"),
    Index("calendar_copy_channel", "channel"),
)

calendar_event = Table(
    "calendar_event",
    metadata,
    txt("tenant", key=True),
    txt("copy", key=True),
    txt("id", key=True),
    txt("etag"),
    num("starts_at"),
    num("ends_at"),
    txt("body"),
    num("synced_at"),
)
