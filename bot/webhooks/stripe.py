"""Stripe: how an event proves that Stripe sent it.

`Stripe-Signature: t=SECONDS,v1=HEX[,v1=HEX…]`; each v1 is the HMAC-SHA256 of `t.body`, the body as
it came. Two stand there while a secret is being replaced. Other schemes count for nothing. A time
more than five minutes off, in the future as well, is refused.
https://docs.stripe.com/webhooks#verify-manually (read 2026-11-21)
"""

import hmac
from collections.abc import Callable, Mapping
from datetime import datetime

from bot.core.secret import Secret

HEADER = "Stripe-Signature"
TOLERANCE_S = 300
MOST_PARTS = 20


def is_genuine(secret: Secret, header: str, body: bytes, now: datetime) -> bool:
    """Whether the sender knew the secret, lately."""
    pairs = [part.strip().partition("=") for part in header.split(",", MOST_PARTS)[:MOST_PARTS]]
    times = [value for name, _, value in pairs if name == "t"]
    if not secret or len(times) != 1 or not (times[0].isascii() and times[0].isdecimal()):
        return False
    if len(times[0]) > 12 or abs(int(now.timestamp()) - int(times[0])) > TOLERANCE_S:
        return False
    signed = f"{times[0]}.".encode() + body
    wanted = hmac.digest(secret.reveal().encode(), signed, "sha256").hex().encode()
    given = [value.encode() for name, _, value in pairs if name == "v1"]
    return any(hmac.compare_digest(wanted, each) for each in given)


WEBHOOK: Mapping[str, Callable[[Secret, str, bytes, datetime], bool]] = {
    "stripe/events": is_genuine
}
"""Path below `/webhooks/` → its proof."""
