"""The channels of teams on Microsoft Graph, as an app that a person connected sees them.

A post is held to the published description and to what Graph asks of it besides: a delegated token
with `ChannelMessage.Send`, an author who is in the team, at most some 28 KB.
https://learn.microsoft.com/graph/api/channel-post-messages (read 2026-11-22)
"""

import json
import re
from typing import Any, Self
from urllib.parse import unquote

from aiohttp import web

from tests.fakes.graph_rules import Refusal
from tests.fakes.oauth_server import OAuthServer
from tests.fakes.openapi import described
from tests.fakes.troubled import drop

API = described("microsoft-graph")
PATH = re.compile(r"/v1\.0/teams/([^/]+)/channels/([^/]+)/messages")
MAX_BYTES = 28_000


class GraphChannels(OAuthServer):
    """Microsoft, as far as posting needs it."""

    def __init__(self) -> None:
        super().__init__("microsoft")
        self.members: set[str] = set()
        """Teams that the person is in."""
        self.posts: list[tuple[str, str, str]] = []
        """Team, channel and HTML."""
        self.is_cut = False
        """Whether the answer to the next post gets lost."""
        self.answer: dict[str, Any] | None = None
        """What a post is answered with instead."""

    async def __aenter__(self) -> Self:
        await super().__aenter__()
        return self

    async def _api(self, request: web.Request) -> web.StreamResponse:
        found = PATH.fullmatch(request.raw_path)
        if not found or request.method != "POST":
            return await super()._api(request)
        try:
            told = self._posted(request, unquote(found[1]), unquote(found[2]), await request.json())
        except Refusal as no:
            return web.json_response(no.body, status=no.status)
        if self.is_cut:
            self.is_cut = False
            return await drop(request)
        return web.json_response(told if self.answer is None else self.answer, status=201)

    def _posted(self, request: web.Request, team: str, channel: str, body: Any) -> dict[str, Any]:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        issued = self.access.get(token)
        if issued is None or not issued.alive:
            raise Refusal(401, "InvalidAuthenticationToken", "canary-words expired")
        if "ChannelMessage.Send" not in issued.consent.scopes:
            raise Refusal(403, "Forbidden", "canary-words Missing scope permissions.")
        if team not in self.members:
            raise Refusal(403, "Forbidden", "canary-words not in the roster.")
        if not channel.startswith("19:"):
            raise Refusal(404, "NotFound", "canary-words no such thread.")
        path = request.path.removeprefix("/v1.0")
        self.mistakes += API.body_misfits("POST", path, body) if API else ()
        if len(json.dumps(body, ensure_ascii=False).encode()) > MAX_BYTES + 200:
            raise Refusal(413, "RequestEntityTooLarge", "canary-words")
        content = body["body"]
        if content["contentType"] != "html" or "<at" in content["content"]:
            self.mistakes.append("a post calls somebody, or is no HTML")
        self.posts.append((team, channel, content["content"]))
        number = f"16{len(self.posts):011}"
        told = {
            "id": number,
            "messageType": "message",
            "body": content,
            "webUrl": f"https://teams.microsoft.com/l/message/{channel}/{number}",
        }
        if API:
            self.mistakes += API.answer_misfits("POST", path, 201, told)
        return told
