"""Where each kind of message goes that agents post unasked, as an owner says it.

An agent names the kind (news, alarms) and not the place; so a team moves its alarms to another
channel once, and no agent has to be told. What stands in `[bulletins.PLATFORM]` of the settings is
the first tenant's and is changed there alone; the rest is kept by tenant and kind. Sending is the
tools' (`tools/messages`), through `bot/platforms/outgoing.py`.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from difflib import get_close_matches

from bot.config.values import kind_name, place_platform
from bot.core.errors import Conflict, Invalid, NotFound
from bot.core.ids import TenantId
from bot.core.ports import Clock
from bot.core.times import to_us
from bot.platforms.lent import Spot
from bot.store import bulletins as rows
from bot.store.bulletins import Bulletin
from bot.store.script import Database

MAX_BULLETINS = 200
NAMED = 12

Find = Callable[[TenantId, str, str], Awaitable[Spot]]


class Bulletins:
    """The kinds, and their places."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        find: Find,
        told: Mapping[str, Mapping[str, str]],
        home: TenantId,
    ) -> None:
        """`find` finds a tenant's place on a platform by its name; `told` is what the settings say
        of `home`, by platform and kind."""
        self._db = db
        self._clock = clock
        self._find = find
        self._told = told
        self._home = home

    async def listed(self, tenant: TenantId, channel: str = "") -> Sequence[Bulletin]:
        """A tenant's kinds, by platform and name; of one platform where it is named."""
        found = {
            (each.channel, each.kind): each for each in await self._db.read(rows.listed(tenant))
        }
        if tenant == self._home:  # what stands in the settings holds
            found |= {
                (name, kind): Bulletin(
                    kind=kind, channel=name, place=place, name=place, is_set=True
                )
                for name, kinds in self._told.items()
                for kind, place in kinds.items()
            }
        return [each for _, each in sorted(found.items()) if channel in ("", each.channel)]

    async def of(self, tenant: TenantId, channel: str, kind: str) -> Bulletin:
        """One kind. Raises NotFound with those that there are."""
        there = {each.kind: each for each in await self.listed(tenant, channel)}
        wanted = kind.strip().lower()
        if wanted in there:
            return there[wanted]
        if not there:
            raise NotFound(
                f"No kinds of messages are set for {channel.capitalize()}. Name the place instead."
            )
        near = get_close_matches(wanted, there, n=1)
        hint = f"Did you mean {near[0]}? " if near else ""
        raise NotFound(
            f"There is no kind of messages called {wanted} on {channel.capitalize()}. {hint}"
            f"There are: {', '.join(list(there)[:NAMED])}."
        )

    async def put(
        self, tenant: TenantId, channel: str, kind: str, named: str, actor: str
    ) -> Bulletin:
        """Let this kind go to the place of this name or id from the next message on.

        Raises Invalid, Conflict, NotFound, ConnectionBroken, VendorError.
        """
        kind = self._changeable(tenant, channel, kind)
        known = await self._db.read(rows.listed(tenant))
        is_new = (channel, kind) not in {(each.channel, each.kind) for each in known}
        if is_new and len(known) >= MAX_BULLETINS:
            raise Invalid(f"There are {MAX_BULLETINS} kinds already. Remove some first.")
        spot = await self._find(tenant, channel, named)
        item = Bulletin(kind=kind, channel=channel, place=spot.id, name=spot.name)
        await self._db.write(rows.put(tenant, item, to_us(self._clock.now()), actor))
        return item

    async def remove(self, tenant: TenantId, channel: str, kind: str, actor: str) -> None:
        """Let agents name places again. Raises Invalid, Conflict, NotFound."""
        kind = self._changeable(tenant, channel, kind)
        at = to_us(self._clock.now())
        if not await self._db.write(rows.remove(tenant, channel, kind, at, actor)):
            raise NotFound(f"There is no kind of messages called {kind} on {channel.capitalize()}.")

    def _changeable(self, tenant: TenantId, channel: str, kind: str) -> str:
        """The kind's name. Raises Invalid, Conflict."""
        kind = kind.strip().lower()
        for field, check, value in (
            ("channel", place_platform, channel),
            ("kind", kind_name, kind),
        ):
            try:
                check(value)
            except ValueError as error:
                raise Invalid(str(error), field=field) from None
        if tenant == self._home and kind in self._told.get(channel, {}):
            raise Conflict(f"[bulletins.{channel}] {kind} stands in the settings. Change it there.")
        return kind
