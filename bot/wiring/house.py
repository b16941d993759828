"""One running house: settings and concrete parts meet here, and nowhere else.

The start does only what stands before the first durable acknowledgement: open the database, let
the doors open. The clock, the language model's library and the tool files load when the port is
open and nobody waits.
"""

import asyncio
import gc
import logging
from collections.abc import Callable, Sequence
from datetime import timedelta

from aiohttp import web as aio

from agents.runtime.loader import Team
from agents.runtime.models import ModelDoor
from agents.runtime.own import OwnAgents
from bot import extensions
from bot.audit import Sealer
from bot.core.event import Event
from bot.core.ids import AgentName
from bot.core.people import Tenant
from bot.core.ports import House
from bot.core.route import Binding
from bot.core.secret import Secret
from bot.core.times import to_us
from bot.credentials import FIRST_LINK_LASTS, Credentials
from bot.fetch.client import WebFetcher
from bot.files.opening import open_files
from bot.home import BACKLOG, Home, listen
from bot.inbox import arrive
from bot.infra.clock import SystemClock
from bot.keyring import ring_in, ring_of
from bot.people import People
from bot.services.calendar_hooks import CalendarHooks
from bot.settings import Settings
from bot.store import bindings
from bot.store.keys import are_there
from bot.store.script import Script
from bot.strongroom import StoredKeys, Strongroom
from bot.transcript import Transcript
from bot.vault import Vault
from bot.version import version
from bot.web.app import Parts, build, runner
from bot.wiring.connected import Means, connected, followed, reaches
from bot.wiring.connecting import Connecting
from bot.wiring.database import Opened, open_database, report
from bot.wiring.engine import Engine, Given
from bot.wiring.lender import Lender
from bot.wiring.listeners import Listeners
from bot.wiring.neighbours import Neighbours
from bot.wiring.remembering import Around, Remembering
from bot.wiring.sealing import Sealing
from bot.wiring.setup import engine_limits, model_setup
from bot.wiring.standing import Standing
from bot.wiring.toolbox import mcp_hub, sweep, teams_by, tool_settings
from scheduler.runner import Runner

log = logging.getLogger(__name__)

VERSION = version()
DEFAULT_AGENT = AgentName("bri")
STOP_S = 8.0
CHORES_AFTER_S = 0.1
WARM_AFTER_S = 2.0
BY_ITSELF = ("channels", "guests", "jobs", "clock")
"""Tasks that begin work of which nobody outside waits for an answer."""
BEGINNING = "beginning"
"""The lease of whoever makes the first owner, keys and routes of an empty database."""


