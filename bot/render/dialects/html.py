"""HTML of a closed set of tags: mail, pages, and Teams, which takes the same set.

Every tag and attribute is written here; nothing of the text becomes markup. Links are http, https,
mailto or tel, and give away no referrer. Pictures are links, because a picture that is loaded from
outside tells its owner who reads.
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/format-your-bot-messages
"""

import re
from html import escape
from typing import Final

from bot.render.dialects.inline import emit
from bot.render.text import defuse
from bot.render.tree import (
    HARD,
    Block,
    Blocks,
    Code,
    Heading,
    Item,
    Items,
    Mark,
    Paragraph,
    Quote,
    Rule,
    Run,
    Runs,
    Table,
)

_TAGS: Final = {"strong": "strong", "em": "em", "strike": "s", "code": "code"}
_LINE: Final = (
    "border-bottom:1px solid #999;padding:4px 10px 4px 0;text-align:left;vertical-align:top"
)
_IN_MAIL: Final = {
    "pre": "white-space:pre-wrap;overflow-wrap:break-word",
    "blockquote": "margin:0 0 0 8px;padding-left:10px;border-left:3px solid #999",
    "table": "border-collapse:collapse",
    "th": _LINE,
    "td": _LINE,
}
"""Mail has no sheet of styles that every program keeps, and no room to scroll sideways."""
_INFO = re.compile(r"[A-Za-z0-9+#._-]{1,30}")


class Html:
    """HTML; `chat` breaks mentions and knows three headings, `mail` says how things look.

    Both keep every line end.
    """

    def __init__(self, *, chat: bool = False, mail: bool = False) -> None:
        self._breaks = chat or mail
        self._styles = _IN_MAIL if mail else {}
        self._chat = chat

    def write(self, blocks: Blocks) -> str:
        """The whole text."""
        return "\n".join(map(self.block, blocks))

    def block(self, block: Block) -> str:
        """One block."""
        match block:
            case Paragraph(runs):
                return f"<p>{self.words(runs)}</p>"
            case Heading(level, runs):
                tag = f"h{min(level, 3 if self._chat else 6)}"
                return f"<{tag}>{self.words(runs)}</{tag}>"
            case Code(text, info):
                name = f' class="language-{escape(info)}"' if _INFO.fullmatch(info) else ""
                return f"{self._tag('pre')}<code{name}>{escape(text)}</code></pre>"
            case Quote(blocks):
                return f"{self._tag('blockquote')}{self.write(blocks)}</blockquote>"
            case Items():
                return self._items(block)
            case Table(rows):
                return self._table(rows)
            case Rule():
                return "<hr>"

    def _tag(self, name: str) -> str:
        """The tag that opens an element, with how it looks where that must be said."""
        style = self._styles.get(name)
        return f'<{name} style="{style}">' if style else f"<{name}>"

    def words(self, runs: Runs) -> str:
        """Words with their marks."""
        return emit(runs, self)

    def open(self, mark: Mark) -> str:
        """A tag."""
        kind, href = mark
        if kind in ("link", "url"):
            return f'<a href="{escape(href)}" rel="noopener noreferrer nofollow">'
        return f"<{_TAGS[kind]}>"

    def close(self, mark: Mark) -> str:
        """Its end."""
        return "</a>" if mark[0] in ("link", "url") else f"</{_TAGS[mark[0]]}>"

    def text(self, run: Run) -> str:
        """Words between tags."""
        is_url = any(kind == "url" for kind, _ in run.marks)
        words = defuse(run.text) if self._chat and not is_url else run.text
        text = escape(words).replace(HARD, "<br>\n")
        return re.sub(r"(?<!<br>)\n", "<br>\n", text) if self._breaks else text

    def crowds(self, letter: str) -> bool:
        """Tags need no space."""
        return False

    def _items(self, block: Items) -> str:
        """A list; the rest of an entry that was cut in two stands before it."""
        cut = [item for item in block.items if not item.marked]
        rest = "".join(self.write(item.blocks) + "\n" for item in cut)
        inner = "\n".join(self._item(item) for item in block.items if item.marked)
        if not inner:
            return rest.removesuffix("\n")
        if block.start is None:
            return f"{rest}<ul>\n{inner}\n</ul>"
        start = "" if block.start == 1 else f' start="{block.start}"'
        return f"{rest}<ol{start}>\n{inner}\n</ol>"

    def _item(self, item: Item) -> str:
        """The first words of an entry stand beside its mark."""
        first, *others = item.blocks or (Paragraph(()),)
        head = self.words(first.runs) if isinstance(first, Paragraph) else self.block(first)
        return f"<li>{head}{''.join(chr(10) + self.block(each) for each in others)}</li>"

    def _table(self, rows: tuple[tuple[Runs, ...], ...]) -> str:
        lines = []
        for at, row in enumerate(rows):
            tag = "td" if at else "th"
            cells = "".join(f"{self._tag(tag)}{self.words(cell)}</{tag}>" for cell in row)
            lines.append(f"<tr>{cells}</tr>")
        return f"{self._tag('table')}\n" + "\n".join(lines) + "\n</table>"
