"""What Telegram's published description says of a request, a type and a text.

Without the description (`telegram-bot-api.json`, Bot API 10.1) only the required fields named in
`REQUIRED` are checked. `parse` reads the HTML that `parse_mode` promises, as strictly as Telegram does.
https://core.telegram.org/bots/api (read 2026-11-21)
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from html import unescape
from typing import Any

from tests.published import document

Body = dict[str, Any]
REQUIRED = {
    "sendMessage": ("chat_id", "text"),
    "sendMessageDraft": ("chat_id", "draft_id"),
    "sendChatAction": ("chat_id", "action"),
    "answerCallbackQuery": ("callback_query_id",),
    "deleteMessage": ("chat_id", "message_id"),
    "getFile": ("file_id",),
    "sendDocument": ("chat_id", "document"),
    "sendPhoto": ("chat_id", "photo"),
    "sendVoice": ("chat_id", "voice"),
    "setWebhook": ("url",),
    "setMyCommands": ("commands",),
}
_TEXTS = frozenset(
    {"text", "caption", "callback_query_id", "file_id", "url", "secret_token", "action"}
)
_PLAIN = {"String": str, "Integer": int, "Boolean": bool, "Float": (int, float)}
_TAGS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline",
    "ins": "underline", "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough",
    "tg-spoiler": "spoiler", "span": "spoiler", "a": "text_link", "code": "code", "pre": "pre",
    "blockquote": "blockquote", "tg-emoji": "custom_emoji",
}  # fmt: skip
_TAG = re.compile(
    r"<(/?)([a-zA-Z][a-zA-Z0-9-]*)((?:\s+[a-zA-Z-]+(?:=(?:\"[^\"]*\"|'[^']*'|[^\s>]+))?)*)\s*>"
)
_ATTRIBUTE = re.compile(r"([a-zA-Z-]+)(?:=(?:\"([^\"]*)\"|'([^']*)'|([^\s>]+)))?")
_KNOWN_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|#\d{1,7}|#x[0-9a-fA-F]{1,6});")


class Refusal(Exception):
    """Telegram's answer to what it does not do."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code, self.description, self.parameters = code, description, parameters


def bad(description: str, **parameters: int) -> Refusal:
    """400."""
    return Refusal(400, f"Bad Request: {description}", **parameters)


@cache
def published() -> Mapping[str, Any]:
    """Methods and types as published; empty where the description is not there."""
    return document("telegram-bot-api.json") or {"methods": {}, "types": {}}


def is_method(name: str) -> bool:
    """Whether Telegram has it; anything may be one while the description is missing."""
    methods = published()["methods"]
    return name in methods or not methods


def read(method: str, given: Mapping[str, Any], *, is_json: bool) -> tuple[Body, list[str]]:
    """The parameters with their types, and what does not fit the description.

    Parameters of a form come as text; all but strings are JSON there.
    """
    described = published()["methods"].get(method)
    if described is None:
        lacking = [name for name in REQUIRED.get(method, ()) if given.get(name) in (None, "")]
        body = {k: v if k in _TEXTS else _loose(v) for k, v in given.items()}
        return body, [f"{name} is missing" for name in lacking]
    fields = {each["name"]: each for each in described.get("fields", ())}
    body = {}
    wrong = [f"{method} has no parameter {name}" for name in given if name not in fields]
    for name, each in fields.items():
        if name not in given:
            if each["required"]:
                wrong.append(f"{name} is missing")
            continue
        value = given[name] if is_json else _typed(given[name], each["types"])
        body[name] = value
        if why := misfit(value, each["types"], name):
            wrong.append(why)
    return body, wrong


def _loose(value: Any) -> Any:
    """A text of a form as what it looks like, for want of a description."""
    if isinstance(value, str) and re.fullmatch(r"-?\d+|true|false|[\[{].*", value, re.DOTALL):
        return json.loads(value)
    return value


def _typed(value: Any, types: list[str]) -> Any:
    if not isinstance(value, str):
        return value
    if any(each not in ("String", "InputFile") for each in types):
        try:
            found = json.loads(value)
        except ValueError:
            return value
        if misfit(found, types, "") == "":
            return found
    return value


