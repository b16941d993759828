"""Ids as types of their own, so that a tenant's id never lands in a conversation's place.

Every id made by the house is a prefix, 10 characters of time and 16 of chance (80 bits), in
Crockford's base 32: sortable by time, impossible to guess. Ids that come from a vendor stay as
the vendor wrote them.
"""

from datetime import datetime
from typing import NewType

TenantId = NewType("TenantId", str)
PersonId = NewType("PersonId", str)
EventId = NewType("EventId", str)
"""Also the id of the turn that the event opens."""
ConvId = NewType("ConvId", str)
"""One session of one conversation."""
ConvKey = NewType("ConvKey", str)
"""`channel:account:place:thread`, without the session; see `conv_key`."""
EffectId = NewType("EffectId", str)
ApprovalId = NewType("ApprovalId", str)
ScheduleId = NewType("ScheduleId", str)
AgentName = NewType("AgentName", str)

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [a + b for a in _ALPHABET for b in _ALPHABET]


def make_id(prefix: str, at: datetime, chance: bytes) -> str:
    """Return `prefix_` and 26 characters; `chance` is 10 random bytes."""
    number = (int(at.timestamp() * 1000) << 80) | int.from_bytes(chance, "big")
    pairs = [_PAIRS[(number >> shift) & 1023] for shift in range(120, -1, -10)]
    return f"{prefix}_{''.join(pairs)}"


def conv_key(channel: str, account: str, place: str, thread: str = "") -> ConvKey:
    """Return a conversation's key; a colon inside a part is escaped, so that keys never meet."""
    parts = (channel, account, place, thread)
    return ConvKey(":".join(part.replace("%", "%25").replace(":", "%3A") for part in parts))
