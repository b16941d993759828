"""How many segments a text takes, and how it is shortened."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.render.segments import GSM, UCS2, measure, plain_letters, shorten
from tests.fakes.twilio_rules import segments


@pytest.mark.parametrize(
    ("text", "count", "encoding"),
    [
        ("", 0, GSM),
        ("a" * 160, 1, GSM),
        ("a" * 161, 2, GSM),
        ("a" * 306, 2, GSM),
        ("a" * 307, 3, GSM),
        ("€" * 80, 1, GSM),
        ("€" * 81, 2, GSM),
        ("a" * 152 + "€" * 1 + "a" * 10, 2, GSM),
        ("ж" * 70, 1, UCS2),
        ("ж" * 71, 2, UCS2),
        ("😀" * 35, 1, UCS2),
        ("😀" * 36, 2, UCS2),
        ("it’s", 1, UCS2),
    ],
)
def test_segments_are_counted_as_carriers_count_them(text: str, count: int, encoding: str) -> None:
    assert (measure(text).segments, measure(text).encoding) == (count, encoding)


@given(st.text(alphabet="aé€ж😀{\n ", min_size=1, max_size=900))
def test_they_are_those_that_twilio_counts(text: str) -> None:
    assert measure(text).segments == segments(text)


def test_an_escaped_letter_is_not_cut_by_the_end_of_a_segment() -> None:
    # 152 places, then one that needs two: it begins the next segment.
    assert measure("a" * 152 + "€" + "a" * 151).segments == 2
    assert measure("a" * 152 + "€" + "a" * 152).segments == 3


@given(st.text(max_size=3000), st.integers(1, 6))
def test_a_shortened_text_never_takes_more_and_says_so(text: str, most: int) -> None:
    short = shorten(text, most, " [more]")
    assert measure(short).segments <= most
    assert short == text if measure(text).segments <= most else short.endswith(" [more]")


def test_it_is_cut_after_a_sentence_else_after_a_word() -> None:
    assert shorten("One two. " * 40, 1, " [more]").removesuffix(" [more]").endswith("two.")
    assert shorten("word " * 60, 1, " [more]").removesuffix(" [more]").endswith("word")
    assert len(shorten("x" * 400, 1, "+")) == 160


def test_typographic_marks_become_plain_and_letters_stay() -> None:
    assert plain_letters("“It’s” – here… ж") == '"It\'s" - here... ж'
    assert measure(plain_letters("“It’s” – here…")).encoding == GSM
