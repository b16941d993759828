"""Slack's mrkdwn, for `text` fields and `section` blocks.

Slack has no escape for its marks; a letter that would be read as one is written as the fallback of
a date that cannot be shown, which clients print as it is. `&`, `<` and `>` are escaped, so no text
forms a mention or a link. (A `markdown` block takes standard Markdown instead, 12,000 characters a
message; it is not used because what it does with `<!channel>` is not documented.)
https://docs.slack.dev/messaging/formatting-message-text (read 2026-11-01)
"""

import re
from typing import Final

from bot.render.dialects.inline import emit, tighten
from bot.render.dialects.lines import Lines
from bot.render.text import ZWSP, defuse, unfence
from bot.render.tree import HARD, Code, Mark, Run, Runs

_SIGNS: Final = {"strong": "*", "em": "_", "strike": "~", "code": "`"}
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_MARK = re.compile(r"`|(?<!\w)[*_~](?=\S)|(?<=\S)[*_~](?!\w)")
_QUOTE = re.compile(r"^([ \t]*)&gt;", re.MULTILINE)


def escape(text: str) -> str:
    """Return the text so that Slack shows it letter by letter where it reads no marks."""
    return text.translate(_ENTITIES)


def literal(text: str) -> str:
    """Return the text so that Slack shows it letter by letter where it reads marks."""
    text = escape(defuse(text).replace(HARD, "\n"))
    text = _MARK.sub(lambda found: f"<!date^00000000^{{_}}|{found[0]}>", text)
    return _QUOTE.sub(rf"\1{ZWSP}&gt;", text)


def address(url: str) -> str:
    """An address between Slack's angle brackets."""
    return escape(url.replace("|", "%7C").replace("<", "%3C").replace(">", "%3E"))


class Slack(Lines):
    """mrkdwn."""

    def words(self, runs: Runs) -> str:
        """Marks end at line ends and stand inside nothing but one another; links are innermost."""
        ordered = tuple(Run(run.text, _order(run)) for run in runs)
        return emit(tighten(ordered, by_line=True), self)

    def open(self, mark: Mark) -> str:
        """A sign, or the beginning of a link."""
        kind, href = mark
        return f"<{address(href)}|" if kind == "link" else _SIGNS.get(kind, "")

    def close(self, mark: Mark) -> str:
        """A sign, or the end of a link."""
        return ">" if mark[0] == "link" else _SIGNS.get(mark[0], "")

    def text(self, run: Run) -> str:
        """Words between marks."""
        kinds = {kind for kind, _ in run.marks}
        if "url" in kinds:
            return f"<{address(run.text)}>"
        if "code" in kinds:
            return escape(run.text)
        if "link" in kinds:
            return escape(defuse(run.text)).replace("|", "¦").replace("\n", " ").replace(HARD, " ")
        return literal(run.text)

    def crowds(self, letter: str) -> bool:
        """A mark works only beside white space or punctuation."""
        return not letter or letter.isalnum()

    def code(self, block: Code) -> str:
        """A fence; three backticks inside it would end it."""
        return f"```\n{escape(unfence(block.text))}\n```"


def _order(run: Run) -> tuple[Mark, ...]:
    """A link goes inside; code holding a backtick, or inside a link, is not marked as code."""
    kinds = {kind for kind, _ in run.marks}
    if "code" in kinds and ("`" in run.text or kinds & {"link", "url"}):
        return _order(Run(run.text, tuple(mark for mark in run.marks if mark[0] != "code")))
    return tuple(sorted(run.marks, key=lambda mark: mark[0] in ("link", "url", "code")))
