"""Publishing on Instagram. API:
https://developers.facebook.com/docs/instagram-platform/content-publishing (read 2026-11-21).

Professional accounts only. The upload is repeatable and only the last call is visible; whether it
happened is read from the container. There is no deleting by API, and Instagram fetches pictures and
films itself. Until an account is connected the sandbox performs it.
"""

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from bot.core.canonical import Json
from bot.core.card import Card
from bot.core.effect import Outcome, Policy
from bot.core.tool import Risk, Tool, ToolContext
from tools.social import _two_steps
from tools.social._account import Account, account_of
from tools.social._container import Steps
from tools.social._media import is_film
from tools.social._meta_api import GRAPH, service
from tools.social._meta_posts import MetaPosts, Names
from tools.social._network import Network, Post
from tools.social._own_tools import Own, tools_of
from tools.social._post import MediaArgument, PostArguments, card_of

FILM = 100_000_000
"""Ours: Instagram takes 300 MB of a reel, and each film is looked at in whole before."""
NETWORK = Network(
    name="instagram",
    title="Instagram",
    max_chars=2200,
    needs_media=True,
    max_media=10,
    takes={"image/jpeg": 8_000_000, "video/mp4": FILM, "video/quicktime": FILM},
    mixes=True,
    audience="everyone (public)",
    source="https://developers.facebook.com/docs/instagram-platform/content-publishing "
    "(2026-11-21)",
)
SERVICE = service(NETWORK.name, NETWORK.title)
READING = ("instagram_business_basic",)
WRITING = (*READING, "instagram_business_content_publish")
NAMES = Names(
    title=NETWORK.title,
    root=GRAPH,
    text="caption",
    at="timestamp",
    url="permalink",
    numbers={"like_count": "likes", "comments_count": "comments"},
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
    - media: 1 to 10 JPEG pictures or films (MP4, MOV; one alone is a reel), each {"url": https
      address or id of a kept file, "alt": what is to be seen}.
    - link: is put below the caption as plain text; nobody can tap it.
    - when: for later, such as "2026-11-22T09:00+01:00", with the person's zone; leave it out for
      at once, which is after the yes.
    Example: {"text": "Fresh from the oven.", "media": [{"url": "https://example.org/bread.jpg",
    "alt": "A loaf of rye bread"}]}
    """
    return await _two_steps.publish(WAY, ctx, args)


def posts_of(account: Account) -> MetaPosts:
    """What stands there already."""
    return MetaPosts(account, f"/{account.id}/media", NAMES)


async def _account(ctx: ToolContext) -> Account:
    return await account_of(ctx, SERVICE, WRITING)


async def _own(ctx: ToolContext, needs: Sequence[str], _: str) -> MetaPosts:
    return posts_of(await account_of(ctx, SERVICE, needs))


def _part(medium: MediaArgument, url: str) -> dict[str, Json]:
    if is_film(medium):
        return {"media_type": "VIDEO", "video_url": url}
    return {"image_url": url, **({"alt_text": medium.alt} if medium.alt else {})}


def _alone(medium: MediaArgument, url: str) -> dict[str, Json]:
    """A film that stands alone is a reel."""
    made = _part(medium, url)
    return {**made, "media_type": "REELS"} if is_film(medium) else made


WAY = _two_steps.Way(
    arguments=InstagramPost,
    steps=Steps(
        title=NETWORK.title,
        root=GRAPH,
        make="media",
        publish="media_publish",
        state="status_code",
        why="status",
    ),
    account=_account,
    posts=posts_of,
    part=_part,
    alone=_alone,
    several=lambda children: {"media_type": "CAROUSEL", "children": list(children)},
    words=lambda text: {"caption": text} if text else {},
    limit="content_publishing_limit",
)
TOOLS = (
    Tool(
        name="instagram_publish",
        arguments=InstagramPost,
        perform=instagram_publish,
        find=partial(_two_steps.find, WAY),
        preview=preview,
        complete=partial(_two_steps.complete, WAY),
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        provider=NETWORK.name,
        needs=WRITING,
        egress=True,
        saying="publishing on Instagram",
    ),
    *tools_of(Own(network=NETWORK, wall=_own, reading=READING, example="17900000000000001")),
)
