"""Publishing on Instagram and Threads, where both do the same: in steps, by a container.

A network says what its containers are made of (`Way`); here stand the order of things, what is
kept for a later attempt, and what a lost answer means.
"""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

from bot.core.canonical import Json
from bot.core.effect import Effect, EffectState, Outcome
from bot.core.errors import BotError, Invalid, VendorError
from bot.core.tool import ToolContext
from bot.frozen import frozen
from tools.social._account import Account, began
from tools.social._container import Body, Containers, Steps
from tools.social._media import address_of, bytes_of, looked_at
from tools.social._meta_api import items_of
from tools.social._meta_posts import MetaPosts
from tools.social._post import MediaArgument, PostArguments


@frozen
class Way:
    """What is particular about a network."""

    arguments: type[PostArguments]
    steps: Steps
    account: Callable[[ToolContext], Awaitable[Account]]
    posts: Callable[[Account], MetaPosts]
    part: Callable[[MediaArgument, str], dict[str, Json]]
    """A picture or film of several, at this address."""
    alone: Callable[[MediaArgument, str], dict[str, Json]]
    """The only picture or film."""
    several: Callable[[Sequence[str]], dict[str, Json]]
    """The containers of several."""
    words: Callable[[str], dict[str, Json]]
    """The text."""
    limit: str
    """The edge that says how much of a day's posts is used up."""


async def publish(way: Way, ctx: ToolContext, args: PostArguments) -> Outcome:
    """Publish one post. Raises Invalid, Conflict, OperatorError, VendorRefused (not published)."""
    account = await way.account(ctx)
    ctx = await began(ctx)
    containers = Containers(account, way.steps)
    network, media, text = args.network, args.media or [], args.to_post().text

    async def place(medium: MediaArgument) -> str:
        await bytes_of(ctx, network, medium)  # what was shown stands there still
        return await address_of(ctx, network, medium)

    async def part(medium: MediaArgument) -> Body:
        return {**way.part(medium, await place(medium)), "is_carousel_item": True}

    async def whole(children: list[str]) -> Body:
        if children:
            return {**way.several(children), **way.words(text)}
        if media:
            return {**way.alone(media[0], await place(media[0])), **way.words(text)}
        return {"media_type": "TEXT", **way.words(text)}

    parts = [partial(part, medium) for medium in media] if len(media) > 1 else []
    container, is_there = await containers.prepared(ctx, parts, whole)
    post = "" if is_there else await containers.publish(container)
    return await _outcome(way, account, container, post, since=ctx.progress.get("since"), text=text)


async def find(way: Way, ctx: ToolContext, effect: Effect) -> Outcome | None:
    """Ask the container whether it was published."""
    account = await way.account(ctx)
    container = str(effect.progress.get("container") or "")
    if not container or not await Containers(account, way.steps).is_published(container):
        return None
    text = way.arguments.model_validate(effect.arguments).to_post().text
    return await _outcome(
        way, account, container, "", since=effect.progress.get("since"), text=text
    )


async def complete(way: Way, ctx: ToolContext, args: PostArguments) -> PostArguments:
    """Refuse before anybody is asked what an account that is there could not publish."""
    if not ctx.connection:
        return args
    account = await way.account(ctx)
    await _check_limit(way, account)
    if not args.media:
        return args
    media = await looked_at(ctx, way.arguments.network, args.media)
    for medium in media:
        await address_of(ctx, way.arguments.network, medium)
    return args.model_copy(update={"media": media})


async def _check_limit(way: Way, account: Account) -> None:
    """Refuse a post over the day's number; where that is not told, the network says it later."""
    where, query = f"{way.steps.root}/{account.id}/{way.limit}", {"fields": "config,quota_usage"}
    told: list[Any] = []
    with suppress(VendorError):
        told = items_of(await account.call("GET", where, query=query))
    for each in told:
        config = each.get("config")
        most = config.get("quota_total") if isinstance(config, dict) else None
        used = each.get("quota_usage")
        if isinstance(most, int) and isinstance(used, int) and used >= most:
            title = way.arguments.network.title
            raise Invalid(
                f"{title} takes {most} posts of an account in 24 hours, and {used} were made. "
                "Try it later."
            )


async def _outcome(
    way: Way, account: Account, container: str, post: str, *, since: Json, text: str
) -> Outcome:
    """It stands there; its address, where that can be learned."""
    posts, url = way.posts(account), ""
    with suppress(BotError):
        if post:
            url = (await posts.one(post)).url
        elif found := await posts.find(text, datetime.fromisoformat(str(since))):
            post, url = found.id, found.url
    return Outcome(state=EffectState.SENT, vendor_ref=post or container, url=url)
