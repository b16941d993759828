"""A vendor's published OpenAPI description, as the judge of what a client sends and a fake answers.

Without the file every question is answered with "nothing wrong", and the log says so once. Version
3.0's `nullable` is read as version 3.1's type `null`. Formats (uri, email, date-time) are not judged here.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from typing import Any
from urllib.parse import unquote

from jsonschema import Draft202012Validator

from tests.published import document

Body = dict[str, Any]
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


@cache
def described(name: str) -> "Description":
    """The description of that file name, without `.json`, read once."""
    return Description(document(f"{name}.json") or {})


class Description:
    """The operations and schemas of one file."""

    def __init__(self, document: Body) -> None:
        self.document = document

    def __bool__(self) -> bool:
        return bool(self.document)

    @cached_property
    def _components(self) -> Any:
        return _draft(self.document.get("components", {}))

    @cached_property
    def _routes(self) -> list[tuple[str, re.Pattern[str]]]:
        # `messages/delta` must not be taken for `messages/{id}`: fixed paths come first.
        paths = sorted(self.document.get("paths", {}), key=lambda path: path.count("{"))
        return [(path, re.compile(_pattern(path))) for path in paths]

    def operation(self, method: str, path: str) -> Body | None:
        """The operation of a method and a path; None where the description has none."""
        for template, pattern in self._routes:
            found = self.document["paths"][template].get(method.lower())
            if found is not None and pattern.fullmatch(unquote(path)):
                return dict(found)
        return None

    def names(self, method: str, path: str, media: str = FORM) -> set[str]:
        """The fields that the body may have at its top."""
        operation = self.operation(method, path) or {}
        return set(self._flat(self._body_schema(operation, media)).get("properties", {}))

    def query_misfits(self, method: str, path: str, query: Mapping[str, str]) -> Iterator[str]:
        """Parameters of the address that the description does not have."""
        operation = self.operation(method, path)
        if operation is None:
            if self:
                yield f"{method} {path} is not described"
            return
        parameters = [self._resolve(each) for each in operation.get("parameters", [])]
        known = {each["name"] for each in parameters if each["in"] == "query"}
        for name in query:
            if name not in known and not name.startswith("$"):
                yield f"{method} {path}: no parameter {name} in the address"

    def body_misfits(self, method: str, path: str, body: Any, media: str = JSON) -> Iterator[str]:
        """What is wrong with the body of a request: wrong types, lacking and unknown fields."""
        operation = self.operation(method, path)
        if operation is None:
            if self:
                yield f"{method} {path} is not described"
            return
        yield from self.misfits(self._body_schema(operation, media), body)

    def answer_misfits(self, method: str, path: str, status: int, body: Any) -> Iterator[str]:
        """What is wrong with an answer: for the fake's own tests."""
        operation = self.operation(method, path)
        if operation is None:
            if self:
                yield f"{method} {path} is not described"
            return
        responses = operation["responses"]
        found = self._resolve(responses.get(str(status)) or responses.get("default") or {})
        if str(status) not in responses and "default" not in responses:
            yield f"{method} {path} does not answer {status}"
        content = found.get("content", {})
        if content:
            yield from self.misfits(next(iter(content.values()))["schema"], body)

    def misfits(self, schema: Body, value: Any) -> Iterator[str]:
        """What is wrong with a value, one line each."""
        judge = Draft202012Validator({**_draft(schema), "components": self._components})
        for error in judge.iter_errors(value):
            where = ".".join(str(step) for step in error.absolute_path)
            yield f"{where or 'body'}: {error.message[:200]}"
        yield from self._unknown(schema, value, "")

    def schema(self, name: str) -> Body:
        """A schema by its name, to hand to `misfits`."""
        return {"$ref": f"#/components/schemas/{name}"} if self else {}

    def _body_schema(self, operation: Body, media: str) -> Body:
        content = self._resolve(operation.get("requestBody", {})).get("content", {})
        return dict(content.get(media, {}).get("schema", {}))

    def _resolve(self, value: Body) -> Body:
        while isinstance(value, dict) and isinstance(value.get("$ref"), str):
            found: Any = self.document
            for step in value["$ref"].removeprefix("#/").split("/"):
                found = found[step.replace("~1", "/").replace("~0", "~")]
            value = found
        return value

    def _flat(self, schema: Body) -> Body:
        """A schema with the properties of its parts; empty where several shapes are possible."""
        schema = self._resolve(schema)
        if "anyOf" in schema or "oneOf" in schema:
            return {}
        found = dict(schema)
        for part in schema.get("allOf", ()):
            inner = self._flat(part)
            found["properties"] = {**inner.get("properties", {}), **found.get("properties", {})}
        return found

    def _unknown(self, schema: Body, value: Any, where: str) -> Iterator[str]:
        flat = self._flat(schema)
        if isinstance(value, list):
            for n, item in enumerate(value):
                yield from self._unknown(flat.get("items", {}), item, f"{where}[{n}]")
        if not isinstance(value, dict) or not flat.get("properties"):
            return
        for name, inner in value.items():
            found = flat["properties"].get(name)
            if found is not None:
                yield from self._unknown(found, inner, f"{where}.{name}")
            elif "additionalProperties" not in flat:
                yield f"{where.strip('.') or 'body'}: {name} is not described"


def _pattern(path: str) -> str:
    parts = re.split(r"(\{[^}]+\})", path)
    return "".join("[^/]+" if part.startswith("{") else re.escape(part) for part in parts)


def _draft(found: Any) -> Any:
    """The same with `nullable` said as type null."""
    if isinstance(found, list):
        return [_draft(each) for each in found]
    if not isinstance(found, dict):
        return found
    made = {name: _draft(inner) for name, inner in found.items() if name != "nullable"}
    if found.get("nullable") is not True:
        return made
    return {"anyOf": [made, {"type": "null"}]}
