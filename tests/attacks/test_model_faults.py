"""What a model may send and nothing can store: half characters, NUL, depth, numbers that are none."""

from types import SimpleNamespace as Thing

import pytest

from agents.runtime.run import arguments_of
from agents.runtime.wire import Stream, from_response, is_object


def _answer(text, arguments):
    call = Thing(id="a", function=Thing(name="t", arguments=arguments))
    choice = Thing(message=Thing(content=text, tool_calls=[call]), finish_reason="stop")
    return from_response(Thing(choices=[choice]), "openai").message


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("a\ud83d", "a\ufffd"),
        ("\udc00b", "\ufffdb"),
        ("a\x00b", "a\ufffdb"),
        ("\ud83d\ude00", "😀"),
        ("😀 naïve \u202e\n", "😀 naïve \u202e\n"),  # the control: what can be stored stays
    ],
)
def test_words_of_a_model_can_always_be_stored(sent, kept):
    message = _answer(sent, f'{{"x": "{sent}"}}')
    assert message.content == kept
    assert message.tool_calls[0].arguments == f'{{"x": "{kept}"}}'
    heard = []
    stream = Stream(provider="openai", on_text=heard.append, rebuild=lambda chunks: None)
    for letter in sent:
        delta = Thing(content=letter, tool_calls=None)
        stream.add(Thing(choices=[Thing(delta=delta, finish_reason=None)]))
    assert stream.end().message.content == kept
    for text in heard:
        text.encode()


@pytest.mark.parametrize(
    "text", ['{"x": "\\ud83d"}', '{"x": NaN}', '{"x": -Infinity}', '{"x":' + "[" * 200_000, "[]"]
)
def test_arguments_that_nothing_can_store_are_no_arguments(text):
    assert arguments_of(text) is None
    assert arguments_of('{"x": "\\ud83d\\ude00"}') == {"x": "😀"}


def test_endless_brackets_are_no_object_and_no_crash():
    assert not is_object('{"x":' + "[" * 200_000 + "]" * 200_000 + "}")
    assert is_object('{"x": [[]]}')
