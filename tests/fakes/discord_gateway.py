"""The socket of a played Discord: HELLO, IDENTIFY or RESUME, then events, numbered and kept.

What a connection that broke has missed is replayed when it resumes, and is lost when it identifies
anew. Close codes and limits: https://docs.discord.com/developers/events/gateway (read 2026-11-21).
"""

import asyncio
import contextlib
import json
import secrets
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

from tests.fakes.discord_rules import Bucket
from tests.fakes.discord_world import Body, World

DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, RESUME, RECONNECT = 0, 1, 2, 3, 6, 7
REQUEST_MEMBERS, INVALID_SESSION, HELLO, ACK = 8, 9, 10, 11
GUILDS, MEMBERS, PRESENCES, MESSAGE_CONTENT = 1 << 0, 1 << 1, 1 << 8, 1 << 15
GUILD_MESSAGES, GUILD_REACTIONS = 1 << 9, 1 << 10
DIRECT_MESSAGES, DIRECT_REACTIONS = 1 << 12, 1 << 13
PRIVILEGED = MEMBERS | PRESENCES | MESSAGE_CONTENT
KNOWN = (1 << 26) - 1
NEEDS = {
    "MESSAGE_CREATE": (GUILD_MESSAGES, DIRECT_MESSAGES),
    "MESSAGE_UPDATE": (GUILD_MESSAGES, DIRECT_MESSAGES),
    "MESSAGE_DELETE": (GUILD_MESSAGES, DIRECT_MESSAGES),
    "MESSAGE_REACTION_ADD": (GUILD_REACTIONS, DIRECT_REACTIONS),
    "MESSAGE_REACTION_REMOVE": (GUILD_REACTIONS, DIRECT_REACTIONS),
    "THREAD_CREATE": (GUILDS, 0),
    "CHANNEL_CREATE": (GUILDS, 0),
}
"""Intents without which an event is not told: in the guild, between two."""
KEPT = 1000
MISTAKES = (4001, 4002, 4003, 4005, 4007, 4008, 4013)
"""Closes that only a faulty program brings about."""
MAX_PAYLOAD = 4096
IDENTIFIES_A_DAY = 1000


@dataclass(slots=True)
class Session:
    """One identified connection, which may break and come back."""

    id: str
    intents: int
    seq: int = 0
    events: deque[Body] = field(default_factory=lambda: deque(maxlen=KEPT))
    socket: web.WebSocketResponse | None = None

    def hears(self, event: str, is_direct: bool) -> bool:
        """Whether its intents cover this event."""
        needs = NEEDS.get(event)
        return needs is None or bool(self.intents & needs[is_direct])


class Closed(Exception):
    """The server closes with this code."""

    def __init__(self, code: int, why: str) -> None:
        super().__init__(why)
        self.code, self.why = code, why


