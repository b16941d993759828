"""Numbers as people read them."""

import pytest

from bot.cli.terminal import money


@pytest.mark.parametrize(
    ("micros", "said"),
    [(0, "$0.00"), (36, "$0.000036"), (100, "$0.0001"), (4_230, "$0.0042"), (1_234_567, "$1.23")],
)
def test_money_is_written_out_however_small(micros: int, said: str) -> None:
    assert money(micros) == said
