"""What callers of OpenAI's API send, read; and what is left to send of a draft."""

import pytest

from bot.web.openai_shapes import MAX_HISTORY, MAX_HISTORY_CHARS, missing, read, thread_of


def test_a_long_history_is_cut_to_its_newest_part() -> None:
    many = [{"role": "user", "content": f"{n}"} for n in range(200)]
    asked = read({"model": "bri", "messages": many})
    assert [item["content"] for item in asked.history] == [
        f"{n}" for n in range(199 - MAX_HISTORY, 199)
    ]
    long = [{"role": "user", "content": "x" * (MAX_HISTORY_CHARS // 3)} for _ in range(9)]
    assert len(read({"model": "bri", "messages": long}).history) == 3


@pytest.mark.parametrize(
    ("sent", "text", "rest"),
    [
        ("", "Hello", "Hello"),
        ("Hel", "Hello", "lo"),
        ("Hello", "Hello", ""),
        (" Hello \n", "Hello", ""),
        ("Hello ", "Hello you", "you"),
        ("Let me see. Done", "Done", ""),
        ("Something else", "Done", "\n\nDone"),
    ],
)
def test_what_is_missing_of_a_draft_is_sent(sent: str, text: str, rest: str) -> None:
    assert missing(sent, text) == rest


def test_a_callers_name_is_a_thread_and_an_empty_one_none() -> None:
    assert thread_of("") == ""
    assert thread_of("a") != thread_of("b")
    assert thread_of("a:b%/\udcff" * 100).isalnum()
