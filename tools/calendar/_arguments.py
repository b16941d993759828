"""What the calendar's tools share: kinds of arguments, what the house fills in, lines of a card.

A model says times on the person's clocks and an event's id; `complete` adds the account, the
calendar's name, the zone and the event as it stands, before anybody is asked. So the card shows
them, and the yes is bound to them.
"""

import re
from collections.abc import Mapping
from typing import Annotated, TypeVar
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic.json_schema import SkipJsonSchema

from bot.core.canonical import Json
from bot.core.card import Field as Line
from bot.core.errors import Forbidden, Invalid, VendorUnknown
from bot.core.tool import ToolContext
from tools.calendar._event import Event, Theirs
from tools.calendar._google import Google, read
from tools.calendar._moment import unfit

MAX_GUESTS = 50
NEWS = {"sendUpdates": "all", "conferenceDataVersion": "1"}
"""Guests are told, and what belongs to Meet is kept."""
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
        raise unfit("Google would read it as markup; write plain words, without <")
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
Id = Annotated[str, Field(min_length=1, max_length=1024, pattern=r"^[A-Za-z0-9_@.-]+$")]
CalendarId = Annotated[str, Field(min_length=1, max_length=254, pattern=r"^[!-~]+$")]
Hidden = SkipJsonSchema[Annotated[str, Field(max_length=2_000)]]
"""Filled in by the house; a model is not told of it."""
Known = SkipJsonSchema[list[str] | None]
Told = SkipJsonSchema[bool]


class InCalendar(BaseModel):
    """What acts in one calendar of one account."""

    model_config = ConfigDict(extra="forbid")

    calendar: CalendarId = "primary"
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


class Entry(Theirs):
    """A calendar among those of an account."""

    id: str
    summary: str = ""
    access_role: str = ""
    time_zone: str = ""


A = TypeVar("A", bound=BaseModel)


def refit(args: A, known: Mapping[str, object]) -> A:
    """The arguments with what is known now, checked again. Raises Invalid."""
    given = {**args.model_dump(mode="json", exclude_none=True), **known}
    try:
        return type(args).model_validate(given)
    except ValidationError as error:
        raise Invalid("; ".join(str(each["msg"]) for each in error.errors()) + ".") from None


async def about(ctx: ToolContext, google: Google, args: InCalendar) -> dict[str, Json]:
    """The account and the calendar in which something is to be changed. Raises Forbidden."""
    path = f"users/me/calendarList/{quote(args.calendar, safe='')}"
    entry = read(Entry, await google.ask("GET", path))
    if entry.access_role not in ("owner", "writer"):
        raise Forbidden("This account may only read that calendar.")
    return {
        "account": google.account,
        "account_name": google.name,
        "calendar_name": " ".join(entry.summary.split())[:200],
        "home": ctx.zone or "UTC",
    }


async def about_event(
    ctx: ToolContext, google: Google, args: OfEvent, id_: str
) -> tuple[Event, dict[str, Json]]:
    """An event that is there, and what is shown of it. Raises Invalid for one that is over."""
    known = await about(ctx, google, args)
    event = await google.event(args.calendar, id_)
    if event.is_over:
        raise Invalid("This event was cancelled already.")
    if not event.etag:
        raise VendorUnknown("Google does not say which state of the event this is.")
    shown: dict[str, Json] = {
        "event": event.id,
        "etag": event.etag,
        "was": event.title,
        "when": event.when(ctx.zone or "UTC"),
        "others": list(event.others),
    }
    return event, {**known, **shown}


def account_line(args: InCalendar) -> Line:
    """Which account, and which of its calendars."""
    name, calendar = args.account_name or "not known yet", args.calendar_name
    whose = f"{name}, calendar “{calendar}”" if calendar and calendar != name else name
    return Line(name="Google account", value=f"{whose} ({args.calendar})")


def event_lines(args: OfEvent) -> list[Line]:
    """Which event, and when it is now."""
    return [
        Line(name="Event", value=args.was or args.event),
        Line(name="Is now", value=args.when or "not known yet"),
    ]
