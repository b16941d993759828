"""A server that plays Pinterest: its OAuth as `oauth_server` has it, boards, pins and films.

Judged by Pinterest's published description (`pinterest`, openapi 5.23.0) where it is at hand: every
body, query and answer. A film goes to a place of Amazon's (`UPLOADS`), which takes the fields of the
form it was given and refuses a request that carries a token besides. Not in the description, and so
as the documents have it: limits, and that a pin of a board that is another's is refused.
"""

import itertools
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from aiohttp import web

from tests.fakes.openapi import described
from tests.fakes.social_server import Reply, SocialServer

API = described("pinterest")
UPLOADS = "https://pinterest-media-upload.s3-accelerate.amazonaws.com"
_READ, _WRITE = {"boards:read", "pins:read"}, {"boards:read", "pins:write"}
_UPLOAD = "POST /film-upload"


@dataclass
class Board:
    """One board."""

    id: str
    name: str
    privacy: str = "PUBLIC"

    def shown(self) -> dict[str, Any]:
        """As the API gives it."""
        return {"id": self.id, "name": self.name, "privacy": self.privacy, "description": ""}


@dataclass
class Pin:
    """One pin."""

    id: str
    board: str
    at: datetime
    told: Mapping[str, Any]
    """The body it was made with, without its media."""
    media: list[Any] = field(default_factory=list)
    """The bytes of each picture, its address, or the number of the film."""
    kind: str = "image"
    numbers: Mapping[str, int] = field(default_factory=dict)
    mine: bool = True
    """Whether the account made it."""

    def shown(self, *, metrics: bool = False) -> dict[str, Any]:
        """As the API gives it."""
        images = {"600x": {"width": 600, "height": 900, "url": "https://i.pinimg.com/1.jpg"}}
        media: dict[str, Any] = {"media_type": self.kind, "images": images}
        if self.kind == "multiple_images":
            media = {"media_type": self.kind, "items": [{"images": images} for _ in self.media]}
        made = {
            **self.told,
            "id": self.id,
            "board_id": self.board,
            "created_at": f"{self.at:%Y-%m-%dT%H:%M:%S}",
            "creative_type": "VIDEO" if self.kind == "video" else "REGULAR",
            "is_owner": self.mine,
            "media": media,
        }
        if metrics:
            made["pin_metrics"] = {
                "90d": dict(self.numbers),
                "lifetime_metrics": dict(self.numbers),
            }
        return made


