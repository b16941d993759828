"""Between the house's messages and the OpenAI shape, which is what every transport is handed.

Pure: values in, values out, no LiteLLM and no I/O. The answers read here are LiteLLM's objects;
`answers.py` reads those that come as JSON. What some providers want back beside text and
calls (thinking, signatures) is kept in `raw` with the provider's name, and goes back unchanged to
that provider only: others would refuse it. Broken arguments stay as the model wrote them in the
house's record and leave as `{}`, because some routes parse them.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agents.runtime.failures import CutOff
from bot.core.canonical import Json
from bot.core.model import ModelMessage, ModelTool, ToolCall
from bot.frozen import frozen

Wire = dict[str, Any]
"""A message, tool or call as it leaves, in OpenAI's shape."""

MAX_CHARS = 1_000_000
"""What is kept of one answer; a model that goes on is cut off there."""
CHARS_PER_TOKEN = 4
"""A rough count that needs no tokenizer; English has a little more."""
_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FINISHES = {"stop", "length", "tool_calls", "content_filter"}
WANTED_BACK: Mapping[str, tuple[str, ...]] = {
    "anthropic": ("thinking_blocks",),
    "gemini": ("thinking_blocks", "provider_specific_fields"),
    "deepseek": ("reasoning_content",),
    "openrouter": ("reasoning_details",),
}
"""Fields of an assistant's message that a provider wants to see again, as LiteLLM names them. On
the OpenAI-shaped routes LiteLLM sends every field as it is, and OpenAI refuses unknown ones:
https://docs.claude.com/en/docs/build-with-claude/extended-thinking,
https://ai.google.dev/gemini-api/docs/thought-signatures,
https://api-docs.deepseek.com/guides/thinking_mode,
https://openrouter.ai/docs/use-cases/reasoning-tokens (read 2026-11-21)."""


def to_wire(messages: Sequence[ModelMessage], provider: str) -> list[Wire]:
    """The conversation as `provider` is shown it."""
    sent: list[Wire] = []
    own: set[str] = set()
    for message in messages:
        if message.role == "assistant":
            kept = _raw_for(message, provider)
            if kept is not None:
                own.update(call.id for call in message.tool_calls)
                sent.append(kept)
            elif message.tool_calls or message.content:
                sent.append(_assistant(message))
        elif message.role == "tool":
            id_ = message.tool_call_id
            id_ = id_ if id_ in own else plain_id(id_)
            sent.append({"role": "tool", "tool_call_id": id_, "content": message.content})
        else:
            sent.append({"role": message.role, "content": message.content})
    return sent


def _raw_for(message: ModelMessage, provider: str) -> Wire | None:
    raw = message.raw
    if raw is None or raw.get("provider") != provider:
        return None
    kept = raw.get("message")
    return dict(kept) if isinstance(kept, Mapping) else None


def _assistant(message: ModelMessage) -> Wire:
    sent: Wire = {"role": "assistant", "content": message.content or None}
    if message.tool_calls:
        sent["tool_calls"] = [
            {
                "id": plain_id(call.id),
                "type": "function",
                "function": {
                    "name": call.name,
                    "arguments": call.arguments if is_object(call.arguments) else "{}",
                },
            }
            for call in message.tool_calls
        ]
    return sent


def plain_id(id_: str) -> str:
    """An id that every provider takes; the same for the same."""
    if _PLAIN_ID.fullmatch(id_):
        return id_
    return "call_" + hashlib.sha256(id_.encode()).hexdigest()[:24]


def is_object(text: str) -> bool:
    """Whether this is the JSON of an object."""
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False


def storable(text: str) -> str:
    """The text without NUL and half characters, which some models send and nothing can store."""
    if not _UNSTORABLE.search(text):
        return text
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return whole.replace("\0", "\ufffd")


def size_of(messages: Iterable[ModelMessage]) -> int:
    """Characters of a conversation."""
    size = 0
    for message in messages:
        size += len(message.content) + 16
        for call in message.tool_calls:
            size += len(call.arguments) + len(call.name) + 16
    return size


def tokens_of(chars: int) -> int:
    """A guess of the tokens in so many characters."""
    return chars // CHARS_PER_TOKEN + 1


