"""Edit and Ask: what a person typed into a card, and a form where the card has none.

A card brings its texts by the name of the argument, a form by the key that the house gave it.
https://learn.microsoft.com/adaptive-cards/authoring-cards/universal-action-model (read 2026-11-21)
"""

import json
from collections.abc import Mapping
from typing import Final

from bot.core.canonical import Json
from bot.core.errors import Invalid
from bot.platforms.lent import Form
from bot.render.codes import press

MAX_FORM: Final = 24_000
"""Bytes of a form: a card may have about 28 KB."""
CARD: Final = "application/vnd.microsoft.card.adaptive"


def filled(form: Form, given: Mapping[str, str]) -> dict[str, str] | None:
    """The form's texts with those that the person made of them; None where there are none.

    A name that stands for two texts of the form is neither.
    """
    names = [item.key.rpartition("/")[2] for item in form.inputs]
    found = False
    texts = {}
    for item, name in zip(form.inputs, names, strict=True):
        text = given.get(item.key)
        if text is None and names.count(name) == 1:
            text = given.get(name)
        found = found or text is not None
        texts[item.key] = item.value if text is None else text
    return texts if found else None


def form_card(form: Form) -> dict[str, Json]:
    """The form as a card of its own. Raises Invalid when a card cannot hold it."""
    body: list[Json] = [
        {
            "type": "Input.Text",
            "id": item.key,
            "label": item.label,
            "value": item.value,
            "isMultiline": item.long,
        }
        for item in form.inputs
    ]
    send: Json = {
        "type": "Action.Execute",
        "title": "Send" if form.choice == "ask" else "Save and approve",
        "verb": "press",
        "data": {"press": press(form.approval, form.version, form.choice)},
    }
    card: dict[str, Json] = {
        "type": "AdaptiveCard",
        "$schema": "https://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.5",
        "body": body,
        "actions": [send],
    }
    if len(json.dumps(card)) > MAX_FORM:
        raise Invalid("It is too long to be edited here. Open the page to edit it.")
    return card
