"""What a carrier of texts does for the channel; `twilio.py` is the one there is."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A text that leaves."""

    id: str
    """Ours: comes back with every word on what became of it."""
    number: str
    """Ours."""
    contact: str
    """Theirs."""
    body: str
    media: tuple[str, ...] = ()
    """Addresses from which the carrier fetches pictures."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """A message as the carrier knows it."""

    sid: str
    state: str
    """One of the states of `bot/store/texts.py`."""
    body: str = ""
    number: str = ""
    contact: str = ""
    at: datetime | None = None
    """When it was made; None where the carrier does not say."""
    segments: int = 0
    media: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A message that came in."""

    sid: str
    number: str
    """Ours."""
    contact: str
    """Theirs."""
    text: str
    at: datetime
    media: tuple[tuple[str, str], ...] = ()
    """Address and media type of each."""
    told: str = ""
    """STOP, START or HELP, where the carrier has met that itself."""
    segments: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A number of the account."""

    number: str
    sid: str
    label: str
    goes_to: str
    """Where its texts go now; empty when nowhere."""
    is_overruled: bool = False
    """Something else at the carrier decides where its texts go."""


class Provider(Protocol):
    """A carrier. Calls raise VendorRefused, VendorUnknown and ConnectionBroken."""

    async def send(self, letter: Letter, callback: str) -> Carried:
        """Send one; what becomes of it is told at `callback`. Raises OptedOut as well."""
        ...

    async def sent(self, number: str, contact: str, since: datetime) -> Sequence[Carried]:
        """What left from a number of ours to one of theirs, the oldest first."""
        ...

    async def received(self, number: str, since: datetime) -> Sequence[Heard]:
        """What came to a number of ours, the oldest first."""
        ...

    async def forget_media(self, sid: str) -> None:
        """Remove the pictures of a text; it is no error when they are gone already."""
        ...

    async def lines(self) -> Sequence[Line]:
        """The numbers of the account."""
        ...

    async def point(self, line: Line, address: str) -> None:
        """Have a number's texts brought to an address of ours."""
        ...

    def fetch(self, source: str) -> AsyncIterator[bytes]:
        """The bytes of a picture that came in."""
        ...
