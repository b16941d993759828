"""What the bot says: texts in pieces, cards, drafts, at the pace that Telegram bears.

About one message a second in a chat and twenty a minute in a group, thirty a second in all; edits
count. A pause that Telegram asks for is kept by everything. Telegram has neither a key for a
message nor a way to look one up, so a send without an answer stays unknown.
https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this (read 2026-11-21)
"""

import asyncio
import hashlib
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from telegram import ForceReply, LinkPreviewOptions, Message, ReplyParameters, error
from telegram.constants import ChatAction, ParseMode

from bot.core.channel import Dialect, Outbound, Receipt
from bot.core.errors import BotError, VendorRefused, VendorUnknown
from bot.core.event import Attachment
from bot.core.ids import ApprovalId
from bot.core.ports import Clock
from bot.limits import Rate
from bot.platforms.files_out import enclose, in_words, whole
from bot.platforms.lent import NoShelf, Shelf
from bot.platforms.pacing import Among, Pace
from bot.render.card import Surface, render
from bot.render.cards.layout import Ref
from bot.render.dialects.telegram import shown
from bot.render.markdown import pieces
from channels.telegram.api import Api, meaning, never_left, pause_of, says
from channels.telegram.parcels import ROOM, ways

log = logging.getLogger(__name__)

T = TypeVar("T")

MAX_CHARS: Final = 4096
MAX_ALERT: Final = 200
# Buckets that keep below 1 a second with bursts, 20 a minute in a group, 30 a second in all.
CHAT: Final = Rate(count=2, seconds=2.1)
GROUP: Final = Rate(count=6, seconds=28.0)
ALL: Final = Rate(count=6, seconds=0.26)
TRIES: Final = 4
LONGEST_WAIT_S: Final = 30.0
MAX_MOVED: Final = 1000
UNREADABLE: Final = "can't parse entities"
"""Our tags always nest; should Telegram disagree once, the words go without them."""
NO_PREVIEW: Final = LinkPreviewOptions(is_disabled=True)


