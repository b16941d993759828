"""Mail in by Resend: a signed webhook names a mail, and the house fetches it, whole.

What Resend read out of a mail has one value for each header, and a stranger can write a second one;
so only the mail as it came proves a sender. Webhooks come again for about ten hours; what none of
them brought is found in the list, at the start and each hour, back to when it was last looked for.
https://resend.com/docs/api-reference/emails/retrieve-received-email and
https://docs.svix.com/receiving/verifying-payloads/how-manual (read 2026-11-21)
"""

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import logging
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from typing import Any, Final
from urllib.parse import quote, urlsplit

from aiohttp import web

from bot.core.errors import (
    BotError,
    ConnectionBroken,
    Invalid,
    VendorRefused,
    VendorUnknown,
)
from bot.core.ports import Clock
from bot.platforms.lent import Lent, News
from channels.email.addresses import listed
from channels.email.calls import Calls
from channels.email.hooks import body_of, noted
from channels.email.intake import Arrival
from channels.email.letter import safe
from channels.email.mime import MAX_MAIL, Unreadable, parse
from channels.email.proof import is_proved
from channels.email.resend import HOME
from channels.email.settings import Settings

log = logging.getLogger(__name__)

PATH: Final = "/webhooks/email/resend"
WINDOW_S: Final = 300
MAX_HOOK: Final = 2**20
BACK, SLACK = timedelta(days=3), timedelta(days=1)
"""How far the list is read the first time, and before the last time: some may be on their way."""
LISTED, PAGES = 100, 500
ROUNDS, AGAIN_S, LOOK_S = 120, 30.0, 3600.0
"""So often it is looked for again until all of it is here, at this distance; else each hour."""
KNOWN: Final = 20_000
SERVER: Final = frozenset({"amazonses.com"})
"""Who checks senders for Resend (seen in its mails; not documented), beside `authserv`."""
STATES: Final[Mapping[str, str]] = {
    "sent": "sent",
    "delivered": "delivered",
    "delivery_delayed": "delayed",
    "failed": "failed",
    "suppressed": "failed",
    "bounced": "bounced",
    "complained": "complained",
}
"""https://resend.com/docs/webhooks/event-types (read 2026-11-21)"""
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
_ID = re.compile(r"[0-9A-Za-z-]{1,64}")
Take = Callable[[Arrival], Awaitable[None]]