@frozen
class Toolbox:
    """Tools as they leave."""

    tools: tuple[ModelTool, ...] = ()
    payload: list[Wire] = field(default_factory=list)
    text: str = ""
    """The payload as JSON; empty without tools."""


NO_TOOLS = Toolbox()


class Toolboxes:
    """Tools as they leave, built once per set: the house hands over the same tuple each time."""

    def __init__(self, most: int = 256) -> None:
        self._most = most
        self._built: dict[int, Toolbox] = {}

    def get(self, tools: tuple[ModelTool, ...]) -> Toolbox:
        """The tools, built now or earlier."""
        if not tools:
            return NO_TOOLS
        found = self._built.get(id(tools))
        if found is None or found.tools is not tools:
            payload: list[Wire] = [
                {
                    "type": "function",
                    "function": {
                        "name": tool.name,
                        "description": tool.description,
                        "parameters": tool.parameters,
                    },
                }
                for tool in tools
                if tool.at_hand
            ]
            if len(self._built) >= self._most:
                self._built.clear()
            found = Toolbox(tools=tools, payload=payload, text=json.dumps(payload))
            self._built[id(tools)] = found
        return found


# From here on the answers: objects of LiteLLM, read by attribute and never passed on.


@frozen
class Answer:
    """What a provider answered, in the house's words."""

    message: ModelMessage
    finish: str
    tokens: tuple[int, int]
    """Read and written; zeros when the provider did not count."""
    cost: float | None
    """US dollars, as the provider or LiteLLM reckons; None or 0.0 when they do not know."""


def from_response(response: Any, provider: str) -> Answer | None:
    """A whole answer; None when it holds none."""
    if not response.choices:
        return None
    choice = response.choices[0]
    said = choice.message
    calls = tuple(
        call_of(call.id, call.function.name, call.function.arguments, n)
        for n, call in enumerate(said.tool_calls or ())
    )
    hidden = getattr(response, "_hidden_params", None) or {}
    usage = getattr(response, "usage", None)
    return Answer(
        message=message_of(said.content, calls, _kept(said, provider), provider),
        finish=finish_of(choice.finish_reason, calls, said.content),
        tokens=_tokens(usage),
        cost=_cost(usage) or hidden.get("response_cost"),
    )


@dataclass(slots=True, kw_only=True)
class _Pieces:
    """One call, as its pieces come."""

    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Stream:
    """Puts a streamed answer together and passes on its words."""

    provider: str
    on_text: Callable[[str], None]
    rebuild: Callable[[list[Any]], Any]
    """LiteLLM's own builder, for answers with more than text and calls."""
    _text: list[str] = field(default_factory=list)
    _calls: list[_Pieces] = field(default_factory=list)
    _at: dict[int, _Pieces] = field(default_factory=dict)
    _chunks: list[Any] = field(default_factory=list)
    _more: bool = False
    _size: int = 0
    _finish: str = ""
    _usage: Any = None
    _tokens: tuple[int, int] = (0, 0)
    is_done: bool = False
    """Nothing more is wanted: it is too long."""

    def add(self, chunk: Any) -> None:
        """Take one piece."""
        if self.provider in WANTED_BACK:
            self._chunks.append(chunk)
        usage = getattr(chunk, "usage", None)
        if usage is not None:
            self._usage = usage
            read, written = _tokens(usage)  # Anthropic counts the one first, the other last
            self._tokens = max(read, self._tokens[0]), max(written, self._tokens[1])
        if not chunk.choices:
            return
        choice = chunk.choices[0]
        delta = choice.delta
        if choice.finish_reason:
            self._finish = choice.finish_reason
        if delta.content:
            self._size += len(delta.content)
            self._text.append(delta.content)
            self.on_text(storable(delta.content))
        for piece in delta.tool_calls or ():
            self._size += len(piece.function.arguments or "")
            self._add_call(piece)
        self._more = self._more or bool(_kept(delta, self.provider))
        if self._size > MAX_CHARS:
            self._finish, self.is_done = "length", True

    def _add_call(self, piece: Any) -> None:
        call = self._at.get(piece.index)
        if call is None or (piece.id and call.id and piece.id != call.id):
            call = self._at[piece.index] = _Pieces()
            self._calls.append(call)
        call.id = piece.id or call.id
        call.name = piece.function.name or call.name
        call.arguments.append(piece.function.arguments or "")

    def whole(self, chunks: Any) -> Answer | None:
        """What `end` gives, of LiteLLM's stream. Raises CutOff when that broke off."""
        answer = self.end()
        if answer is not None and not self.is_done and not _has_finished(chunks):
            raise CutOff
        return answer

    def end(self) -> Answer | None:
        """The whole; None when the stream held nothing at all."""
        if not self._text and not self._calls and not self._tokens[1]:
            return None
        calls = tuple(
            call_of(call.id, call.name, "".join(call.arguments), n)
            for n, call in enumerate(self._calls)
        )
        said = self.rebuild(self._chunks).choices[0].message if self._more else None
        kept = _kept(said, self.provider) if said is not None else {}
        return Answer(
            message=message_of("".join(self._text), calls, kept, self.provider),
            finish=finish_of(self._finish, calls),
            tokens=self._tokens,
            cost=_cost(self._usage),
        )


