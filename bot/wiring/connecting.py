"""Connecting a platform while the house runs: its tokens are tried, sealed and listened with.

What stands in the settings stands there for good; what is connected here is kept sealed in the
vault and found again at the next start. A channel that cannot be made is not kept.
"""

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence

from bot.core.canonical import Json
from bot.core.channel import Channel
from bot.core.errors import BotError, Conflict, Invalid, NotFound, OperatorError, StoreError
from bot.core.ids import TenantId
from bot.core.people import Person
from bot.core.secret import Secret
from bot.core.times import to_us
from bot.files.library import Library
from bot.platforms.bulletins import Bulletins
from bot.platforms.carriers import is_shared
from bot.platforms.checking import UNASKED, Checked, Checks, greet
from bot.platforms.installing import Installing
from bot.platforms.installs import Installs
from bot.platforms.lent import Offer, Options, Spot
from bot.platforms.outgoing import Outgoing
from bot.platforms.places import Places
from bot.services.paying import NAME as PAYMENTS
from bot.services.paying import Paying
from bot.services.payment_news import Around as NewsAround
from bot.services.payment_news import PaymentNews
from bot.services.sites import NAMES as SITES
from bot.services.sites import Sites
from bot.store import audit, installs
from bot.store.installs import Install
from bot.store.people import tenants
from bot.strongroom import Strongroom
from bot.vault import SecretUnreadable
from bot.web.parts import Route
from bot.wiring.lender import HOLD_S, Lender
from bot.wiring.listeners import Listeners
from bot.wiring.setup import (
    channel_bound,
    channel_load,
    channel_manifest,
    channel_names,
    channel_offer,
    channel_own,
    channel_own_ways,
    channel_wants,
    channel_ways,
    has_manifest,
)

log = logging.getLogger(__name__)

OWN_ONLY: Options = {"agent_apps": True}
"""The options of a platform on which only agents with apps of their own are spoken to."""
_FILES: Mapping[str, str] = {":guild": "discord", ":_blog_own": "blog"}
"""What tools act by whose file is not called by it."""
LOOK_S = 60.0
"""How often a process looks what others connected, if it heard nothing of it."""
CHANGED = "channels"
"""What another process is told when something was connected, or let go of."""
FIELD = "channel"
"""Under which a channel's options are sealed, as JSON."""


