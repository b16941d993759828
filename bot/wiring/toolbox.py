"""What the settings mean for tools: their own settings, addresses they may ask, MCP servers."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType

from bot.config.sections import McpServer
from bot.config.values import is_private, own_addresses
from bot.core.errors import NotFound
from bot.core.ids import PersonId, TenantId
from bot.core.ports import Clock
from bot.core.secret import Secret
from bot.fetch.client import WebFetcher
from bot.files.files import Files, NewFile
from bot.plans import Plans
from bot.platforms.outgoing import Outgoing
from bot.platforms.texting import Book, Phone
from bot.reach import Reach
from bot.responsible import responsible
from bot.settings import Settings, search_path
from bot.store.script import Database
from tools.community._settings import Guild, GuildSettings, ScoreSettings
from tools.mcp._hub import Hub
from tools.mcp._result import Keep
from tools.mcp._server import Server
from tools.messages._settings import Poster, TeamsSettings, TelegramSettings
from tools.social import _article
from tools.social._blog_settings import BlogSettings


def tool_settings(
    settings: Settings, outgoing: Outgoing, db: Database, clock: Clock, home: TenantId
) -> Mapping[str, object]:
    """The settings of tools, by the name of their file or group.

    `outgoing` knows a tenant's own channel of a platform; it is asked when a tool is called,
    because a platform may be connected later. What stands in the settings belongs to the first
    tenant, `home`.
    """
    section, channel_of = settings.blog, outgoing.channel_of
    made = BlogSettings(
        folder=None if section.webhook_url else section.folder,
        address=settings.public_url.rstrip("/"),
        webhook_url=section.webhook_url,
        webhook_secret=section.webhook_secret,
        home=home,
    )

    def guild(tenant: TenantId) -> Guild | None:
        found = getattr(channel_of(tenant, "discord"), "guild", None)
        return found if isinstance(found, Guild) else None

    def bot(tenant: TenantId) -> Poster | None:
        found: object = channel_of(tenant, "teams")
        return found if isinstance(found, Poster) else None

    def flow(tenant: TenantId) -> Secret | None:
        address = settings.workflow.teams_url
        return address if tenant == home and address.reveal() else None

    own = own_addresses(settings.workflow.teams_url.reveal())
    lent = {
        "library": outgoing.library,
        "messages": outgoing,
        "guild": GuildSettings(guild=guild, responsible=partial(responsible, db)),
        "score": ScoreSettings(db=db),
        "plans": Plans(db, clock),
        "teams": TeamsSettings(bot=bot, flow=flow, fetcher=WebFetcher(allow=own)),
        "sms": Phone(channel_of=channel_of, book_of=lambda tenant: Book(db, clock, tenant)),
        "telegram": TelegramSettings(db=db, outgoing=outgoing),
    }
    return MappingProxyType({"blog": made, **lent})


def teams_by(own: Mapping[str, object], lent: Mapping[str, object]) -> TeamsSettings:
    """The ways to Teams, with that of people who connected Microsoft 365."""
    told, reach = own["teams"], lent["social"]
    if not isinstance(told, TeamsSettings) or not isinstance(reach, Reach):
        raise TypeError("These are no ways to Teams.")
    return replace(told, reach=reach)


def sweep(settings: Settings) -> None:
    """Clear away what tools left half done in their folders."""
    if not settings.blog.webhook_url:
        _article.sweep(settings.blog.folder)


def mcp_hub(
    settings: Settings, db: Database, clock: Clock, files: Files, changed: Callable[[], None]
) -> Callable[[TenantId], Hub]:
    """The MCP servers, once it is known who the first tenant is."""

    def keep(tenant: TenantId, person: str | None) -> Keep:
        async def kept(name: str, media_type: str, pieces: AsyncIterator[bytes]) -> str:
            if person is None:
                raise NotFound("Nobody asked whose file it would be.")
            new = NewFile(tenant=tenant, person=PersonId(person), name=name, media_type=media_type)
            item = await files.keep(new, pieces)
            about = f"{item.name}, {item.media_type}, {item.size} bytes"
            return f"[file: {about}, /v1/files/{item.id}]"

        return kept

    def make(first: TenantId) -> Hub:
        servers = [
            server_of(name, section, first) for name, section in settings.mcp.servers.items()
        ]
        return Hub(servers, db, clock, keep, changed)

    return make


def server_of(name: str, section: McpServer, first: TenantId) -> Server:
    """A section as the hub takes it; without a tenant it is the first one's."""
    return Server(
        name=name,
        command=section.command,
        args=section.args,
        env=section.env,
        path=search_path(),
        url=section.url,
        headers=section.headers,
        private=is_private(section.url) if section.url else False,
        tenants=frozenset(map(TenantId, section.tenants)) or frozenset({first}),
        agents=section.agents,
        read=frozenset(section.read),
        timeout_s=section.timeout_s,
    )


def secrets(settings: Settings) -> list[Secret]:
    """What no log may show of it."""
    found = [settings.blog.webhook_secret, settings.workflow.teams_url]
    found += [settings.payments.stripe_key, settings.payments.stripe_webhook_secret]
    for server in settings.mcp.servers.values():
        found += [*server.env.values(), *server.headers.values()]
    return found
