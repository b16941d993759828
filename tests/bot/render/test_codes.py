"""Answers by button and by word."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.render.codes import WORDS, Press, Reply, codes_in, parse_code, parse_press, press

APPROVAL = "apr_01M6DQS9M04DYB27TX226F49HS"
CARRIERS = {
    *("STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT", "OPT-OUT"),
    *("START", "YES", "UNSTOP", "HELP", "INFO", "SUBSCRIBE", "JOIN", "ARRET", "REMOVE"),
}
"""What carriers act on themselves, in full: the whole message is the word."""


@pytest.mark.parametrize(
    ("text", "reply"),
    [
        ("OK 4821", Reply(choice="approve", code="4821")),
        ("ok 4821", Reply(choice="approve", code="4821")),
        ("  Ok. 4821.\n", Reply(choice="approve", code="4821")),
        ("OK #4821 thanks", Reply(choice="approve", code="4821", rest="thanks")),
        ("NO 4821", Reply(choice="reject", code="4821")),
        ("No, 4821: too early", Reply(choice="reject", code="4821", rest="too early")),
        (
            "EDIT 4821 New text\nof two lines ",
            Reply(choice="edit", code="4821", rest="New text\nof two lines"),
        ),
        ("edit 4821: 50% off", Reply(choice="edit", code="4821", rest="50% off")),
        ("EDIT 4821", Reply(choice="edit", code="4821")),
        ("ASK 4821 Why today?", Reply(choice="ask", code="4821", rest="Why today?")),
        ("THERE 90210", Reply(choice="there", code="90210")),
        ("again 1234567", Reply(choice="again", code="1234567")),
        ("LEAVE 4821", Reply(choice="leave", code="4821")),
        ("SHOW 4821", Reply(choice="all", code="4821")),
    ],
)
def test_a_word_and_a_code_are_an_answer(text, reply):
    assert parse_code(text) == reply


@pytest.mark.parametrize(
    "text",
    [
        *("", "OK", "NO", "4821", "OK 482", "OK 12345678", "OK4821", "OKAY 4821", "NOT 4821"),
        *("please OK 4821", "OK 48219999", "YES 4821", "OK four", "EDIT text"),
        *("/approve 4821", "OK-4821", "> OK 4821", "OK \n", "NO 48 21"),
    ],
)
def test_other_text_is_not(text):
    assert parse_code(text) is None


@pytest.mark.parametrize("word", sorted(CARRIERS))
def test_no_word_is_one_that_carriers_act_on(word):
    assert word not in WORDS.values()
    for text in (word, word.lower(), f"{word} 4821", f" {word}. "):
        assert parse_code(text) is None


def test_buttons_go_out_and_come_back():
    value = press(APPROVAL, 12, "approve")
    assert value == f"{APPROVAL}:12:approve"
    assert parse_press(value) == Press(approval=APPROVAL, version=12, choice="approve")
    assert len(press(APPROVAL, 999_999_999, "request_more").encode()) <= 64


@pytest.mark.parametrize(
    ("approval", "version", "choice"),
    [
        ("", 1, "ok"),
        ("a:b", 1, "ok"),
        ("a", -1, "ok"),
        ("a", 1, ""),
        ("é", 1, "ok"),
        ("a" * 60, 1, "ok"),
    ],
)
def test_what_would_not_come_back_whole_does_not_go_out(approval, version, choice):
    with pytest.raises(ValueError, match="No button"):
        press(approval, version, choice)


@given(st.text(max_size=80))
def test_no_value_of_a_stranger_is_misread(value):
    found = parse_press(value)
    assert found is None or press(found.approval, found.version, found.choice) == value.replace(
        f":{value.split(':')[1]}:", f":{found.version}:"
    )
    parse_code(value)


@pytest.mark.parametrize(
    "value", ["", ":", "a:1", "a:1:approve:x", f"{APPROVAL}:1:Approve", "a:1:ok\n"]
)
def test_broken_values_are_nothing(value):
    assert parse_press(value) is None


def test_codes_are_found_anywhere_behind_their_words_and_nowhere_else():
    card = "> Reply OK 4821, NO 4821 or `EDIT 4821 new text`.\n> It costs 1200; book 5512, ok?"
    assert codes_in(card) == ("4821",)
    assert codes_in("BOOK 4821 OK12345678 nook 4821") == ()
    assert codes_in("OK 1111 " * 9_000 + "OK 2222") == ("1111",)
    assert codes_in(" ".join(f"OK {n}" for n in range(1000, 2000))) == tuple(
        str(n) for n in range(1000, 1005)
    )
