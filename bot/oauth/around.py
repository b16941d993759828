"""What connections are made and kept with, and the two things that all of them do with it."""

import json
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import quote

from bot.core.errors import ConnectionBroken
from bot.core.ports import Clock, Fetcher
from bot.core.secret import Secret
from bot.fleet import Peers
from bot.frozen import field, frozen
from bot.oauth.apps import Apps
from bot.oauth.provider import App, Provider, Services
from bot.oauth.wire import Wire
from bot.store.connections import Connection
from bot.store.keys import ValueRow
from bot.store.script import Database
from bot.strongroom import Strongroom

FIELD = "tokens"
"""Under which a connection's tokens are sealed, as JSON; the owner is its id."""
Told = Callable[[Connection, str], Awaitable[None]]
"""Tells owners: which, and what became of it (`ends`, `broken`, `works`)."""


@frozen
class Tokens:
    """What is sealed."""

    access: Secret
    refresh: Secret

    def to_text(self) -> Secret:
        """As it is sealed."""
        return Secret(json.dumps({"a": self.access.reveal(), "r": self.refresh.reveal()}))


@frozen
class Around:
    """The parts."""

    db: Database
    clock: Clock
    strongroom: Strongroom
    fetcher: Fetcher
    """Follows no redirect: a token goes to the address that was meant, or nowhere."""
    peers: Peers
    apps: Apps
    mask: Callable[[str, str], str]
    """A keyed hash of a text, for a purpose."""
    endpoints: Mapping[str, str]
    address: Callable[[], str]
    """Where people and vendors reach the house."""
    told: Told
    services: Services = field(default_factory=Services)

    def wire(self, provider: Provider, app: App) -> Wire:
        """The way to a vendor."""
        endpoint = self.endpoints.get(provider.name, "")
        return Wire(provider, app, self.fetcher, self.clock, endpoint)

    async def seal(self, item: Connection, tokens: Tokens) -> ValueRow:
        """Tokens as a row, to be written with the connection's."""
        return await self.strongroom.sealed(
            item.tenant, item.provider, FIELD, tokens.to_text(), owner=item.id
        )

    async def open(self, item: Connection) -> Tokens:
        """The tokens of a connection. Raises ConnectionBroken when there are none."""
        kept = await self.strongroom.get(item.tenant, item.provider, FIELD, owner=item.id)
        if kept is None or not kept.reveal():
            raise ConnectionBroken("This connection has no token any more. Connect it again.")
        told = json.loads(kept.reveal())
        tokens = Tokens(access=Secret(told["a"]), refresh=Secret(told["r"]))
        self.strongroom.hide(tokens.access, tokens.refresh)
        return tokens

    def link(self, provider: str, agent: str = "", scopes: str = "") -> str:
        """Where an owner connects it, or connects it again."""
        query = {"agent": agent, "scopes": scopes}
        given = "&".join(f"{name}={quote(text, safe='')}" for name, text in query.items() if text)
        path = f"{self.address()}/admin/connections"
        return f"{path}?{given}#{provider}" if given else f"{path}#{provider}"
