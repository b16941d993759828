"""The channel Telegram: polls, or takes webhooks, and speaks as one bot.

Telegram drops an update when a later poll asks beyond it, or when its webhook is answered 200: both
happen only after the house has stored what it says. Updates of one chat are taken in order, chats
side by side. What it does not tell bots cannot be heard: a message that is deleted.
https://core.telegram.org/bots/api#getting-updates (read 2026-11-21)
"""

import asyncio
import json
import logging
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

from aiohttp import web
from telegram import BotCommand, error

from bot.core.canonical import Json
from bot.core.channel import Dialect, Features, Outbound, Receipt, Sink
from bot.core.effect import Policy
from bot.core.errors import NotFound, OperatorError, StoreError, VendorError
from bot.core.event import Attachment
from bot.core.secret import Secret
from bot.platforms.checking import Checked
from bot.platforms.lent import Lent, Spot, settings_of
from channels.telegram.api import CHUNK, Api, meaning
from channels.telegram.errands import Errands
from channels.telegram.forms import Slips
from channels.telegram.hearing import Ear, Parts
from channels.telegram.payloads import MAX_UPDATE, WANTED
from channels.telegram.reading import NAME, Me
from channels.telegram.settings import Settings
from channels.telegram.speaking import MAX_CHARS, Voice

log = logging.getLogger(__name__)

SECRET_HEADER: Final = "X-Telegram-Bot-Api-Secret-Token"  # noqa: S105  # a header's name
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
BREAKS: Final = 3
"""After so many failures of the program itself an update is passed over."""
MAX_BROKEN: Final = 1000
COMMANDS: Final = {
    "help": "What I understand",
    "agents": "Who is here",
    "agent": "Talk to this one: /agent NAME",
    "new": "Start afresh",
    "stop": "Stop what is running",
    "status": "How things are",
    "usage": "What was spent today",
    "approvals": "What waits for a yes",
    "approve": "Say yes: /approve CODE",
    "reject": "Say no: /reject CODE",
    "savechat": "Notify me in this chat",
    "whoami": "Who you are here",
}


