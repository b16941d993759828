"""Publishing on LinkedIn. API:
https://learn.microsoft.com/linkedin/marketing/community-management/shares/posts-api
(read 2026-08-21).

A member's own posts cannot be listed by most apps, so nothing can be looked up: after an unclear
outcome a person is asked. Until connected the sandbox performs it.
"""

from typing import ClassVar

from bot.core.card import Card, Field
from bot.core.effect import Outcome, Policy
from bot.core.tool import Risk, Tool, ToolContext
from tools.social._network import Network, Post
from tools.social._post import PostArguments, Title, card_of, not_connected

NETWORK = Network(
    name="linkedin",
    title="LinkedIn",
    max_chars=3000,
    max_media=20,
    audience="everyone (public)",
    source="https://learn.microsoft.com/linkedin/marketing/community-management/shares/posts-api "
    "(2026-08-21); media: believed",
)


class LinkedInPost(PostArguments):
    """A post on LinkedIn."""

    network: ClassVar[Network] = NETWORK
    page: Title | None = None

    def to_post(self) -> Post:
        """The link becomes a preview below the text."""
        audience = f"the page {self.page}" if self.page else "your own profile"
        return Post(text=self.text, link=self.link or "", media=self.pictures(), audience=audience)


def preview(args: LinkedInPost) -> Card:
    """Show the post as it will appear."""
    where = Field(name="As", value=args.page or "yourself", editable="page")
    warnings = []
    if args.link and args.media:
        warnings.append("LinkedIn shows either the media or a preview of the link, not both.")
    return card_of(args, lines=[where], warnings=warnings)


async def linkedin_publish(ctx: ToolContext, args: LinkedInPost) -> Outcome:
    """Publish one post on LinkedIn, for everyone to see.

    Use it when the person wants something posted on LinkedIn, as themselves or as a company page
    they manage. Do not use it for comments, messages or job offers.
    - text: the post, at most 3,000 characters; plain text, no Markdown.
    - link: an address that LinkedIn shows as a preview.
    - media: pictures or one film, each {"url": address, "alt": what is to be seen}.
    - page: the company page to post as; leave it out to post as the person.
    - when: leave it out.
    Example: {"text": "We are hiring a baker.", "link": "https://example.org/jobs", "page": "Rye"}
    """
    raise not_connected(NETWORK)


TOOLS = (
    Tool(
        name="linkedin_publish",
        arguments=LinkedInPost,
        perform=linkedin_publish,
        preview=preview,
        risk=Risk.WRITE,
        policy=Policy.NONE,
        provider=NETWORK.name,
        egress=True,
        saying="publishing on LinkedIn",
    ),
)
