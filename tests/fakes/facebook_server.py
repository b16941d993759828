"""A server that plays Meta's Graph: pages of Facebook and the Instagram accounts behind them.

Parameters, types, edges and fields are judged by Meta's published description (`facebook-graph`);
where it is silent (tokens of pages, multipart, errors, reels' bytes) a facts sheet of 2026-11-21
speaks, and of that the wording of errors is only believed. `instagram_server` plays Instagram's own
login. Whatever a client should not have sent stands in `mistakes`.
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, ClassVar

from aiohttp import web

from tests.fakes.instagram_server import VERSION, GraphServer
from tests.fakes.instagram_world import InstagramWorld, paged
from tests.fakes.meta_rules import edge_misfits, error, field_misfits, listed, truth
from tests.fakes.network_server import Answer, Ask
from tests.fakes.oauth_server import SECRET, Issued

MESSAGE = 63_206
_LISTS = {"posts", "published_posts", "feed"}
_WRITE = frozenset({"pages_manage_posts"})
_READ = frozenset({"pages_read_engagement"})


@dataclass
class PagePost:
    """A post on a page."""

    id: str
    at: datetime
    message: str = ""
    link: str = ""
    media: list[str] = field(default_factory=list)
    published: bool = True
    likes: int = 0


@dataclass
class Medium:
    """A photo or a film."""

    id: str
    kind: str
    given: Mapping[str, Any]
    data: bytes = b""
    polls: int = 0
    post: str = ""


@dataclass
class FacebookPage:
    """A page that the person has a part in."""

    id: str
    name: str
    token: str
    tasks: list[str] = field(default_factory=lambda: ["CREATE_CONTENT", "MANAGE"])
    posts: list[PagePost] = field(default_factory=list)
    instagram: InstagramWorld | None = None


class FacebookServer(GraphServer):
    """Facebook: two pages, the first with an Instagram account."""

    NEEDS: ClassVar = {
        "GET /me/accounts": frozenset({"pages_show_list"}),
        **dict.fromkeys(
            ("POST /{page}/feed", "POST /{page}/photos", "POST /{page}/videos",
             "POST /{page}/video_reels", "DELETE /{post}"), _WRITE,
        ),
        **dict.fromkeys(("GET /{page}/posts", "GET /{post}"), _READ),
        "POST /{ig}/media": frozenset({"instagram_basic", "instagram_content_publish"}),
        "POST /{ig}/media_publish": frozenset({"instagram_basic", "instagram_content_publish"}),
        "GET /{ig}/media": frozenset({"instagram_basic"}),
        "GET /{media}": frozenset({"instagram_basic"}),
    }  # fmt: skip

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__("facebook", now)
        self.account = "10158000000000001"
        self.pages: list[FacebookPage] = []
        self.media: dict[str, Medium] = {}
        self.hidden: set[str] = set()
        """Posts that the list does not show yet."""
        self.page_size = 25
        self.polls = 1
        """A film is ready after being asked after so often."""
        first = self.add_page("Corner Bakery")
        self.add_page("Ann's Garden")
        first.instagram = self.world = self.add_instagram("17841400000000001", "cornerbakery")

    def add_page(self, name: str) -> FacebookPage:
        """A page of the person's."""
        id_ = str(101_000_000_000_001 + len(self.pages))
        self.pages.append(made := FacebookPage(id_, name, f"canary-page-{id_}"))
        return made

    def post(self, message: str, at: datetime | None = None, page: int = 0) -> PagePost:
        """Somebody posts by hand on a page."""
        where = self.pages[page]
        made = PagePost(f"{where.id}_{self.new_id()}", at or self.now(), message)
        where.posts.append(made)
        return made

    @property
    def posts(self) -> list[PagePost]:
        """What stands on all pages."""
        return [post for page in self.pages for post in page.posts if post.published]

    def issued_for(self, token: str) -> Issued | None:
        """A page's token stands for what the person agreed to."""
        if any(page.token == token for page in self.pages):
            return next((each for each in self.access.values() if each.alive), None)
        return self.access.get(token)

    def operation(self, method: str, path: str) -> str:
        if re.fullmatch(r"/video-upload/v2\d\.0/\d+", path):
            return f"{method} /video-upload"
        known = super().operation(method, path)
        if known not in ("", f"{method} /{{media}}") or not (found := VERSION.fullmatch(path)):
            return known
        id_, _, edge = found[1].strip("/").partition("/")
        if found[1] == "/me/accounts":
            return f"{method} /me/accounts"
        if any(page.id == id_ for page in self.pages):
            edge = "posts" if method == "GET" and edge in _LISTS else edge
            return f"{method} /{{page}}/{edge}".rstrip("/")
        if id_ in self.media:
            return f"{method} /{{medium}}"
        if known and any(each.id == id_ for each in self.world.media):
            return known
        return f"{method} /{{post}}" if known or re.fullmatch(r"\d+_\d+", id_) else ""

    def token_of(self, request: web.Request, fields: Mapping[str, Any]) -> str:
        header = request.headers.get("Authorization", "")
        if request.path.startswith("/video-upload/"):
            if not header.startswith("OAuth "):
                self.mistakes.append("bytes of a reel go with `Authorization: OAuth`")
            return header.removeprefix("OAuth ").removeprefix("Bearer ")
        return super().token_of(request, fields)

    # --- judging -------------------------------------------------------------------------------

    def judge(self, ask: Ask) -> None:
        given, path = ask.given, ask.path
        if ask.operation == "POST /video-upload":
            return
        proof = hmac.digest(SECRET.encode(), ask.token.encode(), hashlib.sha256).hex()
        if given.get("appsecret_proof") != proof:
            self.mistakes.append(f"{path}: appsecret_proof is not that of this token")
        if "/{ig}" in ask.operation or ask.operation in ("GET /{container}", "GET /{media}"):
            return super().judge(ask)
        page = self._page(ask)
        of_page = page is not None and ask.token == page.token
        if ask.operation not in ("GET /me/accounts", "GET /{page}") and page and not of_page:
            self.mistakes.append(f"{ask.operation} takes the page's own token")
        edge = path.split("/")[3] if path.count("/") > 2 else ""
        if ask.operation == "GET /me/accounts":
            self.mistakes += edge_misfits("User", "GET", "accounts", given)
            self.mistakes += field_misfits("Page", given.get("fields", ""), {"tasks"})
        elif ask.operation == "GET /{page}":
            self.mistakes += field_misfits("Page", given.get("fields", ""))
        elif ask.operation == "GET /{page}/posts":
            self.mistakes += edge_misfits("Page", "GET", edge, given)
            self.mistakes += field_misfits("PagePost", given.get("fields", ""))
        elif ask.operation.startswith("POST /{page}/"):
            more = {"source"} if edge == "photos" else set()
            self.mistakes += edge_misfits("Page", "POST", edge, given, more)
            for name in ("url", "file_url", "link"):
                if not str(given.get(name, "https://")).startswith(("https://", "http://")):
                    self.mistakes.append(f"{name} is no address")
        elif ask.operation == "GET /{medium}":
            node = "Photo" if self.media[path.split("/")[2]].kind == "photo" else "AdVideo"
            self.mistakes += field_misfits(node, given.get("fields", ""))
        elif ask.operation == "GET /{post}":
            self.mistakes += field_misfits("PagePost", given.get("fields", ""))

    def _page(self, ask: Ask) -> FacebookPage | None:
        """The page that a request is about."""
        id_ = ask.path.split("/")[2]
        if id_ in self.media or ask.operation == "POST /video-upload":
            return next((p for p in self.pages if p.token == ask.token), None)
        return next((p for p in self.pages if id_ == p.id or id_.startswith(f"{p.id}_")), None)

    # --- work ----------------------------------------------------------------------------------

    def work(self, ask: Ask) -> Answer:
        page, given = self._page(ask), ask.given
        writes = ask.method == "POST" and "{page}" in ask.operation
        if page and writes and "CREATE_CONTENT" not in page.tasks:
            return error(200, "The person may not create content on this page", status=403)
        match ask.operation:
            case "GET /me/accounts":
                told = str(given.get("fields", "id,name,access_token"))
                return paged(self.pages, given, self.page_size, lambda p: _told_page(p, told))
            case "GET /{page}" if page:
                return Answer(200, _told_page(page, str(given.get("fields", "id,name"))))
            case "POST /{page}/feed" if page:
                return self._feed(page, given)
            case "POST /{page}/photos" | "POST /{page}/videos" if page:
                return self._medium(page, ask)
            case "POST /{page}/video_reels" if page:
                return self._reel(page, given)
            case "POST /video-upload":
                self.media[ask.path.rsplit("/", 1)[1]].data = ask.raw or b"fetched"
                return Answer(200, {"success": True})
            case "GET /{page}/posts" if page:
                return self._list(page, given)
            case "GET /{medium}":
                return self._film(self.media[ask.path.split("/")[2]], given)
            case "GET /{post}" | "DELETE /{post}":
                return self._one(page, ask)
        return super().work(ask)

    def _feed(self, page: FacebookPage, given: Mapping[str, Any]) -> Answer:
        message, link = str(given.get("message", "")), str(given.get("link", ""))
        media = []
        for each in listed(given.get("attached_media", [])):
            found = self.media.get(str(each.get("media_fbid", "")))
            if found is None or found.post:
                return error(100, "A photo is not there or was posted already", 1366051)
            media.append(found)
        if not (message or link or media):
            return error(100, "Missing message or attachment", 1349125)
        if len(message) > MESSAGE:
            return error(100, "The message is too long")
        said = [(post.message, post.link) for post in page.posts if post.published]
        if message and (message, link) in said:
            return error(506, "Duplicate status message", 1455006)
        made = self.post(message, page=self.pages.index(page))
        made.link, made.media = link, [each.id for each in media]
        made.published = truth(given.get("published", True))
        for each in media:
            each.post = made.id
        return Answer(200, {"id": made.id})

    def _medium(self, page: FacebookPage, ask: Ask) -> Answer:
        given, is_photo = ask.given, ask.operation.endswith("photos")
        address = given.get("url") if is_photo else given.get("file_url")
        data = ask.files.get("source", b"")
        if bool(address) == bool(data):
            return error(100, "A medium comes by address or as bytes", 1366046)
        kind = "photo" if is_photo else "film"
        made = Medium(self.new_id(), kind, given, data, 0 if is_photo else self.polls)
        self.media[made.id] = made
        answer = {"id": made.id}
        if truth(given.get("published", True)):
            words = str(given.get("caption", given.get("message", given.get("description", ""))))
            post = self.post(words, page=self.pages.index(page))
            post.media, made.post = [made.id], post.id
            if is_photo:
                answer["post_id"] = post.id
        return Answer(200, answer)

    def _reel(self, page: FacebookPage, given: Mapping[str, Any]) -> Answer:
        if str(given.get("upload_phase", "")).lower() == "start":
            made = Medium(self.new_id(), "film", given, polls=self.polls)
            self.media[made.id] = made
            where = f"https://rupload.facebook.com/video-upload/v23.0/{made.id}"
            return Answer(200, {"video_id": made.id, "upload_url": where})
        found = self.media.get(str(given.get("video_id", "")))
        if found is None or not found.data or found.post:
            return error(100, "The film was not uploaded, or was posted already", 1363042)
        post = self.post(str(given.get("description", "")), page=self.pages.index(page))
        post.published = str(given.get("video_state", "PUBLISHED")) == "PUBLISHED"
        post.media, found.post = [found.id], post.id
        return Answer(200, {"success": True, "post_id": post.id.split("_")[1]})

    def _list(self, page: FacebookPage, given: Mapping[str, Any]) -> Answer:
        shown = [p for p in reversed(page.posts) if p.published and p.id not in self.hidden]
        if since := str(given.get("since", "")):
            begin = float(since) if since.isdecimal() else datetime.fromisoformat(since).timestamp()
            shown = [p for p in shown if p.at.timestamp() >= begin]
        fields = str(given.get("fields", "id,message,created_time"))
        return paged(shown, given, self.page_size, lambda p: _told_post(p, fields))

    def _film(self, medium: Medium, given: Mapping[str, Any]) -> Answer:
        told = "ready" if medium.polls <= 0 else "processing"
        medium.polls -= 1
        whole = {"id": medium.id, "status": {"video_status": told}, "post_id": medium.post}
        fields = str(given.get("fields", "id"))
        return Answer(200, {k: v for k, v in whole.items() if k == "id" or k in fields.split(",")})

    def _one(self, page: FacebookPage | None, ask: Ask) -> Answer:
        id_ = ask.path.split("/")[2]
        found = next((p for p in page.posts if p.id == id_), None) if page else None
        if page is None or found is None:
            return error(100, f"Object with ID '{id_}' does not exist", 33)
        if ask.method == "DELETE":
            page.posts.remove(found)
            return Answer(200, {"success": True})
        return Answer(200, _told_post(found, str(ask.given.get("fields", "id"))))


def _told_page(page: FacebookPage, fields: str) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "id": page.id,
        "name": page.name,
        "access_token": page.token,
        "tasks": page.tasks,
        "link": f"https://www.facebook.com/{page.id}",
    }
    if page.instagram:
        whole["instagram_business_account"] = {"id": page.instagram.id}
    return {k: v for k, v in whole.items() if k == "id" or k in re.findall(r"\w+", fields)}


def _told_post(post: PagePost, fields: str) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "id": post.id,
        "created_time": f"{post.at:%Y-%m-%dT%H:%M:%S}+0000",
        "permalink_url": f"https://www.facebook.com/{post.id.replace('_', '/posts/')}",
        "reactions": {"data": [], "summary": {"total_count": post.likes}},
        "comments": {"data": [], "summary": {"total_count": 0}},
        "is_published": post.published,
    }
    if post.message:
        whole["message"] = post.message  # a post without words has no such field
    return {k: v for k, v in whole.items() if k == "id" or k in re.findall(r"\w+", fields)}
