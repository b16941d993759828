"""What a calendar can do, whoever keeps it: the contract behind the verbs, and its errors.

A vendor is one class (`_google.py`, `_outlook.py`), found by the connection (`_accounts.py`). The
verbs decide what may be done and when; a book says it in its vendor's words.

    happened for sure      a method returns
    surely did not         NotFound, Gone, Changed, VendorRefused, OperatorError, Forbidden
    nobody knows           VendorUnknown: 5xx, no answer, one that cannot be read, a redirect
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

from bot.core.canonical import Json
from bot.core.errors import Conflict, NotFound
from bot.frozen import frozen
from tools.calendar._event import Event
from tools.calendar._moment import Span
from tools.calendar._repeat import Repeat

OWN = "primary"
"""The main calendar of the account, and its owner among people."""
Busy = tuple[datetime, datetime]
ServiceName = Literal["google", "outlook"]


@frozen
class Service:
    """What people call it, and what it takes to work with it."""

    name: ServiceName
    provider: str
    """The connection's."""
    title: str
    vendor: str
    meets: str
    """What people meet in online."""
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    """Scopes."""
    title_chars: int
    """The longest title."""
    parting: str
    """What guests get when a series is parted in two."""


@frozen
class Entry:
    """A calendar among those of an account."""

    name: str
    may_write: bool


@frozen
class Wish:
    """What an event is to be; what is None stays, or is left empty."""

    title: str | None = None
    span: Span | None = None
    location: str | None = None
    description: str | None = None
    add: tuple[str, ...] = ()
    """Guests' addresses."""
    remove: tuple[str, ...] = ()
    meet: bool = False
    repeat: Repeat | None = None
    """How it is to repeat; comes with its `span`, the first of the series."""
    like: Event | None = None
    """The event whose words, guests and settings a new one takes along."""
    quietly: bool = False
    """Only guests who would not see it otherwise are told, where the vendor lets us say so."""

    def guests(self, event: Event, new: Callable[[str], Json]) -> list[Json]:
        """Who is invited: those of the event who stay, as the vendor tells them, and new ones."""
        off = {each.lower() for each in self.remove}
        kept = [each for each in event.guests if each.email.lower() not in off]
        there = {each.email.lower() for each in kept}
        added = [each for each in dict.fromkeys(self.add) if each.lower() not in there]
        return [*(dict(each.theirs) for each in kept), *(new(each) for each in added)]


class Book(Protocol):
    """The calendars of one connected account: a method for each thing that verbs do."""

    service: Service
    account: str
    """The vendor's id of the account."""
    name: str

    async def calendar(self, id_: str) -> Entry:
        """A calendar, by its id. Raises NotFound."""
        ...

    async def event(self, calendar: str, id_: str) -> Event:
        """An event, also one that was cancelled where that is kept. Raises NotFound."""
        ...

    async def events(
        self, calendar: str, begins: datetime, ends: datetime, query: str, most: int
    ) -> tuple[list[Event], bool]:
        """What stands there then, the earliest first, and whether there is more. A series comes
        as its events."""
        ...

    async def of_series(
        self, calendar: str, id_: str, begins: datetime, ends: datetime
    ) -> list[Event]:
        """The events of a series that are on then, also those that were moved alone.

        Raises NotFound, VendorUnknown where there is no end to them.
        """
        ...

    async def busy(
        self, people: Sequence[str], begins: datetime, ends: datetime
    ) -> Mapping[str, Sequence[Busy] | None]:
        """When each is taken; None for one whose time is not shown. Raises VendorUnknown."""
        ...

    async def made(self, calendar: str, key: str) -> Event | None:
        """The event that the deed of this key made; None: there is none."""
        ...

    async def make(self, calendar: str, key: str, wish: Wish) -> Event:
        """The event of the deed of this key: found, or made. Safe to repeat."""
        ...

    async def change(self, calendar: str, event: Event, key: str, wish: Wish) -> None:
        """Change it while it is still this one, and mark it with the key. Raises Changed."""
        ...

    async def cancel(self, calendar: str, event: Event) -> None:
        """Call it off while it is still this one; guests are told. Raises Changed, Gone."""
        ...

    async def answer(self, calendar: str, event: Event, answer: str, comment: str) -> None:
        """Say yes, no or maybe to an invitation; its organizer is told. Raises Changed."""
        ...


class Gone(NotFound):
    """This event is not in the calendar any more."""


class Changed(Conflict):
    """Somebody has changed this event since you were asked. Look it up and ask for it again."""
