"""An event as the tools know it, whichever calendar it stands in.

Titles, places and descriptions are other people's words.
"""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bot.core.canonical import Json
from bot.frozen import field, frozen
from tools.calendar._moment import Span, written
from tools.calendar._repeat import Repeat

MARK = "switchboard"
"""The property that names the deed that made an event or changed it last."""


@frozen
class Guest:
    """Somebody who is invited."""

    email: str
    is_me: bool = False
    answer: str = ""
    """yes, no, maybe; empty while there is none."""
    theirs: Mapping[str, Json] = field(default_factory=dict)
    """As the vendor tells it, to be sent back."""


@frozen
class Event:
    """One event, or one of a series."""

    id: str
    etag: str = ""
    """Which state of it this is; empty where that is not told."""
    summary: str = ""
    location: str = ""
    description: str = ""
    url: str = ""
    join_url: str = ""
    """Where people meet online."""
    start: date | datetime | None = None
    """A time, or a day; None for what could not be read."""
    end: date | datetime | None = None
    """The day after the last one, for whole days."""
    guests: tuple[Guest, ...] = ()
    hides_guests: bool = False
    """There are more than are told."""
    holds_words: bool = False
    """Its description cannot be replaced without what the vendor keeps there."""
    organizer: str = ""
    is_ours: bool = False
    """The account has called for it."""
    may_change: bool = False
    is_over: bool = False
    """It was cancelled."""
    is_series: bool = False
    series: str = ""
    """The id of the series that it is one of."""
    slot: date | datetime | None = None
    """When its series has it, where it is one and that is told."""
    repeat: Repeat | None = None
    """How a series goes; None where our words cannot say it."""
    zone: str = ""
    """On the clocks of which zone it was made; empty where that is not told."""
    odd_zone: str = ""
    """The name of that zone where it is told, and is none that we know."""
    copied: Mapping[str, Json] = field(default_factory=dict)
    """What another one takes along of it, as the vendor tells it; without its times and guests."""
    meets_elsewhere: bool = False
    """People meet online by a service that is not the calendar's own."""
    has_files: bool = False
    """Files hang on it, which no other series can take along."""
    is_invited: bool = False
    answer: str = ""
    """The account's own: yes, no, maybe; empty while there is none."""
    comment: str | None = None
    """What was said with it; None where that cannot be looked up."""
    answered_at: str = ""
    mark: str = ""
    """The deed that changed it last."""

    @property
    def title(self) -> str:
        """What it is called; one line."""
        return " ".join(self.summary.split())[:300] or "(no title)"

    @property
    def others(self) -> tuple[str, ...]:
        """The addresses of the other guests."""
        return tuple(guest.email for guest in self.guests if not guest.is_me)

    def span(self, zone: str) -> Span:
        """When it is, on the clocks of a zone. Raises ValueError for times that are none."""
        if self.start is None or self.end is None:
            raise ValueError("no time is told")
        if isinstance(self.start, datetime) and isinstance(self.end, datetime):
            begins, ends = (each.astimezone(ZoneInfo(zone)) for each in (self.start, self.end))
            return Span(start=written(begins), end=written(ends), zone=zone)
        last = self.end - timedelta(days=1)
        return Span(start=f"{self.start:%Y-%m-%d}", end=f"{last:%Y-%m-%d}", zone=zone)

    def when(self, zone: str) -> str:
        """The same in words; in their own where they do not say a time that we can read."""
        try:
            return self.span(zone).words(zone)
        except ValueError:
            return "at a time that the calendar does not tell"
