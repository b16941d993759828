"""What `[channels.sms]` says.

https://www.twilio.com/docs/iam/api-keys (read 2026-11-21): webhooks are signed with the account's
auth token, also where an API key sends.
"""

import re
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from bot.core.errors import OperatorError
from bot.platforms.lent import Lent, settings_of

NONE = SecretStr("")
NUMBER = re.compile(r"\+[1-9]\d{6,14}|\d{3,8}")
"""E.164, or a short code; nothing else is a number here."""
HELP = "An assistant answers here. Write STOP to get no more texts."


class Settings(BaseModel):
    """The channel's own settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    binds: ClassVar = {"": ("provider", "account_sid", "numbers")}

    provider: Literal["twilio"] = Field(
        default="twilio", description="Who carries the texts: twilio."
    )
    account_sid: str = Field(
        json_schema_extra={"begins": "AC"},
        pattern=r"^AC[0-9a-f]{32}$",
        description="Twilio's Account SID: begins with AC, on the first page of the console.",
    )
    auth_token: SecretStr = Field(
        min_length=8, description="Twilio's Auth Token, beside it: proves what Twilio sends."
    )
    api_key: str = Field(
        json_schema_extra={"begins": "SK"},
        default="",
        description="SID of an API key that sends instead of the Auth Token (SK…).",
    )
    api_secret: SecretStr = Field(default=NONE, description="The secret of that key.")
    numbers: str = Field(
        default="",
        description=(
            "Numbers to take over, such as +15550001, +15550002; empty: those of the account "
            "whose texts go nowhere yet."
        ),
    )
    enabled: bool = Field(default=True, description="Whether texts are answered and sent.")
    approve_money: bool = Field(
        default=False,
        description="Whether money may be approved by text, where a sender can be forged.",
    )
    max_segments: int = Field(
        default=6, ge=1, le=10, description="Longer answers are shortened to so many segments."
    )
    delete_pictures: bool = Field(
        default=True, description="Whether pictures are removed at Twilio once they are kept here."
    )
    answer_help: bool = Field(
        default=False, description="Whether HELP is answered from here; Twilio does by itself."
    )
    help_text: str = Field(default=HELP, max_length=300, description="What HELP is answered.")

    @field_validator("numbers")
    @classmethod
    def _are_numbers(cls, value: str) -> str:
        for one in _parts(value):
            if not NUMBER.fullmatch(one):
                raise ValueError(f"{one[:20]!r} is no number; write it like +15550001")
        return value

    @property
    def chosen(self) -> frozenset[str]:
        """The numbers to take over; empty when none is named."""
        return frozenset(_parts(self.numbers))


def _parts(value: str) -> list[str]:
    found = (re.sub(r"[\s().-]", "", part) for part in value.split(","))
    return [part for part in found if part]


def read(lent: Lent) -> Settings:
    """The settings. Raises OperatorError, naming what is missing and where it is found."""
    options = {
        name: value.strip() if isinstance(value, str) else value
        for name, value in lent.options.items()
    }
    if not options.get("account_sid") or not options.get("auth_token"):
        raise OperatorError(
            "[channels.sms] needs account_sid (or TWILIO_ACCOUNT_SID) and auth_token (or "
            "TWILIO_AUTH_TOKEN): both are on the first page of console.twilio.com."
        )
    settings = settings_of(Settings, "sms", lent)
    if bool(settings.api_key) != bool(settings.api_secret.get_secret_value()):
        raise OperatorError("[channels.sms] api_key and api_secret go together: set both or none.")
    if not lent.public_url:
        raise OperatorError(
            "Twilio brings texts to an address on the internet. Set public_url (BOT_PUBLIC_URL) to "
            "the address of this house."
        )
    return settings
