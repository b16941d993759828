"""The channel for text messages: hears by webhooks, looks for what it missed, sends and asks.

A text is stored before Twilio is told that it was taken. Twilio brings one that was not taken a few
times more and then never again, so what came while the house was away is looked for at the start
and every few minutes. STOP and its kin are met first and kept for ever; no agent sees them.
https://www.twilio.com/docs/messaging/guides/webhook-request (read 2026-11-21)
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Final

from aiohttp import web

from bot.core.channel import Dialect, Features, Outbound, Receipt, Sink
from bot.core.effect import Effect, EffectKind, EffectState, Outcome, Policy
from bot.core.errors import Invalid, OperatorError, StoreError, VendorError, VendorRefused
from bot.core.event import Attachment
from bot.core.ids import AgentName, ApprovalId
from bot.core.times import from_us
from bot.platforms.checking import Checked
from bot.platforms.lent import Lent, Spot
from bot.platforms.texting import NAME, Book, OptedOut
from bot.render.card import Surface, render
from bot.render.cards.layout import Ref
from bot.render.markdown import pieces, to
from bot.render.segments import plain_letters, shorten
from bot.store.phone_numbers import Number
from bot.store.texts import Texted
from channels.sms import hooks
from channels.sms.clearing import clear
from channels.sms.failures import FALLEN, words
from channels.sms.intake import Intake, Parts
from channels.sms.outgoing import Outgoing, Text, part, refusal
from channels.sms.provider import Letter, Line
from channels.sms.settings import NUMBER, Settings, read
from channels.sms.twilio import Twilio

log = logging.getLogger(__name__)

MAX_CHARS: Final = 1600
"""What Twilio takes as one message; https://www.twilio.com/docs/messaging/api/message-resource."""
WHOLE: Final = 1200
"""Characters in each part of what must be said whole, so that no letter makes it too long."""
MOST_PARTS: Final = 8
CUT: Final = " [shortened: ask me for the rest]"
LOOK_S: Final = 300.0
"""How often texts are looked for that no webhook brought."""
BACK: Final = timedelta(hours=24)
"""How far back."""
SECOND: Final = timedelta(seconds=1)
"""What Twilio's times are rounded to."""
OFF: Final = "Text messages are switched off here ([channels.sms] enabled)."


