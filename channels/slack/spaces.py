"""Workspaces that the app, or an agent's own app, is installed in: each opened with its own token.

Whose a workspace is stands in the house's book, which is asked for each event and each message, so
that what another process changed holds here as well. A workspace that breaks is let be; the others
go on.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from pydantic import SecretStr

from bot.core.canonical import Json
from bot.core.channel import Sink
from bot.core.errors import ConnectionBroken, StoreError, VendorRefused
from bot.core.ids import TenantId
from bot.core.secret import Secret
from bot.platforms.background import Background
from bot.platforms.lent import Lent
from bot.store.installs import Install
from channels.slack.events import Account, Body, Others, body_of, list_of, text_of
from channels.slack.settings import Settings
from channels.slack.workspace import Workspace

WORTHLESS: Final = frozenset(
    {"account_inactive", "token_revoked", "invalid_auth", "not_authed", "token_expired"}
)
"""Words after which a token never works again."""


@dataclass(frozen=True, slots=True)
class _Open:
    """A workspace that is listened to."""

    install: Install
    space: Workspace
    stack: contextlib.AsyncExitStack


class Spaces:
    """Those that are open."""

    def __init__(self, lent: Lent, settings: Settings, others: Others) -> None:
        self._lent = lent
        self._settings = settings
        self._others = others
        self.sink: Sink | None = None
        """Where what they hear goes; None while nobody listens."""
        self._open: dict[str, _Open] = {}
        self._opening = asyncio.Lock()
        self._after = Background("Slack")

    async def take(
        self, install: Install, road: str, payload: Mapping[str, Any]
    ) -> dict[str, Json] | None:
        """Hand something to the workspace that it came from; nothing where it is switched off.

        Raises as `Intake.take` does.
        """
        if not install.is_enabled:
            return None
        try:
            return await (await self._space(install)).take(road, payload)
        except ConnectionBroken:
            await self.doubt(install)
            return None

    async def of(self, account: str, tenant: TenantId) -> Workspace:
        """The workspace of an account. Raises VendorRefused where there is none for this tenant."""
        install = await self._lent.installs.of(account)
        if install is None or tenant != install.tenant:
            raise VendorRefused("This workspace is not connected any more.")
        if not install.is_enabled:
            raise VendorRefused("This workspace is switched off on the page of platforms.")
        if self.sink is None:
            raise VendorRefused("Slack's channel is not listening yet.", retry_after_s=1.0)
        return await self._space(install)

    async def check(self, install: Install, token: Secret) -> str:
        """The workspace's address. Raises ConnectionBroken, VendorError."""
        return await self._made(install, token).prove()

    async def doubt(self, install: Install) -> None:
        """Believe that a workspace is lost when Slack says so of the token that it has now."""
        async with self._opening:
            await self._close(install.account)
        try:
            await self.check(install, await self._lent.installs.token(install))
        except ConnectionBroken as error:
            wipe = error.ids.get("code") in WORTHLESS
            await self._lent.installs.gone(install, error.message, wipe=wipe)

    def lacking(self, tenant: TenantId) -> Sequence[tuple[str, tuple[str, ...]]]:
        """A tenant's agents whose own apps are open and lack scopes, and which."""
        own = [x for x in self._open.values() if x.install.agent and x.install.tenant == tenant]
        return [(x.install.agent, x.space.lacks) for x in own if x.space.lacks]

    async def end(self) -> None:
        """Listen to none of them any more."""
        self.sink = None
        await self._after.end()
        for account in list(self._open):
            await self._close(account)

    async def _space(self, install: Install) -> Workspace:
        """The workspace, opened with the token that it has now. Raises ConnectionBroken."""
        if self.sink is None:
            raise StoreError("Slack's channel is not listening yet.")
        async with self._opening:
            found = self._open.get(install.account)
            if found and found.install.installed_at == install.installed_at:
                return found.space
            await self._close(install.account)
            space = self._made(install, await self._lent.installs.token(install))
            stack = contextlib.AsyncExitStack()
            broken = await stack.enter_async_context(space.opened(self.sink))
            broken.add_done_callback(lambda done: self._broke(install, done))
            self._open[install.account] = _Open(install, space, stack)
            return space

    def _made(self, install: Install, token: Secret) -> Workspace:
        tenant, book = install.tenant, self._lent.installs
        desk, shelf = book.desk(tenant, install.agent), book.shelf(tenant)
        lent = replace(self._lent, tenant=tenant, desk=desk, shelf=shelf)
        settings = self._settings.model_copy(update={"bot_token": SecretStr(token.reveal())})
        account = Account(
            tenant=install.tenant,
            team=install.team,
            user=install.bot_user,
            url=install.url,
            installed=install.account,
            agent=install.agent,
        )
        return Workspace(lent, settings, account, self._others)

    async def _close(self, account: str) -> None:
        if found := self._open.pop(account, None):
            await found.stack.aclose()

    def _broke(self, install: Install, done: asyncio.Future[None]) -> None:
        """A workspace cannot be written to any more; the others go on."""
        if not done.cancelled() and done.exception() is not None:
            self._after.add(self.doubt(install))


def teams_of(payload: Body) -> list[str]:
    """The workspaces that something may have come from, the likeliest first."""
    told = [
        text_of(payload, "team_id"),
        text_of(body_of(payload, "team"), "id"),
        text_of(body_of(payload, "user"), "team_id"),
        *(text_of(each, "team_id") for each in list_of(payload, "authorizations")[:5]),
    ]
    return list(dict.fromkeys(filter(None, told)))
