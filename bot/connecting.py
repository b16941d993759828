"""Connecting a platform while the house runs: its tokens are tried, sealed and listened with.

What stands in the settings stands there for good; what is connected here is kept sealed in the
vault and found again at the next start. A channel that cannot be made is not kept.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from bot.core.canonical import Json
from bot.core.errors import BotError, Conflict, Invalid, NotFound, OperatorError, StoreError
from bot.core.ids import TenantId
from bot.core.people import Person
from bot.core.ports import Agents, Clock, Fetcher
from bot.core.secret import Secret
from bot.core.times import to_us
from bot.desk import Behind, Counter, Seat
from bot.ears import Ears, webhooks_of
from bot.engine import Engine
from bot.files.files import Files
from bot.files.links import Sign
from bot.files.shelf import TenantShelf
from bot.fleet import Peers
from bot.frozen import frozen
from bot.installing import Installing
from bot.installs import Around, Installs
from bot.lent import Lent, NoBook, Offer, Options
from bot.mailbook import Book as Mailbook
from bot.paying import NAME as PAYMENTS
from bot.paying import Around as PaymentsAround
from bot.paying import Paying
from bot.payment_news import Around as NewsAround
from bot.payment_news import PaymentNews
from bot.places import Places
from bot.settings import Settings
from bot.setup import (
    channel_load,
    channel_manifest,
    channel_names,
    channel_offer,
    channel_own,
    channel_wants,
    channel_ways,
    has_manifest,
)
from bot.sites import NAMES as SITES
from bot.sites import Around as SitesAround
from bot.sites import Sites
from bot.store import audit
from bot.store.people import tenants
from bot.store.script import Database
from bot.strongroom import Strongroom
from bot.texting import Book
from bot.users import Users
from bot.web.parts import Route

log = logging.getLogger(__name__)

HOLD_S = 3.0
"""How often a process looks whether the one that listens is gone."""
OWN_ONLY: Options = {"agent_apps": True}
"""The options of a platform on which only agents with apps of their own are spoken to."""
CHANGED = "channels"
"""What another process is told when something was connected, or let go of."""
FIELD = "channel"
"""Under which a channel's options are sealed, as JSON."""


