"""What Slack needs to know: `[channels.slack]`.

https://docs.slack.dev/authentication/tokens (read 2026-11-21)
"""

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from bot.core.errors import OperatorError
from bot.platforms.lent import Lent, settings_of

NONE = SecretStr("")


class Settings(BaseModel):
    """The app's secrets; one of `app_token` and `signing_secret` says how Slack reaches us."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    binds: ClassVar = {"": ("bot_token", "client_id")}

    bot_token: SecretStr = Field(
        json_schema_extra={"begins": "xoxb-"},
        default=NONE,
        description="The bot token: begins with xoxb-, under OAuth & Permissions of the app.",
    )
    app_token: SecretStr = Field(
        json_schema_extra={"begins": "xapp-"},
        default=NONE,
        description="The app token, for Socket Mode: begins with xapp-, has connections:write.",
    )
    signing_secret: SecretStr = Field(
        default=NONE,
        description="The signing secret, for events over HTTP: under Basic Information.",
    )
    client_id: str = Field(
        default="",
        max_length=100,
        description="The client ID, where owners install the app: under Basic Information.",
    )
    client_secret: SecretStr = Field(
        default=NONE,
        description="The client secret, which goes with the client ID: under Basic Information.",
    )

    match_emails: str = Field(
        default="",
        max_length=1000,
        description="E-mail domains, with commas, whose confirmed users are known as the members "
        "with the same address; empty: nobody is.",
    )

    agent_apps: bool = Field(
        default=False,
        exclude=True,
        description="True: only agents with apps of their own; the tokens above are left out.",
    )

    @property
    def domains(self) -> frozenset[str]:
        """The domains whose addresses are trusted."""
        told = (each.strip().casefold().removeprefix("@") for each in self.match_emails.split(","))
        return frozenset(filter(None, told))

    @property
    def by_socket(self) -> bool:
        """Whether the house calls Slack, not Slack the house."""
        return bool(self.app_token.get_secret_value())

    @property
    def is_shared(self) -> bool:
        """Whether owners install the app in workspaces of theirs."""
        return bool(self.client_id)


def read(lent: Lent) -> Settings:
    """The settings. Raises OperatorError, naming what is missing and where it is found."""
    given = settings_of(Settings, "slack", lent)
    settings = given.model_copy(
        update={
            name: type(told)(_stripped(told))
            for name in Settings.model_fields
            if isinstance(told := getattr(given, name), str | SecretStr) and told
        }
    )
    bot_token = settings.bot_token.get_secret_value()
    if settings.agent_apps and not (bot_token or settings.is_shared):
        return settings
    if settings.is_shared:
        _check_shared(settings, bot_token)
    elif not bot_token.startswith("xoxb-"):
        raise OperatorError(
            "[channels.slack] needs bot_token (or SLACK_BOT_TOKEN): the token that begins with "
            "xoxb-, under OAuth & Permissions of the app at api.slack.com/apps."
        )
    if settings.by_socket and not settings.app_token.get_secret_value().startswith("xapp-"):
        raise OperatorError(
            "[channels.slack] app_token (or SLACK_APP_TOKEN) is the token that begins with xapp-, "
            "under Basic Information, App-Level Tokens, with the scope connections:write."
        )
    if not settings.by_socket and not settings.signing_secret.get_secret_value():
        raise OperatorError(
            "[channels.slack] needs app_token (Socket Mode) or signing_secret (events over HTTP); "
            "both are under Basic Information of the app at api.slack.com/apps."
        )
    return settings


def _check_shared(settings: Settings, bot_token: str) -> None:
    if not settings.client_secret.get_secret_value():
        raise OperatorError(
            "[channels.slack] needs client_secret (or SLACK_CLIENT_SECRET) beside client_id: both "
            "are under Basic Information of the app at api.slack.com/apps."
        )
    if bot_token:
        raise OperatorError(
            "[channels.slack] has client_id and bot_token. Leave bot_token out: with client_id the "
            "app is installed in each workspace from the page of platforms."
        )


def _stripped(told: str | SecretStr) -> str:
    return (told.get_secret_value() if isinstance(told, SecretStr) else told).strip()
