"""The channel: letters come in as files, answers go out as files.

A letter is removed once `sink` has stored it, so none is lost; its `id` names the event, so one
that is read twice is one message. An answer's file is named by its effect, so it can be looked up.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from bot.core.channel import Features, Outbound, Receipt, Sink
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.errors import OperatorError, UserError, VendorRefused
from bot.core.event import Event, Kind, Place, Sender
from bot.core.ids import EventId, conv_key
from bot.platforms.lent import Lent
from paperboy.files import put

LOOK_EVERY_S = 0.2
MAX_LETTER = 100_000


class Paperboy:
    """The channel."""

    name = "paperboy"
    features = Features(max_chars=10_000, policy=Policy.READBACK)

    def __init__(self, lent: Lent) -> None:
        folder = lent.options.get("folder")
        if not isinstance(folder, str):
            raise OperatorError('Set [extensions.options.paperboy] folder = "/some/folder".')
        self._lent = lent
        self._in, self._out = Path(folder) / "in", Path(folder) / "out"

    def routes(self) -> Sequence[tuple[str, str, Callable[..., Awaitable[object]]]]:
        """No webhook: it looks into its folder."""
        return ()

    async def run(self, sink: Sink) -> None:
        """Look for letters until cancelled."""
        self._in.mkdir(parents=True, exist_ok=True)
        while True:
            for letter in await asyncio.to_thread(self._letters):
                try:
                    await sink(self._event(letter))
                except (UserError, ValueError, KeyError, TypeError):
                    await asyncio.to_thread(letter.rename, letter.with_suffix(".unreadable"))
                else:
                    await asyncio.to_thread(letter.unlink)
            await asyncio.sleep(LOOK_EVERY_S)

    async def send(self, message: Outbound) -> Receipt:
        """Put an answer into the folder."""
        path = self._out / f"{message.effect}.txt"
        try:
            await asyncio.to_thread(put, path, f"to {message.place}\n\n{message.text}\n")
        except OSError as error:
            raise VendorRefused(f"The folder cannot be written: {error.strerror}.") from error
        return Receipt(vendor_ref=path.name)

    async def find(self, effect: Effect) -> Outcome | None:
        """Whether an answer is there."""
        path = self._out / f"{effect.id}.txt"
        is_there = await asyncio.to_thread(path.exists)
        return Outcome(state=EffectState.SENT, vendor_ref=path.name) if is_there else None

    def _letters(self) -> list[Path]:
        return sorted(self._in.glob("*.json"))

    def _event(self, letter: Path) -> Event:
        with letter.open("rb") as file:
            told = json.loads(file.read(MAX_LETTER))
        who = str(told["from"])
        return Event(
            id=EventId(""),  # the house gives its own
            tenant=self._lent.tenant,
            channel=self.name,
            account="",
            ext_id=str(told["id"]),
            kind=Kind.MESSAGE,
            conv=conv_key(self.name, "", who),
            sender=Sender(ext_id=who, name=who),
            place=Place(id=who),
            text=str(told["text"]),
            at=self._lent.clock.now(),
        )


def make(lent: Lent) -> Paperboy:
    """What the entry point is asked for."""
    return Paperboy(lent)
