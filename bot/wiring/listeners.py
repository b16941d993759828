"""Platforms outside, listening: their channels made, minded, begun again, and never trusted.

A channel says what happened; who it was and whose tenant it is comes from here. One that cannot be
made is named; one that breaks is begun again after a pause, and its owner is told.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Protocol

from aiohttp import web

from bot.core.canonical import Json
from bot.core.channel import Channel, Outbound, Sink
from bot.core.effect import EffectKind
from bot.core.errors import (
    BotError,
    Conflict,
    Invalid,
    NotFound,
    OperatorError,
    StoreError,
)
from bot.core.event import CONTROL, Event, Kind, Trust
from bot.core.ids import EffectId, EventId, TenantId, conv_key
from bot.core.ports import Accepted, Clock, new_id
from bot.platforms.background import Background
from bot.platforms.carriers import Carriers
from bot.platforms.lent import Offer
from bot.platforms.listening import State, ended, step, why
from bot.troubles import Troubles
from bot.web.body import MAX_TEXT
from bot.web.parts import Access, Route

log = logging.getLogger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
SAY_S = 0.5
"""How long an acknowledgement waits for the answer to a command; then that follows on its own."""
_OURS = frozenset({Kind.TICK, Kind.SETTLED})
MAX_ID = 500

WEBHOOKS = "/tenants"
"""Before a tenant's id and its webhooks; the first tenant's have nothing before them."""
Key = tuple[TenantId, str]
"""A tenant and the name of its channel."""
Listen = Callable[[TenantId, Channel], Coroutine[object, None, None]]
Accept = Callable[[Event], Awaitable[Accepted]]


class Installing(Protocol):
    """Where platforms' apps are installed."""

    async def tenant_of(self, channel: str, account: str) -> TenantId | None:
        """Whose an account is; None for the house's own. Raises NotFound for a lost one."""
        ...


class Around(Protocol):
    """What stands around the listeners."""

    @property
    def installing(self) -> Installing: ...


