"""Signing what leaves by webhook, as https://www.standardwebhooks.com lays down (read 2026-08-21).

The signature covers the message's id, the time and the body. The id stays the same whenever the
same message is sent again, so that a receiver can drop what it has seen.
"""

import base64
import binascii
import hashlib
import hmac

from bot.core.errors import SettingsError
from bot.core.secret import Secret


def headers_of(secret: Secret, message: str, at: int, body: bytes) -> dict[str, str]:
    """The headers of one attempt; `at` is in whole seconds since 1970. Raises SettingsError."""
    signed = b".".join((message.encode(), str(at).encode(), body))
    mac = hmac.new(_key(secret), signed, hashlib.sha256).digest()
    return {
        "webhook-id": message,
        "webhook-timestamp": str(at),
        "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
    }


def _key(secret: Secret) -> bytes:
    text = secret.reveal().removeprefix("whsec_")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not key:
        raise SettingsError(
            "The webhook's secret is not readable. It is base64, usually with whsec_ before it."
        )
    return key
