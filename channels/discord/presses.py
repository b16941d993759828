"""What people press, fill in and call by a slash: taken in, and answered within three seconds.

The answer is for whoever pressed, alone. What takes longer than `FIRST_S` is promised at once and
said afterwards; only a form must open in the first answer.
https://docs.discord.com/developers/interactions/receiving-and-responding (read 2026-11-21)
"""

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Final

from bot.core.canonical import Json
from bot.core.channel import Dialect, Sink
from bot.core.errors import BotError, Invalid, StoreError, UserError
from bot.core.event import Event, Kind
from bot.platforms.lent import Desk, Form
from bot.render.codes import SHOW_ALL, Press, parse_press, press
from bot.render.markdown import pieces
from bot.render.text import clip
from channels.discord.commands import is_private, text_of
from channels.discord.community import refusal
from channels.discord.events import Reader, interaction_name
from channels.discord.opened import PRIVATE, Bodies, Item, Opened
from channels.discord.payloads import Interaction
from channels.discord.sending import MAX_CHARS, text_body

log = logging.getLogger(__name__)

COMMAND, COMPONENT, MODAL = 2, 3, 5
MESSAGE, LATER, SILENT, OPEN_FORM = 4, 5, 6, 9
"""Kinds of interactions, and of answers to them."""
FIRST_S: Final = 1.5
MAX_TITLE, MAX_LABEL, MAX_VALUE, MAX_KEY, MAX_INPUTS = 45, 45, 4000, 100, 5
MAX_PARTS: Final = 6
NOT_KEPT: Final = "This could not be kept just now. Please do it again in a moment."
TOO_LATE: Final = "That took too long. Please press it again."

Answer = dict[str, Json]
After = Coroutine[Any, Any, None] | None
"""What is to be done when Discord has the answer."""


@dataclass(frozen=True, slots=True)
class _Said:
    """What a press is answered with: a form, words, or nothing."""

    text: str = ""
    form: Form | None = None


class Presses:
    """Takes interactions in."""

    def __init__(
        self, reader: Reader, sink: Sink, desk: Desk, opened: Opened, guild: str = ""
    ) -> None:
        """`guild` is the server whose community has commands of its own."""
        self._reader = reader
        self._sink = sink
        self._desk = desk
        self._opened = opened
        self._guild = guild

    async def answer(self, told: Interaction) -> tuple[Answer, After]:
        """What Discord is answered with at once, and what is to be done when it has that."""
        name = interaction_name(told)
        is_command = told.type == COMMAND
        refused = refusal(told, self._guild) if is_command else ""
        is_quiet = not is_command or is_private(told) or bool(refused)
        item = self._opened.add(name, told.application_id, told.token, PRIVATE if is_quiet else 0)
        item.is_used = not is_command  # no agent answers a press
        work = asyncio.ensure_future(self._work(told))
        done, _ = await asyncio.wait({work}, timeout=FIRST_S)
        if not done:
            return {"type": LATER, "data": {"flags": item.flags}}, self._follow(item, work)
        return self._first(told, item, work.result())

    def _first(self, told: Interaction, item: Item, said: _Said) -> tuple[Answer, After]:
        """The answer when all is known in time."""
        if said.form is not None:
            return {"type": OPEN_FORM, "data": _modal(said.form)}, None
        bodies = item.first or _bodies(said.text)
        if bodies:
            item.is_used = True
            data: Json = {**bodies[0], "flags": item.flags}
            return {"type": MESSAGE, "data": data}, self._rest(item, bodies[1:])
        if told.type == COMMAND:
            return {"type": LATER, "data": {"flags": item.flags}}, self._rest(item, ())
        return {"type": SILENT}, None

    async def _rest(self, item: Item, bodies: Bodies) -> None:
        item.began.set()
        await self._opened.more(item, bodies)

    async def _follow(self, item: Item, work: "asyncio.Future[_Said]") -> None:
        """Say afterwards what could not be said in time."""
        said = await work
        item.began.set()
        bodies = item.first or _bodies(TOO_LATE if said.form is not None else said.text)
        if not bodies:
            if item.is_used:
                await self._opened.drop(item)
            return  # else an agent answers there
        item.is_used = True
        await self._opened.edit(item, bodies[0])
        await self._opened.more(item, bodies[1:])

    async def _work(self, told: Interaction) -> _Said:
        """Take it in. Never raises: what went wrong is said."""
        try:
            return await self._taken(told)
        except UserError as error:
            return _Said(error.message)
        except StoreError:
            log.warning("A press could not be kept.")
            return _Said(NOT_KEPT)
        except Exception as error:
            log.exception("A press broke.")
            return _Said(error.message if isinstance(error, BotError) else NOT_KEPT)

    async def _taken(self, told: Interaction) -> _Said:
        if told.type == COMMAND:
            return await self._command(told)
        found = parse_press(told.data.custom_id)
        if found is None or told.who is None:
            return _Said("This button is not known here.")
        if told.type == MODAL:
            payload: dict[str, Json] = {**_payload(found), "inputs": dict(told.data.inputs())}
            return await self._sent(self._reader.interaction(told, Kind.FORM, payload=payload))
        account, who = self._reader.account.app, told.who.id
        if found.choice == SHOW_ALL:
            return _Said(await self._desk.whole(account, who, found.approval))
        if found.choice in ("edit", "ask"):
            form = await self._desk.form(account, who, found.approval, found.choice)
            _check(form)
            return _Said(form=form)
        return await self._sent(
            self._reader.interaction(told, Kind.PRESSED, payload=_payload(found))
        )

    async def _command(self, told: Interaction) -> _Said:
        if refused := refusal(told, self._guild):
            return _Said(refused)
        text = text_of(told)
        event = self._reader.interaction(told, Kind.MESSAGE, text=text)
        if event is None or not text:
            return _Said("This command is not known here.")
        await self._sink(event)
        return _Said()

    async def _sent(self, event: Event | None) -> _Said:
        if event is None:
            return _Said("Discord does not say who pressed this.")
        return _Said((await self._sink(event)).reply)


def _payload(found: Press) -> dict[str, Json]:
    return {"approval": found.approval, "version": found.version, "choice": found.choice}


def _bodies(text: str) -> list[Mapping[str, Json]]:
    parts = pieces(text, Dialect.DISCORD, MAX_CHARS)
    return [text_body(part) for part in parts[:MAX_PARTS]]


def _check(form: Form) -> None:
    """Whether Discord can show a form. Raises Invalid."""
    if not 1 <= len(form.inputs) <= MAX_INPUTS:
        raise Invalid("This has more texts than a form takes here. Edit it on its page.")
    for each in form.inputs:
        if len(each.value) > MAX_VALUE or not 1 <= len(each.key) <= MAX_KEY:
            raise Invalid("This text is too long for a form here. Edit it on its page.")


def _modal(form: Form) -> dict[str, Json]:
    """https://docs.discord.com/developers/components/reference#text-input (read 2026-11-21)"""
    rows: list[Json] = [
        {
            "type": 1,
            "components": [
                {
                    "type": 4,
                    "custom_id": each.key,
                    "label": clip(each.label, MAX_LABEL) or "Text",
                    "style": 2 if each.long else 1,
                    "value": each.value,
                    "max_length": MAX_VALUE,
                    "required": False,
                }
            ],
        }
        for each in form.inputs
    ]
    return {
        "custom_id": press(form.approval, form.version, form.choice),
        "title": clip(form.title, MAX_TITLE),
        "components": rows,
    }
