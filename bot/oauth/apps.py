"""Our apps at vendors: an id and a secret each, and what a vendor wants besides.

A tenant's own app is sealed in the vault; without one the house's app from the settings serves
every tenant, as it was registered for the whole house. A vendor may share the app of another
(Meta).
"""

import json
import logging
from collections.abc import Mapping, Sequence

from bot.core.canonical import Json
from bot.core.errors import Invalid, NotFound, OperatorError, SettingsError
from bot.core.ids import TenantId
from bot.core.secret import Secret
from bot.oauth.provider import App, Provider, Services
from bot.store.people import tenants
from bot.store.script import Database
from bot.strongroom import Strongroom
from bot.vault import SecretUnreadable

log = logging.getLogger(__name__)

FIELD = "oauth_app"
"""Under which a tenant's own app is sealed, as JSON."""
MAX_TEXT = 5_000
_OPTIONAL = frozenset({"tenant", "contact"})


class Apps:
    """Finds and keeps apps."""

    def __init__(
        self,
        db: Database,
        strongroom: Strongroom,
        house: Mapping[str, App],
        services: Services | None = None,
    ) -> None:
        """`house`: the apps that stand in the settings; `services`: without any, the tree's."""
        self._services = services or Services()
        self._db = db
        self._strongroom = strongroom
        self._house = house

    async def of(self, tenant: TenantId, provider: Provider) -> App:
        """The app that serves a tenant. Raises OperatorError where there is none."""
        for name in filter(None, (provider.name, provider.app_of)):
            found = await self.own(tenant, name) or self._house.get(name)
            if found:
                return found
        raise OperatorError(
            f"There is no app of {provider.title} yet. Give its client ID and secret: "
            f"`bot connect {provider.name}`, or the page of connections."
        )

    async def own(self, tenant: TenantId, name: str) -> App | None:
        """The app that a tenant brought itself."""
        kept = await self._strongroom.get(tenant, name, FIELD)
        if kept is None or not kept.reveal():
            return None
        told: dict[str, str] = json.loads(kept.reveal())
        return App(id=told.pop("client_id"), secret=Secret(told.pop("client_secret")), more=told)

    async def everywhere(self, provider: Provider) -> Sequence[tuple[TenantId | None, App]]:
        """Every app that a vendor may mean when it calls us; without a tenant: the house's.

        One whose secret cannot be opened proves nothing, and is in no other tenant's way.
        """
        found: list[tuple[TenantId | None, App]] = []
        for name in filter(None, (provider.name, provider.app_of)):
            if name in self._house:
                found.append((None, self._house[name]))
            for tenant in await self._db.read(tenants()):
                try:
                    own = await self.own(tenant.id, name)
                except SecretUnreadable as error:
                    log.warning("The app of %s at %s: %s", tenant.id, name, error.message)
                    continue
                if own:
                    found.append((tenant.id, own))
        return found

    async def source(self, tenant: TenantId, provider: Provider) -> str:
        """Where a tenant's app comes from: own, settings, or empty."""
        for name in filter(None, (provider.name, provider.app_of)):
            if await self.own(tenant, name):
                return "own"
            if name in self._house:
                return "settings"
        return ""

    async def put(self, tenant: TenantId, name: str, told: Mapping[str, str]) -> None:
        """Keep a tenant's own app, sealed. Raises NotFound, Invalid."""
        provider = self._services.load(name)
        wants = app_wants(provider)
        if unknown := set(told) - {str(want["name"]) for want in wants}:
            raise Invalid(f"{provider.title} does not ask for {', '.join(sorted(unknown))}.")
        kept = {str(want["name"]): told.get(str(want["name"]), "").strip() for want in wants}
        for want in wants:
            text = kept[str(want["name"])]
            if want["needed"] and not text:
                raise Invalid(f"{want['about']} is missing.", field=str(want["name"]))
            if len(text) > MAX_TEXT or not text.replace("\n", "").isprintable():
                raise Invalid(f"{want['about']} is no such text.", field=str(want["name"]))
        await self._strongroom.put(tenant, name, FIELD, Secret(json.dumps(kept)))

    async def forget(self, tenant: TenantId, name: str) -> None:
        """Let go of a tenant's own app. Raises NotFound."""
        if await self.own(tenant, name) is None:
            raise NotFound("There is no app of your own here.")
        await self._strongroom.put(tenant, name, FIELD, Secret(""))


def house_apps(told: Mapping[str, Mapping[str, object]], services: Services) -> Mapping[str, App]:
    """The apps of `[oauth]` in the settings. Raises SettingsError, which names what is wrong.

    One of a service that a package may bring which is left out waits for that package.
    """
    found: dict[str, App] = {}
    for name, options in told.items():
        provider = services.find(name)
        if provider is None:
            there = f"[oauth.{name}]: there is no such service: {', '.join(services.names())}."
            if services.is_whole:
                raise SettingsError(there)
            log.warning("%s A package that may bring it is left out.", there)
            continue
        given = {key: str(value).strip() for key, value in options.items()}
        for want in app_wants(provider):
            if want["needed"] and not given.get(str(want["name"])):
                raise SettingsError(f"[oauth.{name}] has no {want['name']}: {want['about']}.")
        if unknown := set(given) - {str(want["name"]) for want in app_wants(provider)}:
            raise SettingsError(f"[oauth.{name}] knows no {', '.join(sorted(unknown))}.")
        secret = Secret(given.pop("client_secret", ""))
        found[name] = App(id=given.pop("client_id"), secret=secret, more=given)
    return found


def app_wants(provider: Provider) -> Sequence[Mapping[str, Json]]:
    """What is asked of whoever registered the app: `{name, about, secret, needed}`."""
    called = provider.client_id.replace("_", " ").replace(" id", " ID")
    asked = [
        ("client_id", f"{called} of the app", False, True),
        ("client_secret", "client secret of the app", True, provider.name != "x"),
    ]
    asked += [(name, about, False, name not in _OPTIONAL) for name, about in provider.wants.items()]
    return [
        {"name": name, "about": about[0].upper() + about[1:], "secret": secret, "needed": needed}
        for name, about, secret, needed in asked
    ]
