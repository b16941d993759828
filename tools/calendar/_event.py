"""An event as Google tells it, as far as the tools need it.

https://developers.google.com/workspace/calendar/api/v3/reference/events (read 2026-11-21)
Titles, places and descriptions are other people's words.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from tools.calendar._moment import Span, written

MARK = "switchboard"
"""The private property that names the deed that changed an event last."""


class Theirs(BaseModel):
    """What a vendor tells: what we do not know is let be."""

    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, frozen=True)


class When(Theirs):
    """A time, or a day."""

    date: str = ""
    date_time: str = ""
    time_zone: str = ""


class Guest(BaseModel):
    """Somebody who is invited; all that is told of them is kept, to be sent back."""

    model_config = ConfigDict(extra="allow", alias_generator=to_camel, frozen=True)

    email: str = ""
    response_status: str = ""
    is_self: bool = Field(default=False, alias="self")


class Organizer(Theirs):
    """Whose event it is."""

    email: str = ""
    is_self: bool = Field(default=False, alias="self")


class Properties(Theirs):
    """What programs keep with an event."""

    private: dict[str, str] = {}


class Event(Theirs):
    """One event, or one of a series."""

    id: str
    etag: str = ""
    status: str = "confirmed"
    summary: str = ""
    location: str = ""
    description: str = ""
    html_link: str = ""
    hangout_link: str = ""
    start: When = When()
    end: When = When()
    attendees: tuple[Guest, ...] = ()
    attendees_omitted: bool = False
    organizer: Organizer = Organizer()
    guests_can_modify: bool = False
    recurrence: tuple[str, ...] = ()
    recurring_event_id: str = ""
    extended_properties: Properties = Properties()

    @property
    def title(self) -> str:
        """What it is called; one line."""
        return " ".join(self.summary.split())[:300] or "(no title)"

    @property
    def is_over(self) -> bool:
        """Whether it was cancelled."""
        return self.status == "cancelled"

    @property
    def me(self) -> Guest | None:
        """The account among the guests."""
        return next((guest for guest in self.attendees if guest.is_self), None)

    @property
    def others(self) -> tuple[str, ...]:
        """The addresses of the other guests."""
        return tuple(guest.email for guest in self.attendees if not guest.is_self)

    def is_marked(self, key: str) -> bool:
        """Whether the deed of this key changed it last."""
        return self.extended_properties.private.get(MARK) == key

    def span(self, zone: str) -> Span:
        """When it is, on the clocks of a zone. Raises ValueError for times that are none."""
        if self.start.date:
            last = date.fromisoformat(self.end.date) - timedelta(days=1)
            return Span(start=self.start.date, end=last.isoformat(), zone=zone)
        begins, ends = (_time(each, zone) for each in (self.start, self.end))
        return Span(start=written(begins), end=written(ends), zone=zone)

    def when(self, zone: str) -> str:
        """The same in words; in their own where they do not say a time that we can read."""
        try:
            return self.span(zone).words(zone)
        except ValueError:
            return "at a time that Google does not tell"


def _time(told: When, zone: str) -> datetime:
    """Raises ValueError."""
    when = datetime.fromisoformat(told.date_time)
    if when.tzinfo is None:
        when = when.replace(tzinfo=ZoneInfo(told.time_zone or zone))
    return when.astimezone(ZoneInfo(zone))
