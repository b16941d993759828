"""Posts that Instagram and Threads make in two steps: a container, then the visible publishing.

https://developers.facebook.com/docs/instagram-platform/content-publishing and
https://developers.facebook.com/docs/threads/posts (read 2026-11-21).

    made        nobody sees it; it may be made again, and its id is kept for a later attempt
    ready       the network has fetched pictures and films; asked until it has
    published   everybody sees it, once: a container is published at most one time

So nothing has to be compared after a lost answer: the container says itself whether it is
PUBLISHED. A container lives for a day. One that expired was not published, and is made anew.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from bot.core.canonical import Json
from bot.core.errors import VendorRefused, VendorUnknown
from bot.core.tool import ToolContext
from bot.frozen import frozen
from tools.social._account import Account, Gone, keep
from tools.social._meta_api import id_of

WAIT_S = 40.0
"""How long one attempt waits for pictures and films; an attempt may take a minute in all."""
AGAIN_S = 60.0
"""After that: when the next attempt goes on waiting."""
PAUSES_S = (0.0, 1.0, 2.0, 3.0, 5.0)
"""Between two questions; the last one repeats. Meta's advice is one question in a while."""
DONE, READY, WORKING, OVER = "PUBLISHED", "FINISHED", "IN_PROGRESS", "EXPIRED"
_STATES = (DONE, READY, WORKING, OVER, "ERROR")

Body = Mapping[str, Json]
Make = Callable[[], Awaitable[Body]]
"""What one part is made from: asked for only when it is needed."""


@frozen
class Steps:
    """How a network calls the steps."""

    title: str
    root: str
    """The version, such as `/v23.0`."""
    make: str
    publish: str
    state: str
    """The field that says how far a container is."""
    why: str
    """The field that says why it failed."""


class Containers:
    """The containers of one account, for one post."""

    def __init__(self, account: Account, steps: Steps) -> None:
        self._account = account
        self._steps = steps

    async def prepared(
        self, ctx: ToolContext, parts: Sequence[Make], whole: Callable[[list[str]], Awaitable[Body]]
    ) -> tuple[str, bool]:
        """The id of the post's container, and whether it was published by an earlier attempt.

        Raises VendorRefused with `retry_after_s` while the network still works on it.
        """
        until = ctx.clock.monotonic() + WAIT_S
        if kept := str(ctx.progress.get("container") or ""):
            state, why = await self._state(kept)
            if state == DONE:
                return kept, True
            if state in (READY, WORKING):
                return await self._ready(ctx, kept, until), False
            if state != OVER:
                await self._forget(ctx)
                raise self._failed(why)
            ctx = await self._forget(ctx)
        children = _ids(ctx.progress.get("children"))
        for part in parts[len(children) :]:
            children.append(await self._made(await part()))
            ctx = await keep(ctx, children=list(children))
        for child in children:
            await self._ready(ctx, child, until)
        made = await self._made(await whole(children))
        ctx = await keep(ctx, container=made)
        return await self._ready(ctx, made, until), False

    async def publish(self, container: str) -> str:
        """Let everybody see it; the id of the post, or an empty text when that is not said.

        Raises VendorRefused when it surely was not published, VendorUnknown.
        """
        where = f"{self._steps.root}/{self._account.id}/{self._steps.publish}"
        try:
            answer = await self._account.call("POST", where, body={"creation_id": container})
        except VendorRefused:
            if await self.is_published(container):
                return ""  # by an attempt before
            raise
        return id_of(answer, "post")

    async def is_published(self, container: str) -> bool:
        """Whether everybody sees it. Raises VendorError when it cannot be said."""
        return (await self._state(container))[0] == DONE

    async def _made(self, body: Body) -> str:
        where = f"{self._steps.root}/{self._account.id}/{self._steps.make}"
        return id_of(await self._account.call("POST", where, body=body), "container")

    async def _state(self, container: str) -> tuple[str, str]:
        steps = self._steps
        query = {"fields": f"{steps.state},{steps.why}"}
        try:
            told = await self._account.call("GET", f"{steps.root}/{container}", query=query)
        except Gone:
            told = {}
        if (state := told.get(steps.state)) not in _STATES:
            raise VendorUnknown(f"{steps.title} did not say how far the post is.")
        return str(state), str(told.get(steps.why) or "")

    async def _ready(self, ctx: ToolContext, container: str, until: float) -> str:
        for pause in (*PAUSES_S, *[PAUSES_S[-1]] * int(WAIT_S)):
            await asyncio.sleep(pause)
            state, why = await self._state(container)
            if state in (READY, DONE):
                return container
            if state != WORKING:
                await self._forget(ctx)
                raise self._failed(why)
            if ctx.clock.monotonic() >= until:
                break
        raise VendorRefused(
            f"{self._steps.title} is still working on the pictures or films.", retry_after_s=AGAIN_S
        )

    def _failed(self, why: str) -> VendorRefused:
        return VendorRefused(
            f"{self._steps.title} cannot use a picture or film: {why[:200] or 'no reason given'}"
        )

    async def _forget(self, ctx: ToolContext) -> ToolContext:
        return await keep(ctx, children=[], container="")


def _ids(value: Json) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []
