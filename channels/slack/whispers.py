"""Words for one person alone: what a slash command is answered with, wherever it was given.

Such an exchange is a conversation of its own, whose thread is `only:PERSON`; so an answer that
comes after a crash, or after a yes, is for that person as well. Slack gives an address with each
command, good for five answers in thirty minutes, also where the app is no member. It is kept in
memory and nowhere else. Without one the words are shown as an ephemeral message, and where the app
may not write, in a direct message. None of these is looked for afterwards.
https://docs.slack.dev/interactivity/handling-user-interaction#message_responses (read 2026-11-21)
"""

from collections import OrderedDict
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from bot.core.errors import VendorRefused, VendorUnknown
from bot.core.ports import Clock
from channels.slack.calls import AGAIN_S, TIMEOUT_S, Calls

PREFIX: Final = "only:"
USES: Final = 5
LIVES_S: Final = 29 * 60.0
"""Slack gives half an hour."""
MAX_KEPT: Final = 2_000
_ELSEWHERE: Final = frozenset({"not_in_channel", "channel_not_found", "user_not_in_channel"})


def alone(person: str) -> str:
    """The thread of what is between one person and the house."""
    return f"{PREFIX}{person}"


def person_of(thread: str) -> str:
    """Whose thread it is; empty for a thread of Slack's own."""
    return thread.removeprefix(PREFIX) if thread.startswith(PREFIX) else ""


@dataclass(slots=True)
class _Way:
    """An address that takes answers."""

    address: str
    until: float
    left: int = USES


class Whispers:
    """Speaks to one person."""

    def __init__(self, calls: Calls, clock: Clock) -> None:
        self._calls = calls
        self._clock = clock
        self._ways: OrderedDict[tuple[str, str], _Way] = OrderedDict()

    def keep(self, channel: str, person: str, address: str) -> None:
        """Answer this person there by this address, which Slack gave. Any other is passed over."""
        if not self._is_slacks(address):
            return
        self._ways[channel, person] = _Way(address, self._clock.monotonic() + LIVES_S)
        self._ways.move_to_end((channel, person))
        while len(self._ways) > MAX_KEPT:
            self._ways.popitem(last=False)

    async def say(self, channel: str, person: str, text: str) -> None:
        """Show it to them. Raises VendorRefused, VendorUnknown, ConnectionBroken."""
        way = self._ways.get((channel, person))
        if way and way.left > 0 and self._clock.monotonic() < way.until:
            way.left -= 1
            if await self._answer(way.address, text):
                return
            way.left = 0
        try:
            await self.show(channel, person, text)
        except VendorRefused as error:
            if error.ids.get("code") not in _ELSEWHERE:
                raise
            await self._calls.post(person, text=text, unfurl_links=False, unfurl_media=False)

    async def show(self, channel: str, person: str, text: str, thread: str = "") -> None:
        """Show it to them in a place that the app is in. Raises as `say`."""
        await self._calls.posts.turn(channel)
        await self._calls.do(
            "chat.postEphemeral", channel=channel, user=person, text=text, thread_ts=thread
        )

    async def _answer(self, address: str, text: str) -> bool:
        """Answer by the address; False when Slack takes no answer there any more."""
        body = {"response_type": "ephemeral", "replace_original": False, "text": text}
        limit = aiohttp.ClientTimeout(total=TIMEOUT_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.post(address, json=body, allow_redirects=False) as answer,
            ):
                await answer.read()
        except aiohttp.ClientConnectorError as error:
            raise VendorRefused("Slack cannot be reached.", retry_after_s=AGAIN_S) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise VendorUnknown("Slack did not say whether it took an answer.") from error
        if answer.status >= 500:
            raise VendorUnknown("Slack did not say whether it took an answer.")
        return answer.status == 200

    def _is_slacks(self, address: str) -> bool:
        """A person's answer goes to Slack and nowhere else, whatever a request names."""
        parts, own = urlsplit(address), urlsplit(self._calls.base)
        host = parts.hostname or ""
        is_slack = parts.scheme == "https" and (host == "slack.com" or host.endswith(".slack.com"))
        return is_slack or (parts.scheme, parts.netloc) == (own.scheme, own.netloc) != ("", "")
