"""E-mail's channel, put together: inboxes bring mail in, carriers take it out.

Each inbox and each carrier is a file of its own and is there when its setting is.
https://www.rfc-editor.org/rfc/rfc5322 (read 2026-11-21)
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from typing import Final, Protocol

from bot.core.channel import Dialect, Features, Outbound, Receipt, Sink
from bot.core.effect import Effect, EffectKind, EffectState, Outcome, Policy
from bot.core.errors import Invalid, StoreError, VendorError, VendorRefused, VendorUnknown
from bot.core.event import Attachment
from bot.platforms.checking import Checked
from bot.platforms.files_out import Room, enclose, whole
from bot.platforms.lent import Lent, Spot
from channels.email.addresses import address_of
from channels.email.carriers import Carriers
from channels.email.composing import Desk
from channels.email.deciding import Deciding
from channels.email.graph import GraphMail
from channels.email.graph_in import GraphIn
from channels.email.imap import Imap
from channels.email.intake import NAME, QUOTED, Arrival, Intake
from channels.email.letter import Carrier, Enclosed, Letter
from channels.email.mime import Unreadable, parse, part_of
from channels.email.quoting import split
from channels.email.resend import Resend
from channels.email.resend_in import ResendIn
from channels.email.sendgrid import SendGrid
from channels.email.sendgrid_events import SendGridEvents
from channels.email.sendgrid_in import SendGridIn
from channels.email.settings import Settings, read
from channels.email.smtp import Smtp

MAX_CHARS: Final = 200_000
WINDOW_S: Final = 23 * 3600
"""How long a key counts. https://resend.com/docs/dashboard/emails/idempotency-keys"""
MAX_ENCLOSED: Final = 18 * 2**20
"""Bytes of files in one mail: a third more when written, and many servers stop at 25 MB."""
ROOM: Final = Room(files=50, max_bytes=MAX_ENCLOSED, all_bytes=MAX_ENCLOSED)
CHUNK: Final = 65_536
LOOK_S: Final = 7 * 86_400.0
AGAIN_S: Final = 2.0
"""How long after a carrier said nothing its answer is sent once more."""

Route = tuple[str, str, Callable[..., Awaitable[object]]]
Take = Callable[[Arrival], Awaitable[None]]


class Inbox(Protocol):
    """A way in."""

    name: str

    def routes(self) -> Sequence[Route]:
        """Its webhooks."""
        ...

    async def run(self, take: Take) -> None:
        """Listen until cancelled; returns at once where webhooks do the listening."""
        ...

    async def fetch(self, source: str) -> bytes:
        """What its sources stand for: a whole mail. Raises VendorError."""
        ...


