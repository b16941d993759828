"""Publishing on X. Its API: https://docs.x.com/x-api/posts/create-post (read 2026-08-22).

X knows no idempotency key, so an unclear outcome is looked up in the account's own posts, from the
first attempt on. That X refuses a text as a duplicate is believed only when it is seen there. Each
post costs money there, one with a link more. Until an account is connected the sandbox performs it.
"""

import re
from datetime import datetime
from functools import partial
from typing import ClassVar

from bot.core.canonical import Json
from bot.core.card import Card
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.errors import Invalid, VendorUnknown
from bot.core.tool import Risk, Tool, ToolContext
from tools.social import _x_own
from tools.social._account import Account, began
from tools.social._count import weighted
from tools.social._media import looked_at
from tools.social._network import Network, Post
from tools.social._post import MediaArgument, PostArguments, card_of
from tools.social._twice import surely_absent, there_already, tried_since
from tools.social._x_api import PICTURES, WRITING, Duplicate, address, x_of
from tools.social._x_film import moves, upload_film
from tools.social._x_media import upload
from tools.social._x_posts import find_post

NETWORK = Network(
    name="x",
    title="X",
    max_chars=280,
    link_chars=23,
    max_media=4,
    takes={
        **dict.fromkeys(("image/jpeg", "image/png", "image/webp"), 5_000_000),
        "image/gif": 15_000_000,
        "video/mp4": 40_000_000,
    },
    audience="everyone (public)",
    source="https://docs.x.com/fundamentals/counting-characters and "
    "https://docs.x.com/x-api/media/quickstart/best-practices (2026-08-22); size of a film: ours",
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
    - media: up to 4 pictures (JPEG, PNG or WebP), or one GIF, or one film (MP4), each {"url": https
      address or id of a kept file, "alt": what is to be seen}.
    - when: for later, such as "2026-11-22T09:00+01:00", with the person's zone; leave it out for
      at once, which is after the yes.
    Example: {"text": "We are open on Sunday, 10 to 4. Coffee is on us."}
    """
    x = await x_of(ctx, _needs(args))
    ctx = await began(ctx)
    post = args.to_post()
    body: dict[str, Json] = {"text": post.text}
    if post.media:
        body["media"] = {"media_ids": await _handed_over(x, ctx, args.media or [])}
    try:
        answer = await x.call("POST", "/2/tweets", body=body)
    except Duplicate:
        return await there_already(ctx, NETWORK.title, partial(_look, x, post.text))
    made = answer.get("data")
    if not isinstance(made, dict) or not str(made.get("id", "")).isdecimal():
        raise VendorUnknown("X did not say which post it made.")
    return _published(x, str(made["id"]))


async def _handed_over(x: Account, ctx: ToolContext, media: list[MediaArgument]) -> list[Json]:
    """X's ids of the media."""
    if moves(media[0]):
        return await upload_film(x, ctx, NETWORK, media[0])
    return await upload(x, ctx, NETWORK, media)


async def find(ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Look for the post among the account's own since it was tried first."""
    x = await x_of(ctx, WRITING)
    text = XPost.model_validate(effect.arguments).to_post().text
    found = await _look(x, text, tried_since(effect))
    if found is None:
        surely_absent(effect, NETWORK.title)
    return found


async def _look(x: Account, text: str, begin: datetime) -> Outcome | None:
    found = await find_post(x, text, begin)
    return _published(x, found) if found else None


async def complete(ctx: ToolContext, args: XPost) -> XPost:
    """Refuse before anybody is asked what an account that is there could not publish."""
    if not (ctx.connection and args.media):
        return args
    await x_of(ctx, _needs(args))
    media = await looked_at(ctx, NETWORK, args.media)
    if len(media) > 1 and any(map(moves, media)):
        raise Invalid("A GIF stands alone in a post on X.")
    return args.model_copy(update={"media": media})


def _needs(args: XPost) -> tuple[str, ...]:
    return PICTURES if args.media else WRITING


def _published(x: Account, post: str) -> Outcome:
    return Outcome(state=EffectState.SENT, vendor_ref=post, url=address(x, post))


TOOLS = (
    Tool(
        name="x_publish",
        arguments=XPost,
        perform=x_publish,
        find=find,
        preview=preview,
        complete=complete,
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        provider=NETWORK.name,
        needs=WRITING,
        egress=True,
        saying="publishing on X",
    ),
    *_x_own.TOOLS,
)
