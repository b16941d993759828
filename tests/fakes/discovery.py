"""A description in Google's discovery format, as the judge of what a client sends and a fake answers.

The files lie where `openapi.py` looks for them; without them every question is answered with
"nothing wrong". Unknown parameters and unknown properties are wrong here, whatever Google does.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import unquote

from tests.published import document

Body = dict[str, Any]
_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "object": (dict,),
}


@cache
def discovered(name: str) -> "Discovery":
    """The description of that file name, without `.json`, read once."""
    return Discovery(document(f"{name}.json") or {})


class Discovery:
    """The methods and schemas of one file."""

    def __init__(self, document: Body) -> None:
        self.document = document
        self._methods = list(_methods(document.get("resources", {})))

    def __bool__(self) -> bool:
        return bool(self.document)

    def method(self, verb: str, path: str) -> Body | None:
        """The method of a verb and a path; fixed paths before those with names in them."""
        base = self.document.get("basePath") or "/"
        for each in sorted(self._methods, key=lambda each: each["path"].count("{")):
            pattern = re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(base + each["path"]))
            if each["httpMethod"] == verb and re.fullmatch(pattern, path):
                return dict(each)
        return None

    def request_misfits(
        self, verb: str, path: str, query: Mapping[str, str], body: Any
    ) -> Iterator[str]:
        """What is wrong with a request. `path` as it was sent, not decoded."""
        if not self:
            return
        found = self.method(verb, path)
        if found is None:
            yield f"{verb} {unquote(path)} is not described"
            return
        known = {**self.document["parameters"], **found.get("parameters", {})}
        for name, value in query.items():
            rule = known.get(name)
            if rule is None or rule["location"] != "query":
                yield f"{found['id']}: no parameter {name}"
            else:
                yield from (f"{found['id']}: {name} {wrong}" for wrong in _parameter(rule, value))
        if "request" not in found:
            if body is not None:
                yield f"{found['id']} takes no body"
            return
        schema = self.document["schemas"][found["request"]["$ref"]]
        yield from self.misfits(schema, body, found["id"])
        for name, rule in schema["properties"].items():
            if found["id"] in rule.get("annotations", {}).get("required", ()) and name not in body:
                yield f"{found['id']}: {name} is lacking"

    def answer_misfits(self, verb: str, path: str, body: Any) -> Iterator[str]:
        """What is wrong with an answer: for the fake's own tests."""
        found = self.method(verb, path) if self else None
        if found and "response" in found:
            yield from self.misfits({"$ref": found["response"]["$ref"]}, body, f"{found['id']}→")

    def misfits(self, schema: Body, value: Any, where: str) -> Iterator[str]:
        """What is wrong with a value; null takes a property away and fits everywhere."""
        if "$ref" in schema:
            schema = self.document["schemas"][schema["$ref"]]
        if value is None and where.count(".") > 2:  # below `calendar.events.patch`
            return
        kinds = _TYPES[schema.get("type", "object")]
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            yield f"{where}: {value!r:.60} is no {schema.get('type')}"
        elif isinstance(value, list):
            for n, item in enumerate(value):
                yield from self.misfits(schema["items"], item, f"{where}[{n}]")
        elif isinstance(value, dict):
            for name, inner in value.items():
                rule = schema.get("properties", {}).get(name, schema.get("additionalProperties"))
                if rule is None:
                    yield f"{where}: {name} is not described"
                else:
                    yield from self.misfits(rule, inner, f"{where}.{name}")
        elif schema.get("format") == "date-time" and not _STAMP.fullmatch(value):
            yield f"{where}: {value!r} is no RFC 3339 time with an offset"
        elif schema.get("format") == "date" and not _DAY.fullmatch(value):
            yield f"{where}: {value!r} is no date"


_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_DAY = re.compile(r"\d{4}-\d\d-\d\d")


def _methods(resources: Body) -> Iterator[Body]:
    for resource in resources.values():
        yield from resource.get("methods", {}).values()
        yield from _methods(resource.get("resources", {}))


def _parameter(rule: Body, value: str) -> Iterator[str]:
    if "enum" in rule and value not in rule["enum"]:
        yield f"is none of {rule['enum']}"
    if rule["type"] == "boolean" and value not in ("true", "false"):
        yield f"{value!r} is no boolean"
    if rule["type"] == "integer":
        least, most = int(rule.get("minimum", 0)), int(rule.get("maximum", 2**31))
        if not value.isdigit() or not least <= int(value) <= most:
            yield f"{value!r} is no integer from {least} to {most}"
    if rule.get("format") == "date-time" and not _STAMP.fullmatch(value):
        yield f"{value!r} is no RFC 3339 time with an offset"
