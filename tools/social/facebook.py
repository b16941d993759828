"""Publishing on a Facebook Page. API: https://developers.facebook.com/docs/pages-api/posts
(read 2026-08-21).

Pages only: the Graph API has no way to post on a person's own profile. No idempotency key, so an
unclear outcome is looked up among the Page's posts. Until connected the sandbox performs it.
"""

from typing import ClassVar
from urllib.parse import urlsplit

from bot.core.card import Card, Field
from bot.core.effect import Outcome, Policy
from bot.core.tool import Risk, Tool, ToolContext
from tools.social._network import Network, Post
from tools.social._post import PostArguments, Title, card_of, look_up, not_connected

NETWORK = Network(
    name="facebook",
    title="Facebook",
    max_chars=63_206,
    max_media=10,
    audience="everyone (public)",
    source="https://developers.facebook.com/docs/pages-api/posts (2026-08-21); media: ours",
)


class FacebookPost(PostArguments):
    """A post on a Page."""

    network: ClassVar[Network] = NETWORK
    page: Title | None = None

    def to_post(self) -> Post:
        """The link becomes a preview below the text."""
        audience = f"the Page {self.page}" if self.page else ""
        return Post(text=self.text, link=self.link or "", media=self.pictures(), audience=audience)


def preview(args: FacebookPost) -> Card:
    """Show the post as it will appear."""
    host = urlsplit(args.link or "").hostname or ""
    warnings = []
    if host == "facebook.com" or host.endswith(".facebook.com"):
        warnings.append("Facebook refuses posts by apps that link to facebook.com.")
    if args.link and args.media:
        warnings.append("Facebook shows either the media or a preview of the link, not both.")
    page = args.page or "the one that is connected"
    return card_of(args, lines=[Field(name="Page", value=page, editable="page")], warnings=warnings)


async def facebook_publish(ctx: ToolContext, args: FacebookPost) -> Outcome:
    """Publish one post on a Facebook Page, for everyone to see.

    Use it when the person wants something posted on their Facebook Page. Do not use it for a
    personal profile, a group, comments or messages: those cannot be reached.
    - text: the post; line breaks stay.
    - link: an address that Facebook shows as a preview.
    - media: up to 10 pictures or one film, each {"url": address, "alt": what is to be seen}.
    - page: the name or id of the Page; leave it out when only one is connected.
    - when: leave it out.
    Example: {"text": "Our spring menu is here.", "link": "https://example.org/menu"}
    """
    raise not_connected(NETWORK)


TOOLS = (
    Tool(
        name="facebook_publish",
        arguments=FacebookPost,
        perform=facebook_publish,
        find=look_up(NETWORK),
        preview=preview,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        provider=NETWORK.name,
        egress=True,
        saying="publishing on Facebook",
    ),
)
