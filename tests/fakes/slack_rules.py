"""What Slack accepts: arguments of its methods, blocks, views, rates, scopes.

Arguments come from the vendor's own description (`slack-web-api.json`). It is of 2021, so what came
later stands in `LATER`, from slack-sdk 3.46 and docs.slack.dev/reference/methods (read 2026-11-21). Limits of blocks:
docs.slack.dev/reference/block-kit/blocks; rates: docs.slack.dev/apis/web-api/rate-limits.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

from aiohttp import web

from tests.published import document

_JSON_FIELDS = ("blocks", "attachments", "metadata", "view", "files", "chunks", "prompts")

Body = dict[str, Any]

LATER: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "apps.connections.open": ((), ()),
    "assistant.threads.setStatus": (
        ("channel_id", "thread_ts", "status"),
        ("loading_messages", "icon_emoji", "icon_url", "username"),
    ),
    "assistant.threads.setTitle": (("channel_id", "thread_ts", "title"), ()),
    "assistant.threads.setSuggestedPrompts": (
        ("channel_id", "prompts"),
        ("thread_ts", "title"),
    ),
    "chat.startStream": (
        ("channel", "thread_ts"),
        (
            "markdown_text",
            "chunks",
            "recipient_team_id",
            "recipient_user_id",
            "task_display_mode",
            "icon_emoji",
            "icon_url",
            "username",
        ),
    ),
    "chat.appendStream": (("channel", "ts"), ("markdown_text", "chunks")),
    "chat.stopStream": (
        ("channel", "ts"),
        ("markdown_text", "chunks", "blocks", "metadata", "session_status"),
    ),
    "chat.postMessage": ((), ("metadata", "markdown_text", "agent_id")),
    "chat.update": ((), ("metadata", "markdown_text", "file_ids", "reply_broadcast")),
    "chat.postEphemeral": ((), ("markdown_text",)),
    "conversations.history": ((), ("include_all_metadata",)),
    "conversations.replies": ((), ("include_all_metadata",)),
    "files.getUploadURLExternal": (("filename", "length"), ("alt_txt", "snippet_type")),
    "files.completeUploadExternal": (
        ("files",),
        ("channel_id", "channels", "initial_comment", "thread_ts", "blocks"),
    ),
    "views.publish": ((), ("interactivity_pointer",)),
}
"""Method → (required, optional) beside what the description has."""

LOOSE = {"conversations.history": ("channel",), "conversations.replies": ("channel", "ts")}
"""What is required though the description of 2021 does not say so."""

SCOPES: Mapping[str, str] = {
    "chat.postMessage": "chat:write",
    "chat.update": "chat:write",
    "chat.delete": "chat:write",
    "chat.postEphemeral": "chat:write",
    "chat.startStream": "chat:write",
    "chat.appendStream": "chat:write",
    "chat.stopStream": "chat:write",
    "reactions.add": "reactions:write",
    "reactions.get": "reactions:read",
    "files.info": "files:read",
    "users.conversations": "channels:read",
    "files.getUploadURLExternal": "files:write",
    "files.completeUploadExternal": "files:write",
    "bots.info": "users:read",
    "users.info": "users:read",
    "users.list": "users:read",
    "users.lookupByEmail": "users:read.email",
    "conversations.open": "im:write",
}
HISTORY = {"C": "channels:history", "G": "groups:history", "D": "im:history"}
"""By the first letter of the conversation."""

TIER: Mapping[str, int] = {
    "apps.connections.open": 1,
    "chat.stopStream": 20,
    "views.publish": 100,
    "views.open": 100,
    "views.update": 100,
    "chat.update": 50,
    "chat.delete": 50,
    "chat.postEphemeral": 100,
    "conversations.history": 50,
    "conversations.replies": 50,
    "conversations.info": 50,
    "users.info": 100,
    "users.list": 20,
    "reactions.add": 50,
    "files.info": 100,
}
"""Calls of a method in a minute; `chat.postMessage` is one a second in a conversation."""
BURST = 6
"""How many messages may go at once in one conversation: Slack allows short bursts."""

MAX_TEXT, MAX_BLOCKS, MAX_ALL_BLOCKS, MAX_MARKDOWN = 40_000, 50, 13_200, 12_000
_STRINGS = ("text", "channel", "user", "ts", "thread_ts", "markdown_text", "status", "title")


@cache
def described() -> Mapping[str, Any]:
    """The published description; empty, saying so, where it is not."""
    found = (document("slack-web-api.json") or {"paths": {}})["paths"]
    return {
        name.removeprefix("/"): next(iter(item.values())).get("parameters", [])
        for name, item in found.items()
    }


def misfits(method: str, body: Body) -> Iterator[str]:
    """What Slack would not take of the arguments of a method."""
    parameters = described().get(method)
    required, optional = LATER.get(method, ((), ()))
    # slack-bolt adds `team_id` to every call; a token of one workspace makes Slack ignore it.
    names = {*required, *optional, "token", "team_id"}
    for item in parameters or ():
        names.add(item["name"])
        if item.get("required") and item["name"] != "token":
            required = (*required, item["name"])
    for name in (*required, *LOOSE.get(method, ())):
        if body.get(name) in (None, ""):
            if not (method == "assistant.threads.setStatus" and name == "status"):
                yield f"{method}: {name} is missing"
    if parameters is not None or (described() and method in LATER):
        for name in sorted(set(body) - names):
            yield f"{method}: no such argument: {name}"
    for name in _STRINGS:
        if name in body and not isinstance(body[name], str | None) and method != "views.open":
            yield f"{method}: {name} is not text"


def message_error(body: Body) -> str:
    """Slack's word for what is wrong with a message; empty when nothing is."""
    blocks = body.get("blocks") or []
    if not isinstance(blocks, list):
        return "invalid_blocks_format"
    text, markdown = body.get("text") or "", body.get("markdown_text") or ""
    if markdown and (text or blocks):
        return "markdown_text_conflict"
    if len(markdown) > MAX_MARKDOWN or len(text) > MAX_TEXT:
        return "msg_too_long"
    if not (text.strip() or markdown.strip() or blocks or body.get("attachments")):
        return "no_text"
    metadata = body.get("metadata")
    if metadata is not None and not (
        isinstance(metadata, dict)
        and isinstance(metadata.get("event_type"), str)
        and isinstance(metadata.get("event_payload"), dict)
    ):
        return "invalid_metadata_format"
    if len(json.dumps(blocks, ensure_ascii=False)) > MAX_ALL_BLOCKS:
        return "msg_blocks_too_long"
    return ""


