"""Keeping a connection's token fresh: one refresh at a time, in all processes together.

    fresh      a token that works for a while yet; renewed first if it does not
    mark       "a renewal is under way" is committed before the vendor is called
    store      the vendor's new tokens are committed before the access token is used, and the mark
               goes in the same commit

A mark that is found again was left by a process that died in between. Where a refresh ends the
refresh token before it, nobody knows what the vendor gave: the connection is broken and the owners
are told, instead of asking with a token that may be spent. So it is when the vendor's answer is
lost. Elsewhere the same token is asked with again.
A vendor's "no" to the grant is the end as well; its "not now" is waited for.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar
from weakref import WeakValueDictionary

from bot.core.errors import (
    BotError,
    ConnectionBroken,
    NotFound,
    OperatorError,
    StoreError,
    VendorError,
    VendorRefused,
)
from bot.core.ids import TenantId
from bot.core.secret import Secret
from bot.core.times import to_us
from bot.oauth.around import Around, Tokens
from bot.oauth.provider import Provider
from bot.oauth.wire import Busy, Declined, Grant, Wire
from bot.store import connections as rows
from bot.store.connections import Connection
from bot.store.keys import ValueRow

log = logging.getLogger(__name__)
T = TypeVar("T")

LEAD = timedelta(minutes=2)
"""So long before its end a token counts as over."""
AHEAD = timedelta(days=7)
"""So long before its end a long token is renewed, or its end is told."""
REST = timedelta(days=1)
"""A short token is renewed at its use, and else about so often, lest the grant be forgotten."""
WAIT_FIRST_S, WAIT_MOST_S = 30.0, 3_600.0
LOOK_S = 0.2
PATIENCE_S = 40.0
AT_ONCE = 8
"""Connections that are looked after at a time: one vendor that hangs holds up few others."""
CLOSE_S = 5.0
_DEAD = frozenset({"invalid_grant", "interaction_required", "consent_required", "login_required"})
"""Words by which a vendor says that only a person can mend it."""
_APP = frozenset({"invalid_client", "unauthorized_client", "bad_client_secret"})


def due(expires_at: datetime | None, lives_on: bool, now: datetime) -> datetime | None:
    """When somebody looks after a token; None when nothing ever needs to."""
    if expires_at is None:
        return None
    early = expires_at - AHEAD if expires_at - now > 2 * AHEAD else expires_at - LEAD
    return max(early, now + REST) if lives_on else early


class Reconnect(ConnectionBroken):
    """The connection to this service no longer works. An owner connects it again."""

    def __init__(self, message: str, link: str, **ids: str) -> None:
        super().__init__(f"{message} Connect it here: {link}", **ids)
        self.link = link


class Renewal:
    """Renews."""

    def __init__(self, around: Around) -> None:
        self._g = around
        self._tasks: set[asyncio.Future[Any]] = set()
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def fresh(
        self, tenant: TenantId, id_: str, refused: Secret | None = None
    ) -> tuple[Connection, Secret]:
        """A connection and its token that works; `refused`: one that the vendor has just refused.

        Raises Reconnect, NotFound, OperatorError (our app), VendorError (later).
        """
        item = await self._read(tenant, id_)
        if not self._is_old(item) and refused is None:
            return item, (await self._g.open(item)).access
        return await self._whole(self._fresh(item, refused))

    async def _fresh(self, item: Connection, refused: Secret | None) -> tuple[Connection, Secret]:
        async with self._alone(item):
            item = await self._read(item.tenant, item.id)
            tokens = await self._g.open(item)
            was_refused = refused is not None and tokens.access == refused
            if not self._is_old(item) and not was_refused:
                return item, tokens.access
            try:
                return await self._renew(item, tokens, was_refused=was_refused)
            except Busy:
                if was_refused or (item.expires_at and item.expires_at <= self._g.clock.now()):
                    raise
                return await self._read(item.tenant, item.id), tokens.access

    async def _whole(self, work: Coroutine[Any, Any, T]) -> T:
        """Do it to its end, also when whoever asked for it is stopped: a vendor's answer that is
        thrown away cannot be asked for again."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Wait a little for what is under way."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_S)

    async def prolong(self, tenant: TenantId, id_: str) -> None:
        """Renew what is due, whether or not it is used. Raises as `fresh` does."""
        await self._whole(self._prolong(await self._read(tenant, id_)))

    async def _prolong(self, item: Connection) -> None:
        async with self._alone(item):
            item = await self._read(item.tenant, item.id)
            if item.due_at and item.due_at <= self._g.clock.now():
                await self._renew(item, await self._g.open(item))

    async def tend(self) -> int:
        """Look after everything that is due; returns how many."""
        now = to_us(self._g.clock.now())
        found = await self._g.db.read(rows.due(now))
        few = asyncio.Semaphore(AT_ONCE)

        async def one(tenant: str, id_: str) -> None:
            async with few:
                try:
                    await self._tend(TenantId(tenant), id_)
                except BotError as error:
                    log.warning("A connection is not renewed: %s", error.message)
                    await self._rest(TenantId(tenant), id_, error)

        await asyncio.gather(*(one(tenant, id_) for tenant, id_ in found))
        return len(found)

    async def _rest(self, tenant: TenantId, id_: str, error: BotError) -> None:
        """Let others have their turn where only a person can mend what stopped a try."""
        if isinstance(error, StoreError | VendorError):
            return
        now = self._g.clock.now()
        with suppress(BotError):
            item = await self._g.db.read(rows.of(tenant, id_))
            if item and item.due_at and item.due_at <= now:
                await self._change(item, due_at=now + timedelta(seconds=WAIT_MOST_S))

    async def _tend(self, tenant: TenantId, id_: str) -> None:
        item = await self._g.db.read(rows.of(tenant, id_))
        if item is None:
            return
        if item.status == "broken":
            await self._tell(item, "broken")
        elif item.renewed:
            await self.prolong(tenant, id_)
        elif self._is_old(item):
            await self.broken(item, "It has come to its end.")
        else:
            await self._tell(replace(item, due_at=item.expires_at), "ends")

    def _is_old(self, item: Connection) -> bool:
        return item.expires_at is not None and item.expires_at - LEAD <= self._g.clock.now()

    async def _read(self, tenant: TenantId, id_: str) -> Connection:
        item = await self._g.db.read(rows.of(tenant, id_))
        if item is None:
            raise NotFound("There is no such connection here.")
        if item.status == "broken":
            raise self.lost(item)
        return item

    def lost(self, item: Connection) -> Reconnect:
        """What is said of a broken one."""
        title = self._g.services.load(item.provider).title
        link = self._g.link(item.provider, item.agent)
        return Reconnect(f"{title} is not connected any more: {item.error}", link)

    @asynccontextmanager
    async def _alone(self, item: Connection) -> AsyncIterator[None]:
        """Nobody else renews it, in this process or another."""
        lock = self._locks.setdefault(item.id, asyncio.Lock())
        name = f"oauth:{item.id}"
        async with lock:
            until = self._g.clock.monotonic() + PATIENCE_S
            while not await self._g.peers.take(name):
                if self._g.clock.monotonic() > until:
                    raise Busy("Another process renews this connection. Try again.")
                await asyncio.sleep(LOOK_S)
            try:
                yield
            finally:
                await asyncio.shield(self._g.peers.drop(name))

    async def _renew(
        self, item: Connection, tokens: Tokens, *, was_refused: bool = False
    ) -> tuple[Connection, Secret]:
        """With the lease in hand."""
        now, provider = self._g.clock.now(), self._g.services.load(item.provider)
        if item.retry_at and item.retry_at > now:
            raise Busy(
                f"{provider.title} asked us to wait.",
                retry_after_s=(item.retry_at - now).total_seconds(),
            )
        is_young = self._is_young(item, provider)
        if was_refused and (is_young or not item.renewed):
            await self.broken(item, "The service does not take its token any more.")
        if not item.renewed:
            await self.broken(item, "It has come to its end.")
        if item.renewing_at and _is_spent(provider):
            await self.broken(item, "A renewal was cut off, and its answer is lost.")
        if is_young:
            return await self._change(item, due_at=now + REST), tokens.access
        app = await self._g.apps.of(item.tenant, provider)
        if item.client and item.client != app.id:
            raise OperatorError(
                f"{provider.title} was connected by another app than the one that is set now. "
                "Set that one again, or connect it anew."
            )
        if not self._g.peers.holds():
            raise Busy("This process has lost touch with the others. Try again.")
        item = await self._change(item, renewing_at=now)
        wire = self._g.wire(provider, app)
        try:
            grant = await self._asked(wire, tokens)
        except BotError as error:
            await self._failed(item, provider, error)
            raise
        return await self._store(item, tokens, grant)

    async def _asked(self, wire: Wire, tokens: Tokens) -> Grant:
        if wire.provider.longer:
            return await wire.prolong(tokens.access)
        return await wire.refresh(tokens.refresh)

    def _is_young(self, item: Connection, provider: Provider) -> bool:
        """Whether the vendor would not renew it yet."""
        if provider.longer is None or item.token_at is None or self._is_old(item):
            return False
        return self._g.clock.now() - item.token_at < provider.longer.young

    async def _store(
        self, item: Connection, old: Tokens, grant: Grant
    ) -> tuple[Connection, Secret]:
        """Commit what the vendor gave, then let it be used."""
        now, provider = self._g.clock.now(), self._g.services.load(item.provider)
        tokens = Tokens(access=grant.access, refresh=grant.refresh or old.refresh)
        until = item.refresh_until
        if provider.longer is None and not (provider.refresh_fixed and until):
            until = grant.refresh_until
        granted = item.granted
        if grant.scopes is not None:
            asked = tuple(item.asked.split())
            granted = " ".join(provider.granted(grant.scopes, asked))
        new = await self._change(
            item,
            await self._g.seal(item, tokens),
            granted=granted,
            expires_at=grant.expires_at,
            refresh_until=until,
            token_at=now,
            due_at=due(grant.expires_at, True, now),
            renewing_at=None,
            retry_at=None,
            tries=0,
            told=0,
            error="",
        )
        if item.told:
            await self._g.told(new, "works")
        if provider.refresh_fixed and until and grant.expires_at and until < grant.expires_at:
            new = await self._tell(new, "ends")
        self._g.strongroom.hide(tokens.access, tokens.refresh)
        return new, tokens.access

    async def _failed(self, item: Connection, provider: Provider, error: BotError) -> None:
        """Write down what became of a try. Raises Reconnect when it was the last."""
        now = self._g.clock.now()
        if isinstance(error, Declined):
            if error.word in _DEAD or error.word in provider.dead:
                await self.broken(item, "The service does not renew it any more.")
            said = error.message
            if error.word in _APP:
                said = "The service does not take the secret of the app. Set it anew."
            wait = timedelta(seconds=WAIT_MOST_S)
            await self._change(
                item, renewing_at=None, retry_at=now + wait, due_at=now + wait, error=said
            )
            if error.word in _APP:
                raise OperatorError(f"{provider.title}: {said}") from None
            return
        is_lost = not isinstance(error, VendorRefused)
        if is_lost and _is_spent(provider):
            await self.broken(item, "The answer to a renewal was lost.")
        tries = item.tries + 1
        backoff = min(WAIT_FIRST_S * 2 ** (tries - 1), WAIT_MOST_S)
        wait = timedelta(seconds=max(backoff, getattr(error, "retry_after_s", None) or 0.0))
        await self._change(
            item,
            renewing_at=None,
            retry_at=now + wait,
            due_at=now + wait,
            tries=tries,
            error=error.message,
        )

    async def broken(self, item: Connection, why: str, tokens: ValueRow | None = None) -> None:
        """Mark it, tell the owners once; `tokens`: what is kept of them. Raises Reconnect."""
        now, was = self._g.clock.now(), item.status
        told = {"status": "broken", "error": why, "renewing_at": None, "due_at": now}
        item = await self._change(item, tokens, was, **told)
        await self._tell(item, "broken")
        raise self.lost(item)

    async def _tell(self, item: Connection, what: str) -> Connection:
        """Tell the owners, and write down that they know; a death between the two tells again."""
        level = {"ends": 1, "broken": 2}[what]
        if item.told < level:
            await self._g.told(item, what)
        due_at = None if what == "broken" else item.due_at
        return await self._change(item, told=level, due_at=due_at)

    async def _change(
        self,
        item: Connection,
        tokens: ValueRow | None = None,
        status_was: str = "",
        **fields: object,
    ) -> Connection:
        """Write a change. Raises NotFound when it was overtaken: then it is another's to do."""
        new = replace(item, version=item.version + 1, **fields)  # type: ignore[arg-type]
        at = to_us(self._g.clock.now())
        if not await self._g.db.write(rows.change(new, at, tokens, status_was)):
            raise NotFound("This connection was changed or let go of in the meantime.")
        return new


def _is_spent(provider: Provider) -> bool:
    """Whether a renewal may end what it is asked by."""
    return provider.longer is None and provider.rotates