class Connecting:
    """The platforms that an owner connected."""

    def __init__(self, strongroom: Strongroom, lend: Lender) -> None:
        self.paying = Paying(lend.payments)
        """Listed beside the platforms, and every tenant's own."""
        self.sites = Sites(lend.sites)
        """The same for the blog's own site."""
        self._strongroom = strongroom
        self._lend = lend
        self._set = frozenset(lend.settings.channels)
        """Those that stand in the settings, where nobody changes them from here."""
        self._heard: dict[tuple[TenantId, str], Options] = {}
        """What is listened on, of what was connected."""
        self._waiting: set[tuple[TenantId, str]] = set()
        """Those whose token another tenant has: they are tried again."""
        self._looking = asyncio.Lock()
        self._checks = Checks(lend.clock)
        self.listeners: Listeners
        """Set once the first channels are made."""

    @property
    def places(self) -> Places:
        """What is answered in places."""
        return self._lend.places

    @property
    def bulletins(self) -> Bulletins:
        """Where each kind of message goes that agents post unasked."""
        lend = self._lend
        told = lend.settings.bulletins
        find = Outgoing(self._of, None, shared_of=self._shared).place
        return Bulletins(lend.db, lend.clock, find, told, lend.tenant)

    @property
    def outgoing(self) -> Outgoing:
        """Where the tools that send messages send them."""
        return Outgoing(self._of, Library(self._lend.files), self.bulletins, self._shared)

    def _of(self, tenant: TenantId, name: str) -> Channel | None:
        return self.listeners.of(tenant, name)

    async def _shared(self, tenant: TenantId, name: str) -> tuple[Channel | None, Sequence[str]]:
        """The platform's app that a tenant has installed in workspaces, and their accounts."""
        shared = self.listeners.of(self._lend.tenant, name)
        if not is_shared(shared):
            return None, ()
        there = await self._lend.db.read(installs.listed(tenant, name))
        return shared, [each.account for each in there if _speaks(each)]

    @property
    def installing(self) -> Installing:
        """Where the platforms' apps are installed."""
        return Installing(self._lend.around, lambda: self.listeners.carriers.of(self._lend.tenant))

    def connected(self, tenant: TenantId, name: str) -> str:
        """What a tenant's service is connected by, or the platform of a tool's file (`:slack`), in
        a word that says nothing of it; empty where nothing is. Another word for another account: a
        yes holds for one alone, whatever else is set.
        """
        if not name.startswith(":"):
            return self.paying.connected(tenant, name)
        settings, platform = self._lend.settings, _FILES.get(name, name[1:])
        by: list[object] = []
        if options := self._options(tenant, platform):
            by.append(channel_bound(platform, name[1:], options))
        if tenant == self._lend.tenant and platform == "teams":
            by.append(settings.workflow.teams_url.reveal())
        if tenant == self._lend.tenant and platform == "blog":
            by += [str(settings.blog.folder), settings.blog.webhook_url]
        if not (options or any(by)):
            return ""
        told = json.dumps(by, sort_keys=True)
        return f"{platform}:{self._strongroom.vault.lookup(platform, told)[:16]}"

    def _options(self, tenant: TenantId, name: str) -> Options:
        if self._stands(tenant, name):
            return self._lend.settings.channels[name]
        return self._heard.get((tenant, name), {})

    def routes(self) -> Sequence[Route]:
        """Where Stripe tells of payments."""
        lend = self._lend
        around = NewsAround(
            db=lend.db,
            clock=lend.clock,
            paying=self.paying,
            inbox=lambda: lend.engine().inbox,
            home=lend.tenant,
        )
        return PaymentNews(around).routes()

    async def offers(self) -> list[Offer]:
        """What the settings say, and what was connected besides; who is paid is read as well."""
        await self.paying.load()
        told: dict[str, Options] = dict(self._lend.settings.channels)
        kept, lost = await self._kept(self._lend.tenant)
        for name, options in kept.items():
            if name not in self._set:
                told[name] = options
                self._heard[self._lend.tenant, name] = options
        made = [channel_offer(name, self._lend(name, options)) for name, options in told.items()]
        return made + [_shut(name, why) for name, why in lost.items() if name not in told]

    async def watch(self) -> None:
        """Look now and again until cancelled: another process may die before it says a word."""
        while True:
            try:
                await self.look()
            except Exception:
                log.exception("Platforms could not be looked for.")
            await asyncio.sleep(LOOK_S)

    async def look(self) -> None:
        """Listen on whatever any tenant has connected by now, here or at another process."""
        async with self._looking:
            for tenant in await self._elsewhere():
                try:
                    kept, lost = await self._kept(tenant)
                except BotError as error:
                    log.warning("The platforms of %s stay as they are: %s", tenant, error.message)
                    continue
                there = {**kept, **lost}
                gone = [n for whose, n in self._heard if whose == tenant and n not in there]
                for name in gone:
                    del self._heard[tenant, name]
                    self.listeners.remove(tenant, name)
                for name, options in kept.items():
                    await self._hear(tenant, name, options)
                for name, why in lost.items():  # what is listened on already goes on
                    if (tenant, name) not in self._heard and not self._stands(tenant, name):
                        self.listeners.take(tenant, _shut(name, why))
                if gone or self._lend.peers.many == 1:  # others may have what is lacking here
                    await self.listeners.tidy(tenant)

    async def _hear(self, tenant: TenantId, name: str, options: Options) -> None:
        key = (tenant, name)
        if self._stands(*key) or (self._heard.get(key) == options and key not in self._waiting):
            return
        if name in channel_names():
            await asyncio.to_thread(channel_load, name)
        self._heard[key] = options
        self._waiting.discard(key)
        if self.listeners.take(tenant, channel_offer(name, self._lend(name, options, tenant))):
            self._waiting.add(key)

    def _stands(self, tenant: TenantId, name: str) -> bool:
        """Whether it stands in the settings."""
        return tenant == self._lend.tenant and name in self._set

    async def _elsewhere(self) -> Sequence[TenantId]:
        while True:
            try:
                return [tenant.id for tenant in await self._lend.db.read(tenants())]
            except StoreError as error:
                log.warning("Other tenants' platforms wait for the database: %s", error.message)
                await asyncio.sleep(HOLD_S)

    async def _kept(
        self, tenant: TenantId
    ) -> tuple[Mapping[str, Options], Mapping[str, SecretUnreadable]]:
        """The options of each platform that a tenant connected, and those that cannot be read."""
        kept, lost = await self._strongroom.readable(tenant, FIELD)
        told = {name: json.loads(told.reveal()) for name, told in kept.items() if told.reveal()}
        return told, lost

    async def listed(self, actor: Person) -> Sequence[Json]:
        """`{name, up, detail, wants, ways, own, own_ways, manifest}` of each."""
        services = [self.paying.listed(actor), *await self.sites.listed(actor)]
        states = {str(state["name"]): state for state in self.listeners.states(actor.tenant)}
        names = dict.fromkeys([*channel_names(), *states])
        told = await asyncio.to_thread(
            lambda: {
                name: {
                    "wants": list(channel_wants(name)),
                    "ways": list(channel_ways(name)),
                    "own": list(channel_own(name)),
                    "own_ways": list(channel_own_ways(name)),
                }
                for name in names
            }
        )
        off: dict[str, Json] = {"up": False, "detail": "not connected"}
        return [
            {
                **off,
                **states.get(name, {}),
                "name": name,
                **told[name],
                "manifest": has_manifest(name),
            }
            for name in names
        ] + services

    def manifest(
        self, actor: Person, name: str, by_socket: bool, agent: str = ""
    ) -> Mapping[str, Json]:
        """`{version, manifest}` for the platform's own page to make an app of. Raises NotFound.

        Told by HTTP where the house can be reached from outside, unless `by_socket`. `agent`: of an
        app that is this agent's own.
        """
        whose = self._agent(actor, name, agent) if agent else None
        hears = self._lend.tenant if whose else actor.tenant  # agents' apps rest on the first's
        address = "" if by_socket else self._lend.address(hears)
        version, found = channel_manifest(name, address, whose)
        return {"version": version, "manifest": found}

    def _agent(self, actor: Person, name: str, agent: str) -> tuple[str, str]:
        """Name and title. Raises NotFound for a platform or an agent that cannot have an app."""
        if not channel_own(name):
            raise NotFound(f"On {name} agents have no apps of their own.")
        found = self._lend.team.get(actor.tenant, agent)
        if found is None:
            raise NotFound(f"There is no agent called {agent}.")
        return found.name, found.title

    async def own(
        self, actor: Person, name: str, agent: str, options: Options
    ) -> Mapping[str, Json]:
        """Let an agent have an app of its own there. Raises NotFound, Conflict, Invalid.

        The first one makes the platform listen, where nobody connected it before.
        """
        whose, _ = self._agent(actor, name, agent)
        is_first = self.listeners.of(self._lend.tenant, name) is None
        if is_first:
            self._check_home(actor, name)
            await self.put(actor, name, OWN_ONLY)
        try:
            return await self.installing.own(actor, name, whose, options)
        except BotError:
            if is_first and self._heard.get((actor.tenant, name)) == OWN_ONLY:
                await self.remove(actor, name)  # unless somebody connected it meanwhile
            raise

    async def put(
        self, actor: Person, name: str, options: Options, *, is_unchecked: bool = False
    ) -> Checked:
        """Listen with these options from now on, if the platform takes them.

        Raises NotFound, Conflict, Invalid: nothing was changed. NotChecked where the platform could
        not be asked, unless `is_unchecked`.
        """
        if name == PAYMENTS:
            await self.paying.put(actor, options)
            return Checked()
        if name in SITES:
            await self.sites.put(actor, name, options)
            return Checked()
        if name not in channel_names():
            raise NotFound(f"There is no platform {name}. There are: {', '.join(channel_names())}.")
        if self._stands(actor.tenant, name):
            raise Conflict(
                f"[channels.{name}] stands in the settings. Change it there and start again."
            )
        await asyncio.to_thread(channel_load, name)  # what it imports holds nobody up
        try:
            channel = channel_offer(name, self._lend(name, options, actor.tenant)).make()
        except OperatorError as error:
            raise Invalid(error.message) from error
        told = Secret(json.dumps(dict(options)))
        await self.look()  # another process may have connected the same one for another tenant
        self.listeners.check_free(actor.tenant, channel)
        found = UNASKED if is_unchecked else await self._checks.check(actor.tenant, channel)
        async with self._looking:
            self.listeners.check_free(actor.tenant, channel)
            await self._strongroom.put(actor.tenant, name, FIELD, told)
            await self._tell(actor, "channel.connected", name)
            self._heard[actor.tenant, name] = dict(options)
            self._waiting.discard((actor.tenant, name))
            self.listeners.put(actor.tenant, channel)
        self._lend.peers.say(CHANGED)
        return found

    async def test(self, actor: Person, name: str, place: str) -> Spot:
        """Send one line to a place that an owner chose, as tools do; where it stands.

        Raises NotFound, Conflict, LimitReached, ConnectionBroken, VendorError.
        """
        self._checks.take(actor.tenant)
        spot = await greet(self._lend.db, self._lend.clock, self.outgoing, actor, (name, place))
        await self._tell(actor, "channel.tested", name)
        return spot

    async def remove(self, actor: Person, name: str) -> None:
        """Listen no more, and forget the tokens. Raises NotFound."""
        if name == PAYMENTS:
            await self.paying.remove(actor)
            return
        if name in SITES:
            await self.sites.remove(actor, name)
            return
        kept, lost = await self._kept(actor.tenant)
        if name not in kept and name not in lost:
            raise NotFound("This platform is not connected here.")
        async with self._looking:
            await self._strongroom.put(actor.tenant, name, FIELD, Secret(""))
            await self._tell(actor, "channel.disconnected", name)
            self._heard.pop((actor.tenant, name), None)
            self.listeners.remove(actor.tenant, name)
        self._lend.peers.say(CHANGED)
        is_home = actor.tenant == self._lend.tenant
        if is_home and await Installs(name, self._lend.around).own():
            await self.put(actor, name, OWN_ONLY)  # agents' own apps go on
        await self.listeners.tidy(actor.tenant)

    def _check_home(self, actor: Person, name: str) -> None:
        """Raises NotFound for another tenant's owner: agents' apps rest on the first's channel."""
        if actor.tenant != self._lend.tenant:
            raise NotFound(f"The first workspace of this house has to connect {name} before.")

    async def _tell(self, actor: Person, what: str, name: str) -> None:
        at = to_us(self._lend.clock.now())
        note = audit.note(actor.tenant, at, f"person:{actor.id}", what, name, {})
        await self._lend.db.write(note)


def _speaks(item: Install) -> bool:
    """Whether what agents post may go out by it; an agent's own app speaks for that agent alone."""
    return item.is_enabled and item.status == "active" and not item.agent


def _shut(name: str, why: SecretUnreadable) -> Offer:
    """A platform whose options cannot be read: it is named with the mend, and no other waits."""

    def make() -> Channel:
        raise why

    return Offer(name=name, make=make)
