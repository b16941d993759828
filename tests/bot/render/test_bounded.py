"""Words of which a parser makes much work are shown as they are, and nobody else waits for them."""

import time

import pytest

from bot.core.channel import Dialect
from bot.render.bounded import WORK
from bot.render.markdown import pieces
from bot.render.tree import Paragraph, Run, parse
from bot.web.blog import to_html

HOSTILE = {
    "opened": "[" * 100_000,
    "pictures": "![[" * 20_000 + "](x)" * 10_000,
    "sections": "<![CDATA[" * 11_000,
    "titles": '[a](x "' * 14_000,
    "addresses": "[a](" * 25_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_words_are_read_as_fast_as_others(text: str) -> None:
    began = time.process_time()
    assert parse(text) == (Paragraph((Run(text),)),)
    assert "<a " not in to_html(text)
    assert time.process_time() - began < 1


def test_hostile_words_are_cut_for_a_platform_without_a_loss() -> None:
    text = HOSTILE["opened"]
    began = time.process_time()
    assert "".join(pieces(text, Dialect.SLACK, 3_000)) == text
    assert time.process_time() - began < 2


def test_the_links_of_a_long_text_stay_links() -> None:
    text = " ".join(f"[page {at}](https://a.example/{at})" for at in range(200))
    assert text.count("[") * len(text) < WORK
    (words,) = parse(text)
    assert isinstance(words, Paragraph)
    assert sum(any(kind == "link" for kind, _ in run.marks) for run in words.runs) == 200
    assert to_html(text).count("<a ") == 200


def test_one_long_block_takes_no_marks_from_the_others() -> None:
    first, second = parse(f"{HOSTILE['opened']}\n\n**bold**")
    assert first == Paragraph((Run(HOSTILE["opened"]),))
    assert second == Paragraph((Run("bold", (("strong", ""),)),))


def test_a_long_paragraph_is_written_as_often_as_it_is_long() -> None:
    text = "*a **b " * 14_000
    began = time.process_time()
    assert len(pieces(text, Dialect.SLACK, 3_000)) > 10
    assert time.process_time() - began < 2.5
