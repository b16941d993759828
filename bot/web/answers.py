"""Answers: JSON out, errors as sentences, lists with a place to go on from."""

import re
from collections.abc import Mapping, Sequence
from typing import cast

from aiohttp import web

from bot.core.canonical import Json
from bot.core.errors import BotError, Invalid
from bot.store.rows import dumps

MAX_LIMIT = 1000
LATEST = 2**62
"""A time after every other, in microseconds."""
_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")


def answer(data: Mapping[str, Json], status: int = 200) -> web.Response:
    """Return a JSON answer."""
    return web.Response(
        body=dumps(data).encode(), status=status, headers={"Content-Type": "application/json"}
    )


def listed(items: Sequence[Mapping[str, Json]], after: int | None) -> web.Response:
    """Return one page of a list; `after` is where the next one begins, None at the end."""
    return answer({"items": items, "next": after})


def refusal(status: int, code: str, message: str, field: str = "", **more: Json) -> web.Response:
    """Return an error: a word for programs, a sentence with the mend for people."""
    error: dict[str, Json] = {"code": code, "message": message}
    if field:
        error["field"] = field
    return answer({"error": error, **more}, status)


def of_error(error: BotError, **more: Json) -> web.Response:
    """Return the answer that an error of ours stands for."""
    code = _WORDS.sub("_", type(error).__name__).lower()
    field = error.ids.get("field")
    return refusal(error.status, code, error.message, str(field or ""), **more)


def limit_of(request: web.Request, default: int = 100) -> int:
    """How many items are asked for: 1 to 1,000. Raises Invalid."""
    return number(request, "limit", default, 1, MAX_LIMIT)


def number(
    request: web.Request, name: str, default: int, least: int = 0, most: int = LATEST
) -> int:
    """A whole number of the query. Raises Invalid."""
    text = request.query.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= most):
        end = f" to {most:,}" if most != LATEST else " or more"
        raise Invalid(f"`{name}` is a whole number, {least}{end}.", field=name)
    return int(text)


def flag(request: web.Request, name: str) -> bool:
    """A yes or no of the query; anything but 1 or true is no."""
    return request.query.get(name, "") in ("1", "true")


def schema(**properties: Json) -> dict[str, Json]:
    """JSON Schema of an object in which all of these are present."""
    found: dict[str, Json] = {
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }
    return found


def optional(base: Mapping[str, Json], **properties: Json) -> dict[str, Json]:
    """An object's schema with more properties, which may be missing."""
    known = cast("Mapping[str, Json]", base["properties"])  # `schema` put it there
    return {**base, "properties": {**known, **properties}}


def list_of(item: Mapping[str, Json]) -> dict[str, Json]:
    """JSON Schema of one page of a list."""
    return schema(items={"type": "array", "items": item}, next={"type": ["integer", "null"]})


TEXT: dict[str, Json] = {"type": "string"}
MAYBE: dict[str, Json] = {"type": ["string", "null"]}
NUMBER: dict[str, Json] = {"type": "integer"}
TRUTH: dict[str, Json] = {"type": "boolean"}
TIME: dict[str, Json] = {"type": "string", "format": "date-time"}
OBJECT: dict[str, Json] = {"type": "object"}
NAMED = schema(id=TEXT, name=TEXT)
MAYBE_NAMED: dict[str, Json] = {"anyOf": [NAMED, {"type": "null"}]}
