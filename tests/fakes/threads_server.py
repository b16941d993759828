"""A server that plays Threads: posts made in two steps, listed, read, deleted, counted.

No description of its API is published, so it is judged by a facts sheet of 2026-11-21 drawn from
https://developers.facebook.com/docs/threads; which optional parameters there are is believed. It
fetches nothing: any https address holds a picture or a film, unless a test says otherwise. Whatever
a client should not have sent stands in `mistakes`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from tests.fakes.instagram_world import paged
from tests.fakes.meta_rules import error, listed, refused, truth
from tests.fakes.network_server import Answer, Ask, NetworkServer

TEXT, ALT, LEAST, MOST = 500, 1000, 2, 20
CREATE = {"media_type", "text", "image_url", "video_url", "is_carousel_item", "children"}
CREATE |= {"reply_to_id", "reply_control", "alt_text", "topic_tag", "link_attachment"}
CREATE |= {"quote_post_id", "allowlisted_country_codes", "auto_publish_text"}
REPLY_CONTROL = {"everyone", "accounts_you_follow", "mentioned_only", "parent_post_author_only"}
REPLY_CONTROL |= {"followers_only"}
POST = set("id text timestamp permalink media_type media_url username shortcode is_reply".split())
POST |= set("owner thumbnail_url children is_quote_post alt_text media_product_type".split())
METRICS = {"views", "likes", "replies", "reposts", "quotes", "shares"}
_ALWAYS = {"fields", "access_token", "appsecret_proof"}
_LISTED = _ALWAYS | {"limit", "after", "before", "since", "until"}
_TAG = re.compile(r"[^.&]{1,50}")


@dataclass
class ThreadsPost:
    """A post that stands there."""

    id: str
    text: str
    at: datetime
    kind: str = "TEXT_POST"
    addresses: list[str] = field(default_factory=list)
    alts: list[str] = field(default_factory=list)
    tag: str = ""
    likes: int = 0


@dataclass
class ThreadsContainer:
    """A post in the making."""

    id: str
    at: datetime
    given: Mapping[str, Any]
    polls: int
    broken: bool = False
    published: str = ""

    def status(self, now: datetime) -> str:
        """How far it is."""
        if self.published:
            return "PUBLISHED"
        if now - self.at > timedelta(hours=24):
            return "EXPIRED"
        if self.polls > 0:
            return "IN_PROGRESS"
        return "ERROR" if self.broken else "FINISHED"


class ThreadsServer(NetworkServer):
    """Threads."""

    NEEDS: ClassVar = {
        "POST /{user}/threads": frozenset({"threads_basic", "threads_content_publish"}),
        "POST /{user}/threads_publish": frozenset({"threads_basic", "threads_content_publish"}),
        "GET /{user}/threads": frozenset({"threads_basic"}),
        "GET /{post}": frozenset({"threads_basic"}),
        "GET /{container}": frozenset({"threads_basic"}),
        "GET /{user}/threads_publishing_limit": frozenset({"threads_basic"}),
        "GET /{post}/insights": frozenset({"threads_basic", "threads_manage_insights"}),
        "DELETE /{post}": frozenset({"threads_basic", "threads_delete"}),
    }

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__("threads", now)
        self.account = "24100000000000001"
        self.posts: list[ThreadsPost] = []
        self.containers: dict[str, ThreadsContainer] = {}
        self.hidden: set[str] = set()
        """Posts that the list does not show yet."""
        self.broken: set[str] = set()
        """Addresses that hold nothing that Threads takes."""
        self.polls = 1
        """A container is ready after being asked after so often."""
        self.page = 25
        self.quota, self.deletes, self.deleted = 250, 100, 0

    def post(self, text: str, at: datetime | None = None) -> ThreadsPost:
        """Somebody posts by hand."""
        made = ThreadsPost(self.new_id(), text, at or self.now())
        self.posts.append(made)
        return made

    def operation(self, method: str, path: str) -> str:
        found = re.fullmatch(r"/v1\.0/(\d+|me)(?:/(\w+))?", path)
        if found is None or path == "/v1.0/me":
            return ""
        id_, edge = found[1], found[2] or ""
        if id_ in ("me", self.account) and edge:
            return f"{method} /{{user}}/{edge}"
        kind = "container" if id_ in self.containers else "post"
        return f"{method} /{{{kind}}}/{edge}".rstrip("/")

    # --- judging -------------------------------------------------------------------------------

    def judge(self, ask: Ask) -> None:
        given = ask.given
        known = {
            "POST /{user}/threads": _ALWAYS | CREATE,
            "POST /{user}/threads_publish": _ALWAYS | {"creation_id"},
            "GET /{user}/threads": _LISTED,
            "GET /{post}/insights": _LISTED | {"metric"},
        }.get(ask.operation, _ALWAYS)
        self.mistakes += [f"{ask.operation}: no parameter {n}" for n in given if n not in known]
        if ask.operation == "POST /{user}/threads":
            self._judge_container(given)
        fields = {
            "GET /{user}/threads": POST,
            "GET /{post}": POST,
            "GET /{container}": {"id", "status", "error_message"},
            "GET /{user}/threads_publishing_limit": set(
                "quota_usage config reply_quota_usage reply_config delete_quota_usage "
                "delete_config".split()
            ),
        }.get(ask.operation, set())
        asked = [name for name in str(given.get("fields", "")).split(",") if name]
        self.mistakes += [f"{ask.operation}: no field {n}" for n in asked if n not in fields]

    def _judge_container(self, given: Mapping[str, Any]) -> None:
        kind = given.get("media_type")
        wants = {"TEXT": "text", "IMAGE": "image_url", "VIDEO": "video_url", "CAROUSEL": "children"}
        if kind not in wants:
            self.mistakes.append(f"media_type is {kind!r}")
        elif not given.get(wants[kind]):
            self.mistakes.append(f"{kind} needs {wants[kind]}")
        for name in ("image_url", "video_url"):
            if name in given and kind != {"image_url": "IMAGE", "video_url": "VIDEO"}[name]:
                self.mistakes.append(f"{name} does not go with {kind}")
            if not str(given.get(name, "https://")).startswith("https://"):
                self.mistakes.append(f"{name} is no https address")
        if given.get("reply_control", "everyone") not in REPLY_CONTROL:
            self.mistakes.append(f"reply_control is {given['reply_control']!r}")
        if "link_attachment" in given and kind != "TEXT":
            self.mistakes.append("link_attachment is for posts of text")
        if "text" in given and truth(given.get("is_carousel_item")):
            self.mistakes.append("the text of a carousel stands at the carousel")
        if "topic_tag" in given and not _TAG.fullmatch(str(given["topic_tag"])):
            self.mistakes.append(f"topic_tag is {given['topic_tag']!r}")

    # --- work ----------------------------------------------------------------------------------

    def work(self, ask: Ask) -> Answer:
        given, id_ = ask.given, ask.path.split("/")[2]
        match ask.operation:
            case "POST /{user}/threads":
                return self._create(given)
            case "POST /{user}/threads_publish":
                return self._publish(given)
            case "GET /{user}/threads":
                return self._list(given)
            case "GET /{user}/threads_publishing_limit":
                return self._limit()
            case "GET /{container}":
                return self._status(self.containers[id_])
        found = next((each for each in self.posts if each.id == id_), None)
        if found is None:
            return error(100, f"Object with ID '{id_}' does not exist", 33)
        match ask.operation:
            case "GET /{post}":
                return Answer(200, _told(found, str(given.get("fields", "id"))))
            case "GET /{post}/insights":
                return self._numbers(found, given)
            case "DELETE /{post}":
                if self.deleted >= self.deletes:
                    return error(4, "Application request limit reached", 2207051)
                self.posts.remove(found)
                self.deleted += 1
                return Answer(200, {"success": True, "deleted_id": id_})
        return error(100, f"Unsupported request: {ask.operation}")

    def refused(self, how: str) -> Answer:
        return refused(how, self.retry_after)

    def _create(self, given: Mapping[str, Any]) -> Answer:
        if len(str(given.get("text", ""))) > TEXT:
            return error(100, "Param text must be at most 500 characters long.")
        if len(str(given.get("alt_text", ""))) > ALT:
            return error(100, "Param alt_text must be at most 1000 characters long.")
        if given.get("media_type") == "CAROUSEL":
            children = [self.containers.get(str(each)) for each in listed(given["children"])]
            if not LEAST <= len(children) <= MOST:
                return error(100, f"A carousel has {LEAST} to {MOST} children")
            if not all(c and truth(c.given.get("is_carousel_item")) for c in children):
                return error(100, "A child is no carousel item", 4279009)
            if any(c and c.status(self.now()) != "FINISHED" for c in children):
                return error(24, "A child is not ready", 4279009)
        address = str(given.get("image_url", given.get("video_url", "")))
        made = ThreadsContainer(
            self.new_id(), self.now(), given, self.polls, address in self.broken
        )
        self.containers[made.id] = made
        return Answer(200, {"id": made.id})

    def _status(self, container: ThreadsContainer) -> Answer:
        told = container.status(self.now())
        container.polls -= 1
        answer = {"id": container.id, "status": told}
        if told == "ERROR":
            answer["error_message"] = "FAILED_DOWNLOADING_VIDEO"
        return Answer(200, answer)

    def _publish(self, given: Mapping[str, Any]) -> Answer:
        found = self.containers.get(str(given.get("creation_id", "")))
        if self._used() >= self.quota:
            return error(9, "The posts of a day are used up", 2207042, 403)
        if found is None or found.status(self.now()) != "FINISHED":
            return error(24, "The requested resource does not exist", 4279009)
        given, parts = found.given, [found]
        if given.get("media_type") == "CAROUSEL":
            parts = [self.containers[str(each)] for each in listed(given["children"])]
        made = self.post(str(given.get("text", "")))
        made.kind = {"TEXT": "TEXT_POST", "CAROUSEL": "CAROUSEL_ALBUM"}.get(
            str(given["media_type"]), str(given["media_type"])
        )
        addresses = [p.given.get("image_url", p.given.get("video_url")) for p in parts]
        made.addresses = [str(each) for each in addresses if each]
        made.alts = [str(p.given.get("alt_text", "")) for p in parts if made.addresses]
        made.tag = str(given.get("topic_tag", ""))
        found.published = made.id
        return Answer(200, {"id": made.id})

    def _used(self) -> int:
        return sum(self.now() - each.at < timedelta(hours=24) for each in self.posts)

    def _limit(self) -> Answer:
        day = 86_400
        told = {
            "quota_usage": self._used(),
            "config": {"quota_total": self.quota, "quota_duration": day},
            "reply_quota_usage": 0,
            "reply_config": {"quota_total": 1000, "quota_duration": day},
        }
        return Answer(200, {"data": [told]})

    def _list(self, given: Mapping[str, Any]) -> Answer:
        shown = [each for each in reversed(self.posts) if each.id not in self.hidden]
        if since := str(given.get("since", "")):
            begin = float(since) if since.isdecimal() else datetime.fromisoformat(since).timestamp()
            shown = [each for each in shown if each.at.timestamp() >= begin]
        return paged(shown, given, self.page, lambda p: _told(p, str(given.get("fields", "id"))))

    def _numbers(self, post: ThreadsPost, given: Mapping[str, Any]) -> Answer:
        asked = str(given.get("metric", "")).split(",")
        self.mistakes += [f"no metric {name!r}" for name in asked if name not in METRICS]
        return Answer(200, {"data": [
            {"name": name, "period": "lifetime", "title": name, "id": f"{post.id}/insights/{name}",
             "values": [{"value": post.likes if name == "likes" else 0}]}
            for name in asked
        ]})  # fmt: skip


def _told(post: ThreadsPost, fields: str) -> dict[str, Any]:
    whole: dict[str, Any] = {
        "id": post.id,
        "timestamp": f"{post.at:%Y-%m-%dT%H:%M:%S}+0000",
        "permalink": f"https://www.threads.net/@ann/post/{post.id[-8:]}",
        "media_type": post.kind,
        "username": "ann",
    }
    if post.text:
        whole["text"] = post.text  # a post without words has no such field
    return {k: v for k, v in whole.items() if k == "id" or k in fields.split(",")}
