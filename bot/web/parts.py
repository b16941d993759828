"""What the web server is given, and how an address is declared.

`bot/app.py` fills `Parts`; nothing in `bot/web` makes any of it. A file of `api/` turns parts into
`Route`s: method, path, handler, who may come in, and what `/openapi.json` says of it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from aiohttp import web

from agents.runtime.archives import Archives
from agents.runtime.own import OwnAgents
from bot.connections import Connections
from bot.core.approval import Answer, Approval
from bot.core.canonical import Json
from bot.core.effect import Effect
from bot.core.event import Event
from bot.core.ids import TenantId
from bot.core.model import Offer
from bot.core.people import Person
from bot.core.ports import Accepted, Agents, Clock, Routes, Schedules
from bot.core.secret import Secret
from bot.credentials import Credentials, Visit
from bot.files.files import Files
from bot.frozen import field, frozen
from bot.live import Live
from bot.people import People
from bot.platforms.bulletins import Bulletins
from bot.platforms.checking import Checked
from bot.platforms.installing import Installing
from bot.platforms.lent import Options, Spot
from bot.platforms.places import Places
from bot.store.script import Database
from bot.transcript import Transcript
from tools.mcp._hub import Standing

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
VISIT: web.RequestKey[Visit] = web.RequestKey("visit", Visit)
"""Who asks; set for every path that is not open."""
REQUEST_ID: web.RequestKey[str] = web.RequestKey("request_id", str)


class Inbox(Protocol):
    """The one door."""

    async def accept(self, event: Event, body_hash: str = "") -> Accepted: ...


class Approvals(Protocol):
    """Answers questions."""

    async def get(self, tenant: TenantId, id_: str) -> tuple[Approval, tuple[Effect, ...]]: ...

    async def decide(self, tenant: TenantId, answer: Answer) -> Approval: ...


class Models(Protocol):
    """The models that answer, and a new key for them."""

    def current(self) -> tuple[str, bool]:
        """The name of the model that answers, and whether it is the offline one."""
        ...

    def resting(self) -> Sequence[Mapping[str, Json]]:
        """`[{model, seconds, cause, status}]`: who failed lately and is asked last, or not yet."""
        ...

    async def check(self, key: Secret, model: str = "") -> Offer:
        """Try a key. Raises Invalid or OperatorError with a sentence that names the next step."""
        ...

    async def adopt(self, key: Secret, offer: Offer, actor: Person) -> None:
        """Keep a key that was tried, sealed, and answer with it from now on."""
        ...


class Mcp(Protocol):
    """MCP servers and what their tools wait for."""

    def standings(self, tenant: TenantId) -> Sequence[Standing]:
        """The servers of a tenant."""
        ...

    async def check(self, tenant: TenantId, server: str) -> Standing:
        """Connect and read its list, now. Raises NotFound, VendorRefused."""
        ...

    async def approve(
        self, tenant: TenantId, server: str, name: str, hash_: str, actor: str
    ) -> Standing:
        """Let agents use a tool as it was shown. Raises NotFound, Invalid, Conflict."""
        ...


class Channels(Protocol):
    """Platforms outside, connected and not."""

    @property
    def places(self) -> Places:
        """What is answered in their places."""
        ...

    @property
    def bulletins(self) -> Bulletins:
        """Where each kind of message goes that agents post unasked."""
        ...

    @property
    def installing(self) -> Installing:
        """Where their apps are installed."""
        ...

    async def listed(self, actor: Person) -> Sequence[Json]: ...

    def manifest(
        self, actor: Person, name: str, by_socket: bool, agent: str = ""
    ) -> Mapping[str, Json]: ...

    async def put(
        self, actor: Person, name: str, options: Options, *, is_unchecked: bool = False
    ) -> Checked: ...

    async def test(self, actor: Person, name: str, place: str) -> Spot: ...

    async def own(
        self, actor: Person, name: str, agent: str, options: Options
    ) -> Mapping[str, Json]: ...

    async def remove(self, actor: Person, name: str) -> None: ...


@frozen
class Parts:
    """Everything that the web server works with."""

    db: Database
    clock: Clock
    inbox: Inbox
    approvals: Approvals
    live: Live
    people: People
    credentials: Credentials
    transcript: Transcript
    files: Files
    archives: Archives
    routes: Routes
    agents: Agents
    own_agents: OwnAgents
    models: Models
    schedules: Schedules
    mcp: Mcp
    channels: Channels
    connections: Connections
    """Accounts at services."""
    wake: Callable[[], None]
    """There is work again: a dead letter was put back."""
    rules_changed: Callable[[TenantId], None]
    """The bindings or policies of a tenant are not what they were."""
    tools: Callable[[], Sequence[str]]
    """The names of all tools."""
    status: Callable[[Person], Awaitable[Mapping[str, Json]]]
    """The answer of `/v1/status`."""
    readiness: Callable[[], Awaitable[tuple[str, Sequence[str]]]]
    """Why no message is taken, empty while they are; what keeps them from being answered."""
    verify_audit: Callable[[TenantId], Awaitable[Mapping[str, Json]]]
    """`{ok, rows, problems}` of a tenant's book."""
    keys: Callable[[], Awaitable[Mapping[str, Json]]]
    """`{models: [{provider, last4, source}], master: [{id, wraps}]}`."""
    rotate: Callable[[Person], Awaitable[Mapping[str, Json]]]
    """Makes a new master key: `{id, rewrapped}`. Raises OperatorError."""
    address: Callable[[], str]
    """Where people reach the server, without a slash at the end."""
    public_url: str = ""
    version: str = "0"
    body_bytes: int = 1_048_576
    streams_per_person: int = 100
    """Conversations that one person may watch at a time."""
    blog: Path | None = None
    """The folder of the blog; None when it is kept elsewhere."""
    extra: Sequence["Route"] = ()
    """Webhooks and sign-ins of providers: each proves by itself who is calling."""


class Access(StrEnum):
    """Who may come in."""

    OPEN = "open"
    PERSON = "person"
    """Anybody who is signed in."""
    OWNER = "owner"


@frozen
class Doc:
    """What `/openapi.json` says of an address."""

    summary: str
    answer: Mapping[str, Json] = field(default_factory=dict)
    """JSON Schema of the answer."""
    status: int = 200
    body: Mapping[str, Json] | None = None
    """JSON Schema of the body."""
    query: Mapping[str, str] = field(default_factory=dict)
    """Parameter → what it does."""
    media_type: str = "application/json"


@frozen
class Route:
    """One address."""

    method: str
    path: str
    handler: Handler
    access: Access = Access.PERSON
    doc: Doc | None = None
    """None for pages, which no program calls."""
    page: bool = False
    """Made for a browser: its errors are pages."""
