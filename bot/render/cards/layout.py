"""A card in the order in which every platform shows it, and shortened where one has no room.

First what moves and to whom, then who asks, then the text as it will appear, then who may decide
and until when. Everything hidden in the texts is made visible. When room is short the long texts
are cut first, with a note of how much is missing and a button that shows it; amount and recipients
are never cut while the card can be approved: where even they do not fit, it can only be refused
there, or decided on the page.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from bot.core.card import Card, Choice
from bot.core.ids import ApprovalId
from bot.frozen import frozen
from bot.render.codes import SHOW_ALL, WORDS
from bot.render.text import clip, one_line, visible

SANDBOX: Final = "Sandbox: nothing will really be sent."
LONG: Final = 160
"""A longer value stands on lines of its own."""
_HARMLESS: Final = ("reject", "leave", "ask")
"""Choices that may be made without having seen everything."""
_MAX_LONGS: Final = 10


@frozen
class Ref:
    """What a card's buttons and links refer to."""

    approval: ApprovalId
    version: int
    url: str = ""
    """Where the person can open it; empty when the house has no address outside."""
    by_text: bool = True
    """Whether it may be answered by a word and its code."""


@dataclass(frozen=True, slots=True)
class Line:
    """A named text."""

    name: str
    text: str


@frozen
class Layout:
    """A card, ready to be written."""

    title: str
    notes: tuple[str, ...]
    """Said before all else: decided, sandbox, incomplete."""
    head: tuple[Line, ...]
    """Amount and recipients."""
    facts: tuple[Line, ...]
    longs: tuple[Line, ...]
    warnings: tuple[str, ...]
    foot: tuple[Line, ...]
    expires_at: datetime | None
    code: str
    choices: tuple[Choice, ...]
    ref: Ref
    is_decided: bool
    is_cut: bool = False


def lay_out(card: Card, ref: Ref) -> Layout:
    """The whole card."""
    named = [Line(one_line(visible(f.name)) or "Text", visible(f.value)) for f in card.fields]
    is_long = [f.long or _is_long(f.value) for f in card.fields]
    asked = f"{card.agent} for {card.on_behalf_of}" if card.on_behalf_of else card.agent
    facts = (
        Line("Asked by", one_line(visible(asked))),
        *(line for line, long in zip(named, is_long, strict=True) if not long),
        Line("Visible to", one_line(visible(card.audience))),
    )
    is_shown = (card.body, True) in zip((f.value for f in card.fields), is_long, strict=True)
    longs = (
        Line("Text", "" if is_shown else visible(card.body)),
        *(line for line, long in zip(named, is_long, strict=True) if long),
    )
    foot = (
        Line("Why you are asked", one_line(visible(card.why))),
        Line("May decide", one_line(visible(", ".join(card.approvers)))),
    )
    decided = one_line(visible(card.decided))
    return Layout(
        title=one_line(visible(card.title)),
        notes=tuple(filter(None, (decided, SANDBOX if card.sandbox else ""))),
        head=_present(
            Line("Amount", one_line(visible(card.amount))),
            Line(_to(card), ", ".join(one_line(visible(each)) for each in card.recipients)),
        ),
        facts=_present(*facts),
        longs=_present(*longs),
        warnings=tuple(one_line(visible(each)) for each in card.warnings),
        foot=() if decided else _present(*foot),
        expires_at=None if decided else card.expires_at,
        code="" if decided else card.code,
        choices=() if decided else card.choices,
        ref=ref,
        is_decided=bool(decided),
    )


def fit(layout: Layout, fits: Callable[[Layout], bool]) -> Layout:
    """The layout, shortened as little as need be."""
    if fits(layout):
        return layout
    bare = _cut_longs(layout, 0)
    if fits(bare):
        total = sum(len(line.text) for line in layout.longs)
        room = _most(total, lambda count: fits(_cut_longs(layout, count)))
        return _cut_longs(layout, room)
    tight = _tight(bare)
    if fits(tight):
        return tight
    # Nobody approves what cannot be seen: what is left can be refused, or opened elsewhere.
    total = sum(len(line.text) for line in layout.head)
    room = _most(total, lambda count: fits(_cut_head(tight, count)))
    return _cut_head(tight, room)


