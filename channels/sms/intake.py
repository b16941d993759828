"""What becomes of a text that came in: an event for the house, or a word that is kept for ever.

STOP and its kin are met before anything else, also while the channel is off. What somebody writes
who has opted out is stored and not answered. What comes to a number that is not ours, from one that
is, or from no number at all, is logged and not answered.
https://www.twilio.com/docs/messaging/guides/webhook-request (read 2026-11-21)
"""

import logging
import mimetypes
from dataclasses import dataclass
from typing import Final

from bot.core.channel import Sink
from bot.core.errors import UserError, VendorError
from bot.core.event import Attachment, Event, Kind, Place, Sender
from bot.core.ids import ConvKey, EventId, TenantId
from bot.core.ports import Clock
from bot.core.times import to_us
from bot.limits import Buckets, Rate
from bot.platforms.texting import NAME, Book
from bot.render.segments import plain_letters
from bot.store.texts import OptOut, Texted
from channels.sms.outgoing import Outgoing, Text
from channels.sms.provider import Heard, Letter
from channels.sms.settings import NUMBER, Settings
from channels.sms.words import Meaning, meaning

log = logging.getLogger(__name__)

TOLD: Final = Rate(count=1, seconds=60.0)
"""How often one sender is told that something is too much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What an intake works with."""

    tenant: TenantId
    settings: Settings
    book: Book
    out: Outgoing
    clock: Clock


class Intake:
    """Takes texts."""

    def __init__(self, parts: Parts) -> None:
        self._tenant, self._settings = parts.tenant, parts.settings
        self._book, self._out = parts.book, parts.out
        self._told = Buckets(parts.clock)

    async def take(self, heard: Heard, sink: Sink) -> None:
        """Store a text. Raises what the house raises when it cannot."""
        numbers = {item.number for item in await self._book.numbers()}
        if heard.number not in numbers:
            log.warning("A text came to %s, which is no number here.", heard.number[:20])
            return
        if not NUMBER.fullmatch(heard.contact):
            log.warning("A text came from no number; it is not answered.")
            return
        if heard.contact in numbers:
            log.warning("A text came from %s, a number of our own; it is not read.", heard.contact)
            return
        out = await self._book.blocked(heard.number, heard.contact)
        said = meaning(heard.text, heard.told, is_out=out is not None)
        if said is not Meaning.NOTHING:
            await self._keyword(heard, said)
            return
        if not self._settings.enabled:
            log.info("A text is not answered: the channel is off.", extra={"sid": heard.sid})
            return
        try:
            # Who writes to another number of ours than the one that they stopped is heard there.
            is_out = out is not None and out.number == heard.number
            await sink(self._event(heard, is_out=is_out))
        except UserError as error:
            await self._excuse(heard, error.message)
        await self._book.heard(self._row(heard, "received"))

    async def _keyword(self, heard: Heard, said: Meaning) -> None:
        """Keep what they say of hearing from us; HELP is Twilio's to answer, unless set so."""
        word = heard.text.strip()[:20] or heard.told
        if said is Meaning.HELP:
            is_new = await self._book.heard(self._row(heard, "help"))
            if is_new and self._settings.answer_help and not heard.told:
                await self._say(heard, f"hlp_{heard.sid}", self._settings.help_text)
            return
        note = OptOut(
            contact=heard.contact,
            number=heard.number,
            state=said.value,
            how=word.upper(),
            ref=heard.sid,
            at=to_us(heard.at),
        )
        await self._book.heard(self._row(heard, f"opted_{said.value}"), note)

    async def _excuse(self, heard: Heard, sentence: str) -> None:
        """Tell somebody, now and then, that something is too much."""
        if not self._told.take((heard.number, heard.contact), TOLD):
            await self._say(heard, f"exc_{heard.sid}", sentence)

    async def _say(self, heard: Heard, id_: str, sentence: str) -> None:
        letter = Letter(
            id=id_, number=heard.number, contact=heard.contact, body=plain_letters(sentence)
        )
        try:
            await self._out.send(Text(letter=letter, kind="notice", answers=heard.sid))
        except VendorError as error:
            log.warning("Twilio did not take an answer: %s", error.message)

    def _event(self, heard: Heard, *, is_out: bool) -> Event:
        payload: dict[str, str | bool] = {}
        if not self._settings.approve_money:
            payload["forgeable"] = True
        if is_out:
            payload["ignore"] = "opted out"
        return Event(
            id=EventId(""),
            tenant=self._tenant,
            channel=NAME,
            account=self._settings.account_sid,
            ext_id=heard.sid,
            kind=Kind.MESSAGE,
            conv=ConvKey(""),
            sender=Sender(ext_id=heard.contact),
            place=Place(id=heard.contact, thread=heard.number),
            text=heard.text,
            at=heard.at,
            attachments=tuple(_attachment(heard, n) for n in range(len(heard.media))),
            to=heard.number,
            payload=payload,
        )

    def _row(self, heard: Heard, state: str) -> Texted:
        return Texted(
            id=heard.sid,
            sid=heard.sid,
            way="in",
            number=heard.number,
            contact=heard.contact,
            kind="message",
            state=state,
            rank=9,
            segments=heard.segments,
            media=len(heard.media),
            at=to_us(heard.at),
            changed_at=self._book.now(),
        )


def _attachment(heard: Heard, n: int) -> Attachment:
    url, kind = heard.media[n]
    ending = mimetypes.guess_extension(kind.partition(";")[0].strip()) or ""
    return Attachment(name=f"picture-{n + 1}{ending}", media_type=kind, size=0, source=url)
