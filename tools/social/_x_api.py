"""X as its tools speak to it: one account's client, and what each answer means for us.

https://docs.x.com/x-api/fundamentals/response-codes-and-errors (read 2026-08-22). A refusal is one
only where X says that nothing was done; whatever else comes back (an error of its own, a redirect,
half an answer) leaves open whether it was.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bot.core.canonical import Json
from bot.core.errors import Conflict, ConnectionBroken, Invalid, VendorRefused, VendorUnknown
from bot.core.ports import Page
from bot.core.tool import ToolContext
from bot.oauth.accounts import Accounts, Client, NotConnected

READING = ("tweet.read", "users.read")
WRITING = (*READING, "tweet.write")
PICTURES = (*WRITING, "media.write")
LONGEST_WAIT_S = 3600.0
"""A post that X would take only later than this is not published by itself any more."""
_NO_TIME_S = 60.0


class Duplicate(VendorRefused):
    """X says that the account has posted this text already."""


class Gone(VendorRefused):
    """X has nothing there."""


class X:
    """One account on X."""

    def __init__(self, client: Client, ctx: ToolContext) -> None:
        self._client = client
        self._clock = ctx.clock

    @property
    def account(self) -> str:
        """X's id of the account."""
        return self._client.account

    def address(self, post: str) -> str:
        """Where people read a post of this account."""
        return f"https://x.com/{self._client.name}/status/{post}"

    async def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Json] | None = None,
    ) -> dict[str, Any]:
        """Ask X; its answer, an object.

        Raises VendorRefused, Duplicate, Gone, OperatorError (not done), VendorUnknown (perhaps).
        """
        try:
            page = await self._client.call(method, path, query=query, body=body)
        except Invalid as error:  # the address is ours, so it is the answer that cannot be read
            raise VendorUnknown(f"X's answer cannot be read: {error.message}") from None
        if not 200 <= page.status < 300:
            raise self._refusal(page)
        answer = _object(page)
        if answer is None:
            raise VendorUnknown("X's answer cannot be read.")
        return answer

    def _refusal(self, page: Page) -> Exception:
        said = str((_object(page) or {}).get("detail") or "no reason given")[:200]
        if page.status == 401:
            return ConnectionBroken(
                "X does not take this connection any more. An owner connects it again on the page "
                "of connections."
            )
        if page.status == 429:
            return self._too_many(page)
        if page.status == 404:
            return Gone()
        if page.status == 403 and "duplicate" in said.lower():
            return Duplicate()
        if page.status in (400, 402, 403, 405, 409, 410, 413, 415, 422):
            return VendorRefused(f"X refused this ({page.status}): {said}")
        return VendorUnknown(f"X answered {page.status}.")

    def _too_many(self, page: Page) -> VendorRefused:
        """429, with X's own word on when it takes calls again, in seconds since 1970."""
        reset, now = page.headers.get("x-rate-limit-reset", ""), self._clock.now()
        wait = float(reset) - now.timestamp() if reset.isdecimal() else _NO_TIME_S
        if wait > LONGEST_WAIT_S:
            return VendorRefused("X takes no more from this account for over an hour. Ask later.")
        return VendorRefused(
            "X takes no more from this account for the moment.", retry_after_s=max(wait, 1.0)
        )


async def x_of(ctx: ToolContext, needs: tuple[str, ...]) -> X:
    """The account that was asked about. Raises OperatorError, Invalid, Conflict: not done."""
    if not isinstance(ctx.settings, Accounts):
        raise ConnectionBroken("X is not connected. Connect it with `bot connect x`.")
    try:
        client = await ctx.settings.client(ctx.tenant, "x", ctx.agent, needs)
    except NotConnected as error:
        raise Invalid(error.message) from None
    if client.id != ctx.connection:
        raise Conflict("X was connected anew since this was asked for. Ask for it again.")
    return X(client, ctx)


async def keep(ctx: ToolContext, **told: Json) -> ToolContext:
    """Keep something for a later attempt, beside what is kept already."""
    if ctx.save is None:
        return ctx
    progress = {**ctx.progress, **told}
    await ctx.save(progress)
    return replace(ctx, progress=progress)


async def began(ctx: ToolContext) -> ToolContext:
    """Write down when this was tried first, before X is asked: look-ups begin there."""
    return ctx if "since" in ctx.progress else await keep(ctx, since=ctx.clock.now().isoformat())


def _object(page: Page) -> dict[str, Any] | None:
    try:
        found = json.loads(page.body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
