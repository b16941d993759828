"""What each file must have: a docstring, a declaration, a source for its facts, a test, a floor."""

import ast
import tomllib
from collections.abc import Iterator

from tests.house.tree import (
    DECLARATIONS,
    IN_HOUSE_FOLDERS,
    House,
    Integration,
    integrations,
    parse,
)

IN_HOUSE = "In-house:"
"""How a file says that no vendor's documents describe it: this word, and why."""


def packages_hold_a_docstring(house: House) -> Iterator[str]:
    """`__init__.py` holds a docstring and nothing else: no name is imported by accident."""
    for path, text in house.under(""):
        if path.endswith("__init__.py"):
            tree = parse(text)
            if ast.get_docstring(tree) is None or len(tree.body) != 1:
                yield f"{path}: holds a docstring, and nothing else"


def modules_say_what_they_are(house: House) -> Iterator[str]:
    """Every module that runs at a user's, and every benchmark, opens with a docstring."""
    for path, text in (*house.source(), *house.under("bench/", ".ci/")):
        if not (ast.get_docstring(parse(text)) or "").strip():
            yield f"{path}: has no docstring; say in one sentence what it is for"


def integrations_declare_themselves(house: House) -> Iterator[str]:
    """The file name is the registration; the declaration is what it registers."""
    for each in integrations(house):
        wanted = DECLARATIONS[each.kind]
        if wanted not in top_names(parse(house.files[each.path])):
            yield f"{each.path}: declares no {wanted}"


def top_names(tree: ast.Module) -> set[str]:
    """Names bound at the top of a module."""
    names = {n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        names |= {each.id for each in targets if isinstance(each, ast.Name)}
    return names


def integrations_name_their_source(house: House) -> Iterator[str]:
    """A vendor's file gives the address of the vendor's documents in its docstring.

    Exempt: clock jobs and the groups of tools that speak to nobody in particular, by their place;
    any other file by a sentence in its docstring that starts with `In-house:`.
    """
    for each in integrations(house):
        if each.kind == "scheduler/jobs" or each.path.startswith(IN_HOUSE_FOLDERS):
            continue
        words = ast.get_docstring(parse(house.files[each.path])) or ""
        if "https://" not in words and IN_HOUSE not in words:
            yield f"{each.path}: its docstring gives no https address of the vendor's documents"


def integrations_have_a_test(house: House) -> Iterator[str]:
    """`tools/social/blog.py` is tested in `tests/tools/social/test_blog.py` or `test_blog_*.py`."""
    for each in integrations(house):
        if not any(is_test_of(each, path) for path, _ in house.under("tests/")):
            yield f"{each.path}: has no test; tests/{each.folder}/test_{each.name}.py is its place"


def is_test_of(each: Integration, path: str) -> bool:
    """Whether a path is where the tests of this file belong."""
    stem = f"tests/{each.folder}/test_{each.name}"
    return path.startswith((f"{stem}.", f"{stem}_", f"tests/{each.folder}/{each.name}/test_"))


def modules_stand_on_a_floor(house: House) -> Iterator[str]:
    """Each module and package right under `bot` is named in the floors of pyproject.toml."""
    contracts = tomllib.loads(house.files["pyproject.toml"])["tool"]["importlinter"]["contracts"]
    layers = next(each["layers"] for each in contracts if each["id"] == "floors")
    floors = set(" ".join(layers).replace("(", " ").replace(")", " ").split())
    modules = {path.split("/")[1].removesuffix(".py") for path, _ in house.under("bot/")}
    for name in sorted(modules - {"__init__"}):
        if f"bot.{name}" not in floors:
            yield f"bot/{name}: stands on no floor; name it in the floors of pyproject.toml"
