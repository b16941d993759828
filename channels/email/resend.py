"""Mail out by Resend, whose key makes a mail go once: the same key, within a day, is one mail.

Resend gives a mail a Message-ID of its own, so ours stands at the end of References as well: an
answer finds its thread by it.
https://resend.com/docs/api-reference/emails/send-email and
https://resend.com/docs/dashboard/emails/idempotency-keys (read 2026-11-21)
"""

import asyncio
import base64
from collections.abc import Sequence
from typing import Final

from bot.core.errors import ConnectionBroken, VendorRefused, VendorUnknown
from channels.email.calls import Answer, Calls
from channels.email.letter import Enclosed, Letter, header_lines, safe, shown
from channels.email.settings import Settings

HOME: Final = "https://api.resend.com"
TRIES: Final = 3
AGAIN_S: Final = 1.0
_KEY = frozenset({"missing_api_key", "invalid_api_key", "restricted_api_key"})
_IN_FLIGHT: Final = "concurrent_idempotent_requests"


class Resend:
    """The carrier."""

    name = "resend"
    finds = False
    hears = False
    keyed = True

    def __init__(self, settings: Settings, endpoint: str) -> None:
        self._calls = Calls(endpoint or HOME)
        self._key = settings.resend_api_key.get_secret_value()
        self._domain = settings.home.rpartition("@")[2]
        self._hears = bool(settings.resend_webhook_secret.get_secret_value())

    async def send(self, letter: Letter) -> str:
        """Send it. Raises VendorRefused, ConnectionBroken: surely not sent; VendorUnknown."""
        ours = f"<{letter.message_id}>"
        headers = {name: value for name, value in header_lines(letter) if name != "Message-ID"}
        headers["References"] = f"{headers.get('References', '')} {ours}".strip()
        body = {
            "from": shown(letter.sender),
            "to": [letter.to.address],
            "subject": letter.subject,
            "text": letter.text,
            **({"html": letter.html} if letter.html else {}),
            "headers": headers,
            **({"attachments": [_file(each) for each in letter.files]} if letter.files else {}),
        }
        given = {"Authorization": f"Bearer {self._key}", "Idempotency-Key": letter.key}
        for n in range(TRIES):
            is_last = n == TRIES - 1
            try:
                answer = await self._calls.ask("POST", "/emails", headers=given, content=body)
            except VendorUnknown:
                if is_last:
                    raise
            else:
                is_open = answer.status >= 500 or answer.said.get("name") == _IN_FLIGHT
                if not is_open or is_last:
                    return _taken(answer)
            await asyncio.sleep(AGAIN_S * (n + 1))  # the key makes it the same mail
        raise VendorUnknown("Resend did not answer.")

    async def try_out(self) -> Sequence[str]:
        """Ask for the domains; a key that may only send is not told them. Raises as `send`.

        https://resend.com/docs/api-reference/domains/list-domains (read 2026-11-22)
        """
        given = {"Authorization": f"Bearer {self._key}"}
        answer = await self._calls.ask("GET", "/domains", headers=given)
        if answer.said.get("name") == "restricted_api_key":
            only = "The key may only send: mail that comes in needs one with full access."
            return (only,) if self._hears else ()
        listed = answer.said.get("data")
        if answer.status != 200 or not isinstance(listed, list):
            _taken(answer)
            raise VendorUnknown("Resend did not say which domains there are.")
        verified = {
            each.get("name")
            for each in listed
            if isinstance(each, dict) and each.get("status") == "verified"
        }
        if self._domain in verified or answer.said.get("has_more"):
            return ()
        return (f"{self._domain} is not verified at Resend yet: add it under Domains.",)

    async def find(self, key: str, since_s: float) -> str:
        """A key is not looked up; it is sent again."""
        raise VendorUnknown("Resend is asked by sending under the same key again.")


def _file(file: Enclosed) -> dict[str, str]:
    content = base64.b64encode(file.data).decode()
    return {"filename": safe(file.name), "content_type": file.media_type, "content": content}


def _taken(answer: Answer) -> str:
    """The mail's id, or what went wrong."""
    name, words = str(answer.said.get("name", "")), str(answer.said.get("message", ""))[:200]
    if answer.status == 200 and isinstance(found := answer.said.get("id"), str):
        return found
    if name in _KEY:
        raise ConnectionBroken(
            "Resend does not take this key. Make one with sending access under API Keys at "
            "resend.com and set resend_api_key in [channels.email]."
        )
    if answer.status == 429:
        raise VendorRefused("Resend asks for a pause.", retry_after_s=answer.wait_s)
    if answer.status == 409:
        raise VendorUnknown("Resend had another mail under this key, or has one on its way.")
    if 400 <= answer.status < 500:
        raise VendorRefused(f"Resend refused it: {words or answer.status}")
    raise VendorUnknown("Resend did not say whether it took the mail.")
