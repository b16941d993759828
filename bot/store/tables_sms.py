"""Tables of text messages: our numbers, the threads on them, who wants no more, what was sent.

They share the metadata of `bot/store/columns.py`; times are microseconds since 1970, UTC. A thread
is one number of ours and one of theirs. `sms_message` holds no words: those are in the transcript
and in the deeds. `code_miss` counts wrong codes on every channel where a code decides.
"""

from sqlalchemy import Index, Table, text

from bot.store.columns import metadata, num, txt

sms_number = Table(
    "sms_number",
    metadata,
    txt("tenant", key=True),
    txt("number", key=True),
    txt("account"),
    txt("sid"),
    txt("label"),
    txt("purpose"),
    txt("state"),
    num("is_default"),
    num("at"),
)

sms_thread = Table(
    "sms_thread",
    metadata,
    txt("tenant", key=True),
    txt("number", key=True),
    txt("contact", key=True),
    num("heard"),
    num("said"),
    txt("last"),
    num("heard_at"),
    num("last_at"),
    Index("sms_recent", "tenant", "last_at"),
)

sms_opt_out = Table(
    "sms_opt_out",
    metadata,
    txt("tenant", key=True),
    txt("contact", key=True),
    txt("number", key=True),
    txt("state"),
    txt("how"),
    txt("ref"),
    num("at"),
)

sms_message = Table(
    "sms_message",
    metadata,
    txt("tenant", key=True),
    txt("id", key=True),
    txt("sid"),
    txt("way"),
    txt("number"),
    txt("contact"),
    txt("kind"),
    txt("answers"),
    txt("state"),
    num("rank"),
    num("segments"),
    num("media"),
    txt("error"),
    num("at"),
    num("changed_at"),
    num("cleared"),
    Index("sms_sid", "tenant", "sid"),
    Index("sms_of_thread", "tenant", "number", "contact", "at"),
    Index("sms_fallen", "changed_at", sqlite_where=text("state IN ('undelivered', 'failed')")),
    Index("sms_uncleared", "tenant", "at", sqlite_where=text("media > 0 AND cleared = 0")),
)

code_miss = Table(
    "code_miss",
    metadata,
    txt("tenant", key=True),
    txt("channel", key=True),
    txt("account", key=True),
    txt("sender", key=True),
    txt("event", key=True),
    num("at"),
)
