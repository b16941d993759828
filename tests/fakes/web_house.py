"""A house with a real server, database, inbox, turns and approvals, and a scripted turn.

What is not the web's own is real where it decides something (the engine's doors), and a few lines
where it does not (the team, the routes, the models). A test sets `house.script` to what the agent
does with an event. Time stands still but for a millisecond a look; `house.clock.advance` moves it.
"""

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from aiohttp import ClientSession, CookieJar, web

from agents.runtime.own import OwnAgents
from bot.approvals import Approvals
from bot.controls import Controls
from bot.core.agent import Agent
from bot.core.approval import Approval
from bot.core.canonical import Json
from bot.core.card import Card, Field
from bot.core.conversation import Claim, TurnEnd
from bot.core.effect import Effect, EffectKind, EffectState, Policy, bind
from bot.core.errors import Invalid
from bot.core.event import Ending, Event
from bot.core.ids import AgentName, ApprovalId, ConvId, EffectId, PersonId, ScheduleId, TenantId
from bot.core.model import Offer
from bot.core.people import Person, Role, Tenant
from bot.core.ports import new_id
from bot.core.route import Explanation
from bot.core.schedule import Schedule, ScheduleState
from bot.core.secret import Secret
from bot.credentials import Credentials
from bot.directory import Directory
from bot.files.files import Files
from bot.files.links import Links
from bot.files.local import LocalStore
from bot.files.spool import Spool
from bot.inbox import Inbox
from bot.limits import Rate
from bot.live import Live
from bot.people import People
from bot.platforms.bulletins import Bulletins
from bot.platforms.installs import PROOFS, Around
from bot.platforms.lent import NoDesk
from bot.platforms.places import Places
from bot.questions import Asking, Deciders, Questions
from bot.seats import Seats
from bot.store.sqlite import SqliteDatabase
from bot.transcript import Transcript
from bot.turns import Turns, Work
from bot.web.app import build, runner
from bot.web.parts import Parts, Route
from tests.fakes.database import lay
from tests.fakes.oauth_house import connections_of
from tests.fakes.people_house import KEY, StillClock
from tests.fakes.pigeons import Channels, spot_of
from tests.fakes.remembering import remembering
from tests.tools.mcp.kit import nowhere
from tools.mcp._hub import Hub
from tools.mcp._server import Server

Script = Callable[[Claim], Awaitable[TurnEnd]]


class Team:
    """Two agents, in every tenant."""

    agents = (
        Agent(name=AgentName("kelly"), title="Writes posts", prompt="", version="1", emoji="✍️"),
        Agent(name=AgentName("bri"), title="Helps", prompt="", version="1", tools=("memory.*",)),
    )

    def get(self, tenant: TenantId, name: str) -> Agent | None:
        return next((agent for agent in self.agents if agent.name == name), None)

    def all(self, tenant: TenantId) -> Sequence[Agent]:
        return self.agents


class Validator:
    """Knows one tool, whose only argument is a text."""

    def check(self, effect: Effect, arguments: Mapping[str, Json]) -> Mapping[str, Json]:
        if set(arguments) != {"text"} or not isinstance(arguments["text"], str):
            raise Invalid("The post needs a text and nothing else.")
        return arguments

    def due(self, effect: Effect) -> None:
        return None

    async def deciders(self, item: Approval, changes: Sequence[tuple[Effect, Effect]]) -> Deciders:
        return Deciders(needs=item.needs, approvers=item.approvers, names=item.card.approvers)

    def moves_money(self, effect: Effect) -> bool:
        return False

    def preview(self, effect: Effect) -> Card:
        text = str(effect.arguments["text"])
        field = Field(name="text", value=text, long=True, editable="text")
        return Card(title="Publish on the blog", fields=(field,), body=text)


class Routes:
    """Everything goes to Bri."""

    asked: Event | None = None

    async def explain(self, event: Event) -> Explanation:
        self.asked = event
        return Explanation(agent=AgentName("bri"), why="the rule “everything else” fits")


