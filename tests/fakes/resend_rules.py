"""What Resend accepts in a mail, its errors, and how it signs what it tells.

Fields come from the published description (`resend.json`, see `openapi.py`); names of errors from
https://resend.com/docs/api-reference/errors; signatures are those of Svix
(https://docs.svix.com/receiving/verifying-payloads/how-manual). Read 2026-11-21.
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tests.fakes.mails import Letter, is_address
from tests.fakes.openapi import Description, described

Body = dict[str, Any]

ERRORS: Mapping[str, int] = {
    "invalid_idempotency_key": 400,
    "validation_error": 400,
    "missing_api_key": 401,
    "restricted_api_key": 401,
    "invalid_api_key": 403,
    "forbidden": 403,
    "not_found": 404,
    "method_not_allowed": 405,
    "invalid_idempotent_request": 409,
    "concurrent_idempotent_requests": 409,
    "invalid_attachment": 422,
    "invalid_from_address": 422,
    "invalid_parameter": 422,
    "missing_required_field": 422,
    "daily_quota_exceeded": 429,
    "monthly_quota_exceeded": 429,
    "rate_limit_exceeded": 429,
    "application_error": 500,
}
MAX_TO, MAX_KEY, MAX_BYTES = 50, 256, 40_000_000
_TAG = re.compile(r"[A-Za-z0-9_-]{1,256}")


class Refusal(Exception):
    """Resend's answer to what it does not do."""

    def __init__(self, name: str, message: str, *, mistake: bool = True, status: int = 0) -> None:
        super().__init__(f"{name}: {message}")
        self.status, self.is_mistake = status or ERRORS[name], mistake
        self.body: Body = {"statusCode": self.status, "name": name, "message": message}


def api() -> Description:
    """The published description."""
    return described("resend")


def listed(value: Any) -> list[str]:
    """What may be one text or several, as several."""
    return [value] if isinstance(value, str) else list(value or ())


def check(body: Any) -> None:
    """Refuse a mail that cannot be sent, whoever sends it."""
    if not isinstance(body, dict):
        raise Refusal("validation_error", "The body is not an object.")
    for name in ("from", "to", "subject"):
        if not body.get(name):
            raise Refusal("missing_required_field", f"Missing `{name}` field.")
    if not (body.get("html") or body.get("text") or body.get("template")):
        raise Refusal("missing_required_field", "Missing `html` or `text` field.")
    if not is_address(str(body["from"])):
        raise Refusal("invalid_from_address", "Invalid `from` field.")
    for name in ("to", "cc", "bcc", "reply_to"):
        found = listed(body.get(name))
        if not all(isinstance(each, str) and is_address(each) for each in found):
            raise Refusal("validation_error", f"Invalid `{name}` field.", status=422)
        if len(found) > MAX_TO:
            raise Refusal("validation_error", f"More than {MAX_TO} in `{name}`.", status=422)
    _check_headers(body.get("headers") or {})
    for tag in body.get("tags") or ():
        if not all(_TAG.fullmatch(str(tag.get(side, ""))) for side in ("name", "value")):
            raise Refusal("validation_error", "Tags are ASCII letters, digits, _ or -.", status=422)
    files(body)


def _check_headers(headers: Any) -> None:
    if not isinstance(headers, dict):
        raise Refusal("validation_error", "`headers` is not an object.", status=422)
    for name, value in headers.items():
        if not isinstance(value, str) or set("\r\n") & set(name + value):
            raise Refusal("validation_error", f"Invalid header `{name}`.", status=422)


def files(body: Body) -> list[tuple[str, str, bytes]]:
    """The files of a mail: name, type, bytes. Raises Refusal for one that cannot be read."""
    made = []
    for each in body.get("attachments") or ():
        content = each.get("content")
        if content is None and not each.get("path"):
            raise Refusal("invalid_attachment", "Attachment must have a `content` or `path`.")
        if not each.get("filename") and content is not None:
            raise Refusal("invalid_attachment", "Attachment must have a `filename`.")
        try:
            found = base64.b64decode(content or "", validate=True)
        except (binascii.Error, TypeError, ValueError):
            raise Refusal("invalid_attachment", "Attachment is not base64.") from None
        kind = each.get("content_type") or "application/octet-stream"
        made.append((str(each.get("filename") or "file"), kind, found))
    if sum(len(content) * 4 / 3 for _, _, content in made) > MAX_BYTES:
        raise Refusal("validation_error", "Attachments are larger than 40 MB.", status=422)
    return made


def misfits(body: Any) -> Iterator[str]:
    """What the description does not have: Resend may ignore it without a word."""
    yield from api().body_misfits("POST", "/emails", body)


def signed(secret: str, id: str, at: int, body: bytes) -> dict[str, str]:
    """The three headers that prove who is calling."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    words = f"{id}.{at}.".encode() + body
    mark = base64.b64encode(hmac.new(key, words, hashlib.sha256).digest()).decode()
    return {"svix-id": id, "svix-timestamp": str(at), "svix-signature": f"v1,{mark}"}


def inlined(letter: Letter) -> str:
    """The HTML with its pictures within it, as Resend gives it unless `html_format=cid`."""
    html = letter.html
    for part in letter.parts:
        if part.content_id:
            data = base64.b64encode(part.content).decode()
            html = html.replace(f"cid:{part.content_id}", f"data:{part.media};base64,{data}")
    return html
