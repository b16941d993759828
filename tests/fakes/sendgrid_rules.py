"""What SendGrid accepts in a mail, and how it signs what it tells.

Fields come from the published description (`sendgrid-mail.json`, see `openapi.py`); limits and
reserved headers from https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send and
signatures from
https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
(read 2026-11-21).
"""

import base64
import binascii
import json
import time
from collections.abc import Iterator, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.fakes.mails import is_address
from tests.fakes.openapi import Description, described

Body = dict[str, Any]

RESERVED = frozenset(
    "x-sg-id x-sg-eid received dkim-signature content-type content-transfer-encoding to from "
    "subject reply-to cc bcc".split()
)
MAX_BYTES, MAX_RECIPIENTS, AHEAD_S = 30_000_000, 1000, 72 * 3600
MAX_CUSTOM_ARGS = 10_000
SIGNATURE, TIMESTAMP = (
    "X-Twilio-Email-Event-Webhook-Signature",
    "X-Twilio-Email-Event-Webhook-Timestamp",
)


class Refusal(Exception):
    """SendGrid's answer to what it does not do."""

    def __init__(self, status: int, message: str, field: str = "", *, mistake: bool = True) -> None:
        super().__init__(f"{field}: {message}" if field else message)
        self.status, self.is_mistake = status, mistake
        self.body: Body = {"errors": [{"message": message, "field": field or None}]}


def api() -> Description:
    """The published description of sending."""
    return described("sendgrid-mail")


def check(body: Any, max_bytes: int = MAX_BYTES) -> None:
    """Refuse a mail that cannot be sent, whoever sends it."""
    if not isinstance(body, dict):
        raise Refusal(400, "Bad Request")
    if len(json.dumps(body)) > max_bytes:
        raise Refusal(413, "Payload too large")
    people = body.get("personalizations")
    if not isinstance(people, list) or not 1 <= len(people) <= 1000:
        raise Refusal(400, "The personalizations field is required.", "personalizations")
    for n, each in enumerate(people):
        _check_people(each, f"personalizations.{n}")
    sender = body.get("from") or {}
    if not isinstance(sender, dict) or not is_address(str(sender.get("email", ""))):
        raise Refusal(400, "The from object must have an email.", "from.email")
    if "reply_to" in body and "reply_to_list" in body:
        raise Refusal(400, "Only one of reply_to and reply_to_list.", "reply_to")
    if not (body.get("subject") or all(each.get("subject") for each in people)):
        raise Refusal(400, "The subject is required.", "subject")
    _check_content(body)
    for headers in (body.get("headers"), *(each.get("headers") for each in people)):
        _check_headers(headers or {})
    size = sum(len(json.dumps(each.get("custom_args") or {})) for each in people)
    if size + len(json.dumps(body.get("custom_args") or {})) > MAX_CUSTOM_ARGS:
        raise Refusal(400, "Custom arguments are more than 10000 bytes.", "custom_args")
    if body.get("send_at", 0) > time.time() + AHEAD_S:
        raise Refusal(400, "send_at is more than 72 hours ahead.", "send_at")
    files(body)


def _check_people(each: Any, where: str) -> None:
    seen: set[str] = set()
    if not isinstance(each, dict) or not each.get("to"):
        raise Refusal(400, "The to array is required.", f"{where}.to")
    for name in ("to", "cc", "bcc"):
        for m, person in enumerate(each.get(name) or ()):
            address = str(person.get("email", "")) if isinstance(person, dict) else ""
            if not is_address(address):
                raise Refusal(400, "Does not contain a valid address.", f"{where}.{name}.{m}.email")
            if address.lower() in seen:
                raise Refusal(400, "Each email address should be unique.", f"{where}.{name}")
            seen.add(address.lower())
    if len(seen) > MAX_RECIPIENTS:
        raise Refusal(400, "More than 1000 recipients.", where)


def _check_content(body: Body) -> None:
    content = body.get("content") or []
    if not content and not body.get("template_id"):
        raise Refusal(400, "The content is required.", "content")
    kinds = [each.get("type") for each in content]
    for n, each in enumerate(content):
        if not each.get("value") or not isinstance(each["value"], str):
            raise Refusal(400, "The content value must be a string of one character at least.", f"content.{n}.value")  # fmt: skip
    if "text/plain" in kinds[1:] or ("text/html" in kinds and kinds.index("text/html") > 1):
        raise Refusal(400, "text/plain must be first, followed by text/html.", "content")


def _check_headers(headers: Body) -> None:
    for name, value in headers.items():
        if name.lower() in RESERVED:
            raise Refusal(400, f"The header {name} is reserved.", f"headers.{name}")
        if not isinstance(value, str) or set("\r\n") & set(name + value):
            raise Refusal(400, "A header is one line of text.", f"headers.{name}")


def files(body: Body) -> list[tuple[str, str, bytes]]:
    """The files of a mail: name, type, bytes. Raises Refusal for one that cannot be read."""
    made = []
    for n, each in enumerate(body.get("attachments") or ()):
        if not each.get("filename"):
            raise Refusal(400, "The attachment filename is required.", f"attachments.{n}.filename")
        try:
            content = base64.b64decode(each.get("content") or "§", validate=True)
        except (binascii.Error, ValueError):
            raise Refusal(400, "The attachment content must be base64 encoded.", f"attachments.{n}.content") from None  # fmt: skip
        made.append((each["filename"], each.get("type") or "application/octet-stream", content))
    return made


def misfits(body: Body) -> Iterator[str]:
    """What the description does not have.

    It calls the `custom_args` of the whole mail a text; the page above shows an object, as does
    every package of the vendor.
    """
    plain = {name: value for name, value in body.items() if name != "custom_args"}
    yield from api().body_misfits("POST", "/v3/mail/send", plain)
    arguments = [body.get("custom_args") or {}]
    arguments += [each.get("custom_args") or {} for each in body["personalizations"]]
    for each in arguments:
        if not all(isinstance(value, str) for value in each.values()):
            yield "custom_args: a value is no text"


def signed(key: ec.EllipticCurvePrivateKey, at: int, body: bytes) -> dict[str, str]:
    """The two headers that prove who is calling."""
    mark = key.sign(str(at).encode() + body, ec.ECDSA(SHA256()))
    return {SIGNATURE: base64.b64encode(mark).decode(), TIMESTAMP: str(at)}


def public(key: ec.EllipticCurvePrivateKey) -> str:
    """The key that checks them: base64 of its DER, as the vendor shows it."""
    der = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


Field = tuple[str, bytes, str, str]
"""Name, content, and for a file its name and type."""


def multipart(fields: Sequence[Field], boundary: str = "xYzZY") -> bytes:
    """A form of several parts, byte for byte as it is then signed."""
    lines: list[bytes] = []
    for name, content, filename, media in fields:
        line = f'Content-Disposition: form-data; name="{name}"'
        line += f'; filename="{filename}"' if filename else ""
        kind = f"\r\nContent-Type: {media}" if media else ""
        lines.append(f"--{boundary}\r\n{line}{kind}\r\n\r\n".encode() + content + b"\r\n")
    return b"".join(lines) + f"--{boundary}--\r\n".encode()