class Room:
    """What is sealed, in the clear."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], Secret] = {}

    async def put(
        self, tenant: str, provider: str, field: str, secret: Secret, owner: str = ""
    ) -> None:
        self.kept[tenant, _slot(field, owner)] = secret

    async def get(self, tenant: str, provider: str, field: str, owner: str = "") -> Secret | None:
        return self.kept.get((tenant, _slot(field, owner)))


def _slot(field: str, owner: str) -> str:
    return f"{owner} {field}" if field == PROOFS else owner


class Models:
    """Knows one key."""

    adopted: Offer | None = None
    tired: list[dict[str, Json]] = []  # noqa: RUF012  a test puts its own there

    def current(self) -> tuple[str, bool]:
        return (self.adopted.model, False) if self.adopted else ("offline model", True)

    def resting(self) -> list[dict[str, Json]]:
        return self.tired

    async def check(self, key: Secret, model: str = "") -> Offer:
        if not key.matches("sk-right"):
            raise Invalid(f"OpenAI does not know the key that ends in {key.reveal()[-4:]}.")
        models = ("openai/gpt-4o-mini", "openai/gpt-4o")
        return Offer(provider="openai", models=models, model=model or models[0])

    async def adopt(self, key: Secret, offer: Offer, actor: Person) -> None:
        self.adopted = offer


@dataclass
class Schedules:
    """The clock's book, in memory."""

    book: dict[str, Schedule] = field(default_factory=dict)

    async def add(self, schedule: Schedule) -> None:
        self.book[schedule.id] = schedule

    async def list(self, tenant: TenantId, conv: ConvId | None = None) -> Sequence[Schedule]:
        return [item for item in self.book.values() if item.tenant == tenant]

    async def change(
        self, tenant: TenantId, schedule: ScheduleId, state: ScheduleState
    ) -> Schedule | None:
        item = self.book.get(schedule)
        if item is None or item.tenant != tenant:
            return None
        self.book[schedule] = replace(item, state=state)
        return self.book[schedule]

    def plan(self, words: str, zone: str, now: datetime) -> tuple[str, datetime]:
        raise Invalid("Not understood.")


async def nothing_to_send(claim: Claim, end: TurnEnd) -> TurnEnd:
    """A reply of our own channels is a row."""
    return end


def said(text: str, agent: str = "bri", **more: Any) -> TurnEnd:
    """The end of a turn that answers."""
    return TurnEnd(ending=Ending.ANSWERED, reply=text, agent=AgentName(agent), **more)


