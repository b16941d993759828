"""Packages whose own module runs when something of it is asked for, not when a part is imported.

`import aiohttp.web` runs `aiohttp/__init__.py` first, which loads the HTTP client and reads every
certificate authority of the machine: a tenth of a start, for a server that is yet to hear its first
request. `put_off` puts the package there with its parts within reach, and its module runs once, at
the first name that is no part. `load` runs it now, for a thread while nobody waits.
`importlib.util.LazyLoader` is no help: it runs a package as soon as a part of it is imported.
"""

import asyncio
import re
import sys
from importlib import import_module
from importlib.machinery import SourceFileLoader
from importlib.util import find_spec, module_from_spec
from threading import RLock
from types import ModuleType
from typing import Any

_VERSION = re.compile(r"""^__version__ = ["']([^"']+)["']""", re.MULTILINE)
_lock = RLock()
_waiting: dict[str, SourceFileLoader] = {}
_running: set[str] = set()
"""Packages whose module is running at the moment."""


class _Package(ModuleType):
    """A package whose module has not run to its end yet."""

    def __getattr__(self, name: str) -> Any:
        package = self.__name__
        is_public = not name.startswith("__") or name in ("__all__", "__version__")
        if is_public and find_spec(f"{package}.{name}"):
            return import_module(f"{package}.{name}")
        if is_public and load(package):
            return getattr(self, name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")


def put_off(package: str) -> bool:
    """Let a package wait until it is asked for; False where it is loaded, or is not installed."""
    spec = None if package in sys.modules else find_spec(package)
    if spec is None or not isinstance(spec.loader, SourceFileLoader):
        return False
    module = module_from_spec(spec)
    version = _VERSION.search(spec.loader.get_source(package) or "")
    if version:  # of all its names the one that parts ask for
        vars(module)["__version__"] = version[1]
    module.__class__ = _Package
    _waiting[package] = spec.loader
    sys.modules[package] = module
    return True


def is_waiting(package: str) -> bool:
    """Whether it was put off and is not loaded yet."""
    return package in _waiting


def load(package: str) -> bool:
    """Run its module, once, whoever asks; False while it runs in this very thread."""
    with _lock:
        if package not in _waiting:
            return True
        if package in _running:
            return False
        module = sys.modules[package]
        _running.add(package)
        try:
            _waiting[package].exec_module(module)
        finally:
            _running.discard(package)
        module.__class__ = ModuleType
        del _waiting[package]
        return True


async def at_hand(package: str) -> None:
    """Return when it is loaded; it loads in a thread, so that the loop goes on."""
    if is_waiting(package):
        await asyncio.to_thread(load, package)
