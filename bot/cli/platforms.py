"""What the platforms of the tree may be told, read without their libraries or the house."""

from collections.abc import Collection
from functools import partial
from importlib import import_module
from pkgutil import iter_modules

from bot.config.platforms import Platforms


def platforms() -> Platforms:
    """Every platform of the tree, with what gives the keys of its section in the settings."""
    folder = import_module("channels").__path__
    return {item.name: partial(_keys, item.name) for item in iter_modules(folder)}


def _keys(name: str) -> Collection[str] | None:
    try:
        module = import_module(f"channels.{name}.settings")
    except ModuleNotFoundError:  # one file: it checks what it is told when it is made
        return None
    return list(module.Settings.model_fields)
