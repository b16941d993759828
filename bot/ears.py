"""Platforms outside, listening: their channels made, minded, begun again, and never trusted.

A channel says what happened; who it was and whose tenant it is comes from here. One that cannot be
made is named; one that breaks is begun again after a pause, and its owner is told.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Protocol

from aiohttp import web

from bot.afterwards import Afterwards
from bot.core.canonical import Json
from bot.core.channel import Channel, Outbound, Sink
from bot.core.effect import EffectKind
from bot.core.errors import BotError, Invalid, NotFound, OperatorError, StoreError
from bot.core.event import CONTROL, Event, Kind, Trust
from bot.core.ids import EffectId, EventId, TenantId, conv_key
from bot.core.ports import Accepted, Clock, new_id
from bot.lent import Offer
from bot.troubles import Troubles
from bot.web.body import MAX_TEXT
from bot.web.parts import Access, Route

log = logging.getLogger(__name__)

UP_AFTER_S = 3.0
"""A channel that has listened so long is up."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
SAY_S = 0.5
"""How long an acknowledgement waits for the answer to a command; then that follows on its own."""
_OURS = frozenset({Kind.TICK, Kind.SETTLED})
MAX_ID = 500

Listen = Callable[[Channel], Coroutine[object, None, None]]
Accept = Callable[[Event], Awaitable[Accepted]]


@dataclass(slots=True)
class _State:
    up: bool = False
    detail: str = "starting"


class Installing(Protocol):
    """Where platforms' apps are installed."""

    async def tenant_of(self, channel: str, account: str) -> TenantId | None:
        """Whose an account is; None for the house's own. Raises NotFound for a lost one."""
        ...


class Around(Protocol):
    """What stands around the ears."""

    @property
    def installing(self) -> Installing: ...


