"""Tools by file name: `tools/<group>/<name>.py` is registered by being there.

A disabled name is not imported, so a missing package of one tool harms nobody. Loaded at first
use, or when the process is idle after its start.
"""

import importlib
import pkgutil
from collections.abc import Collection, Iterator, Mapping

import tools
from bot.core.tool import Tool


def modules() -> Iterator[str]:
    """The module names of all tool files, `group.name`, in order."""
    for group in sorted(pkgutil.iter_modules(tools.__path__), key=lambda m: m.name):
        if not group.ispkg:
            continue
        package = importlib.import_module(f"tools.{group.name}")
        for module in sorted(pkgutil.iter_modules(package.__path__), key=lambda m: m.name):
            if not module.name.startswith("_"):
                yield f"{group.name}.{module.name}"


Extra = Mapping[str, tuple[Tool, ...]]
"""Tools from packages outside the tree, by group."""


def load(disabled: Collection[str] = ()) -> Mapping[str, Tool]:
    """Every tool of every enabled file, by its name. Raises ValueError when a name stands twice."""
    found: dict[str, Tool] = {}
    for name in modules():
        if name in disabled:
            continue
        module = importlib.import_module(f"tools.{name}")
        declared: tuple[Tool, ...] = getattr(module, "TOOLS", ())
        for tool in declared:
            if tool.name in found:
                raise ValueError(f"Two tools are called {tool.name}.")
            found[tool.name] = tool
    return found


def groups(disabled: Collection[str] = ()) -> Mapping[str, tuple[str, ...]]:
    """Tool names by group, for `social.*` in an agent's file."""
    named: dict[str, list[str]] = {}
    for name in modules():
        if name not in disabled:
            module = importlib.import_module(f"tools.{name}")
            group = name.split(".")[0]
            named.setdefault(group, []).extend(tool.name for tool in getattr(module, "TOOLS", ()))
    return {group: tuple(names) for group, names in named.items()}


def beside(own: Mapping[str, Tool], extra: Extra) -> tuple[Mapping[str, Tool], tuple[str, ...]]:
    """All tools, and the names of those from outside that are left out: the house has one so."""
    all_, left_out = dict(own), []
    for tool in (tool for group in extra.values() for tool in group):
        if tool.name in all_:
            left_out.append(tool.name)
        else:
            all_[tool.name] = tool
    return all_, tuple(left_out)
