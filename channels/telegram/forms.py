"""Edit and Ask as a question that Telegram lets one person answer: a forced reply.

What is asked about travels in the question itself, in the address of its title, signed, for this
person in this chat: it outlives a restart, and no text that a model wrote can stand for it.
https://core.telegram.org/bots/api#forcereply (read 2026-11-21)
"""

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

from bot.platforms.lent import Form, Input
from bot.render.dialects.telegram import escape
from bot.render.text import clip, visible
from channels.telegram.payloads import Message

MAX_SHOWN: Final = 3000
"""Letters of the present text that the question shows."""
MAX_QUESTIONS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a reply answers."""

    approval: str
    version: int
    choice: str
    input: int
    """Which of the form's inputs, from 0."""


class Slips:
    """Writes and reads what a question is about."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def question(self, form: Form, n: int, bot: str, where: str) -> str:
        """The question for one input, in Telegram's HTML. `where` is chat and person."""
        item = form.inputs[n]
        asked = Asked(approval=form.approval, version=form.version, choice=form.choice, input=n)
        address = f"https://t.me/{bot}?{urlencode(self._fields(asked, where))}"
        lines = [
            f'<a href="{escape(address)}"><b>{escape(form.title)}</b></a>: {escape(item.label)}',
            "Reply to this message with the new text."
            if form.choice == "edit"
            else "Reply to this message.",
        ]
        if item.value:
            now = clip(visible(item.value), MAX_SHOWN)
            lines.append(f"Now it says:\n<blockquote>{escape(now)}</blockquote>")
        return "\n".join(lines)

    def read(self, message: Message, where: str) -> Asked | None:
        """What a message answers; None when it is a message like any other."""
        first = message.reply_to_message
        if first is None or not message.text:
            return None
        for entity in first.entities:
            if entity.type == "text_link" and entity.url.startswith("https://t.me/"):
                given = {k: v[0] for k, v in parse_qs(urlsplit(entity.url).query).items()}
                if asked := self._asked(given, where):
                    return asked
        return None

    def _asked(self, given: dict[str, str], where: str) -> Asked | None:
        try:
            asked = Asked(
                approval=given["form"],
                version=int(given["v"]),
                choice=given["c"],
                input=int(given["n"]),
            )
        except (KeyError, ValueError):
            return None
        is_ours = hmac.compare_digest(self._fields(asked, where)["s"], given.get("s", ""))
        return asked if is_ours else None

    def _fields(self, asked: Asked, where: str) -> dict[str, str]:
        fields = {
            "form": asked.approval,
            "v": str(asked.version),
            "c": asked.choice,
            "n": str(asked.input),
        }
        said = "\n".join((*fields.values(), where)).encode()
        return {**fields, "s": hmac.new(self._key, said, hashlib.sha256).hexdigest()[:32]}


def filled(inputs: tuple[Input, ...], n: int, text: str) -> dict[str, str]:
    """The form with one text replaced; the others stay."""
    return {each.key: text if at == n else each.value for at, each in enumerate(inputs)}
