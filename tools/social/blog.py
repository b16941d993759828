"""Publishing on the team's own blog: a Markdown file in a folder, or a signed webhook.

A file carries a mark of the effect's key in its name (`_article.py`): the same deed never makes a
second post, and after a crash the mark tells whether it was done. A webhook carries the key as its
`webhook-id` (https://www.standardwebhooks.com, read 2026-08-21) and is repeated with it while a
receiver may be expected to know it. What a reader sees is `bot/web/blog.py`'s.
"""

import asyncio
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.core.card import Card
from bot.core.card import Field as Line
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.errors import SettingsError, VendorUnknown
from bot.core.ports import Page
from bot.core.secret import Secret
from bot.core.tool import Risk, Tool, ToolContext
from bot.frozen import frozen
from tools.social import _article
from tools.social._blog_settings import BlogSettings
from tools.social._network import Network, Post
from tools.social._post import Text, Title, refusals, unfit
from tools.social._signed import headers_of

NETWORK = Network(
    name="blog",
    title="the blog",
    max_chars=100_000,
    needs_title=True,
    max_media=0,
    audience="everyone who can open the blog",
    source="https://www.standardwebhooks.com (2026-08-21); the limits are ours",
)
MAX_TITLE = 200
KEY_KNOWN = timedelta(hours=24)
"""How long a receiver is trusted to remember a `webhook-id`; later a person is asked."""


@frozen
class Webhook:
    """Where a post is sent to, and what it is signed with."""

    url: str
    secret: Secret


class BlogPost(BaseModel):
    """A post on the blog."""

    model_config = ConfigDict(extra="forbid")
    network: ClassVar[Network] = NETWORK

    title: Title
    text: Text
    tags: Annotated[list[Title], Field(max_length=20)] | None = None

    @model_validator(mode="after")
    def fits(self) -> Self:
        """Refuse what no post is."""
        if len(self.title) > MAX_TITLE:
            raise unfit(f"a title has at most {MAX_TITLE} characters, this one {len(self.title)}")
        if not self.text:
            raise unfit("there is nothing to publish; give a text")
        post = Post(text=self.text, title=self.title, tags=tuple(self.tags or ()))
        if problems := refusals(NETWORK, post, len):
            raise unfit("; ".join(problems))
        return self


def preview(args: BlogPost) -> Card:
    """Show the post as it will appear."""
    lines = [
        Line(name="Title", value=args.title, editable="title"),
        Line(name="Text", value=args.text, long=True, editable="text"),
        Line(name="Length", value=f"{len(args.text)} of {NETWORK.max_chars}"),
    ]
    if args.tags:
        lines.insert(1, Line(name="Tags", value=", ".join(args.tags), editable="tags"))
    return Card(
        title=f"Publish on {NETWORK.title}",
        fields=tuple(lines),
        body=args.text,
        audience=NETWORK.audience,
    )


async def blog_publish(ctx: ToolContext, args: BlogPost) -> Outcome:
    """Publish one post on the team's own blog.

    Use it when the person wants an article, a note or news on the blog. Do not use it for drafts
    (show them in the chat) or to change a post that is there already: it always makes a new one.
    - title: one line, at most 200 characters, such as "Open on Sunday".
    - text: the post in Markdown, without the title.
    - tags: words to file it under, such as ["news"]; may be left out.
    Example: {"title": "Open on Sunday", "text": "We are open on Sunday, 10 to 4."}
    """
    target = _target(ctx)
    if isinstance(target, Webhook):
        return await _send(ctx, target, args)
    article = _article.Article(
        title=args.title,
        text=args.text,
        tags=args.tags or (),
        key=ctx.key,
        at=ctx.clock.now(),
    )
    name = await asyncio.to_thread(_article.write, target, article)
    return _published(name)


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look for the file; what went by webhook is sent again with its key, which changes nothing.

    Raises VendorUnknown when the receiver may have forgotten the key.
    """
    target = _target(ctx)
    if isinstance(target, Webhook):
        if effect.started_at and ctx.clock.now() - effect.started_at > KEY_KNOWN:
            raise VendorUnknown("The webhook may have forgotten this message by now.")
        return None
    name = await asyncio.to_thread(_article.find, target, ctx.key)
    return _published(name) if name else None


def _target(ctx: ToolContext) -> Path | Webhook:
    settings = ctx.settings if isinstance(ctx.settings, BlogSettings) else BlogSettings()
    if settings.folder and settings.webhook_url:
        raise SettingsError("[blog] has both folder and webhook_url; leave one of them out.")
    if settings.folder:
        return settings.folder
    if not settings.webhook_url:
        raise SettingsError("No blog is set up. Set [blog] folder or webhook_url in bot.toml.")
    if not settings.webhook_secret:
        raise SettingsError("[blog] webhook_url needs webhook_secret, with which it is signed.")
    return Webhook(url=settings.webhook_url, secret=settings.webhook_secret)


def _published(name: str) -> Outcome:
    return Outcome(
        state=EffectState.SENT, vendor_ref=name, url=f"/blog/{name}", data="It is on the blog."
    )


async def _send(ctx: ToolContext, target: Webhook, args: BlogPost) -> Outcome:
    """Send the post to the webhook, signed; the same key makes the same message."""
    data = {"title": args.title, "text": args.text, "tags": args.tags or []}
    body = json.dumps({"type": "post.published", "data": data}, ensure_ascii=False).encode()
    at = int(ctx.clock.now().timestamp())
    headers = headers_of(target.secret, ctx.key, at, body)
    page = await ctx.house.fetcher.fetch(
        target.url,
        method="POST",
        headers={"content-type": "application/json", **headers},
        body=body,
        max_bytes=65_536,
    )
    if 200 <= page.status < 300:
        return Outcome(
            state=EffectState.SENT,
            vendor_ref=ctx.key,
            url=_url(page),
            data="The blog has taken it.",
        )
    if page.status == 429:
        return _refused(page.status, retry_after_s=60)
    if 300 <= page.status < 500:
        return _refused(page.status)
    raise VendorUnknown(f"The blog's webhook answered {page.status}.")


def _refused(status: int, retry_after_s: float | None = None) -> Outcome:
    error = f"The blog's webhook refused it with status {status}; nothing was published."
    return Outcome(state=EffectState.FAILED, error=error, retry_after_s=retry_after_s)


def _url(page: Page) -> str:
    """The post's address, when the receiver's answer names one."""
    try:
        answer = json.loads(page.body)
    except ValueError:
        return ""
    url = answer.get("url") if isinstance(answer, dict) else None
    fits = isinstance(url, str) and len(url) < 2048 and re.fullmatch(r"https?://[!-~]+", url)
    return str(url) if fits else ""


TOOLS = (
    Tool(
        name="blog_publish",
        arguments=BlogPost,
        perform=blog_publish,
        find=find,
        preview=preview,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        egress=True,
        saying="publishing on the blog",
    ),
)
