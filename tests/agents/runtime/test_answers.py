"""Answers in OpenAI's shape: pieces of a stream at any cut, errors inside, and what is no answer."""

import json
from typing import Any

import pytest

from agents.runtime.answers import MAX_LINE, Reader, from_body
from agents.runtime.failures import CutOff, Kind, Told
from agents.runtime.wire import MAX_CHARS, Answer, to_wire
from tests.agents.runtime.talk import result


def event(delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any) -> bytes:
    """One event of a stream."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    return b"data: " + json.dumps({"choices": [choice], **more}).encode() + b"\n\n"


def call(at: int, id_: str | None, name: str | None, arguments: str) -> dict[str, Any]:
    """A piece of a call."""
    piece = {"index": at, "function": {"name": name, "arguments": arguments}}
    return {"tool_calls": [{**piece, "id": id_} if id_ else piece]}


STREAM = b"".join(
    (
        b": PROCESSING\n\n",
        event({"role": "assistant", "content": ""}),
        event({"content": "We are "}),
        event({"content": "öpen 😀"}),
        event(call(0, "a", "x_publish", "")),
        event(call(0, None, None, '{"text": ')),
        event(call(0, None, None, '"ö"}')),
        event(call(0, "b", "blog_publish", "{}")),
        event({}, "stop"),
        b'event: x\nid: 7\ndata: {"choices": [],\ndata: "usage": '
        b'{"prompt_tokens": 7, "completion_tokens": 3}}\n\n',
        b"data: [DONE]\n\n",
    )
)


def read(*pieces: bytes, provider: str = "openai") -> tuple[Answer | None, list[str]]:
    """What a reader makes of these bytes."""
    words: list[str] = []
    reader = Reader(provider, words.append)
    for piece in pieces:
        if not reader.is_done:
            reader.feed(piece)
    return reader.end(), words


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 10_000])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"], ids=["LF", "CRLF"])
def test_a_stream_reads_the_same_wherever_it_is_cut(size: int, end: bytes) -> None:
    stream = STREAM.replace(b"\n", end)
    answer, words = read(*(stream[at : at + size] for at in range(0, len(stream), size)))
    assert answer is not None
    assert words == ["We are ", "öpen 😀"]
    assert answer.message.content == "We are öpen 😀"
    named = [(c.id, c.name, c.arguments) for c in answer.message.tool_calls]
    assert named == [("a", "x_publish", '{"text": "ö"}'), ("b", "blog_publish", "{}")]
    assert (answer.finish, answer.tokens) == ("tool_calls", (7, 3))


@pytest.mark.parametrize(
    "stream",
    [
        event({"content": "hi"}),
        event({"content": "hi"}) + b'data: {"choices": [{"delta": {"con',
        event({"content": "hi"}) + b": a comment\n\n",
    ],
    ids=["no reason", "half an event", "a comment last"],
)
def test_a_stream_that_does_not_say_why_it_ends_was_cut_off(stream: bytes) -> None:
    with pytest.raises((CutOff, Told)) as caught:
        read(stream)
    assert isinstance(caught.value, CutOff)


@pytest.mark.parametrize("last", [b"data: [DONE]\n\n", b"data: [DONE]", event({}, "stop")[:-2]])
def test_a_stream_that_says_that_it_is_done_is_whole(last: bytes) -> None:
    answer, _ = read(event({"content": "hi"}), last)
    assert answer is not None
    assert (answer.message.content, answer.finish) == ("hi", "stop")


@pytest.mark.parametrize("stream", [b"", b"data: [DONE]\n\n", event({}, "stop"), b"<html></html>"])
def test_a_stream_of_nothing_is_no_answer(stream: bytes) -> None:
    assert read(stream) == (None, [])


@pytest.mark.parametrize(
    ("error", "kind", "status"),
    [
        ({"code": 429, "message": "slow down"}, Kind.RATE, 429),
        ({"code": "rate_limit_exceeded", "message": "slow down"}, Kind.RATE, 429),
        ({"code": "insufficient_quota", "message": "slow down"}, Kind.NO_MONEY, 402),
        ({"code": "context_length_exceeded", "message": "slow down"}, Kind.OVERFLOW, 400),
        ({"code": 502, "message": "slow down"}, Kind.SERVER, 502),
        ({"code": 9, "message": "slow down"}, Kind.SERVER, None),
        ({"code": ["x"], "message": "slow down"}, Kind.SERVER, None),
        ("slow down", Kind.SERVER, None),
    ],
)
def test_an_error_with_a_200_is_told_as_one(error: object, kind: Kind, status: int | None) -> None:
    body = json.dumps({"error": error, "choices": [{"finish_reason": "error"}]}).encode()
    for ask in (lambda: from_body(body, "openai"), lambda: read(b"data: " + body + b"\n\n")):
        with pytest.raises(Told) as caught:
            ask()
        told = caught.value
        assert (told.kind, told.status, told.words) == (kind, status, "slow down")


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"a"', b"[]", b"7", b"\xff\xfe\xfd", b"[" * 200_000]
)
def test_what_is_no_object_is_no_answer(body: bytes) -> None:
    with pytest.raises(Told) as caught:
        from_body(body, "openai")
    assert caught.value.kind is Kind.NONSENSE


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"choices": None},
        {"choices": []},
        {"choices": ["x"]},
        {"choices": {"0": {}}},
    ],
)
def test_an_answer_without_a_choice_is_none(said: object) -> None:
    assert from_body(json.dumps(said).encode(), "openai") is None


def test_fields_of_another_type_are_taken_as_absent() -> None:
    message = {"content": 7, "tool_calls": ["x", {"id": 3, "function": None}], "refusal": []}
    choice = {"message": message, "finish_reason": {"a": 1}}
    usage = {"prompt_tokens": "9", "completion_tokens": -1, "cost": True}
    said = {"choices": [choice], "usage": usage}
    answer = from_body(json.dumps(said).encode(), "openai")
    assert answer is not None
    assert answer.message.content == ""
    assert [(c.name, c.arguments) for c in answer.message.tool_calls] == [("nameless", "{}")]
    assert (answer.tokens, answer.cost) == ((0, 0), None)
    bad = [event({"content": {"a": 1}, "tool_calls": 7}), event(["x"]), event({}, 7)]
    assert read(*bad)[0] is None


def test_numbers_that_are_none_are_not_reckoned_with() -> None:
    body = b'{"choices": [{"message": {"content": "a"}}], "usage": {"cost": NaN, "prompt_tokens": 1e9}}'
    answer = from_body(body, "openrouter")
    assert answer is not None
    assert (answer.tokens, answer.cost) == ((0, 0), None)


def test_words_in_parts_and_arguments_as_an_object_are_read() -> None:
    message = {
        "content": [{"type": "text", "text": "a"}, {"type": "image"}, {"text": "b"}],
        "tool_calls": [{"id": "a", "function": {"name": "t", "arguments": {"x": 1}}}],
    }
    answer = from_body(json.dumps({"choices": [{"message": message}]}).encode(), "ollama")
    assert answer is not None
    assert (answer.message.content, answer.message.tool_calls[0].arguments) == ("ab", '{"x": 1}')


def test_thinking_in_pieces_goes_back_as_one() -> None:
    first = {"type": "reasoning.text", "index": 0, "text": "Six ", "format": "x"}
    more = {"type": "reasoning.text", "index": 0, "text": "times.", "signature": "s"}
    other = {"type": "reasoning.encrypted", "index": 1, "data": "abc"}
    answer, words = read(
        event({"reasoning_details": [first]}),
        event({"reasoning_details": [more, other]}),
        event({"content": "42", **call(0, "c" * 60, "t", "{}")}),
        event({}, "stop"),
        provider="openrouter",
    )
    assert answer is not None
    assert words == ["42"]
    history = (answer.message, result("c" * 60))
    (back, _) = to_wire(history, "openrouter")
    assert back["reasoning_details"] == [{**first, "text": "Six times.", "signature": "s"}, other]
    assert back["tool_calls"][0]["id"] == "c" * 60
    assert "reasoning_details" not in to_wire(history, "openai")[0]


def test_an_endless_answer_ends_as_at_the_length_limit() -> None:
    answer, words = read(*[event({"content": "x" * 10_000})] * 200)
    assert answer is not None
    assert answer.finish == "length"
    assert len("".join(words)) < MAX_CHARS + 20_000


def test_a_whole_answer_that_is_too_long_says_so_as_well() -> None:
    for over, finish in ((0, "stop"), (1, "length")):
        message = {"content": "x" * (MAX_CHARS + over)}
        said = {"choices": [{"message": message, "finish_reason": "stop"}]}
        answer = from_body(json.dumps(said).encode(), "openai")
        assert answer is not None
        assert len(answer.message.content) == MAX_CHARS
        assert answer.finish == finish


def test_endless_empty_pieces_come_to_an_end() -> None:
    reader = Reader("openai", lambda _: None)
    for _ in range(MAX_CHARS):
        reader.feed(event(call(0, None, None, "")))
        if reader.is_done:
            return
    pytest.fail("it would have read on for ever")


def test_an_endless_line_is_no_answer() -> None:
    reader = Reader("openai", lambda _: None)
    with pytest.raises(Told):
        for _ in range(MAX_LINE // 65_536 + 2):
            reader.feed(b"x" * 65_536)
