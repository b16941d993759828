"""Calls of Slack's Web API: one token, its budgets, and Slack's errors as ours.

Nothing is repeated here but what Slack surely did not do; the library's own repeating is off,
because it repeats a post whose answer was lost. No redirect is followed.
https://docs.slack.dev/apis/web-api/rate-limits (read 2026-11-21): about one message a second in a
channel; chat.update about 50 a minute in a workspace. Eight tenths of that are used, bursts
included.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.core.canonical import Json
from bot.core.errors import BotError, ConnectionBroken, VendorRefused, VendorUnknown
from bot.core.ports import Clock
from bot.fetch.straight import straight
from bot.limits import Rate
from bot.platforms.pacing import Among, Pace

Answer = Mapping[str, Any]
OWN: Final = "https://slack.com"
TIMEOUT_S: Final = 20
AGAIN_S: Final = 2.0
"""When to come again after Slack could not be reached at all."""

POSTS: Final = Rate(count=2, seconds=2.5)
POSTS_IN_ALL: Final = Rate(count=20, seconds=6)
EDITS: Final = Rate(count=4, seconds=5)
EDITS_IN_ALL: Final = Rate(count=8, seconds=13)

REINSTALL = (
    "Install the app again: on the page of platforms if it was installed there; else at "
    "api.slack.com/apps, and give its new bot_token to `bot connect slack`, or set it where it "
    "stands in the settings and start again."
)
BROKEN: Final[Mapping[str, str]] = {
    "invalid_auth": f"Slack does not know this token. {REINSTALL}",
    "not_authed": f"Slack was given no token. {REINSTALL}",
    "account_inactive": f"The app was removed from the workspace. {REINSTALL}",
    "token_revoked": f"The token was revoked. {REINSTALL}",
    "token_expired": f"The token has expired. {REINSTALL}",
    "team_access_not_granted": "The app may not be used in this workspace. An admin must allow it.",
    "not_allowed_token_type": (
        "This is the wrong kind of token: bot_token begins with xoxb-, app_token with xapp-."
    ),
}
"""Error to the sentence that names the step which mends it."""
OPEN: Final = "apps.connections.open"
"""The one call that is made with the app token."""
_ANOTHER: Final = (
    "Slack does not take this app_token ({code}). Generate another one under Basic Information, "
    "App-Level Tokens, of the app at api.slack.com/apps, with the scope connections:write, and "
    "give it where this one was given."
)
UNSURE: Final = frozenset(
    {"internal_error", "fatal_error", "service_unavailable", "request_timeout"}
)
NEEDED: Final = frozenset({"chat.postMessage", "chat.update"})
"""Without these there is no channel."""
_REFUSED: Final[Mapping[str, str]] = {
    "not_in_channel": "The app is not in this channel. Invite it: /invite @its-name.",
    "channel_not_found": "There is no such channel, or the app is not in it.",
    "is_archived": "The channel is archived.",
    "restricted_action": "The workspace does not allow the app to post here.",
    "msg_too_long": "The text is too long for Slack.",
    "user_not_in_channel": "The person is not in this channel.",
}


class Calls:
    """The Web API, with one token."""

    def __init__(
        self,
        token: str,
        endpoint: str,
        clock: Clock,
        broken: Callable[[ConnectionBroken], None] = lambda error: None,
        among: Among = lambda: 1,
    ) -> None:
        """`broken` is told when the app cannot write any more."""
        self._broken = broken
        self.scopes: frozenset[str] | None = None
        """What the token may do, as Slack last said; None when it does not say."""
        base = (endpoint or OWN).rstrip("/").removesuffix("/api")
        self.base = base
        self.token = token
        self.client = AsyncWebClient(
            token=token, base_url=f"{base}/api/", timeout=TIMEOUT_S, retry_handlers=[]
        )
        self.posts = Pace(clock, POSTS, POSTS_IN_ALL, among)
        self.edits = Pace(clock, EDITS, EDITS_IN_ALL, among)

    async def open(self) -> None:
        """Keep connections from now on."""
        self.client.session = _session()

    async def close(self) -> None:
        """Keep no connections any more; calls still work."""
        session, self.client.session = self.client.session, None
        if session:
            await session.close()

    @asynccontextmanager
    async def calling(self) -> AsyncIterator[AsyncWebClient]:
        """The library, with a connection; left to itself it would follow redirects."""
        if self.client.session and not self.client.session.closed:
            yield self.client
            return
        async with _session() as session:
            yield AsyncWebClient(
                token=self.token,
                base_url=self.client.base_url,
                timeout=TIMEOUT_S,
                session=session,
                retry_handlers=[],
            )

    async def ask(self, method: str, **given: Json) -> Answer:
        """A call that changes nothing. Raises VendorRefused, VendorUnknown, ConnectionBroken."""
        params = {name: value for name, value in given.items() if value not in (None, "")}
        return await self._call(method, {"params": params, "http_verb": "GET"})

    async def do(self, method: str, **given: Json) -> Answer:
        """A call that does something. Raises VendorRefused, VendorUnknown, ConnectionBroken."""
        body = {name: value for name, value in given.items() if value not in (None, "")}
        return await self._call(method, {"json": body})

    async def form(self, method: str, **given: Json) -> Answer:
        """A call that does something and takes no JSON. Raises as `do`."""
        params = {name: value for name, value in given.items() if value not in (None, "")}
        return await self._call(method, {"params": params})

    async def post(self, place: str, **given: Json) -> Answer:
        """chat.postMessage, when there is room for it. Raises as `do`."""
        await self.posts.turn(place)
        try:
            return await self.do("chat.postMessage", channel=place, **given)
        except VendorRefused as error:
            self.posts.rest(error.retry_after_s or 0.0, place)
            raise

    async def edit(self, place: str, **given: Json) -> Answer:
        """chat.update, when there is room for it. Raises as `do`."""
        await self.edits.turn(place)
        try:
            return await self.do("chat.update", channel=place, **given)
        except VendorRefused as error:
            self.edits.rest(error.retry_after_s or 0.0)
            raise

    async def _call(self, method: str, how: Mapping[str, Any]) -> Answer:
        try:
            async with self.calling() as client:
                answer = await client.api_call(method, **how)
        except SlackApiError as error:
            found = ours(method, error)
            if isinstance(found, ConnectionBroken) and method in NEEDED | {"auth.test"}:
                self._broken(found)
            raise found from None
        except aiohttp.ClientConnectorError as error:
            raise VendorRefused("Slack cannot be reached.", retry_after_s=AGAIN_S) from error
        except (aiohttp.ClientError, TimeoutError, ValueError, OSError) as error:
            raise VendorUnknown(f"Slack did not answer {method}.") from error
        told = str(getattr(answer, "headers", {}).get("X-OAuth-Scopes") or "")
        self.scopes = frozenset(told.replace(" ", "").split(",")) if told else None
        if not isinstance(answer.data, dict):
            raise VendorUnknown(f"Slack answered {method} with something else than an object.")
        return answer.data


def _session() -> aiohttp.ClientSession:
    limit = aiohttp.ClientTimeout(total=TIMEOUT_S)
    return aiohttp.ClientSession(timeout=limit, trace_configs=[straight()])


def ours(method: str, error: SlackApiError) -> BotError:
    """What Slack said, as one of our errors."""
    response = error.response
    status = getattr(response, "status_code", None) or getattr(response, "status", 0)
    data = getattr(response, "data", None)
    said = data if isinstance(data, dict) else {}
    code = str(said.get("error") or "")[:100]
    if status == 429 or code in ("ratelimited", "rate_limited"):
        after = _seconds(getattr(response, "headers", {}).get("Retry-After"))
        return VendorRefused("Slack asks to be left alone for a while.", retry_after_s=after)
    if method == OPEN and (code == "missing_scope" or code in BROKEN):
        return ConnectionBroken(_ANOTHER.format(code=code), code=code)
    if code == "missing_scope":
        return lacking(str(said.get("needed") or "?")[:200], method)
    if code in BROKEN:
        return ConnectionBroken(BROKEN[code], code=code)
    is_refused = isinstance(status, int) and (400 <= status < 500 or (code and status < 400))
    if code in UNSURE or not is_refused:
        return VendorUnknown(f"Slack did not say whether it did {method}.")
    said_so = _REFUSED.get(code, f"Slack refused {method}: {code or status}.")
    return VendorRefused(said_so, code=code)


def lacking(scope: str, method: str) -> ConnectionBroken:
    """The app may not do something."""
    return ConnectionBroken(
        f"The Slack app lacks the scope {scope} for {method}. "
        "Add it under OAuth & Permissions at api.slack.com/apps and install the app again."
    )


def _seconds(header: object) -> float:
    try:
        return min(3600.0, max(1.0, float(str(header))))
    except ValueError:
        return 30.0
