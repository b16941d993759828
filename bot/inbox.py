"""The one door: everything that happens outside enters here and is safe when `accept` returns.

It counts the sender's rate, stores the event in one commit (together with the claim of its
conversation when a seat is free, which saves a commit), and wakes the turns. Presses, forms and
the commands that must work while a turn is running have no place in a conversation's order: they
go to the controls, which apply them in the transaction that stores them.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from bot.core.conversation import Claim
from bot.core.errors import LimitReached, OperatorError, StoreError
from bot.core.event import CONTROL, Event
from bot.core.ids import TenantId
from bot.core.ports import Accepted, Clock, new_id
from bot.core.times import to_us
from bot.limits import Buckets, Rate
from bot.points import point
from bot.store import albums, turns
from bot.store import inbox as rows
from bot.store.arrivals import Ingested
from bot.store.recent import Known, Recent
from bot.store.script import Database, Script, restartable_by


class Seats(Protocol):
    """The open turns of this process."""

    async def enter(self, tenant: TenantId) -> str:
        """Wait until an event may be stored; the owner's name when its turn may open, else empty.

        Then `entered` must be called.
        """
        ...

    def entered(self, tenant: TenantId, owner: str) -> None:
        """It is stored, or will not be; `owner` as `enter` told."""
        ...

    def start(self, claim: Claim) -> None:
        """Run a turn that is already claimed."""
        ...

    def wake(self) -> None:
        """Look for work."""
        ...

    def unsure(self) -> None:
        """A claim may have been made whose answer never came: look for it."""
        ...


CONTROL_MARKS = tuple("/ OoNnEeAaTtLlSs")
"""First letters of `/stop` and of the words before a code; anything else is no control."""

Control = Callable[[Event, str], Awaitable[Accepted | None]]
"""Applies an event (with its body's hash) that decides something; None: it is an ordinary one."""


class Inbox:
    """Accepts events."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        seats: Seats,
        control: Control,
        sender: Rate,
        recent: Recent | None = None,
    ) -> None:
        """`recent` is what turns that end leave for those that come; none: all is read."""
        self._db = db
        self._clock = clock
        self._seats = seats
        self._control = control
        self._sender = sender
        self._recent = recent or Recent(clock)
        self._buckets = Buckets(clock)
        self.closed = ""
        """Why nothing more is taken in; empty as long as everything is."""

    async def accept(self, event: Event, body_hash: str = "") -> Accepted:
        """Store an event once and durably.

        Raises LimitReached, and OperatorError when it is closed, before anything is stored.
        """
        if self.closed:
            raise OperatorError(self.closed)
        sender = (event.tenant, event.channel, event.account, event.sender.ext_id)
        if wait := self._buckets.take(sender, self._sender):
            raise LimitReached(
                f"Too many messages in a short time. Wait {wait:.0f} seconds and write again."
            )
        is_marked = event.text[:1] in CONTROL_MARKS or "misplaced" in event.payload
        if event.kind in CONTROL or is_marked:
            done = await self._control(event, body_hash)
            if done:
                return done
        return await self.store(event, body_hash)

    async def store(self, event: Event, body_hash: str = "") -> Accepted:
        """Store an event for a turn, without asking the controls."""
        now = to_us(self._clock.now())
        ids = (new_id(self._clock, "cnv"), new_id(self._clock, "msg"))
        owner = await self._seats.enter(event.tenant)
        known = self._recent.known(event.tenant, event.conv)
        point("accept.before_commit")
        try:
            got, claim = await self._db.write(arrive(event, ids, now, body_hash, owner, known))
        except (StoreError, asyncio.CancelledError):
            self._seats.unsure()  # it may be stored and claimed all the same
            raise
        finally:
            self._seats.entered(event.tenant, owner)
        point("accept.after_commit")
        if claim:
            self._recent.opened(claim, got.said)
            self._seats.start(claim)
        elif not got.duplicate:
            self._seats.wake()
            if albums.is_part(event):
                pause = albums.HOLD_US / 1e6 + 0.01
                asyncio.get_running_loop().call_later(pause, self._seats.wake)
        return Accepted(
            event=got.event,
            conv=got.conv.id,
            duplicate=got.duplicate,
            same=got.same,
            queued=not claim and not owner and not albums.is_part(event),
        )


@restartable_by(lambda event, *_: f"{event.tenant} {event.conv}")
def arrive(
    event: Event,
    ids: tuple[str, str],
    now: int,
    body_hash: str,
    owner: str,
    known: Known | None = None,
) -> Script[tuple[Ingested, Claim | None]]:
    """Store an event and, for an owner with a free seat, claim its conversation as well."""
    if albums.is_part(event):
        return (yield from albums.ingest(event, ids, now, body_hash)), None
    got = yield from rows.ingest(event, ids, now, body_hash, owner, known)
    return got, turns.begin(event, got) if got.claimed else None
