"""What a card says as plain text: all of it for *Show all* and `SHOW 4821`, or as a question."""

from bot.core.card import Card
from bot.render.cards.layout import Layout, Ref, fit, lay_out
from bot.render.cards.sheet import PlainPen, sheet


def whole(card: Card, ref: Ref) -> str:
    """The whole card, whatever a platform had to leave out."""
    return sheet(lay_out(card, ref), PlainPen(), answers=False)


def asked(card: Card, ref: Ref, max_chars: int) -> str:
    """The card and the words that answer it, where there are no buttons; shortened as little as
    need be, and then it says how to see all of it."""

    def text(layout: Layout) -> str:
        return sheet(layout, PlainPen())

    return text(fit(lay_out(card, ref), lambda layout: len(text(layout)) <= max_chars))
