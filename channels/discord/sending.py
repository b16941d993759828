"""Writing to Discord: answers in parts, cards, drafts that grow.

Every message carries a nonce made of its effect, its place and its part, and Discord gives the
first message again instead of making a second. What it gives may be a draft that an earlier attempt
left; then that is rewritten, so a crash leaves neither a half answer nor two.
https://docs.discord.com/developers/resources/message#create-message (read 2026-11-21)
"""

import hashlib
import logging
import re
from base64 import b32encode
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from bot.core.canonical import Json
from bot.core.channel import Dialect, Outbound, Receipt
from bot.core.effect import EffectKind
from bot.core.errors import VendorError, VendorRefused, VendorUnknown
from bot.core.ids import ApprovalId
from bot.platforms.files_out import MEGABYTE, NO_ROOM, Room, enclose, whole
from bot.platforms.lent import Shelf
from bot.render.card import Surface, render
from bot.render.cards.layout import Ref
from bot.render.markdown import pieces
from channels.discord.calls import UNKNOWN_MESSAGE, Calls, Files, Upload
from channels.discord.events import ALONE
from channels.discord.opened import Item, Opened

log = logging.getLogger(__name__)

MAX_CHARS: Final = 2000
MESSAGES: Final = "/channels/{channel_id}/messages"
ONE: Final = "/channels/{channel_id}/messages/{message_id}"
NOBODY: Final[Mapping[str, Json]] = {"parse": [], "replied_user": False}
"""Whom a message may call: nobody, whatever its words say."""
ROOM: Final = Room(files=10, max_bytes=10 * MEGABYTE, all_bytes=24 * MEGABYTE)
"""Servers without boosts take 10 MiB a file, and a request 25 MiB.
https://docs.discord.com/developers/reference#uploading-files (read 2026-11-21)"""
MAX_KEPT: Final = 2_000
_REF: Final = re.compile(r"(\d{1,20}):(\d{1,20})")


class Sending:
    """The way out."""

    def __init__(self, calls: Calls, opened: Opened, shelf: Shelf) -> None:
        self._calls = calls
        self._shelf = shelf
        self._opened = opened
        self._drawn: OrderedDict[str, str] = OrderedDict()
        """Draft → the text that stands there."""
        self._firsts: OrderedDict[str, str] = OrderedDict()
        """A later part of an answer → its first."""

    async def send(self, message: Outbound) -> Receipt:
        """Send or rewrite. Raises VendorRefused, VendorUnknown, ConnectionBroken."""
        drawn = self._drawn.pop(message.replace, "")
        if drawn and _is_all(message, drawn):
            return Receipt(vendor_ref=message.replace)  # the draft says it already
        item = None if message.replace else self._opened.of(message.reply_to)
        if not message.attachments or message.card is not None:
            return await self._send(message, item)
        room = NO_ROOM if item else ROOM  # the answer to a command may be for one person alone
        enclosed = await enclose(message, self._shelf, room)
        found = [
            Upload(each.name, each.media_type, await whole(self._shelf, each))
            for each in enclosed.files
        ]
        try:
            return await self._send(replace(message, text=enclosed.text), item, found)
        except VendorRefused as error:
            if not found or error.retry_after_s is not None:
                raise
            log.warning("Discord did not take a file: %s", error.message)
            enclosed = await enclose(message, self._shelf, NO_ROOM)
            return await self._send(replace(message, text=enclosed.text), item)

    async def _send(self, message: Outbound, item: Item | None, files: Files = ()) -> Receipt:
        """Write it; files hang below the last part."""
        bodies = _bodies(message)
        if not bodies:
            return await self._nothing(message)
        if item:
            at_once = message.kind is EffectKind.NOTICE
            ref = await self._opened.answer(item, bodies, at_once=at_once)
            if ref:
                return Receipt(vendor_ref=ref)
        if message.thread.startswith(ALONE):
            raise VendorRefused("Discord takes no answer to this command any more. Give it again.")
        target = message.thread or message.place
        refs = []
        for part, body in enumerate(bodies):
            given = body if part else {**body, **_answering(message, target)}
            key = nonce(message, target, part)
            stands = message.replace if part == 0 else ""
            below = files if part == len(bodies) - 1 else ()
            refs.append(await self._write(target, given, key, stands, below))
        for ref in refs[1:]:
            _keep(self._firsts, ref, refs[0])
        return Receipt(vendor_ref=refs[0])

    def first(self, ref: str) -> str:
        """The first part of the answer that a message is a part of."""
        return self._firsts.get(ref, ref)

    async def draft(self, message: Outbound) -> Receipt | None:
        """Show a text that grows; None when it is let be. Raises ConnectionBroken."""
        if self._opened.of(message.reply_to):
            return None  # Discord shows there that somebody thinks
        try:
            return await (self._grow(message) if message.text.strip() else self._typing(message))
        except VendorError as error:
            log.info("A draft was not shown: %s", error.message)
            return None

    async def _grow(self, message: Outbound) -> Receipt | None:
        target = message.thread or message.place
        bodies = _bodies(message)
        if not bodies:
            return None
        body = bodies[0]
        text = str(body["content"])
        found = _REF.fullmatch(message.replace)
        pace = self._calls.edits if found else self._calls.posts
        if self._drawn.get(message.replace) == text or not pace.spare(target):
            return None
        if found:
            names = {"channel_id": found[1], "message_id": found[2]}
            self._drawn.pop(message.replace, None)  # until it is sure what stands there
            await self._calls.do("PATCH", ONE, body, **names)
            ref = message.replace
        else:
            given = {**body, **_answering(message, target), **nonce(message, target, 0)}
            ref = _ref(await self._calls.do("POST", MESSAGES, given, channel_id=target))
        _keep(self._drawn, ref, text)
        return Receipt(vendor_ref=ref)

    async def _typing(self, message: Outbound) -> None:
        """Show for ten seconds that somebody writes."""
        target = message.thread or message.place
        if not message.replace and self._calls.edits.spare(target):
            await self._calls.do("POST", "/channels/{channel_id}/typing", channel_id=target)

    async def _write(
        self,
        target: str,
        body: Mapping[str, Json],
        key: Mapping[str, Json],
        stands: str,
        files: Files,
    ) -> str:
        """Rewrite the message that stands, or write a new one where it stands no more."""
        if found := _REF.fullmatch(stands):
            try:
                return await self._edit(found[1], found[2], body, files)
            except VendorRefused as error:
                if error.ids.get("code") != UNKNOWN_MESSAGE:
                    raise
        await self._calls.posts.turn(target)
        given = {**body, **key}
        made = await self._calls.bring(("POST", MESSAGES), given, files, channel_id=target)
        ref = _ref(made)
        is_other = str(made.get("content", "")).strip() != str(body.get("content", "")).strip()
        if is_other or len(made.get("attachments") or ()) < len(files):
            return await self._edit(target, ref.partition(":")[2], body, files)
        return ref

    async def _edit(
        self, channel: str, message: str, body: Mapping[str, Json], files: Files = ()
    ) -> str:
        await self._calls.edits.turn(channel)
        given = {name: value for name, value in body.items() if name != "message_reference"}
        names = {"channel_id": channel, "message_id": message}
        return _ref(await self._calls.bring(("PATCH", ONE), given, files, **names))

    async def _nothing(self, message: Outbound) -> Receipt:
        """An answer without words: its draft goes."""
        found = _REF.fullmatch(message.replace)
        if not found:
            raise VendorRefused("There is nothing to send.")
        try:
            await self._calls.do("DELETE", ONE, channel_id=found[1], message_id=found[2])
        except VendorRefused as error:
            if error.ids.get("code") != UNKNOWN_MESSAGE:
                raise
        return Receipt(vendor_ref=message.replace)


