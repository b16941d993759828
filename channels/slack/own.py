"""An app that is one agent's own: what it is told, and which app in which workspace that is.

The tokens are pasted; Slack itself says whose they are, so that no app is taken for another one.
https://docs.slack.dev/reference/methods/bots.info (read 2026-11-21): `bot.app_id` is the app of
`auth.test`'s `bot_id`; the scope is users:read.
"""

from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError

from bot.core.errors import ConnectionBroken, Invalid, VendorUnknown
from bot.core.secret import Secret
from bot.installs import Found
from bot.lent import Options
from channels.slack.calls import Calls
from channels.slack.events import body_of, text_of
from channels.slack.settings import NONE

READS = "users:read"


class Own(BaseModel):
    """What an agent's own app is told."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)

    bot_token: SecretStr = Field(
        description="Its bot token: begins with xoxb-, under OAuth & Permissions of its app.",
    )
    app_token: SecretStr = Field(
        default=NONE,
        description="Its app token, for Socket Mode: begins with xapp-, has connections:write.",
    )
    signing_secret: SecretStr = Field(
        default=NONE,
        description="Its signing secret, for events over HTTP: under Basic Information.",
    )


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
        wrong = "; ".join(
            f"{'.'.join(map(str, item['loc']))}: {item['msg']}"
            for item in error.errors(include_url=False, include_input=False)
        )
        raise Invalid(f"The agent's own app does not fit: {wrong}.") from None
    if not own.bot_token.get_secret_value().startswith("xoxb-"):
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
