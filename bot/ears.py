"""Channels from outside the tree, listening: made, minded, begun again, and never trusted.

A channel says what happened; who it was and whose tenant it is comes from here. One that cannot be
made is named; one that breaks is begun again after a pause, and its owner is told.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from aiohttp import web

from bot.core.canonical import Json
from bot.core.channel import Channel, Outbound, Sink
from bot.core.effect import EffectKind
from bot.core.errors import Invalid, VendorError
from bot.core.event import CONTROL, Event, Kind, Trust
from bot.core.ids import EffectId, EventId, TenantId, conv_key
from bot.core.ports import Accepted, Clock, new_id
from bot.extensions import Extension, Lent
from bot.troubles import Troubles
from bot.web.body import MAX_TEXT
from bot.web.parts import Access, Handler, Route

log = logging.getLogger(__name__)

UP_AFTER_S = 3.0
"""A channel that has listened so long is up."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
_OURS = frozenset({Kind.TICK, Kind.SETTLED})
MAX_ID = 500

Accept = Callable[[Event], Awaitable[Accepted]]


@dataclass(slots=True)
class _State:
    up: bool = False
    detail: str = "starting"


class Ears:
    """The channels of a house's extensions."""

    def __init__(self, extensions: Sequence[Extension], tenant: TenantId, clock: Clock) -> None:
        self._clock = clock
        self._tenant = tenant
        made: dict[str, Channel] = {}
        self.problems: dict[str, str] = {}
        """Why a channel could not be made, by its name."""
        for item in extensions:
            lent = Lent(tenant=tenant, options=item.options, clock=clock)
            for name, make in item.makes.items():
                try:
                    made[name] = make(lent)
                except Exception as error:
                    log.warning("The channel %s cannot be made.", name, exc_info=error)
                    self.problems[name] = str(error) or type(error).__name__
        self.channels: Mapping[str, Channel] = MappingProxyType(made)
        self._states = {name: _State() for name in made}

    def states(self) -> list[Json]:
        """`{name, up, detail}` of each, as `/v1/status` shows them."""
        found: list[Json] = [
            {"name": name, "up": state.up, "detail": state.detail}
            for name, state in self._states.items()
        ]
        found += [{"name": name, "up": False, "detail": why} for name, why in self.problems.items()]
        return found

    def routes(self) -> list[Route]:
        """Their webhooks; each proves by itself who is calling."""
        return [
            Route(
                method=method, path=path, handler=_handler(handler), access=Access.OPEN, page=True
            )
            for channel in self.channels.values()
            for method, path, handler in channel.routes()
        ]

    async def run(self, accept: Accept, troubles: Troubles) -> None:
        """Listen on all of them until cancelled."""
        async with asyncio.TaskGroup() as group:
            for channel in self.channels.values():
                group.create_task(self._mind(channel, self.sink(channel, accept), troubles))

    def sink(self, channel: Channel, accept: Accept) -> Sink:
        """The one way in for what a channel heard."""

        async def take(event: Event) -> str:
            own = self._own(channel, event)
            accepted = await accept(own)
            if accepted.reply and not accepted.duplicate:
                await _say(channel, own, accepted)
            return accepted.event

        return take

    def _own(self, channel: Channel, event: Event) -> Event:
        """The event with what a channel has no say in. Raises Invalid for what is no channel's."""
        if event.kind in _OURS or event.trust is Trust.HOUSE:
            raise Invalid(
                f"A channel has no say in {event.kind} and in what the house itself said."
            )
        if len(event.text) > MAX_TEXT or len(event.ext_id) > MAX_ID:
            raise Invalid("The message or one of its names is too long.")
        if not event.ext_id or not event.sender.ext_id:
            raise Invalid("An event names what happened and who did it.")
        at = event.at if event.kind in CONTROL else min(event.at, self._clock.now())
        place = event.place
        return replace(
            event,
            id=EventId(new_id(self._clock, "evt")),
            tenant=self._tenant,
            channel=channel.name,
            conv=conv_key(channel.name, event.account, place.id, place.thread),
            sender=replace(event.sender, person=None),
            at=at,
        )

    async def _mind(self, channel: Channel, sink: Sink, troubles: Troubles) -> None:
        pause = FIRST_PAUSE_S
        state = self._states[channel.name]
        while True:
            task = asyncio.ensure_future(channel.run(sink))
            try:
                done, _ = await asyncio.wait({task}, timeout=UP_AFTER_S)
                if not done or (not task.cancelled() and task.exception() is None):
                    state.up, state.detail, pause = True, "listening", FIRST_PAUSE_S
                    await troubles.channel_up(self._tenant, channel.name)
                await task
                state.detail = "webhooks"
                return
            except (Exception, asyncio.CancelledError) as error:
                if isinstance(error, asyncio.CancelledError) and _is_stopped():
                    task.cancel()
                    await asyncio.gather(task, return_exceptions=True)
                    raise
                log.exception("The channel %s broke; it begins again.", channel.name)
                state.up, state.detail = False, f"broke: {type(error).__name__}"
                await troubles.channel_down(self._tenant, channel.name)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)


def _handler(handler: Callable[..., Awaitable[object]]) -> Handler:
    async def answer(request: web.Request) -> web.StreamResponse:
        found = await handler(request)
        if not isinstance(found, web.StreamResponse):
            raise TypeError(f"A webhook answers with a response, not {type(found).__name__}.")
        return found

    return answer


def _is_stopped() -> bool:
    """Whether the house stops this task; else a channel ended itself in a strange way."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _say(channel: Channel, event: Event, accepted: Accepted) -> None:
    """Answer a command or a decision at once; it stands in the transcript in any case."""
    message = Outbound(
        tenant=event.tenant,
        conv=accepted.conv,
        account=event.account,
        place=event.place.id,
        thread=event.place.thread,
        effect=EffectId(f"ntc_{event.id[4:]}"),
        kind=EffectKind.NOTICE,
        text=accepted.reply,
        reply_to=event.ext_id,
    )
    try:
        await channel.send(message)
    except VendorError as error:
        log.warning("The channel %s did not take an answer: %s", channel.name, error.message)
