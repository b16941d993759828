"""Publishing on the team's own blog: a site on WordPress or Ghost, a folder, or a signed webhook.

Wherever it goes, the effect's key makes it happen once. A site's post has a mark of it in its slug,
a file in its name (`_article.py`): after a crash the mark tells whether it was done. A webhook has
the key as its `webhook-id` (`_blog_hook.py`; https://www.standardwebhooks.com, read 2026-08-21).
What a reader of the folder sees is `bot/web/blog.py`'s.
"""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.core.card import Card
from bot.core.card import Field as Line
from bot.core.channel import Dialect
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.errors import Conflict, Invalid, OperatorError, SettingsError, VendorUnknown
from bot.core.tool import Risk, Tool, ToolContext
from bot.render import markdown
from tools._arguments import unfit
from tools.social import _article, _blog_own
from tools.social._account import keep
from tools.social._blog_hook import KEY_KNOWN, Told, Webhook, send
from tools.social._blog_own import blog_at
from tools.social._blog_settings import BlogSettings, Site
from tools.social._media import bytes_of, looked_at
from tools.social._network import Network, Post
from tools.social._own import Standing
from tools.social._post import Hidden, MediaArgument, Text, Title, refusals
from tools.social._site import Blog, Draft, Picture

NETWORK = Network(
    name="blog",
    title="the blog",
    max_chars=100_000,
    needs_title=True,
    max_media=0,
    takes=dict.fromkeys(("image/jpeg", "image/png", "image/webp", "image/gif"), 10_000_000),
    audience="everyone who can open the blog",
    source="https://www.standardwebhooks.com (2026-08-21); the limits are ours",
)
MAX_TITLE = 200
NO_PICTURE = (
    "Only a blog on WordPress or Ghost takes a picture. Leave it out, or connect such a site."
)
NOT_HERE = (
    "No blog is connected here. An owner connects a site of WordPress or Ghost, with "
    "`bot connect wordpress` or `bot connect ghost`."
)


class BlogPost(BaseModel):
    """A post on the blog."""

    model_config = ConfigDict(extra="forbid")
    network: ClassVar[Network] = NETWORK

    title: Title
    text: Text
    tags: Annotated[list[Title], Field(max_length=20)] | None = None
    picture: MediaArgument | None = None
    site: Hidden = ""

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
    if args.picture:
        known = "; ".join(filter(None, (args.picture.alt, args.picture.about)))
        words = f"{args.picture.url} ({known})" if known else args.picture.url
        lines.append(Line(name="Picture", value=words))
    if args.site:
        lines.insert(0, Line(name="Where", value=args.site))
    if args.tags:
        lines.insert(1, Line(name="Tags", value=", ".join(args.tags), editable="tags"))
    return Card(
        title=f"Publish on {NETWORK.title}",
        fields=tuple(lines),
        body=args.text,
        warnings=tuple(_oddities(args)),
        audience="everyone (public)" if args.site else NETWORK.audience,
    )


def _oddities(args: BlogPost) -> list[str]:
    if args.picture and not args.picture.alt:
        return ["The picture has no description for those who cannot see it."]
    return []


async def blog_publish(ctx: ToolContext, args: BlogPost) -> Outcome:
    """Publish one post on the team's own blog.

    Use it when the person wants an article, a note or news on the blog. Do not use it for drafts
    (show them in the chat) or to change a post that is there already: it always makes a new one.
    - title: one line, at most 200 characters, such as "Open on Sunday".
    - text: the post in Markdown, without the title.
    - tags: words to file it under, such as ["news"]; may be left out.
    - picture: one for the head of the post, {"url": https address or id of a kept file, "alt":
      what is to be seen}; only where the blog is a site on WordPress or Ghost.
    Example: {"title": "Open on Sunday", "text": "We are open on Sunday, 10 to 4."}
    """
    site = await _site(ctx)
    if args.site != (site.label if site else ""):
        raise Conflict("The blog is somewhere else than was shown. Ask for the post again.")
    if site:
        return await _publish(ctx, blog_at(ctx, site), args)
    _check_home(ctx)
    if args.picture:
        raise Invalid(NO_PICTURE)
    target = _target(ctx)
    if isinstance(target, Webhook):
        return await send(ctx, target, Told(title=args.title, text=args.text, tags=args.tags or ()))
    article = _article.Article(
        title=args.title,
        text=args.text,
        tags=args.tags or (),
        key=ctx.key,
        at=ctx.clock.now(),
    )
    name = await asyncio.to_thread(_article.write, target, article)
    return _published(ctx, name)


