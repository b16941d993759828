"""A server that plays Tumblr: its OAuth as `oauth_server` has it, blogs, posts of blocks, limits.

Judged by Tumblr's own documents, https://github.com/tumblr/docs `api.md` and `npf-spec.md` (read
2026-11-21), which are prose: the rules stand in `_judge_block` and `FIELDS`. Ids are texts of 64
bits, and a number beside them; an answer wraps everything in `meta` and `response`. Whatever a
client should not have sent stands in `mistakes`.
"""

import itertools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import BodyPartReader, web

from tests.fakes.networks import NetworkServer

CREATE, LISTED = "POST /v2/blog/{blog}/posts", "GET /v2/blog/{blog}/posts"
READ, DELETE = "GET /v2/blog/{blog}/posts/{id}", "POST /v2/blog/{blog}/post/delete"
NEEDS: Mapping[str, set[str]] = {
    CREATE: {"write"},
    LISTED: {"basic"},
    READ: {"basic"},
    DELETE: {"write"},
    "GET /v2/user/info": {"basic"},
    "GET /v2/user/limits": {"basic"},
    "GET /v2/blog/{blog}/info": {"basic"},
}
QUERIES: Mapping[str, set[str]] = {
    LISTED: set("npf limit offset tag id type reblog_info notes_info filter before after".split()),
    READ: {"post_format"},
}
FIELDS = set(
    "content layout state publish_on date tags source_url send_to_twitter is_private slug "
    "interactability_reblog".split()
)
STATES = ("published", "queue", "draft", "private", "unapproved")
BLOCK = 4096
_SUBTYPES = set(
    "heading1 heading2 quirky quote indented chat ordered-list-item unordered-list-item".split()
)


@dataclass
class Posted:
    """One post."""

    id: str
    blog: str
    content: list[dict[str, Any]]
    at: datetime
    tags: list[str] = field(default_factory=list)
    state: str = "published"

    @property
    def words(self) -> str:
        """Its text blocks, with an empty line between."""
        return "\n\n".join(block["text"] for block in self.content if block["type"] == "text")

    def shown(self) -> dict[str, Any]:
        """As the API gives it with `npf=true`."""
        where = f"https://{self.blog}.tumblr.com/post/{self.id}/a-slug"
        return {
            "object_type": "post",
            "type": "blocks",
            "id": int(self.id),
            "id_string": self.id,
            "blog_name": self.blog,
            "post_url": where,
            "slug": "a-slug",
            "date": f"{self.at:%Y-%m-%d %H:%M:%S} GMT",
            "timestamp": int(self.at.timestamp()),
            "state": self.state,
            "tags": self.tags,
            "content": self.content,
            "layout": [],
            "trail": [],
            "note_count": 0,
        }


