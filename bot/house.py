"""One running house: settings and concrete parts meet here, and nowhere else.

The start does only what stands before the first durable acknowledgement: open the database, let
the doors open. The clock, the language model's library and the tool files load when the port is
open and nobody waits.
"""

import asyncio
import gc
import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from aiohttp import web as aio

from agents.runtime.loader import Team
from agents.runtime.models import ModelDoor
from agents.runtime.own import OwnAgents
from bot import extensions
from bot.audit import Sealer
from bot.config.values import own_addresses
from bot.core.canonical import Json
from bot.core.errors import OperatorError
from bot.core.event import Event
from bot.core.ids import AgentName, TenantId
from bot.core.people import Person, Tenant
from bot.core.ports import House
from bot.core.route import Binding
from bot.core.secret import Secret
from bot.core.times import to_us
from bot.database import open_database
from bot.doors import FIRST_LINK_LASTS, Doors
from bot.ears import Ears
from bot.engine import Engine, Given, Limits
from bot.fetch.client import WebFetcher
from bot.files.library import Library
from bot.files.opening import open_files
from bot.home import BACKLOG, Home, listen
from bot.inbox import arrive
from bot.infra.clock import SystemClock
from bot.keyring import add_primary, ring_in, ring_of
from bot.limits import Rate
from bot.people import People
from bot.remembering import Around, Remembering
from bot.settings import Settings
from bot.setup import micros, model_setup
from bot.standing import Standing
from bot.store import audit, bindings
from bot.store.keys import are_there
from bot.store.script import Script
from bot.strongroom import StoredKeys, Strongroom
from bot.toolbox import mcp_hub, sweep, tool_settings
from bot.transcript import Transcript
from bot.vault import Vault
from bot.version import version
from bot.web.app import Parts, build, runner
from scheduler.housework import Housework, Keeper, load
from scheduler.runner import Runner

log = logging.getLogger(__name__)

VERSION = version()
DEFAULT_AGENT = AgentName("bri")
STOP_S = 8.0
WARM_AFTER_S = 2.0
REFRESH_S = 2.0
BEGINNING = "beginning"
"""The lease of whoever makes the first owner, keys and routes of an empty database."""


