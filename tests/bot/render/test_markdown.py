"""Replies in every dialect: never malformed, never calling anybody, never losing a word."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.core.channel import Dialect
from bot.render import markdown
from bot.render.dialects.slack import Slack
from bot.render.markdown import pieces, size, to
from tests.bot.render.checks import CHECKS, is_within, letters, seen, source_letters

BITS = [
    *(
        "word",
        "two words",
        "žluť",
        "日本語",
        "😀",
        "👩‍👩‍👧",
        "a.b",
        "Mr. X went. He saw! ",
        "1",
        "x" * 70,
    ),
    *("*", "**", "***", "_", "__", "~~", "`", "``", "```", "\n", "\n\n", "  \n", " ", "\t", "\\"),
    *("> ", "- ", "1. ", "7) ", "# ", "### ", "---\n", "| a | b |\n|---|---|\n| c | d |\n", "|"),
    *(
        "```py\n",
        "\n```\n",
        "    ",
        "[x](https://e.example/a?b=c&d=e)",
        "[x](javascript:y)",
        "[",
        "](",
    ),
    *(
        "https://e.example/a_b_c(d)",
        "<https://e.example>",
        "![p](https://e.example/i.png)",
        ")",
        "(",
    ),
    *("<b>", "</b>", "&amp;", "&", "<", ">", '"', "<!channel>", "@everyone", "@here", "<@U123>"),
    *("<@&9>", "<#C1>", "<!here|x>", "@channel", "\x00", "\x1b[31m", "\u202e", "\ud800", "\r\n"),
]
TEXTS = st.lists(st.sampled_from(BITS), max_size=25).map("".join) | st.text(max_size=200)
DIALECTS = sorted(CHECKS)


@pytest.mark.parametrize("dialect", DIALECTS)
@given(text=TEXTS)
@example(text="a**b**c")
@example(text="***a** b*")
@example(text="[`a|b`](https://e.example/|x)")
@example(text="> > - # x\n> > ```\n> > <")
@example(text="@**everyone** and @_here_")
@example(text=">" * 60 + " deep")
def test_any_text_is_well_formed_and_whole(text, dialect):
    written = to(text, dialect)
    CHECKS[dialect](written)
    assert is_within(source_letters(text), letters(seen(written, dialect)))
    written.encode()


@pytest.mark.parametrize("dialect", DIALECTS)
@given(text=TEXTS, limit=st.integers(100, 300))
@example(text="x " * 300, limit=100)
@example(text="`" + "y" * 500 + "`", limit=100)
@example(text="https://e.example/" + "z" * 500, limit=100)
@example(text="**" + "bold words. " * 60 + "end**", limit=100)
@example(text="- " + "\n- ".join(["entry"] * 60), limit=100)
@example(text="> " * 35 + "far in " * 60, limit=100)
@example(text="|h|i|\n|-|-|\n" + "|cell|" + "long " * 60 + "|\n|c|d|", limit=100)
@example(text="\\*" * 200, limit=100)
@example(text="[x](https://e.example/" + "q" * 400 + ")", limit=100)
def test_pieces_are_well_formed_short_enough_and_lose_nothing(text, limit, dialect):
    found = pieces(text, dialect, limit)
    for piece in found:
        CHECKS[dialect](piece)
        assert piece.strip()
        assert size(piece, dialect) <= limit
    joined = "".join(seen(piece, dialect) for piece in found)
    assert is_within(source_letters(text), letters(joined))


@pytest.mark.parametrize("dialect", DIALECTS)
def test_words_of_a_long_reply_come_in_order_and_uncut(dialect):
    words = [f"word{n}" for n in range(2000)]
    text = "".join(f"{word}{'. ' if n % 9 == 8 else ' '}" for n, word in enumerate(words))
    found = pieces(text, dialect, 500)
    assert " ".join(seen(piece, dialect) for piece in found).split() == text.split()
    assert all(seen(piece, dialect).rstrip().endswith(".") for piece in found[:-1])


REPLY = """# Opening hours @everyone