class PinterestServer(SocialServer):
    """Pinterest."""

    NEEDS: ClassVar[Mapping[str, set[str]]] = {
        "GET /boards": {"boards:read"},
        "GET /boards/{id}": {"boards:read"},
        "GET /boards/{id}/pins": _READ,
        "GET /pins": _READ,
        "POST /pins": _WRITE | {"boards:write"},
        "GET /pins/{id}": _READ,
        "DELETE /pins/{id}": _WRITE | {"boards:write"},
        "POST /media": _WRITE,
        "GET /media/{id}": _READ,
    }
    OPEN: ClassVar[frozenset[str]] = frozenset({_UPLOAD})

    def __init__(self, now: Callable[[], datetime] | None = None) -> None:
        super().__init__("pinterest", now)
        self.account = "549755885175"
        self.boards: list[Board] = []
        self.pins: list[Pin] = []
        self.films: dict[str, dict[str, Any]] = {}
        self.page = 250
        """The most items that one page shows."""
        self.hidden: set[str] = set()
        """Pins that lists do not show yet."""
        self.slow = 0
        """How many times a film is said to be processing still."""
        self.breaks = False
        """Whether films fail."""
        self.uploads = UPLOADS
        """Where a client is told to bring a film; what comes to this server's path is taken."""
        self._count = itertools.count(813_744_226_420_795_001)

    def board(self, name: str, privacy: str = "PUBLIC") -> Board:
        """Somebody makes a board by hand."""
        self.boards.append(Board(str(next(self._count)), name, privacy))
        return self.boards[-1]

    def pin(self, board: Board, at: datetime | None = None, **told: Any) -> Pin:
        """Somebody pins by hand; `told`: title, description, link, alt_text."""
        made = Pin(str(next(self._count)), board.id, at or self.now(), told)
        self.pins.append(made)
        return made

    def operation(self, request: web.Request) -> str:
        """By path."""
        path = request.path.removeprefix("/v5")
        path = re.sub(r"^/(boards|pins|media)/[^/]+", r"/\1/{id}", path)
        return f"{request.method} {path}"

    def judge(self, request: web.Request, operation: str, body: Any) -> None:
        """By the description; the form of an upload by what was given for it."""
        if operation == _UPLOAD:
            if "Authorization" in request.headers:
                self.mistakes.append("a token goes to Amazon")
            if not isinstance(body, dict) or list(body)[-1:] != ["file"]:
                self.mistakes.append("an upload is a form whose last field is `file`")
            return
        path = request.path.removeprefix("/v5")
        self.mistakes += API.query_misfits(request.method, path, dict(request.query))
        if request.method == "POST":
            self.mistakes += API.body_misfits(request.method, path, body)
            source = body.get("media_source") if isinstance(body, dict) else None
            if isinstance(source, dict):
                self._judge_source(source)
        elif body is not None:
            self.mistakes.append(f"{operation} takes no body")
        size = request.query.get("page_size", "25")
        if not size.isdecimal() or not 1 <= int(size) <= 250:
            self.mistakes.append("page_size is 1 to 250")

    def _judge_source(self, source: Mapping[str, Any]) -> None:
        """One kind by its name, for the description offers them as alternatives."""
        mapping = API.document.get("components", {}).get("schemas", {}).get("PinMediaSource", {})
        names = mapping.get("discriminator", {}).get("mapping", {})
        name = names.get(source.get("source_type"))
        if names and name is None:
            self.mistakes.append(f"no source_type {source.get('source_type')!r}")
        elif name:
            self.mistakes += API.misfits(API.schema(name.rsplit("/", 1)[1]), dict(source))
        if source.get("source_type") == "video_id" and not {
            "cover_image_url",
            "cover_image_data",
            "cover_image_key_frame_time",
        } & set(source):
            self.mistakes.append("a film wants a cover")

    def judge_reply(self, request: web.Request, operation: str, reply: Reply) -> None:
        """Hold the server's own answer against the description."""
        if operation == _UPLOAD or reply.body is None:
            return
        path = request.path.removeprefix("/v5")
        found = API.answer_misfits(request.method, path, reply.status, reply.body)
        self.mistakes += [f"own answer to {operation}: {each}" for each in found]

    def refusal(self, how: str, status: int) -> Reply:
        """Pinterest's form of an error."""
        codes = {
            "unauthorized": (2, "Authentication failed."),
            "forbidden": (29, "You are not permitted to access that resource."),
            "missing": (50, "Pin not found."),
            "limited": (8, "You have exceeded your rate limit. Try again later."),
        }
        code, message = codes.get(how, (1, f"Invalid request: {how}"))
        return Reply(status, {"code": code, "message": message})

    def work(self, operation: str, request: web.Request, body: Any) -> Reply:
        """Do it."""
        id_ = request.path.removeprefix("/v5").split("/")[2:3]
        match operation:
            case "GET /boards":
                kind = request.query.get("privacy", "ALL")
                shown = [b.shown() for b in self.boards if kind in ("ALL", b.privacy)]
                return self._paged(request, shown)
            case "GET /boards/{id}":
                found = [b for b in self.boards if b.id == id_[0]]
                return Reply(200, found[0].shown()) if found else self._no("Board not found.", 40)
            case "GET /boards/{id}/pins" | "GET /pins":
                shown = [
                    p.shown(metrics=request.query.get("pin_metrics") == "true")
                    for p in reversed(self.pins)
                    if p.id not in self.hidden and (not id_ or p.board == id_[0])
                ]
                return self._paged(request, shown)
            case "POST /pins":
                return self._create(body)
            case "POST /media":
                return self._film()
            case "GET /media/{id}":
                return self._status(id_[0])
            case "POST /film-upload":
                return self._upload(body)
        pin = next((p for p in self.pins if p.id == id_[0]), None)
        if pin is None:
            return self.refusal("missing", 404)
        if request.method == "GET":
            return Reply(200, pin.shown(metrics=request.query.get("pin_metrics") == "true"))
        self.pins.remove(pin)
        return Reply(204)

    def _no(self, message: str, code: int) -> Reply:
        return Reply(404, {"code": code, "message": message})

    def _paged(self, request: web.Request, shown: list[Any]) -> Reply:
        size = min(int(request.query.get("page_size", 25)), self.page)
        at = int(request.query.get("bookmark", "0"), 16)
        more = f"{at + size:x}" if at + size < len(shown) else None
        return Reply(200, {"items": shown[at : at + size], "bookmark": more})

    def _create(self, body: Any) -> Reply:
        source = body["media_source"]
        told = {k: v for k, v in body.items() if k not in ("media_source", "board_id")}
        if all(b.id != body["board_id"] for b in self.boards):
            return self._no("Board not found.", 40)
        kind = source["source_type"]
        media: list[Any]
        if kind == "video_id":
            film = self.films.get(source["media_id"])
            if film is None or film["status"] != "succeeded":
                return self.refusal("the film is not there or not ready", 400)
            media, shown = [source["media_id"]], "video"
        elif kind.startswith("multiple_image"):
            items = source["items"]
            media = [b64decode(each["data"]) if "data" in each else each["url"] for each in items]
            shown = "multiple_images"
        else:
            media = [b64decode(source["data"]) if "data" in source else source["url"]]
            shown = "image"
        made = Pin(str(next(self._count)), body["board_id"], self.now(), told, media, shown)
        self.pins.append(made)
        return Reply(201, made.shown())

    def _film(self) -> Reply:
        id_ = str(next(self._count))
        form = {
            "x-amz-date": "20261121T120000Z",
            "x-amz-signature": f"sign{id_}",
            "x-amz-algorithm": "AWS4-HMAC-SHA256",
            "key": f"uploads/{id_}",
            "policy": f"policy{id_}",
            "Content-Type": "multipart/form-data",
        }
        self.films[id_] = {"form": form, "status": "registered", "bytes": b"", "asked": 0}
        told = {"media_id": id_, "media_type": "video", "upload_parameters": form}
        return Reply(201, {**told, "upload_url": f"{self.uploads}/film-upload"})

    def _upload(self, body: Any) -> Reply:
        film = next(f for f in self.films.values() if f["form"]["key"] == body["key"])
        if any(body.get(name) != value for name, value in film["form"].items()):
            return Reply(403)
        film.update(bytes=body["file"], status="processing")
        return Reply(204)

    def _status(self, id_: str) -> Reply:
        film = self.films.get(id_)
        if film is None:
            return self._no("Media not found.", 60)
        film["asked"] += 1
        if film["status"] == "processing" and film["asked"] > self.slow:
            film["status"] = "failed" if self.breaks else "succeeded"
        return Reply(200, {"media_id": id_, "media_type": "video", "status": film["status"]})