class Ears:
    """The platforms outside that a house listens to."""

    def __init__(
        self, offers: Sequence[Offer], tenant: TenantId, clock: Clock, around: Around | None = None
    ) -> None:
        """Everything is `tenant`'s but what `around` knows to be installed for another."""
        self._around = around
        self._clock = clock
        self._tenant = tenant
        made: dict[str, Channel] = {}
        self.problems: dict[str, str] = {}
        """Why a channel could not be made, by its name."""
        for offer in offers:
            try:
                made[offer.name] = offer.make()
            except OperatorError as error:
                log.warning("The channel %s is off: %s", offer.name, error.message)
                self.problems[offer.name] = error.message
            except Exception as error:
                log.warning("The channel %s cannot be made.", offer.name, exc_info=error)
                self.problems[offer.name] = str(error) or type(error).__name__
        self._made = made
        self.channels: Mapping[str, Channel] = MappingProxyType(made)
        self._states = {name: _State() for name in made}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._ending: dict[str, set[asyncio.Task[None]]] = {}
        """Tasks that were cancelled and may not have ended, by the name of their channel."""
        self._answers: dict[str, Afterwards] = {}
        self._listen: Listen | None = None
        """How a channel is listened to, once the house runs."""

    def of(self, tenant: TenantId, name: str) -> Channel | None:
        """A tenant's own channel of a platform."""
        return self._made.get(name) if tenant == self._tenant else None

    def states(self) -> list[Mapping[str, Json]]:
        """`{name, up, detail}` of each, as `/v1/status` shows them."""
        found: list[Mapping[str, Json]] = [
            {"name": name, "up": state.up and not ails, "detail": ails or state.detail}
            for name, state in self._states.items()
            for ails in (str(getattr(self._made.get(name), "ails", "")),)
        ]
        found += [{"name": name, "up": False, "detail": why} for name, why in self.problems.items()]
        return found

    def routes(self) -> list[Route]:
        """Their webhooks; each proves by itself who is calling."""
        return [
            Route(
                method=method,
                path="/webhooks/{channel}/{rest:.*}",
                handler=self._webhook,
                access=Access.OPEN,
                page=True,
            )
            for method in ("GET", "POST")
        ]

    async def run(self, accept: Accept, troubles: Troubles) -> None:
        """Listen on all of them until cancelled."""

        def listen(channel: Channel) -> Coroutine[object, None, None]:
            return self._mind(channel, self.sink(channel, accept), troubles)

        self._listen = listen
        for channel in self._made.values():
            self._tasks[channel.name] = asyncio.create_task(listen(channel))
        try:
            await asyncio.Event().wait()
        finally:
            for name in list(self._tasks):
                self._end(name)
            ending = (task for tasks in self._ending.values() for task in tasks)
            await asyncio.gather(*ending, return_exceptions=True)
            for answers in self._answers.values():
                await answers.end()

    def put(self, channel: Channel) -> None:
        """Listen on this one as well, once an earlier one of its name has ended."""
        self.remove(channel.name)
        self._made[channel.name] = channel
        self._states[channel.name] = _State()
        if self._listen:
            earlier = set(self._ending.get(channel.name, ()))
            self._tasks[channel.name] = asyncio.create_task(_after(earlier, self._listen, channel))

    def remove(self, name: str) -> None:
        """Listen on this one no more."""
        self._made.pop(name, None)
        self._states.pop(name, None)
        self.problems.pop(name, None)
        self._end(name)

    def _end(self, name: str) -> None:
        if task := self._tasks.pop(name, None):
            ending = self._ending.setdefault(name, set())
            ending.add(task)
            task.add_done_callback(ending.discard)
            task.cancel()

    async def _webhook(self, request: web.Request) -> web.StreamResponse:
        channel = self._made.get(request.match_info["channel"])
        for method, path, handler in channel.routes() if channel else ():
            if method == request.method and _fits(path, request.path):
                found = await handler(request)
                if not isinstance(found, web.StreamResponse):
                    raise TypeError(f"A webhook answers a response, not {type(found).__name__}.")
                return found
        raise NotFound("There is no such webhook.")

    def sink(self, channel: Channel, accept: Accept) -> Sink:
        """The one way in for what a channel heard."""

        async def take(event: Event) -> Accepted:
            around = self._around
            whose = around and await around.installing.tenant_of(channel.name, event.account)
            own = self._own(channel, event, whose or self._tenant)
            accepted = await accept(own)
            if accepted.reply and not accepted.duplicate and own.kind not in CONTROL:
                await self._say(channel, own, accepted)
            return accepted

        return take

    def _own(self, channel: Channel, event: Event, tenant: TenantId) -> Event:
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
            tenant=tenant,
            channel=channel.name,
            conv=conv_key(channel.name, event.account, place.id, place.thread),
            sender=replace(event.sender, person=None),
            at=at,
        )

    async def _say(self, channel: Channel, event: Event, accepted: Accepted) -> None:
        """Answer a command or a decision; it stands in the transcript in any case.

        A platform that is slow, or full, holds up neither its acknowledgement nor what comes next.
        """
        answers = self._answers.setdefault(channel.name, Afterwards(channel.name))
        saying = answers.add(_said(channel, event, accepted))
        if saying is not None:
            await asyncio.wait({saying}, timeout=SAY_S)

    async def _mind(self, channel: Channel, sink: Sink, troubles: Troubles) -> None:
        pause = FIRST_PAUSE_S
        state = self._states[channel.name]
        while True:
            task = asyncio.ensure_future(channel.run(sink))
            try:
                done, _ = await asyncio.wait({task}, timeout=UP_AFTER_S)
                if not done or (not task.cancelled() and task.exception() is None):
                    state.up, state.detail, pause = True, "listening", FIRST_PAUSE_S
                    await _surely(lambda: troubles.channel_up(self._tenant, channel.name))
                await task
                state.detail = "webhooks"
                return
            except (Exception, asyncio.CancelledError) as error:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                if isinstance(error, asyncio.CancelledError) and _is_stopped():
                    raise
                if isinstance(error, BotError):
                    log.warning("The channel %s broke: %s", channel.name, error.message)
                else:
                    log.exception("The channel %s broke; it begins again.", channel.name)
                state.up, state.detail = False, _why(error)
                await _surely(lambda: troubles.channel_down(self._tenant, channel.name))
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)


def _fits(path: str, asked: str) -> bool:
    """Whether an address is one of a channel's; `{name}` in it stands for any one part."""
    parts, told = path.split("/"), asked.split("/")
    return len(parts) == len(told) and all(
        part == word or (part.startswith("{") and word != "")
        for part, word in zip(parts, told, strict=True)
    )


async def _after(earlier: set[asyncio.Task[None]], listen: Listen, channel: Channel) -> None:
    """Listen when others have ended: two that do at once hear everything twice, or nothing."""
    if earlier:
        await asyncio.wait(earlier)
    await listen(channel)


async def _surely(tell: Callable[[], Awaitable[None]]) -> None:
    """Write down how a channel is, once the database takes it; a bug there ends no channel."""
    pause = FIRST_PAUSE_S
    while True:
        try:
            await tell()
            return
        except StoreError as error:
            log.warning("A channel's state waits for the database: %s", error.message)
        except Exception:
            log.exception("A channel's state cannot be written down.")
            return
        await asyncio.sleep(pause)
        pause = min(pause * 2, LONGEST_PAUSE_S)


def _why(error: BaseException) -> str:
    return error.message if isinstance(error, BotError) else f"broke: {type(error).__name__}"


def _is_stopped() -> bool:
    """Whether the house stops this task; else a channel ended itself in a strange way."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _said(channel: Channel, event: Event, accepted: Accepted) -> None:
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
        extra={"event": event.payload},
    )
    await channel.send(message)
