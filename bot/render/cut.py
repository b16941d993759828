"""Cuts one block in two so that the first part fits, at the border that a reader minds least.

A list is cut between entries or inside one, a quotation between its blocks, code between lines, a
table between rows (its head is repeated), words after a sentence, else after a word, else between
letters that do not belong together. The second part is again a block of the same kind.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import TypeVar

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
    plain,
)

T = TypeVar("T")
Fits = Callable[[Block], bool]
Parts = tuple[Block | None, Block | None]
"""What fits, and the rest; either may be missing."""

_SENTENCE = re.compile(r"[.!?…。！？][\"'”’)\]]*\s+|[\n\v]+")
_WORD = re.compile(r"\s+")
_JOINERS = "\u200d\ufe0e\ufe0f\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
"""What belongs to the letter before it: joiners, forms of emoji, tones of skin."""


def cut(block: Block, fits: Fits, *, force: bool = False) -> Parts:
    """Cut a block; `force` takes at least one letter, whether it fits or not."""
    match block:
        case Paragraph(runs):
            head, tail = _cut_runs(runs, lambda part: fits(Paragraph(part)), force)
            return _some(Paragraph, head), _some(Paragraph, tail)
        case Heading(level, runs):
            head, tail = _cut_runs(runs, lambda part: fits(Heading(level, part)), force)
            return (Heading(level, head) if head else None), _some(Paragraph, tail)
        case Code():
            return _cut_code(block, fits)
        case Quote(blocks):
            first, rest = _cut_blocks(blocks, lambda part: fits(Quote(part)))
            return (Quote(first) if first else None), (Quote(rest) if rest else None)
        case Items():
            return _cut_items(block, fits)
        case Table(rows):
            count = most(rows, lambda part: fits(Table(tuple(part))))
            if count < 2:
                return None, block
            return Table(rows[:count]), Table((rows[0], *rows[count:]))
        case Rule():
            return block, None


def flat(block: Block, *, links: bool = True) -> Paragraph:
    """The words of a block without its form, for when there is no room for form."""
    return Paragraph((Run("\n".join(_words(block, links))),))


def _words(block: Block, links: bool) -> list[str]:
    match block:
        case Paragraph(runs) | Heading(_, runs):
            return [_with_links(runs, links)]
        case Code(text):
            return [text]
        case Quote(blocks):
            return [words for each in blocks for words in _words(each, links)]
        case Items(items):
            return [
                words for item in items for each in item.blocks for words in _words(each, links)
            ]
        case Table(rows):
            return [" | ".join(_with_links(cell, links) for cell in row) for row in rows]
        case Rule():
            return []


def _with_links(runs: Runs, links: bool) -> str:
    out = []
    for run in runs:
        href = next((href for kind, href in run.marks if kind == "link"), "")
        out.append(f"{plain((run,))} {href}" if href and links else plain((run,)))
    return "".join(out)


def _some(kind: type[Paragraph], runs: Runs) -> Paragraph | None:
    return kind(runs) if runs else None


def _cut_code(block: Code, fits: Fits) -> Parts:
    lines = block.text.split("\n")
    count = most(lines, lambda part: fits(Code("\n".join(part), block.info)))
    if count:
        head, tail = "\n".join(lines[:count]), "\n".join(lines[count:])
        return Code(head, block.info), Code(tail, block.info)
    letters = most(lines[0], lambda part: fits(Code(str(part), block.info)))
    at = _whole(lines[0], letters)
    if not at:
        return None, block
    return Code(block.text[:at], block.info), Code(block.text[at:], block.info)


def _cut_items(block: Items, fits: Fits) -> Parts:
    def among(items: Sequence[Item]) -> Items:
        return Items(tuple(items), block.start)

    items = block.items
    count = most(items, lambda part: fits(among(part)))
    if count == 0:
        item = items[0]
        head, tail = _cut_blocks(item.blocks, lambda part: fits(among((Item(part, item.marked),))))
        if not head:
            return None, block
        first = among((Item(head, item.marked),))
        rest = (Item(tail, marked=False), *items[1:]) if tail else items[1:]
    else:
        first, rest = among(items[:count]), items[count:]
    shift = sum(item.marked for item in first.items)
    start = None if block.start is None else block.start + shift
    return first, Items(rest, start) if rest else None


def _cut_blocks(blocks: Blocks, fits: Callable[[Blocks], bool]) -> tuple[Blocks, Blocks]:
    """Cut between blocks, or inside the first when not even that one fits."""
    count = most(blocks, lambda part: fits(tuple(part)))
    if count or not blocks:
        return tuple(blocks[:count]), tuple(blocks[count:])
    head, tail = cut(blocks[0], lambda part: fits((part,)))
    return ((head,) if head else ()), ((tail,) if tail else ()) + tuple(blocks[1:])


def _cut_runs(runs: Runs, fits: Callable[[Runs], bool], force: bool) -> tuple[Runs, Runs]:
    text = "".join(run.text for run in runs)
    limit = most(text, lambda part: fits(_first(runs, len(part))))
    if limit == len(text):
        return runs, ()
    at = _border(runs, text, limit) or (1 if force else 0)
    head = _stripped(_first(runs, at), at_end=True)
    if limit and not fits(head):
        # A mark that ends at the cut can be longer than it was inside a word.
        head, at = _first(runs, limit), limit
    return head, _stripped(_rest(runs, at), at_end=False)


def _border(runs: Runs, text: str, limit: int) -> int:
    """The best place to cut at or before `limit`: in the second half, if there is one at all."""
    for pattern in (_SENTENCE, _WORD):
        # A little further than `limit`: white space at the cut itself falls away.
        ends = [found.end() for found in pattern.finditer(text, 0, limit + 1)]
        good = [end for end in ends if end > limit // 2 and not _inside(runs, end)]
        if good:
            return min(good[-1], len(text))
    at = _whole(text, limit)
    return _inside(runs, at) or at


def _inside(runs: Runs, at: int) -> int:
    """Where the address begins that a cut at `at` would break; 0 when it breaks none."""
    start = 0
    for run in runs:
        end = start + len(run.text)
        if start < at < end and any(kind == "url" for kind, _ in run.marks):
            return start
        start = end
    return 0


def _whole(text: str, at: int) -> int:
    """`at`, or a little less, so that no letter is parted from what belongs to it."""
    for back in range(min(at, 20)):
        here = text[at - back : at - back + 1]
        before = text[at - back - 1]
        joined = here in _JOINERS or before == "\u200d" or unicodedata.combining(here or " ")
        if not here or not joined:
            return at - back
    return at


def _first(runs: Runs, count: int) -> Runs:
    """The first letters of the runs."""
    found: list[Run] = []
    for run in runs:
        if count <= 0:
            break
        found.append(_part(run, 0, count))
        count -= len(run.text)
    return tuple(found)


def _rest(runs: Runs, count: int) -> Runs:
    """The letters after the first ones."""
    found: list[Run] = []
    for run in runs:
        if len(run.text) > count:
            found.append(_part(run, max(0, count), len(run.text)))
        count -= len(run.text)
    return tuple(found)


def _part(run: Run, start: int, end: int) -> Run:
    """Some letters of a run; a part of an address is not an address."""
    if start == 0 and end >= len(run.text):
        return run
    return Run(run.text[start:end], tuple(mark for mark in run.marks if mark[0] != "url"))


def _stripped(runs: Runs, *, at_end: bool) -> Runs:
    """The runs without white space at the side of the cut."""
    space = f" \t\n{HARD}"
    left = list(runs)
    while left:
        run = left.pop() if at_end else left.pop(0)
        text = run.text.rstrip(space) if at_end else run.text.lstrip(space)
        if text:
            left.insert(len(left) if at_end else 0, Run(text, run.marks))
            break
    return tuple(left)


def most(parts: Sequence[T], fits: Callable[[Sequence[T]], bool]) -> int:
    """How many of the first parts fit together. Looks no further than twice as many."""
    low, high = 0, 1
    while high <= len(parts) and fits(parts[:high]):
        low, high = high, high * 2
    high = min(high, len(parts) + 1)
    while high - low > 1:
        middle = (low + high) // 2
        if fits(parts[:middle]):
            low = middle
        else:
            high = middle
    return low