class ResendIn:
    """The inbox."""

    name = "resend"

    def __init__(self, lent: Lent, settings: Settings, take: Take) -> None:
        endpoint = lent.endpoints.get("resend", "")
        self._calls = Calls(endpoint or HOME)
        self._is_played = bool(endpoint)
        self._key = settings.resend_api_key.get_secret_value()
        self._secret = settings.resend_webhook_secret.get_secret_value()
        self._servers = settings.servers | SERVER
        self._clock, self._take = lent.clock, take
        self._book, self._bookmarks, self._hold = lent.mailbook, lent.bookmarks, lent.hold
        self._done: dict[str, None] = {}
        """Mails that were taken, or are passed over."""

    def routes(self) -> Sequence[tuple[str, str, Callable[..., Awaitable[object]]]]:
        """Its webhook."""
        return (("POST", PATH, self._webhook),)

    async def run(self, take: Take) -> None:
        """Look for what no webhook brought, until cancelled. Raises ConnectionBroken."""
        since, tries = None, 0
        await self._hold()
        while True:
            try:
                since = since or await self._since()
                began = self._clock.now()
                if await self._catch_up(since):
                    await self._bookmarks.keep(self.name, "")
                    since, tries = began - SLACK, ROUNDS
            except ConnectionBroken:
                raise
            except BotError as error:
                log.warning("Resend could not be asked what came meanwhile: %s", error.message)
            tries += 1
            await asyncio.sleep(AGAIN_S if tries < ROUNDS else LOOK_S)

    async def _since(self) -> datetime:
        """From when on mails are looked for. Raises StoreError."""
        kept = await self._bookmarks.read(self.name)
        return kept[1] - SLACK if kept else self._clock.now() - BACK

    async def fetch(self, source: str) -> bytes:
        """A mail as it came. Raises VendorError."""
        if not _ID.fullmatch(source):
            raise VendorRefused("There is no such mail.")
        _, raw, _ = await self._get(source)
        return raw

    async def _webhook(self, request: web.Request) -> web.Response:
        """One event. 401 without a good signature; 503 when it is not stored: it comes again."""
        body = await body_of(request, "application/json", MAX_HOOK)
        if isinstance(body, web.Response):
            return body
        if not signed(self._secret, request.headers, body, self._clock):
            return web.Response(status=401)
        try:
            event = json.loads(body)
            kind, data = event["type"], event["data"]
            id_ = data["email_id"] if kind == "email.received" else ""
        except (ValueError, TypeError, KeyError, RecursionError):
            return web.Response(status=400)
        if kind != "email.received":
            return await noted(self._book, news_of(kind, data, request.headers["svix-id"]))
        if not isinstance(id_, str) or not _ID.fullmatch(id_):
            return web.Response(status=400)
        return web.Response(status=200 if await self._is_done(id_) else 503)

    async def _is_done(self, id_: str) -> bool:
        """Take in one mail; False when it has to come again."""
        try:
            await self._bring(id_)
        except BotError as error:
            if not _is_for_good(error):
                log.warning("A mail is not taken; it comes again: %s", error.message)
                return False
            log.warning("A mail at Resend cannot be had and is passed over: %s", error.message)
        self._done[id_] = None
        while len(self._done) > KNOWN:
            self._done.pop(next(iter(self._done)))
        return True

    async def _bring(self, id_: str) -> None:
        """Take in one mail. Raises what keeps it from being stored."""
        found, raw, is_whole = await self._get(id_)
        try:
            mail = await asyncio.to_thread(parse, raw)
        except Unreadable as error:
            log.warning("A mail cannot be read and is passed over: %s", error)
            return
        to = found.get("to")
        given = [each for each in to if isinstance(each, str)] if isinstance(to, list) else []
        arrival = Arrival(
            mail=mail,
            recipients=[box.address for box in listed(given)],
            is_proved=is_whole and is_proved(mail, self._servers),
            source=lambda part: f"resend:{id_}:{part}",
        )
        await self._take(arrival)

    async def _get(self, id_: str) -> tuple[Mapping[str, Any], bytes, bool]:
        """What Resend says of a mail, the mail, and whether it is as it came; else made of words.

        Raises VendorError, ConnectionBroken.
        """
        found = await self._asked(f"/emails/receiving/{id_}")
        given = found.get("raw")
        url = given.get("download_url") if isinstance(given, Mapping) else None
        if not isinstance(url, str):
            return found, rebuilt(found), False
        if not self._is_resends(url):
            raise VendorRefused("This mail does not lie at Resend.")
        answer = await self._calls.ask("GET", url, most=MAX_MAIL)  # without the key
        if answer.status != 200:
            raise VendorUnknown("Resend did not give the mail.")
        return found, answer.body, True

    def _is_resends(self, url: str) -> bool:
        parts = urlsplit(url)
        host = parts.hostname or ""
        if self._is_played:
            own = urlsplit(self._calls.base)
            return host in (own.hostname, "localhost") and parts.port == own.port
        return parts.scheme == "https" and host.endswith((".resend.com", ".resend.app"))

    async def _asked(self, path: str) -> Mapping[str, Any]:
        answer = await self._calls.ask(
            "GET", path, headers={"Authorization": f"Bearer {self._key}"}, most=MAX_MAIL
        )
        if answer.status == 200:
            return answer.said
        if answer.status in (401, 403):
            raise ConnectionBroken(
                "Resend does not let this key read mail. Make one with full access under API Keys "
                "at resend.com and set resend_api_key in [channels.email]."
            )
        if answer.status == 429:
            raise VendorUnknown("Resend asks for a pause.", retry_after_s=answer.wait_s)
        if answer.status == 404:
            raise VendorRefused("Resend does not have this mail.")
        raise VendorUnknown("Resend did not answer.")

    async def _catch_up(self, since: datetime) -> bool:
        """Take in what the list has from then on, the oldest first; whether that is all."""
        missed = [id_ for id_ in reversed(await self._listed(since)) if id_ not in self._done]
        return all([await self._is_done(id_) for id_ in missed])

    async def _listed(self, since: datetime) -> list[str]:
        """The mails from then on, the newest first. Raises VendorError, ConnectionBroken."""
        ids, after = list[str](), ""
        for _ in range(PAGES):
            found = await self._asked(f"/emails/receiving?limit={LISTED}{after}")
            items = found.get("data")
            page = items if isinstance(items, list) else []
            there = [each for each in page if isinstance(each, Mapping)]
            new = [str(each.get("id")) for each in there if not _is_before(each, since)]
            ids += [id_ for id_ in new if _ID.fullmatch(id_)]
            if not new or len(new) < len(there) or found.get("has_more") is not True:
                break
            after = f"&after={quote(new[-1])}"
        return ids