def misfit(value: Any, types: list[str], where: str) -> str:
    """Why a value is of none of the types; empty when it fits one."""
    whys = [_misfit(value, each, where) for each in types]
    return "" if "" in whys else whys[0]


def _misfit(value: Any, kind: str, where: str) -> str:
    if kind.startswith("Array of "):
        if not isinstance(value, list):
            return f"{where} is no array"
        inner = kind.removeprefix("Array of ")
        return next(
            filter(None, (_misfit(v, inner, f"{where}[{n}]") for n, v in enumerate(value))), ""
        )
    if plain := _PLAIN.get(kind):
        is_right = isinstance(value, plain) and (kind == "Boolean" or not isinstance(value, bool))
        return "" if is_right else f"{where} is no {kind}"
    if kind == "InputFile":
        return "" if isinstance(value, Upload) else f"{where} is no file"
    described = published()["types"].get(kind)
    if described is None:
        return ""
    if subtypes := described.get("subtypes"):
        return misfit(value, subtypes, where)
    if not isinstance(value, dict):
        return f"{where} is no {kind}"
    return _misfit_object(value, described, where)


def _misfit_object(value: Body, described: Mapping[str, Any], where: str) -> str:
    fields = {each["name"]: each for each in described.get("fields", ())}
    for name, each in fields.items():
        if name not in value and each["required"]:
            return f"{where}.{name} is missing"
    for name, inner in value.items():
        if name not in fields:
            return f"{where}.{name} is not known"
        if why := misfit(inner, fields[name]["types"], f"{where}.{name}"):
            return why
    return ""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in a request."""

    name: str
    media_type: str
    data: bytes


@dataclass(slots=True)
class _Open:
    tag: str
    kind: str
    start: int
    extra: Body = field(default_factory=dict)


def units(text: str) -> int:
    """Length in UTF-16 units, as offsets count."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def parse(html: str) -> tuple[str, list[Body]]:
    """Text and entities of a text with tags. Raises Refusal as Telegram does."""
    out, entities, opened, at = "", [], list[_Open](), 0
    while at < len(html):
        if html[at] == "<":
            out, at = _tag(html, at, out, opened, entities)
            continue
        if found := _KNOWN_ENTITY.match(html, at):
            out, at = out + unescape(found[0]), found.end()
            continue
        out, at = out + html[at], at + 1
    if opened:
        raise bad(
            f"can't parse entities: Can't find end tag corresponding to start tag \"{opened[-1].tag}\""
        )
    return out, sorted(entities, key=lambda each: (each["offset"], -each["length"]))


def _tag(
    html: str, at: int, out: str, opened: list[_Open], entities: list[Body]
) -> tuple[str, int]:
    found = _TAG.match(html, at)
    place = f"at byte offset {len(html[:at].encode())}"
    if not found or found[2].lower() not in _TAGS:
        name = found[2] if found else html[at + 1 : at + 10]
        raise bad(f'can\'t parse entities: Unsupported start tag "{name}" {place}')
    tag = found[2].lower()
    if not found[1]:
        opened.append(_Open(tag, _TAGS[tag], units(out), _extra(tag, found[3], place)))
        return out, found.end()
    if not opened or opened[-1].tag != tag:
        raise bad(
            f'can\'t parse entities: Unmatched end tag {place}, expected "{opened[-1].tag if opened else ""}"'
        )
    last = opened.pop()
    if length := units(out) - last.start:
        entities.append({"type": last.kind, "offset": last.start, "length": length, **last.extra})
    return out, found.end()


def _extra(tag: str, attributes: str, place: str) -> Body:
    given = {
        m[1].lower(): unescape(m[2] or m[3] or m[4] or "") for m in _ATTRIBUTE.finditer(attributes)
    }
    if tag == "span" and given.get("class") != "tg-spoiler":
        raise bad(f'can\'t parse entities: Tag "span" must have class "tg-spoiler" {place}')
    if tag == "a":
        return {"url": given.get("href", "")}
    if tag == "code" and given.get("class", "").startswith("language-"):
        return {}
    return {}
