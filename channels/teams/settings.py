"""What Teams needs to know: `[channels.teams]`.

https://learn.microsoft.com/azure/bot-service/bot-service-quickstart-registration (read 2026-11-21)
"""

import re
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from bot.core.errors import OperatorError
from bot.platforms.lent import Lent, settings_of

NAME = "teams"
NONE = SecretStr("")
_ID = re.compile(r"[A-Za-z0-9-]{1,64}")


class Settings(BaseModel):
    """The bot's registration: one app in one directory."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    binds: ClassVar = {"": ("app_id", "tenant_id")}

    app_id: str = Field(
        default="", description="Microsoft App ID, under Configuration of the Azure Bot."
    )
    app_secret: SecretStr = Field(
        default=NONE,
        description="The value of a client secret, under Certificates & secrets of the app.",
    )
    tenant_id: str = Field(
        default="", description="App Tenant ID, under Configuration of the Azure Bot."
    )


def read(lent: Lent) -> Settings:
    """The settings. Raises OperatorError, naming what is missing and where it is found."""
    given = settings_of(Settings, NAME, lent)
    settings = Settings(
        app_id=given.app_id.strip().lower(),
        app_secret=SecretStr(given.app_secret.get_secret_value().strip()),
        tenant_id=given.tenant_id.strip().lower(),
    )
    for field, where in (("app_id", "Microsoft App ID"), ("tenant_id", "App Tenant ID")):
        if not _ID.fullmatch(getattr(settings, field)):
            raise OperatorError(
                f"[channels.{NAME}] needs {field}: the {where} under Configuration of the Azure "
                "Bot at portal.azure.com; letters, digits and hyphens, no domain."
            )
    if not settings.app_secret.get_secret_value():
        raise OperatorError(
            f"[channels.{NAME}] needs app_secret: the value (not the ID) of a client secret, "
            "under App registrations, the app, Certificates & secrets at portal.azure.com."
        )
    return settings
