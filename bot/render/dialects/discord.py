"""Discord's Markdown, for `content` and for the description of an embed.

Links stand in angle brackets, which keeps Discord from fetching them for a preview. Mentions are
broken here, and the channel also sends `allowed_mentions: {"parse": []}`.
https://docs.discord.com/developers/reference#message-formatting (read 2026-11-01)
"""

import re
from typing import Final

from bot.render.dialects.inline import emit, tighten
from bot.render.dialects.lines import Lines
from bot.render.text import ZWSP, defuse, unfence
from bot.render.tree import HARD, Code, Heading, Mark, Run, Runs

_SIGNS: Final = {"strong": "**", "em": "*", "strike": "~~"}
_MARK = re.compile(r"[\\*_~`|<\[\]]")
_LINE = re.compile(r"^([ \t]*)([#>+-]|-#|\d{1,9}(?=[.)]))", re.MULTILINE)
_INFO = re.compile(r"[A-Za-z0-9+#_-]{1,20}")


def literal(text: str) -> str:
    """Return the text so that Discord shows it letter by letter."""
    return _LINE.sub(_guard, _MARK.sub(r"\\\g<0>", defuse(text).replace(HARD, "\n")))


def _guard(found: re.Match[str]) -> str:
    """A backslash before what would begin a heading, a quotation or a list."""
    space, sign = found.groups()
    return f"{space}{sign}\\" if sign[0].isdigit() else f"{space}\\{sign}"


def address(url: str) -> str:
    """An address that ends where it should."""
    return url.replace("<", "%3C").replace(">", "%3E").replace("(", "%28").replace(")", "%29")


class Discord(Lines):
    """Markdown as Discord reads it."""

    bullet = "- "

    def words(self, runs: Runs) -> str:
        """Marks stand tight at words."""
        return emit(tighten(tuple(map(_spell_code, runs)), by_line=False), self)

    def open(self, mark: Mark) -> str:
        """A sign, or the beginning of a link."""
        return "[" if mark[0] == "link" else _SIGNS.get(mark[0], "")

    def close(self, mark: Mark) -> str:
        """A sign, or the end of a link."""
        return f"](<{address(mark[1])}>)" if mark[0] == "link" else _SIGNS.get(mark[0], "")

    def text(self, run: Run) -> str:
        """Words between marks."""
        kinds = {kind for kind, _ in run.marks}
        if "url" in kinds:
            return f"<{run.text}>"
        return code_span(run.text) if "code" in kinds else literal(run.text)

    def crowds(self, letter: str) -> bool:
        """Only two marks side by side need to be parted."""
        return not letter

    def heading(self, block: Heading) -> str:
        """Discord knows three sizes, on one line."""
        return f"{'#' * min(block.level, 3)} {self.words(block.runs)}".replace("\n", " ")

    def code(self, block: Code) -> str:
        """A fence; three backticks inside it would end it."""
        info = block.info if _INFO.fullmatch(block.info) else ""
        return f"```{info}\n{unfence(block.text)}\n```"


def code_span(text: str) -> str:
    """Code inside a line; two signs where the code holds one."""
    if "`" not in text:
        return f"`{text}`"
    inner = re.sub("`(?=`)", f"`{ZWSP}", text)
    lead, trail = (" " * inner.startswith("`"), " " * inner.endswith("`"))
    return f"``{lead}{inner}{trail}``"


def _spell_code(run: Run) -> Run:
    """Code inside an address is the address."""
    if run.marks and run.marks[-1][0] == "code" and any(kind == "url" for kind, _ in run.marks):
        return Run(run.text, run.marks[:-1])
    return run
