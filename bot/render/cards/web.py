"""A card for the house's own page and the API: its fields, with everything hidden made visible.

The page decides what it looks like. What a person may edit is read from the arguments of the
approval, not from here.
"""

from dataclasses import replace

from bot.core.canonical import Json
from bot.core.card import Card
from bot.render.cards.layout import Ref
from bot.render.text import visible
from bot.store.rows import card_to_json


def render(card: Card, ref: Ref) -> dict[str, Json]:
    """The object `shown` of the API."""
    return card_to_json(show(card))


def show(card: Card) -> Card:
    """The card with every hidden mark written out."""
    return replace(
        card,
        title=visible(card.title),
        agent=visible(card.agent),
        on_behalf_of=visible(card.on_behalf_of),
        amount=visible(card.amount),
        recipients=tuple(map(visible, card.recipients)),
        fields=tuple(
            replace(field, name=visible(field.name), value=visible(field.value))
            for field in card.fields
        ),
        body=visible(card.body),
        warnings=tuple(map(visible, card.warnings)),
        audience=visible(card.audience),
        why=visible(card.why),
        approvers=tuple(map(visible, card.approvers)),
        decided=visible(card.decided),
        choices=() if card.decided else card.choices,
    )
