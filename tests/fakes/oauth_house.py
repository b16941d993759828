"""Connections of two tenants with a real database, vault and fetcher, and played vendors."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from typing import Any, Self

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from bot.config.values import own_addresses
from bot.connections import Connections
from bot.core.ids import TenantId
from bot.core.people import Person
from bot.core.secret import Secret
from bot.credentials import Visit
from bot.fetch.client import WebFetcher
from bot.fleet import Alone, Peers
from bot.keyring import Kek, Ring
from bot.oauth.apps import Apps
from bot.oauth.around import Around, Tokens
from bot.oauth.flow import Returned, Wanted
from bot.oauth.provider import App
from bot.people import People
from bot.store import connections as rows
from bot.store.connections import Connection
from bot.store.script import Database
from bot.store.sqlite import SqliteDatabase
from bot.strongroom import StoredKeys, Strongroom
from bot.vault import Vault
from tests.fakes.database import lay
from tests.fakes.oauth_server import CLIENT, SECRET, OAuthServer
from tests.fakes.people_house import KEY, StillClock

ADDRESS = "https://house.example"
_KEY = ec.generate_private_key(ec.SECP256R1())
PEM = _KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
PUBLIC = (
    _KEY.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
)


def app_of(name: str) -> App:
    """Our app as the played vendor knows it."""
    if name == "apple":
        return App(id=CLIENT, secret=Secret(PEM), more={"team_id": "TEAM1", "key_id": "KEY1"})
    more = {"contact": "ann"} if name == "reddit" else {}
    return App(id=CLIENT, secret=Secret(SECRET), more=more)


async def strongroom_of(
    db: Database, clock: Any, mask: Callable[[Secret], None] = lambda _: None
) -> Strongroom:
    """A real vault over a database."""
    vault = Vault(Ring((Kek(id="kek_202611_test", key=b"k" * 32),)), StoredKeys(db), clock)
    await vault.start()
    return Strongroom(db, clock, vault, mask)


async def connections_of(
    db: Database,
    clock: Any,
    address: Callable[[], str],
    served: Mapping[str, str],
    told: Callable[[Connection, str], Awaitable[None]],
) -> Connections:
    """Connections for a house whose other parts are there; `served`: vendor → where it is played."""
    room = await strongroom_of(db, clock)
    return Connections(
        Around(
            db=db,
            clock=clock,
            strongroom=room,
            fetcher=WebFetcher(allow=own_addresses(*served.values()), redirects=0),
            peers=Alone("web"),
            apps=Apps(db, room, {name: app_of(name) for name in served}),
            mask=room.vault.lookup,
            endpoints=served,
            address=address,
            told=told,
        )
    )


async def kept(connections: Connections, tenant: TenantId, at: datetime) -> Connection:
    """A connection at a vendor that nobody plays."""
    around = connections.accounts._g
    made = Connection(
        tenant=tenant,
        id="con_1",
        provider="tumblr",
        account="ann",
        name="ann",
        connected_by="house",
        connected_at=at,
    )
    sealed = await around.seal(made, Tokens(access=Secret("a"), refresh=Secret("")))
    assert await around.db.write(rows.put(made, sealed, ""))
    return made


class OAuthHouse:
    """Two tenants and one vendor, or several."""

    def __init__(
        self,
        folder: Path,
        server: OAuthServer,
        *others: OAuthServer,
        db: Database | None = None,
        peers: Peers | None = None,
    ) -> None:
        self.server, self.servers = server, (server, *others)
        self.clock = StillClock()
        self.clock.at = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
        self.clock.random = SystemRandom()  # another life must not make the same ids
        self._own = None if db else SqliteDatabase(folder / "house.db")
        self.db: Any = db or self._own
        self.peers = peers or Alone("one")
        self.told: list[tuple[str, str, str]] = []
        self.masked: list[str] = []

    async def __aenter__(self) -> Self:
        if self._own:
            lay(self._own.path)
            await self._own.open()
        self.people = People(self.db, self.clock, KEY, lambda: None)
        self.tenant, self.owner = await self.people.ensure_first()
        _, self.olga = await self.people.add_tenant("Other", "Olga", "house")
        self.room = await strongroom_of(self.db, self.clock, self._mask)
        self.around = self.made(self.peers)
        self.connections = Connections(self.around)
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.connections.renewal.close()
        if self._own:
            await self._own.close()

    def made(self, peers: Peers) -> Around:
        """The parts, as one process has them."""
        served = {each.name: each.base for each in self.servers}
        return Around(
            db=self.db,
            clock=self.clock,
            strongroom=self.room,
            fetcher=WebFetcher(allow=own_addresses(*served.values()), redirects=0),
            peers=peers,
            apps=Apps(self.db, self.room, {name: app_of(name) for name in served}),
            mask=self.room.vault.lookup,
            endpoints=served,
            address=lambda: ADDRESS,
            told=self._told,
        )

    def visit(self, person: Person | None = None, door: str = "door-1") -> Visit:
        """Somebody in a browser."""
        return Visit(person=person or self.owner, csrf="csrf", door=door)

    async def start(self, visit: Visit | None = None, **wanted: Any) -> str:
        """The consent page's address."""
        asked = Wanted(**wanted)
        return await self.connections.start(visit or self.visit(), self.server.name, asked)

    async def connect(
        self, visit: Visit | None = None, at: OAuthServer | None = None, **wanted: Any
    ) -> Connection:
        """All of the dance; `at`: another vendor than the first."""
        visit, server = visit or self.visit(), at or self.server
        asked = await self.connections.start(visit, server.name, Wanted(**wanted))
        await self.connections.finish(visit, server.name, Returned(**server.agree(asked)))
        found = await self.db.read(rows.exactly(visit.tenant, server.name, wanted.get("agent", "")))
        assert found
        return found

    async def now(self, item: Connection) -> Connection:
        """A connection as it stands."""
        found = await self.db.read(rows.of(item.tenant, item.id))
        assert found
        return found

    @property
    def token_calls(self) -> int:
        """How often the vendor was asked for a token."""
        rule = self.server.rule
        paths = {rule.token, rule.longer, rule.renew} - {""}
        return sum(self.server.calls.get(path, 0) for path in paths)

    def _mask(self, secret: Secret) -> None:
        self.masked.append(secret.reveal())

    async def _told(self, item: Connection, what: str) -> None:
        self.told.append((item.tenant, item.provider, what))
