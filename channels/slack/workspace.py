"""One workspace, put together: what is listened to and sent through with one bot token.

With an app token the house calls Slack (Socket Mode); with a signing secret Slack calls the house.
https://docs.slack.dev/apis/ (read 2026-11-21)
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from bot.core.canonical import Json
from bot.core.channel import Outbound, Receipt, Sink
from bot.core.effect import Effect, Outcome
from bot.core.errors import (
    ConnectionBroken,
    StoreError,
    VendorRefused,
    VendorUnknown,
)
from bot.core.event import Attachment
from bot.platforms.background import Background
from bot.platforms.checking import Checked
from bot.platforms.lent import Lent, Spot
from channels.slack.calls import Calls, lacking
from channels.slack.events import NAME, Account, Others, Reader, body_of, text_of
from channels.slack.features import FEATURES
from channels.slack.hooks import Hooks
from channels.slack.intake import Intake, Ways
from channels.slack.manifest import SCOPES
from channels.slack.places import joined
from channels.slack.sending import Sending
from channels.slack.sent import Ledger
from channels.slack.settings import Settings
from channels.slack.socketmode import listen, may_listen
from channels.slack.users import Users

SCOPE: Final = "chat:write"
READ_APP: Final = "users:read"
"""With it the bot's own app can be asked for."""
CHUNK: Final = 65_536
FETCH_S: Final = 120


