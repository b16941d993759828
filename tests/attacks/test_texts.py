"""Texts from strange keyboards: STOP is heard in any dress, codes as well, and nothing else is."""

import pytest

from bot.render.codes import MAX_HEAD, parse_code
from channels.sms.words import STOP, Meaning, meaning

DRESSES = (
    "ＳＴＯＰ", "ST\u200bOP", "\u202eSTOP", "STOP\u2060", "🛑 STOP", "STOP 🙏🏽", "STOP\0", "st\u00adop",
    "S T O P", "s.t.o.p.", "STOP…", "¡STOP!", "Stop‼\ufe0f", "Stop。", "「STOP」", "<stop>", "[Stop]", "*stop*",
    "#STOP", "ⓈⓉⓄⓅ", "𝐒𝐓𝐎𝐏", "\n\tSTOP\r\n", "STOP-ALL", "opt out", "Ｕｎｓｕｂｓｃｒｉｂｅ",
)  # fmt: skip


@pytest.mark.parametrize("text", DRESSES)
def test_a_word_that_opts_out_is_heard_in_any_dress(text: str) -> None:
    assert meaning(text) is Meaning.OUT


@pytest.mark.parametrize(
    "text",
    ["/stop", "stop it", "STOP 4821", "non-stop", "the end", "endless", "🙏", "…", "\u200b", "停", "x" * 9_000,
     f"Stop{'-' * 99}the oven", f"Stop{' ' * 99}the oven"],
)  # fmt: skip
def test_other_words_opt_nobody_out(text: str) -> None:
    assert meaning(text, is_out=True) is Meaning.NOTHING


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("EDIT ４８２１ ｎｅｗ　ｔｅｘｔ 👨‍👩‍👧", "ｎｅｗ　ｔｅｘｔ 👨‍👩‍👧"),
        ("ＥＤＩＴ　４８２１　ok", "ok"),
        ("edit ٤٨٢١: نص جديد", "نص جديد"),
        ("\ufeffEdit\u00a0#48\u200b21\nline one\n\nline two", "line one\n\nline two"),
        ("EDIT, 4821.", ""),
    ],
)
def test_a_code_is_read_in_any_script_and_the_words_behind_it_stay_as_they_are(
    text: str, rest: str
) -> None:
    found = parse_code(text)
    assert found and (found.choice, found.code, found.rest) == ("edit", "4821", rest)


@pytest.mark.parametrize(
    "text",
    [
        "ОК 4821",  # these are not Latin letters
        "O\u212a 4821",
        "\u202eOK 4821",
        "\u2066OK 4821",
        "OK 12345678",
        "OK ①②③④",
        "OK 4²²1",
        f"OK{' ' * (MAX_HEAD - 6)}48219999",
        f"OK{' ' * 500}4821",
        "OK4821",
        "",
        "OK",
    ],
)
def test_what_may_be_read_as_something_else_decides_nothing(text: str) -> None:
    assert parse_code(text) is None


def test_no_dress_of_an_order_is_one_that_opts_out() -> None:
    assert not {"OK", "NO", "EDIT", "ASK", "SHOW", "THERE", "AGAIN", "LEAVE"} & STOP
    for text in ("ＯＫ　４８２１", "NO. 4821", "leave 4821!", "AGAIN 4821 🙏"):
        assert meaning(text, is_out=True) is Meaning.NOTHING and parse_code(text)