class Gateway:
    """All connections of one bot."""

    def __init__(self, world: World, token: str, mistakes: list[str]) -> None:
        self._world, self._mistakes = world, mistakes
        self.token = token
        self.url = ""
        self.approved = PRIVILEGED
        """The privileged intents that the app was granted."""
        self.heartbeat_ms = 41_250
        self.answers_heartbeats = True
        self.refuse_with = 0
        """A close code that every IDENTIFY gets."""
        self.sessions: dict[str, Session] = {}
        self.identified = self.resumed = self.heartbeats = 0
        self._sockets: set[web.WebSocketResponse] = set()
        self._changed = asyncio.Event()

    @property
    def connected(self) -> int:
        """How many sessions have a socket now."""
        return sum(each.socket is not None for each in self.sessions.values())

    async def until_connected(self, timeout_s: float = 10.0) -> None:
        """Wait for a session that hears."""
        async with asyncio.timeout(timeout_s):
            while not self.connected:
                self._changed.clear()
                await self._changed.wait()

    async def dispatch(
        self, event: str, data: Body, *, is_direct: bool, bare: Body | None = None
    ) -> int:
        """Tell every session; `bare` is what those see that may not read content. How many hear."""
        heard = 0
        for session in list(self.sessions.values()):
            if not session.hears(event, is_direct):
                continue
            heard += 1
            may_read = bare is None or session.intents & MESSAGE_CONTENT
            await self._tell(session, event, data if may_read else bare)
        return heard

    async def again(self, times: int = 1) -> None:
        """Send the last event once more under a new number: Discord says that this may happen."""
        for session in self.sessions.values():
            last = session.events[-1]
            for _ in range(times):
                await self._tell(session, last["t"], last["d"])

    async def cut(self, code: int | None = None) -> None:
        """Break every connection: with a close code, or without a word."""
        for socket in list(self._sockets):
            await _end(socket, code)

    async def ask_to_reconnect(self) -> None:
        """Opcode 7: come again and resume."""
        for socket in list(self._sockets):
            await _send(socket, {"op": RECONNECT, "d": None})

    async def forget_sessions(self) -> None:
        """What is missed from here on is lost: a resume is answered with opcode 9."""
        for session in self.sessions.values():
            session.socket = None
        self.sessions.clear()

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """One connection, from HELLO to its end."""
        if request.query.get("v") != "10" or request.query.get("encoding") != "json":
            self._mistakes.append(f"gateway: v=10 and encoding=json are asked for: {request.query}")
        socket = web.WebSocketResponse(max_msg_size=MAX_PAYLOAD * 4)
        await socket.prepare(request)
        self._sockets.add(socket)
        try:
            await _send(socket, {"op": HELLO, "d": {"heartbeat_interval": self.heartbeat_ms}})
            await self._talk(socket)
        except Closed as closed:
            if closed.code in MISTAKES and closed.code != self.refuse_with:
                self._mistakes.append(f"gateway: closed with {closed.code}: {closed.why}")
            await socket.close(code=closed.code, message=closed.why.encode()[:120])
        finally:
            self._sockets.discard(socket)
            for each in self.sessions.values():
                if each.socket is socket:
                    each.socket = None
            self._changed.set()
        return socket

    async def _talk(self, socket: web.WebSocketResponse) -> None:
        session: Session | None = None
        room = Bucket(120, 60.0)
        while True:
            try:
                frame = await socket.receive(timeout=self.heartbeat_ms / 1000 * 1.5)
            except TimeoutError:
                raise Closed(4009, "Session timed out.") from None
            if frame.type in (WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED):
                self._left(session, socket.close_code)
                return
            if frame.type is not WSMsgType.TEXT:
                return
            if room.take() > 0:
                raise Closed(4008, "Rate limited.")
            session = await self._heard(socket, session, _parsed(frame.data))

    def _left(self, session: Session | None, code: int | None) -> None:
        """A client that says goodbye with 1000 or 1001 ends its session."""
        if session is not None and code in (1000, 1001):
            self.sessions.pop(session.id, None)

    async def _heard(
        self, socket: web.WebSocketResponse, session: Session | None, frame: Body
    ) -> Session | None:
        op, data = frame["op"], frame.get("d")
        if op == HEARTBEAT:
            self.heartbeats += 1
            if self.answers_heartbeats:
                await _send(socket, {"op": ACK, "d": None})
            return session
        if op == IDENTIFY:
            if session is not None:
                raise Closed(4005, "Already authenticated.")
            return await self._identify(socket, data)
        if op == RESUME:
            return await self._resume(socket, data)
        if session is None:
            raise Closed(4003, "Not authenticated.")
        if op not in (PRESENCE, REQUEST_MEMBERS, 4):
            raise Closed(4001, f"Unknown opcode {op}.")
        return session

    async def _identify(self, socket: web.WebSocketResponse, data: Body) -> Session:
        self.identified += 1
        if self.identified > IDENTIFIES_A_DAY:
            self.token = secrets.token_urlsafe(20)
            raise Closed(4004, "Too many identifies in a day; the token is reset.")
        if data.get("token") != self.token:
            raise Closed(4004, "Authentication failed.")
        if self.refuse_with:
            raise Closed(self.refuse_with, "As the test says.")
        intents = data.get("intents")
        if not isinstance(intents, int) or intents & ~KNOWN:
            raise Closed(4013, "Invalid intents.")
        if intents & PRIVILEGED & ~self.approved:
            raise Closed(4014, "Disallowed intents.")
        missing = {"os", "browser", "device"} - set(data.get("properties") or {})
        if missing:
            raise Closed(4002, f"properties lack {sorted(missing)}.")
        session = Session(id=secrets.token_hex(16), intents=intents, socket=socket)
        self.sessions[session.id] = session
        await self._tell(session, "READY", self._ready(session))
        if intents & GUILDS:
            await self._tell(session, "GUILD_CREATE", self._world.guild())
        self._changed.set()
        return session

    def _ready(self, session: Session) -> Body:
        return {
            "v": 10,
            "user": {
                **self._world.bot.shape(),
                "email": None,
                "verified": True,
                "mfa_enabled": True,
            },
            "guilds": [{"id": self._world.guild_id, "unavailable": True}],
            "session_id": session.id,
            "resume_gateway_url": self.url,
            "application": {"id": self._world.app_id, "flags": 0},
            "private_channels": [],
            "user_settings": {},
            "relationships": [],
            "presences": [],
        }

    async def _resume(self, socket: web.WebSocketResponse, data: Body) -> Session | None:
        if data.get("token") != self.token:
            raise Closed(4004, "Authentication failed.")
        session = self.sessions.get(str(data.get("session_id")))
        seq = data.get("seq")
        if session is None or not isinstance(seq, int):
            await _send(socket, {"op": INVALID_SESSION, "d": False})
            return None
        if seq > session.seq:
            raise Closed(4007, "Invalid seq.")
        self.resumed += 1
        session.socket = socket
        for event in [each for each in session.events if each["s"] > seq]:
            await _send(socket, event)
        await self._tell(session, "RESUMED", {})
        self._changed.set()
        return session

    async def _tell(self, session: Session, event: str, data: Any) -> None:
        session.seq += 1
        told = {"op": DISPATCH, "t": event, "s": session.seq, "d": data}
        session.events.append(told)
        if session.socket is not None:
            await _send(session.socket, told)


def _parsed(text: str) -> Body:
    if len(text.encode()) > MAX_PAYLOAD:
        raise Closed(4002, "A payload is larger than 4,096 bytes.")
    try:
        frame: Body = json.loads(text)
        int(frame["op"])
    except (ValueError, TypeError, KeyError):
        raise Closed(4002, "Invalid payload.") from None
    return frame


async def _send(socket: web.WebSocketResponse, frame: Body) -> None:
    with contextlib.suppress(ConnectionError, RuntimeError):
        await socket.send_str(json.dumps(frame))


async def _end(socket: web.WebSocketResponse, code: int | None) -> None:
    if code is not None:
        await socket.close(code=code)
        return
    writer = socket._writer
    if writer is not None and writer.transport is not None:
        writer.transport.abort()