class Voice:
    """Speaks in one bot's name."""

    def __init__(
        self, api: Api, clock: Clock, shelf: Shelf | None = None, among: Among = lambda: 1
    ) -> None:
        self._api = api
        self._shelf = shelf or NoShelf()
        self._pace = Pace(clock, CHAT, ALL, among)
        self._groups = Pace(clock, GROUP, Rate(count=1000, seconds=1.0), among)
        self._drawn: OrderedDict[str, str] = OrderedDict()
        """Draft in a group → the text that surely stands there."""
        self._moved: OrderedDict[int, int] = OrderedDict()
        """Groups that became supergroups, with their new ids."""

    async def send(self, message: Outbound) -> Receipt:
        """Say it, or bring an earlier message to it. Raises VendorRefused, VendorUnknown."""
        if message.card is not None and message.approval:
            return await self._card(message)
        enclosed = await enclose(message, self._shelf, ROOM)
        parts = pieces(enclosed.text, Dialect.TELEGRAM, MAX_CHARS)
        if not parts:
            raise VendorRefused("There is nothing to say.")
        first, rest = parts[0], parts[1:]
        stands = self._drawn.pop(message.replace, "") == first
        ref = message.replace if stands else ""
        if message.replace and not stands:
            ref = await self._edit(message, first)
        if not ref:
            ref = _ref(await self._say(message, first, is_first=True))
        for n, part in enumerate(rest, 2):
            try:
                await self._say(message, part, is_first=False)
            except BotError as wrong:
                raise VendorUnknown(
                    f"Only {n - 1} of {len(parts)} parts of it arrived: {wrong.message}"
                ) from wrong
        for item in enclosed.files:
            try:
                await self._bring(message, item)
            except BotError as wrong:
                raise VendorUnknown(f"{item.name} did not arrive: {wrong.message}") from wrong
        return Receipt(vendor_ref=ref, url=url_of(ref))

    async def _bring(self, message: Outbound, item: Attachment) -> None:
        """Send a file, or say where it is when Telegram does not take it."""
        content = await whole(self._shelf, item)
        chat, thread = chat_of(message.place), _thread(message)
        for send in ways(self._api.bot, item, content):
            try:
                await self._surely(chat, partial(send, thread))
                return
            except VendorRefused as wrong:
                if wrong.retry_after_s is not None:
                    raise
                log.warning("Telegram did not take a file: %s", wrong.message)
        for part in pieces(in_words(item, self._shelf.link(item)), Dialect.TELEGRAM, MAX_CHARS):
            await self._say(message, part, is_first=False)

    async def draft(self, message: Outbound) -> Receipt | None:
        """Show so much of an answer; None when it leaves nothing behind, or there is no room."""
        chat = chat_of(message.place)
        if not self._spare(chat):
            return None
        parts = pieces(message.text, Dialect.TELEGRAM, MAX_CHARS)
        try:
            await self._api.open()
            if not parts:
                await self._api.bot.send_chat_action(
                    chat, ChatAction.TYPING, message_thread_id=_thread(message)
                )
            elif chat > 0:
                await self._api.bot.send_message_draft(
                    chat,
                    draft_id=draft_of(message.effect),
                    text=parts[-1],
                    parse_mode=ParseMode.HTML,
                    message_thread_id=_thread(message),
                )
            elif message.replace:
                self._drawn.pop(message.replace, None)
                await self._change(message.replace, parts[0])
                self._draw(message.replace, parts[0])
            else:
                said = await self._api.bot.send_message(chat, **_words(message, parts[0], True))
                self._draw(_ref(said), parts[0])
                return Receipt(vendor_ref=_ref(said))
        except error.RetryAfter as wrong:
            self._pace.rest(pause_of(wrong))
        except error.TelegramError as wrong:
            if not says(wrong, "not modified"):
                raise meaning(wrong) from None
        return None

    async def tell(
        self, chat: int, html: str, *, thread: str = "", reply_to: int = 0, ask: str = ""
    ) -> Message:
        """A short text of the channel's own; `ask` makes it a question with this hint."""
        more: dict[str, Any] = {"reply_markup": ForceReply(True, ask[:64])} if ask else {}
        if reply_to:
            more["reply_parameters"] = ReplyParameters(reply_to, allow_sending_without_reply=True)
        return await self._surely(
            chat,
            lambda there: self._api.bot.send_message(
                there,
                html,
                parse_mode=ParseMode.HTML,
                link_preview_options=NO_PREVIEW,
                message_thread_id=int(thread) if thread else None,
                **more,
            ),
        )

    async def answer(self, query: str, text: str) -> None:
        """End a press; the text is for the presser alone. One that is too old is let be."""
        await self._api.open()
        try:
            await self._api.bot.answer_callback_query(
                query, text=_clip(text), show_alert=bool(text)
            )
        except error.TelegramError as wrong:
            if not says(wrong, "query is too old", "query id is invalid"):
                raise meaning(wrong) from None

    # --- inside -----------------------------------------------------------------------------

    async def _card(self, message: Outbound) -> Receipt:
        assert message.card is not None  # noqa: S101  # the caller looked
        ref = Ref(
            approval=ApprovalId(message.approval),
            version=message.version,
            url=message.url if _is_reachable(message.url) else "",
        )
        payload = render(message.card, Surface.TELEGRAM, ref)
        assert isinstance(payload, Mapping)  # noqa: S101  # Telegram's is an object
        more = {"reply_markup": payload["reply_markup"]}
        html = str(payload["text"])
        if message.replace:
            ref_now = await self._edit(message, html, **more)
            if ref_now:
                return Receipt(vendor_ref=ref_now, url=url_of(ref_now))
        said = await self._say(message, html, is_first=True, **more)
        return Receipt(vendor_ref=_ref(said), url=url_of(_ref(said)))

    async def _say(self, message: Outbound, html: str, *, is_first: bool, **more: Any) -> Message:
        words = _words(message, html, is_first) | more
        send = self._api.bot.send_message

        async def once(there: int) -> Message:
            try:
                return await send(there, **words)
            except error.BadRequest as wrong:
                if not says(wrong, UNREADABLE):
                    raise
                return await send(there, **(words | {"text": shown(html), "parse_mode": None}))

        return await self._surely(chat_of(message.place), once)

    async def _edit(self, message: Outbound, html: str, **more: Any) -> str:
        """Rewrite a message; its reference, or nothing when it is gone."""
        chat, _ = parted(message.replace)
        try:
            await self._surely(chat, lambda _: self._change(message.replace, html, **more))
        except _Gone:
            return ""
        return message.replace

    async def _change(
        self, ref: str, html: str, mode: str | None = ParseMode.HTML, **more: Any
    ) -> object:
        chat, number = parted(ref)
        try:
            return await self._api.bot.edit_message_text(
                html,
                chat_id=chat,
                message_id=number,
                parse_mode=mode,
                link_preview_options=NO_PREVIEW,
                **more,
            )
        except error.ChatMigrated as wrong:
            self.moved(chat, wrong.new_chat_id)
            raise _Gone from None
        except error.BadRequest as wrong:
            if says(wrong, "not modified"):
                return None
            if says(wrong, "message to edit not found", "can't be edited"):
                raise _Gone from None
            if mode and says(wrong, UNREADABLE):
                return await self._change(ref, shown(html), mode=None, **more)
            raise

    async def _surely(self, chat: int, do: Callable[[int], Awaitable[T]]) -> T:
        """Call until it is taken or surely refused; waits where Telegram says so."""
        await self._api.open()
        for left in reversed(range(TRIES)):
            there = self._moved.get(chat, chat)
            await self._turn(there)
            try:
                return await do(there)
            except error.RetryAfter as wrong:
                wait = pause_of(wrong)
                self._pace.rest(wait)
                if not left or wait > LONGEST_WAIT_S:
                    raise meaning(wrong) from None
            except error.ChatMigrated as wrong:
                self.moved(chat, wrong.new_chat_id)
                if not left:
                    raise meaning(wrong) from None
            except error.TelegramError as wrong:
                if not left or not never_left(wrong):
                    raise meaning(wrong) from None
                await asyncio.sleep(2.0 ** (TRIES - left - 1) / 2)
        raise VendorRefused("Telegram did not take it.")

    def moved(self, old: int, new: int) -> None:
        """A group has another id from now on."""
        self._moved[old] = new
        while len(self._moved) > MAX_MOVED:
            self._moved.popitem(last=False)

    def _draw(self, ref: str, html: str) -> None:
        """Remember what a draft says: an answer that says the same need not be written again."""
        self._drawn[ref] = html
        while len(self._drawn) > MAX_MOVED:
            self._drawn.popitem(last=False)

    async def _turn(self, chat: int) -> None:
        if chat < 0:
            await self._groups.turn(str(chat))
        await self._pace.turn(str(chat))

    def _spare(self, chat: int) -> bool:
        if chat < 0 and not self._groups.spare(str(chat)):
            return False
        return self._pace.spare(str(chat))


