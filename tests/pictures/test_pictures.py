"""The pictures show what the payload says, all of it, and the docs show the pictures."""

import json
import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from bot.render.card import Surface, render
from tests.bot.render.ten import LINKED, TEN
from tests.pictures.card import CARD, FOLDER, PLATFORMS, payload
from tests.pictures.draw import DRAWN, page

MOST = 60_000
DOCS = Path(__file__).parents[2] / "docs" / "channels"


def words(html: str) -> str:
    """What a person reads."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_picture_says_everything_of_the_card(platform: str) -> None:
    shown = words(DRAWN[platform](payload(platform)))
    said = [CARD.title, CARD.amount, CARD.why, *CARD.recipients, *CARD.warnings]
    said += [text for field in CARD.fields for text in (field.name, field.value)]
    said += ["Approve", "Reject", "Edit", "Ask", "28 Nov"]
    assert [text for text in said if " ".join(text.split()) not in shown] == []


@pytest.mark.parametrize("platform", PLATFORMS)
def test_a_part_that_is_not_known_is_not_left_out_in_silence(platform: str) -> None:
    odd: dict[str, Any] = json.loads(json.dumps(payload(platform)))
    if platform == "slack":
        odd["blocks"].append({"type": "video"})
    elif platform == "discord":
        odd["embeds"][0]["footer"] = {"text": "small print"}
    elif platform == "teams":
        odd["attachments"][0]["content"]["body"].append({"type": "Image"})
    else:
        odd["reply_markup"]["inline_keyboard"][0][0].pop("text")
    with pytest.raises((ValueError, KeyError)):
        page(platform, odd)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_picture_is_there_is_small_and_is_shown(platform: str) -> None:
    picture = FOLDER / f"card-{platform}.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size <= MOST
    text = (DOCS / f"{platform}.md").read_text("utf-8")
    assert f"../pictures/{picture.name}" in text and "Drawn by us" in text


def test_hostile_words_stay_words() -> None:
    for platform in PLATFORMS:
        made = render(TEN["hidden things"], Surface(platform), LINKED)
        assert not isinstance(made, str)
        assert "<script>" not in DRAWN[platform](made)
