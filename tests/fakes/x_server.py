"""A server that plays X: its OAuth as `oauth_server` has it, and posts, pictures and limits.

Written from X's published description (`x-api-v2`, which judges every body, query and answer where
it is at hand) and its documents on errors, limits and uploads, not from the tools that it judges.
The list of an account's posts is not in the trimmed description: its rules stand in `LISTED`. The
part of films (`_film`) was written together with the tool; the description judges it all the same.
Whatever a client should not have sent stands in `mistakes`.
"""

import base64
import html
import itertools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from tests.fakes.oauth_server import OAuthServer
from tests.fakes.openapi import described
from tests.fakes.troubled import Troubled

API = described("x-api-v2")
LISTED = {"max_results", "exclude", "start_time", "end_time", "pagination_token", "since_id"}
LISTED |= {"until_id", "post.fields", "expansions"}
NEEDS = {
    "POST /2/tweets": {"tweet.write", "tweet.read", "users.read"},
    "DELETE /2/tweets/{id}": {"tweet.write", "tweet.read", "users.read"},
    "GET /2/tweets/{id}": {"tweet.read", "users.read"},
    "GET /2/users/{id}/tweets": {"tweet.read", "users.read"},
    "POST /2/media/upload": {"media.write"},
    "POST /2/media/metadata": {"media.write"},
    "POST /2/media/upload/initialize": {"media.write"},
    "POST /2/media/upload/{id}/append": {"media.write"},
    "POST /2/media/upload/{id}/finalize": {"media.write"},
    "GET /2/media/upload": {"media.write"},
}
"""Scopes of each operation."""
_KINDS = "https://api.x.com/2/problems/"
_LINK = re.compile(r"https?://\S+")
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40


@dataclass
class Posted:
    """One post."""

    id: str
    text: str
    """As its author wrote it."""
    at: datetime
    media: list[str] = field(default_factory=list)
    author: str = ""

    def shown(self) -> dict[str, Any]:
        """As the API gives it: links shortened, three signs escaped."""
        urls: list[dict[str, Any]] = []

        def shorten(found: re.Match[str]) -> str:
            short = f"https://t.co/{self.id[-4:]}{len(urls):06}"
            urls.append({"url": short, "expanded_url": found[0], "start": 0, "end": 23})
            return short

        text = html.escape(_LINK.sub(shorten, self.text), quote=False)
        if self.media:
            short = f"https://t.co/{self.id[-4:]}photo0"
            urls.append({"url": short, "media_key": f"3_{self.media[0]}", "start": 0, "end": 23})
            text += f" {short}"
        made: dict[str, Any] = {
            "id": self.id,
            "text": text,
            "created_at": f"{self.at:%Y-%m-%dT%H:%M:%S}.000Z",
            "edit_history_post_ids": [self.id],
            "author_id": self.author,
        }
        return {**made, "entities": {"urls": urls}} if urls else made