We are **open *late*** on [Sunday](https://shop.example/a?b=1&c=2), see https://shop.example/x_y.
Use `make run` & enjoy 2 * 3 <b>.

1. Coffee
2. Tea
   - green

> He said
> yes.

| what | price |
|------|-------|
| tea  | **2** |

```py
if a < b: "x"
```
"""


def test_slack():
    assert to(REPLY, Dialect.SLACK) == (
        "*Opening hours @\u200beveryone*\n\n"
        "We are *open _late_* on <https://shop.example/a?b=1&amp;c=2|Sunday>, "
        "see <https://shop.example/x_y>.\n"
        "Use `make run` &amp; enjoy 2 * 3 &lt;b&gt;.\n\n"
        "1. Coffee\n2. Tea\n   • green\n\n"
        "> He said\n> yes.\n\n"
        "```\nwhat | price\n-----+------\ntea  | 2\n```\n\n"
        '```\nif a &lt; b: "x"\n```'
    )


def test_discord():
    assert to(REPLY, Dialect.DISCORD) == (
        "# Opening hours @\u200beveryone\n\n"
        "We are **open *late*** on [Sunday](<https://shop.example/a?b=1&c=2>), "
        "see <https://shop.example/x_y>.\n"
        "Use `make run` & enjoy 2 \\* 3 \\<b>.\n\n"
        "1. Coffee\n2. Tea\n   - green\n\n"
        "> He said\n> yes.\n\n"
        "```\nwhat | price\n-----+------\ntea  | 2\n```\n\n"
        '```py\nif a < b: "x"\n```'
    )


def test_telegram():
    assert to(REPLY, Dialect.TELEGRAM) == (
        "<b>Opening hours @\u200beveryone</b>\n\n"
        'We are <b>open <i>late</i></b> on <a href="https://shop.example/a?b=1&amp;c=2">Sunday</a>, '
        "see https://shop.example/x_y.\n"
        "Use <code>make run</code> &amp; enjoy 2 * 3 &lt;b&gt;.\n\n"
        "1. Coffee\n2. Tea\n   • green\n\n"
        "<blockquote>He said\nyes.</blockquote>\n\n"
        "<pre>what | price\n-----+------\ntea  | 2</pre>\n\n"
        '<pre><code class="language-py">if a &lt; b: &quot;x&quot;</code></pre>'
    )


def test_plain():
    assert to(REPLY, Dialect.PLAIN) == (
        "Opening hours @\u200beveryone\n\n"
        "We are open late on Sunday (https://shop.example/a?b=1&c=2), see https://shop.example/x_y.\n"
        "Use make run & enjoy 2 * 3 <b>.\n\n"
        "1. Coffee\n2. Tea\n   - green\n\n"
        "> He said\n> yes.\n\n"
        "what | price\ntea | 2\n\n"
        'if a < b: "x"'
    )


def test_html_keeps_wrapped_lines_and_mail_breaks_them():
    link = '<a href="https://e.example" rel="noopener noreferrer nofollow">y</a>'
    assert to("a\nb  \nc [y](https://e.example)", Dialect.HTML) == f"<p>a\nb<br>\nc {link}</p>"
    assert to("a\nb", Dialect.MAIL) == "<p>a<br>\nb</p>"
    assert "<h3>" in to("##### deep", Dialect.TEAMS)


def test_in_a_mail_nothing_wide_needs_room_and_a_table_has_lines():
    text = "```\nSELECT a\n```\n\n> said\n\n|a|b|\n|-|-|\n|1|2|"
    mail = to(text, Dialect.MAIL)
    assert '<pre style="white-space:pre-wrap;' in mail and "border-left" in mail
    assert mail.count("border-bottom") == 4
    assert "style" not in to(text, Dialect.HTML)


def test_the_pages_own_text_is_left_alone():
    assert to(REPLY, Dialect.MARKDOWN) == REPLY
    assert pieces(REPLY, Dialect.MARKDOWN, 4000) == [REPLY]


@pytest.mark.parametrize(
    ("text", "slack"),
    [
        ("a**b**c", "a\u200b*b*\u200bc"),
        ("**a***b*", "*a*\u200b_b_"),
        ("**a\nb**", "*a*\n*b*"),
        (r"\*lit\*", "<!date^00000000^{_}|*>lit<!date^00000000^{_}|*>"),
        ("snake_case 2 * 3", "snake_case 2 * 3"),
        ("`` a`b ``", "a<!date^00000000^{_}|`>b"),
        (r"\> no quote", "\u200b&gt; no quote"),
        ("**[x](https://e.example)**", "*<https://e.example|x>*"),
        ("[**x**](https://e.example)", "*<https://e.example|x>*"),
        ("<!subteam^S1>", "&lt;\u200b!subteam^S1&gt;"),
    ],
)
def test_slacks_marks_work_or_are_shown(text, slack):
    assert to(text, Dialect.SLACK) == slack


@pytest.mark.parametrize(
    ("text", "discord"),
    [
        (r"\# no heading", r"\# no heading"),
        (r"\- no list", r"\- no list"),
        (r"1\. no list", r"1\. no list"),
        ("**a***b*", "**a**\u200b*b*"),
        ("`` a`b ``", "``a`b``"),
        ("snake_case", r"snake\_case"),
        ("<@123> <#4>", "\\<\u200b@\u200b123> \\<\u200b#4>"),
        ("~~x~~ ||y||", r"~~x~~ \|\|y\|\|"),
        ("[a](https://e.example/(b))", "[a](<https://e.example/%28b%29>)"),
    ],
)
def test_discords_marks_work_or_are_shown(text, discord):
    assert to(text, Dialect.DISCORD) == discord


def test_telegram_counts_as_telegram_does():
    assert len(pieces("😀" * 100, Dialect.TELEGRAM, 100)) == 2
    assert len(pieces("😀" * 100, Dialect.DISCORD, 100)) == 1
    assert len(pieces("&" * 100, Dialect.TELEGRAM, 100)) == 1


def test_a_fence_that_is_cut_is_closed_and_opened_again():
    code = "\n".join(f"line {n}" for n in range(40))
    found = pieces(f"Look:\n\n```py\n{code}\n```\n\nDone.", Dialect.DISCORD, 120)
    inside = [piece for piece in found if "```" in piece]
    assert len(inside) > 2
    assert all(piece.startswith("```py\n") for piece in inside)
    lines = [line for piece in inside for line in piece.split("\n") if line.startswith("line")]
    assert lines == code.split("\n")


def test_a_list_that_is_cut_goes_on_counting():
    text = "\n".join(f"{n}. entry number {n}" for n in range(1, 21))
    found = pieces(text, Dialect.PLAIN, 100)
    assert "\n".join(found) == text


def test_an_entry_that_is_cut_goes_on_without_a_number():
    first, second, *_ = pieces("1. " + "word " * 40 + "\n2. next", Dialect.PLAIN, 120)
    assert first.startswith("1. word") and second.startswith("word")


def test_a_table_that_is_cut_has_its_head_again():
    rows = "".join(f"| {n} | some words |\n" for n in range(30))
    found = pieces(f"| no | what |\n|---|---|\n{rows}", Dialect.PLAIN, 120)
    assert len(found) > 2
    assert all(piece.startswith("no | what\n") for piece in found)


def test_a_heading_stays_with_what_it_heads():
    text = "word " * 15 + "\n\n# Head\n\n" + "more " * 15
    assert [piece.split()[0] for piece in pieces(text, Dialect.PLAIN, 100)] == ["word", "Head"]


def test_blocks_are_kept_whole_where_they_fit():
    text = "\n\n".join(f"{n} " + "word " * 12 for n in range(8))
    found = pieces(text, Dialect.PLAIN, 150)
    assert [piece.count("\n\n") for piece in found] == [1, 1, 1, 1]


def test_an_emoji_is_not_cut_in_its_middle():
    family = "👩‍👩‍👧"
    found = pieces(family * 60, Dialect.DISCORD, 101)
    assert all(piece.startswith("👩") and piece.endswith("👧") for piece in found)


def test_an_address_is_not_cut_while_it_fits():
    text = "word " * 17 + "https://e.example/some/long/path/to/a/page and more"
    first, second = pieces(text, Dialect.PLAIN, 100)
    assert second.startswith("https://e.example/some/long/path/to/a/page")


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(
    "text", ["<div>\nwords\n</div>", "a <b>words</b>", "<script>words", "<!-- words -->"]
)
def test_html_in_a_reply_is_shown_as_it_is(text, dialect):
    assert letters(seen(to(text, dialect), dialect)) == letters(text)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_a_link_that_leads_nowhere_safe_is_its_words(dialect):
    for href in ("/relative", "ftp://e.example", "#part", "data:text/html,x", "tg://user?id=1"):
        assert "href" not in to(f"[words]({href})", dialect)
        assert "words" in to(f"[words]({href})", dialect)


def test_definitions_of_links_are_not_swallowed():
    assert "https://e.example/spec" in to("See [1].\n\n[1]: https://e.example/spec", Dialect.PLAIN)


@pytest.mark.parametrize("text", ["", " ", "\n\n", "\x00"])
def test_nothing_makes_no_piece(text):
    assert pieces(text, Dialect.SLACK, 100) == []


@pytest.mark.parametrize(
    "text",
    [
        "- a\n" * 3000,
        "|a|\n|-|\n" + "|b|\n" * 3000,
        "> c\n>\n" * 3000,
        "```\n" + "d\n" * 3000 + "```",
    ],
    ids=["list", "table", "quotation", "code"],
)
def test_no_more_is_written_than_could_fit(text, monkeypatch):
    """Else each piece of a long list costs as much as the whole, and the house stands still."""
    longest = 0

    class Counts(Slack):
        def write(self, blocks):
            nonlocal longest
            longest = max(longest, len(written := super().write(blocks)))
            return written

    monkeypatch.setitem(markdown._WRITERS, Dialect.SLACK, Counts())
    assert len(pieces(text, Dialect.SLACK, 100)) > 30
    assert longest < 5_000, "of more than twelve thousand"