def text_answers(layout: Layout) -> str:
    """How to answer by a word and the code; empty when that is not possible."""
    labels = {WORDS[each.id]: one_line(each.label) for each in layout.choices if each.id in WORDS}
    if not (layout.code and labels and layout.ref.by_text):
        return ""
    ways = [_way(word, layout.code, labels[word]) for word in WORDS.values() if word in labels]
    show = f" {WORDS[SHOW_ALL]} {layout.code} brings all of it." if layout.is_cut else ""
    return f"Reply {', '.join(ways[:-1])}{' or ' if ways[1:] else ''}{ways[-1]}.{show}"


def _way(word: str, code: str, label: str) -> str:
    more = {"EDIT": "and the new text", "ASK": "and your question"}
    return f"{word} {code} {more.get(word, f'({label})')}"


def until(at: datetime) -> str:
    """A moment, for everybody: `28 Nov 2026, 09:00 UTC`."""
    moment = at.astimezone(UTC)
    return f"{moment.day} {moment:%b %Y, %H:%M} UTC"


def with_show_all(layout: Layout) -> tuple[Choice, ...]:
    """The choices; when something is cut, the one that shows it comes first."""
    more = (
        () if layout.is_decided or not layout.is_cut else (Choice(id=SHOW_ALL, label="Show all"),)
    )
    return (*more, *layout.choices)


def _to(card: Card) -> str:
    """Many recipients are counted, so that one among them is not overlooked."""
    return f"To ({len(card.recipients)})" if len(card.recipients) > 3 else "To"


def _present(*lines: Line) -> tuple[Line, ...]:
    return tuple(line for line in lines if line.text.strip())


def _is_long(value: str) -> bool:
    return len(value) > LONG or "\n" in value.strip()


def _cut_longs(layout: Layout, room: int) -> Layout:
    """The long texts with `room` characters between them."""
    lines = []
    for line in layout.longs:
        lines.append(Line(line.name, _shortened(line.text, room)))
        room = max(0, room - len(line.text))
    return replace(layout, longs=tuple(lines), is_cut=True)


def _shortened(text: str, room: int) -> str:
    if len(text) <= room:
        return text
    left = f"[{len(text) - room:,} more characters]"
    return f"{text[:room].rstrip()}… {left}" if room else left


def _tight(layout: Layout) -> Layout:
    """Everything but amount and recipients as short as can be."""
    more = len(layout.longs) - _MAX_LONGS
    note = (Line("And", f"{more} more texts"),) if more > 0 else ()
    facts = layout.facts[:_MAX_LONGS]
    return replace(
        layout,
        title=clip(layout.title, 100),
        notes=tuple(clip(note, 100) for note in layout.notes),
        facts=tuple(Line(clip(line.name, 30), clip(line.text, 60)) for line in facts),
        longs=tuple(Line(clip(line.name, 30), line.text) for line in layout.longs[:_MAX_LONGS])
        + note,
        warnings=tuple(clip(warning, 100) for warning in layout.warnings[:3]),
        foot=tuple(Line(line.name, clip(line.text, 60)) for line in layout.foot),
    )


def _cut_head(layout: Layout, room: int) -> Layout:
    """Amount and recipients with `room` characters between them; nothing to approve with."""
    lines = []
    for line in layout.head:
        lines.append(Line(line.name, _shortened(line.text, room)))
        room = max(0, room - len(line.text))
    return replace(
        layout,
        head=tuple(lines),
        facts=(),
        longs=(),
        warnings=(),
        notes=(*layout.notes, "Too long to be approved here: open the page."),
        choices=tuple(choice for choice in layout.choices if choice.id in _HARMLESS),
    )


def _most(total: int, fits: Callable[[int], bool]) -> int:
    """The greatest count up to `total` that fits; 0 is taken to fit."""
    low, high = 0, total + 1
    while high - low > 1:
        middle = (low + high) // 2
        if fits(middle):
            low = middle
        else:
            high = middle
    return low
