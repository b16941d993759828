"""Publishing on TikTok. API:
https://developers.tiktok.com/doc/content-posting-api-reference-direct-post (read 2026-08-21).

TikTok wants the person, not the program, to choose who may see a post and what they may do with
it, and paid content to be named: so `privacy` has no default and the card shows every choice. What
became of an upload is asked by its publish id. Until connected the sandbox performs it.
"""

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from bot.core.card import Card, Field
from bot.core.effect import Outcome, Policy
from bot.core.tool import Risk, Tool, ToolContext
from tools.social._network import Network, Post
from tools.social._post import PostArguments, Title, card_of, look_up, not_connected, unfit

NETWORK = Network(
    name="tiktok",
    title="TikTok",
    max_chars=2200,
    needs_media=True,
    max_media=35,
    audience="whom the person chose",
    source="https://developers.tiktok.com/doc/content-posting-api-get-started (2026-08-21)",
)
MAX_TITLE = 90
"""Of a post of photos."""
_WHO = {
    "everyone": "everyone (public)",
    "followers": "followers",
    "friends": "friends: followers who are followed back",
    "only_me": "only the account itself",
}


class TikTokPost(PostArguments):
    """A film or photos on TikTok."""

    network: ClassVar[Network] = NETWORK
    privacy: Literal["everyone", "followers", "friends", "only_me"]
    title: Title | None = None
    comments: bool = False
    duets: bool = False
    stitches: bool = False
    own_brand: bool = False
    paid_partnership: bool = False

    def to_post(self) -> Post:
        """TikTok shows no link."""
        return Post(text=self.text, title=self.title or "", media=self.pictures())

    @model_validator(mode="after")
    def allowed(self) -> Self:
        """Refuse what TikTok has no place for."""
        if self.link:
            raise unfit("TikTok shows no link with a post; leave link out")
        if self.title and self.length(self.title) > MAX_TITLE:
            raise unfit(f"a title on TikTok has at most {MAX_TITLE} characters")
        if self.paid_partnership and self.privacy == "only_me":
            raise unfit("TikTok does not keep paid partnerships private; choose another privacy")
        return self


def preview(args: TikTokPost) -> Card:
    """Show the post and every choice that comes with it."""
    allowed = [n for n in ("comments", "duets", "stitches") if getattr(args, n)]
    promoted = [
        words
        for on, words in (
            (args.own_brand, "the account's own brand"),
            (args.paid_partnership, "a paid partnership"),
        )
        if on
    ]
    lines = [
        Field(name="Who may see it", value=_WHO[args.privacy], editable="privacy"),
        Field(name="Viewers may add", value=", ".join(allowed) or "nothing"),
        Field(name="Promotes", value=" and ".join(promoted) or "nothing"),
    ]
    warnings = [
        "By publishing you agree to TikTok's Music Usage Confirmation.",
        "It cannot be taken back from here: TikTok's API deletes nothing.",
    ]
    if args.privacy != "only_me":
        warnings.append("Until TikTok has audited the app, it shows the post to nobody else.")
    return card_of(args, lines=lines, warnings=warnings, audience=_WHO[args.privacy])


async def tiktok_publish(ctx: ToolContext, args: TikTokPost) -> Outcome:
    """Publish a film, or photos, with a caption on TikTok.

    Use it when the person wants something on TikTok and has said who may see it. If they have not,
    ask; never choose privacy for them. Do not use it for text alone or for comments.
    - text: the caption, at most 2,200 characters.
    - media: one film, or up to 35 JPEG or WEBP photos, each {"url": address, "alt": description}.
    - privacy: everyone, followers, friends or only_me, as the person chose.
    - title: for photos, at most 90 characters.
    - comments, duets, stitches: true where viewers may add them.
    - own_brand, paid_partnership: true when it promotes the account's own business, or a third
      party pays for it.
    - link and when: leave them out.
    Example: {"text": "How we fold croissants", "media": [{"url": "https://example.org/fold.mp4"}],
    "privacy": "everyone", "comments": true}
    """
    raise not_connected(NETWORK)


TOOLS = (
    Tool(
        name="tiktok_publish",
        arguments=TikTokPost,
        perform=tiktok_publish,
        find=look_up(NETWORK),
        preview=preview,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        provider=NETWORK.name,
        egress=True,
        saying="publishing on TikTok",
    ),
)
