"""What callers of OpenAI's chat API send, and the shapes that they read.

A body is read leniently where it only tunes a model, which an agent does itself, and refused where
what it asks for would silently not happen. Source: platform.openai.com/docs/api-reference/chat
(read 2026-11-21).
"""

import hashlib
from collections.abc import Mapping

from bot.core.canonical import Json
from bot.frozen import frozen
from bot.store.rows import dumps
from bot.web.body import MAX_TEXT, BadBody

MAX_HISTORY = 50
MAX_HISTORY_CHARS = 60_000
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool"})
_TOOLS = ("tools", "functions", "tool_choice", "function_call")


@frozen
class Asked:
    """What a caller asks for."""

    model: str
    text: str
    history: tuple[Mapping[str, Json], ...]
    stream: bool
    with_usage: bool


@frozen
class Reply:
    """One answer under way."""

    turn: str
    conv: str
    model: str
    created: int
    """Seconds since 1970."""

    def chunk(self, delta: Mapping[str, Json], finish: str | None = None) -> str:
        """One piece of a streamed answer."""
        choice: Json = {"index": 0, "delta": delta, "finish_reason": finish}
        return dumps({**self.head("chat.completion.chunk"), "choices": [choice]})

    def head(self, kind: str) -> dict[str, Json]:
        """What every answer and piece begins with."""
        return {
            "id": f"chatcmpl-{self.turn}",
            "object": kind,
            "created": self.created,
            "model": self.model,
        }


def read(values: Mapping[str, Json]) -> Asked:
    """What a body asks for. Raises BadBody for what cannot be done here."""
    for name in _TOOLS:
        if values.get(name) not in (None, [], "none", "auto"):
            raise BadBody(f"`{name}` cannot be given here: an agent has the tools of its own file.")
    if values.get("n") not in (None, 1):
        raise BadBody("`n` is 1: a message has one answer.")
    model = values.get("model")
    if not isinstance(model, str) or not model:
        raise BadBody("`model` is the name of an agent. `/v1/models` lists them.")
    sent = values.get("messages")
    if not isinstance(sent, list) or not sent:
        raise BadBody("`messages` is a list of messages, with at least one in it.")
    said = [_message(item) for item in sent]
    last = max((i for i, item in enumerate(said) if item["role"] == "user"), default=None)
    if last is None or not said[last]["content"].strip():
        raise BadBody("`messages` holds nothing that a user says.")
    if len(said[last]["content"]) > MAX_TEXT:
        raise BadBody(f"The message is longer than {MAX_TEXT:,} characters.")
    options = values.get("stream_options")
    return Asked(
        model=model,
        text=said[last]["content"],
        history=_cut(said[:last]),
        stream=values.get("stream") is True,
        with_usage=isinstance(options, Mapping) and options.get("include_usage") is True,
    )


def thread_of(named: str) -> str:
    """The thread that a caller's own name for a conversation stands for; empty for none."""
    if not named:
        return ""
    return "x" + hashlib.sha256(named.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def missing(sent: str, text: str) -> str:
    """What is left to send of an answer of which a draft was sent."""
    seen = sent.strip()
    if text.startswith(sent.lstrip()):
        return text[len(sent.lstrip()) :]
    if text.startswith(seen):
        return text[len(seen) :]
    return "" if text and seen.endswith(text) else f"\n\n{text}"


def _message(item: Json) -> dict[str, str]:
    if not isinstance(item, Mapping) or item.get("role") not in _ROLES:
        raise BadBody("Each message has a `role` and a `content`.")
    return {"role": str(item["role"]), "content": _content(item.get("content"))}


def _content(content: Json) -> str:
    if content is None:
        return ""
    if isinstance(content, str):
        return content.replace("\x00", "")
    if not isinstance(content, list):
        raise BadBody("`content` is a text, or a list of parts of type `text`.")
    texts: list[str] = []
    for part in content:
        if not isinstance(part, Mapping) or part.get("type") != "text":
            raise BadBody("Only parts of type `text` are understood here.")
        texts.append(str(part.get("text", "")))
    return "\n".join(texts).replace("\x00", "")


def _cut(said: list[dict[str, str]]) -> tuple[Mapping[str, Json], ...]:
    """The newest of what was sent before, as much as is worth carrying."""
    kept: list[Mapping[str, Json]] = []
    room = MAX_HISTORY_CHARS
    for item in reversed(said[-MAX_HISTORY:]):
        if not item["content"]:
            continue
        room -= len(item["content"])
        if room < 0:
            break
        kept.append(dict(item))
    return tuple(reversed(kept))