class App:
    """One running house."""

    def __init__(self, settings: Settings, home: Home, mask: Callable[[Secret], None]) -> None:
        """`mask` keeps a secret out of the logs."""
        self._mask = mask
        self.settings = settings
        self.home = home
        self.clock = SystemClock()
        self.url = ""
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
        self.doors = Doors(self.db, self.clock, key)
        self.people = People(self.db, self.clock, key, self._changed)
        self.tenant, self.owner = await self.people.ensure_first()
        await self.doors.keep_env_token(self.owner, settings.api_token)
        await self._first_route(self.tenant)
        if self.fleet:
            await self.fleet.drop(BEGINNING)
        self.own_agents = OwnAgents(self.db, self.clock, settings.agents_dir)
        await self.own_agents.load()
        self.team = Team(settings.agents_dir, self.own_agents.of)
        self.models = ModelDoor(model_setup(settings, self.clock), self.strongroom, self.tenant.id)
        await self.models.start()
        self.clockwork = Runner(self.db, self.clock, self._arrive, lambda: self.engine.turns.wake())
        own = own_addresses(settings.blog.webhook_url, settings.files.supabase_url)
        self.fetcher = WebFetcher(allow=own)
        self.files = open_files(settings, self.db, self.clock, self.fetcher, self.vault.lookup)
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
        self._make_engine()
        self.sealer = Sealer(self.db, self.clock, self.vault.audit_key, opened.peers)
        self._hear_others()
        self.resumed = await self.engine.start()
        hear = self.ears.run(self.engine.inbox.accept, self.engine.troubles)
        self._tasks.append(asyncio.create_task(hear, name="channels"))
        await self._listen(sock_ports)
        self._tasks += [
            asyncio.create_task(self._jobs(), name="jobs"),
            asyncio.create_task(self.clockwork.run(), name="clock"),
            asyncio.create_task(self._warm(), name="warm"),
        ]

    def _make_engine(self) -> None:
        """The engine, with what packages outside the tree bring."""
        settings = self.settings
        self.extensions = extensions.load(settings.extensions.allow, settings.extensions.options)
        self.ears = Ears(self.extensions, self.tenant.id, self.clock)
        self.engine = Engine(self._given())
        self.engine.toolset.guests = self.hub
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
            agents_dir=settings.agents_dir,
            broken=lambda: self.db.broken,
            address=lambda: self.url,
            guests=self.hub.problems,
            extensions=self.extensions,
            ears=self.ears,
        )

    async def stop(self) -> None:
        """End within ten seconds; what is cut off goes on at the next start."""
        if self._runner:
            for site in list(self._runner.sites):
                await site.stop()
        late = await self.engine.stop(STOP_S)
        if late:
            log.info("turns go on at the next start", extra={"count": late})
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._runner:
            await self._runner.cleanup()
        await self.sealer.seal()
        self.sealer.tell_heads()
        await self.models.close()
        await self.hub.close()
        if self.fleet:
            await self.fleet.leave()
        await self.db.close()
        self.home.release()

    async def sign_in_link(self) -> str:
        """A one-time link for the owner."""
        code = await self.doors.link(self.owner, "house", FIRST_LINK_LASTS)
        return f"{self.url}/in/{code}"

    def _given(self) -> Given:
        settings = self.settings
        limits, budget = settings.limits, settings.budget
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
            limits=Limits(
                open_turns=limits.open_turns,
                sender=Rate(count=limits.person_per_minute, seconds=60),
                tenant=Rate(count=limits.tenant_per_minute, seconds=60),
                asks_per_hour=limits.approvals_per_hour,
                tenant_day_micros=micros(budget.tenant_day_usd),
                person_day_micros=micros(budget.person_day_usd),
            ),
            channels=self.ears.channels,
            tool_settings={
                **tool_settings(settings),
                "library": Library(self.files),
                **self._extra_settings(),
            },
        )

    def _extra_settings(self) -> Mapping[str, object]:
        found = (item.settings for item in self.extensions)
        return {name: value for settings in found for name, value in settings.items()}

    async def _listen(self, ports: Sequence[int]) -> None:
        settings = self.settings
        app = build(self._parts())
        self._runner = runner(app, STOP_S / 2)
        await self._runner.setup()
        sock = listen(settings.host, tuple(ports))
        await aio.SockSite(self._runner, sock, backlog=BACKLOG).start()
        port = sock.getsockname()[1]
        shown = f"[{settings.host}]" if ":" in settings.host else settings.host
        self.url = settings.public_url.rstrip("/") or f"http://{shown}:{port}"
        self.local_url = f"http://{shown}:{port}"

    def _parts(self) -> Parts:
        settings = self.settings
        return Parts(
            db=self.db,
            clock=self.clock,
            inbox=self.engine.inbox,
            approvals=self.engine.approvals,
            live=self.live,
            people=self.people,
            doors=self.doors,
            transcript=Transcript(self.db),
            files=self.files,
            archives=self.remembering.archives,
            routes=self.engine.router,
            agents=self.team,
            own_agents=self.own_agents,
            models=self.models,
            schedules=self.clockwork,
            mcp=self.hub,
            wake=self.engine.turns.wake,
            rules_changed=lambda tenant: self._changed(),
            tools=lambda: sorted(self.engine.toolset.tools),
            status=self.standing.status,
            problems=self.standing.problems,
            verify_audit=self._verify,
            keys=self._keys,
            rotate=self._rotate,
            address=lambda: self.url,
            public_url=settings.public_url,
            version=VERSION,
            body_bytes=settings.limits.body_bytes,
            streams_per_person=settings.limits.streams_per_person,
            extra=self.ears.routes(),
            blog=None if settings.blog.webhook_url else settings.blog.folder,
        )

    async def _keys(self) -> Mapping[str, Json]:
        counts = await self.vault.kek_counts()
        return {
            "models": list(await self.models.keys()),
            "master": [{"id": id_, "wraps": wraps} for id_, wraps in sorted(counts.items())],
        }

    async def _rotate(self, actor: Person) -> Mapping[str, Json]:
        if self.settings.master_key:
            raise OperatorError(
                "The master key comes from BOT_MASTER_KEY. Put a new one before it, with a comma "
                "between them, and start again."
            )
        ring = add_primary(self.home.folder, self.clock)
        done = await self.vault.adopt(ring)
        at = to_us(self.clock.now())
        told = {"rewrapped": done}
        script = audit.note(
            actor.tenant, at, f"person:{actor.id}", "keys.rotated", ring.primary.id, told
        )
        await self.db.write(script)
        return {"id": ring.primary.id, "rewrapped": done}

    async def _verify(self, tenant: TenantId) -> Mapping[str, Json]:
        await self.sealer.seal()
        return (await self.sealer.verify(tenant)).to_json()

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
        self.doors.forget()

    def _hear_others(self) -> None:
        """Act on what other processes say, and on their silence."""
        if self.fleet is None:
            return

        def look() -> None:
            self.engine.turns.wake()
            self.engine.effects.wake()

        def changed() -> None:
            self._forget()
            self._reading = asyncio.gather(self.own_agents.load(), self.hub.start())

        def missed() -> None:
            changed()
            self.live.lose()
            look()

        self.fleet.freed = look
        self.fleet.on("changed", changed)
        self.fleet.on("missed", missed)
        self.fleet.on("stop", self.engine.turns.stop_here)

    def _arrive(self, event: Event) -> Script[object]:
        ids = (f"cnv_{event.id[4:]}", f"msg_{event.id[4:]}")
        return arrive(event, ids, to_us(self.clock.now()), "", "")

    async def _jobs(self) -> None:
        keeper = Keeper(
            db=self.db,
            clock=self.clock,
            expire_approvals=self._mind_approvals,
            seal_audit=self.sealer.seal,
            tend_memory=self.remembering.upkeep.tend,
            archive=self.remembering.archives.weekly,
            tell_troubles=self.engine.troubles.look,
            sweep_files=self.files.sweep,
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(Housework(load(), keeper).run())
            group.create_task(self._refresh_agents())

    async def _mind_approvals(self) -> int:
        await self.engine.approvals.remind()
        return await self.engine.approvals.expire()

    async def _refresh_agents(self) -> None:
        """See files that were saved; a broken one keeps its last good version."""
        while True:
            await asyncio.sleep(REFRESH_S)
            if self.team.refresh():
                self.standing.log_mistakes()

    async def _warm(self) -> None:
        """Load what the first turn needs, while nobody waits."""
        await asyncio.sleep(WARM_AFTER_S)
        await self.engine.turns.idle()
        await asyncio.to_thread(lambda: self.engine.toolset.known)
        self.standing.log_mistakes()
        await self.models.warm()
        await self.hub.look_at_new()
        gc.freeze()  # a library's hundred thousand objects are there to stay
