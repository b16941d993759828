"""Accounts at services, as owners see them: what is connected, what it may do, what is left to do.

`bot/oauth` does the work; here it is told in the shapes of the API, and every look-up stays in the
tenant of whoever asks.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from bot.core.canonical import Json
from bot.core.people import Person
from bot.core.times import iso, to_us
from bot.credentials import Visit
from bot.oauth.accounts import Accounts
from bot.oauth.alarms import NAME as ALARMS
from bot.oauth.alarms import Alarms
from bot.oauth.apps import app_wants
from bot.oauth.around import Around
from bot.oauth.deletion import SIGNERS, Deletions
from bot.oauth.ending import Ending
from bot.oauth.flow import Flow, Returned, Wanted
from bot.oauth.health import Health
from bot.oauth.provider import Provider
from bot.oauth.renewal import AHEAD, Renewal
from bot.store import audit
from bot.store import connections as rows
from bot.store.connections import Connection

ABSENT = "The package that knows this service is not used here. Until it is, this account rests."


class Connections:
    """The connections of all tenants."""

    def __init__(self, around: Around) -> None:
        self._g = around
        self._flow = Flow(around)
        self.renewal = Renewal(around)
        self._health = Health(around, self.renewal)
        self._ending = Ending(around)
        self.deletions = Deletions(around, self._ending)
        self.alarms = Alarms(around, self.renewal)
        self.accounts = Accounts(around, self.renewal)
        """For tools."""

    async def listed(self, actor: Person) -> Sequence[Json]:
        """A tenant's connections."""
        found = await self._g.db.read(rows.listed(actor.tenant))
        return [self._shown(item) for item in found]

    def record(self, name: str) -> Provider:
        """A service. Raises NotFound."""
        return self._g.services.load(name)

    async def services(self, actor: Person) -> Sequence[Json]:
        """Every service that may be connected, and what it takes."""
        return [await self._service(actor, self.record(name)) for name in self._g.services.names()]

    async def start(self, visit: Visit, name: str, wanted: Wanted) -> str:
        """Where the browser goes. Raises NotFound, Invalid, OperatorError."""
        return await self._flow.start(visit, name, wanted)

    async def finish(self, visit: Visit, name: str, returned: Returned) -> str:
        """Where the browser goes on. Raises UserError, OperatorError, VendorError."""
        _, back = await self._flow.finish(visit, name, returned)
        return back

    async def check(self, actor: Person, id_: str) -> Mapping[str, Json]:
        """Ask the service, and say how it is. Raises NotFound."""
        return self._shown(await self._health.check(actor.tenant, id_))

    async def end(self, actor: Person, id_: str) -> str:
        """Let go of it; a sentence on what the service said. Raises NotFound."""
        return await self._ending.end(actor.tenant, id_, f"person:{actor.id}")

    async def put_app(self, actor: Person, name: str, told: Mapping[str, str]) -> None:
        """Keep the tenant's own app of a service. Raises NotFound, Invalid."""
        await self._g.apps.put(actor.tenant, name, told)
        await self._note(actor, "connection.app", name)

    async def forget_app(self, actor: Person, name: str) -> None:
        """Let go of it. Raises NotFound."""
        await self._g.apps.forget(actor.tenant, self.record(name).name)
        await self._note(actor, "connection.app_removed", name)

    async def _note(self, actor: Person, what: str, name: str) -> None:
        at = to_us(self._g.clock.now())
        await self._g.db.write(audit.note(actor.tenant, at, f"person:{actor.id}", what, name, {}))

    def _shown(self, item: Connection) -> Mapping[str, Json]:
        """A connection; its tokens are nowhere."""
        provider, granted = self._g.services.find(item.provider), set(item.scopes)
        ends_at = item.refresh_until if item.renewed else item.expires_at
        now = self._g.clock.now()
        is_ending = ends_at is not None and ends_at - now < AHEAD
        status = "ends" if item.status == "active" and is_ending else item.status
        status, error = (status, item.error) if provider else ("broken", ABSENT)
        return {
            "id": item.id,
            "provider": item.provider,
            "title": provider.title if provider else item.provider,
            "account": item.account,
            "name": item.name,
            "agent": item.agent,
            "status": status,
            "error": error,
            "scopes": sorted(granted),
            "missing": [scope for scope in item.asked.split() if scope not in granted],
            "features": [
                {"name": name, "title": each.title, "on": granted.issuperset(each.scopes)}
                for name, each in (provider.features.items() if provider else ())
            ],
            "renewed": bool(item.renewed),
            "ends_at": _iso(ends_at),
            "connected_at": iso(item.connected_at),
            "checked_at": _iso(item.checked_at),
        }

    async def _service(self, actor: Person, provider: Provider) -> Json:
        features: list[Json] = [
            {"name": name, "title": each.title, "asked": each.asked}
            for name, each in provider.features.items()
        ]
        told = f"{self._g.address()}/oauth/{provider.name}"
        return {
            "name": provider.name,
            "title": provider.title,
            "app": await self._g.apps.source(actor.tenant, provider),
            "wants": list(app_wants(provider)),
            "features": features,
            "verification": provider.verification,
            "to_do": list(provider.to_do),
            "redirect": self._flow.redirect(provider.name),
            "callbacks": [f"{told}/{each}" for each in _callbacks(provider.name)],
            "by_hand": provider.by_hand,
        }


def _callbacks(name: str) -> Sequence[str]:
    """What a service calls by itself."""
    if name in SIGNERS:
        return ("deauthorize", "deletion")
    return ("events",) if name == ALARMS else ()


def _iso(at: datetime | None) -> str | None:
    return iso(at) if at else None
