"""Pictures of texts that are kept here, and so need not stay with the carrier.

A text is ready when its turn is over for good and the line that it became names a kept file for
each picture: both are commits, so nothing is removed there that is not here.
"""

import json

from sqlalchemy import bindparam, select, update

from bot.store.script import Ask, Script, Statement
from bot.store.tables import inbox, message
from bot.store.tables_sms import sms_message

AT_ONCE = 200
_READY = Statement(
    lambda: (
        select(sms_message.c.sid, sms_message.c.media, message.c.attachments)
        .join(
            inbox, (inbox.c.tenant == sms_message.c.tenant) & (inbox.c.ext_id == sms_message.c.sid)
        )
        .join(
            message,
            (message.c.tenant == inbox.c.tenant)
            & (message.c.conv == inbox.c.conv)
            & (message.c.turn == inbox.c.id),
        )
        .where(
            sms_message.c.tenant == bindparam("tenant"),
            sms_message.c.way == "in",
            sms_message.c.media > 0,
            sms_message.c.cleared == 0,
            sms_message.c.at > bindparam("since"),
            inbox.c.channel == bindparam("channel"),
            inbox.c.ended_at.is_not(None),
            inbox.c.state != "dead",  # it may be tried again, and fetch anew
            message.c.role == "user",
        )
        .order_by(sms_message.c.at)
        .limit(AT_ONCE)
    )
)
_CLEARED = Statement(
    lambda: (
        update(sms_message)
        .where(sms_message.c.tenant == bindparam("tenant"), sms_message.c.sid == bindparam("known"))
        .values(cleared=bindparam("now"))
    )
)


def ready(tenant: str, channel: str, since: int) -> Script[list[str]]:
    """The carrier's ids of texts whose pictures are all kept here."""
    rows = yield Ask(_READY, {"tenant": tenant, "channel": channel, "since": since})
    return [sid for sid, media, files in rows if _kept(files) >= media]


def cleared(tenant: str, sid: str, at: int) -> Script[None]:
    """Note that the carrier has them no more."""
    yield Ask(_CLEARED, {"tenant": tenant, "known": sid, "now": at})


def _kept(files: str) -> int:
    """How many of a line's files are kept here."""
    return sum(bool(each.get("sha256")) for each in json.loads(files))
