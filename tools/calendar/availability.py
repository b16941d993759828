"""Who is free when, as far as the connected account may see it; times that fit everybody.

https://developers.google.com/workspace/calendar/api/v3/reference/freebusy/query
https://learn.microsoft.com/graph/api/calendar-getschedule (read 2026-11-21)

Times are told and no words. Whose time is not shown is named, and never taken for free.
"""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from bot.core.effect import EffectState, Outcome
from bot.core.errors import Invalid
from bot.core.tool import Risk, Tool, ToolContext
from tools._arguments import unfit
from tools.calendar._accounts import opened
from tools.calendar._arguments import Email
from tools.calendar._book import OWN, Book, Busy, ServiceName
from tools.calendar._moment import Moment, Span, Zone, written
from tools.calendar._slots import Hours, Wanted, slots
from tools.calendar.agenda import between

MOST_PEOPLE, OFFERED, MOST_DAYS = 20, 5, 31


def _clock(value: str) -> str:
    try:
        return f"{time.fromisoformat(value.strip()):%H:%M}"
    except ValueError:
        raise unfit("write a time of the day like 09:00") from None


Clock = Annotated[str, Field(max_length=8), AfterValidator(_clock)]


class LookFree(BaseModel):
    """Whose time, and when."""

    model_config = ConfigDict(extra="forbid")

    people: list[Email] | None = Field(default=None, max_length=MOST_PEOPLE)
    start: Moment | None = None
    end: Moment | None = None
    service: ServiceName | None = None


class Somebody(BaseModel):
    """Who is to come, and on whose clocks they live."""

    model_config = ConfigDict(extra="forbid")

    email: Email
    zone: Zone = ""


class FindTime(BaseModel):
    """What is looked for."""

    model_config = ConfigDict(extra="forbid")

    people: Annotated[list[Somebody], Field(max_length=MOST_PEOPLE)] = []
    minutes: int = Field(default=30, ge=5, le=480)
    start: Moment | None = None
    end: Moment | None = None
    opens: Clock = "09:00"
    closes: Clock = "17:00"
    weekends: bool = False
    service: ServiceName | None = None


async def calendar_free_busy(ctx: ToolContext, args: LookFree) -> Outcome:
    """Say when people are busy, without what they do; the person's own time when nobody is named.

    Use it when the person asks whether somebody has time. Do not use it to find a common time: that
    is calendar_find_time.
    - people: e-mail addresses; leave it out for the person's own calendar.
    - start, end: on the person's clocks, such as "2026-11-23"; a week from now when left out.
    - service: google or outlook, only when both are connected.
    Example: {"people": ["ann@example.org"], "start": "2026-11-23", "end": "2026-11-24"}
    """
    book = await opened(ctx, args.service)
    begins, ends = _limited(between(ctx, args.start, args.end))
    names = args.people or [OWN]
    found = await book.busy(names, begins, ends)
    lines = [_busy_line(ctx, book, name, found[name]) for name in names]
    return Outcome(state=EffectState.SENT, data="\n".join(lines))


async def calendar_find_time(ctx: ToolContext, args: FindTime) -> Outcome:
    """Find times at which the person and others are all free and at work, across time zones.

    Use it before calendar_create when others are to come. Do not use it to see whether one person
    has time: that is calendar_free_busy. It changes nothing.
    - people: who else comes, each {"email": address, "zone": their time zone when it is known and
      not the person's}.
    - minutes: how long, 30 when left out.
    - start, end: between when, on the person's clocks; a week from now when left out.
    - opens, closes: when people work, each on their own clocks; 09:00 to 17:00 when left out.
    - weekends: true when those are fine as well.
    - service: google or outlook, only when both are connected.
    Example: {"people": [{"email": "ann@example.org", "zone": "America/New_York"}], "minutes": 45}
    """
    book = await opened(ctx, args.service)
    begins, ends = _limited(between(ctx, args.start, args.end))
    begins = max(begins, ctx.clock.now())
    found = await book.busy([OWN, *(each.email for each in args.people)], begins, ends)
    home = ctx.zone or "UTC"
    zones = list(dict.fromkeys([home, *(each.zone or home for each in args.people)]))
    opens, closes = time.fromisoformat(args.opens), time.fromisoformat(args.closes)
    wanted = Wanted(
        start=begins,
        end=ends,
        length=timedelta(minutes=args.minutes),
        zones=zones,
        hours=Hours(opens=opens, closes=closes, weekends=args.weekends),
    )
    busy = [each for times in found.values() for each in times or ()]
    lines = [_slot_line(slot, zones) for slot in slots(wanted, busy, OFFERED)]
    told = (
        "\n".join(lines) or "There is no time that fits everybody. Try longer hours or more days."
    )
    unseen = [book.name if name == OWN else name for name, one in found.items() if one is None]
    if unseen:
        vendor, names = book.service.vendor, ", ".join(unseen)
        told += f"\nNot looked into, because {vendor} does not show it: {names}."
    return Outcome(state=EffectState.SENT, data=told)


def _limited(span: tuple[datetime, datetime]) -> tuple[datetime, datetime]:
    if span[1] - span[0] > timedelta(days=MOST_DAYS):
        raise Invalid(f"Say a time of at most {MOST_DAYS} days.")
    return span


def _busy_line(ctx: ToolContext, book: Book, name: str, told: Sequence[Busy] | None) -> str:
    who = book.name if name == OWN else name
    if told is None:
        return f"- {who}: {book.service.vendor} does not show this calendar."
    zone = ctx.zone or "UTC"
    taken = "; ".join(_words(*each, zone) for each in told)
    return f"- {who}: {f'busy {taken}' if taken else 'free all the time'}"


def _slot_line(slot: Busy, zones: list[str]) -> str:
    return "- " + " = ".join(_words(*slot, zone) for zone in zones)


def _words(start: datetime, end: datetime, zone: str) -> str:
    begins, ends = (written(each.astimezone(ZoneInfo(zone))) for each in (start, end))
    return Span(start=begins, end=ends, zone=zone).words(zone)


TOOLS = (
    Tool(
        name="calendar_free_busy",
        arguments=LookFree,
        perform=calendar_free_busy,
        risk=Risk.READ,
        saying="looking who is free",
    ),
    Tool(
        name="calendar_find_time",
        arguments=FindTime,
        perform=calendar_find_time,
        risk=Risk.READ,
        saying="looking for a time",
    ),
)
