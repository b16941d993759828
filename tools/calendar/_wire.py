"""What the wires to both vendors have in common: shapes of answers, and pauses."""

import json
from collections.abc import Mapping
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from bot.core.canonical import Json
from bot.core.errors import VendorUnknown
from bot.core.ports import Page

PAUSE_S, MOST_PAUSE_S = 30.0, 3_600.0


class Theirs(BaseModel):
    """What a vendor tells: what we do not know is let be."""

    model_config = ConfigDict(extra="ignore", alias_generator=to_camel, frozen=True)


M = TypeVar("M", bound=BaseModel)


def read(kind: type[M], told: object, who: str) -> M:
    """An answer of `who` as one of our shapes. Raises VendorUnknown."""
    try:
        return kind.model_validate(told)
    except ValidationError:
        raise VendorUnknown(f"{who}'s answer could not be understood.") from None


def content(page: Page, who: str) -> Mapping[str, Json]:
    """What an answer holds. Raises VendorUnknown."""
    try:
        told = json.loads(page.body)
    except ValueError:
        told = None
    if not isinstance(told, dict):
        raise VendorUnknown(f"{who}'s answer broke off or could not be read.")
    return told


def pause_s(page: Page) -> float:
    """How long the vendor asks to be let alone, in seconds."""
    told = page.headers.get("retry-after", "")
    return min(max(float(told), 1.0), MOST_PAUSE_S) if told.isdecimal() else PAUSE_S
