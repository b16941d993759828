"""Publishing on Alignable, https://www.alignable.com (no public API was found, 2026-08-21).

A program cannot post there, and driving the site would break its terms. So a post can be prepared
and approved here, in the sandbox; putting it up is a person's hand, and nothing ever claims that
it was published.
"""

from typing import ClassVar

from bot.core.card import Card
from bot.core.effect import Outcome, Policy
from bot.core.errors import ConnectionBroken
from bot.core.tool import Risk, Tool, ToolContext
from tools.social._network import Network, Post
from tools.social._post import PostArguments, card_of

NETWORK = Network(
    name="alignable",
    title="Alignable",
    max_chars=5000,
    max_media=1,
    audience="your connections and neighbours on Alignable",
    source="no documentation found (2026-08-21); the limits are ours",
)


class AlignablePost(PostArguments):
    """A post on Alignable."""

    network: ClassVar[Network] = NETWORK

    def to_post(self) -> Post:
        """The link is part of the text that a person will paste."""
        return Post(text=self.with_link(), media=self.pictures())


def preview(args: AlignablePost) -> Card:
    """Show the post as it is to be pasted."""
    by_hand = "Alignable takes posts from people only: copy this text and put it up there yourself."
    return card_of(args, warnings=[by_hand])


async def alignable_publish(ctx: ToolContext, args: AlignablePost) -> Outcome:
    """Prepare one post for Alignable, for a person to put up by hand.

    Use it when the person wants something on Alignable. Say that they must paste it themselves; it
    is never published by you.
    - text: the post.
    - link: an address that is put below the text; leave it out when the text has it.
    - media: one picture, {"url": address, "alt": what is to be seen}.
    - when: leave it out.
    Example: {"text": "New opening hours: Sunday, 10 to 4."}
    """
    raise ConnectionBroken(
        "Alignable has no way in for programs, so `bot connect alignable` cannot help: put the "
        "post up by hand at https://www.alignable.com."
    )


TOOLS = (
    Tool(
        name="alignable_publish",
        arguments=AlignablePost,
        perform=alignable_publish,
        preview=preview,
        risk=Risk.WRITE,
        policy=Policy.NONE,
        provider=NETWORK.name,
        egress=True,
        saying="preparing a post for Alignable",
    ),
)
