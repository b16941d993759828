"""Socket Mode: the house calls Slack and listens there.

An envelope is acknowledged when the house has stored what is in it. Slack sends again what is not
acknowledged. At most `AT_ONCE` envelopes are worked on and as many wait; more stay with Slack.
https://docs.slack.dev/apis/events-api/using-socket-mode (read 2026-11-21)
"""

import asyncio
import contextlib
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse

from bot.core.canonical import Json
from bot.core.errors import BotError, ConnectionBroken, OperatorError, VendorUnknown
from channels.slack.calls import OPEN, Calls, ours
from channels.slack.events import body_of, text_of
from channels.slack.intake import Stranger

log = logging.getLogger(__name__)

AT_ONCE: Final = 64
CONNECT_S: Final = 30.0
CLOSE_S: Final = 2.0
GREET_S: Final = 8.0
"""How long trying a token may take: the whole check has `CHECK_S` (`bot/platforms/checking.py`)."""
PING_S: Final = 5.0
Take = Callable[[str, Mapping[str, Any]], Awaitable[dict[str, Json] | None]]


class _Client(SocketModeClient):
    """The library's client, which says when it cannot go on, and keeps no endless queue."""

    def __init__(self, app_token: str, calls: Calls) -> None:
        super().__init__(app_token, web_client=calls.client, ping_interval=PING_S)
        self.message_queue = asyncio.Queue(maxsize=AT_ONCE)
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._running: set[asyncio.Task[None]] = set()

    async def issue_new_wss_url(self) -> str:
        """Ask for an address; what no repeating mends ends the channel's run."""
        try:
            return await super().issue_new_wss_url()
        except SlackApiError as error:
            found = ours(OPEN, error)
            if isinstance(found, OperatorError):
                self.give_up(found)
            raise

    async def connect(self) -> None:
        """Connect; an address that does not work any more is not tried for ever."""
        try:
            async with asyncio.timeout(CONNECT_S):
                await super().connect()  # type: ignore[no-untyped-call]
        except TimeoutError:
            self.give_up(VendorUnknown("Slack's Socket Mode could not be connected."))

    async def process_message(self) -> None:
        """Work on the next envelope when there is room."""
        await self._room.acquire()
        try:
            raw = await self.message_queue.get()
            task = asyncio.ensure_future(self.run_message_listeners(_object(raw), raw))
        except BaseException:
            self._room.release()
            raise
        self._running.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        self._room.release()

    def give_up(self, error: BotError) -> None:
        """End the channel's run with an error."""
        if not self.broken.done():
            self.broken.set_exception(error)

    async def end(self) -> None:
        """Close, without waiting long for Slack's goodbye."""
        tasks = [self.message_processor, self.current_session_monitor, self.message_receiver]
        with contextlib.suppress(TimeoutError, OSError):
            async with asyncio.timeout(CLOSE_S):
                await self.close()  # type: ignore[no-untyped-call]
        for task in (*tasks, *self._running):
            if task is not None:
                task.cancel()
        await asyncio.gather(*(t for t in (*tasks, *self._running) if t), return_exceptions=True)
        await self.aiohttp_client_session.close()


async def may_listen(app_token: str, calls: Calls, app: str = "") -> None:
    """Connect, read Slack's greeting, which says whose token it is, and leave.

    An `app` that is named must be that one: two apps on one socket would take each other's events.
    What came meanwhile is not acknowledged, so Slack sends it again. Raises ConnectionBroken,
    VendorError.
    """
    try:
        async with calls.calling() as client, asyncio.timeout(GREET_S):
            opened = await client.apps_connections_open(app_token=app_token)
            assert client.session is not None  # noqa: S101 (`calling` gave one)
            async with client.session.ws_connect(str(opened.get("url"))) as socket:
                greeting = _object(await socket.receive_str())
    except SlackApiError as error:
        raise ours(OPEN, error) from None
    except (aiohttp.ClientError, TimeoutError, OSError, TypeError, ValueError) as error:
        raise VendorUnknown("Slack cannot be reached.") from error
    whose = text_of(body_of(greeting, "connection_info"), "app_id")
    if app and whose and whose != app:
        raise ConnectionBroken(
            f"This app_token is of another app ({whose}), and the bot token of {app}. Take both "
            "from the same app at api.slack.com/apps."
        )


async def listen(app_token: str, calls: Calls, take: Take) -> None:
    """Listen until cancelled. Raises OperatorError for what a person must mend, VendorUnknown."""
    client = _Client(app_token, calls)

    async def heard(base: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        try:
            answer = await take(request.type, request.payload)
        except Stranger:
            log.warning("Slack sent something of another workspace; it was set aside.")
            answer = None
        except ConnectionBroken as error:
            client.give_up(error)
            return
        except BotError as error:
            log.warning("An envelope is not acknowledged; Slack sends it again: %s", error.message)
            return
        reply = SocketModeResponse(envelope_id=request.envelope_id, payload=answer)
        await base.send_socket_mode_response(reply)

    client.socket_mode_request_listeners.append(heard)
    try:
        try:
            client.wss_uri = await client.issue_new_wss_url()
        except SlackApiError as error:
            raise ours(OPEN, error) from None
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise VendorUnknown("Slack cannot be reached.") from error
        await client.connect()
        await client.broken
    finally:
        ending = asyncio.ensure_future(client.end())
        try:
            await asyncio.shield(ending)
        except asyncio.CancelledError:
            await ending  # a second wish to end does not leave sockets open
            raise
        finally:
            if client.broken.done() and not client.broken.cancelled():
                client.broken.exception()  # it was raised, or the run was cancelled


def _object(raw: str | None) -> dict[str, Any]:
    """A frame as an object; other frames are greetings. Raises ValueError."""
    found = json.loads(raw) if raw and raw.startswith("{") else {}
    return found if isinstance(found, dict) else {}
