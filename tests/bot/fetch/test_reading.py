"""What is read of a page, and what is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.fetch.reading import decode, read

BASE = "https://shop.example.com/a/b"


def text_of(html: str) -> str:
    return read("text/html", "utf-8", html.encode(), BASE)[1]


def test_title_paragraphs_lists_and_links_become_text():
    title, text = read(
        "text/html",
        "",
        b"""<html><head><title> Open &amp;
        late </title><style>p{}</style></head><body><h1>Hours</h1>
        <p>We are <b>open</b> on <a href="/sunday?x=1">Sunday</a>.</p>
        <ul><li>coffee<li>tea</ul><pre>a
  b</pre><table><tr><td>1<td>2</table></body></html>""",
        BASE,
    )
    assert title == "Open & late"
    assert text == (
        "Hours\n\nWe are open on Sunday (https://shop.example.com/sunday?x=1) .\n\n"
        "- coffee\n- tea\n\na\nb\n\n1 2"
    )


@pytest.mark.parametrize(
    "html",
    [
        "<script>evil()</script>",
        "<style>evil{}</style>",
        "<noscript>evil</noscript>",
        "<template>evil</template>",
        "<svg><text>evil</text></svg>",
        "<iframe>evil</iframe>",
        "<!-- evil -->",
        "<![CDATA[ evil ]]>",
        "<div hidden>evil</div>",
        "<div hidden><div>evil</div>evil</div>",
        "<p style='color:red; display : none'>evil</p>",
        "<span style='font-size:0'>evil</span>",
        "<span style='opacity: 0'>evil</span>",
        "<span style='position:absolute; left:-9999px'>evil</span>",
        "<i aria-hidden='true'>evil</i>",
        "<img alt='evil' src='evil'>",
        "<input value='evil' hidden>",
        "<a href='javascript:evil'></a>",
    ],
)
def test_what_no_person_sees_is_not_read(html):
    assert text_of(f"<p>before</p>{html}<p>after</p>") == "before\n\nafter"


def test_a_hidden_element_whose_end_may_be_left_out_hides_only_itself():
    assert text_of("<p hidden>evil<p>seen") == "seen"


def test_visible_look_alikes_are_read():
    assert text_of("<p style='opacity:0.5'>a</p><p style='font-size:0.9em'>b</p>") == "a\n\nb"


@pytest.mark.parametrize(
    ("href", "shown"),
    [
        ("https://x.example/", "words (https://x.example/)"),
        ("//x.example/y", "words (https://x.example/y)"),
        ("#part", "words"),
        ("javascript:alert(1)", "words"),
        ("data:text/html,x", "words"),
        ("https://[broken", "words"),
        ("https://x.example/" + "y" * 600, "words"),
    ],
)
def test_a_link_shows_its_address_when_it_leads_to_another_page(href, shown):
    assert text_of(f"<a href='{href}'>words</a>") == shown


@pytest.mark.parametrize(
    ("body", "charset", "text"),
    [
        ("žluť".encode(), "utf-8", "žluť"),
        ("žluť".encode(), "", "žluť"),
        ("žluť".encode("iso8859-2"), "iso-8859-2", "žluť"),
        ("žluť".encode("utf-16"), "", "žluť"),
        ("žluť".encode("utf-8-sig"), "latin-1", "žluť"),
        (b"<meta charset='windows-1250'>" + "žluť".encode("cp1250"), "", None),
        (b"\x93quoted\x94", "iso-8859-1", "“quoted”"),
        (b"caf\xe9 au lait", "", "café au lait"),
        ("žluť".encode()[:-1], "", "žlu�"),
        (b"+ADw-script+AD4-", "utf-7", "+ADw-script+AD4-"),
        (b"abc", "zip", "abc"),
        (b"abc", "rot13", "abc"),
        (b"abc", "unicode_escape", "abc"),
        (b"abc", "../../etc/passwd", "abc"),
        (b"abc", "\x00", "abc"),
    ],
)
def test_the_charset_is_found_and_odd_ones_are_not_used(body, charset, text):
    assert decode(body, charset).endswith(text or "žluť")


@pytest.mark.parametrize(
    ("media_type", "body", "text"),
    [
        ("text/plain", b"<b>", "<b>"),
        ("application/json", b'{"a":1}', '{"a":1}'),
        ("application/ld+json", b"{}", "{}"),
        ("application/rss+xml", b"<rss/>", "<rss/>"),
        ("application/xml", b"<x/>", "<x/>"),
        ("image/png", b"\x89PNG", ""),
        ("application/pdf", b"%PDF", ""),
        ("application/octet-stream", b"text", ""),
        ("text/html", b"\x00\x01binary", ""),
        ("image/svg+xml", b"<svg/>", ""),
    ],
)
def test_only_text_is_read(media_type, body, text):
    assert read(media_type, "", body, BASE) == ("", text)


@given(
    st.lists(
        st.sampled_from(
            [
                *(
                    "<",
                    ">",
                    "</",
                    "<!",
                    "<!--",
                    "-->",
                    "<![",
                    "<?",
                    "&",
                    "&#",
                    "<a href=",
                    "'",
                    '"',
                    "x",
                ),
                *("<p", "<script>", "</script", "<title>", "<pre>", "</pre>", " ", "\n", "=", "/>"),
            ]
        ),
        max_size=40,
    ).map("".join)
)
def test_no_page_however_broken_stops_the_reader(html):
    title, text = read("text/html", "", html.encode(), BASE)
    assert len(title) + len(text) <= len(html) + 100


@pytest.mark.parametrize(
    "piece", ["<a x x x ", "<!--", "<![", "</", "<a href='", "<p hidden>", "&"]
)
def test_a_long_broken_page_is_read_to_an_end(piece):
    read("text/html", "", piece.encode() * (1_000_000 // len(piece)), BASE)
