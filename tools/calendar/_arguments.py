"""What the calendar's tools share: kinds of arguments, what the house fills in, lines of a card.

A model says times on the person's clocks and an event's id; `complete` adds the account, the
calendar's name, the zone and the event as it stands, before anybody is asked. So the card shows
them, and the yes is bound to them.
"""

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic.json_schema import SkipJsonSchema

from bot.core.canonical import Json
from bot.core.card import Field as Line
from bot.core.errors import Forbidden, Invalid, VendorUnknown
from bot.core.tool import ToolContext
from tools._arguments import unfit
from tools.calendar._accounts import opened, service_of
from tools.calendar._book import OWN, Book, Service, ServiceName
from tools.calendar._event import Event

MAX_GUESTS = 50
_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_MARKUP = re.compile(r"<[A-Za-z/!?]")


def _text(value: str) -> str:
    text = value.replace("\r\n", "\n").replace("\r", "\n").strip()
    if found := _CONTROL.search(text):
        raise unfit(f"it holds the control character U+{ord(found[0]):04X}; leave that out")
    if _MARKUP.search(text):
        raise unfit("a calendar would read it as markup; write plain words, without <")
    return text


def _line(value: str) -> str:
    return " ".join(_text(value).split())


def _email(value: str) -> str:
    text = value.strip()
    if not _EMAIL.fullmatch(text) or len(text) > 254:
        raise unfit("it is no e-mail address; write it in full, like ann@example.org")
    return text


Words = Annotated[str, Field(max_length=8_000), AfterValidator(_text)]
OneLine = Annotated[str, Field(max_length=300), AfterValidator(_line)]
Email = Annotated[str, Field(max_length=254), AfterValidator(_email)]
Guests = Annotated[list[Email], Field(max_length=MAX_GUESTS)]
Id = Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[A-Za-z0-9_@.=-]+$")]
CalendarId = Annotated[str, Field(min_length=1, max_length=254, pattern=r"^[!-~]+$")]
Hidden = SkipJsonSchema[Annotated[str, Field(max_length=2_000)]]
"""Filled in by the house; a model is not told of it."""
Known = SkipJsonSchema[list[str] | None]
Told = SkipJsonSchema[bool]


class InCalendar(BaseModel):
    """What acts in one calendar of one account."""

    model_config = ConfigDict(extra="forbid")

    calendar: CalendarId = OWN
    service: ServiceName | None = None
    """Which vendor's; what is not said is filled in before anybody is asked."""
    account: Hidden = ""
    account_name: Hidden = ""
    calendar_name: Hidden = ""
    home: Hidden = ""
    """The zone of the person's clocks."""


class OfEvent(InCalendar):
    """What acts on an event that is there."""

    event: Id
    etag: Hidden = ""
    """Which state of it was shown."""
    was: Hidden = ""
    """What it is called."""
    when: Hidden = ""
    others: Known = None
    """The other guests."""


async def about(ctx: ToolContext, book: Book, args: InCalendar) -> dict[str, Json]:
    """The account and the calendar in which something is to be changed. Raises Forbidden."""
    entry = await book.calendar(args.calendar)
    if not entry.may_write:
        raise Forbidden("This account may only read that calendar.")
    return {
        "service": book.service.name,
        "account": book.account,
        "account_name": book.name,
        "calendar_name": " ".join(entry.name.split())[:200],
        "home": ctx.zone or "UTC",
    }


async def about_event(
    ctx: ToolContext, book: Book, args: OfEvent, id_: str
) -> tuple[Event, dict[str, Json]]:
    """An event that is there, and what is shown of it. Raises Invalid for one that is over."""
    known = await about(ctx, book, args)
    event = await book.event(args.calendar, id_)
    if event.is_over:
        raise Invalid("This event was cancelled already.")
    if not event.etag:
        vendor = book.service.vendor
        raise VendorUnknown(f"{vendor} does not say which state of the event this is.")
    shown: dict[str, Json] = {
        "event": event.id,
        "etag": event.etag,
        "was": event.title,
        "when": event.when(ctx.zone or "UTC"),
        "others": list(event.others),
    }
    return event, {**known, **shown}


def fitting(service: Service, title: str | None) -> None:
    """Raises Invalid for a title that is too long there."""
    if title and len(title) > service.title_chars:
        raise Invalid(f"A title is at most {service.title_chars} long in {service.title}.")


async def asked(ctx: ToolContext, args: InCalendar) -> Book:
    """The calendars of a call that may change something."""
    return await opened(ctx, args.service, account=args.account, write=True)


def account_line(args: InCalendar) -> Line:
    """Which account, and which of its calendars."""
    name, calendar = args.account_name or "not known yet", args.calendar_name
    whose = f"{name}, calendar “{calendar}”" if calendar and calendar != name else name
    vendor = service_of(args.service).vendor
    return Line(name=f"{vendor} account", value=f"{whose} ({args.calendar})")


def event_lines(args: OfEvent) -> list[Line]:
    """Which event, and when it is now."""
    return [
        Line(name="Event", value=args.was or args.event),
        Line(name="Is now", value=args.when or "not known yet"),
    ]