class TumblrServer(NetworkServer):
    """Tumblr."""

    needs = NEEDS

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__("tumblr", now)
        self.account = "annbakes"
        self.blogs = ["annbakes", "rye-and-co"]
        """The account's blogs, the main one first."""
        self.posts: list[Posted] = []
        self.media: dict[str, bytes] = {}
        """What was uploaded, by the address that it has since."""
        self.hidden: set[str] = set()
        self.page = 20
        self.posts_left = 250
        self.transcoding = False
        """A film that was posted is there only later: the answer says `transcoding`."""
        self._count = itertools.count(712_345_678_901_234_561)

    def post(self, text: str, blog: str = "", **more: Any) -> Posted:
        """Somebody posts by hand."""
        content = more.pop("content", [{"type": "text", "text": text}])
        named = {"at": self.now(), **more}
        made = Posted(str(next(self._count)), blog or self.blogs[0], content, **named)
        self.posts.append(made)
        return made

    def refused(self, status: int, words: str, code: int = 0) -> web.Response:
        """A refusal, with Tumblr's own number where it has one."""
        told: dict[str, Any] = {"meta": {"status": status, "msg": words}, "response": []}
        told["errors"] = [{"title": words, "code": code, "detail": words}]
        return web.json_response(told, status=status)

    def operation(self, request: web.Request) -> str:
        """What a request asks for."""
        path = re.sub(r"^/v2/blog/[^/]+/", "/v2/blog/{blog}/", request.path)
        path = re.sub(r"/posts/(?!draft$|queue$|submission$)[^/]+$", "/posts/{id}", path)
        return f"{request.method} {path}"

    async def body_of(self, request: web.Request) -> Any:
        """JSON, or a form whose first part is JSON and whose others are named by its blocks."""
        if request.method == "GET":
            return None
        if not request.content_type.startswith("multipart/"):
            if request.content_type == "application/x-www-form-urlencoded":
                return {name: str(value) for name, value in (await request.post()).items()}
            return await super().body_of(request)
        parts: dict[str, bytes] = {}
        kinds: dict[str, str] = {}
        async for part in await request.multipart():
            assert isinstance(part, BodyPartReader)
            if not parts and part.name != "json":
                self.mistakes.append(f"the first part is json, not {part.name}")
            parts[str(part.name)] = bytes(await part.read())
            kinds[str(part.name)] = part.headers.get("Content-Type", "")
        body = json.loads(parts.pop("json", b"{}"))
        self._judge_parts(body, parts, kinds)
        return {**body, "parts": parts}

    # --- judging -------------------------------------------------------------------------------

    def judge(self, request: web.Request, operation: str, body: Any) -> None:
        """Fields that are not known, and blocks that no post has."""
        known = QUERIES.get(operation, set())
        self.mistakes += [f"{operation}: no parameter {n}" for n in request.query if n not in known]
        if not request.headers.get("User-Agent"):
            self.mistakes.append("a call without User-Agent")
        if operation == LISTED:
            if not 1 <= int(request.query.get("limit", 20)) <= 20:
                self.mistakes.append("limit is 1 to 20")
            if request.query.get("npf", "true") != "true":
                self.mistakes.append("npf is true or left out")
        if operation == DELETE and not str((body or {}).get("id", "")).isdecimal():
            self.mistakes.append("a deletion names an id")
        if operation != CREATE or not isinstance(body, dict):
            return
        self.mistakes += [f"no field {n}" for n in body if n not in FIELDS | {"parts"}]
        if body.get("state", "published") not in STATES:
            self.mistakes.append(f"no state {body.get('state')!r}")
        if not isinstance(body.get("tags", ""), str):
            self.mistakes.append("tags are one text with commas")
        blocks = body.get("content")
        if not isinstance(blocks, list) or not blocks or len(blocks) > 1000:
            self.mistakes.append("content is 1 to 1,000 blocks")
            return
        for block in blocks:
            self._judge_block(block, set(body.get("parts", {})))
        for kind, most in (("image", 30), ("link", 10), ("video", 10)):
            if sum(block.get("type") == kind for block in blocks) > most:
                self.mistakes.append(f"more than {most} blocks of {kind}")

    def _judge_parts(self, body: Any, parts: Mapping[str, bytes], kinds: Mapping[str, str]) -> None:
        named = set()
        for block in body.get("content", ()):
            media = block.get("media", [])
            for each in media if isinstance(media, list) else [media]:
                if "identifier" in each:
                    named.add(each["identifier"])
                    if kinds.get(each["identifier"]) != each.get("type"):
                        self.mistakes.append("a medium's part is of another type than its block")
        if named != set(parts):
            self.mistakes.append(f"parts {sorted(parts)} for the media {sorted(named)}")

    def _judge_block(self, block: Mapping[str, Any], parts: set[str]) -> None:
        kind = block.get("type")
        if kind == "text":
            if not isinstance(block.get("text"), str) or len(block["text"]) > BLOCK:
                self.mistakes.append(f"a text block has a text of at most {BLOCK}")
            if block.get("subtype", "quote") not in _SUBTYPES:
                self.mistakes.append(f"no subtype {block['subtype']}")
        elif kind == "link":
            if not str(block.get("url", "")).startswith(("http://", "https://")):
                self.mistakes.append("a link block has an address")
        elif kind in ("image", "video"):
            media = block.get("media")
            if kind == "image" and not isinstance(media, list):
                self.mistakes.append("the media of an image are a list")
            if kind == "video" and not isinstance(media or {}, dict):
                self.mistakes.append("the media of a video is one object")
            for each in media if isinstance(media, list) else [media or {}]:
                named = each.get("identifier") in parts
                if not named and not str(each.get("url", "")).startswith("https://"):
                    self.mistakes.append("a medium is an address, or a part of the request")
            if len(block.get("alt_text", "")) > BLOCK:
                self.mistakes.append(f"alt_text has at most {BLOCK} characters")
            if "alt" in block:
                self.mistakes.append("the description of an image is called alt_text")
        else:
            self.mistakes.append(f"no block of type {kind!r}")

    # --- doing ---------------------------------------------------------------------------------

    async def work(self, request: web.Request, operation: str, body: Any) -> web.Response:
        """Do it."""
        if operation == "GET /v2/user/info":
            blogs = [self._blog(name) for name in self.blogs]
            return _json(200, {"user": {"name": self.account, "following": 0, "blogs": blogs}})
        if operation == "GET /v2/user/limits":
            posts = {"description": "posts per day", "limit": 250, "remaining": self.posts_left}
            return _json(200, {"user": {"posts": {**posts, "reset_at": 0}}})
        blog = request.path.split("/")[3].removesuffix(".tumblr.com")
        if blog not in self.blogs:
            return self.refused(404, "Not Found")
        if operation == "GET /v2/blog/{blog}/info":
            return _json(200, {"blog": self._blog(blog)})
        if operation == CREATE:
            return self._create(blog, body)
        if operation == LISTED:
            return self._list(blog, request.query)
        id_ = str(body["id"]) if operation == DELETE else request.path.rsplit("/", 1)[1]
        found = next((p for p in self.posts if (p.blog, p.id) == (blog, id_)), None)
        if found is None:
            return self.refused(404, "Not Found")
        if operation == DELETE:
            self.posts.remove(found)
            return _json(200, {"id": int(found.id), "id_string": found.id})
        return _json(200, found.shown())

    def _blog(self, name: str) -> dict[str, Any]:
        return {
            "name": name,
            "title": name,
            "url": f"https://{name}.tumblr.com/",
            "uuid": f"t:{name}",
            "primary": name == self.blogs[0],
            "admin": True,
            "posts": sum(p.blog == name for p in self.posts),
        }

    def _create(self, blog: str, body: Mapping[str, Any]) -> web.Response:
        blocks = body.get("content")
        if not isinstance(blocks, list) or not blocks:
            return self.refused(400, "'content' must be an array", 8001)
        if any(len(b.get("text", "")) > BLOCK for b in blocks if b.get("type") == "text"):
            return self.refused(400, "A text block is too long.", 8001)
        if self.posts_left <= 0:
            return self.refused(403, "The blog's daily posting limit has been reached.", 8023)
        kept = [self._stored(block, body.get("parts", {})) for block in blocks]
        tags = [tag for tag in body.get("tags", "").split(",") if tag]
        state = body.get("state", "published")
        made = self.post("", blog, content=kept, tags=tags, state=state)
        self.posts_left -= 1
        told: dict[str, Any] = {"id": made.id, "state": state, "display_text": f"Posted to {blog}"}
        if self.transcoding and any(b["type"] == "video" for b in kept):
            told["state"] = "transcoding"
            self.hidden.add(made.id)
        return _json(201, told)

    def _stored(self, block: dict[str, Any], parts: Mapping[str, bytes]) -> dict[str, Any]:
        """A block as it is given back: media have addresses at Tumblr, addresses stay."""
        media = block.get("media")
        if media is None:
            return dict(block)
        kept = []
        for each in media if isinstance(media, list) else [media]:
            where = f"https://64.media.tumblr.com/{next(self._count)}/s640x960/a"
            self.media[where] = parts.get(each.get("identifier", ""), b"")
            kept.append({"type": each.get("type", "image/png"), "url": where})
        return {**block, "media": kept if isinstance(media, list) else kept[0]}

    def _list(self, blog: str, query: Mapping[str, str]) -> web.Response:
        shown = [p for p in reversed(self.posts) if p.blog == blog and p.state == "published"]
        shown = [p for p in shown if p.id not in self.hidden]
        if "id" in query:
            shown = [p for p in shown if p.id == query["id"]]
        if "before" in query:
            shown = [p for p in shown if p.at.timestamp() < int(query["before"])]
        at = int(query.get("offset", 0))
        part = shown[at : at + min(int(query.get("limit", 20)), self.page)]
        told: dict[str, Any] = {"blog": self._blog(blog), "posts": [p.shown() for p in part]}
        return _json(200, {**told, "total_posts": len(shown)})


def _json(status: int, response: Any) -> web.Response:
    told = {"meta": {"status": status, "msg": "OK"}, "response": response}
    return web.Response(status=status, text=json.dumps(told), content_type="application/json")