@frozen
class Lender:
    """Makes what a channel is lent; the parts are asked for when a channel asks."""

    db: Database
    clock: Clock
    tenant: TenantId
    settings: Settings
    strongroom: Strongroom
    team: Agents
    engine: Callable[[], Engine]
    changed: Callable[[], None]
    """Told when somebody else may answer from now on."""
    peers: Peers
    files: Files
    sign: Sign
    fetcher: Fetcher

    @property
    def places(self) -> Places:
        """The rules of places."""
        return Places(self.db, self.clock, self.is_agent, self.changed)

    def is_agent(self, tenant: TenantId, name: str) -> bool:
        """Whether there is an agent of this name."""
        return self.team.get(tenant, name) is not None

    @property
    def payments(self) -> PaymentsAround:
        """What stands around the connection to Stripe."""
        return PaymentsAround(
            db=self.db,
            clock=self.clock,
            strongroom=self.strongroom,
            fetcher=self.fetcher,
            settings=self.settings,
            home=self.tenant,
            changed=self.changed,
        )

    @property
    def sites(self) -> SitesAround:
        """What stands around the sites of blogs."""
        endpoint = self.settings.endpoint
        return SitesAround(
            db=self.db,
            clock=self.clock,
            strongroom=self.strongroom,
            fetcher=self.fetcher,
            own=[endpoint.get(name, "") for name in SITES],
        )

    @property
    def around(self) -> Around:
        """What installs are kept with."""
        return Around(
            db=self.db,
            clock=self.clock,
            strongroom=self.strongroom,
            told=lambda *which: self.engine().troubles.connection_broken(*which),
            desk=self.desk,
            shelf=self.shelf,
        )

    def shelf(self, tenant: TenantId) -> TenantShelf:
        """A tenant's files, for the channels that carry them."""
        return TenantShelf(tenant, self.files, self.settings.public_url)

    def desk(self, tenant: TenantId, channel: str, only: str = "") -> Counter:
        """Where a channel asks on behalf of a tenant's people; `only`: about this one agent."""
        behind = Behind(
            db=self.db,
            approvals=lambda: self.engine().approvals,
            people=lambda: self.engine().directory,
            places=self.places,
        )
        return Counter(
            Seat(channel=channel, tenant=tenant),
            behind,
            lambda: [
                (agent.name, agent.title)
                for agent in self.team.all(tenant)
                if (not agent.channels or channel in agent.channels) and only in ("", agent.name)
            ],
        )

    async def hold(self, channel: str) -> None:
        """Wait until this process alone listens to a channel, for as long as it lives."""
        while True:
            if await self.peers.take(f"channel:{channel}"):
                return
            await asyncio.sleep(HOLD_S)

    def address(self, tenant: TenantId) -> str:
        """What a tenant's webhooks stand below; empty where the house cannot be reached."""
        house = self.settings.public_url.rstrip("/")
        return house + webhooks_of(tenant) if house and tenant != self.tenant else house

    def __call__(self, channel: str, options: Options, tenant: TenantId | None = None) -> Lent:
        """What a tenant's channel of this name, with these options, is made with; without a tenant,
        the first one's.
        """
        owner, is_guest = tenant or self.tenant, tenant not in (None, self.tenant)
        place = f"{owner}/{channel}" if is_guest else channel
        return Lent(
            tenant=owner,
            options=options,
            clock=self.clock,
            among=lambda: self.peers.many,
            desk=self.desk(owner, channel),
            shelf=self.shelf(owner),
            installs=NoBook() if is_guest else Installs(channel, self.around),
            endpoint=self.settings.endpoint.get(channel, ""),
            endpoints=self.settings.endpoint,
            texts=Book(self.db, self.clock, owner, lambda: self.engine().turns.wake()),
            users=Users(self.db, self.clock, channel),
            mailbook=Mailbook(self.db, self.clock, owner),
            folder=self.settings.home / "channels" / place,
            seal=lambda text: self.sign("channel", f"{owner} {channel} {text}"),
            public_url=self.address(owner),
            is_guest=is_guest,
            hold=partial(self.hold, place),
        )


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
        self._looking = asyncio.Lock()
        self.ears: Ears
        """Set once the first channels are made."""

    @property
    def places(self) -> Places:
        """What is answered in places."""
        return self._lend.places

    @property
    def installing(self) -> Installing:
        """Where the platforms' apps are installed."""
        return Installing(self._lend.around, lambda: self.ears.carriers.of(self._lend.tenant))

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
        for name, options in (await self._kept(self._lend.tenant)).items():
            if name not in self._set:
                told[name] = options
                self._heard[self._lend.tenant, name] = options
        return [channel_offer(name, self._lend(name, options)) for name, options in told.items()]

    async def look(self) -> None:
        """Listen on whatever any tenant has connected by now, here or at another process."""
        async with self._looking:
            for tenant in await self._elsewhere():
                try:
                    kept = await self._kept(tenant)
                except BotError as error:
                    log.warning("The platforms of %s stay as they are: %s", tenant, error.message)
                    continue
                for name in [n for whose, n in self._heard if whose == tenant and n not in kept]:
                    del self._heard[tenant, name]
                    self.ears.remove(tenant, name)
                for name, options in kept.items():
                    await self._hear(tenant, name, options)

    async def _hear(self, tenant: TenantId, name: str, options: Options) -> None:
        is_set = tenant == self._lend.tenant and name in self._set
        if is_set or self._heard.get((tenant, name)) == options:
            return
        if name in channel_names():
            await asyncio.to_thread(channel_load, name)
        self._heard[tenant, name] = options
        self.ears.take(tenant, channel_offer(name, self._lend(name, options, tenant)))

    async def _elsewhere(self) -> Sequence[TenantId]:
        while True:
            try:
                return [tenant.id for tenant in await self._lend.db.read(tenants())]
            except StoreError as error:
                log.warning("Other tenants' platforms wait for the database: %s", error.message)
                await asyncio.sleep(HOLD_S)

    async def _kept(self, tenant: TenantId) -> Mapping[str, Options]:
        """The options of each platform that a tenant connected."""
        kept = await self._strongroom.of_field(tenant, FIELD)
        return {name: json.loads(told.reveal()) for name, told in kept.items() if told.reveal()}

    async def listed(self, actor: Person) -> Sequence[Json]:
        """`{name, up, detail, wants, ways, own, manifest}` of each."""
        services = [self.paying.listed(actor), *await self.sites.listed(actor)]
        states = {str(state["name"]): state for state in self.ears.states(actor.tenant)}
        names = dict.fromkeys([*channel_names(), *states])
        told = await asyncio.to_thread(
            lambda: {
                name: (channel_wants(name), channel_ways(name), channel_own(name)) for name in names
            }
        )
        off: dict[str, Json] = {"up": False, "detail": "not connected"}
        return [
            {
                **off,
                **states.get(name, {}),
                "name": name,
                "wants": list(told[name][0]),
                "ways": list(told[name][1]),
                "own": list(told[name][2]),
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
        address = "" if by_socket else self._lend.address(actor.tenant)
        whose = self._agent(actor, name, agent) if agent else None
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
        is_first = self.ears.of(self._lend.tenant, name) is None
        if is_first:
            self._check_home(actor, name)
            await self.put(actor, name, OWN_ONLY)
        try:
            return await self.installing.own(actor, name, whose, options)
        except BotError:
            if is_first:
                await self.remove(actor, name)
            raise

    async def put(self, actor: Person, name: str, options: Options) -> None:
        """Listen with these options from now on. Raises NotFound, Conflict, Invalid."""
        if name == PAYMENTS:
            await self.paying.put(actor, options)
            return
        if name in SITES:
            await self.sites.put(actor, name, options)
            return
        if name not in channel_names():
            raise NotFound(f"There is no platform {name}. There are: {', '.join(channel_names())}.")
        if name in self._set and actor.tenant == self._lend.tenant:
            raise Conflict(
                f"[channels.{name}] stands in the settings. Change it there and start again."
            )
        await asyncio.to_thread(channel_load, name)  # what it imports holds nobody up
        try:
            channel = channel_offer(name, self._lend(name, options, actor.tenant)).make()
        except OperatorError as error:
            raise Invalid(error.message) from error
        told = Secret(json.dumps(dict(options)))
        async with self._looking:
            await self._strongroom.put(actor.tenant, name, FIELD, told)
            await self._tell(actor, "channel.connected", name)
            self._heard[actor.tenant, name] = dict(options)
            self.ears.put(actor.tenant, channel)
        self._lend.peers.say(CHANGED)

    async def remove(self, actor: Person, name: str) -> None:
        """Listen no more, and forget the tokens. Raises NotFound."""
        if name == PAYMENTS:
            await self.paying.remove(actor)
            return
        if name in SITES:
            await self.sites.remove(actor, name)
            return
        found = await self._strongroom.get(actor.tenant, name, FIELD)
        if found is None or not found.reveal():
            raise NotFound("This platform is not connected here.")
        async with self._looking:
            await self._strongroom.put(actor.tenant, name, FIELD, Secret(""))
            await self._tell(actor, "channel.disconnected", name)
            self._heard.pop((actor.tenant, name), None)
            self.ears.remove(actor.tenant, name)
        self._lend.peers.say(CHANGED)
        is_home = actor.tenant == self._lend.tenant
        if is_home and await Installs(name, self._lend.around).own():
            await self.put(actor, name, OWN_ONLY)  # agents' own apps go on

    def _check_home(self, actor: Person, name: str) -> None:
        """Raises NotFound for another tenant's owner: agents' apps rest on the first's channel."""
        if actor.tenant != self._lend.tenant:
            raise NotFound(f"The first workspace of this house has to connect {name} before.")

    async def _tell(self, actor: Person, what: str, name: str) -> None:
        at = to_us(self._lend.clock.now())
        note = audit.note(actor.tenant, at, f"person:{actor.id}", what, name, {})
        await self._lend.db.write(note)
