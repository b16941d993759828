"""A server that plays a site on Ghost: its Admin API, with the key of an integration.

No description is published; the rules here are those of https://docs.ghost.org/admin-api (read
2026-11-21; the words of refusals as Ghost's source has them): each call carries a token that lives five
minutes at most, `html` counts only with `source=html`, a change names the `updated_at` that it has
seen, a slug that is taken gets a number at its end. Whatever a client should not have sent stands
in `mistakes`.
"""

import itertools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

import jwt
from aiohttp import web

from tests.fakes.networks import Refusing

API = "/ghost/api/admin"
CREATE, LISTED = "POST /posts/", "GET /posts/"
KEY_ID, KEY_SECRET = "6489a5f2c0ffee0001234567", "ca11ab1e" * 8
KEY = f"{KEY_ID}:{KEY_SECRET}"
"""As Ghost's page of integrations shows it."""
WRITTEN = set(
    "title slug html lexical mobiledoc status published_at tags authors feature_image "
    "feature_image_alt feature_image_caption custom_excerpt excerpt meta_title meta_description "
    "og_title og_description twitter_title twitter_description canonical_url visibility featured "
    "updated_at codeinjection_head codeinjection_foot custom_template email_only newsletter".split()
)
QUERIES: Mapping[str, set[str]] = {
    LISTED: {"filter", "limit", "page", "order", "include", "fields", "formats"},
    "GET /posts/{id}/": {"include", "fields", "formats"},
    "GET /posts/slug/{slug}/": {"include", "fields", "formats"},
    CREATE: {"source", "include", "formats", "newsletter", "email_segment"},
    "PUT /posts/{id}/": {"source", "include", "formats", "newsletter", "save_revision"},
}
_PICTURES = {"image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"}
_TYPES = {
    400: "BadRequestError",
    401: "UnauthorizedError",
    403: "NoPermissionError",
    404: "NotFoundError",
    409: "UpdateCollisionError",
    413: "RequestEntityTooLargeError",
    415: "UnsupportedMediaTypeError",
    422: "ValidationError",
    429: "TooManyRequestsError",
    503: "MaintenanceError",
}


@dataclass
class Posted:
    """One post."""

    id: str
    title: str
    html: str
    slug: str
    at: datetime
    status: str = "published"
    tags: list[str] = field(default_factory=list)
    picture: str = ""
    picture_alt: str = ""
    excerpt: str = ""
    changed: datetime | None = None


