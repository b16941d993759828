"""What a tool gets of a connection: a client that carries its token to that vendor and nowhere
else.

    client = await accounts.client(tenant, "google", agent, needs=(SCOPE,))
    page = await client.call("GET", "/calendar/v3/users/me/calendarList")

The token never leaves this file but in a request to one of the record's hosts, over https. A 401 is
answered by one refresh and one more try: the vendor has refused, so nothing happened. What a person
must mend comes as `Reconnect`, with the link that mends it.
"""

import json
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from bot.core.canonical import Json
from bot.core.errors import Invalid, OperatorError
from bot.core.ids import TenantId
from bot.core.ports import Page
from bot.core.secret import Secret
from bot.oauth.around import Around
from bot.oauth.renewal import Reconnect, Renewal
from bot.oauth.wire import with_query
from bot.store import connections as rows
from bot.store.connections import Connection

_OURS = frozenset({"authorization", "host", "cookie"})
USUAL_BYTES = 2_000_000
USUAL_S, LONG_S = 15.0, 45.0
"""How long an answer is waited for; the longer one where a file travels."""


class NotConnected(Reconnect):
    """This service is not connected."""


class ScopeMissing(Reconnect):
    """The connection was not granted what this takes."""


class Accounts:
    """Hands out clients."""

    def __init__(self, around: Around, renewal: Renewal) -> None:
        self._g = around
        self._renewal = renewal

    async def client(
        self, tenant: TenantId, provider: str, agent: str = "", needs: Sequence[str] = ()
    ) -> "Client":
        """A client of the agent's own connection, or of everybody's.

        Raises NotConnected, ScopeMissing, Reconnect; NotFound for a service that is unknown.
        """
        record = self._g.services.load(provider)
        if not tenant:
            raise OperatorError("Nobody said whose connection this is about.")
        item = await self._g.db.read(rows.meant_for(tenant, provider, agent))
        if item is None:
            link = self._g.link(provider, "", " ".join(needs))
            raise NotConnected(f"{record.title} is not connected.", link)
        if item.status == "broken":
            raise self._renewal.lost(item)
        if missing := [scope for scope in needs if scope not in item.scopes]:
            link = self._g.link(provider, item.agent, " ".join(missing))
            raise ScopeMissing(f"{record.title} was not allowed to: {', '.join(missing)}.", link)
        return Client(self._g, self._renewal, item)

    async def account(
        self, tenant: TenantId, provider: str, agent: str, needs: Sequence[str]
    ) -> tuple[str, str] | None:
        """Id and name of the connection that an agent acts by; None where there is none.

        Raises ScopeMissing, Reconnect.
        """
        try:
            client = await self.client(tenant, provider, agent, needs)
        except NotConnected:
            return None
        return client.id, client.shown


class Client:
    """One connection, to be called with."""

    def __init__(self, around: Around, renewal: Renewal, item: Connection) -> None:
        self._g = around
        self._renewal = renewal
        self._item = item
        self._record = around.services.load(item.provider)
        self._other: Secret | None = None

    @property
    def id(self) -> str:
        """The connection's own id."""
        return self._item.id

    @property
    def title(self) -> str:
        """What the service is called."""
        return self._record.title

    @property
    def shown(self) -> str:
        """The account's name, as the service writes it."""
        return f"{self._record.who.sign}{self._item.name}"

    @property
    def agent(self) -> str:
        """The agent whose own it is; empty: everybody's."""
        return self._item.agent

    @property
    def account(self) -> str:
        """The vendor's id of the account."""
        return self._item.account

    @property
    def name(self) -> str:
        """What people call the account."""
        return self._item.name

    @property
    def config(self) -> Mapping[str, Json]:
        """What the vendor said besides, such as a server of Discord."""
        told: dict[str, Json] = json.loads(self._item.config)
        return told

    def again(self, message: str, needs: Sequence[str] = ()) -> Reconnect:
        """What to raise when the vendor says that this connection may not: with its link."""
        return Reconnect(message, self._g.link(self._item.provider, self.agent, " ".join(needs)))

    def by(self, token: Secret) -> "Client":
        """The same connection by another token that the vendor gave to it, such as a Page's: sent
        where the connection's own may go, kept nowhere, and never renewed.
        """
        self._g.strongroom.hide(token)
        made = Client(self._g, self._renewal, self._item)
        made._other = token
        return made

    async def call(
        self,
        method: str,
        where: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Json] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
        max_bytes: int = USUAL_BYTES,
    ) -> Page:
        """Ask the vendor; the answer, whatever its status.

        `where` is a path at the record's first host, or an address of one of its hosts. A mapping
        is sent as JSON. Raises Invalid, Reconnect, VendorRefused (not sent), VendorUnknown.
        """
        url = self._checked(where)
        app = await self._g.apps.of(self._item.tenant, self._record)
        wire = self._g.wire(self._record, app)
        sent = dict(headers or {})
        if bad := [name for name in sent if name.lower() in _OURS]:
            raise Invalid(f"The header {bad[0]} is not a tool's to set.")
        if isinstance(body, Mapping):
            sent.setdefault("Content-Type", "application/json")
            body = json.dumps(body, ensure_ascii=False).encode()
        is_long = max(max_bytes, len(body or b"") * 4) > USUAL_BYTES
        refused: Secret | None = None
        while True:
            self._item, token = await self._renewal.fresh(self._item.tenant, self._item.id, refused)
            token = self._other or token
            asked = with_query(url, {**(query or {}), **wire.dressed(token)})
            page = await self._g.fetcher.fetch(
                wire.at(asked),
                method=method,
                headers={**wire.common(), **sent, **wire.bearer(token)},
                body=body,
                max_bytes=max_bytes,
                timeout_s=LONG_S if is_long else USUAL_S,
            )
            if page.status != 401 or refused is not None or self._other:
                return page
            refused = token

    def _checked(self, where: str) -> str:
        """The address. Raises Invalid for one that is not the vendor's."""
        hosts = self._record.hosts
        if where.startswith("/") and not where.startswith("//") and hosts:
            return f"https://{hosts[0]}{where}"
        try:
            parts = urlsplit(where)
            is_theirs = parts.scheme == "https" and parts.netloc in hosts
        except ValueError:
            is_theirs = False
        if not is_theirs:
            raise Invalid(f"This is no address of {self._record.title}'s API.")
        return where
