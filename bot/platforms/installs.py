"""Apps of platforms in the workspaces of tenants: begun in a browser, kept sealed, and minded.

    begin    an owner's browser is sent to the platform with a state that is good for it alone
    finish   it comes back; the state is spent, the code is exchanged, the token sealed
    check    the platform is asked whether the token works: active, or an error in words
    gone     the platform says that it works no more: the token is wiped, the owners are told
    remove   the platform is asked to end the token, then it is wiped

An agent may have an app of its own, which its owner made and whose tokens were pasted: it is kept
like the others, with what proves its requests sealed beside its token. A death after `finish`
leaves an install that is pending; the page checks it again.
"""

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from bot.core.canonical import Json
from bot.core.errors import BotError, ConnectionBroken, NotFound
from bot.core.ids import TenantId
from bot.core.people import Person
from bot.core.ports import Clock
from bot.core.secret import Secret
from bot.core.times import iso, to_us
from bot.frozen import field, frozen
from bot.oauth.states import States
from bot.platforms.lent import Desk, NoShelf, Options, Shelf
from bot.store import installs as rows
from bot.store.installs import PREFIX, Install
from bot.store.oauth_states import Bearer, Meant
from bot.store.script import Database
from bot.strongroom import Strongroom

FIELD, PROOFS = "install", "install.proofs"
"""Under which a token is sealed, and the rest of an agent's own app; their owner is the account."""
PLANNED = "install.planned"
"""The same for an agent's app that a browser has yet to install; its owner is the agent."""
Told = Callable[[TenantId, str, str], Awaitable[None]]


@frozen
class Found:
    """What a platform gave for the code of an installation."""

    app: str
    team: str
    team_name: str
    bot_user: str
    token: Secret


class Installer(Protocol):
    """What a platform does for installs."""

    manifest_version: int
    """The version that an installation is asked by now; 0 while none can be begun."""
    newest_version: int
    """The version of the manifest that an agent's own app is made of."""

    def address(self, state: str, redirect: str) -> str:
        """Where the browser goes. Raises OperatorError when the app is not set."""
        ...

    async def exchange(self, code: str, redirect: str) -> Found:
        """What a code is good for. Raises Invalid, VendorError."""
        ...

    async def check(self, install: Install, token: Secret) -> str:
        """The workspace's address. Raises ConnectionBroken, VendorError."""
        ...

    async def revoke(self, token: Secret) -> None:
        """Let a token work no more; one that is dead already is. Raises BotError."""
        ...

    async def meet(self, options: Options) -> tuple[Found, Options] | None:
        """Whose an agent's own app is, and the secrets besides; None where an owner's browser has
        to install it. Raises Invalid, VendorError.
        """
        ...

    def own_address(self, options: Options, state: str, redirect: str) -> str:
        """The same as `address`, for an agent's own app."""
        ...

    async def own_exchange(
        self, options: Options, code: str, redirect: str
    ) -> tuple[Found, Options]:
        """The same as `exchange`, with the secrets besides."""
        ...


@frozen
class Own:
    """What an agent's own app has besides a token."""

    agent: str = ""
    proofs: Options = field(default_factory=dict)


NOBODY_S = Own()


@frozen
class Around:
    """What installs are kept with."""

    db: Database
    clock: Clock
    strongroom: Strongroom
    told: Told
    """Tells owners that it broke: tenant, platform, name of the connection."""
    works: Callable[[TenantId, str], Awaitable[None]]
    """It works, or is wanted no more: tenant, name of the connection."""
    desk: Callable[[TenantId, str, str], Desk]
    """The desk of a channel for one tenant, and for one agent alone where that is named."""
    shelf: Callable[[TenantId], Shelf] = lambda _: NoShelf()
    """One tenant's files."""


