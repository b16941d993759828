"""Markdown as a small tree, from which every dialect is written.

One parser reads CommonMark, tables and strikethrough; raw HTML is text. Reference definitions are
off: they would swallow lines such as `[1]: …`, and a link should show where it leads beside its
words. Bare addresses become links. Nothing of a text is lost, however deep it is nested.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import TYPE_CHECKING, Final

from bot.render.bounded import bounded
from bot.render.text import clean

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

Mark = tuple[str, str]
"""`strong`, `em`, `strike`, `code` or `link`, and the address of a link.

A `url` is a link whose words are its address."""

HARD: Final = "\v"
"""A line break that the writer meant; `\\n` is one that may be a wrapped line."""
_DEPTH: Final = 40
"""Deeper nesting is shown as plain text."""
_URL = re.compile(r"https?://[^\s<>\"'`\\|{}\[\]^\u200b]+", re.IGNORECASE)
_CALL = re.compile(r"@(?=everyone|here|channel)", re.IGNORECASE)
_SAFE = re.compile(r"(?:https?://|mailto:|tel:)[^\s\x00-\x1f]+\Z", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Run:
    """Words with the same marks, the outermost mark first."""

    text: str
    marks: tuple[Mark, ...] = ()


Runs = tuple[Run, ...]


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Words."""

    runs: Runs


@dataclass(frozen=True, slots=True)
class Heading:
    """Words that head what follows; level 1 to 6."""

    level: int
    runs: Runs


@dataclass(frozen=True, slots=True)
class Code:
    """Lines as they are."""

    text: str
    info: str = ""
    """The language."""


@dataclass(frozen=True, slots=True)
class Quote:
    """Somebody's words."""

    blocks: "Blocks"


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a list."""

    blocks: "Blocks"
    marked: bool = True
    """False for the rest of an entry that was cut in two."""


@dataclass(frozen=True, slots=True)
class Items:
    """A list."""

    items: tuple[Item, ...]
    start: int | None = None
    """The first number; None when it is not numbered."""


@dataclass(frozen=True, slots=True)
class Table:
    """Cells in rows, the first row being their names."""

    rows: tuple[tuple[Runs, ...], ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A line across."""


Block = Paragraph | Heading | Code | Quote | Items | Table | Rule
Blocks = tuple[Block, ...]


def parse(text: str) -> Blocks:
    """Return the tree of a Markdown text."""
    text = clean(text)
    tokens = _parser().parse(text)
    if any(token.level >= _DEPTH - 2 for token in tokens):
        return tuple(Paragraph((Run(part),)) for part in text.split("\n\n") if part.strip())
    return _blocks(iter(tokens), "")


def plain(runs: Runs) -> str:
    """The words alone, on as many lines as they have."""
    return "".join(run.text for run in runs).replace(HARD, "\n")


@cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt

    made = MarkdownIt("commonmark", {"html": False, "maxNesting": _DEPTH})
    return bounded(made.enable(["table", "strikethrough"]).disable("reference"))


def _blocks(tokens: Iterator["Token"], end: str) -> Blocks:
    """The blocks up to the token `end`."""
    found: list[Block] = []
    for token in tokens:
        if token.type == end:
            break
        if block := _block(token, tokens):
            found.append(block)
    return tuple(found)


def _block(token: "Token", tokens: Iterator["Token"]) -> Block | None:
    match token.type:
        case "paragraph_open":
            return Paragraph(_inline(tokens))
        case "heading_open":
            return Heading(int(token.tag[1]), _inline(tokens))
        case "fence" | "code_block":
            info = token.info.split()[0] if token.info.strip() else ""
            return Code(token.content.removesuffix("\n"), info)
        case "blockquote_open":
            return Quote(_blocks(tokens, "blockquote_close"))
        case "bullet_list_open":
            return Items(_items(tokens, "bullet_list_close"))
        case "ordered_list_open":
            return Items(_items(tokens, "ordered_list_close"), int(token.attrs.get("start", 1)))
        case "table_open":
            return Table(_rows(tokens))
        case "hr":
            return Rule()
    return None


