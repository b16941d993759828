"""Twilio's requests to the house: proved first, read then.

The signature covers the address that Twilio called and every field. The address is the one of the
settings, never what a request says of itself, so a proxy in between changes nothing. A request
without a good signature is answered 401 and nothing of it is kept; what could not be stored 503, so
that Twilio brings it again.
https://www.twilio.com/docs/usage/webhooks/webhooks-security (read 2026-11-21)
"""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from channels.sms.provider import Carried, Heard

log = logging.getLogger(__name__)

FORM: Final = "application/x-www-form-urlencoded"
MAX_BODY: Final = 2**18
MAX_FIELDS: Final = 300
MAX_MEDIA: Final = 10
TWIML: Final = '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'
"""Nothing is said in the answer itself: what the house says is a message of its own."""

Fields = Mapping[str, str]


class Proof:
    """Knows what Twilio signed."""

    def __init__(self, token: str, account: str, public_url: str) -> None:
        self._validator = RequestValidator(token)
        self._account = account
        self._home = public_url.rstrip("/")

    async def fields(self, request: web.Request) -> Fields | web.Response:
        """The fields of a request that Twilio signed; else the answer."""
        if request.content_type != FORM:
            return web.Response(status=415)
        raw = bytearray()
        async for part in request.content.iter_chunked(65_536):
            raw += part
            if len(raw) > MAX_BODY:
                return web.Response(status=413)
        try:
            pairs = parse_qsl(
                raw.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict"
            )
        except ValueError:
            return web.Response(status=400)
        given = request.headers.get("X-Twilio-Signature", "")
        if not self.holds(request.raw_path, pairs, given):
            return web.Response(status=401)
        found = dict(pairs)
        if len(found) != len(pairs):
            return web.Response(status=400)
        if found.get("AccountSid") != self._account:
            log.warning("A text of another account of Twilio came here; it is not read.")
            return web.Response(status=404)
        return found

    def holds(self, path: str, pairs: list[tuple[str, str]], signature: str) -> bool:
        """Whether a signature is Twilio's, for these fields at this path of ours."""
        fields: MultiDict[str] = MultiDict(pairs)
        return bool(
            signature.isascii() and self._validator.validate(self._home + path, fields, signature)
        )


def empty() -> web.Response:
    """Taken; nothing to say."""
    return web.Response(text=TWIML, content_type="text/xml")


def heard_of(fields: Fields, at: datetime) -> Heard | None:
    """The message that a webhook brings; None when it is none."""
    sid = fields.get("MessageSid") or fields.get("SmsSid") or ""
    if not sid or len(sid) > 64:
        return None
    count = min(_whole(fields.get("NumMedia", "")), MAX_MEDIA)
    media = (
        (fields.get(f"MediaUrl{n}", ""), fields.get(f"MediaContentType{n}", ""))
        for n in range(count)
    )
    return Heard(
        sid=sid,
        number=fields.get("To", ""),
        contact=fields.get("From", ""),
        text=fields.get("Body", ""),
        at=at,
        media=tuple((url, kind) for url, kind in media if url),
        told=fields.get("OptOutType", "").upper(),
        segments=_whole(fields.get("NumSegments", "")),
    )


def status_of(fields: Fields) -> tuple[Carried, str] | None:
    """What became of a message, with the error's number; None when it is no such word."""
    sid = fields.get("MessageSid") or fields.get("SmsSid") or ""
    state = fields.get("MessageStatus") or fields.get("SmsStatus") or ""
    if not sid or not state:
        return None
    ours, theirs = fields.get("From", ""), fields.get("To", "")
    carried = Carried(sid=sid, state=state.lower(), number=ours, contact=theirs)
    return carried, fields.get("ErrorCode", "")


def _whole(value: str) -> int:
    return int(value) if value.isdecimal() and len(value) < 6 else 0
