"""How long things may be before they are split. Complexity and arguments are counted by ruff."""

import ast
from collections.abc import Iterator

from tests.house.tree import House, parse

FILE, FUNCTION, CORE = 400, 60, 1_500
SMALLER = {"tools/": 300, "bot/oauth/providers/": 80, "tests/": 500}
"""Folders whose files stop elsewhere: tests are read one by one and lay out long payloads."""


def files_are_short(house: House) -> Iterator[str]:
    """A file stops at 400 lines, a tool at 300, a provider at 80, a file of tests at 500."""
    for suffix in (".py", ".js", ".html"):
        for path, text in house.under("", suffix=suffix):
            limit = next((n for folder, n in SMALLER.items() if path.startswith(folder)), FILE)
            lines = len(text.splitlines())
            if lines > limit:
                yield f"{path}: {lines} lines, {limit} is the most; split it by its nouns"


def functions_are_short(house: House) -> Iterator[str]:
    """A function stops at 60 lines, its docstring included."""
    for path, text in house.under(""):
        for node in ast.walk(parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION:
                    yield f"{path}:{node.lineno}: {node.name} has {lines} lines, {FUNCTION} at most"


def core_is_small(house: House) -> Iterator[str]:
    """The nouns and ports together stay readable in one sitting."""
    lines = sum(len(text.splitlines()) for _, text in house.under("bot/core/"))
    if lines > CORE:
        yield f"bot/core: {lines} lines in all, {CORE} is the most; move what is not a noun out"
