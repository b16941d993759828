"""A server that plays TikTok: its OAuth as `oauth_server` has it, posting films and photos, lists.

No description is published, so TikTok's pages judge instead (developers.tiktok.com, Content Posting
API: direct post, photo post, media transfer guide, get post status, query creator info; Display API:
list videos; read 2026-11-21). A film by its bytes is visible when its last part has come, one by its
address when TikTok has fetched it; the number of a post is told only after moderation. Not certain:
which refusals come with which status. Whatever a client should not have sent stands in `mistakes`.
"""

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from aiohttp import web
from jsonschema import Draft202012Validator

from tests.fakes.social_server import Reply, SocialServer

UPLOADS = "https://open-upload.tiktokapis.com"
"""Where the bytes of a film go; the address alone opens the door, no token is needed."""
MB = 1_000_000
LEVELS = ("PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "FOLLOWER_OF_CREATOR", "SELF_ONLY")
LISTED = {"id", "title", "video_description", "create_time", "share_url", "cover_image_url"}
LISTED |= {"duration", "view_count", "like_count", "comment_count", "share_count", "embed_link"}
CREATOR = "POST /v2/post/publish/creator_info/query/"
FILM = "POST /v2/post/publish/video/init/"
PHOTOS = "POST /v2/post/publish/content/init/"
STATUS = "POST /v2/post/publish/status/fetch/"
LIST, QUERY = "POST /v2/video/list/", "POST /v2/video/query/"
UPLOAD = "PUT /video/"


def _shape(need: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(need),
        "properties": properties,
        "additionalProperties": False,
    }


_YES_NO = {"type": "boolean"}
_NUMBER = {"type": "integer", "minimum": 1}
_ADDRESS = {"type": "string", "pattern": "^https://"}
_TITLE = {"type": "string", "maxLength": 2200}
_CHOICES: dict[str, Any] = {
    "privacy_level": {"enum": list(LEVELS)},
    "disable_comment": _YES_NO,
    "brand_content_toggle": _YES_NO,
    "brand_organic_toggle": _YES_NO,
}
_FILM_INFO = _shape(
    ("privacy_level",),
    **_CHOICES,
    title=_TITLE,
    disable_duet=_YES_NO,
    disable_stitch=_YES_NO,
    video_cover_timestamp_ms={"type": "integer", "minimum": 0},
    is_aigc=_YES_NO,
)
_PULLED = _shape(("source", "video_url"), source={"const": "PULL_FROM_URL"}, video_url=_ADDRESS)
_SENT = _shape(
    ("source", "video_size", "chunk_size", "total_chunk_count"),
    source={"const": "FILE_UPLOAD"},
    video_size=_NUMBER,
    chunk_size=_NUMBER,
    total_chunk_count={"type": "integer", "minimum": 1, "maximum": 1000},
)
_PHOTO_INFO = _shape(
    ("privacy_level",),
    **_CHOICES,
    title={"type": "string", "maxLength": 90},
    description={"type": "string", "maxLength": 4000},
    auto_add_music=_YES_NO,
)
_PHOTOS = _shape(
    ("source", "photo_images", "photo_cover_index"),
    source={"const": "PULL_FROM_URL"},
    photo_images={"type": "array", "minItems": 1, "maxItems": 35, "items": _ADDRESS},
    photo_cover_index={"type": "integer", "minimum": 0},
)
BODIES: Mapping[str, dict[str, Any]] = {
    FILM: _shape(
        ("post_info", "source_info"),
        post_info=_FILM_INFO,
        source_info={"oneOf": [_PULLED, _SENT]},
    ),
    PHOTOS: _shape(
        ("post_info", "source_info", "post_mode", "media_type"),
        post_info=_PHOTO_INFO,
        source_info=_PHOTOS,
        post_mode={"const": "DIRECT_POST"},
        media_type={"const": "PHOTO"},
    ),
    STATUS: _shape(("publish_id",), publish_id={"type": "string", "maxLength": 64}),
    LIST: _shape((), cursor={"type": "integer"}, max_count={"type": "integer", "maximum": 20}),
    QUERY: _shape(
        ("filters",),
        filters=_shape(
            ("video_ids",),
            video_ids={"type": "array", "maxItems": 20, "items": {"type": "string"}},
        ),
    ),
}


@dataclass
class Begun:
    """One posting, from its beginning on."""

    publish_id: str
    info: Mapping[str, Any]
    source: Mapping[str, Any]
    kind: str
    """video or photo."""
    bytes: bytes = b""
    status: str = "PROCESSING_UPLOAD"
    reason: str = ""
    asked: int = 0
    post: str = ""
    """The number of the post, once there is one."""


@dataclass
class Posted:
    """One post."""

    id: str
    text: str
    at: datetime
    privacy: str = "PUBLIC_TO_EVERYONE"
    title: str = ""
    media: list[Any] = field(default_factory=list)
    """Addresses, or the bytes of a film."""


class TikTokServer(SocialServer):
    """TikTok."""

    NEEDS: ClassVar[Mapping[str, set[str]]] = {
        CREATOR: {"video.publish"},
        FILM: {"video.publish"},
        PHOTOS: {"video.publish"},
        STATUS: {"video.publish"},
        LIST: {"video.list"},
        QUERY: {"video.list"},
    }
    OPEN: ClassVar[frozenset[str]] = frozenset({UPLOAD})

    def __init__(self, now: Callable[[], datetime] | None = None) -> None:
        super().__init__("tiktok", now)
        self.account = "-000OpenIdOfAnn"
        self.levels = ["PUBLIC_TO_EVERYONE", "MUTUAL_FOLLOW_FRIENDS", "SELF_ONLY"]
        self.disabled: set[str] = set()
        """Of comment, duet and stitch: what the account has switched off."""
        self.longest_s = 300
        self.is_audited = True
        """An app that is not audited posts for the account alone."""
        self.verified = ("https://",)
        """Beginnings of the addresses that TikTok fetches from."""
        self.begun: dict[str, Begun] = {}
        self.posts: list[Posted] = []
        self.slow = 0
        """How many times a posting is said to be in the works still."""
        self.moderates = False
        """Whether the numbers of public posts are held back."""
        self.breaks = ""
        """Why postings fail at the end, such as `picture_size_check_failed`."""
        self.page = 20
        self.uploads = UPLOADS
        """Where a client is told to bring a film; what comes to this server's path is taken."""
        self._count = itertools.count(7_575_000_000_000_000_001)

    def post(self, text: str, at: datetime | None = None) -> Posted:
        """Somebody posts by hand."""
        self.posts.append(Posted(str(next(self._count)), text, at or self.now()))
        return self.posts[-1]

    def operation(self, request: web.Request) -> str:
        """By path."""
        return f"{request.method} {request.path}"

    def judge(self, request: web.Request, operation: str, body: Any) -> None:
        """By the pages' tables."""
        if operation == UPLOAD:
            if not isinstance(body, bytes) or not request.content_type.startswith("video/"):
                self.mistakes.append("an upload is the bytes of a film, by their own type")
            return
        if request.content_type != "application/json":
            self.mistakes.append(f"{operation} takes JSON")
        if (shape := BODIES.get(operation)) is not None:
            self.mistakes += [
                f"{operation}: {each.json_path} {each.message[:200]}"
                for each in Draft202012Validator(shape).iter_errors(body)
            ]
        elif body not in (None, {}):
            self.mistakes.append(f"{operation} takes no body")
        fields = set(filter(None, request.query.get("fields", "").split(",")))
        if operation in (LIST, QUERY) and (not fields or fields - LISTED):
            self.mistakes.append(f"{operation}: fields are {sorted(fields)}")
        others = set(request.query) - ({"fields"} if operation in (LIST, QUERY) else set())
        self.mistakes += [f"{operation}: no parameter {name}" for name in sorted(others)]

    def refusal(self, how: str, status: int) -> Reply:
        """TikTok's form of an error: always with an empty `data`."""
        codes = {
            "unauthorized": "access_token_invalid",
            "forbidden": "scope_not_authorized",
            "limited": "rate_limit_exceeded",
            "bad": "invalid_params",
            "missing": "invalid_publish_id",
        }
        return _told({}, status, codes.get(how, how))

    def work(self, operation: str, request: web.Request, body: Any) -> Reply:
        """Do it."""
        match operation:
            case _ if operation == CREATOR:
                return _told(self._creator())
            case _ if operation == FILM:
                return self._film(body)
            case _ if operation == PHOTOS:
                return self._photos(body)
            case _ if operation == STATUS:
                return self._status(body["publish_id"])
            case _ if operation == UPLOAD:
                return self._upload(request, body)
        fields = request.query["fields"].split(",")
        if operation == QUERY:
            wanted = body["filters"]["video_ids"]
            found = [p for p in self.posts if p.id in wanted]
            return _told({"videos": [_listed(p, fields) for p in found]})
        size = min(int((body or {}).get("max_count", 10)), self.page)
        # A cursor is a time in milliseconds: what was made before it comes next.
        before = int((body or {}).get("cursor", 0)) or 10**15
        newest = [p for p in reversed(self.posts) if _ms(p) < before]
        part = newest[:size]
        told: dict[str, Any] = {"videos": [_listed(p, fields) for p in part]}
        told |= {"cursor": _ms(part[-1]) if part else 0, "has_more": len(newest) > size}
        return _told(told)

    def _creator(self) -> dict[str, Any]:
        return {
            "creator_avatar_url": "https://p16.tiktokcdn.com/ann.jpeg",
            "creator_username": "ann",
            "creator_nickname": "Ann",
            "privacy_level_options": self.levels,
            "comment_disabled": "comment" in self.disabled,
            "duet_disabled": "duet" in self.disabled,
            "stitch_disabled": "stitch" in self.disabled,
            "max_video_post_duration_sec": self.longest_s,
        }

    def _not_allowed(self, info: Mapping[str, Any], addresses: list[str]) -> Reply | None:
        level = info["privacy_level"]
        if level not in self.levels:
            return self.refusal("privacy_level_option_mismatch", 400)
        if not self.is_audited and level != "SELF_ONLY":
            return self.refusal("unaudited_client_can_only_post_to_private_accounts", 403)
        if info.get("brand_content_toggle") and level == "SELF_ONLY":
            return self.refusal("invalid_params", 400)
        if any(not address.startswith(self.verified) for address in addresses):
            return self.refusal("url_ownership_unverified", 403)
        return None

    def _begin(self, body: Any, kind: str) -> Begun:
        letter = "v_pub_file" if body["source_info"]["source"] == "FILE_UPLOAD" else "v_pub_url"
        id_ = f"{'p_pub_url' if kind == 'photo' else letter}~v2.{next(self._count)}"
        made = self.begun[id_] = Begun(id_, body["post_info"], body["source_info"], kind)
        return made

    def _photos(self, body: Any) -> Reply:
        if no := self._not_allowed(body["post_info"], body["source_info"]["photo_images"]):
            return no
        if body["source_info"]["photo_cover_index"] >= len(body["source_info"]["photo_images"]):
            return self.refusal("invalid_params", 400)
        made = self._begin(body, "photo")
        made.status = "PROCESSING_DOWNLOAD"
        return _told({"publish_id": made.publish_id})

    def _film(self, body: Any) -> Reply:
        source = body["source_info"]
        pulled = source["source"] == "PULL_FROM_URL"
        if no := self._not_allowed(body["post_info"], [source["video_url"]] if pulled else []):
            return no
        if not pulled and (wrong := _chunks(source)):
            self.mistakes.append(wrong)
            return self.refusal("invalid_params", 400)
        made = self._begin(body, "video")
        if pulled:
            made.status = "PROCESSING_DOWNLOAD"
            return _told({"publish_id": made.publish_id})
        number = made.publish_id.rsplit(".", 1)[1]
        where = f"{self.uploads}/video/?upload_id={number}&upload_token=t{number}"
        return _told({"publish_id": made.publish_id, "upload_url": where})

    def _upload(self, request: web.Request, body: bytes) -> Reply:
        number = request.query["upload_id"]
        if request.query["upload_token"] != f"t{number}":
            return Reply(403)
        made = next(b for b in self.begun.values() if b.publish_id.endswith(f".{number}"))
        total, size = made.source["video_size"], made.source["chunk_size"]
        said = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+)", request.headers.get("Content-Range", ""))
        if said is None or int(said[3]) != total or int(said[2]) - int(said[1]) + 1 != len(body):
            self.mistakes.append(f"Content-Range {request.headers.get('Content-Range')!r}")
            return Reply(400)
        if int(said[1]) != len(made.bytes):
            return Reply(416, headers={"Content-Range": f"bytes */{total}"})
        last = made.source["total_chunk_count"] - 1
        nth = int(said[1]) // size
        if len(body) != (total - last * size if nth == last else size):
            self.mistakes.append(f"chunk {nth} has {len(body)} bytes")
        made.bytes += body
        if len(made.bytes) < total:
            return Reply(206, headers={"Content-Range": f"bytes 0-{len(made.bytes) - 1}/{total}"})
        self._publish(made)
        return Reply(201)

    def _publish(self, made: Begun) -> None:
        """It is in TikTok's hands now: visible, unless it fails."""
        if self.breaks:
            made.status, made.reason = "FAILED", self.breaks
            return
        info = made.info
        text = info.get("description", "") if made.kind == "photo" else info.get("title", "")
        posted = self.post(text)
        posted.privacy = info["privacy_level"]
        posted.title = info.get("title", "") if made.kind == "photo" else ""
        url = made.source.get("video_url")
        posted.media = list(made.source.get("photo_images", [url] if url else [made.bytes]))
        made.post, made.status = posted.id, "PUBLISH_COMPLETE"

    def _status(self, publish_id: str) -> Reply:
        made = self.begun.get(publish_id)
        if made is None:
            return self.refusal("invalid_publish_id", 400)
        made.asked += 1
        is_early = made.asked <= self.slow
        if made.status == "PROCESSING_DOWNLOAD" and not is_early:
            self._publish(made)
        status = made.status
        if status == "PUBLISH_COMPLETE" and is_early:
            status = "PROCESSING_UPLOAD"
        told: dict[str, Any] = {"status": status, "uploaded_bytes": len(made.bytes)}
        if status == "FAILED":
            told["fail_reason"] = made.reason
        is_shown = status == "PUBLISH_COMPLETE" and made.info["privacy_level"] == LEVELS[0]
        if is_shown and not self.moderates:
            told["publicaly_available_post_id"] = [int(made.post)]  # sic
        return _told(told)


