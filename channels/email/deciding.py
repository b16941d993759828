"""The link in a card's mail: opening it shows a page, and only its button decides, once.

Scanners and previews open every link, so GET changes nothing. The token names the approval, its
version and the one address it was mailed to, ends with the approval's week, and is spent by the
first press: the press is an event, and its name is the token's. Where money moves the link leads
to the house, where one signs in.
https://www.rfc-editor.org/rfc/rfc9110#section-9.2.1 (read 2026-11-21)
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from html import escape
from typing import Final
from urllib.parse import parse_qs

from aiohttp import web

from bot.core.channel import Outbound, Sink
from bot.core.errors import BotError, StoreError, UserError
from bot.core.event import Event, Kind, Place, Sender
from bot.core.ids import EventId, conv_key
from bot.platforms.lent import Lent
from channels.email.hooks import body_of
from channels.email.settings import Settings

PATH: Final = "/webhooks/email/decide"
LASTS: Final = timedelta(days=7)
MAX_FORM: Final = 10_000
MAX_TOKEN: Final = 1_000
CHOICES: Final = {"approve": "Approve", "reject": "Reject"}
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
    ),
}
_PAGE: Final = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" '
    'content="width=device-width, initial-scale=1"><title>Switchboard</title><style>{style}</style>'
    "<body><main>{inside}</main></body></html>"
)
_STYLE: Final = """
:root{color-scheme:light dark;--bg:#f4f5f6;--card:#fff;--text:#1a1e21;--soft:#565f67;--line:#d5d9dc;
--accent:#1d5c73;--on:#fff}
@media(prefers-color-scheme:dark){:root{--bg:#14171a;--card:#1d2226;--text:#e3e6e9;--soft:#a0a9b1;
--line:#3a4248;--accent:#84c5dd;--on:#0b1a20}}
body{margin:0;background:var(--bg);color:var(--text);font:16px/1.5 system-ui,sans-serif}
main{max-width:40rem;margin:2rem auto;padding:1.2rem 1.5rem;background:var(--card);
border:1px solid var(--line);border-radius:10px;box-sizing:border-box}
@media(max-width:42rem){main{margin:0;border:0;border-radius:0;min-height:100vh}}
h1{font-size:1.3rem;margin:0 0 .8rem}
pre{white-space:pre-wrap;overflow-wrap:anywhere;font:inherit;margin:0 0 1.2rem}
button{font:inherit;padding:.6rem 1.4rem;margin:0 .8rem .6rem 0;border-radius:6px;cursor:pointer;
border:1px solid var(--line);background:var(--card);color:var(--text)}
button[value=approve]{border-color:var(--accent);background:var(--accent);color:var(--on)}
small{color:var(--soft)}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slip:
    """What a token says."""

    approval: str
    version: int
    address: str
    thread: str
    until: int
    """Seconds since 1970."""


class Deciding:
    """Makes links, and answers them."""

    def __init__(self, lent: Lent, settings: Settings, sink: Callable[[], Sink | None]) -> None:
        self._lent, self._home = lent, settings.home
        self._sink = sink

    def routes(self) -> Sequence[tuple[str, str, Callable[..., Awaitable[object]]]]:
        """Two, where the house is reached from outside."""
        if not self._lent.public_url:
            return ()
        return (("GET", PATH, self._show), ("POST", PATH, self._press))

    def link(self, message: Outbound, address: str) -> str:
        """Where this card is decided by whoever reads this mailbox."""
        card = message.card
        can = card is not None and not card.amount and not card.decided
        has_both = card is not None and set(CHOICES) <= {choice.id for choice in card.choices}
        if not (can and has_both and self._lent.public_url):
            return message.url
        until = int((self._lent.clock.now() + LASTS).timestamp())
        slip = Slip(
            approval=message.approval,
            version=message.version,
            address=address,
            thread=message.thread,
            until=until - until % 86_400,  # the same mail has the same words on the same day
        )
        return f"{self._lent.public_url.rstrip('/')}{PATH}?t={self.token(slip)}"

    def token(self, slip: Slip) -> str:
        """The slip, sealed."""
        parts = (slip.approval, str(slip.version), slip.address, slip.thread, str(slip.until))
        body = base64.urlsafe_b64encode("\n".join(parts).encode()).decode().rstrip("=")
        return f"{body}.{self._seal(body)}"

    def slip(self, token: str) -> Slip | None:
        """What a token says; None for one that is not ours, or too old."""
        body, _, seal = token.partition(".")
        if len(token) > MAX_TOKEN or not hmac.compare_digest(
            seal.encode(errors="replace"), self._seal(body).encode()
        ):
            return None
        try:
            words = base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)).decode()
            approval, version, address, thread, until = words.split("\n")
            found = Slip(
                approval=approval,
                version=int(version),
                address=address,
                thread=thread,
                until=int(until),
            )
        except (ValueError, binascii.Error):
            return None
        return found if found.until > self._lent.clock.now().timestamp() else None

    def _seal(self, body: str) -> str:
        return self._lent.seal(f"decide {body.encode(errors='replace').decode()}")

    async def _show(self, request: web.Request) -> web.Response:
        """The card, and its buttons. Changes nothing."""
        slip = self.slip(request.query.get("t", ""))
        if slip is None:
            return _said("This link is not good any more. Look at the newest mail.", 404)
        try:
            text = await self._lent.desk.whole(self._home, slip.address, slip.approval)
        except UserError as error:
            return _said(error.message, error.status)
        title, _, rest = text.partition("\n")
        buttons = "".join(
            f'<button name="choice" value="{name}">{label}</button>'
            for name, label in CHOICES.items()
        )
        return _page(
            f"<h1>{escape(title)}</h1><pre>{escape(rest)}</pre>"
            f'<form method="post">{buttons}</form>'
            f"<small>You decide as {escape(slip.address)}, once. Nothing happens before.</small>"
        )

    async def _press(self, request: web.Request) -> web.Response:
        """One decision."""
        body = await body_of(request, "application/x-www-form-urlencoded", MAX_FORM)
        if isinstance(body, web.Response):
            return body
        token = request.query.get("t", "")
        slip, sink = self.slip(token), self._sink()
        choice = "".join(parse_qs(body.decode("ascii", "replace")).get("choice", []))
        if slip is None or choice not in CHOICES:
            return _said("This link is not good any more. Look at the newest mail.", 404)
        try:
            if sink is None:
                raise StoreError("The e-mail channel is not listening yet.")
            accepted = await sink(self._event(slip, choice, token))
            if accepted.duplicate:  # a second press is told what the first one came to
                await self._lent.desk.whole(self._home, slip.address, slip.approval)
        except UserError as error:
            return _said(error.message, error.status)
        except BotError as error:
            return _said(f"It was not taken: {error.message} Press again.", 503)
        return _said(accepted.reply or "It is noted.", 200)

    def _event(self, slip: Slip, choice: str, token: str) -> Event:
        spent = hashlib.sha256(token.encode()).hexdigest()[:40]
        return Event(
            id=EventId(""),
            tenant=self._lent.tenant,
            channel="email",
            account=self._home,
            ext_id=f"decided {spent}",
            kind=Kind.PRESSED,
            conv=conv_key("email", self._home, slip.address, slip.thread),
            sender=Sender(ext_id=slip.address),
            place=Place(id=slip.address, thread=slip.thread),
            text="",
            at=self._lent.clock.now(),
            payload={"approval": slip.approval, "version": slip.version, "choice": choice},
        )


def _said(words: str, status: int) -> web.Response:
    return _page(f"<p>{escape(words)}</p>", status)


def _page(inside: str, status: int = 200) -> web.Response:
    return web.Response(
        text=_PAGE.format(style=_STYLE, inside=inside),
        status=status,
        content_type="text/html",
        headers=_HEADERS,
    )
