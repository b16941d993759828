"""A Markdown parser that takes no longer for hostile words than for others.

What stands in brackets, and what it leads to, is searched from every `[` to the end of its block:
a hundred thousand of them take hours, during which a process answers nobody else. A block of words
for which that could take long is shown as it was written.
"""

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.rules_core import StateCore

WORK: Final = 2_000_000
"""Brackets times characters of one block: a hundred links in twenty thousand characters."""


def bounded(parser: "MarkdownIt") -> "MarkdownIt":
    """Return the parser, which from now on reads marks only where that ends soon."""
    parser.core.ruler.at("inline", _inline)
    return parser


def _inline(state: "StateCore") -> None:
    from markdown_it.token import Token

    for token in state.tokens:
        if token.type != "inline":
            continue
        token.children = []
        words = token.content
        if words.count("[") * len(words) > WORK:
            token.children.append(Token("text", "", 0, content=words))
        else:
            state.md.inline.parse(words, state.md, state.env, token.children)
