"""Mail in by SendGrid's Inbound Parse: a form at an address that only SendGrid knows.

The form is unsigned unless a security policy signs it. Without the policy's key in the settings
nothing that comes in proves who wrote it; with it, SendGrid's word on DKIM does. The bytes come
with the form and never again, so the mail is on the disk before it is answered.
https://www.twilio.com/docs/sendgrid/for-developers/parsing-email/setting-up-the-inbound-parse-webhook
(read 2026-11-21)
"""

import asyncio
import base64
import binascii
import hashlib
import json
import logging
import os
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from bot.core.errors import BotError, StoreError, VendorRefused
from bot.core.ports import Clock
from bot.platforms.lent import Lent
from channels.email.addresses import address_of, decoded
from channels.email.hooks import body_of
from channels.email.intake import Arrival
from channels.email.letter import safe
from channels.email.mime import MAX_MAIL, Mail, Unreadable, Wary, parse
from channels.email.proof import signs
from channels.email.quoting import split
from channels.email.settings import Settings

log = logging.getLogger(__name__)

PATH: Final = "/webhooks/email/sendgrid/"
WINDOW_S: Final = 600
MAX_FORM: Final = MAX_MAIL + 2**20
MAX_FIELDS: Final = 200
KEPT_S: Final = 14 * 86_400
SIGNATURE: Final = "X-Twilio-Email-Event-Webhook-Signature"
TIMESTAMP: Final = "X-Twilio-Email-Event-Webhook-Timestamp"
_DKIM = re.compile(r"@([A-Za-z0-9.-]{1,253})\s*:\s*([a-z]{1,20})")
_HASH = re.compile(r"[0-9a-f]{64}")
_BODY_HEADER = re.compile(r"(?i)(?:content-[a-z-]+|mime-version)\s*:")
Take = Callable[[Arrival], Awaitable[None]]


class SendGridIn:
    """The inbox."""

    name = "sendgrid"

    def __init__(self, lent: Lent, settings: Settings, take: Take) -> None:
        self._secret = settings.sendgrid_inbound_secret.get_secret_value()
        self._key = settings.sendgrid_inbound_key
        self._clock, self._take = lent.clock, take
        self._folder = lent.folder

    def routes(self) -> Sequence[tuple[str, str, Callable[..., Awaitable[object]]]]:
        """Its webhook."""
        return (("POST", PATH + self._secret, self._webhook),)

    async def run(self, take: Take) -> None:
        """Clear away mails that were kept for their attachments and are old."""
        await asyncio.to_thread(_sweep, self._folder)

    async def fetch(self, source: str) -> bytes:
        """A mail that was kept. Raises VendorRefused."""
        if self._folder is None or not _HASH.fullmatch(source):
            raise VendorRefused("This mail was not kept.")
        try:
            return await asyncio.to_thread((self._folder / f"{source}.eml").read_bytes)
        except OSError as error:
            raise VendorRefused("This mail is not kept here any more.") from error

    async def _webhook(self, request: web.Request) -> web.Response:
        """One mail. 503 when it is not stored: SendGrid comes again for three days."""
        body = await body_of(request, "multipart/form-data", MAX_FORM)
        if isinstance(body, web.Response):
            return body
        if self._key and not signed(self._key, request.headers, body, self._clock):
            return web.Response(status=401)
        try:
            form = await asyncio.to_thread(fields, request.headers["Content-Type"], body)
            raw = await asyncio.to_thread(raw_of, form)
            mail = await asyncio.to_thread(parse, raw)
        except Unreadable as error:
            log.warning("A mail cannot be read and is passed over: %s", error)
            return web.Response()
        try:
            source = await asyncio.to_thread(_keep, self._folder, raw) if _has_files(mail) else ""
            await self._take(
                Arrival(
                    mail=mail,
                    recipients=_envelope(form),
                    is_proved=bool(self._key) and _is_signed_by(mail, form),
                    source=lambda part: f"sendgrid:{source}:{part}" if source else "",
                )
            )
        except BotError as error:
            log.warning("A mail is not taken; it comes again: %s", error.message)
            return web.Response(status=503)
        return web.Response()