class Workspace:
    """One workspace, in which one app of ours is."""

    name = NAME
    features = FEATURES

    def __init__(
        self,
        lent: Lent,
        settings: Settings,
        installed: Account | None = None,
        others: Others = frozenset,
    ) -> None:
        """`installed`: who the app is in a workspace that it was installed in by OAuth, or that an
        agent's own app is of.
        """
        self._lent = lent
        self._others = others
        self._installed = installed
        self._settings = settings
        token = settings.bot_token.get_secret_value()
        self._calls = Calls(token, lent.endpoint, lent.clock, self._break, lent.among)
        self._ledger = Ledger()
        self._account: Account | None = None
        self._intake: Intake | None = None
        self._broken: asyncio.Future[None] | None = None
        self._sending = Sending(
            self._calls, self._ledger, lent.clock, lambda: self._account, lent.shelf
        )
        self._after = Background("Slack")

    def routes(self) -> Sequence[tuple[str, str, Callable[..., Awaitable[object]]]]:
        """Slack's three addresses; none without the secret that proves who calls."""
        secret = self._settings.signing_secret.get_secret_value()
        return Hooks.of(secret, self._lent.clock, self.take).routes() if secret else ()

    async def run(self, sink: Sink) -> None:
        """Listen until cancelled. Raises ConnectionBroken when a person must mend something."""
        async with self.opened(sink) as broken:
            await self._listen(broken)

    @asynccontextmanager
    async def opened(self, sink: Sink) -> AsyncIterator[asyncio.Future[None]]:
        """Take what comes; gives what ends with ConnectionBroken when a person must mend it."""
        await self._calls.open()
        self._broken = asyncio.get_running_loop().create_future()
        try:
            self._account = self._installed or await self._who()
            users = Users(self._calls, self._lent, self._account, self._settings.domains)
            reader = Reader(self._account, self._lent.clock, self._ledger, self._others, users.name)
            ways = Ways(reader, sink, self._calls, self._ledger, self._sending.whispers)
            await self._meet(self._account)
            self._intake = Intake(ways, self._lent, self._after.add)
            looking = asyncio.ensure_future(users.keep())
            try:
                yield self._broken
            finally:
                looking.cancel()
                await asyncio.gather(looking, return_exceptions=True)
        finally:
            if self._broken.done() and not self._broken.cancelled():
                self._broken.exception()  # it is raised already, or the run ended otherwise
            self._intake = self._broken = None
            await self._after.end()
            await self._calls.close()

    async def _meet(self, account: Account) -> None:
        """Which direct messages are the app's own: those in which it was spoken to."""
        for place, _ in await self._lent.desk.heard(account.key):
            if place.startswith("D"):
                self._ledger.meet(place)

    async def send(self, message: Outbound) -> Receipt:
        """Send or rewrite a message. Raises VendorRefused, VendorUnknown, ConnectionBroken."""
        return await self._sending.send(message)

    async def draft(self, message: Outbound) -> Receipt | None:
        """Show a text that grows; None when it is let be. Raises ConnectionBroken."""
        return await self._sending.draft(message)

    async def find(self, effect: Effect) -> Outcome | None:
        """Whether an answer is there, whole. None means that it surely is not."""
        return await self._sending.find(effect)

    async def places(self) -> Sequence[Spot]:
        """The channels that the app is in. Raises VendorError, ConnectionBroken."""
        return await joined(self._calls)

    async def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """The bytes of a file. Raises VendorRefused, VendorUnknown, ConnectionBroken."""
        address = await self._address(attachment.source)
        headers = {"Authorization": f"Bearer {self._calls.token}"}
        limit = aiohttp.ClientTimeout(total=FETCH_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.get(address, headers=headers, allow_redirects=False) as answer,
            ):
                _check(answer, attachment.media_type)
                async for part in answer.content.iter_chunked(CHUNK):
                    yield part
        except (aiohttp.ClientError, TimeoutError) as error:
            raise VendorUnknown("Slack did not give the file.") from error

    async def _address(self, source: str) -> str:
        """Where a file is: at Slack, or nowhere. The token goes to no other host."""
        if source.startswith("file:"):
            found = await self._calls.ask("files.info", file=source.removeprefix("file:"))
            source = text_of(body_of(found, "file"), "url_private_download", 3000)
        parts, own = urlsplit(source), urlsplit(self._calls.base)
        host = parts.hostname or ""
        is_slack = parts.scheme == "https" and (host == "slack.com" or host.endswith(".slack.com"))
        if not is_slack and (parts.scheme, parts.netloc) != (own.scheme, own.netloc):
            raise VendorRefused("This file does not lie at Slack.")
        return source

    async def _listen(self, broken: asyncio.Future[None]) -> None:
        """Listen until the connection breaks. Webhooks listen by themselves."""
        if not self._settings.by_socket:
            await broken
        token = self._settings.app_token.get_secret_value()
        listening = asyncio.ensure_future(listen(token, self._calls, self.take))
        try:
            await asyncio.wait({listening, broken}, return_when=asyncio.FIRST_COMPLETED)
            await (broken if broken.done() else listening)
        finally:
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    def _break(self, error: ConnectionBroken) -> None:
        """End the run: a person must mend something."""
        if self._broken and not self._broken.done():
            self._broken.set_exception(error)

    @property
    def user(self) -> str:
        """The app's own user; empty while that is not known."""
        return self._account.user if self._account else ""

    @property
    def lacks(self) -> tuple[str, ...]:
        """The scopes that the manifest asks for by now and the app has not, as Slack last said."""
        has = self._calls.scopes
        return () if has is None else tuple(each for each in SCOPES if each not in has)

    async def prove(self) -> str:
        """The workspace's address, if the token works. Raises ConnectionBroken, VendorError."""
        found = await self._who()
        known = self._installed
        if known and (known.team, known.user) != (found.team, found.user):
            raise ConnectionBroken("This token is of another workspace. Install the app anew.")
        return found.url

    async def try_out(self) -> Checked:
        """Whose tokens these are, and what they lack. Raises ConnectionBroken, VendorError."""
        found = await self._calls.do("auth.test")
        has, missing = self._calls.scopes, self.lacks
        self._account_of(found)
        if self._settings.by_socket:
            app = await self._app(found) if has is None or READ_APP in has else ""
            await may_listen(self._settings.app_token.get_secret_value(), self._calls, app)
        return Checked(
            team=text_of(found, "team"),
            bot=f"@{text_of(found, 'user')}",
            missing=missing,
        )

    async def _app(self, found: Mapping[str, Any]) -> str:
        """Which app the bot token is of."""
        told = await self._calls.ask("bots.info", bot=text_of(found, "bot_id"))
        return text_of(body_of(told, "bot"), "app_id")

    async def _who(self) -> Account:
        """Whose token this is."""
        return self._account_of(await self._calls.do("auth.test"))

    def _account_of(self, found: Mapping[str, Any]) -> Account:
        """What `auth.test` said."""
        team, user = text_of(found, "team_id"), text_of(found, "user_id")
        if not team or not user:
            raise VendorUnknown("Slack did not say whose token this is.")
        if self._calls.scopes is not None and SCOPE not in self._calls.scopes:
            raise lacking(SCOPE, "chat.postMessage")
        return Account(
            tenant=self._lent.tenant,
            team=team,
            user=user,
            bot=text_of(found, "bot_id"),
            url=text_of(found, "url", 500),
        )

    async def take(self, road: str, payload: Mapping[str, Any]) -> dict[str, Json] | None:
        """Take one thing that Slack sends. Raises as `Intake.take` does."""
        if self._intake is None:
            raise StoreError("Slack's channel is not listening yet.")
        try:
            return await self._intake.take(road, payload)
        except ConnectionBroken as error:
            self._break(error)
            raise


def _check(answer: aiohttp.ClientResponse, media_type: str) -> None:
    """Slack shows a page to sign in where a token may not read files."""
    if answer.status >= 500 or answer.status == 429:
        raise VendorUnknown("Slack did not give the file.")
    is_page = answer.content_type == "text/html" and media_type != "text/html"
    if answer.status in (301, 302, 401, 403) or is_page:
        raise ConnectionBroken(
            "The Slack app may not read files. Add the scope files:read under OAuth & Permissions "
            "at api.slack.com/apps and install the app again."
        )
    if answer.status != 200:
        raise VendorRefused("The file is not there any more.")
