"""Teams' channel, put together: `make(lent)` gives what the house listens to and sends through.

Microsoft brings each activity to one address of the house with a token of its own; it is proved
before it is read, stored before it is answered. The house speaks through the Bot Connector.
https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-concepts
(read 2026-11-21)
"""

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

from aiohttp import web
from pydantic import ValidationError

from bot.core.channel import Dialect, Features, Outbound, Receipt, Sink
from bot.core.effect import Policy
from bot.core.errors import BotError, ConnectionBroken, NotFound, VendorError
from bot.core.event import Attachment
from bot.platforms.background import Background
from bot.platforms.checking import Checked
from bot.platforms.lent import Lent, Spot
from channels.teams.calls import Calls
from channels.teams.intake import Intake
from channels.teams.payloads import MAX_ACTIVITY, Activity
from channels.teams.places import Called
from channels.teams.proof import Doorman, Forged, Keys
from channels.teams.reading import Me
from channels.teams.sending import MAX_CHARS, Sending
from channels.teams.settings import NAME, Settings, read

log = logging.getLogger(__name__)

PATH: Final = f"/webhooks/{NAME}/messages"
PLATFORM: Final = "msteams"
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0


class Teams:
    """One bot in one organisation."""

    name = NAME
    features = Features(
        dialect=Dialect.TEAMS,
        max_chars=MAX_CHARS,
        buttons=True,
        forms=True,
        threads=True,
        media=True,
        draft_s=2.0,
        policy=Policy.NONE,
    )

    def __init__(self, lent: Lent, settings: Settings) -> None:
        self._settings = settings
        self._calls = Calls(settings, lent.endpoint, lent.clock, self._break, lent.among)
        self._sending = Sending(self._calls, lent.shelf)
        self._called = Called()
        keys = Keys(lent.clock, lent.endpoint)
        self._doorman = Doorman(keys, lent.clock, settings.app_id)
        me = Me(tenant=lent.tenant, app=settings.app_id, directory=settings.tenant_id)
        self._after = Background("Teams")
        self._intake = Intake(lent, me, self._sending, self._after.add)
        self._sink: Sink | None = None
        self._broken: asyncio.Future[None] | None = None

    def routes(self) -> Sequence[tuple[str, str, Callable[..., Awaitable[object]]]]:
        """The one address that Microsoft calls."""
        return (("POST", PATH, self.webhook),)

    async def run(self, sink: Sink) -> None:
        """Listen until cancelled. Raises ConnectionBroken when a person must mend something."""
        self._broken = asyncio.get_running_loop().create_future()
        self._sink = sink
        try:
            await self._greet()
            await self._broken
        finally:
            if self._broken.done() and not self._broken.cancelled():
                self._broken.exception()  # it is raised already, or the run ended otherwise
            self._sink = self._broken = None
            await self._after.end()
            await self._calls.close()

    async def try_out(self) -> Checked:
        """Whether Microsoft gives the app a token. Raises ConnectionBroken, VendorError."""
        try:
            await self._calls.token()
        finally:
            await self._calls.close()
        settings = self._settings
        return Checked(team=f"directory {settings.tenant_id}", bot=f"app {settings.app_id}")

    async def chosen(self, named: str) -> Spot:
        """A channel by its name, once something was heard there; a conversation by its id.

        Raises NotFound.
        """
        if ":" in named:
            return Spot(id=named, name=named)
        place = self._called.place_of(named)
        if not place:
            raise NotFound(f"Nothing was heard of {named} yet. Mention the app there once.")
        return Spot(id=place, name=named)

    async def send(self, message: Outbound) -> Receipt:
        """Send or rewrite a message. Raises VendorRefused, VendorUnknown, ConnectionBroken."""
        return await self._sending.send(message)

    async def post(self, team: str, channel: str, text: str) -> Receipt:
        """Begin a thread in a channel of a team that the app was added to. Raises like `send`."""
        return await self._sending.post(team, channel, text)

    def called(self, team: str, channel: str) -> tuple[str, str]:
        """What people call a channel and its team; empty where nothing was heard of them."""
        return self._called.of(channel, team)

    async def draft(self, message: Outbound) -> Receipt | None:
        """Show an answer as it grows in a chat of two, elsewhere that somebody works on it."""
        return await self._sending.draft(message)

    async def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """The bytes of a file. Raises VendorRefused, VendorUnknown, ConnectionBroken."""
        async for part in self._sending.fetch(attachment):
            yield part

    def _learn(self, activity: Activity) -> None:
        """What the channel of an activity is called."""
        data = activity.channel_data
        if activity.conversation.conversation_type == "channel":
            name = data.channel.name or activity.conversation.name
            team = data.team.aad_group_id, data.team.name
            self._called.learn(activity.place[0], name, team)

    async def webhook(self, request: web.Request) -> web.Response:
        """One activity. 401 without Microsoft's proof, 503 when it is not stored."""
        if request.content_type != "application/json":
            return web.Response(status=415)
        raw = await _raw(request)
        if raw is None:
            return web.Response(status=413)
        try:
            proof = await self._doorman.check(request.headers.get("Authorization", ""))
        except Forged:
            return web.Response(status=401)
        except VendorError as error:
            log.warning("Teams' request cannot be checked: %s", error.message)
            return web.Response(status=503)
        try:
            activity = Activity.model_validate(_parsed(raw))
        except (ValidationError, ValueError, RecursionError):
            return web.Response(status=400)
        service = activity.service_url
        is_ours = activity.channel_id == PLATFORM and self._calls.services.may_call(service)
        if not is_ours or not proof.fits(service, activity.channel_id):
            return web.Response(status=401)
        return await self._taken(activity)

    # --- inside -----------------------------------------------------------------------------

    async def _taken(self, activity: Activity) -> web.Response:
        if activity.tenant.lower() != self._settings.tenant_id:
            log.warning("Teams brought something from another organisation; it is refused.")
            return web.Response(status=403)
        if self._sink is None:
            return web.Response(status=503)
        if activity.conversation.id:
            self._calls.services.learn(activity.place[0], activity.service_url)
            self._learn(activity)
        try:
            answer = await self._intake.take(activity, self._sink)
        except BotError as error:
            log.warning("Teams' request is not taken: %s", error.message)
            return web.Response(status=503)
        return web.Response() if answer is None else web.json_response(answer)

    async def _greet(self) -> None:
        """See that the app may speak. Waits for a Microsoft that is away."""
        pause = FIRST_PAUSE_S
        while True:
            try:
                await self._calls.token()
                return
            except VendorError as error:
                log.warning("Teams is away for now: %s", error.message)
                await asyncio.sleep(pause)
                pause = min(pause * 2, LONGEST_PAUSE_S)

    def _break(self, error: ConnectionBroken) -> None:
        """End the run: a person must mend something."""
        if self._broken and not self._broken.done():
            self._broken.set_exception(error)


async def _raw(request: web.Request) -> bytes | None:
    """The body; None for one that is too long."""
    raw = bytearray()
    async for part in request.content.iter_chunked(65_536):
        raw += part
        if len(raw) > MAX_ACTIVITY:
            return None
    return bytes(raw)


def _parsed(raw: bytes) -> object:
    """The JSON, with a mark where half a letter stands. Raises ValueError, RecursionError."""
    found: object = json.loads(raw)
    if b"\\u" in raw:
        found = json.loads(json.dumps(found, ensure_ascii=False).encode("utf-8", "replace"))
    return found


def make(lent: Lent) -> Teams:
    """The channel. Raises OperatorError, naming the setting that is missing."""
    return Teams(lent, read(lent))
