"""A reply in a terminal: bold where it shows that, and a link's address behind its words.

Whatever a terminal would obey is dropped from every run, not from the Markdown alone: a return may
be written as a number there (`&#13;`).
"""

from collections.abc import Callable
from itertools import groupby

from bot.render.dialects.lines import Lines
from bot.render.dialects.plain import link_of
from bot.render.text import clean
from bot.render.tree import HARD, Code, Run, Runs

STRONG = ("strong", "")


class Screen(Lines):
    """Words and addresses, and tables in columns."""

    def __init__(self, bold: Callable[[str], str]) -> None:
        """`bold` marks words as the terminal does, or leaves them as they are."""
        self._bold = bold

    def words(self, runs: Runs) -> str:
        """Bold words; the other marks fall away."""
        out: list[str] = []
        for (kind, href), group in groupby(runs, key=link_of):
            out += map(self._word, group)
            out.append(f" ({href})" if kind == "link" else "")
        return "".join(out)

    def code(self, block: Code) -> str:
        """Lines as they are."""
        return clean(block.text)

    def _word(self, run: Run) -> str:
        text = clean(run.text.replace(HARD, "\n"))
        return self._bold(text) if STRONG in run.marks else text
