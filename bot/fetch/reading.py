"""What a page says: its title and its text, from the bytes of an answer.

HTML becomes plain text with links behind their words; scripts, styles and what the page hides from
people are dropped, because a model would read what no person sees. JSON, XML and text stay as they
are. Anything else has no text. Written for hostile pages: no step takes more than linear time in
the size of the body, which the fetcher has capped.
"""

import codecs
import re
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urljoin

Attrs = list[tuple[str, str | None]]

HTML: Final = frozenset({"text/html", "application/xhtml+xml"})
_TEXT = re.compile(r"text/[\w.+-]+|application/(?:[\w.-]+\+)?(?:json|xml|yaml|ndjson)")
_META = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NO_CHARSET = frozenset({"utf-7", "idna", "punycode", "unicode_escape", "raw_unicode_escape"})
_FEED = 65_536
_MAX_HTML = 1_000_000
"""Characters of a page that are read for text. People's pages are a tenth of it."""
_MAX_TAG = 4 * _FEED
"""A tag or comment that is still not closed after so much is no tag; nothing after it is read."""
_MAX_LINK = 500

_DROPPED = frozenset(
    {"script", "style", "noscript", "template", "svg", "math", "iframe", "object", "embed"}
    | {"canvas", "audio", "video", "select", "datalist", "dialog", "frameset", "applet"}
)
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param"}
    | {"source", "track", "wbr"}
)
_OPTIONAL_END = frozenset({"p", "li", "dt", "dd", "tr", "td", "th", "option", "thead", "tbody"})
_BREAKS = frozenset(
    {"address", "article", "aside", "blockquote", "body", "details", "div", "dl", "fieldset"}
    | {"figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header"}
    | {"hr", "main", "nav", "ol", "p", "pre", "section", "table", "title", "ul", "dt", "dd"}
)
_LINES = frozenset({"br", "li", "tr", "option", "summary", "caption"})
_HIDING = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0(?![.\d])"
    r"|font-size\s*:\s*0(?![.\d])|(?:text-indent|left|top)\s*:\s*-\d{3,}",
    re.IGNORECASE,
)
_SPACE = re.compile(r"[ \t\r\f\v\xa0]*\n[ \t\r\f\v\xa0]*")
_EMPTY = re.compile(r"\n{3,}")


def read(media_type: str, charset: str, body: bytes, base: str) -> tuple[str, str]:
    """Return title and text; both empty when the body is no text."""
    is_html = media_type in HTML
    if not is_html and not _TEXT.fullmatch(media_type):
        return "", ""
    text = decode(body, charset)
    if "\0" in text[:1000]:
        return "", ""
    return _read_html(text, base) if is_html else ("", text)


def decode(body: bytes, charset: str = "") -> str:
    """Return the text: by its byte-order mark, the header, the page's own word, UTF-8, Latin."""
    said = [name for mark, name in _BOMS if body.startswith(mark)] or [charset]
    if found := _META.search(body[:2048]):
        said.append(found[1].decode("ascii", "replace"))
    for name in said:
        if known := _charset(name):
            return body.decode(known, "replace").removeprefix("\ufeff")
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        cut = error.start >= len(body) - 3
        return body.decode("utf-8" if cut else "cp1252", "replace")


def _charset(name: str) -> str:
    """The name of a charset that Python knows and a page may use; Latin-1 is cp1252 on the web."""
    try:
        known = codecs.lookup(name.strip().strip("\"'"))
        "".encode(known.name)  # LookupError for `zip`, `rot13` and what else is no charset
    except (LookupError, ValueError):
        return ""
    if known.name.replace("_", "-") in {each.replace("_", "-") for each in _NO_CHARSET}:
        return ""
    return "cp1252" if known.name in ("iso8859-1", "ascii") else known.name


