"""One running house: settings and concrete parts meet here, and nowhere else.

The start does only what stands before the first durable acknowledgement: open the database, let
the doors open. The clock, the language model's library and the tool files load when the port is
open and nobody waits.
"""

import asyncio
import gc
import logging
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from types import MappingProxyType

from aiohttp import web as aio

from agents.runtime.loader import Team
from agents.runtime.memory import StoredMemory
from agents.runtime.models import ModelDoor, ModelSetup
from agents.runtime.own import OwnAgents
from bot.audit import Sealer
from bot.config.values import own_addresses
from bot.core.canonical import Json
from bot.core.errors import OperatorError
from bot.core.event import Event
from bot.core.ids import AgentName, TenantId
from bot.core.model import Task
from bot.core.people import Person, Tenant
from bot.core.ports import House
from bot.core.route import Binding
from bot.core.secret import Secret
from bot.core.times import iso, to_us
from bot.database import open_database
from bot.doors import FIRST_LINK_LASTS, Doors
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
from bot.settings import Settings
from bot.store import approvals as approval_rows
from bot.store import audit, bindings, spends
from bot.store import inbox as inbox_rows
from bot.store import turns as turn_rows
from bot.store.keys import are_there
from bot.store.script import Script
from bot.strongroom import StoredKeys, Strongroom
from bot.transcript import Transcript
from bot.vault import Vault
from bot.version import version
from bot.web.app import Parts, build, runner
from bot.web.said import API, TERMINAL, WEB
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
        self.models = ModelDoor(_model_setup(settings, self.clock), self.strongroom, self.tenant.id)
        await self.models.start()
        self.clockwork = Runner(self.db, self.clock, self._arrive, lambda: self.engine.turns.wake())
        own = own_addresses(settings.blog.webhook_url, settings.files.supabase_url)
        self.fetcher = WebFetcher(allow=own)
        self.files = open_files(settings, self.db, self.clock, self.fetcher, self.vault.lookup)
        if not settings.blog.webhook_url:
            import_module("tools.social.blog").sweep(settings.blog.folder)
        self.engine = Engine(self._given())
        self.sealer = Sealer(self.db, self.clock, self.vault.audit_key, opened.peers)
        self._hear_others()
        self.resumed = await self.engine.start()
        await self._listen(sock_ports)
        self._tasks += [
            asyncio.create_task(self._jobs(), name="jobs"),
            asyncio.create_task(self.clockwork.run(), name="clock"),
            asyncio.create_task(self._warm(), name="warm"),
        ]

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
                memory=StoredMemory(self.db),
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
                tenant_day_micros=_micros(budget.tenant_day_usd),
                person_day_micros=_micros(budget.person_day_usd),
            ),
            tool_settings=MappingProxyType(
                {"blog": _blog(settings), "library": Library(self.files)}
            ),
        )

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
            routes=self.engine.router,
            agents=self.team,
            own_agents=self.own_agents,
            models=self.models,
            schedules=self.clockwork,
            wake=self.engine.turns.wake,
            rules_changed=lambda tenant: self._changed(),
            tools=lambda: sorted(self.engine.toolset.tools),
            status=self._status,
            problems=self._problems,
            verify_audit=self._verify,
            keys=self._keys,
            rotate=self._rotate,
            address=lambda: self.url,
            public_url=settings.public_url,
            version=VERSION,
            body_bytes=settings.limits.body_bytes,
            streams_per_person=settings.limits.streams_per_person,
            blog=None if settings.blog.webhook_url else settings.blog.folder,
        )

    async def _status(self, person: Person) -> Mapping[str, Json]:
        tenant = person.tenant
        midnight = self.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        spent = await self.db.read(spends.total(tenant, "*", to_us(midnight)))
        model, offline = self.models.current()
        now = to_us(self.clock.now()) + 1
        dead = await self.db.read(inbox_rows.recent(tenant, now, "dead", 1000))
        return {
            "running_since": iso(self.home.since),
            "version": VERSION,
            "model": model,
            "offline": offline,
            "channels": [
                {"name": name, "up": True, "detail": detail}
                for name, detail in ((WEB, self.url), (TERMINAL, "bot chat"), (API, "/v1"))
            ],
            "queued": await self.db.read(turn_rows.waiting()),
            "open_turns": self.engine.turns.open,
            "pending": await self.db.read(approval_rows.pending(tenant)),
            "spent_today_micros": spent.micros,
            "dead": len(dead),
            "doubts": await self.db.read(approval_rows.doubts(tenant)),
            "problems": [*await self._problems(), *self._mistakes()],
        }

    async def _problems(self) -> Sequence[str]:
        found = [self.db.broken] if self.db.broken else []
        found += self.models.problems()
        if not self.team.all(self.tenant.id):
            found.append(f"There is no agent that could answer in {self.settings.agents_dir}.")
        return found

    def _mistakes(self) -> Sequence[str]:
        """What is wrong with agents' files; whoever is whole goes on."""
        unknown = self.team.unknown(self.engine.toolset.known)
        return [str(problem) for problem in (*self.team.problems, *unknown)]

    def _log_mistakes(self) -> None:
        for mistake in self._mistakes():
            log.warning("An agent's file needs mending: %s", mistake)

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
            self._reading = asyncio.ensure_future(self.own_agents.load())

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
                self._log_mistakes()

    async def _warm(self) -> None:
        """Load what the first turn needs, while nobody waits."""
        await asyncio.sleep(WARM_AFTER_S)
        await self.engine.turns.idle()
        await asyncio.to_thread(lambda: self.engine.toolset.known)
        self._log_mistakes()
        await self.models.warm()
        gc.freeze()  # a library's hundred thousand objects are there to stay


def _model_setup(settings: Settings, clock: SystemClock) -> ModelSetup:
    models, keys = settings.models, settings.keys
    return ModelSetup(
        clock=clock,
        keys={name: key for name in type(keys).model_fields if (key := getattr(keys, name))},
        endpoints=dict(settings.endpoint),
        default=models.default,
        lists={task: getattr(models, task.value) for task in Task},
        prices={name: (price.input, price.output) for name, price in models.price.items()},
        timeout_s=models.timeout_s,
    )


def _blog(settings: Settings) -> object:
    kind = import_module("tools.social.blog").BlogSettings
    blog = settings.blog
    return kind(
        folder=None if blog.webhook_url else blog.folder,
        webhook_url=blog.webhook_url,
        webhook_secret=blog.webhook_secret,
    )


def _micros(dollars: float | None) -> int | None:
    return None if dollars is None else int(dollars * 1_000_000)
