"""Publishing on Threads. API: https://developers.facebook.com/docs/threads/posts (read 2026-08-21).

Two steps: a container that is repeatable, then the visible publish; whether that happened is read
from the container. Nothing can be edited afterwards. Until connected the sandbox performs it.
"""

from typing import ClassVar

from bot.core.card import Card
from bot.core.effect import Outcome, Policy
from bot.core.tool import Risk, Tool, ToolContext
from tools.social._count import emoji_bytes
from tools.social._network import Network, Post
from tools.social._post import PostArguments, card_of, look_up, not_connected

NETWORK = Network(
    name="threads",
    title="Threads",
    max_chars=500,
    max_media=20,
    audience="everyone (public)",
    source="https://developers.facebook.com/docs/threads/posts (2026-08-21); emoji: not certain",
)


class ThreadsPost(PostArguments):
    """A post on Threads."""

    network: ClassVar[Network] = NETWORK

    @staticmethod
    def length(text: str) -> int:
        """Emoji as bytes: some sources say so and others count one; this is the safe side."""
        return emoji_bytes(text)

    def to_post(self) -> Post:
        """The link is part of the text and of its length."""
        return Post(text=self.with_link(), media=self.pictures())


def preview(args: ThreadsPost) -> Card:
    """Show the post as it will appear."""
    return card_of(args, warnings=["A post on Threads cannot be edited afterwards."])


async def threads_publish(ctx: ToolContext, args: ThreadsPost) -> Outcome:
    """Publish one post on Threads, for everyone to see.

    Use it when the person wants something posted on Threads in their name. Do not use it for
    replies to others, or to try out a text: show a draft in the chat instead.
    - text: the post, at most 500 characters, links included.
    - link: an address that is put below the text; leave it out when the text has it.
    - media: up to 20 pictures or films, each {"url": address, "alt": what is to be seen}.
    - when: leave it out.
    Example: {"text": "What we learned from a year of baking at night."}
    """
    raise not_connected(NETWORK)


TOOLS = (
    Tool(
        name="threads_publish",
        arguments=ThreadsPost,
        perform=threads_publish,
        find=look_up(NETWORK),
        preview=preview,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        provider=NETWORK.name,
        egress=True,
        saying="publishing on Threads",
    ),
)
