"""An answer as a terminal shows it while it grows: what stands there is never taken back.

Markdown says only later what something was: `**` is bold once it is closed, a line of bars a table
once the next one came. So words are written as they come, up to the first that may still become
something else, and the rest of a block when a blank line ends it.
"""

import re
from collections.abc import Iterator

from bot.render.dialects.lines import Lines
from bot.render.tree import parse

_FENCE = re.compile(r"\s*(?P<mark>`{3,}|~{3,})(?P<info>[^`\n]*)")
_OPEN = re.compile(
    r"`|~|\*(?=\S|\Z)|(?<!\w)_(?=\S|\Z)|(?<!\x1b)\[(?=\S|\Z)|<(?=\S|\Z)|&\#?\w*\Z|!(?=\[|\Z)|\\\Z"
)
"""In words that were written: what may be a mark whose end has not come."""
_UNSURE = re.compile(r"#.*|[\s\-*+=>_]*(?:\d+[.)]?\s*)?")
"""A line that is written when the next one begins: a heading, the beginning of an entry."""
_UNDERLINE = re.compile(r"\n {0,3}(?:=+|-+)[ \t]*(?:\n|\Z)")
"""The line that makes a heading of the words above it."""
_BOLD_AT_END = re.compile(r"\x1b\[1m[^\x1b]*\Z")
_OFTEN = 32
"""A block is written on when it has grown by this part of itself: a long one is read not with each
letter, which would take longer the longer it is."""
_PATH = re.compile(r"(?<!\\)(\[[^\[\]\n]*\]\()(?=/[^/])")


class Growing:
    """One answer."""

    def __init__(self, writer: Lines, base: str = "") -> None:
        """`base`: the house's address, for links to its own pages; without it they are words."""
        self._writer = writer
        self._base = base
        self._block = ""
        self._shown = ""
        """What of the block is written."""
        self._read = 0
        """How long the block was when it was last read."""
        self._is_below = False
        """A block was written before this one."""

    def more(self, text: str) -> str:
        """What to write now that this came."""
        out = self._ended(text)
        if len(self._block) - self._read < self._read // _OFTEN:
            return out
        self._read = len(self._block)
        return out + self._part()

    def rest(self, text: str = "") -> str:
        """What to write when this comes and nothing more."""
        out = self._ended(text)
        whole, self._block = self._block, ""
        return out + self._whole(whole)

    def _ended(self, text: str) -> str:
        """The blocks that have ended now that this came."""
        self._block += text
        out = ""
        if "\n" not in text:
            return out
        while end := _end_of(self._block):
            whole, self._block = self._block[:end], self._block[end:]
            self._read = 0
            out += self._whole(whole)
        return out

    def _whole(self, block: str) -> str:
        written = self._written_on(block)
        # What turned out to be something else stands below, all of it.
        out = self._add(written) if written.startswith(self._shown) else f"\n{written}"
        self._is_below = self._is_below or bool(written)
        self._shown = ""
        return out

    def _part(self) -> str:
        lines = list(_lines(self._block))
        is_code = bool(lines) and lines[-1][1]
        written = self._written_on("\n".join(_sure(lines)))
        if not is_code:
            if found := _OPEN.search(written, len(self._shown)):
                written = written[: found.start()]
            written = _BOLD_AT_END.sub("", written).rstrip()
        return self._add(written) if written.startswith(self._shown) else ""

    def _add(self, written: str) -> str:
        gap = "\n\n" if self._is_below and written and not self._shown else ""
        out, self._shown = written[len(self._shown) :], written
        return gap + out

    def _written_on(self, block: str) -> str:
        """The block as it goes on from what stands there: words that a line below makes a heading
        stay as they were written."""
        written = self._written(block)
        if written.startswith(self._shown):
            return written
        as_words = self._written(_UNDERLINE.sub("\n\n", block, count=1))
        return as_words if as_words.startswith(self._shown) else written

    def _written(self, block: str) -> str:
        if self._base and not _FENCE.search(block):
            block = _PATH.sub(rf"\1{self._base}", block)
        return self._writer.write(parse(block))


def _sure(lines: list[tuple[str, bool]]) -> Iterator[str]:
    """The lines that are what they seem, whatever comes."""
    for at, (line, is_code) in enumerate(lines):
        is_last = at == len(lines) - 1
        if is_code and is_last and line.lstrip()[:1] in ("`", "~"):
            return  # perhaps the end of the code
        if not is_code and ("|" in line or (is_last and _UNSURE.fullmatch(line))):
            return
        yield line


def _end_of(text: str) -> int:
    """Where the first block has ended with a blank line; 0 while it has not."""
    at, has_words = 0, False
    for line, is_code in _lines(text):
        at += len(line) + 1
        if at > len(text):
            break  # the line that is being written
        has_words = has_words or bool(line.strip())
        if has_words and not line.strip() and not is_code:
            return at
    return 0


def _lines(text: str) -> Iterator[tuple[str, bool]]:
    """Each line, and whether it stands inside a fence; the fence's first line does, too."""
    fence = ""
    for line in text.split("\n"):
        found = _FENCE.match(line)
        was = fence
        if found and not fence:
            fence = found["mark"]
        elif found and found["mark"].startswith(fence) and not found["info"].strip():
            fence = ""
        yield line, bool(was or fence)