async def _publish(ctx: ToolContext, blog: Blog, args: BlogPost) -> Outcome:
    """Publish on a site, unless this deed did before."""
    slug = _slug(args, ctx.key)
    if there := await blog.found(slug):
        return _stands(there)
    picture = str(ctx.progress.get("picture") or "")
    if args.picture and not picture:
        data = await bytes_of(_with_files(ctx), NETWORK, args.picture)
        kind = args.picture.media_type or "image/png"
        name = f"{_article.mark(ctx.key)}.{kind.rsplit('/', 1)[1].replace('jpeg', 'jpg')}"
        picture = await blog.picture(Picture(data=data, kind=kind, name=name, alt=args.picture.alt))
        ctx = await keep(ctx, picture=picture)
    draft = Draft(
        slug=slug,
        title=args.title,
        html=markdown.to(args.text, Dialect.HTML),
        tags=args.tags or (),
        picture=picture,
        alt=args.picture.alt if args.picture else "",
    )
    return _stands(await blog.publish(draft))


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look for the post. Raises VendorUnknown where nobody can, as by webhook."""
    site = await _site(ctx)
    if effect.arguments.get("site", "") != (site.label if site else ""):
        raise VendorUnknown("The blog is somewhere else now, so nobody can look there.")
    if site:
        args = BlogPost.model_validate(effect.arguments)
        there = await blog_at(ctx, site).found(_slug(args, ctx.key))
        return _stands(there) if there else None
    target = _target(ctx)
    if isinstance(target, Webhook):
        raise VendorUnknown("A webhook does not say what it published.")
    name = await asyncio.to_thread(_article.find, target, ctx.key)
    return _published(ctx, name) if name else None


def rests_on(ctx: ToolContext, args: BlogPost) -> tuple[Policy, int]:
    """What goes by webhook is known there by its key; all else is looked up."""
    settings = ctx.settings
    if args.site or not isinstance(settings, BlogSettings) or not settings.webhook_url:
        return Policy.READBACK, 0
    return Policy.KEYED, int(KEY_KNOWN.total_seconds())


async def complete(ctx: ToolContext, args: BlogPost) -> BlogPost:
    """Say where it will stand, and look at the picture, before anybody is asked."""
    site = await _site(ctx)
    args = args.model_copy(update={"site": site.label if site else ""})
    if not site:
        _check_home(ctx)
    if not args.picture:
        return args
    if not site:
        raise Invalid(NO_PICTURE)
    (picture,) = await looked_at(_with_files(ctx), NETWORK, [args.picture])
    return args.model_copy(update={"picture": picture})


def _check_home(ctx: ToolContext) -> None:
    """Raises OperatorError where folder and webhook of the settings are another tenant's, or the
    folder leads elsewhere."""
    settings = ctx.settings if isinstance(ctx.settings, BlogSettings) else BlogSettings()
    if settings.home not in ("", ctx.tenant):
        raise OperatorError(NOT_HERE)
    if settings.folder:
        _article.check(settings.folder)


async def _site(ctx: ToolContext) -> Site | None:
    """The site that this tenant connected. Raises SecretUnreadable."""
    settings = ctx.settings
    if not isinstance(settings, BlogSettings) or settings.site is None:
        return None
    return await settings.site(ctx.tenant)


def _with_files(ctx: ToolContext) -> ToolContext:
    """The same for what looks at media, which asks for kept files."""
    found = ctx.settings.reach if isinstance(ctx.settings, BlogSettings) else None
    return replace(ctx, settings=found)


def _slug(args: BlogPost, key: str) -> str:
    """The post's part of its address: the title, and a mark of the deed's key."""
    if not key:
        raise SettingsError("A post needs the key of its effect.")
    return f"{_article.slug(args.title)}-{_article.mark(key)}"


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


def _published(ctx: ToolContext, name: str) -> Outcome:
    """Its whole address where there is one: a phone or a mail program knows no house."""
    address = ctx.settings.address if isinstance(ctx.settings, BlogSettings) else ""
    url = f"{address}/blog/{name}"
    return Outcome(state=EffectState.SENT, vendor_ref=name, url=url, data="It is on the blog.")


def _stands(post: Standing) -> Outcome:
    return Outcome(
        state=EffectState.SENT, vendor_ref=post.id, url=post.url, data="It is on the blog."
    )


TOOLS = (
    Tool(
        name="blog_publish",
        arguments=BlogPost,
        perform=blog_publish,
        find=find,
        preview=preview,
        complete=complete,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        rests_on=rests_on,
        egress=True,
        saying="publishing on the blog",
    ),
    *_blog_own.TOOLS,
)