def _is_for_good(error: BotError) -> bool:
    """Whether to come again would change nothing."""
    if isinstance(error, VendorRefused):
        return error.retry_after_s is None
    return isinstance(error, Invalid)


def _is_before(item: Mapping[str, Any], since: datetime) -> bool:
    try:
        return datetime.fromisoformat(str(item.get("created_at"))) < since
    except (ValueError, TypeError):
        return False


def news_of(kind: object, data: object, id_: str) -> list[News]:
    """What an event says became of a mail; nothing for other events."""
    state = STATES.get(str(kind).removeprefix("email."), "")
    if not state or not isinstance(data, Mapping) or not isinstance(data.get("to"), list):
        return []
    bounce = data.get("bounce")
    told = bounce if isinstance(bounce, Mapping) else {}
    if state == "bounced" and told.get("type") != "Permanent":
        state = "delayed"
    return [
        News(
            id=f"resend {id_} {n}",
            address=box.address,
            state=state,
            key=str(data.get("email_id", ""))[:100],
            detail=str(told.get("message", "")),
        )
        for n, box in enumerate(listed([str(each) for each in data["to"]]))
    ]


def rebuilt(found: Mapping[str, Any]) -> bytes:
    """A mail made of what Resend read out of one; nothing in it proves anything."""
    mail = EmailMessage()
    headers = found.get("headers")
    given = {**(headers if isinstance(headers, Mapping) else {})}
    for name, key in (("From", "from"), ("Subject", "subject"), ("Message-ID", "message_id")):
        if isinstance(value := found.get(key), str):
            given = {each: old for each, old in given.items() if each.lower() != name.lower()}
            given[name] = value
    for name, value in given.items():
        is_body = name.lower().startswith(("content-", "mime-")) or name.lower() == "to"
        if isinstance(value, str) and not is_body and _NAME.fullmatch(name):
            mail[f"X-{name}" if name in mail else name] = safe(value)
    mail.set_content(str(found.get("text") or ""))
    if html := found.get("html"):
        mail.add_alternative(str(html), subtype="html")
    return mail.as_bytes()


def signed(secret: str, headers: Mapping[str, str], body: bytes, clock: Clock) -> bool:
    """Whether Resend signed this, within five minutes. Several signatures may be given."""
    id_, at = headers.get("svix-id", ""), headers.get("svix-timestamp", "")
    try:
        text = secret.removeprefix("whsec_")
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        age = abs(clock.now().timestamp() - int(at))
    except (ValueError, binascii.Error):
        return False
    if not key or not id_ or age > WINDOW_S:
        return False
    words = f"{id_}.{at}.".encode() + body
    mark = base64.b64encode(hmac.digest(key, words, hashlib.sha256))
    given = (each.partition(",") for each in headers.get("svix-signature", "").split())
    return any(
        version == "v1" and hmac.compare_digest(mark, sign.encode(errors="replace"))
        for version, _, sign in given
    )
