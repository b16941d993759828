"""What `[channels.telegram]` says.

https://core.telegram.org/bots/api#setwebhook (read 2026-11-21)
"""

import hashlib
import hmac
import re
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

_TOKEN = re.compile(r"\d{1,20}:[A-Za-z0-9_-]{20,200}")
_SECRET = re.compile(r"[A-Za-z0-9_-]{0,256}")


class Settings(BaseModel):
    """The channel's own settings."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    binds: ClassVar = {"": ("token",)}

    token: SecretStr = Field(description="What @BotFather gives with /newbot or /token.")
    mode: Literal["", "polling", "webhook"] = Field(
        default="",
        description="polling or webhook; empty: a webhook where public_url is https, else polling.",
    )
    webhook_secret: SecretStr = Field(
        default=SecretStr(""),
        description="What a webhook must carry; empty: one that is made from the token.",
    )

    @field_validator("token")
    @classmethod
    def _looks_like_one(cls, value: SecretStr) -> SecretStr:
        if not _TOKEN.fullmatch(value.get_secret_value()):
            raise ValueError("a token looks like 123456:ABC…; ask @BotFather for it with /token")
        return value

    @field_validator("webhook_secret")
    @classmethod
    def _can_be_sent(cls, value: SecretStr) -> SecretStr:
        if not _SECRET.fullmatch(value.get_secret_value()):
            raise ValueError("Telegram takes letters, digits, _ and - only, at most 256")
        return value

    @property
    def bot(self) -> str:
        """The bot's id, which is no secret."""
        return self.token.get_secret_value().partition(":")[0]

    @property
    def hook_secret(self) -> str:
        """What each webhook must carry; never empty."""
        return self.webhook_secret.get_secret_value() or self.derived("webhook")

    def derived(self, purpose: str) -> str:
        """A secret of our own for one purpose: the same after a restart and on every process."""
        key = self.token.get_secret_value().encode()
        return hmac.new(key, f"switchboard {purpose}".encode(), hashlib.sha256).hexdigest()
