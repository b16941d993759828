"""Mistakes in settings, in words: where, which key, what is wrong, the nearest right one, the mend.

pydantic finds them; here its findings become sentences for the person who starts the house. A
value of a secret is never repeated.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Annotated, Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from bot.config.file import ConfigFile, Keys
from bot.core.errors import SettingsError
from bot.core.secret import Secret
from bot.frozen import frozen

CLOSE = 0.7
"""From this likeness on, one name is taken for a misspelling of the other."""


@frozen
class Mistake:
    """One thing to mend."""

    where: str
    """`file:line:column`, or the variable."""
    what: str
    key: str = ""
    """Its dotted name, when `where` is a file, or a variable that holds more than it."""
    keys: Keys = ()

    def __str__(self) -> str:
        return ": ".join(part for part in (self.where, self.key, self.what) if part)


class Mistaken(SettingsError):
    """Settings are wrong. Each line names one mistake and its mend."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


@dataclass(slots=True)
class Places:
    """Where each setting was written."""

    file: ConfigFile | None = None
    variables: dict[Keys, str] = field(default_factory=dict)

    def mistake(self, keys: Keys, what: str) -> Mistake:
        """A mistake at the place of `keys`."""
        for end in range(len(keys), 0, -1):
            if variable := self.variables.get(keys[:end]):
                inside = dotted(keys) if end < len(keys) else ""
                return Mistake(where=variable, what=what, key=inside, keys=keys)
        where = self.file.where(keys) if self.file else "settings"
        return Mistake(where=where, key=dotted(keys), what=what, keys=keys)


def dotted(keys: Keys) -> str:
    """The name as it is written: `models.default`."""
    text = "".join(f"[{key}]" if key.isdigit() else f".{_quoted(key)}" for key in keys)
    return text.removeprefix(".")


def _quoted(key: str) -> str:
    return key if key.replace("_", "").isalnum() else json.dumps(key, ensure_ascii=False)


def nearest(name: str, names: Iterable[str], close: float = CLOSE) -> str:
    """The one of `names` that was probably meant; empty when none is near."""
    scored = [(_likeness(name.lower(), known.lower()), known) for known in names]
    score, known = max(scored, default=(0.0, ""))
    return known if score >= close else ""


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()


def explain(
    error: ValidationError, root: type[BaseModel], fields: Mapping[Keys, FieldInfo], places: Places
) -> list[Mistake]:
    """One mistake for each setting that pydantic refused."""
    found: dict[Keys, Mistake] = {}
    for finding in error.errors(include_url=False):
        keys = tuple(str(part) for part in finding["loc"] if part != "[key]")
        if finding["type"] == "extra_forbidden":
            what = _unknown(keys, root, fields)
        elif finding["type"] == "missing":
            what = f"It is missing. Add {keys[-1]} = … there."
        elif finding["type"] in ("model_type", "model_attributes_type", "dict_type"):
            what = f"This is a section, not a value. Write [{dotted(keys)}] and its keys below."
        elif finding["type"] == "value_error":
            what = str(finding["ctx"]["error"])
        else:
            what = _unfit(keys, fields, finding["input"])
        found.setdefault(keys, places.mistake(keys, what))
    return list(found.values())


def briefly(error: ValidationError) -> str:
    """What does not fit in a mapping that stands in no file: `key: what`, one after the other."""
    found = error.errors(include_url=False, include_input=False)
    said = ((".".join(map(str, one["loc"])), one["msg"]) for one in found)
    return "; ".join(f"{key}: {what.removeprefix('Value error, ')}" for key, what in said)


def _unknown(keys: Keys, root: type[BaseModel], fields: Mapping[Keys, FieldInfo]) -> str:
    near = nearest(keys[-1], _siblings(root, keys[:-1]))
    name = dotted((*keys[:-1], near)) if near else ""
    if not near:
        everywhere = {dotted(known): known for known in fields}
        by_end = {known[-1]: full for full, known in everywhere.items()}
        name = nearest(dotted(keys), everywhere) or by_end.get(nearest(keys[-1], by_end), "")
    if name:
        return f"There is no such setting. Did you mean {name}? Rename it, or take it out."
    return "There is no such setting. Take it out; bot.example.toml lists them all."


def _siblings(root: type[BaseModel], keys: Keys) -> list[str]:
    kind: object = root
    for key in keys:
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            info = kind.model_fields.get(key)
            kind = info.annotation if info else None
        else:
            kind = get_args(kind)[-1] if get_origin(kind) is dict else None
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        return list(kind.model_fields)
    return []


def _unfit(keys: Keys, fields: Mapping[Keys, FieldInfo], value: object) -> str:
    info = next((fields[keys[:n]] for n in range(len(keys), 0, -1) if keys[:n] in fields), None)
    if info is None:
        return "This value does not fit here; bot.example.toml shows one that does."
    wanted = _wanted(info)
    shown = "This" if _is_secret(info) else _shown(value)
    choices = get_args(info.annotation) if get_origin(info.annotation) is Literal else ()
    near = nearest(str(value), [str(choice) for choice in choices])
    mend = f" Did you mean {json.dumps(near)}?" if near else ""
    return f"{shown} is not {wanted}.{mend}"


def _is_secret(info: FieldInfo) -> bool:
    return info.annotation is Secret or info.repr is False


def _shown(value: object) -> str:
    text = json.dumps(value, default=str, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:37]}…"


def _wanted(info: FieldInfo) -> str:
    kinds, rules = {info.annotation, *get_args(info.annotation)}, list(info.metadata)
    for inner in [kind for kind in kinds if get_origin(kind) is Annotated]:  # of `Number | None`
        kind, *said = get_args(inner)
        kinds.add(kind)
        rules += [rule for each in said if isinstance(each, FieldInfo) for rule in each.metadata]
    if get_origin(info.annotation) is Literal:
        return "one of " + ", ".join(str(choice) for choice in get_args(info.annotation))
    if bool in kinds:
        return "true or false"
    if int in kinds or float in kinds:
        return ("a whole number" if int in kinds else "a number") + _range(rules)
    if get_origin(info.annotation) is tuple:
        return 'a list of texts such as ["openai/gpt-4o-mini"]'
    return "text in quotes"


def _range(metadata: Iterable[object]) -> str:
    words: list[str] = []
    for rule in metadata:
        match rule:
            case Ge(ge=least):
                words.append(f"from {least}")
            case Gt(gt=least):
                words.append(f"above {least}")
            case Le(le=most):
                words.append(f"to {most}" if words else f"up to {most}")
            case Lt(lt=most):
                words.append(f"below {most}")
    return " " + " ".join(words) if words else ""