class Listeners:
    """The platforms outside that a house listens to."""

    def __init__(
        self, offers: Sequence[Offer], tenant: TenantId, clock: Clock, around: Around | None = None
    ) -> None:
        """`offers` are `tenant`'s, the first one's, and so is all that they hear but what `around`
        knows to be installed for another.
        """
        self._around = around
        self._clock = clock
        self._tenant = tenant
        self.carriers = Carriers(tenant)
        self._problems: dict[Key, str] = {}
        """Why a channel could not be made."""
        self._states: dict[Key, State] = {}
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._ending: dict[Key, set[asyncio.Task[None]]] = {}
        """Tasks that were cancelled and may not have ended."""
        self._answers: dict[Key, Background] = {}
        self._listen: Listen | None = None
        """How a channel is listened to, once the house runs."""
        self._troubles: Troubles | None = None
        for offer in offers:
            self.take(tenant, offer)

    def take(self, tenant: TenantId, offer: Offer) -> bool:
        """Make a tenant's channel and listen on it, and no more on one of its name; what cannot be
        made is named. Returns whether it waits for another tenant to let go of its token.
        """
        waits = False
        try:
            channel = offer.make()
            self.check_free(tenant, channel)
            self.put(tenant, channel)
            return False
        except (OperatorError, Conflict) as error:
            why, waits = error.message, isinstance(error, Conflict)
            if self._problems.get((tenant, offer.name)) != why:
                log.warning("The channel %s is off: %s", offer.name, why)
        except Exception as error:
            log.warning("The channel %s cannot be made.", offer.name, exc_info=error)
            why = str(error) or type(error).__name__
        self.remove(tenant, offer.name)
        self._problems[tenant, offer.name] = why
        return waits

    def check_free(self, tenant: TenantId, channel: Channel) -> None:
        """Raises Conflict where another tenant listens with the very token, which only one can.

        A channel with such a token has `sole`, a hash of it.
        """
        sole = getattr(channel, "sole", "")
        for whose, other in self.carriers.all() if sole else ():
            if whose != tenant and other.name == channel.name and other.sole == sole:  # type: ignore[attr-defined]
                raise Conflict(
                    f"This bot of {channel.name} is connected in another part of this house. Let "
                    "go of it there, or make a bot of your own."
                )

    def of(self, tenant: TenantId, name: str) -> Channel | None:
        """A tenant's own channel of a platform."""
        return self.carriers.own(tenant, name)

    def states(self, tenant: TenantId) -> list[Mapping[str, Json]]:
        """`{name, up, detail}` of each of a tenant's, as `/v1/status` shows them, and `behind`
        where a channel says that its app at the platform may do less than it asks for by now.
        """
        found: list[Mapping[str, Json]] = [
            {
                "name": name,
                "up": state.up and not ails,
                "detail": ails or state.detail,
                **({"behind": behind} if behind else {}),
            }
            for (whose, name), state in self._states.items()
            for ails, behind in (_said_of(self.of(whose, name)),)
            if whose == tenant
        ]
        found += [
            {"name": name, "up": False, "detail": why}
            for (whose, name), why in self._problems.items()
            if whose == tenant
        ]
        return found

    def routes(self) -> list[Route]:
        """Their webhooks; each proves by itself who is calling."""
        return [
            Route(method=method, path=path, handler=handler, access=Access.OPEN, page=True)
            for path, handler in (
                ("/webhooks/{channel}/{rest:.*}", self._webhook),
                (WEBHOOKS + "/{tenant}/webhooks/{channel}/{rest:.*}", self._guests_webhook),
            )
            for method in ("GET", "POST")
        ]

    async def run(self, accept: Accept, troubles: Troubles) -> None:
        """Listen on all of them until cancelled."""

        def listen(tenant: TenantId, channel: Channel) -> Coroutine[object, None, None]:
            return self._mind(tenant, channel, self.sink(channel, accept, tenant), troubles)

        self._listen, self._troubles = listen, troubles
        for tenant, channel in self.carriers.all():
            self._tasks[tenant, channel.name] = asyncio.create_task(listen(tenant, channel))
        try:
            await asyncio.Event().wait()
        finally:
            for key in list(self._tasks):
                self._end(key)
            ending = (task for tasks in self._ending.values() for task in tasks)
            await asyncio.gather(*ending, return_exceptions=True)
            for answers in self._answers.values():
                await answers.end()

    def put(self, tenant: TenantId, channel: Channel) -> None:
        """Listen on this one as well, once an earlier one of its name has ended."""
        key = (tenant, channel.name)
        self.remove(*key)
        self.carriers.put(tenant, channel)
        self._states[key] = State()
        if self._listen:
            earlier = set(self._ending.get(key, ()))
            listening = _after(earlier, self._listen, tenant, channel)
            self._tasks[key] = asyncio.create_task(listening)

    def remove(self, tenant: TenantId, name: str) -> None:
        """Listen on this one no more."""
        self.carriers.drop(tenant, name)
        self._states.pop((tenant, name), None)
        self._problems.pop((tenant, name), None)
        self._end((tenant, name))

    async def tidy(self, tenant: TenantId) -> None:
        """Forget what ailed channels that a tenant has no more. Raises StoreError."""
        if self._troubles:
            names = {str(state["name"]) for state in self.states(tenant)}
            await self._troubles.channels_left(tenant, names)

    def _end(self, key: Key) -> None:
        if task := self._tasks.pop(key, None):
            ending = self._ending.setdefault(key, set())
            ending.add(task)
            task.add_done_callback(ending.discard)
            task.cancel()

    async def _webhook(self, request: web.Request) -> web.StreamResponse:
        return await self._heard(self._tenant, request)

    async def _guests_webhook(self, request: web.Request) -> web.StreamResponse:
        """One of another tenant's, below an address of its own."""
        tenant = TenantId(request.match_info["tenant"])
        if tenant == self._tenant:
            raise NotFound("There is no such webhook.")
        below = str(request.rel_url).removeprefix(webhooks_of(tenant))
        return await self._heard(tenant, request.clone(rel_url=below))

    def _called(self, tenant: TenantId, name: str) -> Channel | None:
        """A tenant's channel of this name, or the one that its `vendor` calls by its own."""
        theirs = self.carriers.of(tenant).values()
        named = (each for each in theirs if getattr(each, "vendor", "") == name)
        return self.of(tenant, name) or next(named, None)

    async def _heard(self, tenant: TenantId, request: web.Request) -> web.StreamResponse:
        channel = self._called(tenant, request.path.split("/")[2])
        asked = "GET" if request.method == "HEAD" else request.method  # its body is left off
        for method, path, handler in channel.routes() if channel else ():
            if method == asked and _fits(path, request.path):
                found = await handler(request)
                if not isinstance(found, web.StreamResponse):
                    raise TypeError(f"A webhook answers a response, not {type(found).__name__}.")
                return found
        raise NotFound("There is no such webhook.")

    def sink(self, channel: Channel, accept: Accept, tenant: TenantId | None = None) -> Sink:
        """The one way in for what a tenant's channel heard; without one, the first tenant's."""
        owner = tenant or self._tenant

        async def take(event: Event) -> Accepted:
            around = self._around if owner == self._tenant else None
            whose = around and await around.installing.tenant_of(channel.name, event.account)
            own = self._own(channel, event, whose or owner)
            accepted = await accept(own)
            if accepted.reply and not accepted.duplicate and own.kind not in CONTROL:
                await self._say((owner, channel.name), channel, own, accepted)
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

    async def _say(self, key: Key, channel: Channel, event: Event, accepted: Accepted) -> None:
        """Answer a command or a decision; it stands in the transcript in any case.

        A platform that is slow, or full, holds up neither its acknowledgement nor what comes next.
        """
        answers = self._answers.setdefault(key, Background(channel.name))
        saying = answers.add(_said(channel, event, accepted))
        if saying is not None:
            await asyncio.wait({saying}, timeout=SAY_S)

    async def _mind(
        self, tenant: TenantId, channel: Channel, sink: Sink, troubles: Troubles
    ) -> None:
        pause = FIRST_PAUSE_S
        state = self._states[tenant, channel.name]
        state.is_minded()
        while True:
            state.waits = False
            task = asyncio.ensure_future(channel.run(sink))
            try:
                done = await ended(task, state)
                if not done or (not task.cancelled() and task.exception() is None):
                    state.up, state.detail, pause = True, "listening", FIRST_PAUSE_S
                    await _surely(lambda: troubles.channel_up(tenant, channel.name))
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
                state.up, state.detail = False, why(error)
                down = partial(troubles.channel_down, tenant, channel.name, step(channel, error))
                await _surely(down)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)


def _said_of(channel: Channel | None) -> tuple[str, str]:
    """What a channel says ails it though it listens, and what its app lacks."""
    return str(getattr(channel, "ails", "")), str(getattr(channel, "behind", ""))


def _fits(path: str, asked: str) -> bool:
    """Whether an address is one of a channel's; `{name}` in it stands for any one part."""
    parts, told = path.split("/"), asked.split("/")
    return len(parts) == len(told) and all(
        part == word or (part.startswith("{") and word != "")
        for part, word in zip(parts, told, strict=True)
    )


async def _after(
    earlier: set[asyncio.Task[None]], listen: Listen, tenant: TenantId, channel: Channel
) -> None:
    """Listen when others have ended: two that do at once hear everything twice, or nothing."""
    if earlier:
        await asyncio.wait(earlier)
    await listen(tenant, channel)


def webhooks_of(tenant: TenantId) -> str:
    """What stands before the webhooks of a tenant that is not the first."""
    return f"{WEBHOOKS}/{tenant}"


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
