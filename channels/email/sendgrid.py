"""Mail out by SendGrid. It has no key and no look-up: what was cut off may have gone.

News of a mail shows that it was taken; that there is none shows nothing.

Our own id of the mail stands in `custom_args`, which comes back in its events, and at the end of
References, because SendGrid may write a Message-ID of its own. Links are not rewritten: an address
where something is approved stays what it is.
https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send (read 2026-11-21)
"""

import base64
from collections.abc import Sequence
from typing import Final

from bot.core.errors import BotError, ConnectionBroken, VendorRefused, VendorUnknown
from bot.core.ports import Clock
from bot.platforms.lent import Lent
from channels.email.addresses import Mailbox
from channels.email.calls import Answer, Calls
from channels.email.letter import Enclosed, Letter, header_lines, safe
from channels.email.settings import Settings

HOME: Final = "https://api.sendgrid.com"
SENDING: Final = "mail.send"
KEY: Final = (
    "Make one with the permission Mail Send under Settings, API Keys at app.sendgrid.com and set "
    "sendgrid_api_key in [channels.email]."
)
MOST_PAUSE_S: Final = 3_600.0


class SendGrid:
    """The carrier."""

    name = "sendgrid"
    finds = False
    keyed = False

    def __init__(self, lent: Lent, settings: Settings) -> None:
        self._calls = Calls(lent.endpoints.get("sendgrid", "") or HOME)
        self._book, self._clock = lent.mailbook, lent.clock
        self.hears = bool(settings.sendgrid_events_key)
        self._key = settings.sendgrid_api_key.get_secret_value()

    async def send(self, letter: Letter) -> str:
        """Send it. Raises VendorRefused, ConnectionBroken: surely not sent; VendorUnknown."""
        headers = {name: value for name, value in header_lines(letter) if name != "Message-ID"}
        headers["References"] = f"{headers.get('References', '')} <{letter.message_id}>".strip()
        content = [{"type": "text/plain", "value": letter.text}]
        if letter.html:
            content.append({"type": "text/html", "value": letter.html})
        body = {
            "personalizations": [{"to": [_box(letter.to)]}],
            "from": _box(letter.sender),
            "subject": letter.subject,
            "content": content,
            "headers": headers,
            **({"attachments": [_file(each) for each in letter.files]} if letter.files else {}),
            "custom_args": {"key": letter.key},
            "tracking_settings": {
                "click_tracking": {"enable": False, "enable_text": False},
                "open_tracking": {"enable": False},
            },
        }
        given = {"Authorization": f"Bearer {self._key}"}
        answer = await self._calls.ask("POST", "/v3/mail/send", headers=given, content=body)
        if answer.status == 202:
            return answer.headers.get("X-Message-Id", letter.message_id)
        raise self._wrong(answer)

    def _wrong(self, answer: Answer) -> BotError:
        """What SendGrid said instead of taking it."""
        if answer.status == 401:
            return ConnectionBroken(f"SendGrid does not take this key. {KEY}")
        if answer.status == 429:
            pause_s = _pause(answer, self._clock)
            return VendorRefused("SendGrid asks for a pause.", retry_after_s=pause_s)
        if 400 <= answer.status < 500:
            errors = answer.said.get("errors")
            first = errors[0] if isinstance(errors, list) and errors else {}
            words = str(first.get("message", "")) if isinstance(first, dict) else ""
            return VendorRefused(f"SendGrid refused it: {words[:200] or answer.status}")
        return VendorUnknown("SendGrid did not say whether it took it.")

    async def try_out(self) -> Sequence[str]:
        """Ask what the key may do. Raises as `send`.

        https://www.twilio.com/docs/sendgrid/api-reference/api-key-permissions (read 2026-11-22)
        """
        given = {"Authorization": f"Bearer {self._key}"}
        answer = await self._calls.ask("GET", "/v3/scopes", headers=given)
        scopes = answer.said.get("scopes")
        if answer.status == 200 and isinstance(scopes, list):
            if SENDING not in scopes:
                raise ConnectionBroken(f"The key lacks the permission {SENDING}. {KEY}")
            return ()
        raise self._wrong(answer)

    async def find(self, key: str, since_s: float) -> str:
        """The id of a mail of which its events told; empty when none did."""
        return await self._book.told_of(key)


def _pause(answer: Answer, clock: Clock) -> float:
    """Seconds: SendGrid says until when, as a Unix time, and has no Retry-After.

    https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/rate-limits
    (read 2026-11-22)
    """
    until = answer.headers.get("X-RateLimit-Reset", "")
    if not until.isdecimal():
        return answer.wait_s
    return min(MOST_PAUSE_S, max(1.0, int(until) - clock.now().timestamp()))


def _file(file: Enclosed) -> dict[str, str]:
    content = base64.b64encode(file.data).decode()
    return {
        "filename": safe(file.name),
        "type": file.media_type,
        "content": content,
        "disposition": "attachment",
    }


def _box(box: Mailbox) -> dict[str, str]:
    name = safe(box.name)
    return {"email": box.address, "name": name} if name else {"email": box.address}
