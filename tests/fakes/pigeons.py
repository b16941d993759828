"""A platform whose app is installed by OAuth, and where an agent may have an app of its own."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.core.canonical import Json
from bot.core.errors import BotError, Invalid, NotFound
from bot.core.ids import TenantId
from bot.core.people import Person
from bot.core.secret import Secret
from bot.platforms.bulletins import Bulletins
from bot.platforms.checking import Checked, NotChecked
from bot.platforms.installing import Installing
from bot.platforms.installs import Around, Found
from bot.platforms.lent import Options, Spot
from bot.platforms.places import Places
from bot.store.installs import Install


class Pigeons:
    """A platform whose app is installed by OAuth; a code is the name of a workspace."""

    manifest_version = newest_version = 2

    def __init__(self) -> None:
        self.codes: list[str] = []
        self.broken: BotError | None = None
        self.ended: list[str] = []
        """Tokens that were revoked."""
        self.deaf: BotError | None = None
        """What revoking comes to."""

    def address(self, state: str, redirect: str) -> str:
        return f"https://pigeon.example/allow?state={state}&redirect={redirect}"

    async def exchange(self, code: str, redirect: str) -> Found:
        if code in self.codes or code == "wrong":
            raise Invalid("This code was used before.")
        self.codes.append(code)
        team, token = code.partition("-")[0], Secret(f"token-of-{code}")
        return Found(app="A1", team=team, team_name=f"Loft {team}", bot_user="U1", token=token)

    async def check(self, install: Install, token: Secret) -> str:
        if self.broken:
            raise self.broken
        assert token.reveal().startswith(f"token-of-{install.team}")
        return "https://loft.pigeon.example/"

    async def revoke(self, token: Secret) -> None:
        if self.deaf:
            raise self.deaf
        self.ended.append(token.reveal())

    async def meet(self, options: Options) -> tuple[Found, Options] | None:
        if "client_id" in options:
            return None
        team, app = str(options["team"]), str(options["app"])
        token = Secret(f"token-of-{team}-{app}")
        found = Found(app=app, team=team, team_name=f"Loft {team}", bot_user="U2", token=token)
        return found, {"signing_secret": f"secret-of-{app}"}

    def own_address(self, options: Options, state: str, redirect: str) -> str:
        return f"{self.address(state, redirect)}&client_id={options['client_id']}"

    async def own_exchange(
        self, options: Options, code: str, redirect: str
    ) -> tuple[Found, Options]:
        found = await self.exchange(code, redirect)
        app = str(options["client_id"])
        return replace(found, app=app), {"signing_secret": f"secret-of-{app}"}


class Channels:
    """Knows one platform, and whether it is connected."""

    def __init__(self, places: Places, around: Around, bulletins: Bulletins) -> None:
        self.places = places
        self.bulletins = bulletins
        self.installer = Pigeons()
        channels: Any = {"pigeon": self.installer}
        self.installing = Installing(around, lambda: channels)
        self.told: Mapping[str, object] | None = None

    async def listed(self, actor: Person) -> Sequence[Json]:
        return [{"name": "pigeon", "up": self.told is not None, "detail": "", "wants": []}]

    def manifest(
        self, actor: Person, name: str, by_socket: bool, agent: str = ""
    ) -> Mapping[str, Json]:
        if name != "pigeon":
            raise NotFound("There is no such platform.")
        return {"version": 1, "manifest": {"name": name, "socket": by_socket}}

    async def put(
        self, actor: Person, name: str, options: Options, *, is_unchecked: bool = False
    ) -> Checked:
        if options.get("token") == "away" and not is_unchecked:
            raise NotChecked
        self.told = options
        return Checked(team="Loft", bot="@pigeon")

    async def test(self, actor: Person, name: str, place: str) -> Spot:
        return await spot_of(actor.tenant, name, place)

    async def own(
        self, actor: Person, name: str, agent: str, options: Options
    ) -> Mapping[str, Json]:
        return await self.installing.own(actor, name, agent, options)

    async def remove(self, actor: Person, name: str) -> None:
        if self.told is None or name != "pigeon":
            raise NotFound("This platform is not connected here.")
        self.told = None


async def spot_of(tenant: TenantId, platform: str, named: str) -> Spot:
    """The bot is in one place, #ops."""
    if named not in ("#ops", "ops", "C1"):
        raise NotFound(f"The bot is in no place called {named}.")
    return Spot(id="C1", name="#ops", about="the whole team")