def _told(data: Any, status: int = 200, code: str = "ok") -> Reply:
    message = "" if code == "ok" else f"TikTok says {code}."
    error = {"code": code, "message": message, "log_id": "20261121120000AB"}
    return Reply(status, {"data": data, "error": error})


def _ms(post: Posted) -> int:
    return int(post.at.timestamp() * 1000)


def _listed(post: Posted, fields: list[str]) -> dict[str, Any]:
    told = {
        "id": post.id,
        "title": post.title or post.text[:150],
        "video_description": post.text,
        "create_time": int(post.at.timestamp()),
        "share_url": f"https://www.tiktok.com/@ann/video/{post.id}",
        "view_count": 12,
        "like_count": 3,
        "comment_count": 2,
        "share_count": 1,
    }
    return {name: told[name] for name in fields if name in told}


def _chunks(source: Mapping[str, Any]) -> str:
    """What is wrong with how a film is to be cut."""
    size, chunk, count = (source[n] for n in ("video_size", "chunk_size", "total_chunk_count"))
    if count != max(size // chunk, 1):
        return f"{size} bytes in chunks of {chunk} are not {count}"
    if size < 5 * MB and chunk != size:
        return "a film of less than 5 MB goes in one piece"
    if size >= 5 * MB and not 5 * MB <= chunk <= 64 * MB:
        return f"a chunk of {chunk} bytes"
    return ""
