"""A card as a Telegram message with an inline keyboard.

Limits: 4,096 UTF-16 units after the tags are read, 64 bytes of `callback_data`. Edit is a reply to
the card, or a form of the channel.
https://core.telegram.org/bots/api#sendmessage (read 2026-11-01)
"""

from datetime import datetime
from typing import Final

from bot.core.canonical import Json
from bot.core.card import Card, Choice
from bot.render.cards.layout import Layout, Ref, fit, lay_out, until, with_show_all
from bot.render.cards.sheet import sheet
from bot.render.codes import SHOW_ALL, press
from bot.render.dialects.telegram import escape, shown
from bot.render.text import units

MAX_UNITS: Final = 4096
STYLES: Final = {"primary": "success", "danger": "danger"}


def render(card: Card, ref: Ref) -> dict[str, Json]:
    """The arguments of `sendMessage` and `editMessageText` that make the message."""
    layout = fit(lay_out(card, ref), lambda some: units(shown(_text(some))) <= MAX_UNITS)
    buttons = [_button(choice, ref) for choice in with_show_all(layout)]
    return {
        "text": _text(layout),
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
        "reply_markup": {
            "inline_keyboard": [buttons[at : at + 2] for at in range(0, len(buttons), 2)]
        },
    }


class _Pen:
    """Telegram's HTML."""

    def title(self, text: str) -> str:
        """A bold line."""
        return f"<b>{escape(text)}</b>"

    def line(self, name: str, text: str) -> str:
        """A bold name."""
        return f"<b>{escape(name)}:</b> {escape(text)}"

    def long(self, name: str, text: str) -> str:
        """A quotation."""
        return f"<b>{escape(name)}:</b>\n<blockquote>{escape(text)}</blockquote>"

    def remark(self, text: str) -> str:
        """A bold line."""
        return f"<b>{escape(text)}</b>"

    def moment(self, name: str, at: datetime) -> str:
        """The time of everybody: the reader's own is not known."""
        return self.line(name, until(at))


def _text(layout: Layout) -> str:
    return sheet(layout, _Pen(), answers=False)


def _button(choice: Choice, ref: Ref) -> Json:
    if choice.id == SHOW_ALL and ref.url:
        return {"text": choice.label, "url": ref.url}
    button: dict[str, Json] = {
        "text": choice.label,
        "callback_data": press(ref.approval, ref.version, choice.id),
    }
    if choice.style in STYLES:
        button["style"] = STYLES[choice.style]
    return button