def _has_finished(chunks: Any) -> bool:
    """Whether the provider itself ended its stream; where it did not, LiteLLM adds a `stop`.

    A `[DONE]` without a reason counts as an end: LiteLLM shows no difference.
    """
    said = (chunks.received_finish_reason, chunks.intermittent_finish_reason)
    return any(said)


def call_of(id_: str | None, name: str | None, arguments: str | None, n: int) -> ToolCall:
    """The `n`th call of an answer, with a name that every provider takes back."""
    name = name or "nameless"
    if not _PLAIN_NAME.fullmatch(name):  # invented; it must not spoil every later request
        name = re.sub(r"[^A-Za-z0-9_-]", "_", name)[:64]
    return ToolCall(id=id_ or f"call_{n}", name=name, arguments=storable(arguments or "{}"))


def message_of(
    content: object, calls: tuple[ToolCall, ...], kept: Wire, provider: str
) -> ModelMessage:
    """An answer as the house's line; `kept` is what its provider wants to see again."""
    text = storable(content[:MAX_CHARS]) if isinstance(content, str) else ""
    message = ModelMessage(role="assistant", content=text, tool_calls=calls)
    if not kept or not all(is_object(call.arguments) for call in calls):
        return message
    sent = _assistant(message)
    kept = dict(kept)
    signatures = kept.pop("tool_calls", None)
    for call, own in zip(sent.get("tool_calls", ()), calls, strict=False):
        call["id"] = own.id  # the provider's own, as its results are sent back
    for call, signed in zip(sent.get("tool_calls", ()), signatures or (), strict=False):
        call.update(signed)
    raw: dict[str, Json] = {"provider": provider, "message": {**sent, **kept}}
    return replace(message, raw=raw)


def _kept(said: Any, provider: str) -> Wire:
    """What the provider wants back, beside text and calls."""
    fields = WANTED_BACK.get(provider)
    if not fields:
        return {}
    extra = _specific(said)
    kept: Wire = {}
    for name in fields:
        value = extra if name == "provider_specific_fields" else getattr(said, name, None)
        if value := value or extra.get(name):
            kept[name] = value
    signed = [_specific(call) for call in said.tool_calls or ()]
    if any(signed):
        kept["tool_calls"] = [{"provider_specific_fields": s} if s else {} for s in signed]
    return kept


def _specific(part: Any) -> dict[str, Json]:
    fields = getattr(part, "provider_specific_fields", None) or {}
    return {name: value for name, value in fields.items() if value}


def finish_of(reason: str | None, calls: tuple[ToolCall, ...], content: object = "") -> str:
    """Why it ended, in the four words of the house; `content` that is too long is cut there."""
    if isinstance(content, str) and len(content) > MAX_CHARS:
        return "length"
    if calls and reason != "length":
        return "tool_calls"
    return reason if reason in _FINISHES else "stop"


def _tokens(usage: Any) -> tuple[int, int]:
    if usage is None:
        return (0, 0)
    return (usage.prompt_tokens or 0, usage.completion_tokens or 0)


def _cost(usage: Any) -> float | None:
    cost = getattr(usage, "cost", None)
    return float(cost) if isinstance(cost, int | float) else None
