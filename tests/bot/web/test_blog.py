"""The blog: only files of its folder, only markup of ours."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.web.blog import MAX_BYTES, PAGE_SIZE, newest, parse, read, routes, to_html

Client = TestClient[Any, Any]


class Tags(HTMLParser):
    """What a browser would make of a text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs


AT = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "blog"
    made.mkdir()
    (tmp_path / "secret.md").write_text("# Secret\n", "utf-8")
    (made / "open-on-sunday.md").write_text("# Open on Sunday\n\nCome by.\n", "utf-8")
    return made


@pytest_asyncio.fixture
async def client(folder: Path) -> AsyncIterator[Client]:
    app = web.Application()
    for method, path, handler in routes(folder):
        app.router.add_route(method, path, handler)
    async with TestClient(TestServer(app)) as made:
        yield made


async def test_a_post_is_listed_and_shown(client: Client) -> None:
    index = await (await client.get("/blog")).text()
    assert '<a href="/blog/open-on-sunday">Open on Sunday</a>' in index
    page = await (await client.get("/blog/open-on-sunday")).text()
    assert page.count("<h1>Open on Sunday</h1>") == 1
    assert "<p>Come by.</p>" in page


@pytest.mark.parametrize(
    "name",
    [
        "..%2Fsecret", "%2e%2e%2fsecret", "..%5Csecret", "secret%00", "%2Fetc%2Fpasswd", ".hidden",
        "open-on-sunday.md", "a" * 300, "․․%2Fsecret", "nothing",
    ],
)  # fmt: skip
async def test_a_name_never_leads_out_of_the_folder(client: Client, name: str) -> None:
    assert (await client.get(f"/blog/{name}")).status == 404


def test_a_link_out_of_the_folder_is_not_followed(folder: Path) -> None:
    (folder / "out.md").symlink_to(folder.parent / "secret.md")
    assert read(folder, "out") is None
    assert [post.name for post in newest(folder, 0)[0]] == ["open-on-sunday"]


async def test_what_is_no_file_is_not_there_and_holds_nobody_up(folder: Path) -> None:
    os.mkfifo(folder / "pipe.md")
    reading = asyncio.ensure_future(asyncio.to_thread(read, folder, "pipe"))
    done, _ = await asyncio.wait({reading}, timeout=2)
    if not done:  # let the thread go, which waits for somebody to write
        os.close(os.open(folder / "pipe.md", os.O_WRONLY))
    assert await reading is None
    assert done


def test_a_file_too_large_is_not_shown(folder: Path) -> None:
    (folder / "large.md").write_bytes(b"x" * (MAX_BYTES + 1))
    assert read(folder, "large") is None


@pytest.mark.parametrize(
    ("text", "title", "rest"),
    [
        ("# One\n\ntwo", "One", "two"),
        ("# One #\ntwo", "One", "two"),
        ('---\ntitle: "One"\ndate: 2026\n---\ntwo', "One", "two"),
        ("---\ntitle: One\n---\n# One\ntwo", "One", "two"),
        ("---\ntitle: One\n---\n# Other\ntwo", "One", "# Other\ntwo"),
        ("just words", "a name", "just words"),
        ("", "a name", ""),
    ],
)
def test_a_title_is_in_front_or_the_first_heading_or_the_name(
    text: str, title: str, rest: str
) -> None:
    post = parse("a-name", text, AT)
    assert (post.title, post.text) == (title, rest)


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](data:text/html,<script>alert(1)</script>)",
        '![x" onerror="alert(1)](javascript:alert(1))',
        '![a](https://example.org/"onerror=alert(1))',
        '[x](https://example.org "\\" onclick=alert(1)")',
        "<javascript:alert(1)>",
    ],
)
def test_hostile_markdown_makes_no_tag_and_no_address_of_its_own(text: str) -> None:
    found = Tags()
    found.feed(to_html(text))
    assert set(found.tags) <= {"p", "a"}
    assert {name for name, _ in found.attributes} <= {"href", "rel", "title"}
    for name, value in found.attributes:
        assert name != "href" or (value or "").startswith(("https://", "#"))


def test_a_picture_becomes_a_link_and_links_open_nothing_of_ours() -> None:
    html = to_html("![A shop](https://example.org/a.png) [b](https://example.org)")
    assert '<a href="https://example.org/a.png" rel="noopener nofollow">A shop</a>' in html
    assert html.count('rel="noopener nofollow"') == 2


def test_pages_hold_twenty_newest_first(folder: Path) -> None:
    for number in range(30):
        path = folder / f"post-{number:02}.md"
        path.write_text(f"# Post {number}\n", "utf-8")
        os.utime(path, (number + 1, number + 1))
    first, more = newest(folder, 0)
    assert (len(first), more) == (PAGE_SIZE, True)
    assert first[0].title == "Open on Sunday"
    last, more = newest(folder, 1)
    assert (last[-1].title, more) == ("Post 0", False)


async def test_an_empty_blog_has_a_sentence_and_an_action(tmp_path: Path) -> None:
    app = web.Application()
    for method, path, handler in routes(tmp_path / "nothing-here"):
        app.router.add_route(method, path, handler)
    async with TestClient(TestServer(app)) as client:
        text = await (await client.get("/blog?page=x")).text()
    assert "Nothing has been published yet." in text
    assert 'href="/chat"' in text


async def test_a_folder_that_was_made_a_link_is_not_read(client: Client, folder: Path) -> None:
    folder.rename(folder.with_name("moved"))
    folder.symlink_to(folder.with_name("moved"))
    for path in ("/blog", "/blog/open-on-sunday"):
        response = await client.get(path)
        assert response.status == 500
        said = await response.text()
        assert "is a link to another one" in said and "Sunday" not in said


async def test_a_title_hides_nothing_and_no_text_is_turned_around(
    client: Client, folder: Path
) -> None:
    post = "---\ntitle: Pay\u200b \u202eylkciuq\n---\n\nOpen \u2067here\u2069 שלום\u200f.\n"
    (folder / "turned.md").write_text(post, "utf-8")
    index = await (await client.get("/blog")).text()
    page = await (await client.get("/blog/turned")).text()
    assert "Pay[U+200B] [U+202E]ylkciuq" in index
    assert page.count("Pay[U+200B] [U+202E]ylkciuq") == 2, "its title, and that of the window"
    assert "Open [U+2067]here[U+2069] שלום\u200f." in page
