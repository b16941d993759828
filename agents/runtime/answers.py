"""Answers in OpenAI's shape as they come over the wire: bytes and JSON in, the house's words out.

Pure, without I/O: `direct.py` feeds it. Rules of a stream:
- lines end with LF or CRLF; `data:` lines of one event join; comments and other fields are skipped;
- an event is a piece of the answer, an error, or `[DONE]`;
- it is whole when the provider gave a reason for its end or said `[DONE]`, and cut off otherwise;
- what is longer than `MAX_CHARS` ends there, as at the length limit.
Whatever has another type than the documents say is taken as absent.

https://platform.openai.com/docs/api-reference/chat-streaming,
https://html.spec.whatwg.org/multipage/server-sent-events.html,
https://openrouter.ai/docs/api-reference/errors (errors inside of a stream; read 2026-11-21)
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Any

from agents.runtime.failures import CutOff, Kind, Told, kind_of_status, spoken_by
from agents.runtime.wire import (
    MAX_CHARS,
    WANTED_BACK,
    Answer,
    Wire,
    call_of,
    finish_of,
    message_of,
    storable,
)

MAX_LINE = 4 << 20
"""Bytes of one line of a stream; a longer one is no answer."""
MAX_COUNT = 10**9
"""No answer has more tokens; a larger number is taken as not counted."""
A_PIECE = 16
"""Characters that a piece without any still counts, so that a million of them come to an end."""
_STATUS = {
    "rate_limit_exceeded": 429,
    "insufficient_quota": 402,
    "invalid_api_key": 401,
    "context_length_exceeded": 400,
}
"""Errors that come with a 200, by their code: https://platform.openai.com/docs/guides/error-codes
(read 2026-11-21)."""


def from_body(body: bytes, provider: str) -> Answer | None:
    """A whole answer; None when it holds none. Raises Told for an error or what is no JSON."""
    said = parsed(body)
    choice = _first(said.get("choices"))
    if choice is None:
        return None
    message = _object(choice.get("message"))
    calls = []
    for n, call in enumerate(_objects(message.get("tool_calls"))):
        function = _object(call.get("function"))
        name, arguments = _text(function.get("name")), _arguments(function.get("arguments"))
        calls.append(call_of(_text(call.get("id")), name, arguments, n))
    kept = {name: message[name] for name in WANTED_BACK.get(provider, ()) if message.get(name)}
    made, words = tuple(calls), _words(message.get("content"))
    return Answer(
        message=message_of(words, made, kept, provider),
        finish=finish_of(_text(choice.get("finish_reason")), made, words),
        tokens=_tokens(said.get("usage")),
        cost=_cost(said.get("usage")),
    )


def parsed(body: bytes | str) -> Mapping[str, Any]:
    """The JSON of an answer or a piece of one. Raises Told for an error or what is no JSON."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError) as error:
        words = body if isinstance(body, str) else body[:1000].decode("utf-8", "replace")
        raise Told(Kind.NONSENSE, words=words) from error
    if not isinstance(said, dict):
        raise Told(Kind.NONSENSE)
    if wrong := said.get("error"):
        raise _told(wrong)
    return said


def _told(error: object) -> Told:
    """An error that came with a 200."""
    code = error.get("code") if isinstance(error, dict) else None
    status = _STATUS.get(code) if isinstance(code, str) else code
    text = json.dumps({"error": error})
    if not isinstance(status, int) or not 400 <= status < 600:
        return Told(kind_of_status(500, text), words=spoken_by(text))
    return Told(kind_of_status(status, text), status=status, words=spoken_by(text))


@dataclass(slots=True)
class _Pieces:
    """One call, as its pieces come."""

    id: str = ""
    name: str = ""
    arguments: list[str] = field(default_factory=list)


