"""A card as a Discord embed with buttons.

Limits: 256 characters of a title, 4,096 of a description, 80 of a label, 100 of a `custom_id`, five
buttons in a row. Mentions are escaped and switched off.
https://docs.discord.com/developers/components/reference (read 2026-11-01)
"""

from datetime import datetime
from typing import Final

from bot.core.canonical import Json
from bot.core.card import Card, Choice
from bot.render.cards.layout import Layout, Ref, fit, lay_out, with_show_all
from bot.render.cards.sheet import sheet
from bot.render.codes import SHOW_ALL, press
from bot.render.dialects.discord import literal
from bot.render.text import clip

MAX_DESCRIPTION: Final = 4096
AMBER, GREY = 0xD9822B, 0x8A8F98
STYLES: Final = {"primary": 3, "danger": 4, "plain": 2}
"""Green, red, grey."""


def render(card: Card, ref: Ref) -> dict[str, Json]:
    """The body of a message, to create it or to edit it."""
    layout = fit(lay_out(card, ref), lambda some: len(_description(some)) <= MAX_DESCRIPTION)
    buttons = [_button(choice, ref) for choice in with_show_all(layout)]
    return {
        "content": "",
        "embeds": [
            {
                "title": clip(literal(clip(layout.title, 120)), 256),
                "description": _description(layout),
                "color": GREY if layout.is_decided else AMBER,
            }
        ],
        "components": [
            {"type": 1, "components": buttons[at : at + 5]} for at in range(0, len(buttons), 5)
        ],
        "allowed_mentions": {"parse": []},
    }


class _Pen:
    """Discord's Markdown."""

    def title(self, text: str) -> str:
        """The embed has a place for it; one too long for that stands here whole."""
        return f"**{literal(text)}**" if len(text) > 120 else ""

    def line(self, name: str, text: str) -> str:
        """A bold name."""
        return f"**{literal(name)}:** {literal(text)}"

    def long(self, name: str, text: str) -> str:
        """A quotation."""
        lines = "\n".join(f"> {line}" for line in literal(text).split("\n"))
        return f"**{literal(name)}:**\n{lines}"

    def remark(self, text: str) -> str:
        """A bold line."""
        return f"**{literal(text)}**"

    def moment(self, name: str, at: datetime) -> str:
        """Discord shows it in the reader's own time."""
        return f"**{name}:** <t:{int(at.timestamp())}:f>"


def _description(layout: Layout) -> str:
    return sheet(layout, _Pen(), answers=False)


def _button(choice: Choice, ref: Ref) -> Json:
    label = clip(choice.label, 80)
    if choice.id == SHOW_ALL and ref.url and len(ref.url) <= 512:
        return {"type": 2, "style": 5, "label": label, "url": ref.url}
    value = press(ref.approval, ref.version, choice.id)
    return {"type": 2, "style": STYLES.get(choice.style, 2), "label": label, "custom_id": value}
