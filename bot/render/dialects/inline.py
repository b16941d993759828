"""Runs of words as marked text: opens and closes marks so that they nest, as trees must.

Where a platform reads marks from the letters around them (Slack, Discord), marks stand tight at
words: white space is moved out of them, and a space of no width parts them from a neighbour that
they would not work beside.
"""

import re
from collections.abc import Iterator
from typing import Protocol

from bot.render.text import ZWSP
from bot.render.tree import HARD, Mark, Run, Runs

_ENDS = re.compile(rf"([ \t\n{HARD}]*)(.*?)([ \t\n{HARD}]*)", re.DOTALL)
_LINES = re.compile(rf"([ \t]*[\n{HARD}][ \t\n{HARD}]*)")


class Spelling(Protocol):
    """How one dialect writes marks and words."""

    def open(self, mark: Mark) -> str: ...

    def close(self, mark: Mark) -> str: ...

    def text(self, run: Run) -> str: ...

    def crowds(self, letter: str) -> bool:
        """Whether a mark does not work when this letter stands right outside it."""
        ...


def emit(runs: Runs, spell: Spelling) -> str:
    """Write the runs."""
    out: list[str] = []
    stack: list[Mark] = []
    last = ""
    for run in runs:
        keep = _shared(tuple(stack), run.marks)
        closing = "".join(spell.close(mark) for mark in reversed(stack[keep:]))
        opening = "".join(spell.open(mark) for mark in run.marks[keep:])
        text = spell.text(run)
        stack[keep:] = run.marks[keep:]
        crowded = (
            bool(closing and opening and spell.crowds(""))
            or bool(closing and text and spell.crowds(text[0]))
            or bool(opening and last and spell.crowds(last))
        )
        out += (closing, ZWSP if crowded else "", opening, text)
        last = text[-1:] or last
    out += (spell.close(mark) for mark in reversed(stack))
    return "".join(out)


def tighten(runs: Runs, *, by_line: bool) -> Runs:
    """Move white space out of marks that it would break; `by_line` ends marks at line ends too."""
    parts = [part for run in runs for part in _parts(run, by_line)]
    is_space = [part.text.isspace() and ("code", "") not in part.marks for part in parts]
    return tuple(
        Run(part.text, _around(parts, is_space, at, by_line)) if is_space[at] else part
        for at, part in enumerate(parts)
    )


def _around(parts: list[Run], is_space: list[bool], at: int, by_line: bool) -> tuple[Mark, ...]:
    """The marks that white space shares with the words on both sides of it."""
    space = parts[at]
    if not space.marks or (by_line and ("\n" in space.text or HARD in space.text)):
        return ()
    before, after = at - 1, at + 1
    while before >= 0 and is_space[before]:
        before -= 1
    while after < len(parts) and is_space[after]:
        after += 1
    if before < 0 or after == len(parts):
        return ()
    keep = _shared(parts[before].marks, parts[after].marks)
    return space.marks[: min(keep, _shared(space.marks, parts[before].marks))]


def _parts(run: Run, by_line: bool) -> Iterator[Run]:
    """The run with the white space at its ends, or at every line end, as runs of their own."""
    if not run.marks or ("code", "") in run.marks:
        yield run
        return
    pieces = _LINES.split(run.text) if by_line else [run.text]
    for piece in pieces:
        ends = _ENDS.fullmatch(piece)
        yield from (Run(part, run.marks) for part in (ends.groups() if ends else ()) if part)


def _shared(one: tuple[Mark, ...], other: tuple[Mark, ...]) -> int:
    """How many marks two lists begin with alike."""
    count = 0
    for mine, theirs in zip(one, other, strict=False):
        if mine != theirs:
            break
        count += 1
    return count
