"""Numbers as people read them, and text in which nothing lies about its order."""

import pytest

from bot.cli.terminal import clean, money, one_line, reveal

TURNED = "invoice\u202efdp.exe"
FAMILY = "👨\u200d👩\u200d👧"


@pytest.mark.parametrize(
    ("micros", "said"),
    [(0, "$0.00"), (36, "$0.000036"), (100, "$0.0001"), (4_230, "$0.0042"), (1_234_567, "$1.23")],
)
def test_money_is_written_out_however_small(micros: int, said: str) -> None:
    assert money(micros) == said


def test_what_turns_a_text_around_is_written_out() -> None:
    assert clean(TURNED) == one_line(TURNED) == reveal(TURNED) == "invoice[U+202E]fdp.exe"
    assert clean("\u2066a\u2069") == "[U+2066]a[U+2069]"


def test_a_title_hides_nothing_and_a_picture_of_several_signs_stays_one() -> None:
    assert one_line("pay\u200bpal") == "pay[U+200B]pal"
    assert clean(FAMILY) == one_line(FAMILY) == reveal(FAMILY) == FAMILY