class Email:
    """The channel."""

    name = NAME

    def __init__(self, lent: Lent, settings: Settings) -> None:
        self._lent, self._settings = lent, settings
        self._intake = Intake(lent, settings)
        self._deciding = Deciding(lent, settings, lambda: self._sink)
        self._desk = Desk(lent, settings, self._intake, self._deciding)
        self._carriers = Carriers(_carriers(lent, settings))
        self._inboxes = _inboxes(lent, settings, self._take)
        self._sink: Sink | None = None
        policy = self._carriers.policy
        self.features = Features(
            dialect=Dialect.MAIL,
            max_chars=MAX_CHARS,
            buttons=True,
            threads=True,
            media=True,
            policy=policy,
            window_s=WINDOW_S if policy is Policy.KEYED else 0,
        )

    def routes(self) -> Sequence[Route]:
        """The webhooks of all inboxes, and the page where a card is decided."""
        found = [route for inbox in self._inboxes.values() for route in inbox.routes()]
        return [*found, *self._deciding.routes()]

    async def run(self, sink: Sink) -> None:
        """Listen on every inbox until cancelled. Raises ConnectionBroken with the mend."""
        self._sink = sink
        try:
            async with asyncio.TaskGroup() as group:
                for inbox in self._inboxes.values():
                    group.create_task(inbox.run(self._take))
                group.create_task(asyncio.Event().wait())
        except ExceptionGroup as several:
            raise several.exceptions[0] from several
        finally:
            self._sink = None

    async def try_out(self) -> Checked:
        """Whether every carrier and the mailbox take us. Raises ConnectionBroken, VendorError."""
        notes = await self._carriers.try_out()
        if isinstance(box := self._inboxes.get("imap"), Imap):
            await box.try_out()
        return Checked(bot=self._settings.home, notes=tuple(notes))

    async def send(self, message: Outbound) -> Receipt:
        """Send an answer or a card. Raises VendorRefused, VendorUnknown, ConnectionBroken.

        An answer of which nobody knows may go once more: it has the same Message-ID.
        """
        if message.replace and message.card and message.card.decided:
            return Receipt(vendor_ref=message.replace)  # a mail that was sent stays as it is
        enclosed = await enclose(message, self._lent.shelf, ROOM)
        letter = await self._letter(replace(message, text=enclosed.text))
        files = [await self._file(item) for item in enclosed.files]
        letter = replace(letter, files=tuple(files))
        attempt = message.extra.get("attempt")
        is_again = message.card is not None or (isinstance(attempt, int) and attempt > 1)
        try:
            return await self._carriers.send(letter, is_again=is_again)
        except VendorUnknown as error:
            if message.kind is not EffectKind.REPLY or self.features.policy is not Policy.NONE:
                raise
            raise VendorUnknown(error.message, retry_after_s=AGAIN_S) from error

    async def _letter(self, message: Outbound) -> Letter:
        """The letter; to whoever wrote where nothing is sent to their Reply-To any more."""
        whom, why = "", ""
        for is_elsewhere in (True, False):
            letter = self._desk.letter(message, is_elsewhere=is_elsewhere)
            whom = letter.to.address
            if not (why := await self._lent.mailbook.why_closed(whom)):
                return letter
        raise VendorRefused(f"Nothing is sent to {whom}: {why}.")

    def spot(self, named: str) -> Spot:
        """Any address is a place. Raises Invalid for what is none."""
        address = address_of(named)
        if not address:
            raise Invalid("This is no e-mail address. Give one such as ben@example.org.")
        return Spot(id=address, name=address, about="one person's mailbox")

    async def _file(self, item: Attachment) -> Enclosed:
        data = await whole(self._lent.shelf, item)
        return Enclosed(name=item.name, media_type=item.media_type, data=data)

    async def find(self, effect: Effect) -> Outcome | None:
        """Whether an answer was sent. None: surely not."""
        try:
            found = await self._carriers.find(effect.id, LOOK_S)
        except VendorError as error:
            return Outcome(state=EffectState.IN_DOUBT, error=error.message)
        if found is None:
            return None
        return Outcome(state=EffectState.SENT, vendor_ref=found.vendor_ref)

    async def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """The bytes of something attached. Raises VendorRefused, VendorUnknown."""
        name, _, rest = attachment.source.partition(":")
        source, _, part = rest.rpartition(":")
        inbox = self._inboxes.get(name)
        if inbox is None or not source:
            raise VendorRefused("This file cannot be had any more.")
        raw = await inbox.fetch(source)
        try:
            data = await asyncio.to_thread(_part, raw, part)
        except Unreadable as error:
            raise VendorRefused("This file cannot be read.") from error
        for at in range(0, len(data), CHUNK):
            yield data[at : at + CHUNK]

    async def _take(self, arrival: Arrival) -> None:
        if self._sink is None:
            raise StoreError("The e-mail channel is not listening yet.")
        await self._intake.take(arrival, self._sink)


def _part(raw: bytes, part: str) -> bytes:
    if part == QUOTED:
        mail = parse(raw)
        return split(mail.text, mail.subject).quoted.encode()
    return part_of(raw, int(part))


def _carriers(lent: Lent, settings: Settings) -> list[Carrier]:
    made: dict[str, Callable[[], Carrier]] = {
        "graph": lambda: GraphMail(lent, settings),
        "resend": lambda: Resend(settings, lent.endpoints.get("resend", "")),
        "sendgrid": lambda: SendGrid(lent, settings),
        "smtp": lambda: Smtp(settings, lent.clock),
    }
    return [made[name]() for name in settings.order]


def _inboxes(lent: Lent, settings: Settings, take: Take) -> dict[str, Inbox]:
    found: list[Inbox] = []
    if settings.imap_host:
        found.append(Imap(lent, settings))
    if settings.ms_read:
        found.append(GraphIn(lent, settings, take))
    if settings.resend_webhook_secret.get_secret_value():
        found.append(ResendIn(lent, settings, take))
    if settings.sendgrid_inbound_secret.get_secret_value():
        found.append(SendGridIn(lent, settings, take))
    if settings.sendgrid_events_key:
        found.append(SendGridEvents(lent, settings))
    return {inbox.name: inbox for inbox in found}


def make(lent: Lent) -> Email:
    """The channel. Raises OperatorError, naming the setting that is missing."""
    return Email(lent, read(lent))
