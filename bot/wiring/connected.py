"""The connections of this house, put together from its settings and parts."""

from collections.abc import Callable, Mapping, Sequence

from bot.config.values import own_addresses
from bot.connections import Connections
from bot.core.ports import Clock
from bot.extensions import Extension, settings_of
from bot.fetch.client import WebFetcher
from bot.files.files import Files
from bot.files.library import Library
from bot.fleet import Peers
from bot.frozen import field, frozen
from bot.oauth.accounts import Accounts
from bot.oauth.apps import Apps, house_apps
from bot.oauth.around import Around
from bot.oauth.provider import Services
from bot.reach import Reach
from bot.services.calendars import Around as FollowedAround
from bot.services.calendars import Calendars
from bot.settings import Settings
from bot.store.connections import Connection
from bot.store.script import Database
from bot.strongroom import Strongroom
from bot.wiring.engine import Engine


@frozen
class Means:
    """What connections are made of."""

    settings: Settings
    db: Database
    clock: Clock
    strongroom: Strongroom
    peers: Peers
    engine: Callable[[], Engine]
    address: Callable[[], str]
    services: Services = field(default_factory=Services)


def connected(means: Means) -> Connections:
    """Put them together. Raises SettingsError for an app that is none."""
    settings, services = means.settings, means.services.at(means.settings.endpoint)
    endpoints = {
        name: url
        for name, url in settings.endpoint.items()
        if services.find(name) or services.find(name.rpartition("_")[0])
    }
    apps = Apps(means.db, means.strongroom, house_apps(settings.oauth, services), services)

    async def told(item: Connection, what: str) -> None:
        troubles = means.engine().troubles
        found = services.find(item.provider)
        title = found.title if found else item.provider
        if what == "broken":
            await troubles.connection_broken(item.tenant, title, item.id, "/admin/connections")
        elif what == "ends":
            until = item.refresh_until if item.renewed else item.expires_at
            on = f"on {until:%d %B %Y}" if until else "soon"
            await troubles.connection_ends(item.tenant, title, item.id, on)
        else:
            await troubles.connection_works(item.tenant, item.id)

    return Connections(
        Around(
            db=means.db,
            clock=means.clock,
            strongroom=means.strongroom,
            fetcher=WebFetcher(allow=own_addresses(*endpoints.values()), redirects=0),
            peers=means.peers,
            apps=apps,
            mask=means.strongroom.vault.lookup,
            endpoints=endpoints,
            address=means.address,
            told=told,
            services=services,
        )
    )


def reaches(
    accounts: Accounts, files: Files, address: str, packages: Sequence[Extension] = ()
) -> Mapping[str, object]:
    """What groups of tools, and modules of packages, get as their settings to act by connected
    accounts."""
    reach = Reach(accounts=accounts, library=Library(files), address=address)
    both = dict.fromkeys(("social", "mailbox", "drive"), reach)
    return {**settings_of(packages, reach), **both, "calendar": accounts, "payments": accounts}


def followed(means: Means, accounts: Accounts) -> Calendars:
    """The calendars of connected accounts."""
    return Calendars(
        FollowedAround(
            db=means.db,
            clock=means.clock,
            peers=means.peers,
            accounts=accounts,
            inbox=lambda: means.engine().inbox,
            mask=means.strongroom.vault.lookup,
            public_url=means.settings.public_url,
        )
    )