class XServer(Troubled, OAuthServer):
    """X."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__("x")
        self.now = now
        self.account = "2244994945"
        self.posts: list[Posted] = []
        self.media: dict[str, dict[str, Any]] = {}
        self.page = 100
        """The most posts that one page of the list shows."""
        self.hidden: set[str] = set()
        """Posts that the list does not show yet."""
        self.works = ["succeeded"]
        """How far a film is, from its last piece on; the last word stays."""
        self.says_200 = ""
        """A post that is not there is answered with 200 and an error of this kind in the body."""
        self._count = itertools.count(1_990_000_000_000_000_001)

    async def __aexit__(self, *error: object) -> None:
        self.end()
        await super().__aexit__(*error)

    def post(self, text: str, at: datetime | None = None) -> Posted:
        """Somebody posts by hand."""
        made = Posted(str(next(self._count)), text, at or self.now(), author=self.account)
        self.posts.append(made)
        return made

    async def _api(self, request: web.Request) -> web.StreamResponse:
        operation = _operation(request)
        if operation not in NEEDS:
            return await super()._api(request)
        issued = self.access.get(request.headers.get("Authorization", "").removeprefix("Bearer "))
        if issued is None or not issued.alive:
            return self._problem(401, "about:blank", "Unauthorized")
        raw = await request.read()
        body = json.loads(raw) if raw else None
        self.asked.append((operation, body))
        self._judge(request, operation, body)
        if not NEEDS[operation] <= set(issued.consent.scopes):
            return self._problem(403, "client-forbidden", "The token lacks a scope.")

        async def work() -> web.Response:
            status, answer = self._work(operation, request, body)
            if status < 300:
                self._judge_answer(request, operation, status, answer)
            return web.json_response(answer, status=status)

        return await self.answered(request, operation, work)

    def no(self, how: str) -> web.Response:
        words: Mapping[str, Callable[[], web.Response]] = {
            "error": lambda: web.Response(status=503, text="over capacity"),
            "limited": self._limited,
            "bad": lambda: self._problem(400, "invalid-request", "Invalid Request"),
            "forbidden": lambda: self._problem(403, "client-forbidden", "You may not do this."),
            "unauthorized": lambda: self._problem(401, "about:blank", "Unauthorized"),
            "missing": lambda: self._problem(404, "resource-not-found", "Not Found"),
            "conflict": lambda: self._problem(409, "conflict", "Conflict"),
            "large": lambda: self._problem(413, "about:blank", "Payload Too Large"),
            "unfit": lambda: self._problem(422, "invalid-request", "Unprocessable"),
        }
        return words[how]()

    def _work(self, operation: str, request: web.Request, body: Any) -> tuple[int, Any]:
        if operation == "POST /2/tweets":
            return self._create(body)
        if operation == "GET /2/users/{id}/tweets":
            return self._list(request.query)
        if operation == "POST /2/media/upload":
            id_ = str(next(self._count))
            self.media[id_] = {"bytes": base64.b64decode(body["media"], validate=True)}
            return 200, {"data": {"id": id_, "expires_after_secs": 86_400}}
        if operation == "POST /2/media/metadata":
            self.media[body["id"]]["alt"] = body["metadata"]["alt_text"]["text"]
            return 200, {"data": {"id": body["id"]}}
        if "/media/upload" in operation:
            return self._film(operation, request, body)
        id_ = request.path.rsplit("/", 1)[1]
        found = next((post for post in self.posts if post.id == id_), None)
        if found is None:
            told = _problem(404, "resource-not-found", f"Could not find {id_}.")
            told |= {"resource_type": "post", "resource_id": id_}
            if self.says_200 and operation.startswith("GET"):
                return 200, {"errors": [{**told, "type": f"{_KINDS}{self.says_200}"}]}
            return 404, told
        if operation.startswith("GET"):
            return 200, {"data": found.shown()}
        if found.author != self.account:
            return 403, _problem(403, "client-forbidden", "This is not yours to delete.")
        self.posts.remove(found)
        return 200, {"data": {"deleted": True}}

    def _film(self, operation: str, request: web.Request, body: Any) -> tuple[int, Any]:
        """A film in pieces, which come in order and make up what was announced."""
        if operation.endswith("initialize"):
            id_ = str(next(self._count))
            kind = (body["media_category"], body["media_type"])
            if kind not in (("tweet_video", "video/mp4"), ("tweet_gif", "image/gif")):
                self.mistakes.append(f"{kind} does not go in pieces")
            self.media[id_] = {
                "bytes": b"",
                "total": body["total_bytes"],
                "next": 0,
                "whole": False,
            }
            return 200, {"data": {"id": id_, "expires_after_secs": 86_400}}
        id_ = request.query.get("media_id") or request.path.split("/")[4]
        found = self.media.get(id_)
        if found is None:
            return 404, _problem(404, "resource-not-found", f"Could not find {id_}.")
        if operation.endswith("append"):
            if body["segment_index"] == found["next"]:
                found["bytes"] += base64.b64decode(body["media"], validate=True)
                found["next"] += 1
            elif body["segment_index"] != found["next"] - 1:
                self.mistakes.append(f"piece {body['segment_index']} is out of order")
            return 200, {"data": {"expires_at": 0}}
        if operation.endswith("finalize"):
            if len(found["bytes"]) != found["total"]:
                return 400, _problem(400, "invalid-request", "The media is not whole.")
            found["whole"] = True
        state = self.works.pop(0) if len(self.works) > 1 else self.works[0]
        info = {"state": state, "check_after_secs": 1, "progress_percent": 50}
        found["ready"] = state == "succeeded"
        return 200, {"data": {"id": id_, "processing_info": info}}

    def _create(self, body: Any) -> tuple[int, Any]:
        text, media = body.get("text", ""), body.get("media", {}).get("media_ids", [])
        if any(post.text.strip() == text.strip() for post in self.posts):
            return 403, _problem(403, "", "You are not allowed to create a duplicate content post.")
        ready = [id_ for id_ in media if self.media.get(id_, {"ready": False}).get("ready", True)]
        if unknown := [id_ for id_ in media if id_ not in ready]:
            return 400, _problem(400, "invalid-request", f"Your media IDs {unknown} are invalid.")
        made = self.post(text)
        made.media = media
        return 201, {"data": {"id": made.id, "text": made.shown()["text"]}}

    def _list(self, query: Mapping[str, str]) -> tuple[int, Any]:
        size = min(int(query.get("max_results", 10)), self.page)
        since = datetime.fromisoformat(query.get("start_time", "2010-11-06T00:00:01Z"))
        shown = [p for p in reversed(self.posts) if p.at >= since and p.id not in self.hidden]
        shown = [p for p in shown if p.author == self.account]
        at = int(query.get("pagination_token", "0"), 32)
        part = shown[at : at + size]
        meta: dict[str, Any] = {"result_count": len(part)}
        if part:
            meta |= {"newest_id": part[0].id, "oldest_id": part[-1].id}
        if at + size < len(shown):
            meta["next_token"] = f"{_base32(at + size)}"
        return 200, {"data": [p.shown() for p in part], "meta": meta} if part else {"meta": meta}

    # --- judging -------------------------------------------------------------------------------

    def _judge(self, request: web.Request, operation: str, body: Any) -> None:
        query, path = dict(request.query), request.path
        if operation == "GET /2/users/{id}/tweets":
            if path != f"/2/users/{self.account}/tweets":
                self.mistakes.append(f"{path} is not this account's list")
            self.mistakes += [f"{path}: no parameter {n}" for n in query if n not in LISTED]
            if not 5 <= int(query.get("max_results", 10)) <= 100:
                self.mistakes.append("max_results is 5 to 100")
            start = query.get("start_time", "")
            if start and not re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", start):
                self.mistakes.append(f"start_time is {start}")
            if start and datetime.fromisoformat(start) > self.now() + timedelta(seconds=5):
                self.mistakes.append("start_time lies ahead")
            query = {k: v for k, v in query.items() if k in ("post.fields", "expansions")}
            path = "/2/tweets/1"  # whose parameters of this name are the same
        self.mistakes += API.query_misfits(request.method, path, query)
        if body is not None:
            self.mistakes += API.body_misfits(request.method, path, body)
            if request.content_type != "application/json":
                self.mistakes.append(f"{path} takes JSON")
        elif request.method == "POST" and not path.endswith("/finalize"):
            self.mistakes.append(f"{path} takes a body")

    def _judge_answer(self, request: web.Request, operation: str, status: int, answer: Any) -> None:
        """The server holds its own answers against the description."""
        if operation == "GET /2/users/{id}/tweets":
            found = API.misfits(API.schema("SearchPostsRecentResponse"), answer)
        else:
            found = API.answer_misfits(request.method, request.path, status, answer)
        self.mistakes += [f"own answer to {operation}: {each}" for each in found]

    def _limited(self) -> web.Response:
        reset = str(int(self.now().timestamp()) + self.retry_after)
        answer = self._problem(429, "rate-limit-exceeded", "Too Many Requests")
        answer.headers.update({"x-rate-limit-remaining": "0", "x-rate-limit-reset": reset})
        return answer

    def _problem(self, status: int, kind: str, detail: str) -> web.Response:
        text = json.dumps(_problem(status, kind, detail))
        return web.Response(status=status, text=text, content_type="application/problem+json")


def _operation(request: web.Request) -> str:
    path = re.sub(r"^/2/users/(?!me$)[^/]+", "/2/users/{id}", request.path)
    path = re.sub(r"^/2/tweets/[^/]+$", "/2/tweets/{id}", path)
    path = re.sub(r"^/2/media/upload/\d+/", "/2/media/upload/{id}/", path)
    return f"{request.method} {path}"


def _problem(status: int, kind: str, detail: str) -> dict[str, Any]:
    type_ = f"{_KINDS}{kind}" if kind else "about:blank"
    return {"title": detail, "detail": detail, "type": type_, "status": status}


def _base32(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 32)
        digits = "0123456789abcdefghijklmnopqrstuv"[rest] + digits
    return digits or "0"
