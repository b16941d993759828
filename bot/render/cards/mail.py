"""A card as a mail: subject, HTML and text.

The link opens a page with the buttons; nothing is decided by opening it, because mail scanners
open every link. An answer may also be a reply with the code above the quotation. Mail has room, so
nothing is cut.
"""

from html import escape
from typing import Final

from bot.core.canonical import Json
from bot.core.card import Card
from bot.render.cards.layout import Layout, Line, Ref, lay_out, text_answers, until
from bot.render.cards.sheet import PlainPen, sheet
from bot.render.text import clip

_FONT: Final = "font:15px/1.5 system-ui,sans-serif;overflow-wrap:break-word"
_BUTTON: Final = (
    "display:inline-block;padding:10px 18px;border-radius:6px;"
    "background:#1d5c73;color:#fff;text-decoration:none"
)


def render(card: Card, ref: Ref) -> dict[str, Json]:
    """`subject`, `html` and `text`."""
    layout = lay_out(card, ref)
    word = "Decided" if layout.is_decided else "Please decide"
    code = f" ({layout.code})" if layout.code else ""
    return {
        "subject": clip(f"{word}: {layout.title}{code}", 200),
        "html": _html(layout),
        "text": _text(layout),
    }


def _text(layout: Layout) -> str:
    text = sheet(layout, PlainPen())
    return f"{text}\nOpen it: {layout.ref.url}" if layout.ref.url else text


def _html(layout: Layout) -> str:
    parts = [
        f"<h2>{escape(layout.title)}</h2>",
        *(f"<p><strong>{escape(note)}</strong></p>" for note in layout.notes),
        _table((*layout.head, *layout.facts)),
        *(_long(line) for line in layout.longs),
        *(f"<p>⚠ {escape(warning)}</p>" for warning in layout.warnings),
        _table((*layout.foot, *_moment(layout))),
    ]
    if layout.ref.url and not layout.is_decided:
        href = escape(layout.ref.url)
        parts.append(f'<p><a href="{href}" style="{_BUTTON}">Open and decide</a></p>')
    if answers := text_answers(layout):
        parts.append(f"<p>{escape(answers)} Write it above this text.</p>")
    return f'<div style="{_FONT}">\n' + "\n".join(filter(None, parts)) + "\n</div>"


def _moment(layout: Layout) -> tuple[Line, ...]:
    return (Line("Until", until(layout.expires_at)),) if layout.expires_at else ()


def _table(lines: tuple[Line, ...]) -> str:
    rows = "".join(
        f'<tr><th align="left" valign="top">{escape(line.name)}</th>'
        f'<td valign="top">{escape(line.text)}</td></tr>'
        for line in lines
    )
    return f'<table cellpadding="4">{rows}</table>' if rows else ""


def _long(line: Line) -> str:
    text = escape(line.text).replace("\n", "<br>")
    style = "margin:8px 0;padding:8px 12px;border-left:3px solid #999;white-space:pre-wrap"
    return f'<p><strong>{escape(line.name)}</strong></p>\n<div style="{style}">{text}</div>'
