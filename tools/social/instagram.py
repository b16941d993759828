"""Publishing on Instagram. API:
https://developers.facebook.com/docs/instagram-platform/content-publishing (read 2026-08-21).

Professional accounts only. The upload is repeatable and only the last call is visible; whether it
happened is read from the container. There is no deleting by API. Until connected the sandbox
performs it.
"""

from typing import ClassVar

from bot.core.card import Card
from bot.core.effect import Outcome, Policy
from bot.core.tool import Risk, Tool, ToolContext
from tools.social._network import Network, Post
from tools.social._post import PostArguments, card_of, look_up, not_connected

NETWORK = Network(
    name="instagram",
    title="Instagram",
    max_chars=2200,
    needs_media=True,
    max_media=10,
    audience="everyone (public)",
    source="https://developers.facebook.com/docs/instagram-platform/content-publishing "
    "(2026-08-21)",
)


class InstagramPost(PostArguments):
    """A post on Instagram."""

    network: ClassVar[Network] = NETWORK

    def to_post(self) -> Post:
        """The link is plain text in the caption."""
        return Post(text=self.with_link(), media=self.pictures())


def preview(args: InstagramPost) -> Card:
    """Show the post as it will appear."""
    warnings = ["It cannot be taken back from here: Instagram's API deletes nothing."]
    if args.link:
        warnings.append("Links in a caption cannot be tapped on Instagram.")
    if any(item.url.lower().endswith((".png", ".webp", ".gif")) for item in args.media or ()):
        warnings.append("Instagram takes JPEG pictures only.")
    return card_of(args, warnings=warnings)


async def instagram_publish(ctx: ToolContext, args: InstagramPost) -> Outcome:
    """Publish pictures or a film with a caption on Instagram, for everyone to see.

    Use it when the person wants something on Instagram and there is a picture or film to show. Do
    not use it for text alone (Instagram has no such posts), for comments or messages.
    - text: the caption, at most 2,200 characters; may be empty.
    - media: 1 to 10 JPEG pictures or films, each {"url": address, "alt": what is to be seen}.
    - link: is put below the caption as plain text; nobody can tap it.
    - when: leave it out.
    Example: {"text": "Fresh from the oven.", "media": [{"url": "https://example.org/bread.jpg",
    "alt": "A loaf of rye bread"}]}
    """
    raise not_connected(NETWORK)


TOOLS = (
    Tool(
        name="instagram_publish",
        arguments=InstagramPost,
        perform=instagram_publish,
        find=look_up(NETWORK),
        preview=preview,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        provider=NETWORK.name,
        egress=True,
        saying="publishing on Instagram",
    ),
)
