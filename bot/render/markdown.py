"""A reply, which is Markdown, in the dialect of a channel, in pieces that the channel takes.

`to` writes the whole; `pieces` cuts it where a reader would: between blocks, entries of a list,
rows, lines of code, sentences, words, in this order. Every piece is written from its own part of
the tree, so a fence, a list or bold words that are cut end in one piece and begin again in the
next. Text for the house's own page (MARKDOWN) is left as it is.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final, Protocol

from bot.core.channel import Dialect
from bot.render.cut import cut, flat, most
from bot.render.dialects.discord import Discord
from bot.render.dialects.html import Html
from bot.render.dialects.plain import Plain
from bot.render.dialects.slack import Slack
from bot.render.dialects.telegram import Telegram, shown
from bot.render.text import units
from bot.render.tree import (
    Block,
    Blocks,
    Code,
    Heading,
    Items,
    Paragraph,
    Quote,
    Rule,
    Table,
    parse,
)


class Writer(Protocol):
    """Writes a tree in one dialect."""

    def write(self, blocks: Blocks) -> str: ...


_WRITERS: Final[Mapping[Dialect, Writer]] = {
    Dialect.HTML: Html(),
    Dialect.MARKDOWN: Discord(),
    Dialect.SLACK: Slack(),
    Dialect.TELEGRAM: Telegram(),
    Dialect.DISCORD: Discord(),
    Dialect.PLAIN: Plain(),
    Dialect.MAIL: Html(mail=True),
    Dialect.TEAMS: Html(chat=True),
}


def to(text: str, dialect: Dialect) -> str:
    """Return Markdown in a dialect, whole."""
    return text if dialect is Dialect.MARKDOWN else _WRITERS[dialect].write(parse(text))


def size(written: str, dialect: Dialect) -> int:
    """How long the channel finds a written text."""
    return units(shown(written)) if dialect is Dialect.TELEGRAM else len(written)


def pieces(text: str, dialect: Dialect, max_chars: int) -> list[str]:
    """Return Markdown in a dialect, in pieces of at most `max_chars` as the channel counts.

    No piece is empty; empty text has none. Needs `max_chars` of 100 or more: less would leave no
    room for marks.
    """
    if dialect is Dialect.MARKDOWN and len(text) <= max_chars:
        return [text] if text.strip() else []
    writer = _WRITERS[dialect]

    def fits(blocks: Blocks) -> bool:
        return _is_near(blocks, 4 * max_chars) and size(writer.write(blocks), dialect) <= max_chars

    written = (writer.write(part) for part in _parts(parse(text), fits))
    return [piece for piece in written if piece.strip()]


def _is_near(blocks: Blocks, letters: int) -> bool:
    """Whether there are so few letters that writing them could fit: that asks for much less."""
    left = letters
    for count in _sizes(blocks):
        left -= count
        if left < 0:
            return False
    return True


def _sizes(blocks: Blocks) -> Iterator[int]:
    """The letters of each run, and one more for each entry and row, which have a mark."""
    for block in blocks:
        match block:
            case Paragraph(runs) | Heading(_, runs):
                yield from (len(run.text) for run in runs)
            case Code(text):
                yield len(text)
            case Quote(inner):
                yield from _sizes(inner)
            case Items(items):
                for item in items:
                    yield 1
                    yield from _sizes(item.blocks)
            case Table(rows):
                for row in rows:
                    yield 1
                    yield from (len(run.text) for cell in row for run in cell)
            case Rule():
                yield 1


def _parts(blocks: Blocks, fits: Callable[[Blocks], bool]) -> list[Blocks]:
    """The blocks in groups that fit."""
    parts: list[Blocks] = []
    rest = list(blocks)
    while rest:
        count = most(rest, lambda some: fits(tuple(some)))
        if count == len(rest):
            parts.append(tuple(rest))
            break
        if count > 1 and isinstance(rest[count - 1], Heading):
            count -= 1  # a heading goes with what it heads
        if count:
            parts.append(tuple(rest[:count]))
            del rest[:count]
            continue
        head, tail = _cut_first(rest[0], fits)
        parts.append((head,))
        rest[:1] = [tail] if tail else []
    return parts


def _cut_first(block: Block, fits: Callable[[Blocks], bool]) -> tuple[Block, Block | None]:
    """A block that fits nowhere, in two; without its marks when not even a beginning fits."""
    head, tail = cut(block, lambda part: fits((part,)))
    if head is not None:
        return head, tail
    words = flat(block)
    head, tail = cut(words, lambda part: fits((part,)), force=True)
    return head or words, tail
