"""How secrets are compared: never by `==`, never equal when empty (A3, A13)."""

import ast
import hmac
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.core.secret import Secret
from tests.house.tree import parse, read

ROOT = Path(__file__).parents[2]
SECRETS = re.compile(
    r"(^|_)(secret|token|password|passwd|csrf|cookie|mac|signature|api_?key)$|^_?reveal$"
)


def compared(text: str) -> Iterator[str]:
    """Where a file compares what is named as a secret by `==`, `!=` or `in`."""
    for node in ast.walk(parse(text)):
        if not isinstance(node, ast.Compare):
            continue
        if not any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
            continue
        sides = (node.left, *node.comparators)
        if any(isinstance(side, ast.Constant) and side.value in ("", None) for side in sides):
            continue  # whether there is one at all
        if any(SECRETS.search(name_of(side)) for side in sides):
            yield f"line {node.lineno}: {ast.unparse(node)}"


def name_of(node: ast.expr) -> str:
    """The last name of an expression: of `a.b.token`, `token`; of `secret.reveal()`, `reveal`."""
    if isinstance(node, ast.Call):
        return name_of(node.func)
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        return str(node.slice.value)
    return node.id if isinstance(node, ast.Name) else ""


def test_no_secret_is_compared_sign_by_sign() -> None:
    found = [
        f"{path} {line}"
        for path, text in read(ROOT).source()
        for line in compared(text)
        if path != "bot/core/secret.py"
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "given == self.token",
        "secret != given",
        'headers["signature"] == wanted',
        "key.reveal() == given",
        "a == b == api_key",
        "session_token == x or y",
    ],
)
def test_such_a_comparison_is_found(text: str) -> None:
    assert list(compared(text))


@pytest.mark.parametrize("text", ["token == ''", "kind == 'token'", "tokens == 5", "a in secret"])
def test_other_comparisons_are_let_be(text: str) -> None:
    assert not list(compared(text))


@pytest.mark.parametrize("given", ["right", "wrong", "", "righ", "right!", "\udcff"])
def test_a_secret_is_compared_in_constant_time_whatever_its_length(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[bytes, bytes]] = []
    real = hmac.compare_digest

    def watched(mine: bytes, theirs: bytes) -> bool:
        seen.append((mine, theirs))
        return real(mine, theirs)

    # The comparison itself is what is looked at, and it has no other door.
    monkeypatch.setattr("bot.core.secret.hmac.compare_digest", watched)
    assert Secret("right").matches(given) is (given == "right")
    assert seen == [(b"right", given.encode(errors="surrogatepass"))]


def test_an_empty_secret_matches_nothing() -> None:
    for given in ("", " ", "x"):
        assert not Secret("").matches(given)
    assert not Secret("x").matches("")
