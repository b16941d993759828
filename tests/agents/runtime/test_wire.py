"""Between the house's messages and the shape that leaves; answers by objects like LiteLLM's."""

import json
from types import SimpleNamespace as Thing
from typing import Any

import pytest

from agents.runtime.wire import (
    MAX_CHARS,
    Stream,
    Toolboxes,
    from_response,
    plain_id,
    size_of,
    to_wire,
)
from bot.core.model import ModelMessage
from tests.agents.runtime.talk import TOOLS, calls, result, system, user


def chunk(
    content: str = "",
    *,
    call: tuple[int, str, str, str] | None = None,
    finish: str = "",
    **more: Any,
) -> Thing:
    """One piece of a stream."""
    pieces = None
    if call:
        index, id_, name, arguments = call
        function = Thing(name=name or None, arguments=arguments)
        pieces = [Thing(index=index, id=id_ or None, function=function)]
    delta = Thing(content=content or None, tool_calls=pieces, **more)
    return Thing(choices=[Thing(delta=delta, finish_reason=finish or None)], usage=None)


def gather(*chunks: Thing, provider: str = "openai") -> tuple[Stream, list[str]]:
    """A stream that has taken all of these."""
    words: list[str] = []
    stream = Stream(provider=provider, on_text=words.append, rebuild=lambda _: None)
    for each in chunks:
        stream.add(each)
    return stream, words


def test_two_calls_under_one_index_are_two() -> None:
    stream, words = gather(
        chunk("Well"),
        chunk(call=(0, "a", "x_publish", '{"text"')),
        chunk(call=(0, "", "", ': "1"}')),
        chunk(call=(0, "b", "blog_publish", "{}"), finish="stop"),
    )
    answer = stream.end()
    assert answer is not None
    first, second = answer.message.tool_calls
    assert (first.id, first.arguments, second.id) == ("a", '{"text": "1"}', "b")
    assert (answer.finish, words) == ("tool_calls", ["Well"])


def test_a_stream_of_nothing_is_no_answer() -> None:
    stream, words = gather(chunk(finish="stop"), Thing(choices=[], usage=None))
    assert stream.end() is None
    assert words == []


@pytest.mark.parametrize(
    ("reason", "named", "finish"),
    [
        ("stop", False, "stop"),
        ("stop", True, "tool_calls"),
        ("length", True, "length"),
        ("content_filter", False, "content_filter"),
        ("eos", False, "stop"),
        (None, False, "stop"),
    ],
)
def test_why_it_ended(reason: str | None, named: bool, finish: str) -> None:
    function = Thing(name="x_publish", arguments=None)
    made = [Thing(id="a", function=function)] if named else None
    message = Thing(content="hi", tool_calls=made)
    response = Thing(choices=[Thing(message=message, finish_reason=reason)], usage=None)
    answer = from_response(response, "openai")
    assert answer is not None
    assert answer.finish == finish
    assert [call.arguments for call in answer.message.tool_calls] == (["{}"] if named else [])


def test_a_whole_answer_that_is_cut_ends_as_at_the_length_limit() -> None:
    message = Thing(content="x" * (MAX_CHARS + 1), tool_calls=None)
    response = Thing(choices=[Thing(message=message, finish_reason="stop")], usage=None)
    answer = from_response(response, "openai")
    assert answer is not None
    assert (len(answer.message.content), answer.finish) == (MAX_CHARS, "length")


def test_signatures_of_gemini_go_back_with_their_calls() -> None:
    signed = {"thought_signature": "abc"}
    function = Thing(name="x_publish", arguments="{}")
    one = Thing(id="call_" + "x" * 60, function=function, provider_specific_fields=signed)
    other = Thing(id="call_2", function=function, provider_specific_fields=None)
    message = Thing(content=None, tool_calls=[one, other])
    response = Thing(choices=[Thing(message=message, finish_reason="stop")], usage=None)
    answer = from_response(response, "gemini")
    assert answer is not None
    history = (answer.message, result(one.id), result("call_2"))
    back = to_wire(history, "gemini")
    assert back[0]["tool_calls"][0]["provider_specific_fields"] == signed
    assert "provider_specific_fields" not in back[0]["tool_calls"][1]
    assert [back[0]["tool_calls"][0]["id"], back[1]["tool_call_id"]] == [one.id, one.id]
    elsewhere = to_wire(history, "openai")
    assert "provider_specific_fields" not in elsewhere[0]["tool_calls"][0]
    assert elsewhere[1]["tool_call_id"] == elsewhere[0]["tool_calls"][0]["id"] == plain_id(one.id)


def test_broken_arguments_leave_empty_and_stay_as_written() -> None:
    message = calls(("a", "x_publish", '{"text": '), ("b", "x_publish", "[]"))
    sent = to_wire((message, result("a"), result("b")), "anthropic")
    assert [c["function"]["arguments"] for c in sent[0]["tool_calls"]] == ["{}", "{}"]
    assert message.tool_calls[0].arguments == '{"text": '


def test_an_assistant_who_said_nothing_is_left_out() -> None:
    history = (system(), user("a"), ModelMessage(role="assistant"), user("b"))
    assert [m["role"] for m in to_wire(history, "openai")] == ["system", "user", "user"]


def test_the_same_tools_are_built_once() -> None:
    boxes = Toolboxes(most=2)
    built = boxes.get(TOOLS)
    assert boxes.get(TOOLS) is built
    assert json.loads(built.text) == built.payload
    for n in range(5):
        others = TOOLS * (n + 2)
        assert len(boxes.get(others).payload) == len(others), "another tuple is another set"
    assert boxes.get(TOOLS) == built
    assert boxes.get(()).text == ""


def test_size_counts_words_and_arguments() -> None:
    assert size_of((user("x" * 100),)) > 100
    assert size_of((calls(("a", "x_publish", "x" * 100)),)) > 100