class Telegram:
    """The channel."""

    name = NAME
    features = Features(
        dialect=Dialect.TELEGRAM,
        max_chars=MAX_CHARS,
        buttons=True,
        forms=True,
        threads=True,
        media=True,
        draft_s=1.0,
        policy=Policy.NONE,
    )

    def __init__(self, lent: Lent, settings: Settings) -> None:
        self._lent, self._settings = lent, settings
        self.sole = settings.derived("sole")
        self._api = Api(settings.token, lent.endpoint)
        self._voice = Voice(self._api, lent.clock, lent.shelf, lent.among)
        self._errands = Errands()
        slips = Slips(settings.derived("forms"))
        self._ear = Ear(Parts(lent=lent, voice=self._voice, errands=self._errands, slips=slips))
        self._me: Me | None = None
        self._sink: Sink | None = None
        self._broken: OrderedDict[int, int] = OrderedDict()
        """How often an update broke the program, by its number."""

    @property
    def path(self) -> str:
        """Where the webhook is."""
        return f"/webhooks/{NAME}/{self._settings.bot}"

    def routes(self) -> Sequence[tuple[str, str, Callable[..., Awaitable[object]]]]:
        """The webhook, when it is the one that listens."""
        return (("POST", self.path, self.webhook),) if self._is_hooked() else ()

    def _is_hooked(self) -> bool:
        is_reachable = self._lent.public_url.startswith("https://")
        return self._settings.mode == "webhook" or (not self._settings.mode and is_reachable)

    async def run(self, sink: Sink) -> None:
        """Listen until cancelled. Raises ConnectionBroken and OperatorError with the mend."""
        self._sink = sink
        try:
            await self._api.open()
            async with self._errands:
                me = await self._greet()
                if self._is_hooked():
                    await self._hook()
                    await asyncio.Event().wait()
                await self._poll(me, sink)
        finally:
            await self._api.close()

    async def try_out(self) -> Checked:
        """Whose token it is, asked by getMe. Raises ConnectionBroken, VendorError."""
        try:
            await self._api.open()
            user = await self._api.bot.get_me()
        except error.TelegramError as wrong:
            raise meaning(wrong) from None
        finally:
            await self._api.close()
        note = "In groups it hears only what mentions it or answers it (privacy mode)."
        deaf = not user.can_read_all_group_messages
        return Checked(bot=f"@{user.username}", notes=(note,) if deaf else ())

    async def chosen(self, named: str) -> Spot:
        """A chat by its number. Raises NotFound."""
        if not named.removeprefix("-").isdecimal():
            raise NotFound(
                "A chat on Telegram is named by its number. Write /savechat to the bot, then leave "
                "the place out."
            )
        return Spot(id=named, name=f"the chat {named}")

    async def send(self, message: Outbound) -> Receipt:
        """Send a text or a card, or rewrite one."""
        return await self._voice.send(message)

    async def draft(self, message: Outbound) -> Receipt | None:
        """Show an answer as it grows: a draft in a chat of two, edits in a group."""
        return await self._voice.draft(message)

    async def fetch(self, attachment: Attachment) -> AsyncIterator[bytes]:
        """The bytes of a file that came in."""
        data = await self._api.download(attachment.source)
        for at in range(0, len(data), CHUNK):
            yield data[at : at + CHUNK]

    # --- listening --------------------------------------------------------------------------

    async def _greet(self) -> Me:
        """Find out who we are, and say what we understand. Waits for a Telegram that is away."""
        pause = FIRST_PAUSE_S
        while self._me is None:
            try:
                user = await self._api.bot.get_me()
            except error.TelegramError as wrong:
                pause = await _after(meaning(wrong), pause)
                continue
            self._me = Me(tenant=self._lent.tenant, id=user.id, username=user.username or "")
            self._errands.add(self._name_commands)
        return self._me

    async def _name_commands(self) -> None:
        """Tell Telegram the commands, when they changed."""
        wanted = tuple(BotCommand(name, words) for name, words in COMMANDS.items())
        try:
            if await self._api.bot.get_my_commands() != wanted:
                await self._api.bot.set_my_commands(wanted)
        except error.TelegramError as wrong:
            raise meaning(wrong) from None

    async def _hook(self) -> None:
        """Tell Telegram where to bring updates."""
        if not self._lent.public_url.startswith("https://"):
            raise OperatorError(
                "Telegram brings messages to https addresses only. Set public_url to the address "
                'of this house, or mode = "polling" in [channels.telegram].'
            )
        pause = FIRST_PAUSE_S
        while True:
            try:
                await self._api.bot.set_webhook(
                    self._lent.public_url.rstrip("/") + self.path,
                    secret_token=self._settings.hook_secret,
                    allowed_updates=WANTED,
                )
                return
            except error.BadRequest as wrong:
                raise OperatorError(
                    f"Telegram does not take the address of the webhook: {wrong.message}."
                ) from None
            except error.TelegramError as wrong:
                pause = await _after(meaning(wrong), pause)

    async def _poll(self, me: Me, sink: Sink) -> None:
        """Ask for updates; each batch is confirmed by the next question, once it is stored."""
        await self._lent.hold()  # two that ask get 409, both of them
        offset, pause = 0, FIRST_PAUSE_S
        is_free = False
        while True:
            try:
                if not is_free:  # a webhook that was set earlier would keep everything to itself
                    await self._api.bot.delete_webhook()
                    is_free = True
                updates = await self._api.updates(offset)
                pause = FIRST_PAUSE_S
            except error.TelegramError as wrong:
                pause = await _after(meaning(wrong), pause)
                continue
            except VendorError as wrong:
                pause = await _after(wrong, pause)
                continue
            offset = max(offset, await self._take_all(updates, me, sink))

    async def _take_all(self, updates: Sequence[Json], me: Me, sink: Sink) -> int:
        """Take a batch; returns the number from which on updates are still wanted."""
        chats: dict[object, list[Json]] = {}
        for raw in updates:
            chats.setdefault(_chat_of(raw), []).append(raw)
        left = await asyncio.gather(
            *(self._take_some(some, me, sink) for some in chats.values()), return_exceptions=True
        )
        failed = [each for each in left if isinstance(each, BaseException)]
        if unexpected := next((each for each in failed if not isinstance(each, _NotStored)), None):
            raise unexpected
        first_left = min(
            (each.number for each in failed if isinstance(each, _NotStored)), default=0
        )
        if first_left:
            await asyncio.sleep(FIRST_PAUSE_S)
            return first_left
        return max((_number_of(raw) + 1 for raw in updates), default=0)

    async def _take_some(self, updates: Sequence[Json], me: Me, sink: Sink) -> None:
        """Take the updates of one chat in order."""
        for raw in updates:
            number = _number_of(raw)
            if self._broken.get(number, 0) >= BREAKS:
                log.error(
                    "Update %s broke the program %s times; it is passed over.", number, BREAKS
                )
                continue
            try:
                await self._ear.take(raw, me, sink)
            except StoreError as wrong:
                log.warning("Telegram waits for the database: %s", wrong.message)
                raise _NotStored(number) from wrong
            except Exception:
                self._broken[number] = self._broken.get(number, 0) + 1
                while len(self._broken) > MAX_BROKEN:
                    self._broken.popitem(last=False)
                raise

    async def webhook(self, request: web.Request) -> web.Response:
        """One update. 401 without our secret, 503 when it is not stored: Telegram comes again."""
        given = request.headers.get(SECRET_HEADER, "")
        if not Secret(self._settings.hook_secret).matches(given):
            return web.Response(status=401)
        raw = await request.content.read(MAX_UPDATE + 1) if request.can_read_body else b""
        while len(raw) <= MAX_UPDATE and (more := await request.content.read(MAX_UPDATE)):
            raw += more
        if len(raw) > MAX_UPDATE:
            return web.Response(status=413)
        try:
            update = json.loads(raw)
        except ValueError:
            return web.Response(status=400)
        if self._me is None or self._sink is None:
            return web.Response(status=503)
        try:
            await self._take_some([update], self._me, self._sink)
        except _NotStored:
            return web.Response(status=503)
        return web.Response()


