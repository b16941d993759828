"""Bodies of requests, parsed strictly: what is odd is refused with a reason, and nothing is stored.

UTF-8 without a byte-order mark, one object, no key twice, no NaN, no depth or crowd of keys that
nobody writes by hand. Size, depth and number of keys are known before a single value is made, so
that no body costs more memory than a small multiple of its own length.
"""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import NoReturn

from aiohttp import web

from bot.core.canonical import Json
from bot.core.errors import Invalid, UserError

MAX_DEPTH = 64
MAX_KEYS = 10_000
MAX_VALUES = 50_000
READ_S = 30.0
"""How long a body may take to arrive."""
MAX_TEXT = 200_000
"""Characters of one message."""

_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)
_BRACKET = re.compile(r"[\[\]{}]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class BadBody(UserError):
    """The body is not what this address takes."""


class WrongType(UserError):
    """This address takes JSON: send `Content-Type: application/json`."""

    status = 415


class TooLarge(UserError):
    """The body is too large."""

    status = 413


class TooSlow(UserError):
    """The body took too long to arrive."""

    status = 408


async def read_json(request: web.Request) -> dict[str, Json]:
    """Return the one object of a JSON body. Raises BadBody, WrongType, TooLarge, TooSlow."""
    if request.content_type != "application/json":
        raise WrongType
    if (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise WrongType("JSON is UTF-8 and nothing else.")
    if "Content-Encoding" in request.headers:
        raise WrongType("Send the body as it is, not compressed.")
    return parse(await _read(request))


async def _read(request: web.Request) -> bytes:
    most = request.client_max_size
    if (request.content_length or 0) > most:
        raise TooLarge(f"The body is too large: {most:,} bytes is the most.")
    try:
        if request.content.is_eof():
            return await request.read()
        async with asyncio.timeout(READ_S):
            return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise TooLarge(f"The body is too large: {most:,} bytes is the most.") from None
    except TimeoutError:
        raise TooSlow from None


def parse(body: bytes) -> dict[str, Json]:
    """Return the one object of a JSON text. Raises BadBody."""
    if not body:
        raise BadBody("The body is empty; a JSON object was expected.")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadBody(f"The body is not UTF-8 (byte {error.start}).") from None
    if text.startswith("\ufeff"):
        raise BadBody("The body begins with a byte-order mark; leave it out.")
    _measure(text)
    try:
        value = _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        reason = error.msg if isinstance(error, json.JSONDecodeError) else "a number too long"
        raise BadBody(f"The body is not JSON: {reason}.") from None
    if not isinstance(value, dict):
        raise BadBody("The body is JSON, but no object.")
    if _SURROGATE.search(text):
        _check_text(value)
    return value


def _measure(text: str) -> None:
    """Refuse what is deep or crowded, by its brackets, colons and commas outside of strings."""
    if text.count("{") + text.count("[") + text.count(",") <= MAX_DEPTH:
        return
    bare = _STRING.sub("", text)
    if bare.count(":") > MAX_KEYS:
        raise BadBody(f"The body has more than {MAX_KEYS:,} keys.")
    openers = bare.count("{") + bare.count("[")
    if bare.count(",") + openers > MAX_VALUES:
        raise BadBody(f"The body has more than {MAX_VALUES:,} values.")
    if openers <= MAX_DEPTH:
        return
    depth = 0
    for bracket in _BRACKET.findall(bare):
        depth += 1 if bracket in "{[" else -1
        if depth > MAX_DEPTH:
            raise BadBody(f"The body is nested more than {MAX_DEPTH} deep.")


def _pairs(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        twice = next(key for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        raise BadBody(f"The key `{twice[:50]}` stands there twice.")
    return made


def _no_constant(name: str) -> NoReturn:
    raise BadBody(f"{name} is no JSON number.")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise BadBody(f"The number {text[:20]} is too large.")
    return value


_DECODER = json.JSONDecoder(
    object_pairs_hook=_pairs, parse_constant=_no_constant, parse_float=_finite
)


def _check_text(value: Json) -> None:
    """Half of a surrogate pair is no character and could be stored nowhere."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise BadBody("The body holds half of a surrogate pair, which is no character.") from None


class Fields:
    """The fields of a body, taken one by one; a field that nobody knows is a mistake."""

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, Json], known: Sequence[str]) -> None:
        for name in values:
            if name not in known:
                near = get_close_matches(name, known, n=1)
                hint = f" Did you mean `{near[0]}`?" if near else ""
                raise Invalid(f"There is no field `{name[:50]}` here.{hint}", field=name[:50])
        self._values = values

    def text(
        self, name: str, default: str | None = None, *, most: int = 200, lines: bool = False
    ) -> str:
        """A text of at most so many characters; required unless it has a default."""
        value = self._values.get(name)
        if value is None:
            if default is None:
                raise Invalid(f"`{name}` is missing.", field=name)
            return default
        if not isinstance(value, str):
            raise Invalid(f"`{name}` is a text.", field=name)
        if len(value) > most:
            raise Invalid(f"`{name}` is longer than {most:,} characters.", field=name)
        if "\x00" in value or (not lines and _CONTROL.search(value)):
            raise Invalid(f"`{name}` holds control characters.", field=name)
        if default is None and not value.strip():
            raise Invalid(f"`{name}` is empty.", field=name)
        return value

    def number(self, name: str, default: int | None = None) -> int | None:
        """A whole number."""
        value = self._values.get(name)
        if value is None:
            return default
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) >= 2**63:
            raise Invalid(f"`{name}` is a whole number.", field=name)
        return value

    def truth(self, name: str, *, default: bool) -> bool:
        """True or false."""
        value = self._values.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise Invalid(f"`{name}` is true or false.", field=name)
        return value

    def choice(self, name: str, among: Sequence[str], default: str | None = None) -> str:
        """One of a few words."""
        value = self.text(name, default)
        if value not in among:
            raise Invalid(f"`{name}` is one of: {', '.join(among)}.", field=name)
        return value

    def texts(self, name: str, most: int) -> list[str]:
        """A list of texts."""
        value = self._values.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise Invalid(f"`{name}` is a list of texts.", field=name)
        if len(value) > most:
            raise Invalid(f"`{name}` has more than {most} items.", field=name)
        return [str(item) for item in value]

    def json(self, name: str) -> Json:
        """Whatever stands there."""
        return self._values.get(name)
