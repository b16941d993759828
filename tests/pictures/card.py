"""The card of the pictures, and its payload for each platform as the house sends it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bot.render.card import Surface, render
from tests.bot.render.ten import LINKED, TEN

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
PLATFORMS = ("slack", "telegram", "discord", "teams")
CARD = TEN["invoice"]


def payload(platform: str) -> Mapping[str, Any]:
    """What the platform is sent for the card."""
    made = render(CARD, Surface(platform), LINKED)
    assert isinstance(made, Mapping)
    return made
