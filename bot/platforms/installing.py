"""Installing a platform's app in a workspace, as an owner does it in a browser, step by step.

`bot/platforms/installs.py` keeps what came of it; here the platform's own part (`Installer`) is
asked. A state is spent before its code is exchanged, so that neither is used twice.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, cast
from urllib.parse import quote

from bot.core.canonical import Json
from bot.core.channel import Channel
from bot.core.errors import Invalid, NotFound
from bot.core.ids import TenantId
from bot.core.people import Person
from bot.credentials import Visit
from bot.platforms.carriers import is_shared
from bot.platforms.installs import Around, Found, Installer, Installs, Own, shown
from bot.platforms.lent import Options
from bot.store.installs import PREFIX
from bot.store.oauth_states import Bearer

if TYPE_CHECKING:
    from bot.store.installs import Install


class Installing:
    """Installs of every platform that has them."""

    def __init__(self, around: Around, channels: Callable[[], Mapping[str, Channel]]) -> None:
        self._around = around
        self._channels = channels

    async def start(self, visit: Visit, name: str, redirect: str, agent: str = "") -> str:
        """Where the browser goes; `agent`: to install its own app. Raises NotFound."""
        if agent:
            keeper, book = self._keeper(name), self._book(name)
            told = await book.planned(visit.tenant, agent)
            return keeper.own_address(told, await book.begin(_bearer(visit), agent), redirect)
        installer = self._installer(name)
        state = await self._book(name).begin(_bearer(visit))
        return installer.address(state, redirect)

    async def finish(
        self, visit: Visit, name: str, redirect: str, *, state: str, code: str
    ) -> Mapping[str, Json]:
        """The install that came of it. Raises UserError, OperatorError, VendorError."""
        book = self._book(name)
        agent = await book.spend(_bearer(visit), state)
        if not code:
            raise Invalid("The platform gave no code. Begin again on the page of platforms.")
        if agent:
            told = await book.planned(visit.tenant, agent)
            met = await self._keeper(name).own_exchange(told, code, redirect)
            return await self._take(visit.person, name, agent, met)
        installer = self._installer(name)
        found = await installer.exchange(code, redirect)
        made = await book.keep(visit.person, found, installer.manifest_version)
        return await self._checked(installer, book, made)

    async def check(self, actor: Person, name: str, account: str) -> Mapping[str, Json]:
        """Try it, and say how it is. Raises NotFound."""
        book = self._book(name)
        item = await book.mine(actor.tenant, account)
        return await self._checked(self._keeper(name), book, item)

    async def own(
        self, actor: Person, name: str, agent: str, options: Options
    ) -> Mapping[str, Json]:
        """Let an agent have an app of its own, with what its owner pasted; twice is once.

        Where a browser has to install it, `href` is where that begins. Raises NotFound, Conflict,
        Invalid, VendorError: then nothing is kept.
        """
        met = await self._keeper(name).meet(options)
        if met is None:
            await self._book(name).plan(actor.tenant, agent, options)
            return {"agent": agent, "status": "pending", "href": _install(name, agent)}
        return await self._take(actor, name, agent, met)

    async def _take(
        self, actor: Person, name: str, agent: str, met: tuple[Found, Options]
    ) -> Mapping[str, Json]:
        """Keep an agent's app; an earlier one of it in the same workspace is let go of, and what it
        was to be installed with."""
        keeper, book = self._keeper(name), self._book(name)
        found, proofs = met
        made = await book.keep(actor, found, keeper.newest_version, Own(agent=agent, proofs=proofs))
        for item in await book.own():
            is_same = (item.tenant, item.agent, item.team) == (made.tenant, agent, made.team)
            if is_same and item.account != made.account:
                await book.remove(actor, item.account, keeper)
        await book.plan(actor.tenant, agent, {})
        return await self._checked(keeper, book, made)

    async def disown(self, actor: Person, name: str, agent: str) -> str:
        """Let go of an agent's own apps; says what is left to do. Raises NotFound."""
        book = self._book(name)
        its = [
            item for item in await book.own() if (item.tenant, item.agent) == (actor.tenant, agent)
        ]
        if not its and not await book.is_planned(actor.tenant, agent):
            raise NotFound("This agent has no app of its own there.")
        await book.plan(actor.tenant, agent, {})
        said = [await self.remove(actor, name, item.account) for item in its]
        return " ".join(filter(None, said))

    async def enable(self, actor: Person, name: str, account: str, on: bool) -> Mapping[str, Json]:
        """Switch it on or off. Raises NotFound."""
        book = self._book(name)
        await book.enable(actor, account, on)
        return shown(await book.mine(actor.tenant, account))

    async def remove(self, actor: Person, name: str, account: str) -> str:
        """Let go of it; says what is left to do. Raises NotFound."""
        channel = self._channels().get(name)
        keeper = cast("Installer", channel) if is_shared(channel) else None
        return await self._book(name).remove(actor, account, keeper)

    async def listed(self, tenant: TenantId, name: str) -> Sequence[Json]:
        """A tenant's."""
        return await self._book(name).listed(tenant)

    def names(self) -> Sequence[str]:
        """The platforms whose app can be installed now."""
        return [name for name, channel in self._channels().items() if _installs(channel)]

    def newest(self, name: str) -> int:
        """The version of the manifest that an install would be asked by now; 0 when none can be."""
        channel = self._channels().get(name)
        return cast("Installer", channel).manifest_version if _installs(channel) else 0

    async def tenant_of(self, channel: str, account: str) -> TenantId | None:
        """Whose an account is; None for those of the settings. Raises NotFound for a lost one."""
        if not account.startswith(PREFIX):
            return None
        found = await self._book(channel).of(account)
        if found is None:
            raise NotFound("This workspace is not connected any more.")
        return found.tenant

    async def _checked(
        self, installer: Installer, book: Installs, item: "Install"
    ) -> Mapping[str, Json]:
        await book.check(item, installer)
        return shown(await book.mine(item.tenant, item.account))

    def _book(self, name: str) -> Installs:
        return Installs(name, self._around)

    def _installer(self, name: str) -> Installer:
        channel = self._channels().get(name)
        if not _installs(channel):
            raise NotFound(
                f"The app of {name} is not installed from here. Connect {name} with the client ID "
                "and secret of its app first."
            )
        return cast("Installer", channel)  # it has what an Installer has

    def _keeper(self, name: str) -> Installer:
        channel = self._channels().get(name)
        if not is_shared(channel):
            raise NotFound(f"{name} is not connected, or has no apps of agents.")
        return cast("Installer", channel)


def _installs(channel: object) -> bool:
    """Whether its app can be installed now."""
    return bool(getattr(channel, "manifest_version", 0))


def _install(name: str, agent: str) -> str:
    """Where an owner's browser begins to install an agent's own app."""
    return f"/oauth/{quote(name, safe='')}/install?agent={quote(agent, safe='')}"


def _bearer(visit: Visit) -> Bearer:
    return Bearer(tenant=visit.tenant, person=visit.person.id, door=visit.door)
