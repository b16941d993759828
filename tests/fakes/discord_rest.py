"""The REST side of a played Discord: who calls, how often, whether it fits, and what it does.

Paths are those of the published description; https://docs.discord.com/developers/reference
(read 2026-11-21).
"""

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from aiohttp import web

from tests.fakes.discord_gateway import Gateway
from tests.fakes.discord_interactions import Interactions, change
from tests.fakes.discord_rules import (
    Rates,
    Refusal,
    check_message,
    described,
    unknown_fields,
    with_text_ids,
)
from tests.fakes.discord_world import (
    DM,
    EPHEMERAL,
    V2,
    Body,
    Channel,
    Message,
    User,
    World,
    moment,
    snowflake,
)

NONCE_WINDOW_S = 180.0
"""The documents say "the past few minutes"."""
AGENT = re.compile(r"DiscordBot \(\S+,? \S+\)")
VIA = {"Via": "1.1 google"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request that was let in."""

    route: str
    """Method and path with its names in braces."""
    args: dict[str, str]
    body: Any
    files: dict[str, tuple[str, str, bytes]]
    """Name, media type and bytes by field."""
    query: dict[str, str]
    reason: str = ""
    """For the server's audit log."""


ABSENT = object()


@dataclass(slots=True, kw_only=True)
class Fault:
    """What becomes of the next requests to a route."""

    where: str
    times: int
    status: int = 0
    retry_after_s: float = 0.0
    told: Any = ...
    """What stands in the place of that number, where it is none; `ABSENT`: nothing does."""
    is_global: bool = False
    after: bool = False
    """It is done all the same, and only the answer is bad."""
    cut: bool = False
    slow_s: float = 0.0


Answer = tuple[int, Any]
Handler = Callable[["Rest", Call], Awaitable[Answer]]
_ROUTES: list[tuple[str, str, re.Pattern[str], Handler]] = []


def route(method: str, path: str) -> Callable[[Handler], Handler]:
    """Register what answers a path of the description."""
    pattern = re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path))

    def keep(handler: Handler) -> Handler:
        _ROUTES.append((method, path, pattern, handler))
        return handler

    return keep