class _Gone(Exception):
    """The message to rewrite is no longer there."""


def _words(message: Outbound, html: str, is_first: bool) -> dict[str, Any]:
    """The arguments of a message; in a group it hangs below what it answers."""
    more: dict[str, Any] = {}
    chat, _, number = message.reply_to.partition(":")
    if is_first and chat == message.place and number.isdecimal() and chat.startswith("-"):
        more["reply_parameters"] = ReplyParameters(int(number), allow_sending_without_reply=True)
    return {
        "text": html,
        "parse_mode": ParseMode.HTML,
        "link_preview_options": NO_PREVIEW,
        "message_thread_id": _thread(message),
        **more,
    }


def chat_of(place: str) -> int:
    """The chat's number. Raises VendorRefused for what is no chat."""
    try:
        return int(place)
    except ValueError:
        raise VendorRefused("A chat on Telegram is a number.") from None


def parted(ref: str) -> tuple[int, int]:
    """Chat and message of a reference. Raises VendorRefused for one that is not ours."""
    chat, _, number = ref.partition(":")
    if not number.isdecimal():
        raise VendorRefused("This is no message on Telegram.")
    return chat_of(chat), int(number)


def draft_of(effect: str) -> int:
    """The draft of an effect: a number that is not zero, the same every time."""
    return int.from_bytes(hashlib.sha256(effect.encode()).digest()[:4], "big") >> 1 or 1


def url_of(ref: str) -> str:
    """Where members of a supergroup open a message; other chats have no address."""
    chat, _, number = ref.partition(":")
    return f"https://t.me/c/{chat[4:]}/{number}" if chat.startswith("-100") else ""


def _ref(message: Message) -> str:
    return f"{message.chat.id}:{message.message_id}"


def _thread(message: Outbound) -> int | None:
    return int(message.thread) if message.thread.isdecimal() else None


def _clip(text: str) -> str:
    return text if len(text) <= MAX_ALERT else f"{text[: MAX_ALERT - 1]}…"


def _is_reachable(url: str) -> bool:
    """Whether Telegram takes it as a button's address."""
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and "." in parts.netloc
