"""Tables inside tables, as TOML gives them: read, written and cut by keys from the outside in."""

from collections.abc import Mapping

from bot.config.file import Keys


def copy(values: Mapping[str, object]) -> dict[str, object]:
    """A deep copy of the tables."""
    return {k: copy(v) if isinstance(v, dict) else v for k, v in values.items()}


def get(raw: object, keys: Keys) -> object:
    """The value at the end of the keys; None when there is none."""
    for key in keys:
        raw = raw.get(key) if isinstance(raw, dict) else None
    return raw


def put(raw: dict[str, object], keys: Keys, value: object, *, only_if_there: bool = False) -> None:
    """Write a value at the end of the keys, with the tables on the way."""
    for key in keys[:-1]:
        inner = raw.setdefault(key, {}) if not only_if_there else raw.get(key)
        if not isinstance(inner, dict):
            return  # not a section; that is a mistake of its own and is named as one
        raw = inner
    if not only_if_there or keys[-1] in raw:
        raw[keys[-1]] = value


def take_out(raw: dict[str, object], keys: Keys) -> None:
    """Remove a value, or the nearest table around it that is there."""
    for end in range(len(keys), 0, -1):
        inner = get(raw, keys[: end - 1])
        if isinstance(inner, dict) and keys[end - 1] in inner:
            del inner[keys[end - 1]]
            return
