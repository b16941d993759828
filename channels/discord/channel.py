"""Discord's channel, put together: `make(lent)` gives what the house listens to and sends through.

One token is one application, in as many servers as it was invited to. Messages come by the gateway;
presses and commands too, unless the application's page names an address for them.
https://docs.discord.com/developers/intro (read 2026-11-21)
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from hashlib import sha256
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp
from pydantic import ValidationError

from bot.core.channel import Dialect, Features, Outbound, Receipt, Sink
from bot.core.effect import Policy
from bot.core.errors import ConnectionBroken, VendorRefused, VendorUnknown
from bot.core.event import Attachment
from bot.platforms.background import Background
from bot.platforms.checking import Checked
from bot.platforms.lent import Lent, Spot
from channels.discord.calls import Calls, point
from channels.discord.commands import register
from channels.discord.events import Account, Reader
from channels.discord.gateway import Gateway
from channels.discord.guild import Guild
from channels.discord.hooks import Hooks
from channels.discord.intake import Intake
from channels.discord.opened import Opened
from channels.discord.payloads import Interaction
from channels.discord.presses import Answer, Presses
from channels.discord.sending import MAX_CHARS, ONE, Sending
from channels.discord.settings import NAME, Settings, read

log = logging.getLogger(__name__)

WINDOW_S: Final = 120
"""Discord remembers a nonce "for the past few minutes"; this is the careful reading.
https://docs.discord.com/developers/resources/message#create-message (read 2026-11-21)"""
DRAFT_S: Final = 1.5
ANSWERED_S: Final = 0.3
"""So long after it was made, an answer of ours to a request has surely left."""
MAX_CHANNELS: Final = 1_500
"""How many channels nobody has written in to us yet are looked through after an absence: a server
has 500 channels and 1,000 threads that are awake."""
MARGIN: Final = 300_000 << 22
"""Five minutes, as ids count time: in a place of which nothing is known, what came so long before
the newest message of all may have been on its way to the disk when the house died.
https://docs.discord.com/developers/reference#snowflakes (read 2026-11-21)"""
MAX_NAMED: Final = 5
"""How many servers are named."""
CHUNK, FETCH_S = 65_536, 120
_CDN: Final = frozenset({"cdn.discordapp.com", "media.discordapp.net"})


