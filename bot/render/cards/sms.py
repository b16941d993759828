"""A card as a text message, answered by a word and its code.

Twilio takes 1,600 characters; every 153 (67 with letters beyond the old alphabet) are paid for, so
the long text is cut early. Our own words keep to that alphabet.
https://www.twilio.com/docs/messaging/api/message-resource (read 2026-11-01)
"""

from typing import Final

from bot.core.card import Card
from bot.render.cards.layout import Layout, Ref, fit, lay_out
from bot.render.cards.sheet import PlainPen, sheet

MAX_CHARS: Final = 1_600
MAX_BODY: Final = 700
"""From here on the text is cut, although there would be room."""


def render(card: Card, ref: Ref) -> str:
    """The text."""
    return _text(fit(lay_out(card, ref), _fits))


def _fits(layout: Layout) -> bool:
    is_short = sum(len(line.text) for line in layout.longs) <= MAX_BODY or not layout.choices
    return is_short and len(_text(layout)) <= MAX_CHARS


def _text(layout: Layout) -> str:
    text = sheet(layout, PlainPen()).replace("⚠ ", "! ").replace("… [", "... [")
    if layout.ref.url and (layout.is_cut or not layout.ref.by_text) and layout.choices:
        text += f"\nOpen it: {layout.ref.url}"
    return text