class Reader:
    """Puts a streamed answer together and passes on its words."""

    def __init__(self, provider: str, on_text: Callable[[str], None]) -> None:
        self._provider = provider
        self._on_text = on_text
        self._wanted = WANTED_BACK.get(provider, ())
        self._rest = b""
        self._data: list[bytes] = []
        self._text: list[str] = []
        self._calls: list[_Pieces] = []
        self._at: dict[int, _Pieces] = {}
        self._kept: dict[str, list[Any]] = {}
        self._size = 0
        self._finish = ""
        self._usage: object = None
        self.is_done = False
        """Nothing more is wanted: the provider said so, or it is too long."""

    def feed(self, data: bytes) -> None:
        """Take bytes as they come. Raises Told for an error, or for what is no stream."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) > MAX_LINE:
            raise Told(Kind.NONSENSE)
        for line in lines:
            self._line(line)
            if self.is_done:
                return

    def end(self) -> Answer | None:
        """The whole; None when the stream held nothing at all. Raises CutOff when it broke off."""
        if not self.is_done:
            try:
                self._line(self._rest)
                self._line(b"")
            except Told as told:
                if told.kind is Kind.NONSENSE:  # half an event
                    raise CutOff from told
                raise
        tokens = _tokens(self._usage)
        if not self._text and not self._calls and not tokens[1]:
            return None
        if not self._finish and not self.is_done:
            raise CutOff
        calls = tuple(
            call_of(call.id, call.name, "".join(call.arguments), n)
            for n, call in enumerate(self._calls)
        )
        kept = {name: _joined(pieces) for name, pieces in self._kept.items()}
        return Answer(
            message=message_of("".join(self._text), calls, kept, self._provider),
            finish=finish_of(self._finish, calls),
            tokens=tokens,
            cost=_cost(self._usage),
        )

    def _line(self, line: bytes) -> None:
        line = line.removesuffix(b"\r")
        if line.startswith(b"data:"):
            self._data.append(line[5:].strip())
        elif not line and self._data:
            data, self._data = b"\n".join(self._data), []
            if data == b"[DONE]":
                self.is_done = True
            elif data:
                self._piece(parsed(data))

    def _piece(self, piece: Mapping[str, Any]) -> None:
        self._usage = piece.get("usage") or self._usage
        choice = _first(piece.get("choices"))
        if choice is None:
            return
        self._finish = _text(choice.get("finish_reason")) or self._finish
        delta = _object(choice.get("delta"))
        self._size += A_PIECE
        if text := _words(delta.get("content")):
            self._size += len(text)
            self._text.append(text)
            self._on_text(storable(text))
        if calls := delta.get("tool_calls"):
            for call in _objects(calls):
                self._add_call(call)
        for name in self._wanted:
            if value := delta.get(name):
                self._size += len(json.dumps(value))
                self._kept.setdefault(name, []).append(value)
        if self._size > MAX_CHARS:
            self._finish, self.is_done = "length", True

    def _add_call(self, piece: Mapping[str, Any]) -> None:
        at, id_ = piece.get("index"), _text(piece.get("id"))
        at = at if isinstance(at, int) else 0
        call = self._at.get(at)
        if call is None or (id_ and call.id and id_ != call.id):
            call = self._at[at] = _Pieces()
            self._calls.append(call)
        function = _object(piece.get("function"))
        arguments = _arguments(function.get("arguments"))
        call.id = id_ or call.id
        call.name = _text(function.get("name")) or call.name
        call.arguments.append(arguments)
        self._size += len(arguments) + A_PIECE


def _joined(pieces: list[Any]) -> Any:
    """The pieces of one field: texts are put together, and so are parts with the same index."""
    if all(isinstance(piece, str) for piece in pieces):
        return "".join(pieces)
    parts: list[Wire] = []
    at: dict[tuple[object, object], Wire] = {}
    for part in (part for piece in pieces for part in _objects(piece)):
        place = (repr(part.get("index")), repr(part.get("type")))
        known = at.get(place)
        if known is None or "index" not in part:
            at[place] = dict(part)
            parts.append(at[place])
            continue
        for name, value in part.items():
            old = known.get(name)
            if name in ("text", "summary", "data") and isinstance(old, str):
                known[name] = old + (_text(value) or "")
            elif value is not None:
                known[name] = value
    return parts


def _first(choices: object) -> Wire | None:
    found = choices[0] if isinstance(choices, list) and choices else None
    return found if isinstance(found, dict) else None


def _object(value: object) -> Wire:
    return value if isinstance(value, dict) else {}


def _objects(value: object) -> list[Wire]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _arguments(value: object) -> str:
    """The JSON text; some servers send the object itself."""
    return json.dumps(value) if isinstance(value, dict) else _text(value)


def _words(content: object) -> str:
    """A message's text; some servers send it in parts."""
    if isinstance(content, list):
        return "".join(_text(part.get("text")) for part in _objects(content))
    return _text(content)


def _tokens(usage: object) -> tuple[int, int]:
    told = _object(usage)
    return _count(told.get("prompt_tokens")), _count(told.get("completion_tokens"))


def _count(value: object) -> int:
    return value if isinstance(value, int) and 0 <= value <= MAX_COUNT else 0


def _cost(usage: object) -> float | None:
    """US dollars, where the provider says what it took (OpenRouter)."""
    cost = _object(usage).get("cost")
    if isinstance(cost, bool) or not isinstance(cost, int | float):
        return None
    return float(cost) if isfinite(cost) and 0 <= cost <= MAX_COUNT else None
