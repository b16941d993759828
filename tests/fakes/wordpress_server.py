"""A server that plays a site on WordPress: its REST API, with a user and an application password.

No description is published apart from what each site tells; the rules here are those of
https://developer.wordpress.org/rest-api/reference/ (posts, media, tags) and of WordPress's own
controllers (read 2026-11-21): a slug that is taken gets a number at its end, a post in the trash is
no longer found by its slug and cannot be trashed again, tags and categories go by their numbers.
Whatever a client should not have sent stands in `mistakes`.
"""

import base64
import html
import itertools
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Self

from aiohttp import web

from tests.fakes.networks import Refusing

API = "/wp-json/wp/v2"
CREATE, LISTED = "POST /posts", "GET /posts"
USER, PASSWORD = "ann", "canary AbCd 1234 efGH 5678 ijKL"
WRITTEN = set(
    "title content excerpt slug status date date_gmt categories tags featured_media author format "
    "meta sticky comment_status ping_status password template".split()
)
LISTS = set(
    "context page per_page search after modified_after author author_exclude before "
    "modified_before exclude include offset order orderby slug status tax_relation categories tags "
    "sticky search_columns _fields _embed".split()
)
STATES = {"publish", "future", "draft", "pending", "private"}
_KINDS = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp"}


@dataclass
class Posted:
    """One post."""

    id: int
    title: str
    content: str
    slug: str
    at: datetime
    status: str = "publish"
    excerpt: str = ""
    tags: list[int] = field(default_factory=list)
    categories: list[int] = field(default_factory=lambda: [1])
    picture: int = 0


