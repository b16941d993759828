"""A server that plays Reddit: its OAuth as `oauth_server` has it, communities, posts, media and limits.

There is no published description; the rules here are those of https://www.reddit.com/dev/api and of
PRAW, and a sheet of vendors' facts (2026-08-21): a refusal of a post is status 200 with
`json.errors`; a post with a picture gets no id in the answer; a deleted post stays in `/api/info`
without its author; texts are escaped unless `raw_json=1`; a community that is not there redirects
to the search. Whatever a client should not have sent stands in `mistakes`.
"""

import html
import itertools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from tests.fakes.networks import NetworkServer

SUBMIT, SUBMITTED = "POST /api/submit", "GET /user/{name}/submitted"
NEEDS = {
    "GET /r/{sr}/about": {"read"},
    "GET /r/{sr}/api/link_flair_v2": {"flair"},
    "GET /api/v1/{sr}/post_requirements": {"submit"},
    SUBMIT: {"submit"},
    SUBMITTED: {"history"},
    "GET /api/info": {"read"},
    "POST /api/del": {"edit"},
    "POST /api/media/asset": {"submit"},
}
QUERIES: Mapping[str, set[str]] = {
    SUBMITTED: {"limit", "sort", "t", "after", "before", "count", "show", "sr_detail"},
    "GET /api/info": {"id", "sr_name", "url"},
}
FORMS: Mapping[str, set[str]] = {
    SUBMIT: set(
        "api_type sr title kind text url flair_id flair_text nsfw spoiler sendreplies resubmit "
        "validate_on_submit extension ad richtext_json video_poster_url uh".split()
    ),
    "POST /api/del": {"id", "uh", "api_type"},
    "POST /api/media/asset": {"filepath", "mimetype"},
}
MAX_TITLE, MAX_TEXT = 300, 40_000
BUCKET = "//reddit-uploaded-media.s3-accelerate.amazonaws.com"
_TYPES = {"image/png", "image/jpeg", "image/gif", "video/mp4", "video/quicktime"}


@dataclass
class Community:
    """A subreddit."""

    name: str
    kinds: str = "any"
    """What may be posted: any, self or link."""
    flairs: list[dict[str, Any]] = field(default_factory=list)
    flair_required: bool = False
    images: bool = True
    videos: bool = True
    private: bool = False
    allowed: bool = True
    """Whether this account may post there."""

    def flair(self, text: str, mod_only: bool = False) -> str:
        """Add a flair; its id."""
        id_ = f"flair-{len(self.flairs)}-{self.name}"
        made = {"id": id_, "text": text, "type": "text", "mod_only": mod_only}
        self.flairs.append({**made, "text_editable": False, "css_class": ""})
        return id_


@dataclass
class Posted:
    """One post."""

    id: str
    community: str
    title: str
    at: datetime
    author: str
    text: str = ""
    url: str = ""
    poster: str = ""
    """Of a film: the still."""
    flair: str = ""
    deleted: bool = False
    score: int = 1

    def shown(self, raw: bool) -> dict[str, Any]:
        """As the API gives it."""

        def said(text: str) -> str:
            return text if raw else html.escape(text, quote=False)

        where = f"/r/{self.community}/comments/{self.id}/a_title/"
        data = {
            "id": self.id,
            "name": f"t3_{self.id}",
            "subreddit": self.community,
            "title": said(self.title),
            "author": "[deleted]" if self.deleted else self.author,
            "selftext": "[deleted]" if self.deleted else said(self.text),
            "is_self": not self.url,
            "url": said(self.url) or f"https://www.reddit.com{where}",
            "permalink": where,
            "created_utc": self.at.timestamp(),
            "link_flair_text": said(self.flair) or None,
            "score": self.score,
            "num_comments": 0,
            "upvote_ratio": 1.0,
            "removed_by_category": "deleted" if self.deleted else None,
        }
        return {"kind": "t3", "data": data}