def fields(kind: str, body: bytes) -> dict[str, bytes]:
    """The fields of a form; of one that is there twice the first. Raises Unreadable."""
    if len(kind) > 300 or "\n" in kind:
        raise Unreadable("Its type is no type.")
    try:
        kind_line = b"Content-Type: " + kind.encode() + b"\r\n\r\n"
        form = message_from_bytes(kind_line + body, policy=Wary())
    except (ValueError, RecursionError, LookupError) as error:
        raise Unreadable(type(error).__name__) from error
    found: dict[str, bytes] = {}
    held: Any = form.get_payload()
    for part in (held if isinstance(held, list) else [])[:MAX_FIELDS]:
        name = part.get_param("name", header="content-disposition")
        data = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(data, bytes):
            found.setdefault(name, data)
            if filename := part.get_filename():
                found.setdefault(f"{name}/name", str(filename).encode("utf-8", "replace"))
                found.setdefault(f"{name}/type", part.get_content_type().encode())
    if "envelope" not in found:
        raise Unreadable("It is no form of Inbound Parse.")
    return found


def raw_of(form: Mapping[str, bytes]) -> bytes:
    """The mail as it came, or, where SendGrid took it apart, one put together from its pieces."""
    if "email" in form:
        return form["email"]
    charsets = _object(form, "charsets")

    def text(name: str) -> str:
        return decoded(form.get(name, b""), str(charsets.get(name, "utf-8")))

    body = EmailMessage()
    body.set_content(text("text"))
    if form.get("html"):
        body.add_alternative(text("html"), subtype="html")
    for name, value in form.items():
        if re.fullmatch(r"attachment\d{1,3}", name):
            kind = form.get(f"{name}/type", b"").decode("ascii", "replace")
            main, _, sub = kind.partition("/")
            is_plain = main not in ("multipart", "message") and sub.isascii() and bool(sub)
            given = (main, sub) if is_plain else ("application", "octet-stream")
            called = safe(form.get(f"{name}/name", b"file").decode("utf-8", "replace"))
            body.add_attachment(value, maintype=given[0], subtype=given[1], filename=called)
    return _headers(form.get("headers", b"")) + body.as_bytes()


def _headers(given: bytes) -> bytes:
    """The mail's own header lines, without those that say how its body was written."""
    lines: list[str] = []
    is_kept = False
    for line in given.decode("utf-8", "surrogateescape").replace("\r\n", "\n").split("\n"):
        if not line.startswith((" ", "\t")):
            is_kept = bool(line.strip()) and ":" in line and not _BODY_HEADER.match(line)
        if is_kept:
            lines.append(f"{line}\n")
    return "".join(lines).encode("utf-8", "surrogateescape")


def _object(form: Mapping[str, bytes], name: str) -> Mapping[str, Any]:
    try:
        found = json.loads(form.get(name, b"{}"))
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _envelope(form: Mapping[str, bytes]) -> list[str]:
    """Whom SendGrid took the mail for: the real recipients."""
    to = _object(form, "envelope").get("to")
    given = [str(each) for each in to] if isinstance(to, list) else []
    return [found for each in given if (found := address_of(each))]


def _is_signed_by(mail: Mail, form: Mapping[str, bytes]) -> bool:
    """Whether SendGrid found a good DKIM signature for the very domain of From."""
    if mail.sender is None:
        return False
    words = form.get("dkim", b"").decode("ascii", "replace")[:5000]
    return any(
        result == "pass" and signs(signer, mail.sender.domain)
        for signer, result in _DKIM.findall(words)
    )


def signed(key: str, headers: Mapping[str, str], body: bytes, clock: Clock) -> bool:
    """Whether SendGrid signed this, within ten minutes. `key`: base64 of DER."""
    at, mark = headers.get(TIMESTAMP, ""), headers.get(SIGNATURE, "")
    try:
        age = abs(clock.now().timestamp() - int(at))
        public = load_der_public_key(base64.b64decode(key))
        signature = base64.b64decode(mark, validate=True)
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        return False
    if age > WINDOW_S or not isinstance(public, ec.EllipticCurvePublicKey):
        return False
    try:
        public.verify(signature, at.encode() + body, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _has_files(mail: Mail) -> bool:
    """Whether more of it may be asked for than its words: files, or what is quoted."""
    return bool(mail.parts or split(mail.text, mail.subject).quoted)


def _keep(folder: Path | None, raw: bytes) -> str:
    """Put a mail on the disk, whole or not at all; its name. Raises StoreError."""
    if folder is None:
        return ""
    name = hashlib.sha256(raw).hexdigest()
    part, whole = folder / f"{name}.part", folder / f"{name}.eml"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        part.replace(whole)
    except OSError as error:
        raise StoreError(
            f"A mail cannot be kept: {error.strerror}. Make room or mend the disk."
        ) from error
    return name


def _sweep(folder: Path | None) -> None:
    if folder is None or not folder.is_dir():
        return
    for path in folder.iterdir():
        if path.suffix in (".eml", ".part") and path.stat().st_mtime < time.time() - KEPT_S:
            path.unlink(missing_ok=True)
