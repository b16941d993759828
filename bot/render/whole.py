"""Everything that a card says, as plain text: what *Show all* and `SHOW 4821` answer with."""

from bot.core.card import Card
from bot.render.cards.layout import Ref, lay_out
from bot.render.cards.sheet import PlainPen, sheet


def whole(card: Card, ref: Ref) -> str:
    """The whole card, whatever a platform had to leave out."""
    return sheet(lay_out(card, ref), PlainPen(), answers=False)
