"""What becomes of one update: an event for the house, and what the house says to whoever did it.

`take` returns once the event is stored, so that only then Telegram is told; what is shown to the
person afterwards is an errand. A press is decided by the house; *Show all*, Edit and Ask are asked
at the desk for the person who pressed.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace

from pydantic import ValidationError

from bot.core.canonical import Json
from bot.core.channel import Dialect, Sink
from bot.core.errors import UserError, VendorRefused
from bot.core.event import Event, Kind
from bot.limits import Buckets, Rate
from bot.platforms.lent import Lent
from bot.render.codes import SHOW_ALL, Press, parse_press
from bot.render.dialects.telegram import escape
from bot.render.markdown import pieces
from channels.telegram import payloads
from channels.telegram.errands import Errands
from channels.telegram.forms import MAX_QUESTIONS, Asked, Slips, filled
from channels.telegram.payloads import Message, Update
from channels.telegram.reading import Me, message_of, opinion_of, press_of
from channels.telegram.speaking import MAX_CHARS, Voice

log = logging.getLogger(__name__)

FORMS = ("edit", "ask")
GONE = "This button means nothing any more."
START_FIRST = "It is long. Open a chat with me alone, press Start there, and then press here again."
TOLD = Rate(count=1, seconds=60.0)
"""How often one person is told that something is too much."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What an ear works with."""

    lent: Lent
    voice: Voice
    errands: Errands
    slips: Slips


class Ear:
    """Takes updates."""

    def __init__(self, parts: Parts) -> None:
        self._lent, self._voice = parts.lent, parts.voice
        self._errands, self._slips = parts.errands, parts.slips
        self._told = Buckets(parts.lent.clock)

    async def take(self, raw: Json, me: Me, sink: Sink) -> None:
        """Store what an update says. What nobody can read is logged and passed over.

        Raises StoreError and whatever else the house raises for no fault of the person: then it
        must come again.
        """
        try:
            update = Update.model_validate(raw)
        except ValidationError as error:
            log.warning("Telegram sent what nobody can read: %s", _places(error))
            return
        if update.message:
            await self._message(update.message, me, sink)
        elif update.edited_message:
            await self._hand_on(message_of(update.edited_message, me, edited=True), sink)
        elif update.callback_query:
            await self._press(update.callback_query, me, sink)
        elif update.message_reaction:
            opinion = opinion_of(update.update_id, update.message_reaction, me)
            await self._hand_on(opinion, sink)

    async def _message(self, message: Message, me: Me, sink: Sink) -> None:
        if message.migrate_to_chat_id:
            self._voice.moved(message.chat.id, message.migrate_to_chat_id)
            return
        if asked := self._slips.read(message, _where(message)):
            await self._form(message, asked, me, sink)
            return
        await self._hand_on(message_of(message, me), sink)

    async def _hand_on(self, event: Event | None, sink: Sink) -> None:
        """Give an event to the house; what it refuses is said there, now and then."""
        if event is None:
            return
        try:
            await sink(event)
        except UserError as error:
            is_quiet = event.kind == Kind.FEEDBACK or not event.addressed
            if not is_quiet and not self._told.take((event.place.id, event.sender.ext_id), TOLD):
                self._say(event, error.message)

    async def _form(self, message: Message, asked: Asked, me: Me, sink: Sink) -> None:
        """A reply to a question of ours: the text goes where the question says."""
        sender = message.sender
        if sender is None or sender.is_bot:
            return
        payload: dict[str, Json] = {
            "approval": asked.approval,
            "version": asked.version,
            "choice": asked.choice,
        }
        event = press_of(message.ref, message.chat, sender, message.thread, me, payload)
        event = replace(event, kind=Kind.FORM, at=self._lent.clock.now(), reply_to=message.ref)
        try:
            form = await self._lent.desk.form(
                me.account, event.sender.ext_id, asked.approval, asked.choice
            )
            inputs: Mapping[str, Json] = filled(form.inputs, asked.input, message.text)
            taken = await sink(replace(event, payload={**payload, "inputs": inputs}))
        except UserError as error:
            self._say(event, error.message)
        else:
            self._say(event, taken.reply)

    async def _press(self, query: payloads.Press, me: Me, sink: Sink) -> None:
        press, message = parse_press(query.data), query.message
        if press is None or message is None:
            self._end(query.id, GONE)
            return
        if press.choice == SHOW_ALL:
            self._errands.add(lambda: self._show_all(query, press, message, me))
            return
        if press.choice in FORMS:
            self._errands.add(lambda: self._ask(query, press, message, me))
            return
        payload: dict[str, Json] = {
            "approval": press.approval,
            "version": press.version,
            "choice": press.choice,
        }
        event = press_of(
            f"press:{query.id}", message.chat, query.sender, message.thread, me, payload
        )
        event = replace(event, at=self._lent.clock.now(), reply_to=message.ref)
        try:
            taken = await sink(event)
        except UserError as error:
            self._end(query.id, error.message)
        else:
            self._end(query.id, taken.reply)

    async def _show_all(
        self, query: payloads.Press, press: Press, message: Message, me: Me
    ) -> None:
        """All of a card, in the chat with the person alone."""
        who = query.sender.id
        try:
            text = await self._lent.desk.whole(me.account, str(who), press.approval)
        except UserError as error:
            await self._voice.answer(query.id, error.message)
            return
        thread = message.thread if message.chat.id == who else ""
        try:
            for part in pieces(text, Dialect.PLAIN, MAX_CHARS - 96):
                await self._voice.tell(who, escape(part), thread=thread)
        except VendorRefused:
            await self._voice.answer(query.id, START_FIRST)
            return
        is_here = message.chat.id == who
        await self._voice.answer(query.id, "" if is_here else "I wrote it to you alone.")

    async def _ask(self, query: payloads.Press, press: Press, message: Message, me: Me) -> None:
        """The form of Edit or Ask, as questions to reply to; the first one stands last."""
        who = str(query.sender.id)
        try:
            form = await self._lent.desk.form(me.account, who, press.approval, press.choice)
        except UserError as error:
            await self._voice.answer(query.id, error.message)
            return
        where = f"{message.chat.id}:{who}"
        for n in reversed(range(min(len(form.inputs), MAX_QUESTIONS))):
            question = self._slips.question(form, n, me.username, where)
            await self._voice.tell(
                message.chat.id,
                question,
                thread=message.thread,
                reply_to=message.message_id,
                ask=form.inputs[n].label,
            )
        await self._voice.answer(query.id, "")

    def _end(self, query: str, text: str) -> None:
        self._errands.add(lambda: self._voice.answer(query, text))

    def _say(self, event: Event, text: str) -> None:
        if not text:
            return
        chat, _, number = event.ext_id.partition(":")
        reply_to = int(number) if number.isdecimal() else 0
        self._errands.add(
            lambda: self._voice.tell(
                int(chat), escape(text), thread=event.place.thread, reply_to=reply_to
            )
        )


def _where(message: Message) -> str:
    """The chat and the person: a question is answered there and by them alone."""
    return f"{message.chat.id}:{message.sender.id if message.sender else 0}"


def _places(error: ValidationError) -> str:
    """Where it does not fit, and nothing of what it says."""
    found = [".".join(map(str, item["loc"])) for item in error.errors(include_input=False)]
    return ", ".join(found[:5])
