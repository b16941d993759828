"""The blog: Markdown files of one folder as pages, for whoever may read them.

It only reads. The tool `blog_publish` writes the files; a name is letters, digits, dot, dash and
underscore, and a file that is not really inside the folder is not there. Text is rendered without
HTML of its own; pictures become links, because pages here load nothing from outside.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from bot.frozen import frozen
from bot.render.bounded import bounded
from bot.render.text import straight, visible
from bot.web.pages import Handler, error_page, render

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.renderer import RendererHTML
    from markdown_it.token import Token
    from markdown_it.utils import EnvType, OptionsDict

PAGE_SIZE = 20
MAX_BYTES = 1_000_000
"""A longer file is not shown."""
LINKED = (
    "The folder of the blog is a link to another one, which is not followed. If that is meant, "
    "`BOT_BLOG_FOLDER` names the folder it leads to."
)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)*")
_FRONT = re.compile(r"\A---\r?\n(.*?)\r?\n---\r?\n", re.DOTALL)
_LINE = re.compile(r"^(\w+):[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_TITLE = re.compile(r"\A\s*# +(.+?)(?: +#+)? *(?:\r?\n|\Z)")
_RULES = ("table", "strikethrough")


@frozen
class Post:
    """One post, as read."""

    name: str
    title: str
    text: str
    """Markdown, without front matter and without the title."""
    at: datetime


def parse(name: str, text: str, at: datetime) -> Post:
    """Read a post: its title is in the front matter, or its first heading, or its name.

    What hides in a title, and what turns the order of the text around, is written out.
    """
    title = ""
    if front := _FRONT.match(text):
        title = dict(_LINE.findall(front[1])).get("title", "").strip("\"'")
        text = text[front.end() :]
    heading = _TITLE.match(text)
    if heading and title in ("", heading[1]):
        title, text = heading[1], text[heading.end() :]
    title = visible(title or name.replace("-", " "))
    return Post(name=name, title=title, text=straight(text.strip()), at=at)


def read(folder: Path, name: str) -> Post | None:
    """Return a post; None when there is none of that name inside the folder."""
    if not _NAME.fullmatch(name) or len(name) > 200:
        return None
    path = folder / f"{name}.md"
    try:
        if path.is_symlink() or path.resolve().parent != folder.resolve() or not path.is_file():
            return None  # a pipe, for one, would be read for ever
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
            at = datetime.fromtimestamp(os.fstat(file.fileno()).st_mtime, UTC)
    except OSError:
        return None
    return parse(name, raw.decode("utf-8", "replace"), at) if len(raw) <= MAX_BYTES else None


def newest(folder: Path, page: int) -> tuple[Sequence[Post], bool]:
    """Return one page of posts, newest first, and whether older ones follow."""
    try:
        with os.scandir(folder) as entries:
            found = [(e.stat().st_mtime, e.name) for e in entries if _is_post(e)]
    except OSError:
        return (), False
    found.sort(reverse=True)
    names = [name.removesuffix(".md") for _, name in found[page * PAGE_SIZE :]]
    posts = [post for name in names[:PAGE_SIZE] if (post := read(folder, name))]
    return posts, len(names) > PAGE_SIZE


def _is_post(entry: os.DirEntry[str]) -> bool:
    return entry.name.endswith(".md") and entry.is_file(follow_symlinks=False)


@cache
def _markdown() -> MarkdownIt:
    from markdown_it import MarkdownIt  # 20 ms: at the first post

    found = MarkdownIt("commonmark", {"html": False}).enable(list(_RULES))
    found.add_render_rule("image", _image)
    found.add_render_rule("link_open", _link_open)
    return bounded(found)


def _image(
    self: RendererHTML, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
) -> str:
    from markdown_it.common.utils import escapeHtml

    source = escapeHtml(str(tokens[idx].attrs.get("src", "")))
    name = escapeHtml(tokens[idx].content or "picture")
    return f'<a href="{source}" rel="noopener nofollow">{name}</a>'


def _link_open(
    self: RendererHTML, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType
) -> str:
    tokens[idx].attrSet("rel", "noopener nofollow")
    return self.renderToken(tokens, idx, options, env)


def to_html(text: str) -> str:
    """Return safe HTML of a post: every tag in it is made here."""
    from markupsafe import Markup

    return Markup(_markdown().render(text))  # noqa: S704  (html is off; see test_blog.py)


def routes(folder: Path) -> list[tuple[str, str, Handler]]:
    """Method, path and handler of the blog that lives in `folder`."""

    async def index(request: web.Request) -> web.StreamResponse:
        if await asyncio.to_thread(folder.is_symlink):
            return error_page(500, LINKED)
        asked = request.query.get("page", "0")
        page = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 0
        posts, more = await asyncio.to_thread(newest, folder, page)
        return render("blog.html", posts=posts, page=page, more=more)

    async def one(request: web.Request) -> web.StreamResponse:
        if await asyncio.to_thread(folder.is_symlink):
            return error_page(500, LINKED)
        post = await asyncio.to_thread(read, folder, request.match_info["name"])
        if post is None:
            return error_page(404, "This post does not exist, or was taken down.")
        body = await asyncio.to_thread(to_html, post.text)
        return render("post.html", post=post, body=body)

    return [("GET", "/blog", index), ("GET", "/blog/{name}", one)]
