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

    def parts(self, before: str, after: str) -> bool:
        """Whether a mark between these two letters needs a space of no width at its outside."""
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
        between = bool(closing and opening) or spell.parts(last, text[:1])
        needs = bool(closing or opening) and last and text and between
        out += (closing, ZWSP if needs else "", opening, text)
        last = text[-1:] or last
    out += (spell.close(mark) for mark in reversed(stack))
    return "".join(out)


def tighten(runs: Runs, *, by_line: bool) -> Runs:
    """Move white space out of marks that it would break; `by_line` ends marks at line ends too."""
    parts = [part for run in runs for part in _parts(run, by_line)]
    found: list[Run] = []
    for at, run in enumerate(parts):
        if not run.text.isspace() or ("code", "") in run.marks:
            found.append(run)
            continue
        before = next((each for each in reversed(parts[:at]) if not each.text.isspace()), None)
        after = next((each for each in parts[at + 1 :] if not each.text.isspace()), None)
        ends = by_line and ("\n" in run.text or HARD in run.text)
        keep = _shared(before.marks, after.marks) if before and after and not ends else 0
        found.append(Run(run.text, run.marks[: min(keep, _shared(run.marks, before.marks))]
                         if before else ()))
    return tuple(found)


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