def nonce(message: Outbound, target: str, part: int) -> dict[str, Json]:
    """What makes Discord take this part of this effect once in this place."""
    return key_of(f"{message.effect}\n{target}\n{part}")


def key_of(words: str) -> dict[str, Json]:
    """What makes Discord take what these words name once; 25 characters fit."""
    key = b32encode(hashlib.sha256(words.encode()).digest()).decode()[:25]
    return {"nonce": key, "enforce_nonce": True}


def text_body(text: str) -> dict[str, Json]:
    """The body of a message of words."""
    return {"content": text, "allowed_mentions": dict(NOBODY)}


def _bodies(message: Outbound) -> list[dict[str, Json]]:
    """What is to be written: a card, or a text in its parts."""
    if message.card is None:
        return [text_body(text) for text in pieces(message.text, Dialect.DISCORD, MAX_CHARS)]
    ref = Ref(approval=ApprovalId(message.approval), version=message.version, url=message.url)
    payload = render(message.card, Surface.DISCORD, ref)
    if isinstance(payload, str):
        raise VendorRefused("The card has no form for Discord.")
    return [dict(payload)]


def _is_all(message: Outbound, text: str) -> bool:
    """Whether an answer is this one text and nothing besides."""
    if message.card is not None or message.attachments:
        return False
    return [body["content"] for body in _bodies(message)] == [text]


def _answering(message: Outbound, target: str) -> dict[str, Json]:
    """The message that this one answers, where others write in between."""
    found = _REF.fullmatch(message.reply_to)
    if not found or found[1] != target or message.extra.get("private"):
        return {}
    return {"message_reference": {"message_id": found[2], "fail_if_not_exists": False}}


def _keep(kept: OrderedDict[str, str], name: str, value: str) -> None:
    kept[name] = value
    while len(kept) > MAX_KEPT:
        kept.popitem(last=False)


def _ref(made: Any) -> str:
    try:
        return f"{int(made['channel_id'])}:{int(made['id'])}"
    except (KeyError, TypeError, ValueError):
        raise VendorUnknown("Discord did not say which message it made.") from None
