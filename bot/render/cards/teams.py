"""A card as an Adaptive Card 1.5 for Microsoft Teams.

All text stands in rich text blocks, one for each line: a plain text block would read Markdown in
it, and a line end inside one is not shown everywhere. A press comes back as `data.press`, and its
answer is for the presser alone; Edit and Ask are forms inside the card, whose fields come back
beside it. A message may have about 28 KB.
https://learn.microsoft.com/adaptive-cards/authoring-cards/universal-action-model (read 2026-11-21)
"""

import json
from typing import Final

from bot.core.canonical import Json
from bot.core.card import Card, Choice
from bot.render.cards.layout import Layout, Line, Ref, fit, lay_out, until, with_show_all
from bot.render.codes import SHOW_ALL, press

MAX_BYTES: Final = 24_000
MAX_FORM: Final = 6_000
"""Characters of editable text for which the card holds a form; longer ones are edited elsewhere."""
STYLES: Final = {"primary": "positive", "danger": "destructive"}

Element = dict[str, Json]
_QUESTION: Final[Element] = {
    "type": "Input.Text",
    "id": "question",
    "label": "Your question",
    "isMultiline": True,
}


def render(card: Card, ref: Ref) -> dict[str, Json]:
    """The message: an activity with the card as its attachment."""
    layout, form = lay_out(card, ref), _form(card)
    if _size(_content(layout, form)) > MAX_BYTES:
        form = []
    layout = fit(layout, lambda some: _size(_content(some, form)) <= MAX_BYTES)
    attachment: Element = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "content": _content(layout, form),
    }
    return {"type": "message", "attachments": [attachment]}


def _size(content: Json) -> int:
    return len(json.dumps(content))


def _content(layout: Layout, form: list[Json]) -> Element:
    actions = [_action(choice, layout.ref, form) for choice in with_show_all(layout)]
    return {
        "type": "AdaptiveCard",
        "$schema": "https://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.5",
        "fallbackText": layout.title or "Approval",
        "body": _body(layout),
        "actions": actions,
        "msteams": {"width": "Full"},
    }


def _body(layout: Layout) -> list[Json]:
    body: list[Json] = []
    if layout.title:
        body.append(_block(_run(layout.title, size="Large", weight="Bolder")))
    body += [_block(_run(note, weight="Bolder")) for note in layout.notes]
    body += [_named(line) for line in (*layout.head, *layout.facts)]
    for line in layout.longs:
        body.append(_block(_run(line.name, weight="Bolder")))
        lines: list[Json] = [_block(_run(each or " ")) for each in line.text.split("\n")]
        body.append({"type": "Container", "style": "emphasis", "items": lines})
    body += [_block(_run(f"⚠ {each}", color="Attention")) for each in layout.warnings]
    body += [_named(line) for line in layout.foot]
    if layout.expires_at:
        body.append(_named(Line("Until", until(layout.expires_at))))
    return body


def _named(line: Line) -> Json:
    return _block(_run(f"{line.name}: ", weight="Bolder"), _run(line.text))


def _block(*runs: Json) -> Json:
    return {"type": "RichTextBlock", "spacing": "Small", "inlines": list(runs)}


def _run(text: str, **style: Json) -> Json:
    return {"type": "TextRun", "text": text, **style}


def _form(card: Card) -> list[Json]:
    """One input for each line that may be edited; none when they are too long for a card."""
    editable = [field for field in card.fields if field.editable]
    if not editable or sum(len(field.value) for field in editable) > MAX_FORM:
        return []
    if len({field.editable for field in editable}) < len(editable):
        return []  # one name for two texts: neither would come back surely
    return [
        {
            "type": "Input.Text",
            "id": field.editable,
            "label": field.name,
            "value": field.value,
            "isMultiline": field.long or "\n" in field.value,
        }
        for field in editable
    ]


def _opens(choice: Choice, form: list[Json], send: Element) -> Json:
    """A button that opens a form inside the card."""
    card: Element = {"type": "AdaptiveCard", "body": form, "actions": [send]}
    return {"type": "Action.ShowCard", "title": choice.label, "card": card}


def _action(choice: Choice, ref: Ref, form: list[Json]) -> Json:
    if choice.id == SHOW_ALL and ref.url:
        return {"type": "Action.OpenUrl", "title": choice.label, "url": ref.url}
    submit: Element = {
        "type": "Action.Execute",
        "title": choice.label,
        "verb": "press",
        "data": {"press": press(ref.approval, ref.version, choice.id)},
    }
    if choice.id == "edit" and form:
        return _opens(choice, form, {**submit, "title": "Save and approve"})
    if choice.id == "ask":
        return _opens(choice, [_QUESTION], {**submit, "title": "Send"})
    if choice.style in STYLES:
        submit["style"] = STYLES[choice.style]
    return submit
