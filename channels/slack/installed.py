"""One Slack app in many workspaces: each event goes to the workspace that it names, as installed.

Whose a workspace is stands in the house's book, which is asked for each event and each message, so
that what another process changed holds here as well.
https://docs.slack.dev/authentication/installing-with-oauth (read 2026-11-21)
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.core.canonical import Json
from bot.core.channel import Outbound, Receipt, Sink
from bot.core.effect import Effect, Outcome
from bot.core.event import Attachment
from bot.core.ids import TenantId
from bot.core.secret import Secret
from bot.platforms.checking import Checked
from bot.platforms.installs import Found, account_of
from bot.platforms.lent import Lent, Spot
from bot.store.installs import Install
from channels.slack.calls import Calls
from channels.slack.events import NAME, Body, Others, text_of
from channels.slack.exchange import consent, exchange
from channels.slack.features import FEATURES
from channels.slack.hooks import Hooks
from channels.slack.intake import Stranger
from channels.slack.manifest import VERSION
from channels.slack.settings import Settings
from channels.slack.socketmode import listen, may_listen
from channels.slack.spaces import Spaces, teams_of


class Installed:
    """The app, and the workspaces that it is installed in."""

    name = NAME
    features = FEATURES
    manifest_version = VERSION

    def __init__(self, lent: Lent, settings: Settings, others: Others) -> None:
        self._lent = lent
        self._settings = settings
        self._calls = Calls("", lent.endpoint, lent.clock, among=lent.among)
        self._spaces = Spaces(lent, settings, others)

    def routes(self) -> Sequence[tuple[str, str, Callable[..., Awaitable[object]]]]:
        """Slack's three addresses; none without the secret that proves who calls."""
        secret = self._settings.signing_secret.get_secret_value()
        return Hooks.of(secret, self._lent.clock, self.take).routes() if secret else ()

    async def run(self, sink: Sink) -> None:
        """Listen until cancelled. Raises OperatorError when the app itself must be mended."""
        self._spaces.sink = sink
        await self._calls.open()
        try:
            if self._settings.by_socket:
                token = self._settings.app_token.get_secret_value()
                await listen(token, self._calls, self.take)
            await asyncio.Event().wait()
        finally:
            await self._spaces.end()
            await self._calls.close()

    async def take(self, road: str, payload: Mapping[str, Any]) -> dict[str, Json] | None:
        """Hand it to the workspace that it came from.

        Raises Stranger for one that nobody here has, StoreError and VendorError when it is to come
        again.
        """
        install = await self._whose(payload)
        if install is None:
            raise Stranger
        return await self._spaces.take(install, road, payload)

    async def try_out(self) -> Checked:
        """What Slack says of the app token. Raises ConnectionBroken, VendorError."""
        if self._settings.by_socket:
            await may_listen(self._settings.app_token.get_secret_value(), self._calls)
        note = "Slack says whose the app is once it is installed in a workspace."
        return Checked(notes=(note,), asked=self._settings.by_socket)

    async def send(self, message: Outbound) -> Receipt:
        """Send or rewrite a message. Raises VendorRefused, VendorUnknown, ConnectionBroken."""
        return await (await self._spaces.of(message.account, message.tenant)).send(message)

    async def draft(self, message: Outbound) -> Receipt | None:
        """Show a text that grows; None when it is let be. Raises ConnectionBroken."""
        return await (await self._spaces.of(message.account, message.tenant)).draft(message)

    async def find(self, effect: Effect) -> Outcome | None:
        """Whether an answer is there, whole. None means that it surely is not."""
        return await (await self._spaces.of(effect.connection, effect.tenant)).find(effect)

    async def places_in(self, account: str, tenant: TenantId) -> Sequence[Spot]:
        """The channels that the app is in, in one workspace. Raises as `send` does."""
        there = await (await self._spaces.of(account, tenant)).places()
        install = await self._lent.installs.of(account)
        where = f", in {install.team_name}" if install and install.team_name else ""
        return [replace(spot, account=account, about=spot.about + where) for spot in there]

    async def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """The bytes of a file. Raises VendorRefused, VendorUnknown, ConnectionBroken."""
        account, _, rest = attachment.source.partition(" ")
        tenant, _, source = rest.partition(" ")
        space = await self._spaces.of(account, TenantId(tenant))
        async for part in space.fetch(replace(attachment, source=source)):
            yield part

    # --- installing -------------------------------------------------------------------------

    def address(self, state: str, redirect: str) -> str:
        """Where an owner's browser goes."""
        return consent(self._calls.base, self._settings.client_id, state, redirect)

    async def exchange(self, code: str, redirect: str) -> Found:
        """What a code is good for. Raises Invalid, VendorError."""
        return await exchange(self._calls, self._settings, code, redirect)

    async def check(self, install: Install, token: Secret) -> str:
        """The workspace's address. Raises ConnectionBroken, VendorError."""
        return await self._spaces.check(install, token)

    async def _whose(self, payload: Body) -> Install | None:
        """The installation that something was sent to; none of an agent's own app."""
        app = text_of(payload, "api_app_id")
        for team in teams_of(payload):
            found = await self._lent.installs.of(account_of(app, team)) if app else None
            if found and not found.agent:
                return found
        return None