class Sms:
    """The channel."""

    name = NAME
    features = Features(
        dialect=Dialect.PLAIN,
        max_chars=MAX_CHARS,
        buttons=True,  # cards are shown here: as a text that is answered by a word and a code
        threads=True,
        media=True,
        policy=Policy.READBACK,
    )

    def __init__(self, lent: Lent, settings: Settings, book: Book) -> None:
        self._lent, self._settings, self._book = lent, settings, book
        token = settings.auth_token.get_secret_value()
        login = (settings.account_sid, token)
        if settings.api_key:
            login = (settings.api_key, settings.api_secret.get_secret_value())
        endpoint = lent.endpoint or lent.endpoints.get(settings.provider, "")
        self._provider = Twilio(settings.account_sid, login, endpoint)
        self.vendor = settings.provider
        """Its webhooks lie below this name."""
        self._home = lent.public_url.rstrip("/")
        self._proof = hooks.Proof(token, settings.account_sid, self._home)
        callback = self._home + self.path("status")
        self._out = Outgoing(self._provider, book, lent.clock, callback, lent.among)
        self._intake = Intake(
            Parts(
                tenant=lent.tenant,
                settings=settings,
                book=book,
                out=self._out,
                clock=lent.clock,
            )
        )
        self._sink: Sink | None = None

    def path(self, kind: str) -> str:
        """Where a kind of webhook arrives."""
        return f"/webhooks/{self.vendor}/{kind}"

    def former(self, kind: str) -> str:
        """Where it arrived once: numbers and texts that were sent then may still name it."""
        return f"/webhooks/{NAME}/{self.vendor}/{kind}"

    def routes(self) -> Sequence[tuple[str, str, Callable[..., Awaitable[object]]]]:
        """Method, path and handler of each webhook."""
        return (
            ("POST", self.path("sms"), self.on_message),
            ("POST", self.path("status"), self.on_status),
            ("POST", self.former("messages"), self.on_message),
            ("POST", self.former("status"), self.on_status),
        )

    # --- listening --------------------------------------------------------------------------

    async def run(self, sink: Sink) -> None:
        """Take our numbers, then look now and then for what was missed, until cancelled.

        Pictures that are kept here by then are removed at Twilio.

        Raises ConnectionBroken with the mend.
        """
        self._sink = sink
        await self._provider.open()
        try:
            while True:
                try:
                    await self._take_numbers()
                    await self._catch_up(sink)
                    if self._settings.delete_pictures:
                        await clear(self._provider, self._book)
                except VendorError as error:
                    log.warning("Twilio could not be asked: %s", error.message)
                    await asyncio.sleep(min(LOOK_S, (error.retry_after_s or 0.0) + 5.0))
                    continue
                await asyncio.sleep(LOOK_S)
        finally:
            await self._provider.close()

    async def _take_numbers(self) -> None:
        """List the numbers, and point those at us that are ours to point."""
        ours, former = self._home + self.path("sms"), self._home + self.former("messages")
        found, began = [], self._book.now()  # a text may come before all are pointed
        for line in await self._provider.lines():
            there = line.goes_to.partition("#")[0]
            state = "ours" if there == ours else "elsewhere"
            if self._may_point(line, state, is_former=there == former):
                await self._provider.point(line, ours)
                log.info("A number was pointed at this house.", extra={"number": line.number})
                state = "ours"
            if line.is_overruled:
                log.warning("Another application at Twilio takes the texts of %s.", line.number)
                state = "elsewhere"
            found.append(replace(self._number(line, state), at=began))
        for missing in self._settings.chosen - {item.number for item in found}:
            log.warning("The account has no number %s.", missing)
        await self._book.keep_numbers(found)

    def _may_point(self, line: Line, state: str, *, is_former: bool) -> bool:
        if state == "ours" or not self._settings.enabled or line.is_overruled:
            return False
        chosen = self._settings.chosen
        return is_former or (line.number in chosen if chosen else not line.goes_to)

    def _number(self, line: Line, state: str) -> Number:
        account = self._settings.account_sid
        return Number(
            number=line.number, account=account, sid=line.sid, label=line.label, state=state
        )

    async def _catch_up(self, sink: Sink) -> None:
        """Take what came to our numbers and no webhook brought."""
        now = self._lent.clock.now()
        for number in await self._book.numbers():
            if number.state != "ours":
                continue
            since = max(now - BACK, from_us(number.at) - SECOND)
            for heard in await self._provider.received(number.number, since):
                if await self._book.one(heard.sid) is None:
                    log.info("A text is taken that no webhook brought.", extra={"sid": heard.sid})
                    await self._intake.take(heard, sink)

    async def try_out(self) -> Checked:
        """Which numbers the account has. Raises ConnectionBroken, VendorError."""
        there = {line.number: line for line in await self._provider.lines()}
        ours = [
            each for each in there if each in self._settings.chosen or not self._settings.chosen
        ]
        lacks = sorted(self._settings.chosen - set(there))
        notes = [f"The account has no number {each}." for each in lacks]
        if not there:
            notes = ["The account has no number yet: get one under Phone Numbers."]
        return Checked(
            team=f"account {self._settings.account_sid}", bot=", ".join(ours), notes=tuple(notes)
        )

    async def chosen(self, named: str) -> Spot:
        """Anybody's number that did not opt out. Raises Invalid, VendorRefused, OperatorError."""
        number = "".join(each for each in named if each not in " ().-")
        if not NUMBER.fullmatch(number):
            raise Invalid("A text goes to a number with + and the country, like +15550001234.")
        ours = await self._book.number_of(AgentName(""))
        if why := await self._book.blocked(ours, number):
            raise OptedOut(refusal(why))
        return Spot(id=number, name=number, account=ours)

    # --- webhooks ---------------------------------------------------------------------------

    async def on_message(self, request: web.Request) -> web.Response:
        """One text. 401 without Twilio's signature, 503 when it is not stored."""
        fields = await self._proof.fields(request)
        if isinstance(fields, web.Response):
            return fields
        heard = hooks.heard_of(fields, self._lent.clock.now())
        if heard is None:
            return web.Response(status=400)
        if self._sink is None:
            return web.Response(status=503)
        try:
            await self._intake.take(heard, self._sink)
        except OperatorError as error:
            log.warning("A text could not be stored; it comes again: %s", error.message)
            return web.Response(status=503)
        return hooks.empty()

    async def on_status(self, request: web.Request) -> web.Response:
        """What became of a text. Words come in any order and again; a text only moves forward."""
        fields = await self._proof.fields(request)
        if isinstance(fields, web.Response):
            return fields
        found = hooks.status_of(fields)
        if found is None:
            return web.Response(status=400)
        carried, error = found
        said = Texted(
            id=request.query.get("m", ""),
            number=carried.number,
            contact=carried.contact,
            sid=carried.sid,
            state=carried.state,
            error=words(error) if carried.state in FALLEN else error,
        )
        try:
            moved = await self._book.moved(said)
        except StoreError as wrong:
            log.warning("What became of a text could not be stored: %s", wrong.message)
            return web.Response(status=503)
        if moved and carried.state in FALLEN:
            more = {"text": said.id, "sid": carried.sid, "code": error}
            log.warning("A text did not arrive: %s.", said.error, extra=more)
        return hooks.empty()

    # --- sending ----------------------------------------------------------------------------

    async def send(self, message: Outbound) -> Receipt:
        """Send a text, or a card as a text. Raises VendorRefused, VendorUnknown."""
        if not self._settings.enabled:
            raise VendorRefused(OFF)
        if message.card is not None and message.approval:
            return await self._card(message)
        bodies = self._bodies(message)
        media = tuple(item.source for item in message.attachments if item.source)
        if not bodies and not media:
            raise VendorRefused("There is nothing to say.")
        first, *rest = bodies or [""]
        letter = _letter(message, first, media)
        kind = message.kind.value
        receipt = await self._out.send(Text(letter=letter, kind=kind, answers=message.reply_to))
        for n, body in enumerate(rest, 2):
            further = part(_letter(message, body), n)
            await self._out.send(Text(letter=further, kind=kind, answers=message.reply_to))
        return receipt

    async def find(self, effect: Effect) -> Outcome | None:
        """Whether a text left; None when it surely did not. Raises VendorUnknown."""
        text = str(effect.arguments.get("text", ""))
        is_reply = effect.kind is EffectKind.REPLY
        place, thread = effect.progress.get("place"), effect.progress.get("thread")
        letter = Letter(
            id=effect.id,
            number=str(thread or ""),
            contact=str(place or effect.arguments.get("to", "")),
            body=self._answer(text) if is_reply else text,
            media=_addresses(effect.arguments.get("media")),
        )
        found = await self._out.find(letter)
        if found is None:
            return None
        return Outcome(state=EffectState.SENT, vendor_ref=found.vendor_ref)

    async def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """The bytes of a picture that came in."""
        async for piece in self._provider.fetch(attachment.source):
            yield piece

    async def _card(self, message: Outbound) -> Receipt:
        """A card, once for each version. What was decided is told by the answer to the code."""
        card = message.card
        if card is None or (message.replace and card.decided):
            return Receipt(vendor_ref=message.replace)
        ref = Ref(approval=ApprovalId(message.approval), version=message.version, url=message.url)
        body = str(render(card, Surface.SMS, ref))
        letter = part(_letter(message, body), message.version)
        return await self._out.send(Text(letter=letter, kind="card"))

    def _bodies(self, message: Outbound) -> list[str]:
        """An answer is one text, shortened; a tool's is as it was approved; the rest is whole."""
        if message.kind is EffectKind.TOOL:
            return [message.text] if message.text else []
        if message.kind is EffectKind.REPLY:
            answer = self._answer(message.text)
            return [answer] if answer else []
        found = pieces(message.text, Dialect.PLAIN, WHOLE)
        return [plain_letters(piece) for piece in found[:MOST_PARTS]]

    def _answer(self, text: str) -> str:
        plain = plain_letters(to(text, Dialect.PLAIN)).strip()
        return shorten(plain, self._settings.max_segments, CUT)


def _letter(message: Outbound, body: str, media: tuple[str, ...] = ()) -> Letter:
    return Letter(
        id=message.effect,
        number=message.thread or message.account,
        contact=message.place,
        body=body,
        media=media,
    )


def _addresses(value: object) -> tuple[str, ...]:
    return tuple(str(one) for one in value) if isinstance(value, list | tuple) else ()


def make(lent: Lent) -> Sms:
    """The channel. Raises OperatorError, naming the setting, when it cannot be made."""
    settings = read(lent)
    if lent.texts is None:
        raise OperatorError("Text messages need the house's book of numbers, which is not here.")
    return Sms(lent, settings, lent.texts)
