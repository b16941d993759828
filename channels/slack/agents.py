"""The tenant's app, if there is one, and beside it the apps that are an agent's own.

An agent's own app answers as that agent alone. Which there are stands in the house's book; every
process looks there again and again, so that one connected in another process is listened to here
as well. Its requests come to addresses with the agent's name, which say only which secret to try:
whose an event is, the app and the workspace in it say, and they must be those of the secret.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any, Final

from bot.core.canonical import Json
from bot.core.channel import Outbound, Receipt, Sink
from bot.core.effect import Effect, Outcome
from bot.core.errors import BotError, ConnectionBroken, OperatorError, VendorRefused
from bot.core.event import Attachment
from bot.core.ids import TenantId
from bot.core.secret import Secret
from bot.platforms.checking import Checked
from bot.platforms.installs import Found
from bot.platforms.lent import Lent, Options, Spot
from bot.store.installs import PREFIX, Install
from channels.slack.calls import Calls
from channels.slack.events import NAME, text_of
from channels.slack.exchange import consent, exchange
from channels.slack.features import FEATURES
from channels.slack.hooks import Hooks, Key
from channels.slack.installed import Installed
from channels.slack.intake import Stranger
from channels.slack.manifest import VERSION, owed
from channels.slack.own import hears, read, whose
from channels.slack.settings import Settings
from channels.slack.socketmode import listen
from channels.slack.spaces import Spaces, teams_of
from channels.slack.workspace import Workspace

log = logging.getLogger(__name__)

LOOK_S: Final = 2.0
"""How often the book is looked into."""
UP_S: Final = 3.0
"""The tenant's app is up when it has listened so long."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
_DEAD: Final = frozenset({"token_revoked", "account_inactive", "invalid_auth", "token_expired"})


