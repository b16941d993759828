"""HTTP for carriers and inboxes: one request, and whether it surely did nothing.

No redirect is followed, so no key goes to another host; answers are read up to a size.
https://www.rfc-editor.org/rfc/rfc9110 (read 2026-11-21)
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import aiohttp

from bot.core.errors import VendorRefused, VendorUnknown

TIMEOUT_S: Final = 30
MAX_ANSWER: Final = 2**20
USER_AGENT: Final = "switchboard"
_NEVER_LEFT: Final = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back."""

    status: int
    body: bytes
    headers: Mapping[str, str]

    @property
    def said(self) -> Mapping[str, Any]:
        """The JSON object of the answer; empty where it is none."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def wait_s(self) -> float:
        """When to come again, in seconds."""
        try:
            return min(3600.0, max(0.0, float(self.headers.get("Retry-After", ""))))
        except ValueError:
            return 2.0


class Calls:
    """Requests to one vendor."""

    def __init__(self, base: str) -> None:
        self.base = base.rstrip("/")

    async def ask(
        self,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: object = None,
        most: int = MAX_ANSWER,
    ) -> Answer:
        """Ask once. `content`: an object for JSON, bytes, or a mapping of text for a form.

        Raises VendorRefused when it surely never arrived, VendorUnknown when nobody knows.
        """
        url = path if path.startswith(("http://", "https://")) else self.base + path
        given: dict[str, Any] = {"data": content} if isinstance(content, bytes) else {}
        if content is not None and not given:
            given = {"data": json.dumps(content).encode()}
        kind = {"Content-Type": "application/json"} if content is not None else {}
        sent = {"User-Agent": USER_AGENT, **kind, **(headers or {})}
        limit = aiohttp.ClientTimeout(total=TIMEOUT_S, connect=10)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.request(
                    method, url, headers=sent, allow_redirects=False, **given
                ) as answer,
            ):
                body = bytearray()
                async for piece in answer.content.iter_chunked(65_536):
                    body += piece
                    if len(body) > most:
                        raise VendorUnknown("The answer is too large.")
                return Answer(status=answer.status, body=bytes(body), headers=answer.headers)
        except _NEVER_LEFT as error:
            host = urlsplit(url).hostname
            raise VendorRefused(f"{host} cannot be reached.", retry_after_s=2.0) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise VendorUnknown(f"{urlsplit(url).hostname} did not answer.") from error