class Discord:
    """One application."""

    name = NAME
    features = Features(
        dialect=Dialect.DISCORD,
        max_chars=MAX_CHARS,
        buttons=True,
        forms=True,
        threads=True,
        media=True,
        draft_s=DRAFT_S,
        policy=Policy.KEYED,
        window_s=WINDOW_S,
    )

    def __init__(self, lent: Lent, settings: Settings) -> None:
        point(lent.endpoint)
        self._lent = lent
        self._settings = settings
        self.sole = sha256(settings.token.get_secret_value().strip().encode()).hexdigest()
        self._calls = Calls(settings.token, lent.clock, self._break, lent.among)
        self._opened = Opened(self._calls, lent.clock)
        self._sending = Sending(self._calls, self._opened, lent.shelf)
        self.guild = (
            Guild(self._calls, lent.tenant, settings.guild_id) if settings.guild_id else None
        )
        self._presses: Presses | None = None
        self._intake: Intake | None = None
        self._broken: asyncio.Future[None] | None = None
        self._gateway: Gateway | None = None
        self._missed: dict[str, str] = {}
        self._after = Background("Discord")

    def routes(self) -> Sequence[tuple[str, str, Callable[..., Awaitable[object]]]]:
        """The address for presses and commands; none without the key that proves who calls."""
        if not self._settings.public_key:
            return ()
        return Hooks(self._settings.public_key, self._lent.clock, self._hooked).routes()

    async def run(self, sink: Sink) -> None:
        """Listen until cancelled. Raises ConnectionBroken when a person must mend something."""
        try:
            await self._calls.open()
            self._broken = asyncio.get_running_loop().create_future()
            await self._listen(sink, self._broken)
        finally:
            if self._broken is not None and self._broken.done():
                self._broken.exception()  # it is raised already, or the run ended otherwise
            self._presses = self._broken = None
            await self._after.end()
            await self._calls.close()

    async def try_out(self) -> Checked:
        """Whose token it is, and where the bot is. Raises ConnectionBroken, VendorError."""
        try:
            await self._calls.open()
            if self._settings.gateway and self._settings.message_content:
                self._calls.check_content()
            guilds = await self._calls.do("GET", "/users/@me/guilds", {"limit": MAX_NAMED})
        finally:
            await self._calls.close()
        names = ", ".join(str(each.get("name", "")) for each in guilds)
        note = "It is on no server yet: invite it with the address under OAuth2, URL Generator."
        return Checked(team=names, bot=f"@{self._calls.username}", notes=() if names else (note,))

    async def send(self, message: Outbound) -> Receipt:
        """Send or rewrite a message. Raises VendorRefused, VendorUnknown, ConnectionBroken."""
        return await self._sending.send(message)

    async def draft(self, message: Outbound) -> Receipt | None:
        """Show a text that grows; None when it is let be. Raises ConnectionBroken."""
        return await self._sending.draft(message)

    async def places(self) -> Sequence[Spot]:
        """The text channels and threads of the servers that the bot is in.

        Raises VendorRefused before the gateway has told of them.
        """
        gateway = self._gateway
        if gateway is None or not gateway.is_ready():
            raise VendorRefused("Discord has not told yet where the bot is.", retry_after_s=2.0)
        return gateway.spots()

    async def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """The bytes of a file. Raises VendorRefused, VendorUnknown, ConnectionBroken."""
        where, _, address = attachment.source.partition(" ")
        limit = aiohttp.ClientTimeout(total=FETCH_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                contextlib.AsyncExitStack() as stack,
            ):
                answer = await stack.enter_async_context(self._get(session, address))
                if answer.status in (401, 403, 404):  # addresses live about a day
                    address = await self._address(where)
                    answer = await stack.enter_async_context(self._get(session, address))
                if answer.status != 200:
                    raise VendorRefused("Discord does not have this file any more.")
                async for part in answer.content.iter_chunked(CHUNK):
                    yield part
        except (aiohttp.ClientError, TimeoutError) as error:
            raise VendorUnknown("Discord did not give the file.") from error

    def _get(self, session: aiohttp.ClientSession, address: str) -> Any:
        """Ask for a file, at Discord and nowhere else."""
        parts, own = urlsplit(address), urlsplit(self._lent.endpoint)
        is_discord = parts.scheme == "https" and parts.hostname in _CDN
        is_played = bool(own.netloc) and (parts.scheme, parts.netloc) == (own.scheme, own.netloc)
        if not is_discord and not is_played:
            raise VendorRefused("This file does not lie at Discord.")
        return session.get(address, allow_redirects=False)

    async def _address(self, where: str) -> str:
        """A fresh address of a file: that of its message as it stands now."""
        channel, _, rest = where.partition(":")
        message, _, file = rest.partition(":")
        found = await self._calls.do("GET", ONE, channel_id=channel, message_id=message)
        for each in found.get("attachments") or ():
            if str(each.get("id")) == file:
                return str(each.get("url", ""))
        raise VendorRefused("Discord does not have this file any more.")

    # --- listening --------------------------------------------------------------------------

    async def _listen(self, sink: Sink, broken: asyncio.Future[None]) -> None:
        lent, calls = self._lent, self._calls
        if self._settings.gateway:
            await lent.hold()  # each session would be told everything
        gateway = Gateway(self._take, self._ready, self._settings.message_content)
        account = Account(tenant=lent.tenant, app=calls.app, user=calls.user)
        reader = Reader(account, lent.clock, gateway, self._sending.first)
        known = self._intake.newest() if self._intake else await self._heard(account)
        self._intake = Intake(reader, sink, calls, gateway, lent.clock)
        for channel, message in known.items():
            self._intake.know(channel, message)
        self._presses = Presses(reader, sink, lent.desk, self._opened, self._settings.guild_id)
        self._gateway = gateway
        gateway.on_new_session = self._begin
        if self._settings.commands:
            self._after.add(self._register())
        if not self._settings.gateway:
            await broken
        listening = asyncio.ensure_future(gateway.listen(self._settings.token))
        try:
            await asyncio.wait({listening, broken}, return_when=asyncio.FIRST_COMPLETED)
            await (broken if broken.done() else listening)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _heard(self, account: Account) -> dict[str, str]:
        """The newest message of each place that the house knows."""
        found: dict[str, str] = {}
        for channel, name in await self._lent.desk.heard(account.app):
            message = name.split(":")[1] if ":" in name else ""
            if channel.isdigit() and message.isdigit():
                found[channel] = message
        return found

    def _begin(self) -> None:
        """A new session: what was told before it began may be missing."""
        self._missed = self._intake.newest() if self._intake else {}

    async def _ready(self) -> None:
        missed, self._missed = self._missed, {}
        if self._intake is None or self._gateway is None or not missed:
            return
        newest = str(max(0, max(map(int, missed.values())) - MARGIN))
        for channel in self._gateway.text_channels()[:MAX_CHANNELS]:
            missed.setdefault(channel, newest)
        self._after.add(self._intake.read_up(missed))

    async def _take(self, name: str, body: dict[str, Any], mark: str) -> None:
        if name != "INTERACTION_CREATE":
            if self._intake is not None:
                await self._intake.take(name, body, mark)
            return
        try:
            told = Interaction.model_validate(body)
        except ValidationError:
            log.info("Discord told of an interaction of a strange shape.")
            return
        if self._presses is None:
            return
        answer, after = await self._presses.answer(told)
        # By these names the library keeps a budget for each interaction, not one for all.
        path = "/interactions/{webhook_id}/{webhook_token}/callback"
        names = {"webhook_id": told.id, "webhook_token": told.token}
        try:
            await self._calls.do("POST", path, answer, **names)
        except BaseException:
            if after is not None:
                after.close()
            raise
        if after is not None:
            await after

    async def _hooked(self, told: Interaction) -> Answer | None:
        """An interaction that Discord posted to us; None while nobody listens."""
        if self._presses is None or told.application_id != self._calls.app:
            return None
        answer, after = await self._presses.answer(told)
        if after is not None:
            self._after.add(after, ANSWERED_S)
        return answer

    async def _register(self) -> None:
        if await register(self._calls, self._settings.guild_id):
            log.info("Discord lists the slash commands anew.")

    def _break(self, error: ConnectionBroken) -> None:
        """End the run: a person must mend something."""
        if self._broken is not None and not self._broken.done():
            self._broken.set_exception(error)


def make(lent: Lent) -> Discord:
    """The channel. Raises OperatorError when a setting is missing."""
    return Discord(lent, read(lent))
