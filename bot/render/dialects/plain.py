"""Plain text: SMS, the text part of a mail, a terminal without colours."""

from itertools import groupby

from bot.render.dialects.lines import Lines, cell_text
from bot.render.text import defuse, one_line
from bot.render.tree import HARD, Block, Heading, Mark, Run, Runs, Table


class Plain(Lines):
    """Words and addresses."""

    bullet = "- "
    rule = "---"

    def words(self, runs: Runs) -> str:
        """Marks fall away; a link's address stands behind its words."""
        out = []
        for href, group in groupby(runs, key=_href):
            text = "".join(run.text for run in group)
            out.append(f"{text} ({href})" if href else text)
        urls = tuple(href for run in runs for kind, href in run.marks if kind == "url")
        text = "".join(out).replace(HARD, "\n")
        return text if urls else defuse(text)

    def heading(self, block: Heading) -> str:
        """A heading is a line."""
        return self.words(block.runs)

    def block(self, block: Block) -> str:
        """As in other dialects, but a table is a line per row: letters have no one width here."""
        if isinstance(block, Table):
            rows = (" | ".join(one_line(cell_text(cell)) for cell in row) for row in block.rows)
            return defuse("\n".join(rows))
        return super().block(block)


def _href(run: Run) -> str:
    return next((href for kind, href in run.marks if kind == "link"), "")


Marks = tuple[Mark, ...]
