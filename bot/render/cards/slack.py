"""A card in Slack's Block Kit.

Everything that a person or a model wrote goes into rich text, which knows no markup and no
mentions: letters are letters. Limits: 50 blocks, 150 characters of a header, 75 of a button, 2,000
of its value; a message of more than about 13,000 characters in all is refused.
https://docs.slack.dev/reference/block-kit/blocks (read 2026-11-01)
"""

import json
from typing import Final

from bot.core.canonical import Json
from bot.core.card import Card, Choice
from bot.render.cards.layout import Layout, Line, Ref, fit, lay_out, until, with_show_all
from bot.render.codes import SHOW_ALL, press
from bot.render.dialects.slack import escape, literal
from bot.render.text import clip

ACTIONS: Final = {
    "approve": "approve_action",
    "reject": "reject_action",
    "edit": "edit_action",
    "ask": "request_more_info",
    SHOW_ALL: "show_all",
}
"""Choice to `action_id`; any other choice is `<choice>_action`."""
MAX_JSON: Final = 12_000
MAX_ELEMENT: Final = 2_900
MAX_TITLE: Final = 150
"""A longer title is cut in the header, and stands below it whole."""

Block = dict[str, Json]


def render(card: Card, ref: Ref) -> dict[str, Json]:
    """The arguments of `chat.postMessage` and `chat.update` that make the message."""
    layout = fit(lay_out(card, ref), lambda some: _size(_blocks(some)) <= MAX_JSON)
    summary = (*layout.notes, layout.title, *(line.text for line in layout.head))
    return {
        "text": literal(clip(" · ".join(filter(None, summary)), 300)) or "Approval",
        "blocks": _blocks(layout),
        "unfurl_links": False,
        "unfurl_media": False,
    }


def _size(blocks: list[Json]) -> int:
    return len(json.dumps(blocks, ensure_ascii=False))


def _blocks(layout: Layout) -> list[Json]:
    blocks: list[Json] = []
    if layout.title:
        blocks.append({"type": "header", "text": _plain(layout.title, MAX_TITLE)})
    blocks.append({"type": "rich_text", "elements": _elements(layout)})
    if buttons := [_button(choice, layout.ref) for choice in with_show_all(layout)]:
        blocks.append({"type": "actions", "elements": buttons})
    return blocks


def _elements(layout: Layout) -> list[Json]:
    """Sections and quotations of the one rich text."""
    whole = [Line("", layout.title)] if len(escape(layout.title)) > MAX_TITLE else []
    lines = [[_bold(note)] for note in layout.notes]
    lines += [_named(line) for line in (*whole, *layout.head, *layout.facts)]
    elements: list[Json] = []
    for long in layout.longs:
        elements.append(_section([*lines, [_bold(long.name)]]))
        elements.append({"type": "rich_text_quote", "elements": _texts(long.text)})
        lines = []
    for warning in layout.warnings:
        lines.append([{"type": "emoji", "name": "warning"}, *_texts(f" {warning}")])
    lines += [_named(line) for line in layout.foot]
    if layout.expires_at:
        date: Block = {
            "type": "date",
            "timestamp": int(layout.expires_at.timestamp()),
            "format": "{date_short_pretty} at {time}",
            "fallback": until(layout.expires_at),
        }
        lines.append([_bold("Until: "), date])
    return [*elements, _section(lines)] if lines or not elements else elements


def _named(line: Line) -> list[Json]:
    return [*([_bold(f"{line.name}: ")] if line.name else []), *_texts(line.text)]


def _section(lines: list[list[Json]]) -> Json:
    """Lines in one section: whether two sections share a line is not documented."""
    elements: list[Json] = []
    for line in lines or [_texts(" ")]:
        elements += [*([{"type": "text", "text": "\n"}] if elements else []), *line]
    return {"type": "rich_text_section", "elements": elements}


def _plain(text: str, room: int) -> Json:
    """Plain text that is short enough when it is escaped."""
    escaped = escape(clip(text, room))
    if len(escaped) > room:
        escaped = escape(clip(text, room // 5))
    return {"type": "plain_text", "text": escaped, "emoji": False}


def _bold(text: str) -> Json:
    return {"type": "text", "text": text, "style": {"bold": True}}


def _texts(text: str) -> list[Json]:
    parts = [text[at : at + MAX_ELEMENT] for at in range(0, len(text), MAX_ELEMENT)]
    return [{"type": "text", "text": part} for part in parts or [" "]]


def _button(choice: Choice, ref: Ref) -> Json:
    button: Block = {
        "type": "button",
        "action_id": ACTIONS.get(choice.id, f"{choice.id}_action"),
        "text": _plain(choice.label, 75),
    }
    if choice.id == SHOW_ALL and ref.url:
        return {**button, "url": ref.url}
    button["value"] = press(ref.approval, ref.version, choice.id)
    if choice.style in ("primary", "danger"):
        button["style"] = choice.style
    return button
