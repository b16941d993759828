"""Plain text: SMS, the text part of a mail."""

from itertools import groupby

from bot.render.dialects.lines import Lines, cell_text
from bot.render.text import defuse, one_line
from bot.render.tree import HARD, Block, Code, Heading, Mark, Run, Runs, Table


class Plain(Lines):
    """Words and addresses."""

    bullet = "- "
    rule = "---"

    def words(self, runs: Runs) -> str:
        """Marks fall away; a link's address stands behind its words."""
        out = []
        for (kind, href), group in groupby(runs, key=link_of):
            text = "".join(run.text for run in group)
            out.append(text if kind == "url" else defuse(text))
            out.append(f" ({href})" if kind == "link" else "")
        return "".join(out).replace(HARD, "\n")

    def heading(self, block: Heading) -> str:
        """A heading is a line."""
        return self.words(block.runs)

    def code(self, block: Code) -> str:
        """Lines as they are, but for mentions: nothing marks them as code here."""
        return defuse(block.text)

    def block(self, block: Block) -> str:
        """As in other dialects, but a table is a line per row: letters have no one width here."""
        if isinstance(block, Table):
            rows = (" | ".join(one_line(cell_text(cell)) for cell in row) for row in block.rows)
            return defuse("\n".join(rows))
        return super().block(block)


def link_of(run: Run) -> Mark:
    """The link that a run is of, with its address; empty ones for none."""
    return next((mark for mark in run.marks if mark[0] in ("link", "url")), ("", ""))
