"""Who may import what, and who may read the environment.

The floors themselves are import-linter's; here stand the rules that it cannot say.
"""

import ast
import sys
from collections.abc import Container, Iterator
from graphlib import CycleError, TopologicalSorter

from tests.house.tree import OURS, House, parse

KEPT_APART = {
    "litellm": ("agents/runtime/llm.py", "agents/runtime/embedding.py"),
    "sqlalchemy": ("bot/store/",),
    "alembic": ("bot/store/",),
    "apscheduler": ("scheduler/runner.py",),
    "msal": ("bot/oauth/app_token.py",),
    "mcp": ("tools/mcp/",),
    "nats": ("bot/infra/nats.py",),
    "httpx2": ("tools/mcp/_http.py", "tools/mcp/_peer.py"),
}
"""A package, and the only places that may import it. Tests and benchmarks are free."""

MAY_IMPORT_LATE = {
    "bot/wiring/house.py": "concrete classes meet here, and only those that the settings ask for",
    "bot/__main__.py": "`bot --version` answers before anything heavy is imported",
    "bot/cli/": "`bot --help` answers before anything heavy is imported",
}
"""Places that may import our own modules inside a function, and why."""

MAY_READ_ENVIRONMENT = {
    "bot/settings.py": "the one place where settings come from",
    "agents/runtime/llm.py": "LiteLLM takes its switches from there only, before its import",
}
"""Places that may touch `os.environ`, and why."""


def imported(node: ast.AST) -> Iterator[str]:
    """Top-level names of the packages that a node imports, by statement or by a constant name."""
    match node:
        case ast.Import(names=names):
            yield from (each.name.split(".")[0] for each in names)
        case ast.ImportFrom(module=str(module), level=0):
            yield module.split(".")[0]
        case ast.Call(
            func=ast.Attribute(attr="import_module") | ast.Name(id="import_module" | "__import__"),
            args=[ast.Constant(value=str(module)), *_],
        ):
            yield module.split(".")[0]


def imports_stand_at_the_top(house: House) -> Iterator[str]:
    """No import of our own inside a function: it hides a circle."""
    for path, text in house.source():
        if path.startswith(tuple(MAY_IMPORT_LATE)):
            continue
        for function in ast.walk(parse(text)):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                for node in ast.walk(function):
                    if set(imported(node)) & set(OURS):
                        line = getattr(node, "lineno", 0)
                        yield f"{path}:{line}: imports our own module inside {function.name}"


def no_module_needs_itself(house: House) -> Iterator[str]:
    """Imports go round in no circle, not even those that stand there for types alone."""
    names = {_module_of(path): path for path, _ in house.source()}
    needed = {
        name: {other for node in ast.walk(parse(house.files[path])) for other in _ours(node, names)}
        for name, path in names.items()
    }
    try:
        tuple(TopologicalSorter(needed).static_order())
    except CycleError as circle:
        yield f"{names[circle.args[1][0]]}: needs itself: {' <- '.join(circle.args[1])}"


def _module_of(path: str) -> str:
    return path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _ours(node: ast.AST, names: Container[str]) -> Iterator[str]:
    """Modules of ours that a statement imports."""
    match node:
        case ast.Import(names=each):
            yield from (one.name for one in each if one.name in names)
        case ast.ImportFrom(module=str(module), level=0, names=each):
            parts = [f"{module}.{one.name}" for one in each]
            yield from (part for part in parts if part in names)
            if module in names and any(part not in names for part in parts):
                yield module


def packages_are_kept_apart(house: House) -> Iterator[str]:
    """Some packages have one door."""
    for path, text in house.source():
        for node in ast.walk(parse(text)):
            for name in imported(node):
                doors = KEPT_APART.get(name)
                if doors and not path.startswith(doors):
                    line = getattr(node, "lineno", 0)
                    yield f"{path}:{line}: imports {name}, which only {', '.join(doors)} may"


def core_is_plain_python(house: House) -> Iterator[str]:
    """`bot/core` imports the standard library and itself."""
    for path, text in house.under("bot/core/"):
        for node in ast.walk(parse(text)):
            for name in imported(node):
                if name != "bot" and name not in sys.stdlib_module_names:
                    line = getattr(node, "lineno", 0)
                    yield f"{path}:{line}: imports {name}; the core is standard library only"


def environment_is_read_once(house: House) -> Iterator[str]:
    """Only the settings read the environment; everybody else is given values."""
    for path, text in house.source():
        if path.startswith(tuple(MAY_READ_ENVIRONMENT)):
            continue
        for node in ast.walk(parse(text)):
            if touches_environment(node):
                line = getattr(node, "lineno", 0)
                yield f"{path}:{line}: touches the environment; take the value as an argument"


def touches_environment(node: ast.AST) -> bool:
    """Whether a node reads or changes the process's environment."""
    doors = {"environ", "environb", "getenv", "putenv", "unsetenv"}
    match node:
        case ast.Attribute(value=ast.Name(id="os"), attr=attr):
            return attr in doors
        case ast.ImportFrom(module="os", names=names):
            return any(each.name in doors for each in names)
    return False
