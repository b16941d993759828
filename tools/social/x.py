"""Publishing on X. Its API: https://docs.x.com/x-api/posts/create-post (read 2026-08-22).

X knows no idempotency key, so an unclear outcome is looked up in the account's own posts. Each
post costs money there, one with a link more. Until an account is connected the sandbox performs it.
"""

import re
from typing import ClassVar

from bot.core.card import Card
from bot.core.effect import Outcome, Policy
from bot.core.tool import Risk, Tool, ToolContext
from tools.social._count import weighted
from tools.social._network import Network, Post
from tools.social._post import PostArguments, card_of, look_up, not_connected

NETWORK = Network(
    name="x",
    title="X",
    max_chars=280,
    link_chars=23,
    max_media=4,
    audience="everyone (public)",
    source="https://docs.x.com/fundamentals/counting-characters (2026-08-22)",
)
_CASHTAG = re.compile(r"(?<!\w)\$[A-Za-z]{1,6}\b")


class XPost(PostArguments):
    """A post on X."""

    network: ClassVar[Network] = NETWORK

    @staticmethod
    def length(text: str) -> int:
        """Weighted: a link counts 23, an emoji 2."""
        return weighted(text)

    def to_post(self) -> Post:
        """The link is part of the text."""
        return Post(text=self.with_link(), media=self.pictures())


def preview(args: XPost) -> Card:
    """Show the post as it will appear."""
    warnings = []
    if len(_CASHTAG.findall(args.text)) > 1:
        warnings.append("X refuses posts with more than one cashtag from most apps.")
    return card_of(args, warnings=warnings)


async def x_publish(ctx: ToolContext, args: XPost) -> Outcome:
    """Publish one post on X, for everyone to see.

    Use it when the person wants something posted on X (Twitter) in their name. Do not use it to
    answer others, for private messages, or to try out a text: show a draft in the chat instead.
    - text: the post, at most 280 characters; an emoji counts 2, any link 23.
    - link: an address that is put below the text; leave it out when the text has it.
    - media: up to 4 pictures or one film, each {"url": address, "alt": what is to be seen}.
    - when: leave it out.
    Example: {"text": "We are open on Sunday, 10 to 4. Coffee is on us."}
    """
    raise not_connected(NETWORK)


TOOLS = (
    Tool(
        name="x_publish",
        arguments=XPost,
        perform=x_publish,
        find=look_up(NETWORK),
        preview=preview,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        provider=NETWORK.name,
        egress=True,
        saying="publishing on X",
    ),
)
