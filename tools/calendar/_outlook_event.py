"""An event as Microsoft Graph tells it, as far as the tools need it.

https://learn.microsoft.com/graph/api/resources/event (read 2026-11-21)

Times are asked for in UTC. A whole day goes from midnight to midnight; where it comes in another
zone's midnight, the day that most of it lies in is meant.
"""

import html
import re
from datetime import UTC, date, datetime, timedelta

from pydantic import AwareDatetime, ConfigDict, Field
from pydantic.alias_generators import to_camel

from bot.core.canonical import Json
from tools.calendar import _event
from tools.calendar._outlook_rule import Rule
from tools.calendar._windows_zones import known_zone
from tools.calendar._wire import Theirs

ANSWERS = {"accepted": "yes", "declined": "no", "tentativelyAccepted": "maybe"}
PROPERTY = f"String {{3f1c8a52-6f0b-4f6e-9c1d-7b5e2a90d4c1}} Name {_event.MARK}"
MADE = f"{PROPERTY} made"
"""Our marks among an event's extended properties: the deed that changed it last, and the one that
made it. A type, a set of names that is ours, and a name."""
_COPIED = {"subject", "importance", "sensitivity", "show_as", "categories", "hide_attendees"}
_COPIED |= {"is_reminder_on", "reminder_minutes_before_start"}
_COPIED |= {"response_requested", "allow_new_time_proposals"}
_BLOB = re.compile(r"<[a-zA-Z][^<>]*>\s*_{8,}")
"""Where Teams' own lines begin in a description: a long rule of underscores."""


class When(Theirs):
    """A time in a zone."""

    date_time: str = ""
    time_zone: str = ""

    def read(self, *, whole_day: bool) -> date | datetime | None:
        """What it says; None for what is no time in UTC."""
        if self.time_zone != "UTC":
            return None
        try:
            when = datetime.fromisoformat(self.date_time[:19]).replace(tzinfo=UTC)
        except ValueError:
            return None
        return (when + timedelta(hours=12)).date() if whole_day else when


class Address(Theirs):
    """Who."""

    address: str = ""
    name: str = ""


class Answer(Theirs):
    """What the account has answered."""

    response: str | None = ""
    time: str | None = ""


class Person(Theirs):
    """Somebody of an event."""

    email_address: Address = Address()
    type: str = ""
    status: Answer | None = None

    def neutral(self, me: str) -> _event.Guest:
        """The same as the tools know it."""
        told: dict[str, Json] = {"address": self.email_address.address}
        if self.email_address.name:
            told["name"] = self.email_address.name
        theirs: dict[str, Json] = {"emailAddress": told}
        if self.type:
            theirs["type"] = self.type
        email, said = self.email_address.address, self.status or Answer()
        return _event.Guest(
            email=email,
            is_me=email.lower() == me.lower(),
            answer=ANSWERS.get(said.response or "", ""),
            theirs=theirs,
        )


class Words(Theirs):
    """A description."""

    content_type: str = ""
    content: str = ""


class Place(Theirs):
    """Where."""

    display_name: str | None = ""


class Online(Theirs):
    """Where people meet online."""

    join_url: str | None = ""


class Property(Theirs):
    """What a program keeps with an event."""

    id: str
    value: str = ""


class Event(Theirs):
    """One event, or one of a series."""

    model_config = ConfigDict(
        extra="ignore", alias_generator=to_camel, frozen=True, populate_by_name=True
    )

    id: str
    etag: str = Field(default="", alias="@odata.etag")
    subject: str | None = ""
    body: Words | None = None
    body_preview: str | None = ""
    location: Place | None = None
    start: When = When()
    end: When = When()
    is_all_day: bool = False
    is_cancelled: bool = False
    is_organizer: bool = False
    organizer: Person | None = None
    attendees: tuple[Person, ...] = ()
    response_status: Answer | None = None
    online_meeting: Online | None = None
    web_link: str | None = ""
    type: str = ""
    series_master_id: str | None = ""
    original_start: AwareDatetime | None = None
    original_start_time_zone: str | None = ""
    recurrence: Rule | None = None
    importance: str | None = None
    sensitivity: str | None = None
    show_as: str | None = None
    categories: tuple[str, ...] | None = None
    hide_attendees: bool | None = None
    is_reminder_on: bool | None = None
    reminder_minutes_before_start: int | None = None
    response_requested: bool | None = None
    allow_new_time_proposals: bool | None = None
    has_attachments: bool | None = None
    single_value_extended_properties: tuple[Property, ...] = ()

    @property
    def join_url(self) -> str:
        """The link to meet online."""
        return (self.online_meeting.join_url if self.online_meeting else "") or ""

    def neutral(self, me: str) -> _event.Event:
        """The same as the tools know it; `me`: the account's address."""
        said = self.response_status or Answer()
        who = self.organizer.email_address.address if self.organizer else ""
        zone = known_zone(self.original_start_time_zone or "")
        return _event.Event(
            id=self.id,
            etag=self.etag,
            summary=self.subject or "",
            location=(self.location.display_name if self.location else "") or "",
            description=self.body_preview or "",
            url=self.web_link or "",
            join_url=self.join_url,
            start=self.start.read(whole_day=self.is_all_day),
            end=self.end.read(whole_day=self.is_all_day),
            guests=tuple(each.neutral(me) for each in self.attendees),
            holds_words=bool(self.join_url) and self.kept_words() is None,
            organizer=who,
            is_ours=self.is_organizer,
            may_change=self.is_organizer,
            is_over=self.is_cancelled,
            is_series=self.type == "seriesMaster",
            series=self.series_master_id or "",
            slot=self._slot(),
            repeat=self.recurrence.told() if self.recurrence else None,
            zone=zone,
            odd_zone="" if zone or self.is_all_day else (self.original_start_time_zone or "")[:80],
            copied=self._copied(),
            has_files=bool(self.has_attachments),
            is_invited=not self.is_organizer and said.response not in (None, "", "none"),
            answer=ANSWERS.get(said.response or "", ""),
            answered_at=said.time or "",
            mark=self._property(PROPERTY),
        )

    def _copied(self) -> dict[str, Json]:
        """What another one takes along: its words without those of Teams, its place, its ways."""
        told = self.model_dump(mode="json", by_alias=True, exclude_none=True, include=_COPIED)
        if self.body and self.body.content:
            own = self.body.content.removesuffix(self.kept_words() or "")
            told["body"] = {"contentType": self.body.content_type or "html", "content": own}
        if self.location and self.location.display_name:
            told["location"] = {"displayName": self.location.display_name}
        return told

    def _slot(self) -> date | datetime | None:
        """When its series has it."""
        when = self.original_start
        return (when + timedelta(hours=12)).date() if when and self.is_all_day else when

    def _property(self, name: str) -> str:
        """What we keep under a name; Graph may write the letters of its id in its own way."""
        found = self.single_value_extended_properties
        return next((each.value for each in found if each.id.lower() == name.lower()), "")

    def kept_words(self) -> str | None:
        """The part of the description that Teams wrote; None where it cannot be told apart."""
        content = self.body.content if self.body else ""
        found = _BLOB.search(content)
        return content[found.start() :] if found else None


def as_markup(words: str) -> str:
    """Plain words as the beginning of a description in HTML."""
    return f"<div>{html.escape(words, quote=False).replace(chr(10), '<br>')}</div>"