class _NotStored(Exception):
    """This update must come again."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


async def _after(wrong: Exception, pause: float) -> float:
    """Wait for a Telegram that is away; what a person must mend is raised."""
    if not isinstance(wrong, VendorError):
        raise wrong
    log.warning("Telegram is away for now: %s", wrong.message)
    await asyncio.sleep(max(wrong.retry_after_s or 0.0, pause))
    return min(pause * 2, LONGEST_PAUSE_S)


def _number_of(raw: Json) -> int:
    number = raw.get("update_id") if isinstance(raw, dict) else None
    return number if isinstance(number, int) else 0


def _chat_of(raw: Json) -> object:
    """What keeps updates in order: the chat of whatever happened."""
    if not isinstance(raw, dict):
        return None
    for value in raw.values():
        if isinstance(value, dict):
            inner = value.get("message")
            chat = value.get("chat") or (inner.get("chat") if isinstance(inner, dict) else None)
            if isinstance(chat, dict):
                return str(chat.get("id"))
    return None


def make(lent: Lent) -> Telegram:
    """The channel. Raises OperatorError, naming the setting, when it cannot be made."""
    if not lent.options.get("token"):
        raise OperatorError(
            "Telegram needs a token: set `token` in [channels.telegram], or BOTFATHERTOKEN. "
            "@BotFather gives one with /newbot."
        )
    return Telegram(lent, settings_of(Settings, NAME, lent))