class Agents:
    """All of Slack that the house listens to."""

    name = NAME
    features = FEATURES
    newest_version = VERSION

    def __init__(self, lent: Lent, settings: Settings) -> None:
        self._lent = lent
        token = (settings.client_secret or settings.bot_token).get_secret_value()
        self.sole = sha256(token.encode()).hexdigest() if token else ""
        self.main: Workspace | Installed | None = None
        """The app that is nobody's in particular."""
        if settings.is_shared:
            self.main = Installed(lent, settings, self._others)
        elif settings.bot_token.get_secret_value():
            self.main = Workspace(lent, settings, others=self._others)
        self.ails = ""
        """Why the tenant's app does not listen while agents' own apps do."""
        self._calls = Calls("", lent.endpoint, lent.clock)
        self._spaces = Spaces(lent, settings, self._others)
        self._own: Sequence[Install] = ()
        self._users: frozenset[str] = frozenset()
        self._proofs: dict[str, tuple[datetime, Options]] = {}

    @property
    def manifest_version(self) -> int:
        """The version that an installation is asked by; 0 where none is begun from here."""
        return VERSION if isinstance(self.main, Installed) else 0

    @property
    def behind(self) -> str:
        """What this tenant's apps lack of what the manifest asks for by now; empty: nothing."""
        main = self.main.lacks if isinstance(self.main, Workspace) else ()
        lacking = [("", main)] * bool(main) + [*self._spaces.lacking(self._lent.tenant)]
        return " ".join(owed(agent, scopes) for agent, scopes in lacking)

    def routes(self) -> Sequence[tuple[str, str, Callable[..., Awaitable[object]]]]:
        """The addresses of the tenant's app, and of every agent's own."""
        own = Hooks(self._keys, self._lent.clock).routes("/{agent}")
        return (*(self.main.routes() if self.main else ()), *own)

    async def try_out(self) -> Checked:
        """What Slack says of the tenant's app. Raises ConnectionBroken, VendorError."""
        return await self.main.try_out() if self.main else Checked(asked=False)

    # --- listening --------------------------------------------------------------------------

    async def run(self, sink: Sink) -> None:
        """Listen until cancelled. Raises ConnectionBroken when all of it must be mended."""
        self._spaces.sink = sink
        await self._calls.open()
        watching = asyncio.ensure_future(self._watch())
        try:
            await self._look()
            await self._main(sink)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
            await self._spaces.end()
            await self._calls.close()

    async def _main(self, sink: Sink) -> None:
        """Listen with the tenant's app; when it breaks, those of agents go on."""
        pause = FIRST_PAUSE_S
        while True:
            listening = asyncio.ensure_future(self.main.run(sink) if self.main else _forever())
            try:
                done, _ = await asyncio.wait({listening}, timeout=UP_S)
                if not done:
                    self.ails, pause = "", FIRST_PAUSE_S
                await listening
                return
            except BotError as error:
                if not any(self._own):
                    raise
                if not self.ails:
                    log.warning("Slack's app broke; those of agents go on: %s", error.message)
                    await self._lent.installs.ails(self._lent.tenant)
                self.ails = error.message
            finally:
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    def _others(self) -> frozenset[str]:
        """The users that are apps of the house."""
        return self._users

    async def _look(self) -> None:
        """Which apps of agents there are now. Raises StoreError."""
        self._own = await self._lent.installs.own()
        main = {self.main.user} if self.main and not isinstance(self.main, Installed) else set()
        self._users = frozenset({item.bot_user for item in self._own} | main)
        there = {item.account for item in self._own}
        self._proofs = {name: told for name, told in self._proofs.items() if name in there}

    async def _watch(self) -> None:
        """Listen for each app that has an app token, as long as it is in the book."""
        hearing: dict[tuple[str, datetime], asyncio.Task[None]] = {}
        try:
            while True:
                try:
                    await self._look()
                    wanted = {(item.account, item.installed_at): item for item in self._own}
                    for key in [key for key in hearing if key not in wanted]:
                        hearing.pop(key).cancel()
                    for key, item in wanted.items():
                        token = text_of(await self._proof(item), "app_token", 500)
                        if token and key not in hearing:
                            hearing[key] = asyncio.create_task(self._hear(item, token))
                except BotError as error:
                    log.warning("Slack's apps of agents cannot be looked up: %s", error.message)
                await asyncio.sleep(LOOK_S)
        finally:
            for task in hearing.values():
                task.cancel()
            await asyncio.gather(*hearing.values(), return_exceptions=True)

    async def _hear(self, item: Install, token: str) -> None:
        """Listen by Socket Mode until cancelled."""
        pause = FIRST_PAUSE_S
        while True:
            began = self._lent.clock.monotonic()
            try:
                await listen(token, self._calls, partial(self._take, item))
            except OperatorError as error:
                await self._lent.installs.gone(item, error.message, wipe=False)
            except BotError as error:
                log.warning("The app of %s does not listen: %s", item.agent, error.message)
            if self._lent.clock.monotonic() - began > LONGEST_PAUSE_S:
                pause = FIRST_PAUSE_S
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)

    async def _keys(self, agent: str) -> Sequence[Key]:
        """The secrets that a request to an agent's addresses may be signed with."""
        found = []
        for item in await self._lent.installs.own():
            if item.agent == agent:
                secret = text_of(await self._proof(item), "signing_secret", 500)
                if secret:
                    found.append(Key(secret, partial(self._take, item)))
        return found

    async def _proof(self, item: Install) -> Options:
        """What proves the requests of an app, read once for each time that it was connected.

        Nothing where it cannot be read, which keeps no other app from hearing.
        """
        known = self._proofs.get(item.account)
        if known is None or known[0] != item.installed_at:
            try:
                known = (item.installed_at, await self._lent.installs.proofs(item))
            except OperatorError as error:
                log.warning("The app of %s is not heard: %s", item.agent, error.message)
                return {}
            self._proofs[item.account] = known
        return known[1]

    async def _take(
        self, item: Install, road: str, payload: Mapping[str, Any]
    ) -> dict[str, Json] | None:
        """Take one thing that came by the secret of an app: that app's, of that workspace only."""
        now = await self._lent.installs.of(item.account)
        is_its = text_of(payload, "api_app_id") == item.app and item.team in teams_of(payload)
        if now is None or now.agent != item.agent or now.tenant != item.tenant or not is_its:
            raise Stranger
        return await self._spaces.take(now, road, payload)

    # --- sending ----------------------------------------------------------------------------

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
        if account.startswith(PREFIX):
            space = await self._of(account, TenantId(tenant))
            if not isinstance(space, Installed):
                attachment = replace(attachment, source=source)
        else:
            space = self._all()
        async for part in space.fetch(attachment):
            yield part

    async def places(self) -> Sequence[Spot]:
        """The channels that the tenant's app is in. Raises VendorError, ConnectionBroken."""
        known = self.main
        return () if known is None or isinstance(known, Installed) else await known.places()

    async def places_in(self, account: str, tenant: TenantId) -> Sequence[Spot]:
        """The channels that the app is in, in one workspace where a tenant has installed it.

        Raises VendorError, ConnectionBroken.
        """
        known = self.main
        return await known.places_in(account, tenant) if isinstance(known, Installed) else ()

    async def _of(self, account: str, tenant: TenantId) -> Workspace | Installed:
        """What speaks for an account. Raises VendorRefused."""
        if account.startswith(PREFIX):
            install = await self._lent.installs.of(account)
            if install is None or install.agent or not isinstance(self.main, Installed):
                return await self._spaces.of(account, tenant)
        return self._all()

    def _all(self) -> Workspace | Installed:
        if self.main is None:
            raise VendorRefused("This workspace is not connected any more.")
        return self.main

    # --- installing -------------------------------------------------------------------------

    def address(self, state: str, redirect: str) -> str:
        """Where an owner's browser goes. Raises OperatorError."""
        return self._shared().address(state, redirect)

    async def exchange(self, code: str, redirect: str) -> Found:
        """What a code is good for. Raises Invalid, VendorError, OperatorError."""
        return await self._shared().exchange(code, redirect)

    def _shared(self) -> Installed:
        if not isinstance(self.main, Installed):
            raise OperatorError("Connect Slack with the client ID and secret of its app first.")
        return self.main

    async def check(self, install: Install, token: Secret) -> str:
        """The workspace's address. Raises ConnectionBroken, VendorError."""
        return await self._spaces.check(install, token)

    async def revoke(self, token: Secret) -> None:
        """Let a token work no more; one that is dead already is. Raises BotError.

        https://docs.slack.dev/reference/methods/auth.revoke (read 2026-11-21)
        """
        try:
            await Calls(token.reveal(), self._lent.endpoint, self._lent.clock).form("auth.revoke")
        except ConnectionBroken as error:
            if error.ids.get("code") not in _DEAD:
                raise

    async def meet(self, options: Options) -> tuple[Found, Options] | None:
        """Whose an agent's app is, and what proves its requests; None where a browser has to
        install it before. Its tokens are tried. Raises Invalid, VendorError.
        """
        own = read(options)
        calls = Calls(own.bot_token.get_secret_value(), self._lent.endpoint, self._lent.clock)
        found = None if own.is_installed else await whose(calls, own)
        await hears(calls, own, found.app if found else "")
        return (found, own.proofs) if found else None

    def own_address(self, options: Options, state: str, redirect: str) -> str:
        """Where an owner's browser goes to install an agent's app. Raises Invalid."""
        return consent(self._calls.base, read(options).client_id, state, redirect)

    async def own_exchange(
        self, options: Options, code: str, redirect: str
    ) -> tuple[Found, Options]:
        """What a code of an agent's app is good for. Raises Invalid, VendorError, OperatorError."""
        own = read(options)
        found = await exchange(self._calls, own, code, redirect)
        await hears(self._calls, own, found.app)
        return found, own.proofs


async def _forever() -> None:
    await asyncio.Event().wait()
