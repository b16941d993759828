"""Forms as Stripe reads them: `a[b][0][c]=1` into objects, held against the published description.

A form knows only text; what the description calls a number or a truth is read as one first. Without
the description every form is taken, and the log says so once.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl

from jsonschema import Draft202012Validator

from tests.fakes.openapi import FORM, Body, Description, described

NEWER: dict[tuple[str, str], Body] = {
    ("POST", "/v1/payment_links"): {
        "restrictions": {
            "type": "object",
            "additionalProperties": False,
            "required": ["completed_sessions"],
            "properties": {
                "completed_sessions": {
                    "type": "object",
                    "additionalProperties": False,
                    "required": ["limit"],
                    "properties": {"limit": {"type": "integer"}},
                }
            },
        }
    },
}
"""What forms take since the description was published: from the parameters of stripe 16.1.0."""
NEWER_READS: Mapping[str, set[str]] = {
    "/v1/invoice_payments": {"invoice", "limit", "payment", "status", "starting_after"},
    "/v1/account": set(),
}
"""What is read and not in the description, with what it is asked by: lists that there are since then,
and the account of the key, https://docs.stripe.com/api/accounts/retrieve (read 2026-11-22)."""
_PART = re.compile(r"\[([^\[\]]*)\]")


def api() -> Description:
    """The description."""
    return described("stripe")


def decode(text: str) -> Body:
    """The objects that a form writes flat; lists are those whose names are 0, 1, 2 …"""
    root: Body = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        head, bracket, rest = name.partition("[")
        steps = [head, *_PART.findall(bracket + rest)]
        node = root
        for step in steps[:-1]:
            node = node.setdefault(step, {})
        node[steps[-1]] = value
    found: Body = _listed(root)
    return found


def _listed(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    made = {name: _listed(inner) for name, inner in node.items()}
    if made and list(made) == [str(n) for n in range(len(made))]:
        return list(made.values())
    return made


def read(method: str, path: str, form: Body) -> tuple[Body, list[str]]:
    """The form with its numbers and truths, and what is wrong with it."""
    operation = api().operation(method, path)
    if operation is None:
        return form, [f"{method} {path} is not described"] if api() else []
    schema = operation.get("requestBody", {}).get("content", {}).get(FORM, {}).get("schema", {})
    if newer := NEWER.get((method, path)):
        schema = {**schema, "properties": {**schema["properties"], **newer}}
    typed: Body = _typed(schema, form)
    return typed, list(_misfits(schema, typed))


def _misfits(schema: Body, value: Any) -> Iterator[str]:
    for error in Draft202012Validator(schema).iter_errors(value):
        where = ".".join(str(step) for step in error.absolute_path)
        yield f"{where or 'form'}: {error.message[:200]}"


def _typed(schema: Body, value: Any) -> Any:
    if options := schema.get("anyOf"):
        for option in options:
            made = _typed(option, value)
            if not list(_misfits(option, made)):
                return made
        return value
    kind = schema.get("type")
    if isinstance(value, dict):
        inner, more = schema.get("properties", {}), schema.get("additionalProperties")
        rest = more if isinstance(more, dict) else {}
        return {name: _typed(inner.get(name, rest), each) for name, each in value.items()}
    if isinstance(value, list):
        return [_typed(schema.get("items", {}), each) for each in value]
    if kind == "integer" and re.fullmatch(r"-?\d+", value):
        return int(value)
    if kind == "number" and re.fullmatch(r"-?\d+(\.\d+)?", value):
        return float(value)
    if kind == "boolean" and value in ("true", "false"):
        return value == "true"
    return value
