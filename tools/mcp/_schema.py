"""The JSON Schema of a server's tool: made harmless, and held against a call's arguments.

A schema comes from outside. References are written out within a budget, so that none leads to
another address or grows without end; regular expressions are left out, since one alone can stop a
process, and the server checks them itself. What is left is shown to the model and checked here.

JSON Schema: https://json-schema.org/draft/2020-12 (read 2026-11-21)
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, Self

from bot.core.canonical import Json
from bot.core.errors import Invalid
from bot.store.rows import dumps

MAX_NODES = 1_500
MAX_DEPTH = 24
MAX_ARGUMENTS = 64_000
"""Characters of a call's arguments as JSON."""
_DROPPED = frozenset(
    {"$schema", "$id", "$defs", "definitions", "$anchor", "$comment", "pattern", "format"}
    | {"contentMediaType", "contentEncoding", "contentSchema", "examples", "default"}
)
_REFUSED = frozenset({"$dynamicRef", "$recursiveRef", "$dynamicAnchor", "unevaluatedProperties"})
_NAMED = frozenset({"properties", "dependentSchemas"})
"""Keywords whose keys are names that somebody chose, not keywords."""
_PLAIN = frozenset({"const", "enum", "required", "dependentRequired", "type"})
"""Keywords whose value holds no schema."""


class Unfit(Exception):
    """Why a schema cannot be used, as a sentence."""


def harmless(schema: Mapping[str, Json]) -> dict[str, Json]:
    """The schema with its references written out. Raises Unfit."""
    made = _Writer(schema).write(schema, 0)
    if not isinstance(made, dict) or made.get("type") != "object":
        raise Unfit("Its arguments are no object.")
    made.setdefault("properties", {})
    try:
        _validator(made)
    except Exception as error:  # the library refuses a schema in several ways
        raise Unfit("Its schema is not valid.") from error
    return made


class _Writer:
    def __init__(self, root: Mapping[str, Json]) -> None:
        self._root = root
        self._left = MAX_NODES

    def write(self, node: Json, depth: int) -> Json:
        self._left -= 1
        if self._left < 0 or depth > MAX_DEPTH:
            raise Unfit("Its schema is too large, or refers to itself.")
        if isinstance(node, Mapping):
            return self._object(node, depth)
        if isinstance(node, Sequence) and not isinstance(node, str):
            return [self.write(item, depth + 1) for item in node]
        return node

    def _object(self, node: Mapping[str, Json], depth: int) -> Json:
        if bad := _REFUSED & node.keys():
            raise Unfit(f"Its schema uses {min(bad)}, which is not understood here.")
        made: dict[str, Json] = {}
        if isinstance(ref := node.get("$ref"), str):
            target = self.write(self._target(ref), depth + 1)
            if not isinstance(target, dict):
                return target
            made.update(target)
        for key, value in node.items():
            if key in _DROPPED or key in ("$ref", "patternProperties"):
                continue
            if key in _NAMED and isinstance(value, Mapping):
                made[key] = {name: self.write(each, depth + 1) for name, each in value.items()}
            else:
                made[key] = self._plain(value) if key in _PLAIN else self.write(value, depth + 1)
        if "patternProperties" in node:
            made.pop("additionalProperties", None)
        return made

    def _plain(self, value: Json) -> Json:
        self._left -= len(dumps(value)) // 20
        if self._left < 0:
            raise Unfit("Its schema is too large, or refers to itself.")
        return value

    def _target(self, ref: str) -> Json:
        if not (ref == "#" or ref.startswith("#/")):
            raise Unfit("Its schema refers to another document.")
        found: Json = self._root
        for part in ref.removeprefix("#").split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, Mapping) or name not in found:
                raise Unfit("Its schema refers to a part that is not there.")
            found = found[name]
        return found


def _validator(schema: Mapping[str, Json]) -> Any:  # the library has no types
    from jsonschema import Draft202012Validator

    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


class Shape:
    """Arguments of one tool: what a pydantic class is to the house's own tools."""

    def __init__(self, schema: Mapping[str, Json]) -> None:
        """`schema` is harmless already."""
        self.schema = schema

    @cached_property
    def _checker(self) -> Any:
        return _validator(self.schema)

    def check(self, given: object) -> None:
        """Raises Invalid, which names each mistake."""
        if not isinstance(given, Mapping) or len(dumps(dict(given))) > MAX_ARGUMENTS:
            raise Invalid(f"The arguments are an object of at most {MAX_ARGUMENTS} characters.")
        wrong = []
        for error, _ in zip(self._checker.iter_errors(given), range(5), strict=False):
            where = ".".join(str(part) for part in error.absolute_path)
            wrong.append(f"{where}: {error.message[:200]}" if where else error.message[:200])
        if wrong:
            raise Invalid("The arguments do not fit. " + "; ".join(wrong) + ".")


class Given:
    """Arguments that fit. `kind_of` makes the class that a tool declares."""

    shape: Shape

    def __init__(self, values: Mapping[str, Json]) -> None:
        self.values = dict(values)

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        """What the model sees."""
        return dict(cls.shape.schema)

    @classmethod
    def model_validate(cls, obj: Any) -> Self:
        """Raises Invalid."""
        cls.shape.check(obj)
        return cls(obj)

    def model_dump(self, *, mode: str = "python", exclude_none: bool = False) -> dict[str, Any]:
        """What was given, unchanged: a null of a server's schema may mean something."""
        return dict(self.values)


def kind_of(schema: Mapping[str, Json]) -> type[Given]:
    """A class of arguments for one schema."""
    return type("Arguments", (Given,), {"shape": Shape(schema)})
