"""Publishing on Tumblr. API: https://github.com/tumblr/docs/blob/master/api.md (read 2026-11-21).

Posts are made of blocks, a text block of at most 4,096 code points; a longer text is cut into
paragraphs. Media go along in the same request. Tumblr knows no idempotency key: an unclear outcome
is looked up among the blog's posts; a post with a film, which Tumblr has to work on, is asked about
when it is not seen there. Until an account is connected the sandbox performs it.
"""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from bot.core.card import Card
from bot.core.card import Field as Line
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.errors import Invalid, VendorUnknown
from bot.core.tool import Risk, Tool, ToolContext
from tools._arguments import unfit
from tools.social import _tumblr_own
from tools.social._account import Account, began
from tools.social._count import code_points
from tools.social._media import bytes_of, is_film, looked_at
from tools.social._multipart import Part, multipart
from tools.social._network import Network, Post
from tools.social._post import PostArguments, Title, card_of
from tools.social._tumblr_api import (
    WRITING,
    blog_of,
    id_of,
    inner,
    posts,
    posts_left,
    tumblr_of,
    words_of,
)
from tools.social._twice import tried_since

NETWORK = Network(
    name="tumblr",
    title="Tumblr",
    max_chars=40_000,
    max_media=30,
    takes={
        **dict.fromkeys(("image/jpeg", "image/png", "image/webp"), 20_000_000),
        "image/gif": 10_000_000,
        "video/mp4": 100_000_000,
    },
    mixes=True,
    audience="everyone (public)",
    source="https://github.com/tumblr/docs/blob/master/npf-spec.md (2024-10); whole text "
    "and sizes of media: ours",
)
BLOCK_CHARS = 4096
"""Of one paragraph."""


class TumblrPost(PostArguments):
    """A post on a Tumblr blog."""

    network: ClassVar[Network] = NETWORK
    title: Title | None = None
    tags: Annotated[list[Title], Field(max_length=30)] | None = None
    blog: Title | None = None

    @staticmethod
    def length(text: str) -> int:
        """Code points."""
        return code_points(text)

    def to_post(self) -> Post:
        """The link is a block of its own."""
        return Post(
            text=self.text,
            title=self.title or "",
            link=self.link or "",
            media=self.pictures(),
            tags=tuple(self.tags or ()),
            audience=f"the blog {self.blog}" if self.blog else "",
        )

    @model_validator(mode="after")
    def paragraphs(self) -> Self:
        """Refuse a paragraph that no block holds, and tags that would become two."""
        longest = max(map(len, self.text.split("\n\n")))
        if longest > BLOCK_CHARS:
            raise unfit(
                f"a paragraph on Tumblr has at most {BLOCK_CHARS} characters, this one {longest}"
            )
        if any("," in tag for tag in self.tags or ()):
            raise unfit("a tag on Tumblr holds no comma; give several tags")
        return self


def preview(args: TumblrPost) -> Card:
    """Show the post as it will appear."""
    lines = [Line(name="Blog", value=args.blog or "the account's main blog", editable="blog")]
    if args.tags:
        lines.append(Line(name="Tags", value=", ".join(args.tags), editable="tags"))
    return card_of(args, lines=lines)


async def tumblr_publish(ctx: ToolContext, args: TumblrPost) -> Outcome:
    """Publish one post on a Tumblr blog, for everyone to see.

    Use it when the person wants something on Tumblr. Do not use it to reblog, to answer asks, or
    for drafts: show a draft in the chat instead.
    - text: the post; an empty line parts paragraphs of at most 4,096 characters.
    - title: a heading above it.
    - link: an address that gets a preview of its own.
    - media: up to 30 pictures (JPEG, PNG, WebP, GIF) and one film (MP4), each {"url": https address
      or id of a kept file, "alt": what is to be seen}.
    - tags: words without # and comma, such as ["bread", "rye"].
    - blog: the blog's name; leave it out for the main one.
    - when: for later, such as "2026-11-22T09:00+01:00", with the person's zone; leave it out for
      at once, which is after the yes.
    Example: {"title": "Rye", "text": "Why we let it rest for a day.", "tags": ["bread"]}
    """
    tumblr = await tumblr_of(ctx, WRITING)
    ctx = await began(ctx)
    blog = await blog_of(tumblr, args.blog or "")
    parts = [
        Part(
            field=f"medium-{n}",
            data=await bytes_of(ctx, NETWORK, medium),
            kind=medium.media_type or "image/png",
            name=f"medium-{n}",
        )
        for n, medium in enumerate(args.media or ())
    ]
    told = {"content": blocks_of(args), "state": "published", "tags": ",".join(args.tags or ())}
    data = json.dumps(told, ensure_ascii=False).encode()
    kind, body = "application/json", data
    if parts:
        kind, body = multipart([Part(field="json", data=data, kind=kind), *parts])
    answer = await tumblr.call(
        "POST", f"/v2/blog/{blog}/posts", body=body, headers={"Content-Type": kind}
    )
    made = inner(answer)
    done = _published(blog, id_of(made))
    if made.get("state") == "transcoding":
        words = "Tumblr works on the film; the post is up once that is done."
        return Outcome(state=done.state, vendor_ref=done.vendor_ref, url=done.url, data=words)
    return done