def _read_html(text: str, base: str) -> tuple[str, str]:
    reader = _Reader(base)
    for at in range(0, min(len(text), _MAX_HTML), _FEED):
        reader.feed(text[at : at + _FEED])
        if len(reader.rawdata) > _MAX_TAG and not reader.cdata_elem:
            break
    # A tag makes the parser hand over what it holds. Its own `close` takes quadratic time on
    # broken pages; what stands in a tag or comment without end is no text anyway.
    reader.feed("<br>")
    return reader.title(), reader.text()


class _Reader(HTMLParser):
    """Collects text, links and the title."""

    def __init__(self, base: str) -> None:
        super().__init__(convert_charrefs=True)
        self._base = base
        self._out: list[str] = []
        self._title: list[str] = []
        self._dropping = ""
        """The tag that everything inside is dropped of, and how often it is open."""
        self._depth = 0
        self._pre = 0
        self._in_title = False
        self._link = ""
        self._link_at = 0

    def title(self) -> str:
        return " ".join("".join(self._title).split())[:300]

    def text(self) -> str:
        joined = _SPACE.sub("\n", "".join(self._out))
        return _EMPTY.sub("\n\n", joined).strip()

    def parse_marked_section(self, i: int, report: bool = True) -> int:
        """`<![…` is a comment in HTML; the parser's own reading of it fails on broken ones."""
        return self.parse_bogus_comment(i, report)

    def handle_starttag(self, tag: str, attrs: Attrs) -> None:
        if self._dropping:
            if tag != self._dropping:
                return
            if tag not in _OPTIONAL_END:
                self._depth += 1
                return
            self._dropping = ""
        if tag in _DROPPED or _is_hidden(attrs):
            if tag not in _VOID:
                self._dropping, self._depth = tag, 1
            return
        self._open(tag, attrs)

    def _open(self, tag: str, attrs: Attrs) -> None:
        self._break(tag)
        if tag == "pre":
            self._pre += 1
        elif tag == "title" and not self._title:
            self._in_title = True
        elif tag == "li":
            self._out.append("- ")
        elif tag in ("td", "th"):
            self._out.append(" ")
        elif tag == "a":
            self._link = dict(attrs).get("href") or ""
            self._link_at = len(self._out)

    def handle_endtag(self, tag: str) -> None:
        if self._dropping:
            if tag == self._dropping:
                self._depth -= 1
                if not self._depth:
                    self._dropping = ""
            return
        if tag == "pre":
            self._pre = max(0, self._pre - 1)
        elif tag == "title":
            self._in_title = False
        elif tag == "a":
            self._close_link()
        self._break(tag)

    def handle_data(self, data: str) -> None:
        if self._dropping:
            return
        if self._in_title:
            self._title.append(data)
        elif self._pre:
            self._out.append(data)
        else:
            words = " ".join(data.split())
            lead = " " if data[:1].isspace() and self._out and self._out[-1][-1:] > " " else ""
            self._out.append(f"{lead}{words}{' ' if words and data[-1:].isspace() else ''}")

    def _break(self, tag: str) -> None:
        if tag in _BREAKS:
            self._out.append("\n\n")
        elif tag in _LINES:
            self._out.append("\n")

    def _close_link(self) -> None:
        """Write the address behind the words of a link that leads somewhere else."""
        if not self._link:
            return
        try:
            href = urljoin(self._base, self._link.strip())
        except ValueError:
            href = ""
        words = "".join(self._out[self._link_at :]).strip()
        leads_away = href.partition("#")[0] != self._base.partition("#")[0] and href != words
        is_web = href.startswith(("http://", "https://")) and len(href) <= _MAX_LINK
        if words and leads_away and is_web:
            self._out.append(f" ({href}) ")
        self._link = ""


def _is_hidden(attrs: Attrs) -> bool:
    """Whether a person does not see this element."""
    for name, value in attrs:
        if name == "hidden" or (name == "aria-hidden" and value == "true"):
            return True
        if name == "style" and value and _HIDING.search(value):
            return True
    return False
