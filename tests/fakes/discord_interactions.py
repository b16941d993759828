"""Presses, modals and commands of a played Discord: 3 s to answer, 15 minutes to follow up.

They go out over the gateway or, signed with Ed25519, by HTTP.
https://docs.discord.com/developers/interactions/receiving-and-responding (read 2026-11-21)
"""

import asyncio
import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import aiohttp
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.fakes.discord_gateway import Gateway
from tests.fakes.discord_rules import Refusal, check_callback
from tests.fakes.discord_world import (
    DM,
    EPHEMERAL,
    LOADING,
    Body,
    Channel,
    Message,
    User,
    World,
    parts,
    snowflake,
)

ACK_S, TOKEN_S = 3.0, 15 * 60
PING, COMMAND, COMPONENT, SUBMIT = 1, 2, 3, 5
MESSAGE, LATER, LATER_UPDATE, UPDATE, MODAL = 4, 5, 6, 7, 9


@dataclass(slots=True, kw_only=True)
class Interaction:
    """One press, submission or command, and what came back to the person."""

    kind: int
    user: User
    channel: Channel
    data: Body
    message: Message | None = None
    id: str = field(default_factory=snowflake)
    token: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    at: float = field(default_factory=time.monotonic)
    answered: int = 0
    """Type of the first answer; 0: none."""
    failed: bool = False
    """Nothing in 3 s: "This interaction failed" stands there."""
    took_s: float = 0.0
    modal: Body | None = None
    original: Message | None = None
    """What `@original` is."""
    shown: list[Message] = field(default_factory=list)
    """Messages that answered it, also those for this person alone."""
    _done: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def private(self) -> list[str]:
        """What this person alone was told."""
        return [each.text for each in self.shown if each.only_for == self.user.id]

    @property
    def inputs(self) -> dict[str, str]:
        """The modal's inputs with the text that stands in them."""
        found = parts((self.modal or {}).get("components") or [])
        return {each["custom_id"]: each.get("value") or "" for each in found if each["type"] == 4}