def block_misfits(blocks: list[Body], most: int = MAX_BLOCKS) -> Iterator[str]:
    """What Slack would not take of blocks (`invalid_blocks`)."""
    if len(blocks) > most:
        yield f"{len(blocks)} blocks"
    seen: set[str] = set()
    for block in blocks:
        kind = block.get("type", "")
        check = _BLOCKS.get(kind)
        if check is None:
            yield f"no block of type {kind!r}"
            continue
        name = block.get("block_id", "")
        if len(name) > 255 or (name and name in seen):
            yield f"block_id {name!r} is too long or there twice"
        seen.add(name)
        yield from check(block)


def view_misfits(view: Body) -> Iterator[str]:
    """What Slack would not take of a view."""
    if view.get("type") not in ("modal", "home"):
        yield f"no view of type {view.get('type')!r}"
    if view.get("type") == "modal":
        yield from _words(view.get("title"), 24, "title of a view", plain=True)
        for name in ("submit", "close"):
            if name in view:
                yield from _words(view[name], 24, f"{name} of a view", plain=True)
    if len(view.get("private_metadata", "")) > 3000 or len(view.get("callback_id", "")) > 255:
        yield "private_metadata or callback_id of a view is too long"
    blocks = view.get("blocks") or []
    if not blocks:
        yield "a view without blocks"
    if any(block.get("type") == "input" for block in blocks) and not view.get("submit"):
        yield "a view with inputs needs submit"
    yield from block_misfits(blocks, 100)


def _words(found: Any, most: int, where: str, plain: bool = False) -> Iterator[str]:
    if not isinstance(found, dict) or found.get("type") not in ("plain_text", "mrkdwn"):
        yield f"{where} is no text object"
        return
    if plain and found["type"] != "plain_text":
        yield f"{where} must be plain_text"
    if not 1 <= len(found.get("text") or "") <= most:
        yield f"{where} has {len(found.get('text') or '')} characters of 1 to {most}"


def _header(block: Body) -> Iterator[str]:
    yield from _words(block.get("text"), 150, "a header", plain=True)


def _section(block: Body) -> Iterator[str]:
    if "text" in block:
        yield from _words(block["text"], 3000, "a section")
    fields = block.get("fields") or []
    if not fields and "text" not in block:
        yield "a section without text or fields"
    if len(fields) > 10:
        yield "more than 10 fields"
    for item in fields:
        yield from _words(item, 2000, "a field")
    if "accessory" in block:
        yield from _element(block["accessory"])


def _actions(block: Body) -> Iterator[str]:
    elements = block.get("elements") or []
    if not 1 <= len(elements) <= 25:
        yield f"{len(elements)} elements of actions"
    names = [item.get("action_id") for item in elements if item.get("action_id")]
    if len(set(names)) < len(names):
        yield "an action_id is there twice in one block"
    for item in elements:
        yield from _element(item)