class App:
    """One running house."""

    def __init__(self, settings: Settings, home: Home, mask: Callable[[Secret], None]) -> None:
        """`mask` keeps a secret out of the logs."""
        self._mask = mask
        self.settings = settings
        self.home = home
        self.extensions = extensions.load(settings.extensions.allow, settings.extensions.options)
        self.clock = SystemClock()
        self.url = ""
        self.over = asyncio.Event()
        """Set when the house is to end."""
        self.neighbours: Neighbours | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._runner: aio.AppRunner | None = None

    async def start(self, sock_ports: Sequence[int]) -> None:
        """Open the doors."""
        settings = self.settings
        opened = await open_database(settings, self.home, self.clock, VERSION)
        self.db, self.live, self.fleet = opened.db, opened.live, opened.fleet
        self._tasks = [asyncio.ensure_future(work()) for work in opened.tasks]
        if self.fleet:
            await self.fleet.wait_for(BEGINNING)
        ring = (
            ring_of(settings.master_key)
            if settings.master_key
            else ring_in(self.home.folder, self.clock, make=not await self.db.read(are_there()))
        )
        self.vault = Vault(ring, StoredKeys(self.db), self.clock)
        await self.vault.start()
        self.strongroom = Strongroom(self.db, self.clock, self.vault, self._mask)
        key = bytes.fromhex(self.vault.lookup("house", "people"))
        self.credentials = Credentials(self.db, self.clock, key)
        self.people = People(self.db, self.clock, key, self._changed)
        self.tenant, self.owner = await self.people.ensure_first()
        await self.credentials.keep_env_token(self.owner, settings.api_token)
        await self._first_route(self.tenant)
        if self.fleet:
            await self.fleet.drop(BEGINNING)
        self.own_agents = OwnAgents(self.db, self.clock, settings.agents_dir)
        await self.own_agents.load()
        self.team = Team(settings.agents_dir, self.own_agents.of)
        self.models = ModelDoor(model_setup(settings, self.clock), self.strongroom, self.tenant.id)
        await self.models.start()
        self.clockwork = Runner(self.db, self.clock, self._arrive, lambda: self.engine.turns.wake())
        self.fetcher = WebFetcher()
        self.files = open_files(settings, self.db, self.clock, self.vault.lookup)
        sweep(settings)
        self.hub = mcp_hub(settings, self.db, self.clock, self.files, self._changed)(self.tenant.id)
        await self.hub.start()
        self.remembering = Remembering(
            Around(
                db=self.db,
                clock=self.clock,
                models=self.models,
                budgets=lambda: self.engine.budgets,
                files=self.files,
                peers=opened.peers,
                archive_after=timedelta(days=settings.memory.archive_after_days),
            )
        )
        self.connections = connected(self._means(opened))
        await self._make_engine(opened)
        self.sealer = Sealer(self.db, self.clock, self.vault.audit_key, opened.peers)
        self._hear_others()
        self.resumed = await self.engine.start()
        hear = self.listeners.run(self.engine.hear, self.engine.troubles)
        self._tasks.append(asyncio.create_task(hear, name="channels"))
        await self._listen(sock_ports)
        self._tasks += [
            asyncio.create_task(self.connecting.watch(), name="guests"),
            asyncio.create_task(self._jobs(), name="jobs"),
            asyncio.create_task(self.clockwork.run(), name="clock"),
            asyncio.create_task(self._warm(), name="warm"),
        ]

    def _means(self, opened: Opened) -> Means:
        return Means(
            settings=self.settings,
            db=self.db,
            clock=self.clock,
            strongroom=self.strongroom,
            peers=opened.peers,
            engine=lambda: self.engine,
            address=lambda: self.url,
            services=extensions.services(self.extensions),
        )

    async def _make_engine(self, opened: Opened) -> None:
        """The engine, with what packages outside the tree bring."""
        self.calendars = followed(self._means(opened), self.connections.accounts)
        lend = Lender(
            db=self.db,
            clock=self.clock,
            tenant=self.tenant.id,
            settings=self.settings,
            strongroom=self.strongroom,
            team=self.team,
            engine=lambda: self.engine,
            changed=self._changed,
            peers=opened.peers,
            files=self.files,
            sign=self.vault.lookup,
            fetcher=self.fetcher,
        )
        self.connecting = Connecting(self.strongroom, lend)
        offers = [*await self.connecting.offers(), *extensions.offers(self.extensions, lend)]
        self.listeners = Listeners(offers, self.tenant.id, self.clock, self.connecting)
        self.connecting.listeners = self.listeners
        self.engine = Engine(self._given())
        self.engine.toolset.guests = self.hub
        self.engine.toolset.accounts = self.connections.accounts
        self.hub.reserved = lambda: self.engine.toolset.tools
        self.engine.toolset.extra = {
            group: tools for item in self.extensions for group, tools in item.tools.items()
        }
        self.standing = Standing(
            engine=self.engine,
            home=self.home,
            team=self.team,
            models=self.models,
            tenant=self.tenant.id,
            agents_dir=self.settings.agents_dir,
            broken=lambda: self.retired or self.db.broken,
            database=lambda: report(self.settings, opened),
            address=lambda: self.url,
            guests=self.hub.problems,
            extensions=self.extensions,
            listeners=self.listeners,
            payments=self.connecting.paying.listed,
        )

    async def stop(self) -> None:
        """End within ten seconds; what is cut off goes on at the next start."""
        if self._runner:
            for site in list(self._runner.sites):
                await site.stop()
        if late := await self.engine.stop(STOP_S):
            log.info("turns go on at the next start", extra={"count": late})
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._runner:
            await self._runner.cleanup()
        await self.sealer.seal()
        self.sealer.tell_heads()
        await self.connections.renewal.close()
        await self.models.close()
        await self.hub.close()
        if self.fleet:
            await self.fleet.leave()
        await self.db.close()
        self.home.release()

    async def sign_in_link(self) -> str:
        """A one-time link for the owner."""
        code = await self.credentials.link(self.owner, "house", FIRST_LINK_LASTS)
        return f"{self.url}/in/{code}"

    def _given(self) -> Given:
        settings = self.settings
        own = tool_settings(settings, self.connecting.outgoing, self.db, self.clock, self.tenant.id)
        lent = reaches(self.connections.accounts, self.files, settings.public_url, self.extensions)
        return Given(
            db=self.db,
            clock=self.clock,
            model=self.models,
            agents=self.team,
            house=House(
                memory=self.remembering.memory,
                schedules=self.clockwork,
                fetcher=self.fetcher,
                agents=self.team,
            ),
            live=self.live,
            people=self.people,
            peers=self.fleet,
            files=self.files,
            watch=self.live,
            address=lambda: settings.public_url.rstrip("/"),
            here=lambda: self.url,
            limits=engine_limits(settings),
            voices=self.remembering.voices,
            carriers=self.listeners.carriers,
            connected=self.connecting.connected,
            tool_settings={
                **lent,
                **own,
                "blog": self.connecting.sites.lent(own.get("blog"), lent.get("social")),
                "payments": self.connecting.paying.till(),
                "teams": teams_by(own, lent),
            },
        )

    async def _listen(self, ports: Sequence[int]) -> None:
        settings = self.settings
        self._runner = runner(build(self._parts()), STOP_S / 2)
        await self._runner.setup()
        sock = listen(settings.host, tuple(ports))
        await aio.SockSite(self._runner, sock, backlog=BACKLOG).start()
        port = sock.getsockname()[1]
        shown = f"[{settings.host}]" if ":" in settings.host else settings.host
        self.url = settings.public_url.rstrip("/") or f"http://{shown}:{port}"
        self.local_url = f"http://{shown}:{port}"

    def _parts(self) -> Parts:
        settings, hooks = self.settings, CalendarHooks(self.calendars).routes()
        sealing = Sealing(
            strongroom=self.strongroom,
            sealer=self.sealer,
            models=self.models,
            folder=self.home.folder,
            has_given_key=bool(settings.master_key),
        )
        return Parts(
            db=self.db,
            clock=self.clock,
            inbox=self.engine.inbox,
            approvals=self.engine.approvals,
            live=self.live,
            people=self.people,
            credentials=self.credentials,
            transcript=Transcript(self.db, self.engine.questions.title),
            files=self.files,
            archives=self.remembering.archives,
            routes=self.engine.router,
            agents=self.team,
            own_agents=self.own_agents,
            models=self.models,
            schedules=self.clockwork,
            mcp=self.hub,
            channels=self.connecting,
            wake=self.engine.turns.wake,
            rules_changed=lambda tenant: self._changed(),
            tools=lambda: sorted(self.engine.toolset.tools),
            status=self.standing.status,
            readiness=self.standing.readiness,
            verify_audit=sealing.verify,
            keys=sealing.keys,
            rotate=sealing.rotate,
            connections=self.connections,
            address=lambda: self.url,
            public_url=settings.public_url,
            version=VERSION,
            body_bytes=settings.limits.body_bytes,
            streams_per_person=settings.limits.streams_per_person,
            extra=[*self.connecting.routes(), *hooks, *self.listeners.routes()],
            blog=None if settings.blog.webhook_url else settings.blog.folder,
        )

    async def _first_route(self, tenant: Tenant) -> None:
        rule = Binding(id="default", agent=DEFAULT_AGENT)
        if not await self.db.read(bindings.listed(tenant.id)):
            await self.db.write(bindings.add(tenant.id, rule, to_us(self.clock.now())))

    def _changed(self) -> None:
        self._forget()
        if self.fleet:
            self.fleet.say("changed")

    def _forget(self) -> None:
        """Read people, routes, policy and who may enter anew."""
        self.engine.changed()
        self.credentials.forget()

    def _hear_others(self) -> None:
        if self.fleet:
            self.neighbours = Neighbours(
                fleet=self.fleet,
                engine=self.engine,
                live=self.live,
                forget=self._forget,
                read=lambda: asyncio.gather(
                    self.own_agents.load(), self.hub.start(), self.connecting.paying.load()
                ),
                keys=self.models.start,
                platforms=self.connecting.look,
                rest=self._rest,
                quit=self.over.set,
            )
            self.neighbours.hear()

    def _rest(self) -> None:
        """Let nothing begin by itself any more."""
        for task in (each for each in self._tasks if each.get_name() in BY_ITSELF):
            task.cancel()

    @property
    def retired(self) -> str:
        """Why this program may no longer run on its database; empty as long as it may."""
        return self.neighbours.retired if self.neighbours else ""

    def _arrive(self, event: Event) -> Script[object]:
        ids = (f"cnv_{event.id[4:]}", f"msg_{event.id[4:]}")
        return arrive(event, ids, to_us(self.clock.now()), "", "")

    async def _jobs(self) -> None:
        await asyncio.sleep(CHORES_AFTER_S)  # whoever stands at the door already goes first
        from scheduler.housework import Housework, Keeper, load

        keeper = Keeper(
            db=self.db,
            clock=self.clock,
            expire_approvals=self.engine.approvals.mind,
            seal_audit=self.sealer.seal,
            tend_memory=self.remembering.upkeep.tend,
            archive=self.remembering.archives.weekly,
            tell_troubles=self.engine.troubles.look,
            sweep_files=self.files.sweep,
            tend_connections=self.connections.renewal.tend,
            follow_calendars=self.calendars.tend,
            reseal_secrets=self.strongroom.reseal,
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(Housework(load(), keeper).run())
            group.create_task(self.standing.watch_agents())

    async def _warm(self) -> None:
        """Load what the first turn needs, while nobody waits."""
        await asyncio.sleep(WARM_AFTER_S)
        await self.engine.turns.idle()
        await asyncio.to_thread(lambda: self.engine.toolset.known)
        self.standing.log_mistakes()
        await self.models.warm()
        await self.hub.look_at_new()
        gc.freeze()  # a library's hundred thousand objects are there to stay
