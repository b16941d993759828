"""What stands on a played Instagram: containers that are made ready, and what was published.

Parameters and fields are judged by Meta's description; what a container says of itself, how long it
lives, and the subcodes of refusals come from a facts sheet (2026-11-21), for no description has them.
Nothing is fetched: any https address holds a picture or a film, unless a test says otherwise.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from tests.fakes.meta_rules import edge_misfits, error, field_misfits, listed, truth
from tests.fakes.network_server import Answer

CAPTION, LEAST, MOST = 2200, 2, 10
LIVES = timedelta(hours=24)
CONTAINER = {"id", "status", "status_code"}


@dataclass
class Container:
    """A post in the making."""

    id: str
    at: datetime
    given: Mapping[str, Any]
    polls: int
    """How often it is asked after before it is ready."""
    broken: bool = False
    media: str = ""
    """What it was published as."""

    def status(self, now: datetime) -> str:
        """How far it is."""
        if self.media:
            return "PUBLISHED"
        if now - self.at > LIVES:
            return "EXPIRED"
        if self.polls > 0:
            return "IN_PROGRESS"
        return "ERROR" if self.broken else "FINISHED"


@dataclass
class Shown:
    """A post that stands there."""

    id: str
    at: datetime
    caption: str
    kind: str
    addresses: list[str] = field(default_factory=list)
    alts: list[str] = field(default_factory=list)
    likes: int = 0
    comments: int = 0


class InstagramWorld:
    """One professional account."""

    def __init__(
        self, id_: str, name: str, now: Callable[[], datetime], new_id: Callable[[], str]
    ) -> None:
        self.id, self.name, self.now, self.new_id = id_, name, now, new_id
        self.containers: dict[str, Container] = {}
        self.media: list[Shown] = []
        self.hidden: set[str] = set()
        """What the list does not show yet."""
        self.polls = 1
        """A container is ready after being asked after so often."""
        self.broken: set[str] = set()
        """Addresses that hold nothing that Instagram takes."""
        self.quota = 50
        self.page = 25

    def post(self, caption: str, at: datetime | None = None) -> Shown:
        """Somebody posts by hand."""
        made = Shown(self.new_id(), at or self.now(), caption, "IMAGE")
        self.media.append(made)
        return made

    def item(self, id_: str) -> Shown | None:
        """One post."""
        return next((each for each in self.media if each.id == id_), None)

    def judge(self, operation: str, given: Mapping[str, Any]) -> Iterator[str]:
        """What should not have been sent."""
        if operation == "POST /{ig}/media":
            yield from edge_misfits("IGUser", "POST", "media", given)
            if sum(name in given for name in ("image_url", "video_url", "children")) != 1:
                yield "a container holds one of image_url, video_url, children"
            for name in ("image_url", "video_url"):
                if not str(given.get(name, "https://")).startswith("https://"):
                    yield f"{name} is no https address"
            if "alt_text" in given and "image_url" not in given:
                yield "alt_text is for pictures"
        elif operation == "POST /{ig}/media_publish":
            yield from edge_misfits("IGUser", "POST", "media_publish", given)
        elif operation == "GET /{ig}/media":
            yield from edge_misfits("IGUser", "GET", "media", given)
            yield from field_misfits("IGMedia", given.get("fields", ""))
        elif operation == "GET /{ig}/content_publishing_limit":
            yield from edge_misfits("IGUser", "GET", "content_publishing_limit", given)
        elif operation == "GET /{container}":
            asked = set(str(given.get("fields", "id")).split(","))
            yield from (f"a container has no field {name}" for name in asked - CONTAINER)
        elif operation == "GET /{media}":
            yield from field_misfits("IGMedia", given.get("fields", ""))

    def create(self, given: Mapping[str, Any]) -> Answer:
        """Begin a post."""
        kind = str(given.get("media_type", "IMAGE"))
        children = [str(each) for each in listed(given["children"])] if "children" in given else []
        if len(str(given.get("caption", ""))) > CAPTION:
            return error(100, "The caption was too long", 2207010)
        if kind == "CAROUSEL":
            if not LEAST <= len(children) <= MOST:
                return error(100, f"A carousel has {LEAST} to {MOST} items", 2207004)
            parts = [self.containers.get(child) for child in children]
            if not all(part and truth(part.given.get("is_carousel_item")) for part in parts):
                return error(100, "A child of the carousel is no carousel item", 2207006)
            if any(part and part.status(self.now()) != "FINISHED" for part in parts):
                return error(9007, "A child of the carousel is not ready", 2207027)
        elif "video_url" in given and kind not in ("REELS", "STORIES", "VIDEO"):
            return error(100, "Only photo or video can be accepted as media type", 2207023)
        elif kind == "VIDEO" and not truth(given.get("is_carousel_item")):
            return error(100, "VIDEO is for carousel items; use REELS", 2207023)
        address = str(given.get("image_url", given.get("video_url", "")))
        made = Container(self.new_id(), self.now(), given, self.polls, address in self.broken)
        self.containers[made.id] = made
        return Answer(200, {"id": made.id})

    def status(self, id_: str, fields: str) -> Answer:
        """How far a container is; asking makes it go on."""
        found = self.containers[id_]
        told = found.status(self.now())
        found.polls -= 1
        words = f"{told.capitalize()}: 2207052" if told == "ERROR" else told.capitalize()
        whole = {"id": id_, "status_code": told, "status": words}
        return Answer(200, {k: v for k, v in whole.items() if k == "id" or k in fields.split(",")})

    def publish(self, given: Mapping[str, Any]) -> Answer:
        """Let everybody see it."""
        found = self.containers.get(str(given["creation_id"]))
        if found is None:
            return error(100, "Media ID is not available", 2207006)
        if self.used() >= self.quota:
            return error(9, "The maximum number of posts is reached", 2207042, 403)
        match found.status(self.now()):
            case "PUBLISHED":
                return error(9007, "This media was published already", 2207027)
            case "EXPIRED":
                return error(24, "The media container has expired", 2207008)
            case "IN_PROGRESS" | "ERROR":
                return error(9007, "The media is not ready for publishing", 2207027)
        given, parts = found.given, [found]
        if "children" in given:
            parts = [self.containers[str(each)] for each in listed(given["children"])]
        made = self.post(str(given.get("caption", "")))
        made.kind = {"REELS": "VIDEO", "CAROUSEL": "CAROUSEL_ALBUM"}.get(
            str(given.get("media_type")), "IMAGE"
        )
        made.addresses = [str(p.given.get("image_url", p.given.get("video_url"))) for p in parts]
        made.alts = [str(p.given.get("alt_text", "")) for p in parts]
        found.media = made.id
        return Answer(200, {"id": made.id})

    def used(self) -> int:
        """How many posts of the last day count."""
        return sum(self.now() - each.at < timedelta(hours=24) for each in self.media)

    def limit(self) -> Answer:
        """What is left of the day."""
        config = {"quota_total": self.quota, "quota_duration": 86_400}
        return Answer(200, {"data": [{"config": config, "quota_usage": self.used()}]})

    def list(self, given: Mapping[str, Any]) -> Answer:
        """The newest first."""
        shown = [each for each in reversed(self.media) if each.id not in self.hidden]
        if since := given.get("since"):
            shown = [each for each in shown if each.at.timestamp() >= float(since)]
        return paged(shown, given, self.page, lambda each: self.told(each, given.get("fields", "")))

    def told(self, item: Shown, fields: str) -> dict[str, Any]:
        """One post as the API gives it."""
        whole = {
            "id": item.id,
            "caption": item.caption,
            "timestamp": f"{item.at:%Y-%m-%dT%H:%M:%S}+0000",
            "permalink": f"https://www.instagram.com/p/{item.id[-6:]}/",
            "media_type": item.kind,
            "username": self.name,
            "like_count": item.likes,
            "comments_count": item.comments,
        }
        if not item.caption:
            del whole["caption"]  # a post without words has no such field
        return {k: v for k, v in whole.items() if k == "id" or k in fields.split(",")}


def paged(
    items: list[Any], given: Mapping[str, Any], most: int, told: Callable[[Any], dict[str, Any]]
) -> Answer:
    """One page of a list, as Meta parts them: after a cursor, until no `next` is there."""
    size = min(int(given.get("limit", most)), most)
    at = int(str(given.get("after", "c0")).removeprefix("c"))
    part = items[at : at + size]
    answer: dict[str, Any] = {"data": [told(each) for each in part]}
    if part:
        answer["paging"] = {"cursors": {"before": f"c{at}", "after": f"c{at + len(part)}"}}
        if at + size < len(items):
            next_ = f"https://graph.facebook.com/v23.0/next?after=c{at + len(part)}"
            answer["paging"]["next"] = next_
    return Answer(200, answer)