class Rest:
    """The door and what stands behind it."""

    def __init__(
        self, world: World, gateway: Gateway, interactions: Interactions, mistakes: list[str]
    ) -> None:
        self.world, self.gateway, self.interactions = world, gateway, interactions
        self.mistakes = mistakes
        self.rates = Rates()
        self.faults: list[Fault] = []
        self.calls: list[Call] = []
        self.commands: dict[str, list[Body]] = {}
        """Registered commands by guild; those of everywhere under the empty name."""
        self.typing: list[str] = []
        """Channels in which the bot was seen to write, in order."""
        self.nonces: dict[str, tuple[float, str]] = {}
        self.nonce_window_s = NONCE_WINDOW_S
        self.deduplicated = 0
        self.reasons: list[str] = []
        """Why roles were given and taken, as the server's audit log has it, in order."""
        self.forbidden: set[str] = set()
        """Channels and people that the bot may not write to."""
        self.base = ""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """Answer one request."""
        path = request.path.removeprefix("/api/v10") or "/"
        if self.rates.banned:
            return web.Response(status=429, text="<html>error 1015: you are banned</html>")
        found = self._match(request.method, path)
        if found is None:
            self.mistakes.append(f"{request.method} {path}: no such route")
            return _json(404, {"message": "404: Not Found", "code": 0})
        name, args, handler = found
        fault = self._fault(name)
        if fault is not None and fault.slow_s:
            await asyncio.sleep(fault.slow_s)
        if fault is not None and not fault.after and (fault.status or fault.cut):
            return self._faulty(request, fault)
        try:
            self._admit(request, name)
            limits = self._take(name, args)
            call = await self._read(request, name, args)
            self._fits(call)
            self.calls.append(call)
            status, answer = await handler(self, call)
        except Refusal as refusal:
            return self._refused(name, refusal)
        except (TypeError, KeyError, AttributeError) as error:
            # Without the description nobody has looked at the types before.
            wrong = Refusal(400, 50035, "Invalid Form Body", errors={"_": [repr(error)]})
            return self._refused(name, wrong)
        if fault is not None and fault.after and (fault.status or fault.cut):
            return self._faulty(request, fault)
        return _json(status, answer, limits)

    def _match(self, method: str, path: str) -> tuple[str, dict[str, str], Handler] | None:
        for known, template, pattern, handler in _ROUTES:
            found = pattern.fullmatch(path)
            if known == method and found:
                args = {name: unquote(value) for name, value in found.groupdict().items()}
                return f"{method} {template}", args, handler
        return None

    def _fault(self, name: str) -> Fault | None:
        for fault in self.faults:
            if name.startswith(fault.where):
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
                return fault
        return None

    def _faulty(self, request: web.Request, fault: Fault) -> web.StreamResponse:
        if fault.cut:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=500)
        if fault.status == 429:
            self.rates.refused()
            scope = "global" if fault.is_global else "user"
            return _limited(fault.retry_after_s, scope, fault.told)
        return _json(fault.status, {"message": f"{fault.status}: as the test says", "code": 0})

    def _admit(self, request: web.Request, name: str) -> None:
        if "{interaction_token}" in name or "{webhook_token}" in name:
            return
        if request.headers.get("Authorization") != f"Bot {self.gateway.token}":
            raise Refusal(401, 0, "401: Unauthorized")
        if not AGENT.match(request.headers.get("User-Agent", "")):
            self.mistakes.append(f"{name}: User-Agent is not `DiscordBot (url, version)`")

    def _take(self, name: str, args: dict[str, str]) -> dict[str, str]:
        """Take one of each bucket; the headers that tell of it. Raises Refusal."""
        is_free = "{interaction_token}" in name or "{webhook_token}" in name
        wait = 0.0 if is_free else self.rates.whole.take()
        if wait:
            raise Refusal(
                429, 0, "You are being rate limited.", retry_after=wait, **{"global": True}
            )
        place = next((args[k] for k in ("channel_id", "guild_id", "webhook_id") if k in args), "")
        bucket = self.rates.bucket(name, place)
        if wait := bucket.take():
            raise Refusal(
                429, 0, "You are being rate limited.", retry_after=wait, **{"global": False}
            )
        return {
            "X-RateLimit-Limit": str(bucket.limit),
            "X-RateLimit-Remaining": str(bucket.remaining),
            "X-RateLimit-Reset": f"{time.time() + bucket.reset_after:.3f}",
            "X-RateLimit-Reset-After": f"{bucket.reset_after:.3f}",
            "X-RateLimit-Bucket": f"{abs(hash(name)):x}"[:16],
        }

    async def _read(self, request: web.Request, name: str, args: dict[str, str]) -> Call:
        files: dict[str, tuple[str, str, bytes]] = {}
        body: Any = {}
        if request.content_type == "multipart/form-data":
            form = await request.post()
            for field, value in form.items():
                if isinstance(value, web.FileField):
                    with value.file as file:
                        files[field] = (value.filename, value.content_type, file.read())
            body = _loaded(str(form.get("payload_json") or "{}"))
        elif request.can_read_body and (raw := await request.read()):
            if request.content_type != "application/json":
                self.mistakes.append(f"{name}: content type {request.content_type}")
            body = _loaded(raw.decode())
        return Call(
            route=name,
            args=args,
            body=with_text_ids(body),
            files=files,
            query=dict(request.query),
            reason=unquote(request.headers.get("X-Audit-Log-Reason", "")),
        )

    def _fits(self, call: Call) -> None:
        method, path = call.route.split(" ", 1)
        if call.body or method != "GET":
            if wrong := described(method, path, call.body):
                raise Refusal(400, 50035, "Invalid Form Body", errors={"_": wrong})
        kind = {"POST": "MessageCreateRequest", "PATCH": "MessageEditRequestPartial"}
        if path.startswith("/channels/{channel_id}/messages") and isinstance(call.body, dict):
            if method in kind and (odd := unknown_fields(kind[method], call.body)):
                self.mistakes.append(f"{call.route}: unknown fields {odd}")

    def _refused(self, name: str, refusal: Refusal) -> web.StreamResponse:
        if refusal.status in (401, 403, 429):
            self.rates.refused()
        if refusal.status == 429:
            scope = "global" if refusal.body["global"] else "user"
            self.mistakes.append(f"{name}: faster than Discord allows ({scope})")
            return _limited(refusal.body["retry_after"], scope)
        if refusal.status in (400, 413):
            self.mistakes.append(f"{name}: {json.dumps(refusal.body)}")
        return _json(refusal.status, refusal.body)

    # --- what handlers share ---------------------------------------------------------------

    def channel(self, call: Call) -> Channel:
        """The channel that a call names. Raises Refusal."""
        channel = self.world.channels.get(call.args["channel_id"])
        if channel is None:
            raise Refusal(404, 10003, "Unknown Channel")
        if channel.id in self.forbidden:
            raise Refusal(403, 50001, "Missing Access")
        if channel.type == DM and channel.people[0].id in self.forbidden:
            raise Refusal(403, 50007, "Cannot send messages to this user")
        return channel

    def message(self, call: Call) -> Message:
        """The message that a call names. Raises Refusal."""
        channel = self.channel(call)
        found = self.world.messages.get(call.args["message_id"])
        if found is None or found.deleted or found.channel is not channel or found.only_for:
            raise Refusal(404, 10008, "Unknown Message")
        return found

    async def tell(self, event: str, message: Message, **more: object) -> None:
        """Dispatch a message, with its content for those who may read it."""
        told: Body = message.shape(self.world.messages) | more
        is_direct = message.channel.type == DM
        if not is_direct:
            told |= {"guild_id": message.channel.guild, "member": message.author.member()}
        else:
            told["channel_type"] = DM
        is_open = is_direct or message.author.bot and message.author is self.world.bot
        is_open = is_open or self.world.bot in message.mentions
        hidden: Body = {"content": "", "embeds": [], "attachments": [], "components": []}
        bare = None if is_open else told | hidden
        await self.gateway.dispatch(event, told, is_direct=is_direct, bare=bare)

    async def put(
        self, channel: Channel, author: User, body: Body, files: dict[str, tuple[str, str, bytes]]
    ) -> Message:
        """Make a message of a body and tell of it."""
        content = body.get("content") or ""
        allowed = body.get("allowed_mentions")
        parse = ["users", "roles", "everyone"] if allowed is None else allowed.get("parse") or []
        named = set((allowed or {}).get("users") or ())
        called = self.world.mentioned(content)
        reference = (body.get("message_reference") or {}).get("message_id", "")
        message = Message(
            id=snowflake(),
            channel=channel,
            author=author,
            content=content,
            flags=body.get("flags") or 0,
            nonce=str(body.get("nonce") or ""),
            mentions=[user for user in called if "users" in parse or user.id in named],
            pings_everyone="everyone" in parse and bool(re.search(r"@(everyone|here)\b", content)),
            reply_to=reference,
        )
        replied = self.world.messages.get(reference)
        if reference and (replied is None or replied.deleted):
            if (body.get("message_reference") or {}).get("fail_if_not_exists", True):
                raise Refusal(
                    400, 50035, "Invalid Form Body", errors={"message_reference": ["gone"]}
                )
            message.reply_to = ""
        change(message, body, is_edit=False)
        self.attach(message, files)
        self.world.messages[message.id] = message
        await self.tell("MESSAGE_CREATE", message)
        return message

    def attach(self, message: Message, files: dict[str, tuple[str, str, bytes]]) -> None:
        """Keep the files of a message and say where they are."""
        for name, media_type, raw in files.values():
            id = snowflake()
            address = f"{self.base}/cdn/attachments/{message.channel.id}/{id}/{name}"
            message.files[id] = raw
            message.attachments.append(
                {
                    "id": id,
                    "filename": name,
                    "size": len(raw),
                    "url": f"{address}?ex=1&is=1&hm=1",
                    "proxy_url": address,
                    "content_type": media_type,
                    "flags": 0,
                }
            )


