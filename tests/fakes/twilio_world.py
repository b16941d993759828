"""Numbers, phones and what was texted: the other side of `twilio_server`.

People text our numbers and look at their phones; words that opt out work as they do at Twilio. The
server hands over `deliver`, which calls the app. https://www.twilio.com/docs/messaging/api and
https://www.twilio.com/docs/messaging/guides/webhook-request (read 2026-11-21)
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from tests.fakes import twilio_rules as rules
from tests.fakes.played import Told

Body = dict[str, Any]

ACCOUNT, TOKEN = "AC" + "5a" * 16, "shop-auth-token"
API_KEY, API_SECRET = "SK" + "5a" * 16, "shop-api-secret"
VERSION = "2010-04-01"


def sid(prefix: str) -> str:
    """A name as Twilio gives them: two letters and 32 hex digits."""
    return prefix + secrets.token_hex(16)


def stamp(at: datetime | None) -> str | None:
    """A time as Twilio writes it (RFC 2822, GMT)."""
    return format_datetime(at) if at else None


@dataclass(slots=True)
class Number:
    """One number of the account and where it sends what it hears."""

    phone_number: str
    sid: str = field(default_factory=lambda: sid("PN"))
    friendly_name: str = ""
    sms_url: str = ""
    sms_method: str = "POST"
    sms_fallback_url: str = ""
    sms_fallback_method: str = "POST"
    sms_application_sid: str = ""
    status_callback: str = ""
    status_callback_method: str = "POST"
    can_text: bool = True
    can_mms: bool = True
    per_second: float = 1.0
    """Segments that leave in a second; more wait in its queue."""
    service: str = ""
    waiting: int = 0
    peak: int = 0
    """Most segments that ever waited."""
    gate: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(slots=True)
class Media:
    """One picture or file of a message that came in."""

    content_type: str
    content: bytes
    sid: str = field(default_factory=lambda: sid("ME"))
    created: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass(slots=True)
class Message:
    """One text, in or out."""

    sender: str
    to: str
    body: str
    direction: str = "outbound-api"
    status: str = "queued"
    sid: str = field(default_factory=lambda: sid("SM"))
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    sent: datetime | None = None
    media: list[Media] = field(default_factory=list)
    media_urls: list[str] = field(default_factory=list)
    status_callback: str = ""
    service: str = ""
    validity_s: float = 36_000.0
    error_code: int | None = None
    token: str = field(default_factory=secrets.token_urlsafe)
    """The same in every attempt to deliver it (`I-Twilio-Idempotency-Token`)."""

    @property
    def segments(self) -> int:
        """Parts it is sent in; a message with media counts as one."""
        return 1 if self.media or self.media_urls else rules.segments(self.body)

    @property
    def is_inbound(self) -> bool:
        """Whether a person wrote it."""
        return self.direction == "inbound"


class World:
    """One account."""

    def __init__(self) -> None:
        self.numbers: dict[str, Number] = {}
        self.messages: dict[str, Message] = {}
        self.services: dict[str, list[str]] = {}
        """Messaging Service → its numbers."""
        self.opted_out: set[tuple[str, str]] = set()
        """Number or Messaging Service, and person."""
        self.opt_out_mode = "default"
        """default: Twilio answers; advanced: and says `OptOutType`; off: it does neither."""
        self.refuses: dict[str, int] = {}
        """Person → code with which sending to them is refused at once (21614, 21408, 21608…)."""
        self.fails: dict[str, tuple[str, int]] = {}
        """Person → undelivered or failed, and the code: what becomes of texts to them."""
        self.phones: dict[str, list[Message]] = {}
        """Person → what their phone shows, in order."""
        self.deliver: Callable[[Message], Awaitable[Told]]

    # --- numbers -------------------------------------------------------------------------------

    def number(self, phone_number: str, sms_url: str = "", **more: Any) -> Number:
        """Give the account a number."""
        name = more.pop("friendly_name", phone_number)
        made = Number(phone_number, friendly_name=name, sms_url=sms_url, **more)
        self.numbers[phone_number] = made
        return made

    def service(self, *numbers: str) -> str:
        """A Messaging Service over numbers; gives its sid."""
        made = sid("MG")
        self.services[made] = list(numbers)
        for phone_number in numbers:
            self.numbers[phone_number].service = made
        return made

    # --- what people do ------------------------------------------------------------------------

    async def text(
        self, person: str, number: str, body: str, media: Sequence[tuple[str, bytes]] = ()
    ) -> tuple[Message, Told]:
        """A person texts one of our numbers; gives the message and what the app answered."""
        made = Message(person, number, body, "inbound", "received")
        made.sent = made.created
        made.media = [Media(kind, content) for kind, content in media]
        if made.media:
            made.sid = sid("MM")
        owner = self.numbers.get(number)
        made.service = owner.service if owner else ""
        self.messages[made.sid] = made
        self._opt(made)
        return made, await self.deliver(made)

    def _opt(self, made: Message) -> None:
        kind, scope = rules.keyword(made.body), made.service or made.to
        if not kind or self.opt_out_mode == "off":
            return
        pair, was_out = (scope, made.sender), (scope, made.sender) in self.opted_out
        if kind == "STOP":
            self.opted_out.add(pair)
        elif kind == "START":
            self.opted_out.discard(pair)
        said = {
            "STOP": "" if was_out else "You are unsubscribed. Reply START to come back.",
            "START": "You are subscribed again. Reply STOP to leave." if was_out else "",
            "HELP": "Reply STOP to unsubscribe. Msg&data rates may apply.",
        }[kind]
        if said:
            # Whether such answers stand in the list of messages is not documented: here they do not.
            self.show(Message(made.to, made.sender, said, "outbound-reply", "delivered"))

    # --- what people see -----------------------------------------------------------------------

    def shown(self, person: str, number: str = "") -> list[Message]:
        """What their phone shows from our numbers (or one of them), in order."""
        found = self.phones.get(person, [])
        return [each for each in found if number in ("", each.sender)]

    def said(self, person: str, number: str = "") -> list[str]:
        """The texts of that."""
        return [each.body for each in self.shown(person, number)]

    def outbound(self, to: str = "") -> list[Message]:
        """What the app sent, in order of acceptance."""
        return [m for m in self.messages.values() if not m.is_inbound and to in ("", m.to)]

    # --- for the server ------------------------------------------------------------------------

    def show(self, message: Message) -> None:
        """Put a message on the phone it is for."""
        self.phones.setdefault(message.to, []).append(message)

    def accept(self, form: dict[str, list[str]]) -> Message:
        """Take a message that the app sends. Raises `rules.Refusal`."""
        to, sender = rules.first(form, "To"), rules.first(form, "From")
        service = rules.first(form, "MessagingServiceSid")
        owner = self._sender(sender, service, to)
        if to in self.refuses:
            raise rules.Refusal(self.refuses[to], to)
        if (owner.service or owner.phone_number, to) in self.opted_out:
            raise rules.Refusal(21610)
        urls = form.get("MediaUrl", [])
        if not owner.can_text or (urls and not owner.can_mms):
            raise rules.Refusal(21606, owner.phone_number)
        made = Message(owner.phone_number, to, rules.first(form, "Body"), media_urls=urls)
        if urls:
            made.sid = sid("MM")
        made.service = service
        made.status = "accepted" if service else "queued"
        # The StatusCallback of a number is for its calls: a message has only its own.
        made.status_callback = rules.first(form, "StatusCallback")
        made.validity_s = float(rules.first(form, "ValidityPeriod") or 36_000)
        # Twilio keeps at most ten hours of a number's rate in its queue.
        if owner.waiting + made.segments > owner.per_second * 36_000:
            raise rules.Refusal(21611, owner.phone_number)
        owner.waiting += made.segments
        owner.peak = max(owner.peak, owner.waiting)
        self.messages[made.sid] = made
        return made

    def _sender(self, sender: str, service: str, to: str) -> Number:
        if service:
            pool = self.services.get(service)
            if pool is None:
                raise rules.Refusal(21701, service)
            if not pool:
                raise rules.Refusal(21703)
            # One person always hears from the same number of a service.
            sticky = [m.sender for m in self.outbound(to) if m.sender in pool]
            return self.numbers[sender or (sticky or pool)[0]]
        if sender not in self.numbers:
            raise rules.Refusal(21659, sender, mistake=f"From {sender} is not ours")
        return self.numbers[sender]

    def move(self, message: Message, status: str, code: int | None = None) -> None:
        """What Twilio itself knows of a message: it never goes back."""
        if message.status in rules.FINAL:
            return
        ranks = {name: n for n, name in enumerate(rules.RANK)}
        if ranks.get(status, 99) >= ranks.get(message.status, 0):
            message.status, message.error_code = status, code
        if message.sent is None and status in ("sent", "delivered", "undelivered"):
            message.sent = datetime.now(UTC)

    def listed(self, query: dict[str, str], hidden_s: float) -> Iterable[Message]:
        """Messages by the filters of a list, newest first; those of the last seconds may lack."""
        now = datetime.now(UTC)
        for message in reversed(self.messages.values()):
            if (now - message.created).total_seconds() < hidden_s:
                continue
            if query.get("To", message.to) != message.to:
                continue
            if query.get("From", message.sender) != message.sender:
                continue
            # Which time counts for what has not left yet is not documented: here its creation.
            if _within(message.sent or message.created, query):
                yield message

    def message_body(self, message: Message) -> Body:
        """A message as the API gives it."""
        uri = f"/{VERSION}/Accounts/{ACCOUNT}/Messages/{message.sid}"
        is_pooled = bool(message.service) and message.status == "accepted"
        return {
            "account_sid": ACCOUNT,
            "api_version": VERSION,
            "body": message.body,
            "date_created": stamp(message.created),
            "date_sent": stamp(message.sent),
            "date_updated": stamp(message.sent or message.created),
            "direction": message.direction,
            "error_code": message.error_code,
            "error_message": rules.DELIVERY.get(message.error_code or 0),
            "from": None if is_pooled else message.sender,
            "messaging_service_sid": message.service or None,
            "num_media": str(len(message.media) + len(message.media_urls)),
            "num_segments": "0" if is_pooled else str(message.segments),
            "price": None,
            "price_unit": "USD",
            "sid": message.sid,
            "status": message.status,
            "subresource_uris": {"media": f"{uri}/Media.json"},
            "to": message.to,
            "uri": f"{uri}.json",
        }

    def number_body(self, number: Number) -> Body:
        """A number as the API gives it."""
        return {
            "account_sid": ACCOUNT,
            "api_version": VERSION,
            "capabilities": {
                "sms": number.can_text, "mms": number.can_mms, "voice": True, "fax": False,
            },
            "friendly_name": number.friendly_name,
            "origin": "twilio",
            "phone_number": number.phone_number,
            "sid": number.sid,
            "sms_application_sid": number.sms_application_sid or None,
            "sms_fallback_method": number.sms_fallback_method,
            "sms_fallback_url": number.sms_fallback_url,
            "sms_method": number.sms_method,
            "sms_url": number.sms_url,
            "status": "in-use",
            "status_callback": number.status_callback,
            "status_callback_method": number.status_callback_method,
            "uri": f"/{VERSION}/Accounts/{ACCOUNT}/IncomingPhoneNumbers/{number.sid}.json",
        }  # fmt: skip

    def media_body(self, message: Message, media: Media) -> Body:
        """A file as the API gives it."""
        uri = f"/{VERSION}/Accounts/{ACCOUNT}/Messages/{message.sid}/Media/{media.sid}.json"
        return {
            "account_sid": ACCOUNT,
            "content_type": media.content_type,
            "date_created": stamp(media.created),
            "date_updated": stamp(media.created),
            "parent_sid": message.sid,
            "sid": media.sid,
            "uri": uri,
        }


def _within(at: datetime, query: dict[str, str]) -> bool:
    """Whether a time fits DateSent, `DateSent>` (from then on) and `DateSent<` (until then)."""
    day, after, before = (query.get(f"DateSent{mark}", "") for mark in ("", ">", "<"))
    if day and at.strftime("%Y-%m-%d") != day[:10]:
        return False
    if after and at < _time(after, at):
        return False
    return not (before and at > _time(before, at, is_end=True))


def _time(text: str, near: datetime, *, is_end: bool = False) -> datetime:
    """A date (a whole day) or a time of a filter; a text that is neither filters nothing."""
    try:
        found = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return near
    if len(text) <= 10 and is_end:
        found = found.replace(hour=23, minute=59, second=59, microsecond=999_999)
    # Filters know whole seconds: a message of the same second is in.
    found = found.replace(microsecond=999_999 if is_end else 0)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
