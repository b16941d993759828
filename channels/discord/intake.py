"""What Discord tells, on its way to the house: read, stored, and read up after an absence.

Discord tells everything once and to whoever is there. So the newest message of each place is
remembered, and what came after it is read from the history when a new session begins.
https://docs.discord.com/developers/resources/message#get-channel-messages (read 2026-11-21)
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final

from pydantic import ValidationError

from bot.core.canonical import Json
from bot.core.channel import Dialect, Sink
from bot.core.errors import BotError, StoreError, UserError, VendorError, VendorRefused
from bot.core.event import Event, Kind
from bot.core.ports import Clock
from bot.render.markdown import pieces
from channels.discord.calls import Calls
from channels.discord.events import THREADS, Reader
from channels.discord.gateway import Gateway
from channels.discord.payloads import Deleted, Message, Reaction
from channels.discord.sending import MAX_CHARS, MESSAGES, key_of, text_body

log = logging.getLogger(__name__)

MAX_PLACES: Final = 2_000
PAGE, PAGES = 100, 20
AGAIN_S: Final = (2.0, 10.0, 60.0, 300.0)
"""When a history that Discord did not give is asked for again."""
PAUSES_S: Final = (0.5, 1, 2, 5, 10, 20, 30, 60, 60, 60)
"""How long to wait for the database, each time."""
SAY_EVERY_S: Final = 60.0


class Intake:
    """The way in for what people write."""

    def __init__(
        self, reader: Reader, sink: Sink, calls: Calls, gateway: Gateway, clock: Clock
    ) -> None:
        self._reader = reader
        self._sink = sink
        self._calls = calls
        self._gateway = gateway
        self._clock = clock
        self._newest: OrderedDict[str, str] = OrderedDict()
        """Channel → its newest message."""
        self._said: OrderedDict[str, float] = OrderedDict()
        self._reads: dict[str, Callable[[dict[str, Any], str], list[Event | None]]] = {
            "MESSAGE_CREATE": self._message,
            "MESSAGE_UPDATE": lambda body, _: [self._reader.edited(Message.model_validate(body))],
            "MESSAGE_DELETE": lambda body, _: [self._reader.deleted(Deleted.model_validate(body))],
            "MESSAGE_DELETE_BULK": self._deleted,
            "MESSAGE_REACTION_ADD": lambda body, mark: [
                self._reader.thumb(Reaction.model_validate(body), mark, is_added=True)
            ],
            "MESSAGE_REACTION_REMOVE": lambda body, mark: [
                self._reader.thumb(Reaction.model_validate(body), mark, is_added=False)
            ],
        }

    async def take(self, name: str, body: dict[str, Any], mark: str) -> None:
        """Take one frame in; returns when it is stored."""
        try:
            events = self._reads[name](body, mark)
        except ValidationError as error:
            log.info("Discord told something of a strange shape (%s, %s).", name, error.title)
            return
        for event in events:
            if event is not None:
                await self._store(event)
                if event.kind is Kind.MESSAGE and event.addressed:
                    channel, _, message = event.ext_id.partition(":")
                    self.know(channel, message)

    def newest(self) -> dict[str, str]:
        """Channel → its newest message, as far as it is known now."""
        return dict(self._newest)

    def know(self, channel: str, message: str) -> None:
        """Remember that everything up to this message is here."""
        if int(message) > int(self._newest.get(channel, "0")):
            self._newest[channel] = message
        self._newest.move_to_end(channel)
        while len(self._newest) > MAX_PLACES:
            self._newest.popitem(last=False)

    async def read_up(self, known: dict[str, str]) -> None:
        """Take in what was written after these messages; what Discord does not give, later."""
        for pause in (*AGAIN_S, None):
            left = {}
            for channel, after in known.items():
                try:
                    async with self._gateway.lock(channel):
                        await self._read_up(channel, after)
                except (BotError, ValidationError) as error:
                    log.warning("What was missed in channel %s was not read up: %s", channel, error)
                    if _comes_again(error):
                        left[channel] = after
            if not left or pause is None:
                return
            await asyncio.sleep(pause)
            known = left

    async def _read_up(self, channel: str, after: str) -> None:
        guild = self._gateway.guild(channel) or await self._guild(channel)
        for _ in range(PAGES):
            query: Json = {"limit": PAGE, "after": int(after)}
            page = await self._calls.do("GET", MESSAGES, query, channel_id=channel)
            for body in reversed(page):
                given = {**body, "guild_id": guild} if guild else body
                await self.take("MESSAGE_CREATE", given, "")
            if len(page) < PAGE:
                return
            after = str(max(int(body["id"]) for body in page))

    async def _guild(self, channel: str) -> str:
        """The server of a thread that sleeps; empty for a direct channel."""
        found = await self._calls.do("GET", "/channels/{channel_id}", channel_id=channel)
        if found.get("type") in THREADS and found.get("parent_id"):
            self._gateway.learn(channel, str(found["parent_id"]))
        return str(found.get("guild_id") or "")

    def _message(self, body: dict[str, Any], mark: str) -> list[Event | None]:
        told = Message.model_validate(body)
        event = self._reader.message(told)
        if not (event and event.addressed) and not self._gateway.reads_all:
            return []  # the history has words that the gateway does not tell us
        return [event]

    def _deleted(self, body: dict[str, Any], mark: str) -> list[Event | None]:
        ids = body.get("ids")
        return [
            self._reader.deleted(Deleted.model_validate({**body, "id": each}))
            for each in (ids if isinstance(ids, list) else [])[:200]
        ]

    async def _store(self, event: Event) -> None:
        for pause in (*PAUSES_S, None):
            try:
                await self._sink(event)
                return
            except UserError as error:
                if event.kind in (Kind.MESSAGE, Kind.EDITED) and event.addressed:
                    await self._say(event, error.message)
                return
            except StoreError:
                if pause is None:
                    raise
                await asyncio.sleep(pause)

    async def _say(self, event: Event, words: str) -> None:
        """Say once in a while there why something was not taken."""
        target, now = event.place.thread or event.place.id, self._clock.monotonic()
        if now < self._said.get(target, 0.0):
            return
        self._said[target] = now + SAY_EVERY_S
        while len(self._said) > MAX_PLACES:
            self._said.popitem(last=False)
        try:
            await self._calls.posts.turn(target)
            for text in pieces(words, Dialect.DISCORD, MAX_CHARS)[:1]:
                body = {**text_body(text), **key_of(f"{event.ext_id}\n{text}")}
                await self._calls.do("POST", MESSAGES, body, channel_id=target)
        except VendorError as error:
            log.info("Nobody could be told why a message was not taken: %s", error.message)


def _comes_again(error: Exception) -> bool:
    """Whether asking again may help: not where the bot may not read, or nobody does now."""
    if isinstance(error, VendorRefused):
        return error.retry_after_s is not None
    return isinstance(error, VendorError | StoreError)