def _loaded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise Refusal(400, 50109, "The request body contains invalid JSON.") from None


def _json(status: int, answer: Any, headers: dict[str, str] | None = None) -> web.Response:
    if status == 204:
        return web.Response(status=204, headers={**VIA, **(headers or {})})
    # The library wants the bare media type: no charset.
    return web.Response(
        status=status,
        body=json.dumps(answer).encode(),
        headers={"Content-Type": "application/json", **VIA, **(headers or {})},
    )


def _limited(wait_s: float, scope: str, told: Any = ...) -> web.Response:
    headers = {
        "Retry-After": str(max(1, int(wait_s + 0.999))),
        "X-RateLimit-Scope": scope,
        "X-RateLimit-Remaining": "0",
        "X-RateLimit-Reset-After": f"{wait_s:.3f}",
    }
    if scope == "global":
        headers["X-RateLimit-Global"] = "true"
    body = {
        "message": "You are being rate limited.",
        "retry_after": round(wait_s, 3) if told is ... else told,
        "global": scope == "global",
    }
    if told is ABSENT:
        del body["retry_after"]
    return _json(429, body, headers)


def check_and_change(message: Message, body: Body, files: dict[str, bytes]) -> None:
    """Edit a message as PATCH does. Raises Refusal."""
    merged = {
        "content": message.content,
        "embeds": message.embeds,
        "components": message.components,
        "flags": message.flags,
    } | body
    if message.flags & V2:
        merged["flags"] = (merged["flags"] or 0) | V2
    check_message(merged, files or dict.fromkeys(message.files, b""), is_new=True)
    change(message, body)
    if "flags" in body:
        message.flags = (merged["flags"] or 0) | (message.flags & EPHEMERAL)
    message.edited_at = moment()
