"""A card in a terminal: framed lines, whole, with the words that answer it."""

from bot.core.card import Card
from bot.render.cards.layout import Ref, lay_out
from bot.render.cards.sheet import PlainPen, sheet


def render(card: Card, ref: Ref) -> str:
    """The text; it holds no control of any terminal."""
    lines = sheet(lay_out(card, ref), PlainPen()).split("\n")
    return "\n".join(("┌─", *(f"│ {line}".rstrip() for line in lines), "└─"))