class Interactions:
    """All of them, by token."""

    def __init__(self, world: World, gateway: Gateway, mistakes: list[str]) -> None:
        self._world, self._gateway, self._mistakes = world, gateway, mistakes
        self._key = Ed25519PrivateKey.generate()
        self.url = ""
        """Where they are posted instead of going over the gateway."""
        self.by_token: dict[str, Interaction] = {}
        self.ack_s = ACK_S

    @property
    def public_key(self) -> str:
        """What the app's page shows, in hex."""
        raw = self._key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return raw.hex()

    def sign(self, timestamp: str, body: bytes) -> str:
        """The signature of a body in hex."""
        return self._key.sign(timestamp.encode() + body).hex()

    def shape(self, item: Interaction) -> Body:
        """As it is told to the app."""
        is_direct = item.channel.type == DM
        user = item.user.shape()
        found: Body = {
            "id": item.id,
            "application_id": self._world.app_id,
            "type": item.kind,
            "token": item.token,
            "version": 1,
            "data": item.data,
            "channel_id": item.channel.id,
            "channel": item.channel.shape(),
            "app_permissions": str((1 << 50) - 1),
            "locale": "en-US",
            "entitlements": [],
            "authorizing_integration_owners": {"0": "0" if is_direct else item.channel.guild},
            "context": 1 if is_direct else 0,
            "attachment_size_limit": 10 * 1024 * 1024,
        }
        if item.message is not None:
            found["message"] = item.message.shape(self._world.messages)
        if is_direct:
            return found | {"user": user}
        member = {**item.user.member(), "user": user, "permissions": str(item.user.powers)}
        guild = {"id": item.channel.guild, "locale": "en-US", "features": []}
        return found | {
            "guild_id": item.channel.guild,
            "guild": guild,
            "guild_locale": "en-US",
            "member": member,
        }

    async def deliver(self, item: Interaction) -> Interaction:
        """Tell the app and wait until it answered or 3 s are over."""
        self.by_token[item.token] = item
        if self.url:
            await self._post(item)
        else:
            told = self.shape(item)
            await self._gateway.dispatch(
                "INTERACTION_CREATE", told, is_direct=item.channel.type == DM
            )
        try:
            async with asyncio.timeout(max(0.0, self.ack_s - (time.monotonic() - item.at))):
                await item._done.wait()
        except TimeoutError:
            item.failed = True
        return item

    async def _post(self, item: Interaction) -> None:
        status, answer = await self.post_raw(json.dumps(self.shape(item)).encode())
        if status == 200 and isinstance(answer, dict):
            try:
                self.answer(item, answer)
            except Refusal as refusal:
                self._mistakes.append(f"answer to an interaction by HTTP: {refusal.body}")
                item.failed = True
        elif status != 202:
            item.failed = True

    async def post_raw(
        self, body: bytes, *, signature: str | None = None, timestamp: str | None = None
    ) -> tuple[int, object]:
        """Post a body to the app, rightly signed unless told otherwise: status and answer."""
        at = timestamp or str(int(time.time()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Discord-Interactions/1.0 (+https://discord.com)",
            "X-Signature-Timestamp": at,
            "X-Signature-Ed25519": self.sign(at, body) if signature is None else signature,
        }
        limit = aiohttp.ClientTimeout(total=self.ack_s)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.post(self.url, data=body, headers=headers) as response,
            ):
                raw = await response.read()
                return response.status, json.loads(raw) if raw else None
        except (TimeoutError, aiohttp.ClientError, ValueError) as error:
            self._mistakes.append(f"interaction by HTTP: {type(error).__name__}: {error}")
            return 0, None

    async def probe(self) -> list[str]:
        """What Discord does when the address is entered; why it would be refused, if it would."""
        wrong = []
        ping = json.dumps({"id": snowflake(), "type": PING, "version": 1}).encode()
        status, answer = await self.post_raw(ping)
        if (status, answer) != (200, {"type": 1}):
            wrong.append(f"PING was answered {status} {answer}")
        status, _ = await self.post_raw(ping, signature="00" * 64)
        if status != 401:
            wrong.append(f"a forged PING was answered {status}")
        return wrong

    def find(self, token: str, *, follow: bool) -> Interaction:
        """The interaction of a token that is still good. Raises Refusal."""
        item = self.by_token.get(token)
        if item is None or (follow and time.monotonic() - item.at > TOKEN_S):
            raise Refusal(401, 50027, "Invalid Webhook Token")
        return item

    def respond(self, id: str, token: str, body: Body) -> Interaction:
        """The callback. Raises Refusal when it is unknown, late, or the second."""
        item = self.by_token.get(token)
        late = item is not None and time.monotonic() - item.at > self.ack_s
        if item is None or item.id != id or (late and not item.answered):
            raise Refusal(404, 10062, "Unknown interaction")
        self.answer(item, body)
        return item

    def answer(self, item: Interaction, body: Body) -> None:
        """Take the first answer."""
        if item.answered:
            raise Refusal(400, 40060, "Interaction has already been acknowledged.")
        check_callback(item.kind, body)
        kind, data = body["type"], body.get("data") or {}
        if kind == MODAL:
            item.modal = data
        elif kind in (MESSAGE, LATER):
            item.original = self.follow(item, data, loading=kind == LATER)
        elif kind in (LATER_UPDATE, UPDATE):
            item.original = item.message
            if kind == UPDATE and item.message is not None:
                change(item.message, data)
        item.answered = kind
        item.took_s = time.monotonic() - item.at
        item._done.set()

    def follow(self, item: Interaction, data: Body, *, loading: bool = False) -> Message:
        """A message that answers; the first one after a deferral fills that in."""
        waiting = item.original
        if waiting is not None and waiting.flags & LOADING:
            change(waiting, data)
            waiting.flags &= ~LOADING
            return waiting
        is_private = bool((data.get("flags") or 0) & EPHEMERAL)
        message = Message(
            id=snowflake(),
            channel=item.channel,
            author=self._world.bot,
            flags=(data.get("flags") or 0) | (LOADING if loading else 0),
            only_for=item.user.id if is_private else "",
        )
        change(message, data, is_edit=False)
        self._world.messages[message.id] = message
        item.shown.append(message)
        return message


def change(message: Message, body: Mapping[str, object], *, is_edit: bool = True) -> None:
    """Lay the fields of a body over a message."""
    for name in ("content", "embeds", "components"):
        if name in body:
            empty: object = "" if name == "content" else []
            setattr(message, name, body[name] or empty)
    if is_edit:
        message.edits += 1