class Installs:
    """The installs of one platform."""

    def __init__(self, channel: str, around: Around) -> None:
        self._channel = channel
        self._g = around
        self._db = around.db
        self._states = States(around.db, around.clock)

    # --- for the channel --------------------------------------------------------------------

    async def of(self, account: str) -> Install | None:
        """Whose workspace it is, and how it is; None for one that nobody here has."""
        return await self._db.read(rows.of(self._channel, account))

    async def token(self, install: Install) -> Secret:
        """What it is called with. Raises ConnectionBroken when there is none any more."""
        owner = install.account
        found = await self._g.strongroom.get(install.tenant, self._channel, FIELD, owner)
        if found is None or not found.reveal():
            raise ConnectionBroken("This workspace has no token any more. Install the app anew.")
        return found

    async def own(self) -> Sequence[Install]:
        """The apps that are an agent's own, of all tenants."""
        return await self._db.read(rows.own(self._channel))

    async def proofs(self, install: Install) -> Options:
        """What proves the requests of an agent's own app; nothing once it was let go of."""
        found = await self._g.strongroom.get(install.tenant, self._channel, PROOFS, install.account)
        told: Options = json.loads(found.reveal()) if found and found.reveal() else {}
        return told

    def desk(self, tenant: TenantId, agent: str = "") -> Desk:
        """Where the channel asks on behalf of this tenant's people."""
        return self._g.desk(tenant, self._channel, agent)

    def shelf(self, tenant: TenantId) -> Shelf:
        """The kept files of this tenant."""
        return self._g.shelf(tenant)

    async def gone(self, install: Install, why: str, *, wipe: bool) -> None:
        """The platform refuses it; nothing happens when it was installed anew meanwhile."""
        known = await self.of(install.account)
        if known is None or known.installed_at != install.installed_at:
            return
        if known.status == "error" and not wipe:
            return  # it is known, and in better words
        if wipe:
            await self._wipe(install)
        at = to_us(self._g.clock.now())
        if await self._db.write(rows.settle(known, "error", why, known.url, at)):
            await self._g.told(install.tenant, self._channel, self._name(install))

    async def ails(self, tenant: TenantId) -> None:
        """Tell a tenant's owners that the platform's app of the settings broke, others go on."""
        await self._g.told(tenant, self._channel, self._channel)

    # --- for owners -------------------------------------------------------------------------

    async def begin(self, bearer: Bearer, agent: str = "") -> str:
        """A state for the browser of an owner; `agent`: whose own app it installs."""
        return await self._states.begin(bearer, self._channel, Meant(agent=agent))

    async def spend(self, bearer: Bearer, state: str) -> str:
        """Whose own app it is. Raises Forbidden for a state of another browser, an old one, or one
        that was spent.
        """
        return (await self._states.spend(bearer, self._channel, state)).agent

    async def plan(self, tenant: TenantId, agent: str, options: Options) -> None:
        """Seal what an agent's app is told until a browser has installed it; nothing: forget it."""
        told = Secret(json.dumps(dict(options)) if options else "")
        await self._g.strongroom.put(tenant, self._channel, PLANNED, told, owner=agent)

    async def planned(self, tenant: TenantId, agent: str) -> Options:
        """What it was told. Raises NotFound."""
        found = await self._plan_of(tenant, agent)
        if not found:
            raise NotFound("Give the client ID and secret of this agent's app first.")
        told: Options = json.loads(found)
        return told

    async def is_planned(self, tenant: TenantId, agent: str) -> bool:
        """Whether a browser has yet to install it."""
        return bool(await self._plan_of(tenant, agent))

    async def _plan_of(self, tenant: TenantId, agent: str) -> str:
        found = await self._g.strongroom.get(tenant, self._channel, PLANNED, agent)
        return found.reveal() if found else ""

    async def keep(
        self, person: Person, found: Found, version: int, own: Own = NOBODY_S
    ) -> Install:
        """Seal the token and write the row. Raises Conflict where the workspace is another's, or
        the app is another agent's."""
        made = Install(
            tenant=person.tenant,
            channel=self._channel,
            account=account_of(found.app, found.team),
            app=found.app,
            team=found.team,
            team_name=found.team_name,
            bot_user=found.bot_user,
            installed_by=f"person:{person.id}",
            manifest=version,
            installed_at=self._g.clock.now(),
            agent=own.agent,
        )
        rows.check_free(await self.of(made.account), made)
        room = self._g.strongroom
        if own.agent:
            proofs = Secret(json.dumps(dict(own.proofs)))
            await room.put(made.tenant, self._channel, PROOFS, proofs, owner=made.account)
        await room.put(made.tenant, self._channel, FIELD, found.token, owner=made.account)
        await self._db.write(rows.put(made))
        return made

    async def check(self, install: Install, installer: Installer) -> None:
        """Ask the platform whether it works, and write down the answer."""
        status, error, url = "active", "", install.url
        try:
            url = await installer.check(install, await self.token(install))
        except BotError as failed:
            status, error = "error", failed.message
        at = to_us(self._g.clock.now())
        await self._db.write(rows.settle(install, status, error, url, at))
        if status == "active":
            await self._g.works(install.tenant, self._name(install))

    async def mine(self, tenant: TenantId, account: str) -> Install:
        """One of a tenant's. Raises NotFound."""
        found = await self.of(account)
        if found is None or found.tenant != tenant:
            raise NotFound("There is no such installation here.")
        return found

    async def enable(self, person: Person, account: str, on: bool) -> None:
        """Answer there, or let everything be. Raises NotFound."""
        item = await self.mine(person.tenant, account)
        at = to_us(self._g.clock.now())
        await self._db.write(rows.enable(item, on, at, f"person:{person.id}"))

    async def remove(self, person: Person, account: str, installer: Installer | None) -> str:
        """Let go of it, and end its token first; says what is left to do. Raises NotFound.

        The token is wiped in any case. After a death in between it is begun again: a token that
        the platform ended already is ended.
        """
        item = await self.mine(person.tenant, account)
        said = await self._revoke(item, installer)
        await self._wipe(item)
        at = to_us(self._g.clock.now())
        await self._db.write(rows.remove(item, at, f"person:{person.id}"))
        await self._g.works(item.tenant, self._name(item))
        return said

    async def _revoke(self, item: Install, installer: Installer | None) -> str:
        """Empty when the token works no more; else why it may, and what a person does then."""
        try:
            token = await self.token(item)
        except ConnectionBroken:
            return ""  # it was wiped when the platform refused it
        try:
            if installer is None:
                raise NotFound(f"{self._channel} is not connected now.")
            await installer.revoke(token)
        except BotError as failed:
            return (
                f"The platform was not told ({failed.message.rstrip('.')}). The token is wiped "
                "here; remove the app there as well, so that it works nowhere."
            )
        return ""

    async def listed(self, tenant: TenantId) -> Sequence[Json]:
        """A tenant's, as the API shows them."""
        return [shown(item) for item in await self._db.read(rows.listed(tenant, self._channel))]

    def _name(self, item: Install) -> str:
        """What owners know it by."""
        return f"{self._channel} {item.team_name or item.team} {item.agent}".strip()

    async def _wipe(self, item: Install) -> None:
        for name in (FIELD, PROOFS) if item.agent else (FIELD,):
            await self._g.strongroom.put(
                item.tenant, self._channel, name, Secret(""), owner=item.account
            )


def account_of(app: str, team: str) -> str:
    """The name of an app in a workspace."""
    return f"{PREFIX}{app}/{team}"


def shown(item: Install) -> dict[str, Json]:
    """An install as the API shows it; its token is nowhere."""
    return {
        "account": item.account,
        "app": item.app,
        "agent": item.agent,
        "workspace": item.team,
        "name": item.team_name,
        "bot_user": item.bot_user,
        "status": item.status if item.is_enabled else "disabled",
        "error": item.error,
        "enabled": item.is_enabled,
        "manifest": item.manifest,
        "installed_at": iso(item.installed_at),
        "checked_at": iso(item.checked_at) if item.checked_at else None,
    }