def blocks_of(args: TumblrPost) -> list[dict[str, Any]]:
    """The post as Tumblr's blocks: heading, media, paragraphs, link."""
    blocks: list[dict[str, Any]] = []
    if args.title:
        blocks.append({"type": "text", "subtype": "heading1", "text": args.title})
    for n, medium in enumerate(args.media or ()):
        named = {"type": medium.media_type or "image/png", "identifier": f"medium-{n}"}
        if is_film(medium):
            blocks.append({"type": "video", "media": named})
        else:
            alt = {"alt_text": medium.alt} if medium.alt else {}
            blocks.append({"type": "image", "media": [named], **alt})
    paragraphs = (each.strip("\n") for each in args.text.split("\n\n"))
    blocks += [{"type": "text", "text": each} for each in paragraphs if each.strip()]
    if args.link:
        blocks.append({"type": "link", "url": args.link})
    return blocks


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look for the post among the blog's own since it was tried first."""
    args = TumblrPost.model_validate(effect.arguments)
    tumblr = await tumblr_of(ctx, WRITING)
    blog = await blog_of(tumblr, args.blog or "")
    found = await _look(tumblr, blog, args, tried_since(effect))
    if found is None and any(map(is_film, args.media or ())):
        raise VendorUnknown("Tumblr shows no such post yet, but may still work on its film.")
    return found


async def _look(tumblr: Account, blog: str, args: TumblrPost, since: datetime) -> Outcome | None:
    meant = blocks_of(args)
    async for post in posts(tumblr, blog, since):
        content = post.get("content")
        if isinstance(content, list) and _plain(content) == _plain(meant):
            return _published(blog, id_of(post))
    return None


def _plain(blocks: Sequence[Mapping[str, Any]]) -> tuple[str, int]:
    """A post for comparing: its words with single spaces, and how many media it has."""
    words = " ".join(unicodedata.normalize("NFC", words_of(blocks)).split())
    return words, sum(isinstance(b, dict) and b.get("type") in ("image", "video") for b in blocks)


async def complete(ctx: ToolContext, args: TumblrPost) -> TumblrPost:
    """Name the blog, and refuse before anybody is asked what it could not take."""
    if not ctx.connection:
        return args
    tumblr = await tumblr_of(ctx, WRITING)
    args = args.model_copy(update={"blog": await blog_of(tumblr, args.blog or "")})
    if await posts_left(tumblr) == 0:
        raise Invalid("Tumblr takes no more posts from this account today.")
    if not args.media:
        return args
    media = await looked_at(ctx, NETWORK, args.media)
    if sum(map(is_film, media)) > 1:
        raise Invalid("A post on Tumblr takes one film.")
    return args.model_copy(update={"media": media})


def _published(blog: str, post: str) -> Outcome:
    url = f"https://www.tumblr.com/{blog}/{post}"
    return Outcome(state=EffectState.SENT, vendor_ref=post, url=url)


TOOLS = (
    Tool(
        name="tumblr_publish",
        arguments=TumblrPost,
        perform=tumblr_publish,
        find=find,
        preview=preview,
        complete=complete,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        provider=NETWORK.name,
        needs=WRITING,
        egress=True,
        saying="publishing on Tumblr",
    ),
    *_tumblr_own.TOOLS,
)
