"""Publishing on Reddit. API: https://www.reddit.com/dev/api#POST_api_submit (read 2026-08-21).

A post is a title with either a text, a link or a picture. An unclear outcome is looked up among
the account's own posts by subreddit, title and time. Until connected the sandbox performs it.
"""

import re
from typing import ClassVar, Self

from pydantic import field_validator, model_validator

from bot.core.card import Card, Field
from bot.core.effect import Outcome, Policy
from bot.core.tool import Risk, Tool, ToolContext
from tools.social._count import code_points
from tools.social._network import Network, Post
from tools.social._post import PostArguments, Text, Title, card_of, look_up, not_connected, unfit

NETWORK = Network(
    name="reddit",
    title="Reddit",
    max_chars=40_000,
    needs_title=True,
    max_media=1,
    audience="everyone (public)",
    source="https://www.reddit.com/dev/api#POST_api_submit (2026-08-21); text length: believed",
)
MAX_TITLE = 300
_NAME = re.compile(r"(?:u_)?[A-Za-z0-9][A-Za-z0-9_-]{1,20}")


class RedditPost(PostArguments):
    """A post in a subreddit."""

    network: ClassVar[Network] = NETWORK
    subreddit: Title
    title: Title
    text: Text = ""
    flair: Title | None = None

    @staticmethod
    def length(text: str) -> int:
        """Code points."""
        return code_points(text)

    @field_validator("subreddit")
    @classmethod
    def name(cls, value: str) -> str:
        """Take `r/bread` and `bread`, and keep `bread`."""
        name = value.removeprefix("/").removeprefix("r/")
        if not _NAME.fullmatch(name):
            raise unfit("a subreddit is letters, digits and _, such as bread or r/bread")
        return name

    def to_post(self) -> Post:
        """A link post has no text."""
        return Post(
            text=self.text,
            title=self.title,
            link=self.link or "",
            media=self.pictures(),
            audience=f"r/{self.subreddit}",
        )

    @model_validator(mode="after")
    def one_kind(self) -> Self:
        """Refuse what is two kinds of post at once."""
        if len(self.title) > MAX_TITLE:
            raise unfit(f"a title on Reddit has at most {MAX_TITLE} characters")
        if bool(self.text) + bool(self.link) + bool(self.media) > 1:
            raise unfit("a post on Reddit has either a text, a link or a picture; give one of them")
        return self


def preview(args: RedditPost) -> Card:
    """Show the post as it will appear."""
    lines = [Field(name="Subreddit", value=args.subreddit, editable="subreddit")]
    if args.flair:
        lines.append(Field(name="Flair", value=args.flair, editable="flair"))
    return card_of(
        args,
        lines=lines,
        warnings=["A title cannot be edited later, and a subreddit's rules may remove the post."],
    )


async def reddit_publish(ctx: ToolContext, args: RedditPost) -> Outcome:
    """Publish one post in a subreddit, for everyone to see.

    Use it when the person wants something posted on Reddit and has named the subreddit. Do not use
    it for comments, votes or messages, or to post the same thing in many subreddits.
    - subreddit: its name, such as "bread".
    - title: at most 300 characters; it cannot be changed later.
    - text: the post in Markdown, or leave it out and give a link, or one picture in media.
    - link: the address of a link post.
    - media: one picture or film, {"url": address, "alt": what is to be seen}.
    - flair: the flair's text, where the subreddit wants one.
    - when: leave it out.
    Example: {"subreddit": "bread", "title": "My first rye", "text": "It rested for a day."}
    """
    raise not_connected(NETWORK)


TOOLS = (
    Tool(
        name="reddit_publish",
        arguments=RedditPost,
        perform=reddit_publish,
        find=look_up(NETWORK),
        preview=preview,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        provider=NETWORK.name,
        egress=True,
        saying="publishing on Reddit",
    ),
)