class WebHouse:
    """Everything, listening on a free port of this machine."""

    def __init__(self, folder: Path, extra: Sequence[Route] = (), **settings: Any) -> None:
        self.folder = folder
        self.settings = settings
        self.servers: Callable[[TenantId], Sequence[Server]] = lambda tenant: ()
        """MCP servers of the first tenant; set before it starts."""
        self.extra = extra
        self.vendors: Mapping[str, str] = {}
        """Services that are played, and where; set before it starts."""
        self.clock = StillClock()
        self.live = Live()
        self.agents, self.routes, self.models = Team(), Routes(), Models()
        self.schedules = Schedules()
        self.script: Script = self.echo
        self.broken = ""
        self.problems: list[str] = []
        self.rules_changed: list[str] = []
        self.claims: list[Claim] = []
        self._sessions: list[ClientSession] = []

    async def __aenter__(self) -> Self:
        self.db = SqliteDatabase(self.folder / "house.db")
        lay(self.db.path)
        await self.db.open()
        await self._put_together()
        self._runner = runner(build(self.parts), 1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port: int = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(self, *error: object) -> None:
        for session in self._sessions:
            await session.close()
        await self.mcp.close()
        await self._runner.cleanup()
        await self.turns.drain(2)
        self._turning.cancel()
        await asyncio.gather(self._turning, return_exceptions=True)
        await self.db.close()

    async def _put_together(self) -> None:
        db, clock = self.db, self.clock
        self.own_agents = OwnAgents(db, clock, self.folder / "agents")
        self.credentials = Credentials(db, clock, KEY)
        self.people = People(db, clock, KEY, self._changed)
        self.directory = Directory(self.people)
        self.tenant, self.owner = await self.people.ensure_first()
        self.questions = Questions(clock, Validator(), self._show)
        self.approvals = Approvals(db, clock, self.questions, self.live, lambda: self.turns.wake())
        self.turns = Turns(
            db,
            clock,
            Work(handle=self._handle, deliver=nothing_to_send),
            self.live,
            Seats(owner="test", count=1000),
        )
        controls = Controls(
            db, clock, self.approvals, self.directory, self.turns, self._status_text
        )
        self.inbox = Inbox(db, clock, self.turns, controls, Rate(count=0, seconds=1))
        self.transcript = Transcript(db, self.questions.title)
        is_agent = lambda tenant, name: self.agents.get(tenant, name) is not None  # noqa: E731
        changed = lambda: self.rules_changed.append("places")  # noqa: E731
        self.room, self.told = Room(), list[tuple[str, ...]]()
        self.mended = list[tuple[str, ...]]()
        around = Around(
            db=db,
            clock=clock,
            strongroom=self.room,  # type: ignore[arg-type]
            told=self._told,
            works=self._works,
            desk=lambda tenant, channel: NoDesk(),
        )
        told = {"slack": {"press": "#press"}}
        bulletins = Bulletins(db, clock, spot_of, told, self.tenant.id)
        self.channels = Channels(Places(db, clock, is_agent, changed), around, bulletins)
        self.connections = await connections_of(
            db, clock, lambda: self.url, self.vendors, self._ended
        )
        self.mcp = Hub(self.servers(self.tenant.id), db, clock, nowhere)
        await self.mcp.start()
        folder = self.folder / "files"
        links = Links(clock, lambda purpose, text: hmac.digest(KEY, text.encode(), "sha256").hex())
        self.files = Files(db, clock, LocalStore(folder), Spool(folder / "spool", clock), links)
        self.parts = self._parts()
        self._turning = asyncio.create_task(self.turns.run())

    def _parts(self) -> Parts:
        return Parts(
            db=self.db,
            clock=self.clock,
            inbox=self.inbox,
            approvals=self.approvals,
            live=self.live,
            people=self.people,
            credentials=self.credentials,
            transcript=self.transcript,
            files=self.files,
            archives=remembering(self.db, self.clock, self.files).archives,
            routes=self.routes,
            agents=self.agents,
            own_agents=self.own_agents,
            models=self.models,
            schedules=self.schedules,
            mcp=self.mcp,
            channels=self.channels,
            connections=self.connections,
            wake=self.turns.wake,
            rules_changed=self.rules_changed.append,
            tools=lambda: ("blog_publish", "x_publish"),
            status=self._status,
            readiness=self._readiness,
            verify_audit=self._verify,
            keys=self._keys,
            rotate=self._rotate,
            address=lambda: self.url,
            version="1.2.3",
            extra=self.extra,
            **self.settings,
        )

    async def _keys(self) -> Mapping[str, Json]:
        master = [{"id": "kek_202611_a", "wraps": 3}]
        return {
            "models": [{"provider": "openai", "last4": "abcd", "source": "pasted"}],
            "master": master,
        }

    async def _rotate(self, actor: Person) -> Mapping[str, Json]:
        return {"id": "kek_202611_b", "rewrapped": 3}

    # What a test does.

    async def token(self, person: Person | None = None) -> str:
        """A bearer token of a person; of the owner unless said."""
        _, secret = await self.credentials.add_token(person or self.owner, "test", "house")
        return secret.reveal()

    async def bearer(self, person: Person | None = None) -> ClientSession:
        """A client with a token."""
        headers = {"Authorization": f"Bearer {await self.token(person)}"}
        return self.client(headers)

    async def browser(self, person: Person | None = None) -> ClientSession:
        """A client with a session, which sends what our own pages send."""
        session = self.client({"Origin": self.url})
        code = await self.credentials.link(person or self.owner, "house")
        async with session.post(f"/in/{code}", allow_redirects=False) as response:
            assert response.status == 303, await response.text()
            cookie = response.cookies["bot_session"].value
        visit = await self.credentials.by_cookie(cookie)
        assert visit
        session.headers["X-CSRF-Token"] = visit.csrf
        return session

    def client(self, headers: Mapping[str, str] | None = None) -> ClientSession:
        """A client without anything."""
        session = ClientSession(self.url, headers=headers, cookie_jar=CookieJar(unsafe=True))
        self._sessions.append(session)
        return session

    async def member(self, name: str = "Max") -> Person:
        """A new member of the first tenant."""
        return await self.people.add(self.tenant.id, name, Role.MEMBER, "", "house")

    async def other_tenant(self) -> tuple[Tenant, Person]:
        """Another tenant and its owner."""
        return await self.people.add_tenant("Other", "Olga", "house")

    async def echo(self, claim: Claim) -> TurnEnd:
        """The script that is there before a test sets its own."""
        return said(f"You said: {claim.event.text}")

    def asks(self, text: str = "Open on Sunday", **more: Any) -> Script:
        """A script that wants to publish and asks; it words the outcome afterwards."""

        async def script(claim: Claim) -> TurnEnd:
            if claim.event.kind == "settled":
                return said("It is decided.")
            effects, approval = self.question(claim, text, **more)  # `count`, `named`
            return said("Waiting for your yes.", effects=effects, approval=approval)

        return script

    def question(
        self, claim: Claim, text: str, count: int = 1, named: Sequence[PersonId] = ()
    ) -> tuple[tuple[Effect, ...], Any]:
        """So many effects that wait, and the approval that covers them."""
        id_ = ApprovalId(new_id(self.clock, "apr"))
        effects = tuple(self._effect(claim, id_, n, text) for n in range(count))
        asking = Asking(
            id=id_,
            code=f"{4000 + len(self.claims)}",
            why="Publishing always asks.",
            requested_by=claim.event.sender.person,
            on_behalf_of=claim.event.sender.name,
            approvers={person: person for person in named},
            named=bool(named),
        )
        return effects, self.questions.ask(effects, asking)

    def _effect(self, claim: Claim, approval: ApprovalId, n: int, text: str) -> Effect:
        tenant, agent = claim.event.tenant, AgentName("bri")
        arguments: dict[str, Json] = {"text": text if n == 0 else f"{text} {n}"}
        return Effect(
            id=EffectId(new_id(self.clock, "eff")),
            tenant=tenant,
            conv=claim.conv.id,
            turn=claim.event.id,
            step=1,
            n=n,
            kind=EffectKind.TOOL,
            tool="blog_publish",
            tool_version=1,
            agent=agent,
            person=claim.event.sender.person,
            connection="",
            arguments=arguments,
            hash=bind(tenant, agent, "blog_publish", 1, arguments, ""),
            policy=Policy.KEYED,
            state=EffectState.AWAITING,
            approval=approval,
            sandbox=True,
        )

    # What the parts ask for.

    async def _handle(self, claim: Claim) -> TurnEnd:
        self.claims.append(claim)
        return await self.script(claim)

    def _changed(self) -> None:
        self.directory.forget()
        self.credentials.forget()

    async def _told(self, *which: str) -> None:
        self.told.append(which)

    async def _works(self, *which: str) -> None:
        self.mended.append(which)

    async def _ended(self, *what: object) -> None:
        return None

    async def _show(self, approval: Any) -> None:
        return None

    async def _status_text(self, tenant: TenantId) -> str:
        return "All well."

    async def _status(self, person: Person) -> Mapping[str, Json]:
        return {"version": "1.2.3", "pending": 0}

    async def _readiness(self) -> tuple[str, Sequence[str]]:
        return self.broken, [*([self.broken] if self.broken else ()), *self.problems]

    async def _verify(self, tenant: TenantId) -> Mapping[str, Json]:
        return {"ok": True, "rows": 0, "problems": []}
