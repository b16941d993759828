"""An app that is one agent's own: what it is told, and which app in which workspace that is.

Its bot token is pasted, or comes of an installation in the browser by its client ID and secret.
Slack itself says whose a token is, so that no app is taken for another one.
https://docs.slack.dev/reference/methods/bots.info (read 2026-11-21): `bot.app_id` is the app of
`auth.test`'s `bot_id`; the scope is users:read.
"""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from bot.config.mistakes import briefly
from bot.core.errors import ConnectionBroken, Invalid, VendorUnknown
from bot.core.secret import Secret
from bot.platforms.installs import Found
from bot.platforms.lent import Options
from bot.platforms.ways import Way
from channels.slack.calls import Calls
from channels.slack.events import body_of, text_of
from channels.slack.settings import NONE
from channels.slack.socketmode import may_listen

_HEARD = ("app_token",), ("signing_secret",)
WAYS = (
    Way(
        name="token",
        title="its bot token",
        asks=(("bot_token",), *_HEARD),
        needs=("bot_token",),
    ),
    Way(
        name="oauth",
        title="the browser",
        asks=(("client_id", "client_secret"), *_HEARD),
        needs=("client_id", "client_secret"),
    ),
)


class Own(BaseModel):
    """What an agent's own app is told."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)
    ways: ClassVar = WAYS

    bot_token: SecretStr = Field(
        json_schema_extra={"begins": "xoxb-"},
        default=NONE,
        description="Its bot token: begins with xoxb-, under OAuth & Permissions of its app.",
    )
    app_token: SecretStr = Field(
        json_schema_extra={"begins": "xapp-"},
        default=NONE,
        description="Its app token, for Socket Mode: begins with xapp-, has connections:write.",
    )
    signing_secret: SecretStr = Field(
        default=NONE,
        description="Its signing secret, for events over HTTP: under Basic Information.",
    )
    client_id: str = Field(
        default="", max_length=100, description="Its client ID: under Basic Information."
    )
    client_secret: SecretStr = Field(
        default=NONE, description="Its client secret: under Basic Information."
    )

    @property
    def is_installed(self) -> bool:
        """Whether its token comes of an installation in the browser."""
        return bool(self.client_id)

    @property
    def proofs(self) -> Options:
        """What proves its requests."""
        return {
            "app_token": self.app_token.get_secret_value(),
            "signing_secret": self.signing_secret.get_secret_value(),
        }


def read(options: Options) -> Own:
    """What was told, looked at. Raises Invalid, naming what is missing and where it is found."""
    try:
        own = Own.model_validate(
            {
                name: told.strip() if isinstance(told, str) else told
                for name, told in options.items()
            }
        )
    except ValidationError as error:
        raise Invalid(f"The agent's own app does not fit: {briefly(error)}.") from None
    bot_token = own.bot_token.get_secret_value()
    if own.is_installed and (bot_token or not own.client_secret.get_secret_value()):
        raise Invalid(
            "With client_id goes client_secret and no bot_token: a browser installs the app."
        )
    if not own.is_installed and not bot_token.startswith("xoxb-"):
        raise Invalid(
            "bot_token is the token that begins with xoxb-, under OAuth & Permissions of the app."
        )
    app_token = own.app_token.get_secret_value()
    if app_token and not app_token.startswith("xapp-"):
        raise Invalid(
            "app_token is the token that begins with xapp-, under Basic Information, App-Level "
            "Tokens, with the scope connections:write."
        )
    if not app_token and not own.signing_secret.get_secret_value():
        raise Invalid(
            "The app needs app_token (Socket Mode) or signing_secret (events over HTTP); both are "
            "under Basic Information of the app at api.slack.com/apps."
        )
    return own


async def whose(calls: Calls, own: Own) -> Found:
    """Which app in which workspace it is. Raises Invalid, VendorError."""
    try:
        told = await calls.do("auth.test")
        bot = await calls.ask("bots.info", bot=text_of(told, "bot_id"))
    except ConnectionBroken as error:
        raise Invalid(error.message) from error
    found = Found(
        app=text_of(body_of(bot, "bot"), "app_id"),
        team=text_of(told, "team_id"),
        team_name=text_of(told, "team"),
        bot_user=text_of(told, "user_id"),
        token=Secret(own.bot_token.get_secret_value()),
    )
    if not (found.app and found.team and found.bot_user):
        raise VendorUnknown("Slack did not say which app this token is of.")
    return found


async def hears(calls: Calls, own: Own, app: str) -> None:
    """Try its app token, if it has one; an `app` that is known must be its own.

    Raises Invalid, VendorError.
    """
    token = own.app_token.get_secret_value()
    try:
        if token:
            await may_listen(token, calls, app)
    except ConnectionBroken as error:
        raise Invalid(error.message) from error
