"""A platform whose app is installed by OAuth, and where an agent may have an app of its own."""

from dataclasses import replace

from bot.core.errors import BotError, Invalid
from bot.core.secret import Secret
from bot.installs import Found
from bot.lent import Options
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
