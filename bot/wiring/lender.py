"""Makes what a tenant's channel is lent, out of the parts of the house."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from bot.config.values import own_addresses
from bot.core.errors import BotError
from bot.core.ids import TenantId
from bot.core.ports import Agents, Clock, Fetcher
from bot.fetch.client import WebFetcher
from bot.files.files import Files
from bot.files.links import Sign
from bot.files.shelf import TenantShelf
from bot.fleet import Peers
from bot.frozen import field, frozen
from bot.platforms.bookmarks import Kept
from bot.platforms.desk import Behind, Counter, Seat
from bot.platforms.installs import Around, Installs
from bot.platforms.lent import Lent, NoBook, Options
from bot.platforms.listening import elsewhere
from bot.platforms.mailbook import Book as Mailbook
from bot.platforms.places import Places
from bot.platforms.texting import Book
from bot.platforms.users import Users
from bot.services.paying import NAME as STRIPE
from bot.services.paying import Around as PaymentsAround
from bot.services.sites import NAMES as SITES
from bot.services.sites import Around as SitesAround
from bot.settings import Settings
from bot.store.script import Database
from bot.strongroom import Strongroom
from bot.wiring.engine import Engine
from bot.wiring.listeners import webhooks_of

log = logging.getLogger(__name__)

HOLD_S = 3.0
"""How often a process looks whether the one that listens is gone."""


class Holding:
    """Leases of channels that one process listens to: had by tasks, and gone with the last.

    A channel that broke, or cannot be made here any more, is another process's to listen to. What
    begins again at once does so under one lock with the letting go: neither undoes the other.
    """

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._tasks: dict[str, set[asyncio.Task[object]]] = {}
        self._leaving: set[asyncio.Task[None]] = set()

    async def hold(self, peers: Peers, channel: str) -> None:
        """Wait until this process alone listens, for as long as the task that asks goes on."""
        task = asyncio.current_task()
        while task is not None:
            async with self._lock:
                taken = True  # one that is cancelled, or loses its connection, may have it as well
                try:
                    taken = await peers.take(_lease(channel))
                finally:
                    if taken:
                        self._tasks.setdefault(channel, set()).add(task)
                        task.add_done_callback(lambda ended: self._leave(peers, channel, ended))
                elsewhere(not taken)
                if taken:
                    return
            await asyncio.sleep(HOLD_S)

    async def settled(self) -> None:
        """Wait until whatever ended has let go."""
        while self._leaving:
            await asyncio.wait(set(self._leaving))

    def _leave(self, peers: Peers, channel: str, ended: asyncio.Task[object]) -> None:
        leaving = asyncio.ensure_future(self._let_go(peers, channel, ended))
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)

    async def _let_go(self, peers: Peers, channel: str, ended: asyncio.Task[object]) -> None:
        async with self._lock:
            tasks = self._tasks.get(channel, set())
            tasks.discard(ended)
            if tasks or self._tasks.pop(channel, None) is None:
                return
            try:
                await peers.drop(_lease(channel))
            except BotError as error:
                log.warning("The lease of %s is not given back: %s", channel, error.message)
                return
        if peers.many > 1:
            log.warning("The channel %s is let go of here; another process may listen.", channel)


def _lease(channel: str) -> str:
    return f"channel:{channel}"


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
    holding: Holding = field(default_factory=Holding)

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
            fetcher=WebFetcher(allow=own_addresses(self.settings.endpoint.get(STRIPE, ""))),
            settings=self.settings,
            home=self.tenant,
            changed=self.changed,
        )

    @property
    def sites(self) -> SitesAround:
        """What stands around the sites of blogs."""
        endpoint, blog = self.settings.endpoint, self.settings.blog
        own = [endpoint.get(name, "") for name in SITES]
        return SitesAround(
            db=self.db,
            clock=self.clock,
            strongroom=self.strongroom,
            fetcher=self.fetcher,
            own_fetcher=WebFetcher(allow=own_addresses(*own, blog.webhook_url)),
            own=own,
            home=self.tenant,
        )

    @property
    def around(self) -> Around:
        """What installs are kept with."""
        return Around(
            db=self.db,
            clock=self.clock,
            strongroom=self.strongroom,
            told=lambda *which: self.engine().troubles.connection_broken(*which),
            works=lambda *which: self.engine().troubles.connection_works(*which),
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
            bookmarks=Kept(self.db, self.clock, owner, channel),
            folder=self.settings.home / "channels" / place,
            seal=lambda text: self.sign("channel", f"{owner} {channel} {text}"),
            public_url=self.address(owner),
            is_guest=is_guest,
            hold=partial(self.holding.hold, self.peers, place),
        )
