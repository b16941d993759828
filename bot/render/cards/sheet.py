"""A layout as lines of text: what Discord, Telegram, SMS, mail and the terminal have in common."""

from datetime import datetime
from typing import Protocol

from bot.render.cards.layout import Layout, text_answers, until


class Pen(Protocol):
    """How one platform writes a title, a line, a long text and a remark."""

    def title(self, text: str) -> str: ...

    def line(self, name: str, text: str) -> str: ...

    def long(self, name: str, text: str) -> str: ...

    def remark(self, text: str) -> str: ...

    def moment(self, name: str, at: datetime) -> str: ...


def sheet(layout: Layout, pen: Pen, *, answers: bool = True) -> str:
    """The lines, the most important first."""
    parts = [
        pen.title(layout.title) if layout.title else "",
        *(pen.remark(note) for note in layout.notes),
        *(pen.line(line.name, line.text) for line in (*layout.head, *layout.facts)),
        *(pen.long(line.name, line.text) for line in layout.longs),
        *(pen.remark(f"⚠ {warning}") for warning in layout.warnings),
        *(pen.line(line.name, line.text) for line in layout.foot),
        pen.moment("Until", layout.expires_at) if layout.expires_at else "",
        pen.remark(reply) if answers and (reply := text_answers(layout)) else "",
    ]
    return "\n".join(part for part in parts if part)


class PlainPen:
    """Letters only."""

    def title(self, text: str) -> str:
        """A line."""
        return text

    def line(self, name: str, text: str) -> str:
        """Name and text."""
        return f"{name}: {text}"

    def long(self, name: str, text: str) -> str:
        """The text on lines of its own, each set off so that none passes for a line of ours."""
        lines = "\n".join(f"| {line}".rstrip() for line in text.split("\n"))
        return f"{name}:\n{lines}"

    def remark(self, text: str) -> str:
        """A line."""
        return text

    def moment(self, name: str, at: datetime) -> str:
        """A line with the time of everybody."""
        return self.line(name, until(at))