def _context(block: Body) -> Iterator[str]:
    if not 1 <= len(block.get("elements") or []) <= 10:
        yield "context needs 1 to 10 elements"
    for item in block.get("elements") or []:
        if item.get("type") != "image":
            yield from _words(item, 2000, "an element of context")


def _input(block: Body) -> Iterator[str]:
    yield from _words(block.get("label"), 2000, "the label of an input", plain=True)
    if "hint" in block:
        yield from _words(block["hint"], 2000, "the hint of an input", plain=True)
    element = block.get("element") or {}
    if element.get("type") == "plain_text_input":
        most = element.get("max_length", 3000)
        if not 1 <= most <= 3000 or len(element.get("initial_value") or "") > most:
            yield "the text of an input is longer than 3,000 characters"
    yield from _element(element)


def _markdown(block: Body) -> Iterator[str]:
    if not 1 <= len(block.get("text") or "") <= MAX_MARKDOWN:
        yield "the text of a markdown block has not 1 to 12,000 characters"


def _image(block: Body) -> Iterator[str]:
    if not block.get("alt_text") or len(block.get("image_url", "")) > 3000:
        yield "an image needs alt_text and an address of at most 3,000 characters"


def _rich(block: Body) -> Iterator[str]:
    kinds = {
        "rich_text_section": _SPANS,
        "rich_text_preformatted": _SPANS,
        "rich_text_quote": _SPANS,
        "rich_text_list": ("rich_text_section",),
    }
    for part in block.get("elements") or [{"type": "nothing"}]:
        inner = kinds.get(part.get("type", ""))
        if inner is None:
            yield f"no rich text of type {part.get('type')!r}"
            continue
        for span in part.get("elements") or []:
            if span.get("type") not in inner:
                yield f"no element {span.get('type')!r} in {part['type']}"
            if span.get("type") == "text" and not span.get("text"):
                yield "a text element without text"


def _feedback(block: Body) -> Iterator[str]:
    for item in block.get("elements") or [{"type": "nothing"}]:
        if item.get("type") not in ("feedback_buttons", "icon_button"):
            yield f"no {item.get('type')!r} in context_actions"
        for name in ("positive_button", "negative_button"):
            if item.get("type") == "feedback_buttons":
                yield from _words(item.get(name, {}).get("text"), 75, name, plain=True)


def _element(item: Body) -> Iterator[str]:
    kind = item.get("type", "")
    if len(item.get("action_id", "")) > 255:
        yield "an action_id is longer than 255"
    if kind == "button":
        yield from _words(item.get("text"), 75, "a button", plain=True)
        if len(item.get("value", "")) > 2000 or len(item.get("url", "")) > 3000:
            yield "the value or address of a button is too long"
        if item.get("style", "primary") not in ("primary", "danger"):
            yield f"no style {item.get('style')!r} of a button"
        if "value" in item and not item["value"]:
            yield "the value of a button is empty"
    elif "select" in kind or kind in ("radio_buttons", "checkboxes", "overflow"):
        most = {"overflow": 5, "radio_buttons": 10, "checkboxes": 10}.get(kind, 100)
        options = item.get("options") or []
        if not 1 <= len(options) <= most:
            yield f"{len(options)} options of 1 to {most}"
        for option in options:
            yield from _words(option.get("text"), 75, "an option")
            if not 1 <= len(option.get("value") or "") <= 150:
                yield "the value of an option has not 1 to 150 characters"
        if "initial_option" in item and item["initial_option"] not in options:
            yield "initial_option is none of the options"
    elif kind not in _ELEMENTS:
        yield f"no element of type {kind!r}"


_SPANS = (
    *("text", "emoji", "link", "user", "channel", "usergroup", "broadcast", "date", "color"),
    "team",
)
_ELEMENTS = ("plain_text_input", "image", "datepicker", "timepicker", "email_text_input")
_BLOCKS: Mapping[str, Callable[[Body], Iterator[str]]] = {
    "header": _header,
    "section": _section,
    "actions": _actions,
    "context": _context,
    "context_actions": _feedback,
    "input": _input,
    "markdown": _markdown,
    "image": _image,
    "rich_text": _rich,
    "divider": lambda block: iter(()),
}


async def arguments(request: web.Request) -> Body:
    """The arguments of a call, from the query, a form or JSON. ValueError for what is neither."""
    body: Body = {name: _read(name, text) for name, text in request.query.items()}
    if request.content_type == "application/json":
        found = await request.json() if request.can_read_body else {}
        if not isinstance(found, dict):
            raise ValueError("the body is no object")
        return {**body, **found}
    for name, value in (await request.post()).items():
        body[name] = _read(name, value if isinstance(value, str) else "")
    return body


def _read(name: str, text: str) -> Any:
    return json.loads(text) if name in _JSON_FIELDS and text[:1] in ("[", "{") else text
