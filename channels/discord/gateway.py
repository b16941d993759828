"""The gateway: discord.py holds the connection, and every frame that tells of people is read here.

Frames of one channel are taken in one after the other, others side by side. What the database
cannot take now is tried again before anything else of that channel: Discord tells everything once.
https://docs.discord.com/developers/events/gateway (read 2026-11-21)
"""

import asyncio
import contextlib
import json
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Any, Final

import discord
from pydantic import SecretStr

from bot.core.errors import BotError, ConnectionBroken
from bot.fetch.straight import straight
from bot.platforms.lent import Spot
from channels.discord.calls import REFUSED_BOT, ours

log = logging.getLogger(__name__)

TOLD: Final = frozenset(
    {
        "MESSAGE_CREATE",
        "MESSAGE_UPDATE",
        "MESSAGE_DELETE",
        "MESSAGE_DELETE_BULK",
        "MESSAGE_REACTION_ADD",
        "MESSAGE_REACTION_REMOVE",
        "INTERACTION_CREATE",
    }
)
MAX_FRAME: Final = 1_000_000
MAX_LOCKS: Final = 10_000
MAX_WAITING: Final = 5_000
FINISH_S: Final = 2.0
_PORTAL: Final = "of the application at discord.com/developers/applications"
_FATAL: Final = {
    4004: REFUSED_BOT,
    4010: "Discord does not take this connection (4010, invalid shard). Report it, please.",
    4011: "The bot is in too many servers for one connection (4011, sharding required).",
    4012: "Discord no longer speaks this version of its API (4012). Upgrade discord.py.",
    4013: "Discord does not know an intent that was asked for (4013). Upgrade discord.py.",
    4014: (
        "The bot may not read messages that do not mention it (4014). Switch on Message Content "
        f"Intent under Bot {_PORTAL}, or set message_content = false in [channels.discord]."
    ),
}
"""https://docs.discord.com/developers/topics/opcodes-and-status-codes (read 2026-11-21)"""

Take = Callable[[str, dict[str, Any], str], Awaitable[None]]
"""Takes a frame: its name, what it says, and a name of this one telling of it."""


class Gateway(discord.Client):
    """One connection."""

    def __init__(self, take: Take, ready: Callable[[], Awaitable[None]], content: bool) -> None:
        """`ready` is called after each new session; a resumed one misses nothing."""
        intents = discord.Intents.none()
        intents.guilds = intents.messages = intents.reactions = True
        intents.message_content = content
        super().__init__(
            intents=intents,
            max_messages=None,
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            enable_debug_events=True,
            http_trace=straight(),
        )
        self.reads_all = content
        """Whether what is said to others may be read as well."""
        self._take = take
        self._when_ready = ready
        self._locks: OrderedDict[str, asyncio.Lock] = OrderedDict()
        self._learned: OrderedDict[str, str] = OrderedDict()
        self._waiting = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self.on_new_session: Callable[[], None] = lambda: None
        """Called at once when a new session begins, before anything new is told."""

    async def listen(self, token: SecretStr) -> None:
        """Listen until cancelled. Raises ConnectionBroken when a person must mend something."""
        try:
            async with self:
                await self.start(token.get_secret_value().strip())
        except discord.PrivilegedIntentsRequired as error:
            raise ConnectionBroken(_FATAL[4014], code=4014) from error
        except discord.ConnectionClosed as error:
            if error.code in _FATAL:
                raise ConnectionBroken(_FATAL[error.code], code=error.code) from error
            raise ours(error) from error
        except (discord.DiscordException, OSError) as error:
            raise ours(error) from error
        finally:
            await self._finish()

    async def _finish(self) -> None:
        """Let what was told already be taken in."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FINISH_S):
                await asyncio.sleep(0)
                await self._idle.wait()

    def dispatch(self, event: str, /, *args: Any, **kwargs: Any) -> None:
        """The library's own; its delayed `ready` may come when all is closed, and breaks then."""
        if not self.is_closed():
            super().dispatch(event, *args, **kwargs)

    async def on_socket_raw_receive(self, frame: str) -> None:
        """The library's own hook: every frame, as text."""
        if len(frame) > MAX_FRAME or not frame.startswith("{"):
            return
        try:
            told = json.loads(frame)
        except (ValueError, RecursionError):
            return
        name = told.get("t")
        if name == "READY":
            self.on_new_session()
        if name not in TOLD or not isinstance(told.get("d"), dict):
            return
        if self._waiting >= MAX_WAITING:
            log.error("Discord tells more than can be taken in; something is left out.")
            return
        self._waiting += 1
        self._idle.clear()
        mark = f"{self.ws.session_id}:{told.get('s')}"
        try:
            # A press waits for nothing: it has three seconds.
            if name == "INTERACTION_CREATE":
                await self._take(name, told["d"], mark)
            else:
                async with self.lock(str(told["d"].get("channel_id", ""))):
                    await self._take(name, told["d"], mark)
        except BotError as error:
            log.warning("Something that Discord told was not taken in: %s", error.message)
        except Exception:
            log.exception("Something that Discord told was not taken in.")
        finally:
            self._waiting -= 1
            if not self._waiting:
                self._idle.set()

    async def on_ready(self) -> None:
        """The library's own hook: signed in anew, and the servers are known."""
        await self._when_ready()

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """The library's own hook: one of the hooks broke."""
        log.exception("The hook %s broke.", event_method)

    def lock(self, channel: str) -> asyncio.Lock:
        """What keeps a channel's frames in order."""
        lock = self._locks.setdefault(channel, asyncio.Lock())
        self._locks.move_to_end(channel)
        if len(self._locks) > MAX_LOCKS:
            name, oldest = next(iter(self._locks.items()))
            if not oldest.locked():
                del self._locks[name]
        return lock

    def parent(self, channel: str) -> str:
        """The channel that a thread hangs below; empty for what is no thread."""
        found = self.get_channel(int(channel))
        if isinstance(found, discord.Thread):
            return str(found.parent_id)
        return self._learned.get(channel, "")

    def guild(self, channel: str) -> str:
        """The server of a channel; empty for one that is not known."""
        found = self.get_channel(int(channel))
        guild = getattr(found, "guild", None)
        return str(guild.id) if guild else ""

    def learn(self, channel: str, parent: str) -> None:
        """A thread that slept is below this channel."""
        self._learned[channel] = parent
        if len(self._learned) > MAX_LOCKS:
            self._learned.popitem(last=False)

    def role(self, guild: str) -> str:
        """The role that a server made for the bot; empty when there is none."""
        found = self.get_guild(int(guild))
        role = found.self_role if found else None
        return str(role.id) if role else ""

    def spots(self) -> list[Spot]:
        """Each place of a server where the bot may write."""
        found = []
        for guild in self.guilds:
            about = f"whoever may read it on the server {guild.name}"
            both: list[discord.TextChannel | discord.Thread] = [
                *guild.text_channels,
                *guild.threads,
            ]
            found += [Spot(id=str(c.id), name=f"#{c.name}", about=about) for c in both]
        return found

    def text_channels(self) -> list[str]:
        """Each place of a server that may be read."""
        return [
            str(channel.id)
            for guild in self.guilds
            for channel in (*guild.text_channels, *guild.voice_channels, *guild.threads)
        ]
