"""Publishing on Threads. API: https://developers.facebook.com/docs/threads/posts (read 2026-11-21).

Two steps: a container that is repeatable, then the visible publish; whether that happened is read
from the container. Nothing can be edited afterwards, and Threads fetches pictures and films itself.
Until an account is connected the sandbox performs it.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

from bot.core.canonical import Json
from bot.core.card import Card
from bot.core.effect import Outcome, Policy
from bot.core.errors import VendorError
from bot.core.tool import Risk, Tool, ToolContext
from bot.oauth.accounts import ScopeMissing
from tools.social import _two_steps
from tools.social._account import Account, account_of
from tools.social._container import Steps
from tools.social._count import emoji_bytes
from tools.social._media import is_film
from tools.social._meta_api import items_of, service
from tools.social._meta_posts import MetaPosts, Names
from tools.social._network import Network, Post
from tools.social._own import Standing
from tools.social._own_tools import Own, tools_of
from tools.social._post import MediaArgument, PostArguments, card_of

ROOT = "/v1.0"
FILM = 100_000_000
"""Ours: Threads takes 1 GB, and each film is looked at in whole before."""
NETWORK = Network(
    name="threads",
    title="Threads",
    max_chars=500,
    max_media=20,
    takes={
        "image/jpeg": 8_000_000,
        "image/png": 8_000_000,
        "video/mp4": FILM,
        "video/quicktime": FILM,
    },
    mixes=True,
    audience="everyone (public)",
    source="https://developers.facebook.com/docs/threads/posts (2026-11-21); emoji: not certain",
)
SERVICE = service(NETWORK.name, NETWORK.title)
READING = ("threads_basic",)
WRITING = (*READING, "threads_content_publish")
DELETING = (*READING, "threads_delete")
INSIGHTS = (*READING, "threads_manage_insights")
METRICS = ("views", "likes", "replies", "reposts", "quotes")
NAMES = Names(
    title=NETWORK.title, root=ROOT, text="text", at="timestamp", url="permalink", numbers={}
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
    - media: up to 20 pictures (JPEG, PNG) or films (MP4, MOV), each {"url": https address or id of
      a kept file, "alt": what is to be seen}.
    - when: for later, such as "2026-11-22T09:00+01:00", with the person's zone; leave it out for
      at once, which is after the yes.
    Example: {"text": "What we learned from a year of baking at night."}
    """
    return await _two_steps.publish(WAY, ctx, args)


class ThreadsPosts(MetaPosts):
    """What stands there, with numbers where the account lets them be read."""

    def __init__(self, account: Account, *, counts: bool = False) -> None:
        super().__init__(account, f"/{account.id}/threads", NAMES)
        self._counts = counts

    async def one(self, id_: str) -> Standing:
        """One, with what it met with."""
        found = await super().one(id_)
        if not self._counts:
            return found
        with suppress(VendorError):
            query = {"metric": ",".join(METRICS)}
            answer = await self.account.call("GET", f"{ROOT}/{id_}/insights", query=query)
            numbers = dict(filter(None, map(_number, items_of(answer))))
            return replace(found, numbers=numbers)
        return found


def _number(told: Mapping[str, Any]) -> tuple[str, int] | None:
    values = told.get("values")
    first = values[0] if isinstance(values, list) and values else None
    count = first.get("value") if isinstance(first, dict) else None
    name = str(told.get("name"))
    return (name, count) if isinstance(count, int) and name in METRICS else None


async def _account(ctx: ToolContext) -> Account:
    return await account_of(ctx, SERVICE, WRITING)


async def _own(ctx: ToolContext, needs: Sequence[str], _: str) -> MetaPosts:
    account = await account_of(ctx, SERVICE, needs)
    with suppress(ScopeMissing):
        return ThreadsPosts(await account_of(ctx, SERVICE, INSIGHTS), counts=True)
    return ThreadsPosts(account)


def _part(medium: MediaArgument, url: str) -> dict[str, Json]:
    alt: dict[str, Json] = {"alt_text": medium.alt} if medium.alt else {}
    if is_film(medium):
        return {"media_type": "VIDEO", "video_url": url, **alt}
    return {"media_type": "IMAGE", "image_url": url, **alt}


WAY = _two_steps.Way(
    arguments=ThreadsPost,
    steps=Steps(
        title=NETWORK.title,
        root=ROOT,
        make="threads",
        publish="threads_publish",
        state="status",
        why="error_message",
    ),
    account=_account,
    posts=ThreadsPosts,
    part=_part,
    alone=_part,
    several=lambda children: {"media_type": "CAROUSEL", "children": ",".join(children)},
    words=lambda text: {"text": text} if text else {},
    limit="threads_publishing_limit",
)
TOOLS = (
    Tool(
        name="threads_publish",
        arguments=ThreadsPost,
        perform=threads_publish,
        find=partial(_two_steps.find, WAY),
        preview=preview,
        complete=partial(_two_steps.complete, WAY),
        risk=Risk.WRITE,
        policy=Policy.READBACK,
        provider=NETWORK.name,
        needs=WRITING,
        egress=True,
        saying="publishing on Threads",
    ),
    *tools_of(
        Own(
            network=NETWORK,
            wall=_own,
            reading=READING,
            deleting=DELETING,
            example="18000000000000001",
        )
    ),
)