class WordPressServer(Refusing):
    """A site."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__()
        self.now = now
        self.mistakes: list[str] = []
        self.posts: list[Posted] = []
        self.media: dict[int, dict[str, Any]] = {}
        self.tags: dict[int, str] = {}
        self.user, self.password = USER, PASSWORD
        self.may_publish = True
        """An author may; a contributor may not."""
        self.base = ""
        self._count = itertools.count(11)

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

    def post(self, title: str, content: str = "", slug: str = "", **more: Any) -> Posted:
        """Somebody posts by hand."""
        named = {"at": self.now(), **more}
        made = Posted(next(self._count), title, content, self._slug(slug or title), **named)
        self.posts.append(made)
        return made

    def refused(self, status: int, words: str, code: str = "", **data: Any) -> web.Response:
        """A refusal, in WordPress's shape; what stands before it (413, 429, 503) has its own."""
        if not code and status in (413, 429, 503):
            return web.Response(status=status, text=f"<h1>{words}</h1>", content_type="text/html")
        named = {401: "rest_not_logged_in", 403: "rest_cannot_create", 404: "rest_no_route"}
        code = code or named.get(status, "rest_error")
        told = {"code": code, "message": words, "data": {"status": status, **data}}
        return web.json_response(told, status=status)

    # --- what it serves ------------------------------------------------------------------------

    async def _any(self, request: web.Request) -> web.StreamResponse:
        if request.path in ("/wp-json", "/wp-json/"):
            where = {"authorization": f"{self.base}/wp-admin/authorize-application.php"}
            told = {"name": "Ann bakes", "url": self.base, "home": self.base}
            ways = {"application-passwords": {"endpoints": where}}
            return web.json_response({**told, "namespaces": ["wp/v2"], "authentication": ways})
        if not request.path.startswith(f"{API}/"):
            return web.Response(status=404, text="<h1>Not found</h1>", content_type="text/html")
        path = request.path.removeprefix(API).rstrip("/")
        operation = f"{request.method} {re.sub(r'/[0-9]+$', '/{id}', path)}"
        if (problem := self._stranger(request)) is not None:
            return problem
        body = await self._body(request, operation)
        self.asked.append((operation, body))
        self._judge(request, operation, body)
        return await self.answered(request, operation, lambda: self._work(request, operation, body))

    def _stranger(self, request: web.Request) -> web.Response | None:
        header = request.headers.get("Authorization", "")
        if not header.startswith("Basic "):
            if header:
                self.mistakes.append("an application password goes by HTTP Basic")
            return self.refused(401, "You are not currently logged in.")
        user, _, given = base64.b64decode(header[6:]).decode().partition(":")
        if user != self.user:
            return self.refused(401, "Unknown username.", "invalid_username")
        if given.replace(" ", "") != self.password.replace(" ", ""):
            words = "The provided password is an invalid application password."
            return self.refused(401, words, "incorrect_password")
        return None

    async def _body(self, request: web.Request, operation: str) -> Any:
        raw = await request.read()
        if operation == "POST /media":
            return raw
        try:
            return json.loads(raw) if raw else None
        except ValueError:
            self.mistakes.append(f"{operation}: the body is no JSON")
            return None

    def _judge(self, request: web.Request, operation: str, body: Any) -> None:
        if "canary" in request.query_string:
            self.mistakes.append("a password stands in an address")
        known = {"_fields", "_embed", "context", "password"}
        if operation in (LISTED, "GET /tags", "GET /categories", "GET /media"):
            known = LISTS | {"hide_empty", "post", "parent"}
            if not 1 <= int(request.query.get("per_page", 10)) <= 100:
                self.mistakes.append("per_page is 1 to 100")
            for name in ("after", "before"):
                said = request.query.get(name, "2026-01-01T00:00:00")
                if not re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", said):
                    self.mistakes.append(f"{name} is {said}")
        if operation.startswith("DELETE"):
            known = {"force"}
        self.mistakes += [f"{operation}: no parameter {n}" for n in request.query if n not in known]
        if operation in (CREATE, "POST /posts/{id}", "PUT /posts/{id}"):
            if request.content_type != "application/json":
                self.mistakes.append("a post is sent as JSON here")
            self.mistakes += [f"{operation}: no field {n}" for n in body or () if n not in WRITTEN]
        if operation.startswith("POST /media/"):
            known = {"alt_text", "caption", "description", "title", "post", "slug", "status"}
            self.mistakes += [f"{operation}: no field {n}" for n in body or () if n not in known]

    async def _work(self, request: web.Request, operation: str, body: Any) -> web.Response:
        if operation == CREATE:
            return self._create(body or {})
        if operation == LISTED:
            return self._list(request.query)
        if operation.endswith("/posts/{id}"):
            return self._one(request, int(request.path.rstrip("/").rsplit("/", 1)[1]), body)
        if "/media" in operation:
            return self._medium(request, operation, body)
        if operation in ("GET /tags", "POST /tags"):
            return self._tag(request, body)
        if operation == "GET /categories":
            return web.json_response([{"id": 1, "name": "Uncategorized", "slug": "uncategorized"}])
        if operation == "GET /users/me":
            told: dict[str, Any] = {"id": 1, "name": "Ann", "slug": self.user}
            if request.query.get("context") == "edit":
                told["capabilities"] = {"publish_posts": self.may_publish, "edit_posts": True}
            return web.json_response(told)
        return self.refused(404, "No route was found matching the URL and request method.")

    # --- posts ---------------------------------------------------------------------------------

    def _create(self, body: Mapping[str, Any]) -> web.Response:
        if (problem := self._unfit(body)) is not None:
            return problem
        if not self.may_publish and body.get("status") in ("publish", "future", "private"):
            words = "Sorry, you are not allowed to create posts as this user."
            return self.refused(403, words, "rest_cannot_publish")
        texts = [_raw(body.get(name)) for name in ("title", "content", "excerpt")]
        if not any(texts):
            return self.refused(400, "Content, title, and excerpt are empty.", "empty_content")
        made = self.post(
            texts[0],
            texts[1],
            body.get("slug", ""),
            status=body.get("status", "draft"),
            excerpt=texts[2],
            tags=list(body.get("tags", ())),
            categories=list(body.get("categories", (1,))),
            picture=body.get("featured_media", 0),
        )
        answer = web.json_response(self._shown(made, edit=True), status=201)
        answer.headers["Location"] = f"{self.base}{API}/posts/{made.id}"
        return answer

    def _unfit(self, body: Mapping[str, Any]) -> web.Response | None:
        wrong = {}
        if body.get("status", "draft") not in STATES:
            wrong["status"] = f"status is not one of {', '.join(sorted(STATES))}."
        for name in ("tags", "categories"):
            if not all(isinstance(each, int) for each in body.get(name, ())):
                wrong[name] = f"{name}[0] is not of type integer."
        if wrong:
            words = f"Invalid parameter(s): {', '.join(wrong)}"
            return self.refused(400, words, "rest_invalid_param", params=wrong)
        if unknown := [id_ for id_ in body.get("tags", ()) if id_ not in self.tags]:
            return self.refused(400, f"Invalid term ID {unknown}.", "rest_invalid_term_id")
        if body.get("featured_media", 0) and body["featured_media"] not in self.media:
            return self.refused(400, "Invalid featured media ID.", "rest_invalid_featured_media")
        return None

    def _list(self, query: Mapping[str, str]) -> web.Response:
        states = set(query.get("status", "publish").split(","))
        states = STATES if "any" in states else states
        shown = [p for p in reversed(self.posts) if p.status in states]
        if "slug" in query:
            shown = [p for p in shown if p.slug in query["slug"].split(",")]
        if "search" in query:
            shown = [
                p for p in shown if query["search"].lower() in f"{p.title} {p.content}".lower()
            ]
        if "after" in query:
            since = datetime.fromisoformat(query["after"])
            since = since if since.tzinfo else since.replace(tzinfo=UTC)
            shown = [p for p in shown if p.at > since]
        size, page = int(query.get("per_page", 10)), int(query.get("page", 1))
        pages = max(1, -(-len(shown) // size))
        if page > pages:
            words = "The page number requested is larger than the number of pages available."
            return self.refused(400, words, "rest_post_invalid_page_number")
        part = shown[(page - 1) * size : page * size]
        edit = query.get("context") == "edit"
        answer = web.json_response([self._shown(p, edit=edit) for p in part])
        answer.headers["X-WP-Total"] = str(len(shown))
        answer.headers["X-WP-TotalPages"] = str(pages)
        return answer

    def _one(self, request: web.Request, id_: int, body: Any) -> web.Response:
        found = next((p for p in self.posts if p.id == id_), None)
        if found is None:
            return self.refused(404, "Invalid post ID.", "rest_post_invalid_id")
        if request.method == "DELETE":
            return self._delete(found, request.query.get("force", "false") in ("true", "1"))
        if request.method in ("POST", "PUT", "PATCH"):
            if (problem := self._unfit(body)) is not None:
                return problem
            found.title = _raw(body.get("title")) or found.title
            found.content = _raw(body.get("content")) or found.content
            found.status = body.get("status", found.status)
        edit = request.query.get("context") == "edit" or request.method != "GET"
        return web.json_response(self._shown(found, edit=edit))

    def _delete(self, found: Posted, force: bool) -> web.Response:
        if force:
            self.posts.remove(found)
            told = {"deleted": True, "previous": self._shown(found, edit=True)}
            return web.json_response(told)
        if found.status == "trash":
            words = "The post has already been deleted."
            return self.refused(410, words, "rest_already_trashed")
        found.status, found.slug = "trash", f"{found.slug}__trashed"
        return web.json_response(self._shown(found, edit=True))

    def _shown(self, post: Posted, *, edit: bool) -> dict[str, Any]:
        """As the API gives it: `raw` only to who edits, the rest as a browser is to show it."""

        def text(raw: str, shown: str) -> dict[str, Any]:
            return {"raw": raw, "rendered": shown} if edit else {"rendered": shown}

        curly = html.escape(post.title, quote=False).replace("'", "&#8217;")
        when = f"{post.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"
        return {
            "id": post.id,
            "date": when,
            "date_gmt": when,
            "modified_gmt": when,
            "slug": post.slug,
            "status": post.status,
            "type": "post",
            "link": f"{self.base}/{post.slug}/"
            if post.status == "publish"
            else f"{self.base}/?p={post.id}",
            "title": text(post.title, curly.replace("&amp;", "&#038;")),
            "content": {**text(post.content, f"{post.content}\n"), "protected": False},
            "excerpt": {**text(post.excerpt, f"<p>{post.excerpt}</p>\n"), "protected": False},
            "author": 1,
            "featured_media": post.picture,
            "categories": post.categories,
            "tags": post.tags,
        }

    def _slug(self, wanted: str) -> str:
        plain = re.sub(r"[^a-z0-9-]+", "-", wanted.lower()).strip("-") or "post"
        taken, made = {p.slug for p in self.posts}, plain
        for n in itertools.count(2):
            if made not in taken:
                return made
            made = f"{plain}-{n}"
        raise AssertionError

    # --- media and tags ------------------------------------------------------------------------

    def _medium(self, request: web.Request, operation: str, body: Any) -> web.Response:
        if operation == "POST /media":
            named = re.search(
                r'filename="?([^";]+)"?', request.headers.get("Content-Disposition", "")
            )
            if named is None:
                words = "No Content-Disposition supplied."
                return self.refused(400, words, "rest_upload_no_content_disposition")
            if request.content_type not in _KINDS:
                words = "Sorry, you are not allowed to upload this file type."
                return self.refused(500, words, "rest_upload_sideload_error")
            if not named[1].lower().endswith((_KINDS[request.content_type], "jpeg")):
                self.mistakes.append(f"{named[1]} is not named like {request.content_type}")
            id_ = next(self._count)
            kept = {"bytes": body, "alt": "", "name": named[1]}
            self.media[id_] = kept
            return web.json_response(self._medium_shown(id_), status=201)
        id_ = int(request.path.rstrip("/").rsplit("/", 1)[1])
        if id_ not in self.media:
            return self.refused(404, "Invalid post ID.", "rest_post_invalid_id")
        if request.method == "DELETE":
            if request.query.get("force") not in ("true", "1"):
                words = "The post does not support trashing. Set 'force=true' to delete."
                return self.refused(501, words, "rest_trash_not_supported")
            del self.media[id_]
            return web.json_response({"deleted": True, "previous": {"id": id_}})
        if body and "alt_text" in body:
            self.media[id_]["alt"] = body["alt_text"]
        return web.json_response(self._medium_shown(id_))

    def _medium_shown(self, id_: int) -> dict[str, Any]:
        kept = self.media[id_]
        where = f"{self.base}/wp-content/uploads/2026/11/{kept['name']}"
        return {"id": id_, "source_url": where, "alt_text": kept["alt"], "media_type": "image"}

    def _tag(self, request: web.Request, body: Any) -> web.Response:
        if request.method == "GET":
            search = request.query.get("search", "").lower()
            slugs = request.query.get("slug", "")
            found = [(id_, name) for id_, name in self.tags.items() if search in name.lower()]
            if slugs:
                found = [each for each in found if _plain(each[1]) in slugs.split(",")]
            size = int(request.query.get("per_page", 10))
            told = [{"id": id_, "name": html.escape(n), "slug": _plain(n)} for id_, n in found]
            return web.json_response(told[:size])
        name = str((body or {}).get("name", "")).strip()
        if not name:
            return self.refused(400, "Missing parameter(s): name", "rest_missing_callback_param")
        for id_, known in self.tags.items():
            if known.lower() == name.lower():
                words = "A term with the name provided already exists in this taxonomy."
                return self.refused(400, words, "term_exists", term_id=id_)
        id_ = next(self._count)
        self.tags[id_] = name
        return web.json_response({"id": id_, "name": name, "slug": _plain(name)}, status=201)


def _raw(value: Any) -> str:
    """A text may come plain or as `{raw}`."""
    return str(value.get("raw", "")) if isinstance(value, dict) else str(value or "")


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
