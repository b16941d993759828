"""What Discord needs to know: `[channels.discord]`.

https://docs.discord.com/developers/quick-start/getting-started (read 2026-11-21)
"""

import re
from typing import ClassVar, Final

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from bot.core.errors import OperatorError
from bot.platforms.lent import Lent, settings_of

NAME: Final = "discord"
_KEY: Final = re.compile(r"[0-9a-fA-F]{64}")
_ID: Final = re.compile(r"\d{1,20}")


class Settings(BaseModel):
    """The bot's token, and how Discord reaches us."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)
    binds: ClassVar = {"": ("token",), "guild": ("token", "guild_id")}

    token: SecretStr = Field(description="The bot's token, under Bot of the application.")
    public_key: str = Field(
        default="", description="64 hex digits; for presses and commands over HTTP."
    )
    guild_id: str = Field(
        default="", description="The server that gets the slash commands at once; empty: all."
    )
    gateway: bool = Field(default=True, description="Listen on the gateway: messages need it.")
    message_content: bool = Field(
        default=False, description="Read messages that do not mention the bot; a privileged intent."
    )
    commands: bool = Field(default=True, description="Register the slash commands.")


def read(lent: Lent) -> Settings:
    """The settings. Raises OperatorError, naming what is missing and where it is found."""
    portal = "of the application at discord.com/developers/applications"
    if not str(lent.options.get("token", "")).strip():
        raise OperatorError(
            f"[channels.discord] needs token (or DISCORD_BOT_TOKEN): under Bot {portal}."
        )
    settings = settings_of(Settings, NAME, lent)
    if settings.public_key and not _KEY.fullmatch(settings.public_key):
        raise OperatorError(
            "[channels.discord] public_key (or DISCORD_PUBLIC_KEY) has 64 hex digits: "
            f"under General Information {portal}."
        )
    if settings.guild_id and not _ID.fullmatch(settings.guild_id):
        raise OperatorError(
            "[channels.discord] guild_id (or DISCORD_GUILD_ID) is a number: right click on the "
            "server, Copy Server ID."
        )
    if not settings.gateway and not settings.public_key:
        raise OperatorError(
            "[channels.discord] listens nowhere: set gateway = true, or public_key "
            f"(or DISCORD_PUBLIC_KEY), which is under General Information {portal}."
        )
    return settings