class GhostServer(Refusing):
    """A site."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__()
        self.now = now
        self.mistakes: list[str] = []
        self.posts: list[Posted] = []
        self.media: dict[str, bytes] = {}
        """Pictures by their address."""
        self.key = KEY
        self.base = ""
        self._count = itertools.count(1)

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=100_000_000)
        app.router.add_route("*", "/{path:.*}", self._any)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.base = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *error: object) -> None:
        self.end()
        await self._runner.cleanup()

    def post(self, title: str, html: str = "", slug: str = "", **more: Any) -> Posted:
        """Somebody posts by hand."""
        named = {"at": self.now(), **more}
        id_ = f"{next(self._count):024x}"
        made = Posted(id_, title, html, self._slug(slug or title), **named)
        self.posts.append(made)
        return made

    def refused(self, status: int, words: str, context: str = "") -> web.Response:
        """A refusal, in Ghost's shape."""
        told = {
            "message": words,
            "context": context or None,
            "type": _TYPES.get(status, "InternalServerError"),
            "details": None,
            "property": None,
            "help": None,
            "code": None,
            "id": "00000000-0000-0000-0000-000000000000",
            "ghostErrorCode": None,
        }
        return web.json_response({"errors": [told]}, status=status)

    # --- what it serves ------------------------------------------------------------------------

    async def _any(self, request: web.Request) -> web.StreamResponse:
        if not request.path.startswith(f"{API}/"):
            return web.Response(status=404, text="<h1>404</h1>", content_type="text/html")
        path = request.path.removeprefix(API)
        if not path.endswith("/"):
            self.mistakes.append(f"{path} wants a slash at its end, or Ghost redirects")
            path += "/"
        path = re.sub(r"^/posts/slug/[^/]+/$", "/posts/slug/{slug}/", path)
        path = re.sub(r"^/posts/[0-9a-f]{24}/$", "/posts/{id}/", path)
        operation = f"{request.method} {path}"
        if operation == "GET /site/":  # open to everybody
            site = {"title": "Ann bakes", "url": f"{self.base}/", "version": "6.0"}
            return web.json_response({"site": site})
        if (problem := self._stranger(request)) is not None:
            return problem
        if not re.fullmatch(r"v[5-9]\.\d+", request.headers.get("Accept-Version", "")):
            self.mistakes.append("Accept-Version names the version that is meant, such as v5.0")
        body = await self._body(request, operation)
        self.asked.append((operation, body))
        self._judge(request, operation, body)
        return await self.answered(request, operation, lambda: self._work(request, operation, body))

    def _stranger(self, request: web.Request) -> web.Response | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        if scheme != "Ghost" or not token:
            return self.refused(403, "Authorization failed", "Unable to determine the user.")
        id_, _, secret = self.key.partition(":")
        if self.key in token or secret in token:
            self.mistakes.append("the key itself was sent")
        try:
            header = jwt.get_unverified_header(token)
            claims = jwt.decode(
                token,
                bytes.fromhex(secret),
                algorithms=["HS256"],
                audience="/admin/",
                options={"verify_exp": False, "verify_iat": False, "require": ["exp", "iat"]},
            )
        except jwt.PyJWTError as error:
            return self.refused(401, "Invalid token", str(error))
        if header.get("kid") != id_:
            return self.refused(401, "Unknown Admin API Key")
        if claims["exp"] - claims["iat"] > 300:
            self.mistakes.append("a token lives five minutes at most")
            return self.refused(401, "Invalid token", "maxAge exceeded")
        now = self.now().timestamp()
        if not claims["iat"] - 5 <= now <= claims["exp"]:
            return self.refused(401, "Invalid token", "jwt expired")
        return None

    async def _body(self, request: web.Request, operation: str) -> Any:
        if operation == "POST /images/upload/":
            if request.content_type != "multipart/form-data":
                self.mistakes.append("a picture comes as multipart/form-data")
                return {}
            return dict(await request.post())
        raw = await request.read()
        try:
            return json.loads(raw) if raw else None
        except ValueError:
            self.mistakes.append(f"{operation}: the body is no JSON")
            return None

    def _judge(self, request: web.Request, operation: str, body: Any) -> None:
        known = QUERIES.get(operation, set())
        self.mistakes += [f"{operation}: no parameter {n}" for n in request.query if n not in known]
        if operation in (CREATE, "PUT /posts/{id}/"):
            posts = body.get("posts") if isinstance(body, dict) else None
            if not isinstance(posts, list) or len(posts) != 1 or set(body) != {"posts"}:
                self.mistakes.append("the body is {posts: [one post]}")
                return
            (post,) = posts
            self.mistakes += [f"{operation}: no field {n}" for n in post if n not in WRITTEN]
            if "html" in post and request.query.get("source") != "html":
                self.mistakes.append("html is not looked at without source=html")
            if post.get("status", "draft") not in ("draft", "published", "scheduled"):
                self.mistakes.append(f"no status {post['status']!r}")
        if operation == "POST /images/upload/":
            self.mistakes += [f"no field {n}" for n in body if n not in ("file", "purpose", "ref")]
            if body.get("purpose", "image") not in ("image", "profile_image", "icon"):
                self.mistakes.append(f"no purpose {body['purpose']!r}")

    async def _work(self, request: web.Request, operation: str, body: Any) -> web.Response:
        if operation == CREATE:
            return self._create(request, body)
        if operation == LISTED:
            return self._list(request.query)
        if operation == "POST /images/upload/":
            return self._picture(body)
        last = request.path.rstrip("/").rsplit("/", 1)[1]
        if "/posts/" not in operation:
            return self.refused(404, "Resource not found error, cannot find the route.")
        found = next((p for p in self.posts if last in (p.id, p.slug)), None)
        if found is None:
            return self.refused(
                404, "Resource not found error, cannot read post.", "Post not found."
            )
        if request.method == "DELETE":
            self.posts.remove(found)
            return web.Response(status=204)
        if request.method == "PUT":
            return self._change(found, body["posts"][0])
        return web.json_response({"posts": [self._shown(found, request.query)]})

    def _create(self, request: web.Request, body: Any) -> web.Response:
        posts = body.get("posts") if isinstance(body, dict) else None
        if not isinstance(posts, list) or not posts:
            return self.refused(422, "Validation error, cannot save post.", "No root key provided.")
        given = posts[0]
        title = given.get("title", "")
        if not title or len(title) > 255:
            words = "Title cannot exceed 255 characters." if title else "Title is required."
            return self.refused(422, "Validation error, cannot save post.", words)
        tags = [t if isinstance(t, str) else t.get("name", "") for t in given.get("tags", ())]
        made = self.post(
            title,
            given.get("html", "") if request.query.get("source") == "html" else "",
            given.get("slug", ""),
            status=given.get("status", "draft"),
            tags=tags,
            picture=given.get("feature_image") or "",
            picture_alt=given.get("feature_image_alt") or "",
            excerpt=given.get("custom_excerpt") or "",
        )
        return web.json_response({"posts": [self._shown(made, request.query)]}, status=201)

    def _change(self, found: Posted, given: Mapping[str, Any]) -> web.Response:
        if given.get("updated_at") != _time(found.changed or found.at):
            words = "Saving failed! Someone else is editing this post."
            return self.refused(409, words, "Your changes were not saved.")
        found.title = given.get("title", found.title)
        found.html = given.get("html", found.html)
        found.status = given.get("status", found.status)
        found.changed = self.now() + timedelta(seconds=1)
        return web.json_response({"posts": [self._shown(found, {})]})

    def _list(self, query: Mapping[str, str]) -> web.Response:
        shown = list(reversed(self.posts))
        for rule in filter(None, query.get("filter", "").split("+")):
            name, _, value = rule.partition(":")
            value = value.strip("'\"")
            if name == "slug":
                shown = [p for p in shown if p.slug in value.strip("[]").split(",")]
            elif name == "status":
                shown = [p for p in shown if p.status in value.strip("[]").split(",")]
            elif name == "title":
                shown = [p for p in shown if p.title == value]
            else:
                self.mistakes.append(f"the fake knows no filter {name!r}")
        size = min(100, int(query.get("limit", 15))) if query.get("limit") != "all" else 100
        page = int(query.get("page", 1))
        pages = max(1, -(-len(shown) // size))
        part = shown[(page - 1) * size : page * size]
        told = {"page": page, "limit": size, "pages": pages, "total": len(shown)}
        told |= {"next": page + 1 if page < pages else None, "prev": None}  # type: ignore[dict-item]
        posts = [self._shown(p, query) for p in part]
        return web.json_response({"posts": posts, "meta": {"pagination": told}})

    def _shown(self, post: Posted, query: Mapping[str, str]) -> dict[str, Any]:
        """As the API gives it: `html` only to who asks for that format."""
        when, path = _time(post.at), f"{post.slug}/"
        is_out = post.status == "published"
        told: dict[str, Any] = {
            "id": post.id,
            "uuid": "00000000-0000-0000-0000-000000000000",
            "title": post.title,
            "slug": post.slug,
            "status": post.status,
            "visibility": "public",
            "feature_image": post.picture or None,
            "feature_image_alt": post.picture_alt or None,
            "custom_excerpt": post.excerpt or None,
            "created_at": when,
            "updated_at": _time(post.changed or post.at),
            "published_at": when if is_out else None,
            "url": f"{self.base}/{path}" if is_out else f"{self.base}/p/{post.id}/",
            "tags": [{"name": tag, "slug": tag.lower()} for tag in post.tags],
        }
        if "html" in query.get("formats", ""):
            told["html"] = post.html or None
        if "fields" in query:
            told = {name: told[name] for name in query["fields"].split(",") if name in told}
        return told

    def _picture(self, body: Mapping[str, Any]) -> web.Response:
        file = body.get("file")
        if not isinstance(file, web.FileField):
            return self.refused(422, "Please select an image.")
        if file.content_type not in _PICTURES:
            return self.refused(415, "Please select a valid image.")
        where = f"{self.base}/content/images/2026/11/{next(self._count)}-{file.filename}"
        self.media[where] = file.file.read()
        told = {"images": [{"url": where, "ref": body.get("ref")}]}
        return web.json_response(told, status=201)

    def _slug(self, wanted: str) -> str:
        plain = re.sub(r"[^a-z0-9-]+", "-", wanted.lower()).strip("-") or "untitled"
        taken, made = {p.slug for p in self.posts}, plain
        for n in itertools.count(2):
            if made not in taken:
                return made
            made = f"{plain}-{n}"
        raise AssertionError


def _time(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}.000Z"
