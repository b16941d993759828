"""The one way out: a text is paced, asked about opting out, written down, sent, and found again.

Twilio has no key for a message. A row says that a text is leaving before Twilio is called; when the
answer is missing, or the program died, the text is looked up by numbers, time and words before it
may leave again. The same id never leaves twice, whoever asks for it and how often.
https://www.twilio.com/docs/messaging/api/message-resource (read 2026-11-21)
https://help.twilio.com/articles/115002943027 (read 2026-11-21): one segment a second from a usual
number, three from a toll-free one, a hundred from a short code; Twilio queues what is more.
"""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Final

from bot.core.channel import Receipt
from bot.core.errors import BotError, VendorRefused, VendorUnknown
from bot.core.ports import Clock
from bot.core.times import from_us
from bot.limits import Rate
from bot.platforms.pacing import Among, Pace
from bot.platforms.texting import Book, OptedOut
from bot.render.segments import measure
from bot.store.texts import OptOut, Texted
from channels.sms.failures import FALLEN, words
from channels.sms.provider import Carried, Letter, Provider

SETTLED_S: Final = 4.0
"""So long after a call without an answer a text that is not listed was surely not taken."""
SKEW: Final = timedelta(seconds=90)
"""How far Twilio's clock and ours may be apart."""
TRIAL: Final = "Sent from your Twilio trial account - "
TOLL_FREE: Final = ("+1800", "+1833", "+1844", "+1855", "+1866", "+1877", "+1888")
USUAL: Final = Rate(count=10, seconds=10.0)
FREE: Final = Rate(count=30, seconds=10.0)
SHORT: Final = Rate(count=100, seconds=1.0)
ALL: Final = Rate(count=100, seconds=1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text to send, and what it is."""

    letter: Letter
    kind: str
    answers: str = ""


class Outgoing:
    """Sends."""

    def __init__(
        self,
        provider: Provider,
        book: Book,
        clock: Clock,
        callback: str,
        among: Among = lambda: 1,
    ) -> None:
        """`callback` is where Twilio tells what becomes of a text; the id is added to it."""
        self._provider, self._book, self._clock = provider, book, clock
        self._callback = callback
        self._paces = {rate: Pace(clock, rate, ALL, among) for rate in (USUAL, FREE, SHORT)}

    async def send(self, text: Text) -> Receipt:
        """Send it, once. Raises VendorRefused, VendorUnknown, ConnectionBroken, StoreError."""
        letter = text.letter
        if found := await self.find(letter):
            return found
        if why := await self._book.blocked(letter.number, letter.contact):
            raise OptedOut(refusal(why))
        await self._turn(letter)
        met = await self._book.begin(self._row(text))
        if isinstance(met, OptOut):
            raise OptedOut(refusal(met))
        if met:
            return Receipt(vendor_ref=met.sid)
        try:
            taken = await self._provider.send(letter, f"{self._callback}?m={letter.id}")
        except OptedOut as error:
            out = OptOut(
                contact=letter.contact,
                number=letter.number,
                state="out",
                how="21610",
                at=self._book.now(),
            )
            await self._book.refused(letter.id, error.message, out)
            raise OptedOut(refusal(out)) from error
        except VendorUnknown:
            raise
        except BotError as error:
            if isinstance(error, VendorRefused) and error.retry_after_s:
                self._pace(letter).rest(error.retry_after_s, letter.number)
            await self._book.refused(letter.id, error.message)
            raise
        await self._taken(letter, taken)
        return Receipt(vendor_ref=taken.sid)

    async def find(self, letter: Letter) -> Receipt | None:
        """Look up whether a text left; None when it surely did not. Raises VendorUnknown."""
        row = await self._book.one(letter.id)
        if row is None or row.state == "refused":
            return None
        if row.sid:
            return Receipt(vendor_ref=row.sid)
        letter = replace(letter, number=row.number, contact=row.contact)
        try:
            taken = await self._look(letter, row)
            if taken is None and (rest := self._unsettled(row)) > 0:
                await asyncio.sleep(rest)
                taken = await self._look(letter, row)
        except VendorRefused as error:  # it is the look-up that was refused, so nobody knows
            raise VendorUnknown(error.message) from error
        if taken is None:
            return None
        await self._taken(letter, taken)
        return Receipt(vendor_ref=taken.sid)

    async def _look(self, letter: Letter, row: Texted) -> Carried | None:
        """The text at Twilio that this one must be: same numbers and words, and no other's."""
        since = from_us(row.at) - SKEW
        for found in await self._provider.sent(letter.number, letter.contact, since):
            is_same = _words(found.body) == _words(letter.body) and bool(found.media) == bool(
                letter.media
            )
            if is_same and await self._book.holder(found.sid) in ("", letter.id):
                return found
        return None

    def _unsettled(self, row: Texted) -> float:
        age = (self._book.now() - max(row.changed_at, row.at)) / 1e6
        return SETTLED_S - age

    async def _taken(self, letter: Letter, taken: Carried) -> None:
        said = Texted(
            id=letter.id,
            number=letter.number,
            contact=letter.contact,
            sid=taken.sid,
            state=taken.state,
            error=words("") if taken.state in FALLEN else "",
            segments=taken.segments,
        )
        await self._book.moved(said)

    def _row(self, text: Text) -> Texted:
        letter, now = text.letter, self._book.now()
        return Texted(
            id=letter.id,
            number=letter.number,
            contact=letter.contact,
            kind=text.kind,
            answers=text.answers,
            segments=measure(letter.body).segments,
            media=len(letter.media),
            at=now,
            changed_at=now,
        )

    async def _turn(self, letter: Letter) -> None:
        """Wait for a place for each segment."""
        for _ in range(max(1, measure(letter.body).segments)):
            await self._pace(letter).turn(letter.number)

    def _pace(self, letter: Letter) -> Pace:
        if not letter.number.startswith("+"):
            return self._paces[SHORT]
        return self._paces[FREE if letter.number.startswith(TOLL_FREE) else USUAL]


def refusal(why: OptOut) -> str:
    """Why somebody is not texted, for whoever wanted it."""
    by = "Twilio says so" if why.how == "21610" else f"they wrote {why.how}"
    return (
        f"The phone {masked(why.contact)} has opted out of texts from {why.number} ({by}), so "
        "nothing was sent. "
        "Only they can change that, by writing START to that number."
    )


def masked(number: str) -> str:
    """A phone number by its end, for sentences and logs."""
    return f"…{number[-4:]}"


def part(letter: Letter, n: int) -> Letter:
    """A letter's further part, under an id of its own."""
    return replace(letter, id=f"{letter.id}.{n}") if n else letter


def _words(text: str) -> str:
    return " ".join(text.removeprefix(TRIAL).split())
