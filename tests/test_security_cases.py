"""The page of attacks is true to the tree: each case once, each named file and test there."""

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "security-cases.md"
GROUPS = {"A": 19, "B": 10, "C": 11, "D": 12, "E": 13, "F": 7, "G": 7}
CASES = [f"{group}{n}" for group, count in GROUPS.items() for n in range(1, count + 1)]
ROW = re.compile(r"\| ([A-Z]\d+) \|")
NAMED = re.compile(r"`([^`\s]+)`")


@cache
def declared_in(path: Path) -> frozenset[str]:
    """The tests that a file declares, read and not run; one inside a function is none."""
    if not path.is_file():
        return frozenset()
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(
        node.name for node in tree.body if isinstance(node, kinds) and node.name[:5] == "test_"
    )


def complaints(text: str, root: Path = ROOT) -> Iterator[str]:
    """What is wrong with a page of attacks."""
    rows = [line for line in text.splitlines() if ROW.match(line)]
    told = Counter(line.split("|")[1].strip() for line in rows)
    for case in CASES:
        if told[case] != 1:
            yield f"{case} stands {told[case]} times"
    yield from (f"{case} is no case" for case in told if case not in CASES)
    for line in rows:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) not in (3, 5) or not all(cells):
            yield f"{cells[0]} has {len(cells)} cells or an empty one"
        elif len(cells) == 5:
            yield from (f"{cells[0]}: {wrong}" for wrong in _shown(cells[3], cells[4], root))


def _shown(where: str, by: str, root: Path) -> Iterator[str]:
    files, tests = NAMED.findall(where), NAMED.findall(by)
    if not files:
        yield "names no file"
    if not tests:
        yield "names no test"
    yield from (f"there is no {path}" for path in files if not (root / path).is_file())
    for test in tests:
        path, _, name = test.partition("::")
        if not path.startswith("tests/") or name not in declared_in(root / path):
            yield f"there is no test {test}"


def test_the_page_is_true_to_the_tree() -> None:
    assert sum(GROUPS.values()) == 79
    wrong = list(complaints(PAGE.read_text(encoding="utf-8")))
    assert not wrong, "\n".join(["", *wrong])


def test_the_page_is_found_from_where_a_stranger_looks() -> None:
    for path in ("README.md", "SECURITY.md"):
        assert "(docs/security-cases.md)" in (ROOT / path).read_text(encoding="utf-8"), path


SPOILT: Mapping[str, tuple[str, str]] = {
    "a case left out": (r"\| A3 \|.*\n", ""),
    "a case twice": (r"(\| A3 \|.*\n)", r"\1\1"),
    "a case in both tables": (r"\| A1 \|", "| A3 |"),
    "a case that is none": (r"\| A1 \|", "| A20 |"),
    "a file that is not there": (r"`bot/core/secret\.py`", "`bot/core/secrets.py`"),
    "a folder": (r"`bot/core/secret\.py`", "`bot/core`"),
    "a test that is not there": (r"::test_an_empty_secret_matches_nothing", "::test_nothing"),
    "a helper": (r"::test_an_empty_secret_matches_nothing", "::compared"),
    "a file of tests that is not there": (r"tests/attacks/test_secrets\.py", "tests/test_x.py"),
    "no test": (r"`tests/attacks/test_replays.*` \|", "see there |"),
    "an empty cell": (r"\| A12 \| [^|]* \|", "| A12 | |"),
}


@pytest.mark.parametrize("what", SPOILT)
def test_a_page_that_is_not_true_is_refused(what: str) -> None:
    pattern, other = SPOILT[what]
    text = PAGE.read_text(encoding="utf-8")
    spoilt = re.sub(pattern, other, text, count=1)
    assert spoilt != text
    assert list(complaints(spoilt))
