"""Publishing on Tumblr. API: https://github.com/tumblr/docs/blob/master/api.md (read 2026-08-21).

Posts are made of blocks, a text block of at most 4,096 code points; a longer text is cut into
paragraphs. An unclear outcome is looked up among the blog's posts. Until connected the sandbox
performs it.
"""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from bot.core.card import Card
from bot.core.card import Field as Line
from bot.core.effect import Outcome, Policy
from bot.core.tool import Risk, Tool, ToolContext
from tools.social._count import code_points
from tools.social._network import Network, Post
from tools.social._post import PostArguments, Title, card_of, look_up, not_connected, unfit

NETWORK = Network(
    name="tumblr",
    title="Tumblr",
    max_chars=40_000,
    max_media=30,
    audience="everyone (public)",
    source="https://github.com/tumblr/docs/blob/master/npf-spec.md (2024-10); whole text: ours",
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
    - media: up to 30 pictures or films, each {"url": address, "alt": what is to be seen}.
    - tags: words without # and comma, such as ["bread", "rye"].
    - blog: the blog's name; leave it out for the main one.
    - when: leave it out.
    Example: {"title": "Rye", "text": "Why we let it rest for a day.", "tags": ["bread"]}
    """
    raise not_connected(NETWORK)


TOOLS = (
    Tool(
        name="tumblr_publish",
        arguments=TumblrPost,
        perform=tumblr_publish,
        find=look_up(NETWORK),
        preview=preview,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        provider=NETWORK.name,
        egress=True,
        saying="publishing on Tumblr",
    ),
)
