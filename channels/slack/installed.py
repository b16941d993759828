"""One Slack app in many workspaces: each event goes to the workspace that it names, as installed.

Whose a workspace is stands in the house's book, which is asked for each event and each message, so
that what another process changed holds here as well. A workspace that breaks or is switched off is
let be; the others go on.
https://docs.slack.dev/authentication/installing-with-oauth (read 2026-11-21)
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from pydantic import SecretStr

from bot.afterwards import Afterwards
from bot.core.canonical import Json
from bot.core.channel import Dialect, Features, Outbound, Receipt, Sink
from bot.core.effect import Effect, Outcome, Policy
from bot.core.errors import ConnectionBroken, StoreError, VendorRefused
from bot.core.event import Attachment
from bot.core.ids import TenantId
from bot.core.secret import Secret
from bot.installs import account_of
from bot.lent import Found, Lent
from bot.store.installs import Install
from channels.slack.calls import Calls
from channels.slack.events import NAME, Account, Body, body_of, list_of, text_of
from channels.slack.exchange import exchange
from channels.slack.hooks import Hooks
from channels.slack.intake import Stranger
from channels.slack.manifest import SCOPES, VERSION
from channels.slack.settings import Settings
from channels.slack.showing import MAX_CHARS
from channels.slack.socketmode import listen
from channels.slack.users import SCOPES as USERS

if TYPE_CHECKING:
    from channels.slack.channel import Slack

FEATURES: Final = Features(
    dialect=Dialect.SLACK,
    max_chars=MAX_CHARS,
    buttons=True,
    forms=True,
    threads=True,
    media=True,
    draft_s=1.5,
    policy=Policy.READBACK,
)
WORTHLESS: Final = frozenset(
    {"account_inactive", "token_revoked", "invalid_auth", "not_authed", "token_expired"}
)
"""Words after which a token never works again."""
Make = Callable[[Lent, Settings, Account | None], "Slack"]


@dataclass(frozen=True, slots=True)
class _Open:
    """A workspace that is listened to."""

    since: datetime
    space: "Slack"
    stack: contextlib.AsyncExitStack


class Installed:
    """The app, and the workspaces that it is installed in."""

    name = NAME
    features = FEATURES
    manifest_version = VERSION

    def __init__(self, lent: Lent, settings: Settings, make: Make) -> None:
        self._lent = lent
        self._settings = settings
        self._make = make
        self._calls = Calls("", lent.endpoint, lent.clock)
        self._sink: Sink | None = None
        self._open: dict[str, _Open] = {}
        self._opening = asyncio.Lock()
        self._after = Afterwards("Slack")

    def routes(self) -> Sequence[tuple[str, str, Callable[..., Awaitable[object]]]]:
        """Slack's three addresses; none without the secret that proves who calls."""
        secret = self._settings.signing_secret.get_secret_value()
        return Hooks(secret, self._lent.clock, self.take).routes() if secret else ()

    async def run(self, sink: Sink) -> None:
        """Listen until cancelled. Raises OperatorError when the app itself must be mended."""
        self._sink = sink
        await self._calls.open()
        try:
            if self._settings.by_socket:
                token = self._settings.app_token.get_secret_value()
                await listen(token, self._calls, self.take)
            await asyncio.Event().wait()
        finally:
            self._sink = None
            await self._after.end()
            for account in list(self._open):
                await self._close(account)
            await self._calls.close()

    async def take(self, road: str, payload: Mapping[str, Any]) -> dict[str, Json] | None:
        """Hand it to the workspace that it came from.

        Raises Stranger for one that nobody here has, StoreError and VendorError when it is to come
        again.
        """
        install = await self._whose(payload)
        if install is None:
            raise Stranger
        if not install.is_enabled:
            return None
        try:
            return await (await self._space(install)).take(road, payload)
        except ConnectionBroken:
            await self._doubt(install)
            return None

    async def send(self, message: Outbound) -> Receipt:
        """Send or rewrite a message. Raises VendorRefused, VendorUnknown, ConnectionBroken."""
        return await (await self._of(message.account, message.tenant)).send(message)

    async def draft(self, message: Outbound) -> Receipt | None:
        """Show a text that grows; None when it is let be. Raises ConnectionBroken."""
        return await (await self._of(message.account, message.tenant)).draft(message)

    async def find(self, effect: Effect) -> Outcome | None:
        """Whether an answer is there, whole. None means that it surely is not."""
        return await (await self._of(effect.connection, effect.tenant)).find(effect)

    async def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """The bytes of a file. Raises VendorRefused, VendorUnknown, ConnectionBroken."""
        account, _, rest = attachment.source.partition(" ")
        tenant, _, source = rest.partition(" ")
        space = await self._of(account, TenantId(tenant))
        async for part in space.fetch(replace(attachment, source=source)):
            yield part

    # --- installing -------------------------------------------------------------------------

    def address(self, state: str, redirect: str) -> str:
        """Where an owner's browser goes."""
        asked = {
            "client_id": self._settings.client_id,
            "scope": ",".join([*SCOPES, *(USERS if self._settings.domains else ())]),
            "state": state,
            "redirect_uri": redirect,
        }
        return f"{self._calls.base}/oauth/v2/authorize?{urlencode(asked)}"

    async def exchange(self, code: str, redirect: str) -> Found:
        """What a code is good for. Raises Invalid, VendorError."""
        return await exchange(self._calls, self._settings, code, redirect)

    async def check(self, install: Install, token: Secret) -> str:
        """The workspace's address. Raises ConnectionBroken, VendorError."""
        return await self._made(install, token).prove()

    # --- workspaces -------------------------------------------------------------------------

    async def _whose(self, payload: Body) -> Install | None:
        """The installation that something was sent to."""
        app = text_of(payload, "api_app_id")
        teams = [
            text_of(payload, "team_id"),
            text_of(body_of(payload, "team"), "id"),
            text_of(body_of(payload, "user"), "team_id"),
            *(text_of(each, "team_id") for each in list_of(payload, "authorizations")[:5]),
        ]
        for team in dict.fromkeys(filter(None, teams)):
            if app and (found := await self._lent.installs.of(account_of(app, team))):
                return found
        return None

    async def _of(self, account: str, tenant: TenantId) -> "Slack":
        """The workspace of an account. Raises VendorRefused where there is none for this tenant."""
        install = await self._lent.installs.of(account)
        if install is None or tenant != install.tenant:
            raise VendorRefused("This workspace is not connected any more.")
        if not install.is_enabled:
            raise VendorRefused("This workspace is switched off on the page of platforms.")
        if self._sink is None:
            raise VendorRefused("Slack's channel is not listening yet.", retry_after_s=1.0)
        return await self._space(install)

    async def _space(self, install: Install) -> "Slack":
        """The workspace, opened with the token that it has now. Raises ConnectionBroken."""
        if self._sink is None:
            raise StoreError("Slack's channel is not listening yet.")
        async with self._opening:
            found = self._open.get(install.account)
            if found and found.since == install.installed_at:
                return found.space
            await self._close(install.account)
            space = self._made(install, await self._lent.installs.token(install))
            stack = contextlib.AsyncExitStack()
            broken = await stack.enter_async_context(space.opened(self._sink))
            broken.add_done_callback(lambda done: self._broke(install, done))
            self._open[install.account] = _Open(install.installed_at, space, stack)
            return space

    def _made(self, install: Install, token: Secret) -> "Slack":
        tenant, book = install.tenant, self._lent.installs
        desk, shelf = book.desk(tenant), book.shelf(tenant)
        lent = replace(self._lent, tenant=tenant, desk=desk, shelf=shelf)
        settings = self._settings.model_copy(update={"bot_token": SecretStr(token.reveal())})
        account = Account(
            tenant=install.tenant,
            team=install.team,
            user=install.bot_user,
            url=install.url,
            installed=install.account,
        )
        return self._make(lent, settings, account)

    async def _close(self, account: str) -> None:
        if found := self._open.pop(account, None):
            await found.stack.aclose()

    def _broke(self, install: Install, done: asyncio.Future[None]) -> None:
        """A workspace cannot be written to any more; the others go on."""
        if not done.cancelled() and done.exception() is not None:
            self._after.add(self._doubt(install))

    async def _doubt(self, install: Install) -> None:
        """Believe that a workspace is lost when Slack says so of the token that it has now."""
        async with self._opening:
            await self._close(install.account)
        try:
            await self.check(install, await self._lent.installs.token(install))
        except ConnectionBroken as error:
            wipe = error.ids.get("code") in WORTHLESS
            await self._lent.installs.gone(install, error.message, wipe=wipe)
