"""One account on one network as its tools speak to it, and what each of its answers means for us.

    service = Service(name="x", title="X", reason=lambda told: str(told.get("detail", "")))
    account = await account_of(ctx, service, needs=("tweet.write",))
    answer = await account.call("POST", "/2/tweets", body={"text": "Open on Sunday"})

A refusal is one only where the network says that nothing was done. Whatever else comes back (an
error of its own, a redirect, half an answer) leaves open whether it was.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

from bot.core.canonical import Json
from bot.core.errors import (
    BotError,
    ConnectionBroken,
    DeveloperError,
    Invalid,
    VendorRefused,
    VendorUnknown,
)
from bot.core.ports import Clock, Page
from bot.core.secret import Secret
from bot.core.tool import ToolContext
from bot.fetch.client import Redirected
from bot.frozen import frozen
from bot.oauth.accounts import Client
from bot.reach import Reach

LONGEST_WAIT_S = 3600.0
"""A post that a network would take only later than this is not published by itself any more."""
NO_TIME_S = 60.0
_REFUSED = (400, 402, 403, 405, 409, 410, 413, 415, 422)
_REASON = 200


class Gone(VendorRefused):
    """The network has nothing there."""


class Elsewhere(VendorUnknown):
    """The network sends whoever asks to another address."""


Told = Mapping[str, Any]


def no_wait(page: Page, clock: Clock) -> float:
    """How long to wait after a 429, by the header `Retry-After` in seconds."""
    said = page.headers.get("retry-after", "")
    return float(said) if said.isdecimal() else NO_TIME_S


def no_meaning(page: Page, told: Told) -> BotError | None:
    """A network whose refusals mean what their status says."""
    return None


@frozen
class Service:
    """What is particular about a network's answers."""

    name: str
    """The provider's name, such as `x`."""
    title: str
    reason: Callable[[Told], str]
    """The network's own words about a refusal, out of its answer."""
    meaning: Callable[[Page, Told], BotError | None] = no_meaning
    """What a refusal means, where its status alone does not say it."""
    wait: Callable[[Page, Clock], float] = no_wait
    """After a 429: in how many seconds it takes calls again."""


class Caller(Protocol):
    """Calls a service as one account; what a connection lends (`bot/oauth/accounts.py`) is one."""

    @property
    def account(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def config(self) -> Mapping[str, Json]: ...
    async def call(
        self,
        method: str,
        where: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Json] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Page: ...


class Account:
    """One account, by one client that carries its token nowhere else."""

    def __init__(self, service: Service, client: Caller, clock: Clock) -> None:
        self._service = service
        self._client = client
        self._clock = clock

    @property
    def id(self) -> str:
        """The network's id of the account."""
        return self._client.account

    @property
    def name(self) -> str:
        """What people call the account."""
        return self._client.name

    @property
    def config(self) -> Mapping[str, Json]:
        """What the network said of it when it was connected."""
        return self._client.config

    def by(self, token: Secret) -> "Account":
        """The same account by another token that the network gave to it, such as a Page's."""
        if not isinstance(self._client, Client):
            raise DeveloperError(f"{self._service.title} has one key.")
        return Account(self._service, self._client.by(token), self._clock)

    async def call(
        self,
        method: str,
        where: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Json] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> dict[str, Any]:
        """Ask the network; its answer, an object. Raises what `ask` raises."""
        page = await self.ask(method, where, query=query, body=body, headers=headers)
        answer = object_of(page)
        if answer is None:
            raise VendorUnknown(f"{self._service.title}'s answer cannot be read.")
        return answer

    async def ask(
        self,
        method: str,
        where: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Json] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Page:
        """The same for answers whose words are in a header, or that have none.

        Raises VendorRefused, Gone, OperatorError (not done), VendorUnknown (perhaps).
        """
        try:
            page = await self._client.call(method, where, query=query, body=body, headers=headers)
        except Redirected:
            raise Elsewhere(f"{self._service.title} redirects, which is not followed.") from None
        except Invalid as error:  # the address is ours, so it is the answer that cannot be read
            title = self._service.title
            raise VendorUnknown(f"{title}'s answer cannot be read: {error.message}") from None
        if not 200 <= page.status < 300:
            raise self._refusal(page)
        return page

    def _refusal(self, page: Page) -> BotError:
        title, told = self._service.title, object_of(page) or {}
        if (meaning := self._service.meaning(page, told)) is not None:
            return meaning
        if page.status == 401:
            return ConnectionBroken(
                f"{title} does not take this connection any more. An owner connects it again on "
                "the page of connections."
            )
        if page.status == 429:
            return too_many(title, self._service.wait(page, self._clock))
        if page.status == 404:
            return Gone(f"{title} has nothing there.")
        if page.status in _REFUSED:
            said = self._service.reason(told)[:_REASON] or "no reason given"
            return VendorRefused(f"{title} refused this ({page.status}): {said}")
        return VendorUnknown(f"{title} answered {page.status}.")


def too_many(title: str, wait_s: float) -> VendorRefused:
    """What it means that a network takes no more for so many seconds."""
    if wait_s > LONGEST_WAIT_S:
        return VendorRefused(
            f"{title} takes no more from this account for over an hour. Ask later."
        )
    return VendorRefused(
        f"{title} takes no more from this account for the moment.", retry_after_s=max(wait_s, 1.0)
    )


async def account_of(ctx: ToolContext, service: Service, needs: Sequence[str]) -> Account:
    """The account that was asked about. Raises OperatorError, Invalid, Conflict: not done."""
    title = service.title
    if not isinstance(ctx.settings, Reach):
        raise ConnectionBroken(
            f"{title} is not connected. Connect it with `bot connect {service.name}`."
        )
    client = await ctx.settings.acting(ctx, service.name, needs)
    return Account(service, client, ctx.clock)


async def keep(ctx: ToolContext, **told: Json) -> ToolContext:
    """Keep something for a later attempt, beside what is kept already."""
    if ctx.save is None:
        return ctx
    progress = {**ctx.progress, **told}
    await ctx.save(progress)
    return replace(ctx, progress=progress)


async def began(ctx: ToolContext) -> ToolContext:
    """Write down when this was tried first, before anybody is asked: look-ups begin there."""
    return ctx if "since" in ctx.progress else await keep(ctx, since=ctx.clock.now().isoformat())


def object_of(page: Page) -> dict[str, Any] | None:
    """The JSON object of an answer; None when it is none."""
    try:
        found = json.loads(page.body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