def _items(tokens: Iterator["Token"], end: str) -> tuple[Item, ...]:
    found = []
    for token in tokens:
        if token.type == end:
            break
        found.append(Item(_blocks(tokens, "list_item_close")))
    return tuple(found)


def _rows(tokens: Iterator["Token"]) -> tuple[tuple[Runs, ...], ...]:
    rows: list[list[Runs]] = []
    for token in tokens:
        if token.type == "table_close":
            break
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "inline":
            rows[-1].append(_runs(token.children or []))
    return tuple(map(tuple, rows))


def _inline(tokens: Iterator["Token"]) -> Runs:
    """The words of the block that was just opened, and past its end."""
    inner = next(tokens)
    next(tokens)
    return _runs(inner.children or [])


def _runs(tokens: list["Token"]) -> Runs:
    found: list[Run] = []
    marks: tuple[Mark, ...] = ()
    for token in tokens:
        if token.nesting > 0:
            marks = (*marks, _mark(token))
        elif token.nesting < 0:
            marks = marks[:-1]
        elif token.type == "softbreak":
            found.append(Run("\n", marks))
        elif token.type == "hardbreak":
            found.append(Run(HARD, marks))
        elif token.type == "code_inline":
            found.append(Run(token.content, (*marks, ("code", ""))))
        elif token.type == "image":
            found.append(_image(token, marks))
        elif token.content:
            found.append(Run(token.content, marks))
    return _tidy(found)


def _mark(token: "Token") -> Mark:
    match token.tag:
        case "a":
            href = str(token.attrs.get("href", ""))
            return ("link", _address(href))
        case "s":
            return ("strike", "")
        case tag:
            return (tag, "")


def _address(href: str) -> str:
    """The address, if it is one that a person may be led to; with no mention in it that calls."""
    if not _SAFE.match(href):
        return ""
    return href if href.startswith("mailto:") else _CALL.sub("%40", href)


def _image(token: "Token", marks: tuple[Mark, ...]) -> Run:
    """A picture is a link to it: nothing is loaded from outside to show a text."""
    href = _address(str(token.attrs.get("src", "")))
    linked = any(mark[0] == "link" for mark in marks) or not href
    words = "".join(child.content for child in token.children or []) or href
    return Run(words, marks if linked else (*marks, ("link", href)))


def _tidy(runs: list[Run]) -> Runs:
    """Neighbours with equal marks as one run, dead links without their mark, addresses as links."""
    live = ((run.text, tuple(m for m in run.marks if m != ("link", ""))) for run in runs)
    found: list[Run] = []
    for marks, group in groupby(live, key=lambda pair: pair[1]):
        text = "".join(part for part, _ in group)
        kinds = {kind for kind, _ in marks}
        if "code" in kinds or not text:
            found.extend([Run(text, marks)] if text else [])
        elif "link" in kinds:
            found.append(Run(text, tuple(_named(mark, text) for mark in marks)))
        else:
            found.extend(_linked(text, marks))
    return tuple(found)


def _named(mark: Mark, text: str) -> Mark:
    """A link whose words are its address is a `url`."""
    return ("url", mark[1]) if mark[0] == "link" and text == mark[1] else mark


def _linked(text: str, marks: tuple[Mark, ...]) -> Iterator[Run]:
    """The text with its bare addresses as links."""
    at = 0
    for found in _URL.finditer(text):
        url = found[0].rstrip(".,;:!?*_~'")
        while url.endswith(")") and url.count(")") > url.count("("):
            url = url[:-1].rstrip(".,;:!?*_~'")
        if len(url) <= len("https://"):
            continue
        if found.start() > at:
            yield Run(text[at : found.start()], marks)
        address = _address(url)
        yield Run(address, (*marks, ("url", address)))
        at = found.start() + len(url)
    if at < len(text):
        yield Run(text[at:], marks)
