"""What is hidden, whom a text would call, how long it is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.render.text import clean, clip, defuse, one_line, unfence, units, visible

Z = "\u200b"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text\n\twith tab", "plain text\n\twith tab"),
        ("a\r\nb", "a\nb"),
        ("a\rb", "a[U+000D]b"),
        ("\x1b[31mred", "[U+001B][31mred"),
        ("abc\u202edef", "abc[U+202E]def"),
        ("\u2066x\u2069", "[U+2066]x[U+2069]"),
        ("zero\u200bwidth", "zero[U+200B]width"),
        ("soft\xadhyphen", "soft[U+00AD]hyphen"),
        ("\ufeffmark", "[U+FEFF]mark"),
        ("\U000e0041\U000e007f", "[U+E0041][U+E007F]"),
        ("\u3164\u2800\uffa0", "[U+3164][U+2800][U+FFA0]"),
        ("\ud83d", "[U+D83D]"),
        ("a\x85b\u2028c", "a[U+0085]b[U+2028]c"),
        ("x" + "\ufe0f" * 3, "x" + "[U+FE0F]" * 3),
        ("❤\ufe0f\ufe0f\ufe01", "❤\ufe0f[U+FE0F][U+FE01]"),
        ("\u200d", "[U+200D]"),
        ("a\u200db", "a[U+200D]b"),
        ("❤️ ©️ 1️⃣ #️⃣ 👩‍👩‍👧 👍🏽 🏳️‍🌈 👩🏽‍🚀 🇩🇪", None),
        ("می\u200cخواهم", None),
        ("क्\u200dष", None),
        ("žluťoučký “quotes” — dash … nbsp\xa0here", None),
        ("a" + "\n" * 3 + "b", "a\n\n\nb"),
        ("a" + "\n" * 13 + "b", "a\n[12 empty lines]\nb"),
        ("a\n \n\t\n  \n\nb", "a\n[4 empty lines]\nb"),
        ("a" + " " * 40 + "b", "a [40 spaces] b"),
        ("a" + " " * 39 + "b", "a" + " " * 39 + "b"),
        ("a" + "\u2003" * 50 + "b", "a [50 spaces] b"),
    ],
)
def test_what_hides_is_written_out_and_nothing_else(text, shown):
    assert visible(text) == (text if shown is None else shown)


@given(st.text())
def test_what_is_visible_stays_visible(text):
    once = visible(text)
    assert visible(once) == once
    once.encode()


@pytest.mark.parametrize(
    ("text", "quiet"),
    [
        ("@everyone", f"@{Z}everyone"),
        ("hi @Here!", f"hi @{Z}Here!"),
        ("@channel", f"@{Z}channel"),
        ("<!channel>", f"<{Z}!channel>"),
        ("<!here|here>", f"<{Z}!here|here>"),
        ("<!subteam^S1>", f"<{Z}!subteam^S1>"),
        ("<@U123>", f"<{Z}@U123>"),
        ("<@123>", f"<{Z}@{Z}123>"),
        ("<@&9>", f"<{Z}@{Z}&9>"),
        ("<#C1>", f"<{Z}#C1>"),
        ("ends with @", f"ends with @{Z}"),
        ("bo@example.com", "bo@example.com"),
        ("@bo and a < b", "@bo and a < b"),
        ("<b>", "<b>"),
    ],
)
def test_mentions_that_call_many_are_broken(text, quiet):
    assert defuse(text) == quiet
    assert defuse(defuse(text)).replace(Z, "") == text


@pytest.mark.parametrize(
    ("text", "kept"),
    [("a\x00b\x1bc", "abc"), ("a\r\nb\rc", "a\nb\nc"), ("\ud800x", "�x"), ("a\tb\n", "a\tb\n")],
)
def test_replies_lose_only_controls(text, kept):
    assert clean(text) == kept


def test_telegram_units_count_emoji_twice():
    assert units("a😀é") == 4


@pytest.mark.parametrize("code", ["```", "`````", "a```b````", "``"])
def test_no_fence_ends_inside(code):
    assert "```" not in unfence(code)
    assert unfence(code).replace(Z, "") == code


def test_lines_and_cuts():
    assert one_line(" a \n b\t c ") == "a b c"
    assert [clip("abcdef", n) for n in (6, 4, 1)] == ["abcdef", "abc…", "…"]