class RedditServer(NetworkServer):
    """Reddit."""

    needs = NEEDS

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__("reddit", now)
        self.me = "Ann"
        """The account's name, which `/api/v1/me` tells."""
        self.communities: dict[str, Community] = {}
        self.posts: list[Posted] = []
        self.media: dict[str, bytes] = {}
        """What was uploaded, by the address that a post names it with."""
        self.fail_uploads: set[int] = set()
        """Which uploads the bucket refuses, counted from 1, each once."""
        self.uploads = 0
        self.hidden: set[str] = set()
        """Posts that the list does not show yet."""
        self.page = 100
        """The most posts that one page of the list shows."""
        self.break_minutes = 0
        """The next post is refused with RATELIMIT and this many minutes, once."""
        self._count = itertools.count(1_000_000)
        self._leases: dict[str, str] = {}
        self.community("bread")

    def community(self, name: str) -> Community:
        """A community that is there from now on."""
        return self.communities.setdefault(name.lower(), Community(name))

    def post(self, title: str, community: str = "bread", text: str = "", **more: Any) -> Posted:
        """Somebody posts by hand."""
        id_ = _base36(next(self._count))
        named = {"at": self.now(), "author": self.me, **more}
        made = Posted(id_, community, title, text=text, **named)
        self.posts.append(made)
        return made

    @property
    def standing(self) -> list[Posted]:
        """The posts that are not deleted."""
        return [each for each in self.posts if not each.deleted]

    def refused(self, status: int, words: str) -> web.Response:
        """A refusal of the whole call."""
        return web.json_response({"message": words, "error": status}, status=status)

    def limited(self) -> Mapping[str, str]:
        """Seconds, as fractions."""
        return {"X-Ratelimit-Remaining": "0.0", "X-Ratelimit-Reset": f"{self.retry_after}.0"}

    def operation(self, request: web.Request) -> str:
        """What a request asks for."""
        path = request.path.removesuffix("/").removesuffix(".json")
        path = re.sub(r"^/r/[^/]+/", "/r/{sr}/", path)
        path = re.sub(r"^/user/[^/]+/", "/user/{name}/", path)
        path = re.sub(r"^/api/v1/[^/]+/post_requirements$", "/api/v1/{sr}/post_requirements", path)
        return f"{request.method} {path}"

    async def _any(self, request: web.Request) -> web.StreamResponse:
        if (request.method, request.path) == ("POST", "/"):
            return await self._upload(request)
        return await super()._any(request)

    async def _api(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/api/v1/me":
            found = self.access.get(request.headers.get("Authorization", "")[7:])
            if found and found.alive:
                return web.json_response({"id": self.account, "name": self.me})
        return await super()._api(request)

    async def body_of(self, request: web.Request) -> Any:
        """Forms only."""
        if request.method == "GET":
            return None
        if request.content_type != "application/x-www-form-urlencoded":
            self.mistakes.append(f"{request.path} takes a form, not {request.content_type}")
        return {name: str(value) for name, value in (await request.post()).items()}

    # --- judging -------------------------------------------------------------------------------

    def judge(self, request: web.Request, operation: str, body: Any) -> None:
        """Fields that are not known, and values that no post has."""
        known = {*QUERIES.get(operation, set()), "raw_json"}
        self.mistakes += [f"{operation}: no parameter {n}" for n in request.query if n not in known]
        known = {*FORMS.get(operation, set()), "raw_json"}
        self.mistakes += [
            f"{operation}: no field {name}" for name in body or () if name not in known
        ]
        if operation == SUBMITTED:
            if request.path.split("/")[2] != self.me:
                self.mistakes.append(f"{request.path} is not this account's list")
            if not 1 <= int(request.query.get("limit", 25)) <= 100:
                self.mistakes.append("limit is 1 to 100")
        if operation == SUBMIT:
            self._judge_post(body)
        if operation == "POST /api/media/asset" and body.get("mimetype") not in _TYPES:
            self.mistakes.append(f"no medium of type {body.get('mimetype')!r}")
        if operation == "POST /api/del" and not re.fullmatch(r"t3_[0-9a-z]+", body.get("id", "")):
            self.mistakes.append(f"{body.get('id')!r} is no full name of a post")

    def _judge_post(self, body: Mapping[str, str]) -> None:
        kind = body.get("kind", "")
        if body.get("api_type") != "json":
            self.mistakes.append("api_type is json, or the answer is for a browser")
        if kind not in ("self", "link", "image", "video", "videogif"):
            self.mistakes.append(f"no kind {kind!r}")
        if kind == "self" and "url" in body:
            self.mistakes.append("a text post has no url")
        if kind != "self" and ("url" not in body or "text" in body):
            self.mistakes.append(f"a post of kind {kind} has a url and no text")
        if (kind in ("video", "videogif")) != ("video_poster_url" in body):
            self.mistakes.append("a film has a still, and nothing else has")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{1,22}", body.get("sr", "")):
            self.mistakes.append(f"sr is {body.get('sr')!r}")
        for name in ("nsfw", "spoiler", "sendreplies", "resubmit", "validate_on_submit"):
            if body.get(name, "true") not in ("true", "false", "True", "False"):
                self.mistakes.append(f"{name} is true or false")

    # --- doing ---------------------------------------------------------------------------------

    async def work(self, request: web.Request, operation: str, body: Any) -> web.Response:
        """Do it."""
        raw = (body or {}).get("raw_json", request.query.get("raw_json")) == "1"
        if operation == SUBMIT:
            return self._submit(body)
        if operation == SUBMITTED:
            return self._list(request.query, raw)
        if operation == "POST /api/del":
            return self._delete(body["id"])
        if operation == "POST /api/media/asset":
            return self._lease(body)
        if operation == "GET /api/info":
            wanted = request.query.get("id", "").split(",")
            found = [p.shown(raw) for p in self.posts if f"t3_{p.id}" in wanted]
            return _json(_listing(found, None))
        name = request.path.split("/")[3 if operation.startswith("GET /api/v1") else 2]
        return self._about(name, operation)

    def _about(self, name: str, operation: str) -> web.Response:
        found = self.communities.get(name.lower())
        if found is None:
            where = f"/subreddits/search?q={name}"
            return web.Response(status=302, headers={"Location": where})
        if found.private:
            told = {"reason": "private", "message": "Forbidden", "error": 403}
            return web.json_response(told, status=403)
        if operation.endswith("link_flair_v2"):
            return _json(found.flairs) if found.flairs else self.refused(403, "Forbidden")
        if operation.endswith("post_requirements"):
            needs = {"is_flair_required": found.flair_required, "title_text_max_length": None}
            return _json({**needs, "title_required_strings": [], "body_restriction_policy": "none"})
        data = {
            "display_name": found.name,
            "display_name_prefixed": f"r/{found.name}",
            "submission_type": found.kinds,
            "subreddit_type": "public",
            "allow_images": found.images,
            "allow_videos": found.videos,
            "user_is_banned": not found.allowed,
            "over18": False,
            "title": found.name,
        }
        return _json({"kind": "t5", "data": data})

    def _submit(self, body: Mapping[str, str]) -> web.Response:
        if problem := self._problem(body):
            return _json({"json": {"errors": [list(problem)]}})
        found = self.communities[body["sr"].lower()]
        flair = next((f["text"] for f in found.flairs if f["id"] == body.get("flair_id")), "")
        made = self.post(
            body["title"],
            found.name,
            body.get("text", ""),
            url=body.get("url", ""),
            poster=body.get("video_poster_url", ""),
            flair=body.get("flair_text") or flair,
        )
        data: dict[str, Any] = {
            "user_submitted_page": f"https://www.reddit.com/user/{self.me}/submitted/"
        }
        if body["kind"] in ("self", "link"):
            where = f"https://www.reddit.com/r/{found.name}/comments/{made.id}/a_title/"
            data = {"url": where, "drafts_count": 0, "id": made.id, "name": f"t3_{made.id}"}
        else:
            data["websocket_url"] = "wss://ws.example/rte_images/1"
        return _json({"json": {"errors": [], "data": data}})

    def _problem(self, body: Mapping[str, str]) -> tuple[str, str, str] | None:
        found = self.communities.get(body.get("sr", "").lower())
        kind, title = body["kind"], body.get("title", "")
        if found is None:
            return "SUBREDDIT_NOEXIST", "Hmm, that community doesn't exist.", "sr"
        if not found.allowed or found.private:
            return "SUBREDDIT_NOTALLOWED", "You aren't allowed to post there.", "sr"
        if self.break_minutes:
            wait, self.break_minutes = self.break_minutes, 0
            unit = "minute" if wait == 1 else "minutes"
            words = "Looks like you've been doing that a lot. Take a break for "
            return "RATELIMIT", f"{words}{wait} {unit} before trying again.", "ratelimit"
        if not title.strip():
            return "NO_TEXT", "we need something here", "title"
        if len(title) > MAX_TITLE or len(body.get("text", "")) > MAX_TEXT:
            where = "title" if len(title) > MAX_TITLE else "text"
            return "TOO_LONG", f"this is too long (max: {MAX_TITLE})", where
        if kind == "self" and found.kinds == "link":
            return "NO_SELFS", "This community doesn't allow text posts", "kind"
        if kind == "link" and found.kinds == "self":
            return "NO_LINKS", "This community only allows text posts", "kind"
        wanted = {"image": ("url",), "video": ("url", "video_poster_url")}.get(kind, ())
        for name in wanted:
            if body.get(name) not in self.media:
                return "BAD_URL", "you should check that url", name
        if found.flair_required and not body.get("flair_id"):
            words = "Your post must contain post flair."
            return "SUBMIT_VALIDATION_FLAIR_REQUIRED", words, "flair"
        chosen = [f for f in found.flairs if f["id"] == body.get("flair_id")]
        if body.get("flair_id") and (not chosen or chosen[0]["mod_only"]):
            return "BAD_FLAIR_TEMPLATE_ID", "invalid flair template id", "flair"
        again = body.get("resubmit", "true").lower() != "true"
        same = [p for p in self.standing if p.url and p.url == body.get("url")]
        if kind == "link" and again and any(p.community == found.name for p in same):
            return "ALREADY_SUB", "that link has already been submitted", "url"
        return None

    def _list(self, query: Mapping[str, str], raw: bool) -> web.Response:
        size = min(int(query.get("limit", 25)), self.page)
        shown = [p for p in reversed(self.standing) if p.author == self.me]
        shown = [p for p in shown if p.id not in self.hidden]
        names = [f"t3_{p.id}" for p in shown]
        after = query.get("after", "")
        at = names.index(after) + 1 if after in names else 0
        part = shown[at : at + size]
        more = f"t3_{part[-1].id}" if part and at + size < len(shown) else None
        return _json(_listing([p.shown(raw) for p in part], more))

    def _delete(self, name: str) -> web.Response:
        """Status 200 and nothing said, whether it was there or not."""
        found = next((p for p in self.posts if f"t3_{p.id}" == name), None)
        if found is not None and found.author != self.me:
            return self.refused(403, "Forbidden")
        if found is not None:
            found.deleted = True
        return _json({})

    def _lease(self, body: Mapping[str, str]) -> web.Response:
        id_ = f"asset{next(self._count)}"
        key = f"rte_images/{id_}"
        self._leases[key] = body["mimetype"]
        fields = {"acl": "private", "key": key, "X-Amz-Signature": "0" * 8}
        fields |= {"Content-Type": body["mimetype"], "success_action_status": "201"}
        told = {
            "args": {
                "action": BUCKET,
                "fields": [{"name": name, "value": value} for name, value in fields.items()],
            },
            "asset": {
                "asset_id": id_,
                "processing_state": "incomplete",
                "payload": {"filepath": body["filepath"]},
                "websocket_url": "wss://ws.example/1",
            },
        }
        return _json(told)

    async def _upload(self, request: web.Request) -> web.Response:
        """The bucket: a form with the fields of the lease, in order, and the file last."""
        if request.headers.get("Authorization"):
            self.mistakes.append("the token went to the bucket")
        form = await request.post()
        key, names = str(form.get("key", "")), list(form)
        if not names or names[-1] != "file":
            self.mistakes.append("the file stands last in the form")
        self.uploads += 1
        refused = self.uploads in self.fail_uploads
        if refused or key not in self._leases or form.get("X-Amz-Signature") != "0" * 8:
            text = "<Error><Code>AccessDenied</Code></Error>"
            return web.Response(status=403, text=text, content_type="application/xml")
        file = form["file"]
        data = file.file.read() if isinstance(file, web.FileField) else str(file).encode()
        where = f"https:{BUCKET}/{key.replace('/', '%2F')}"
        self.media[where] = data
        text = f"<PostResponse><Location>{where}</Location><Key>{key}</Key></PostResponse>"
        return web.Response(status=201, text=text, content_type="application/xml")


def _listing(children: list[Any], after: str | None) -> dict[str, Any]:
    data = {"after": after, "before": None, "dist": len(children), "children": children}
    return {"kind": "Listing", "data": data}


def _json(told: Any) -> web.Response:
    return web.Response(text=json.dumps(told), content_type="application/json")


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = "0123456789abcdefghijklmnopqrstuvwxyz"[rest] + digits
    return digits
