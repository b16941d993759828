"""Blocks as lines of text: what Slack, Telegram, Discord and plain text have in common.

A subclass says how words, code and quotations are written; lists, tables and the space between
blocks are the same everywhere. Tables become code, aligned, because none of these has tables.
"""

import unicodedata
from typing import ClassVar

from bot.render.text import one_line
from bot.render.tree import (
    HARD,
    Block,
    Blocks,
    Code,
    Heading,
    Item,
    Items,
    Paragraph,
    Quote,
    Rule,
    Run,
    Runs,
    Table,
)

_MAX_CELL = 40


class Lines:
    """A dialect made of lines."""

    bullet: ClassVar[str] = "• "
    rule: ClassVar[str] = "———"

    def write(self, blocks: Blocks) -> str:
        """The whole text."""
        return "\n\n".join(text for block in blocks if (text := self.block(block)))

    def block(self, block: Block) -> str:
        """One block."""
        match block:
            case Paragraph(runs):
                return self.words(runs)
            case Heading():
                return self.heading(block)
            case Code():
                return self.code(block)
            case Quote():
                return self.quote(block)
            case Items():
                return self.items(block)
            case Table():
                return self.code(Code(grid(block)))
            case Rule():
                return self.rule

    def words(self, runs: Runs) -> str:
        """Words with their marks."""
        return "".join(run.text for run in runs).replace(HARD, "\n")

    def heading(self, block: Heading) -> str:
        """A heading is a bold line."""
        strong = ("strong", "")
        return self.words(
            tuple(
                run if strong in run.marks else Run(run.text, (strong, *run.marks))
                for run in block.runs
            )
        )

    def code(self, block: Code) -> str:
        """Lines as they are."""
        return block.text

    def quote(self, block: Quote) -> str:
        """Somebody's words."""
        return "\n".join(f"> {line}".rstrip() for line in self.write(block.blocks).split("\n"))

    def items(self, block: Items) -> str:
        """A list, one line per entry where the entry is one line."""
        number = block.start
        lines = []
        for item in block.items:
            marker = "" if not item.marked else self.bullet if number is None else f"{number}. "
            lines.append(self._item(item, marker))
            if number is not None and item.marked:
                number += 1
        return "\n".join(lines)

    def _item(self, item: Item, marker: str) -> str:
        texts = []
        for at, block in enumerate(item.blocks):
            text = self.block(block)
            if not isinstance(block, Code | Table):
                # Code keeps its place: an indent would become part of it.
                indent = "  " if not marker.strip().endswith(".") else "   "
                text = text.replace("\n", f"\n{indent}")
                text = text if at == 0 else indent + text
            texts.append(text)
        starts_with_words = item.blocks and isinstance(item.blocks[0], Paragraph)
        join = "" if starts_with_words else "\n"
        return (marker + join if texts else marker) + "\n".join(texts)


def grid(table: Table) -> str:
    """The cells in columns of equal width; a link shows its address."""
    rows = [[one_line(cell_text(cell)) for cell in row] for row in table.rows]
    widths = [
        min(_MAX_CELL, max(_width(row[at]) for row in rows if at < len(row)))
        for at in range(max(map(len, rows), default=0))
    ]
    lines = [
        " | ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=False)
        )
        for row in rows
    ]
    if len(lines) > 1:
        lines.insert(1, "-+-".join("-" * width for width in widths))
    return "\n".join(line.rstrip() for line in lines)


def cell_text(runs: Runs) -> str:
    """Words, each link with its address behind them."""
    out = []
    for run in runs:
        href = next((href for kind, href in run.marks if kind == "link"), "")
        out.append(f"{run.text} ({href})" if href else run.text)
    return "".join(out)


def _width(text: str) -> int:
    """Columns of a terminal."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
