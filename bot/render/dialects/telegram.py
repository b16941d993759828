"""Telegram's HTML: a few tags, three entities, and no mistake ever.

A message whose tags do not nest is refused whole, so tags are written by one function that nests
them. Code holds nothing and stands in nothing; a quotation stands in no quotation. The limit of
4,096 counts what is left after the tags are read, in UTF-16 units.
https://core.telegram.org/bots/api#html-style (read 2026-11-01)
"""

import re
from html import unescape
from typing import Final

from bot.render.dialects.inline import emit
from bot.render.dialects.lines import Lines
from bot.render.text import defuse
from bot.render.tree import HARD, Code, Mark, Quote, Run, Runs

_TAGS: Final = {"strong": "b", "em": "i", "strike": "s", "code": "code"}
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;"})
_INFO = re.compile(r"[A-Za-z0-9+#._-]{1,30}")
_TAG = re.compile(r"<[^>]*>")


def escape(text: str) -> str:
    """Return the text so that Telegram shows it letter by letter."""
    return text.translate(_ENTITIES)


def shown(text: str) -> str:
    """What a person sees of a written text."""
    return unescape(_TAG.sub("", text))


class Telegram(Lines):
    """Telegram's HTML."""

    def __init__(self, *, quoted: bool = False) -> None:
        self._quoted = quoted

    def words(self, runs: Runs) -> str:
        """Tags that nest."""
        return emit(tuple(Run(run.text, _order(run.marks)) for run in runs), self)

    def open(self, mark: Mark) -> str:
        """A tag."""
        kind, href = mark
        if kind == "link":
            return f'<a href="{escape(href)}">'
        return f"<{_TAGS[kind]}>" if kind in _TAGS else ""

    def close(self, mark: Mark) -> str:
        """Its end."""
        tag = "a" if mark[0] == "link" else _TAGS.get(mark[0], "")
        return f"</{tag}>" if tag else ""

    def text(self, run: Run) -> str:
        """Words between tags. A bare address is a link without our doing."""
        is_url = any(kind == "url" for kind, _ in run.marks)
        return escape(run.text if is_url else defuse(run.text).replace(HARD, "\n"))

    def crowds(self, letter: str) -> bool:
        """Tags need no space."""
        return False

    def code(self, block: Code) -> str:
        """Lines as they are, with their language where it is a plain word."""
        if _INFO.fullmatch(block.info):
            inner = f'<code class="language-{escape(block.info)}">{escape(block.text)}</code>'
            return f"<pre>{inner}</pre>"
        return f"<pre>{escape(block.text)}</pre>"

    def quote(self, block: Quote) -> str:
        """Only the outermost quotation is one."""
        inner = Telegram(quoted=True).write(block.blocks)
        return inner if self._quoted else f"<blockquote>{inner}</blockquote>"


def _order(marks: tuple[Mark, ...]) -> tuple[Mark, ...]:
    """Code stands alone."""
    return (("code", ""),) if ("code", "") in marks else marks
