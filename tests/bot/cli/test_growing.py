"""Markdown in a terminal, as it grows: nothing raw, nothing twice, the same as the whole."""

import random

import pytest

from bot.cli.growing import Growing
from bot.cli.terminal import Terminal
from bot.render.dialects.terminal import Screen
from bot.render.tree import Blocks, parse

BASE = "http://127.0.0.1:8080"


def grown(text: str, cuts: list[int], base: str = BASE) -> list[str]:
    """What is written for each part of a text, and at its end; bold stands in angle quotes."""
    growing = Growing(Screen(lambda words: f"«{words}»"), base)
    ends = [*cuts, len(text)]
    parts = [growing.more(text[a:b]) for a, b in zip([0, *cuts], ends, strict=True)]
    return [*parts, growing.rest()]


def whole(text: str, base: str = BASE) -> str:
    return Growing(Screen(lambda words: f"«{words}»"), base).rest(text)


SHOWN = {
    "bold": ("We are **open**, *really*.", "We are «open», really."),
    "a mark that is none": ("2 * 3 * 4 is snake_case", "2 * 3 * 4 is snake_case"),
    "a mark that never ends": ("it costs **much", "it costs **much"),
    "a link": ("see [the page](https://a.example/b).", "see the page (https://a.example/b)."),
    "a bare address": ("see https://a.example/b.", "see https://a.example/b."),
    "a page of the house": ("[/blog/x](/blog/x)", f"/blog/x ({BASE}/blog/x)"),
    "no page of the house": ("[x](//a.example)", "x"),
    "a picture": ("See ![Tea!](https://a.example/t.png)!", "See Tea! (https://a.example/t.png)!"),
    "code": ("run `a * b`", "run a * b"),
    "a heading": ("# Menu\n\nTea", "«Menu»\n\nTea"),
    "a list": ("Here:\n- **a**: one\n- b\n\nEnd", "Here:\n\n• «a»: one\n• b\n\nEnd"),
    "numbers": ("1. one\n2. two", "1. one\n2. two"),
    "a table": ("| a | bb |\n|---|---|\n| 1 | 2 |", "a | bb\n--+---\n1 | 2"),
    "a fence": ("So:\n```py\na = *b\n\n[c](/d)\n```\nDone", "So:\n\na = *b\n\n[c](/d)\n\nDone"),
    "a heading by its line": ("Tea\n===", "«Tea»"),
    "many empty lines": ("a\n\n\n\nb\n\n", "a\n\nb"),
    "signs by their numbers": ("a&#13;b &amp; c&#27;[31m", "a\nb & c\ufffd[31m"),
    "an escape": (r"\*not bold\* \[x](/y)", "*not bold* [x](/y)"),
}


@pytest.mark.parametrize("what", SHOWN)
def test_it_is_read_and_not_spelt_out(what: str) -> None:
    text, shown = SHOWN[what]
    assert whole(text) == shown


def test_a_link_of_the_house_is_words_where_its_address_is_not_known() -> None:
    assert whole("[/blog/x](/blog/x)", base="") == "/blog/x"


@pytest.mark.parametrize("what", [name for name in SHOWN if name != "a heading by its line"])
def test_it_is_the_same_however_it_comes(what: str) -> None:
    text, shown = SHOWN[what]
    chance = random.Random(4)
    assert "".join(grown(text, list(range(1, len(text))))) == shown
    for _ in range(40):
        cuts = sorted(chance.sample(range(1, len(text)), min(3, len(text) - 1)))
        assert "".join(grown(text, cuts)) == shown, cuts


def test_what_turns_out_to_be_something_else_stands_below_whole() -> None:
    assert "".join(grown("1. **", [1, 2, 3, 4])).endswith("\n1. **")


@pytest.mark.parametrize("line", ["===", "-", "  ---  "])
def test_words_that_turn_out_to_be_a_heading_stand_there_once(line: str) -> None:
    text = f"Tea\n{line}\nWe drink **it**.\n\nEnd"
    assert whole(text) == "«Tea»\n\nWe drink «it».\n\nEnd"
    for cut in range(1, len(text)):
        parts = "".join(grown(text, [cut])), "".join(grown(text, [min(cut, 3), cut]))
        for shown in parts:
            assert shown in (whole(text), "Tea\n\nWe drink «it».\n\nEnd"), cut
    assert "".join(grown(text, list(range(1, len(text))))).count("Tea") == 1


def test_words_are_written_as_they_come() -> None:
    parts = grown("We are **open** on Sun", [6, 9, 13, 15])
    assert parts == ["We are", "", "", " «open»", " on Sun", ""]


def test_code_is_written_as_it_comes() -> None:
    assert grown("```\na = *b\nc", [10])[:2] == ["a = *b", "\nc"]


def test_it_holds_no_control_of_a_terminal_but_bold() -> None:
    terminal = Terminal()
    terminal._has_colour = True
    growing = Growing(Screen(lambda words: terminal.style(words, "bold")))
    assert growing.more("**a** &#155;31m \x1b]**b") == "\x1b[1ma\x1b[0m \ufffd31m ]"
    assert growing.rest() == "**b"


def test_a_long_block_is_not_read_with_every_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def counted(text: str) -> Blocks:
        read.append(len(text))
        return parse(text)

    monkeypatch.setattr("bot.cli.growing.parse", counted)
    text = "".join(f"- entry **{at}** of a list\n" for at in range(200))
    assert "".join(grown(text, list(range(4, len(text), 4)))) == whole(text)
    assert sum(read) < 300 * len(text)
