"""What the played services of Google have in common: who may, what goes wrong, how "no" reads.

https://developers.google.com/workspace/drive/api/guides/handle-errors (read 2026-11-21)
A service is a subclass that claims some paths and works on them; several can be one class, for an
account that has mail and files: `class Office(GoogleMailServer, GoogleDriveServer)`.
"""

import asyncio
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import HTTP
from typing import Any

from aiohttp import web

from tests.fakes.oauth_server import OAuthServer

Body = dict[str, Any]
G = "https://www.googleapis.com/auth/"
OWNER = "ann@example.com"
_STATES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    412: "FAILED_PRECONDITION",
    429: "RESOURCE_EXHAUSTED",
}


@dataclass
class Fault:
    """What goes wrong with the next calls of one kind."""

    verb: str = ""
    """Which calls: a method, or a method and a part of the path ("POST send"); empty: all."""
    status: int = 0
    reason: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    after: bool = False
    """It does the work first."""
    cut: bool = False
    """It hangs up."""
    slow_s: float = 0.0
    half: bool = False
    """It breaks off in the middle of its answer."""
    times: int = 1

    def is_for(self, method: str, path: str) -> bool:
        """Whether it is about this call."""
        verb, _, part = self.verb.partition(" ")
        return self.times > 0 and verb in ("", method) and part in path


class Refused(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, reason: str, words: str = "") -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason
        self.words = words or f"canary-words {reason}"


class GoogleServer(OAuthServer):
    """Google's sign-in, and what each of its services does with a request."""

    def __init__(self) -> None:
        super().__init__("google")
        self.trouble: list[Fault] = []
        self.asked: list[str] = []
        """Method and path of each request that a service got."""

    async def serve(
        self, request: web.Request, scopes: Collection[str], work: Callable[[], web.Response]
    ) -> web.StreamResponse:
        """Let somebody in who has one of the scopes, go wrong as ordered, or work."""
        self.asked.append(f"{request.method} {request.path}")
        self.seen.append(dict(request.headers))
        if "canary" in request.query_string:
            self.mistakes.append("a token stands in an address")
        fault = next((f for f in self.trouble if f.is_for(request.method, request.path)), None)
        if fault:
            fault.times -= 1
        try:
            self.let_in(request, scopes)
            if fault and not fault.after:
                return await self.fail(request, fault, web.json_response({"id": "of nothing"}))
            answer = work()
        except Refused as error:
            answer = problem(error.status, error.reason, error.words)
        return await self.fail(request, fault, answer) if fault else answer

    def scopes_of(self, request: web.Request) -> set[str]:
        """What the token that came along may do. Raises Refused."""
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        issued = self.access.get(token)
        if issued is None or not issued.alive:
            raise Refused(401, "authError")
        return set(issued.consent.scopes)

    def let_in(self, request: web.Request, scopes: Collection[str]) -> None:
        """Raises Refused."""
        if not self.scopes_of(request).intersection(scopes):
            raise Refused(403, "insufficientPermissions", "Insufficient Permission")

    async def fail(
        self, request: web.Request, fault: Fault, answer: web.Response
    ) -> web.StreamResponse:
        """Go wrong. `answer`: what it would have said."""
        if fault.slow_s:
            await asyncio.sleep(fault.slow_s)
        if fault.cut:
            assert request.transport
            request.transport.abort()
            return web.Response()
        if fault.half:
            said = answer.body if isinstance(answer.body, bytes) else b""
            return web.Response(
                status=answer.status,
                body=said[: len(said) // 2],
                headers={"Content-Type": answer.headers.get("Content-Type", "application/json")},
            )
        if not fault.status:
            return answer
        told = problem(fault.status, fault.reason, "canary-words")
        told.headers.update(fault.headers)
        return told


def problem(status: int, reason: str, words: str) -> web.Response:
    """A "no" as Google writes it."""
    errors = [{"domain": "global", "reason": reason, "message": words}]
    told: Body = {"code": status, "message": words, "errors": errors}
    if status in _STATES:
        told["status"] = _STATES[status]
    return web.json_response({"error": told}, status=status)


def read_json(text: bytes) -> Any:
    """A body; None for none. Raises Refused."""
    try:
        return json.loads(text) if text else None
    except ValueError:
        raise Refused(400, "parseError", "Parse Error") from None


def related(content_type: str, text: bytes) -> tuple[Any, str, bytes]:
    """A multipart upload: its JSON, and the type and bytes of what is uploaded. Raises Refused."""
    whole = b"Content-Type: " + content_type.encode() + b"\r\n\r\n" + text
    message = message_from_bytes(whole, policy=HTTP)
    parts = list(message.iter_parts()) if message.get_content_type() == "multipart/related" else []
    if len(parts) != 2 or parts[0].get_content_type() != "application/json":
        raise Refused(400, "badContent", "Malformed multipart body.")
    held = parts[1].get_payload(decode=True)
    if parts[1].get("Content-Transfer-Encoding", "").lower() in ("", "binary"):
        boundary = message.get_boundary("").encode()
        held = _between(text, b"--" + boundary)
    first = parts[0].get_payload(decode=True)
    told = read_json(first if isinstance(first, bytes) else b"")
    return told, parts[1].get_content_type(), held if isinstance(held, bytes) else b""


def _between(text: bytes, boundary: bytes) -> bytes:
    """The bytes of the second part as they are, whatever ends of lines they hold."""
    part = text.split(boundary)[2]
    return part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
