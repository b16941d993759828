"""Slack's apps: whose a token is, and who each is in the workspace.

There is one as long as a test adds no other. Each has its own bot user, tokens and signing secret,
and is told by its own socket or at its own addresses, which stand in its settings:
docs.slack.dev/authentication/tokens and docs.slack.dev/reference/methods/bots.info (read
2026-11-21).
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

TEAM, APP, BOT, BOT_USER = "T0000SHOP", "A000SWITCH", "B000SWITCH", "U000SWITCH"
BOT_TOKEN, APP_TOKEN, SIGNING_SECRET = "xoxb-1-2-shop", "xapp-1-A000-shop", "shop-signing-secret"


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """An app that is installed in the workspace."""

    id: str = APP
    bot: str = BOT
    user: str = BOT_USER
    name: str = "switchboard"
    bot_token: str = BOT_TOKEN
    app_token: str = APP_TOKEN
    signing_secret: str = SIGNING_SECRET
    part: str = ""
    """What its addresses have besides, such as `/kelly`."""

    @property
    def command(self) -> str:
        """Its slash command."""
        return f"/{self.name}"


MAIN = App()


def app_of(name: str) -> App:
    """One more app, whose every id and secret bears its name."""
    mark = name.upper()
    return App(
        id=f"A000{mark}",
        bot=f"B000{mark}",
        user=f"U000{mark}",
        name=name,
        bot_token=f"xoxb-1-2-{name}",
        app_token=f"xapp-1-A000-{name}",
        signing_secret=f"{name}-signing-secret",
        part=f"/{name}",
    )


@dataclass(slots=True)
class Apps:
    """All of them, in every channel of the workspace; the first is the usual one."""

    all: list[App] = field(default_factory=lambda: [MAIN])
    revoked: set[str] = field(default_factory=set)
    """Tokens of the others that work no more."""

    def add(self, name: str) -> App:
        """Install one more."""
        made = app_of(name)
        self.all.append(made)
        return made

    def by_token(self, token: str) -> App:
        """Whose a token is; the usual one's when it is nobody else's."""
        return next((app for app in self.all if token in (app.bot_token, app.app_token)), MAIN)

    def by_id(self, id_: str) -> App:
        """The app of an id."""
        return next((app for app in self.all if app.id == id_), MAIN)

    def by_user(self, user: str) -> App:
        """The app that is this user."""
        return next((app for app in self.all if app.user == user), MAIN)

    def by_command(self, command: str) -> App:
        """The app that has a slash command."""
        return next((app for app in self.all if app.command == command), MAIN)

    def knows(self, token: str) -> bool:
        """Whether it is the bot token of one of the others."""
        return any(app.bot_token == token for app in self.all[1:])


def signed(body: str, secret: str, at: int | None = None) -> Mapping[str, str]:
    """The two headers that prove who is calling."""
    stamp = str(int(time.time()) if at is None else at)
    mark = hmac.new(secret.encode(), f"v0:{stamp}:{body}".encode(), hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={mark}"}
