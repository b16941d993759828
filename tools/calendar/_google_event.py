"""An event as Google tells it, as far as the tools need it.

https://developers.google.com/workspace/calendar/api/v3/reference/events (read 2026-11-21)
"""

from collections.abc import Mapping
from datetime import date as day
from datetime import datetime
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from tools.calendar import _event
from tools.calendar._event import MARK
from tools.calendar._google_rule import told
from tools.calendar._wire import Theirs

_COPIED = {"summary", "description", "location", "visibility", "transparency", "color_id"}
_COPIED |= {"reminders", "guests_can_modify", "guests_can_invite_others"}
_COPIED |= {"guests_can_see_other_guests", "anyone_can_add_self"}
ANSWERS = {"accepted": "yes", "declined": "no", "tentative": "maybe"}


class When(Theirs):
    """A time, or a day."""

    date: str = ""
    date_time: str = ""
    time_zone: str = ""

    def read(self) -> day | datetime | None:
        """What it says; None for what is no time."""
        try:
            if self.date:
                return day.fromisoformat(self.date)
            when = datetime.fromisoformat(self.date_time)
            return when if when.tzinfo else when.replace(tzinfo=ZoneInfo(self.time_zone or "UTC"))
        except (ValueError, OSError, LookupError):
            return None


class Guest(BaseModel):
    """Somebody who is invited; all that is told of them is kept, to be sent back."""

    model_config = ConfigDict(extra="allow", alias_generator=to_camel, frozen=True)

    email: str = ""
    response_status: str = ""
    is_self: bool = Field(default=False, alias="self")

    def neutral(self) -> _event.Guest:
        """The same as the tools know it."""
        theirs = self.model_dump(mode="json", by_alias=True, exclude_unset=True)
        answer = ANSWERS.get(self.response_status, "")
        return _event.Guest(email=self.email, is_me=self.is_self, answer=answer, theirs=theirs)


class Organizer(Theirs):
    """Whose event it is."""

    email: str = ""
    is_self: bool = Field(default=False, alias="self")


class Properties(Theirs):
    """What programs keep with an event."""

    private: Mapping[str, str] = Field(default_factory=dict)


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
    guests_can_invite_others: bool = True
    guests_can_see_other_guests: bool = True
    anyone_can_add_self: bool = False
    visibility: str = ""
    transparency: str = ""
    color_id: str = ""
    reminders: Mapping[str, object] = Field(default_factory=dict)
    conference_data: Mapping[str, object] = Field(default_factory=dict)
    attachments: tuple[Mapping[str, object], ...] = ()
    recurrence: tuple[str, ...] = ()
    recurring_event_id: str = ""
    original_start_time: When = When()
    extended_properties: Properties = Properties()

    def neutral(self) -> _event.Event:
        """The same as the tools know it."""
        me = next((guest for guest in self.attendees if guest.is_self), None)
        said = (me.model_extra or {}).get("comment", "") if me else ""
        taken = self.model_dump(mode="json", by_alias=True, exclude_unset=True, include=_COPIED)
        return _event.Event(
            id=self.id,
            etag=self.etag,
            summary=self.summary,
            location=self.location,
            description=self.description,
            url=self.html_link,
            join_url=self.hangout_link,
            start=self.start.read(),
            end=self.end.read(),
            guests=tuple(guest.neutral() for guest in self.attendees),
            hides_guests=self.attendees_omitted,
            organizer=self.organizer.email,
            is_ours=self.organizer.is_self,
            may_change=self.organizer.is_self or self.guests_can_modify,
            is_over=self.status == "cancelled",
            is_series=bool(self.recurrence),
            series=self.recurring_event_id,
            slot=self.original_start_time.read(),
            repeat=told(self.recurrence, self.start.time_zone or "UTC", self.start.read()),
            zone=self.start.time_zone,
            copied=taken,
            meets_elsewhere=bool(self.conference_data) and not self.hangout_link,
            has_files=bool(self.attachments),
            is_invited=me is not None,
            answer=ANSWERS.get(me.response_status, "") if me else "",
            comment=said if isinstance(said, str) else "",
            mark=self.extended_properties.private.get(MARK, ""),
        )
