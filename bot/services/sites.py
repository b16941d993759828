"""The blog's own site connected: a tenant's WordPress or Ghost, its key tried before it is kept.

A tenant has one site at a time. Its address and key are sealed together, and read for every use, so
that a change in another process counts at once. While a site is connected the blog's tools write
there and nowhere else.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.core.canonical import Json
from bot.core.errors import BotError, Conflict, ConnectionBroken, Invalid, NotFound
from bot.core.ids import TenantId
from bot.core.people import Person
from bot.core.ports import Clock, Fetcher
from bot.core.secret import Secret
from bot.core.times import to_us
from bot.frozen import frozen
from bot.reach import Reach
from bot.store import audit
from bot.store.script import Database
from bot.strongroom import Strongroom
from tools.social._blog_settings import (
    KINDS,
    BlogSettings,
    Site,
    address_of_site,
    speaker,
)

FIELD = "site"
"""Under which address, user and key are sealed, as JSON."""
NAMES = tuple(KINDS)
_URL: Mapping[str, Json] = {
    "name": "url",
    "about": "The address of the site, such as https://blog.example.org",
    "secret": False,
    "needed": True,
}
WANTS: Mapping[str, Sequence[Mapping[str, Json]]] = {
    "wordpress": (
        _URL,
        {
            "name": "user",
            "about": "The user's login name there; the role of an author is enough",
            "secret": False,
            "needed": True,
        },
        {
            "name": "key",
            "about": "An application password: Users → Profile → Application Passwords",
            "secret": True,
            "needed": True,
        },
    ),
    "ghost": (
        _URL,
        {
            "name": "key",
            "about": "The Admin API key: Settings → Integrations → Add custom integration",
            "secret": True,
            "needed": True,
        },
    ),
}
NOTHING = Secret("")


@frozen
class Around:
    """What stands around it."""

    db: Database
    clock: Clock
    strongroom: Strongroom
    fetcher: Fetcher
    own_fetcher: Fetcher
    """What asks, for `home` alone, also what the operator named inside a private network."""
    own: Sequence[str]
    """Addresses that the operator named, which may do without https."""
    home: TenantId
    """Whose they are."""


class Sites:
    """Whose blog is where."""

    def __init__(self, around: Around) -> None:
        self._a = around

    async def site(self, tenant: TenantId) -> Site | None:
        """A tenant's site; None where none is connected. Raises SecretUnreadable."""
        for kind in NAMES:
            if found := await self._of_kind(tenant, kind):
                return found
        return None

    async def _of_kind(self, tenant: TenantId, kind: str) -> Site | None:
        kept = await self._a.strongroom.get(tenant, kind, FIELD)
        if not kept:
            return None
        told = json.loads(kept.reveal())
        self._a.strongroom.hide(key := Secret(told["key"]))
        return Site(kind=kind, url=told["url"], user=told["user"], title=told["title"], key=key)

    def lent(self, settings: object, reach: object) -> BlogSettings:
        """The settings of the blog's tools, with every tenant's site."""
        made = settings if isinstance(settings, BlogSettings) else BlogSettings()
        found = reach if isinstance(reach, Reach) else None
        return replace(made, site=self.site, reach=found, fetcher_of=self._fetcher)

    def _fetcher(self, tenant: TenantId) -> Fetcher:
        return self._a.own_fetcher if tenant == self._a.home else self._a.fetcher

    async def listed(self, actor: Person) -> Sequence[Mapping[str, Json]]:
        """`{name, up, detail, wants, ways, manifest}` of each kind, as platforms are listed."""
        return [await self._listed(actor.tenant, kind) for kind in NAMES]

    async def _listed(self, tenant: TenantId, kind: str) -> Mapping[str, Json]:
        try:
            found = await self._of_kind(tenant, kind)
            detail = f"{found.title} ({found.url})" if found else "not connected"
        except BotError as error:
            found, detail = None, error.message
        return {
            "name": kind,
            "up": found is not None,
            "detail": detail,
            "wants": list(WANTS[kind]),
            "ways": [],
            "manifest": False,
        }

    async def put(self, actor: Person, kind: str, options: Mapping[str, object]) -> None:
        """Try a key, and keep it. Raises Invalid with a sentence, Conflict."""
        known = [str(want["name"]) for want in WANTS[kind]]
        if unknown := sorted(set(options) - set(known)):
            raise Invalid(f"{KINDS[kind]} is told {', '.join(known)}, not {unknown[0]}.")
        other = await self.site(actor.tenant)
        if other and other.kind != kind:
            raise Conflict(
                f"The blog is on {KINDS[other.kind]} at {other.url}. Let go of that first: "
                f"`bot connect {other.kind} --remove`."
            )
        told = {name: str(options.get(name, "")).strip() for name in known}
        if missing := [name for name in known if not told[name]]:
            raise Invalid(f"Still needed: {', '.join(missing)}.")
        site = Site(
            kind=kind,
            url=self._address(actor.tenant, told["url"]),
            user=told.get("user", ""),
            key=Secret(told["key"]),
        )
        if not all(each.isascii() and each.isprintable() for each in told.values()):
            raise Invalid("Address, name and key are plain letters, digits and signs.")
        self._a.strongroom.hide(site.key)
        site = replace(site, title=await self._tried(actor.tenant, site))
        whole = {"url": site.url, "user": site.user, "title": site.title, "key": told["key"]}
        await self._a.strongroom.put(actor.tenant, kind, FIELD, Secret(json.dumps(whole)))
        await self._tell(actor, "blog.connected", kind)

    async def remove(self, actor: Person, kind: str) -> None:
        """Forget the key. Raises NotFound."""
        if await self._a.strongroom.get(actor.tenant, kind, FIELD) in (None, NOTHING):
            raise NotFound(f"{KINDS[kind]} is not connected here.")
        await self._a.strongroom.put(actor.tenant, kind, FIELD, NOTHING)
        await self._tell(actor, "blog.disconnected", kind)

    def _address(self, tenant: TenantId, typed: str) -> str:
        url = address_of_site(typed)
        own = [each.rstrip("/") for each in self._a.own if each and tenant == self._a.home]
        if url.startswith("http:") and not any(f"{url}/".startswith(f"{each}/") for each in own):
            raise Invalid("A key is sent over https only. Give the site's https address.")
        return url

    async def _tried(self, tenant: TenantId, site: Site) -> str:
        """The site's name, after it took the key."""
        title = KINDS[site.kind]
        try:
            blog = speaker(site.kind)(self._fetcher(tenant), site, self._a.clock)
            name: str = await blog.try_out()
        except ConnectionBroken:
            raise Invalid(f"{title} does not take this key. Nothing was kept.") from None
        except BotError as error:
            said = f"The key was not kept, for it could not be tried: {error.message}"
            raise Invalid(said) from error
        return " ".join(name.split())[:100]

    async def _tell(self, actor: Person, what: str, kind: str) -> None:
        at = to_us(self._a.clock.now())
        await self._a.db.write(audit.note(actor.tenant, at, f"person:{actor.id}", what, kind, {}))
