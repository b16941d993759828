"""A server that plays LinkedIn: its OAuth as `oauth_server` has it, posts, pictures, films, pages.

No description is published for these calls, so a sheet of facts judges instead (`BODIES` below):
learn.microsoft.com/linkedin/marketing, pages on the Posts, Images, Videos and MultiImage API and on
access to organisations, read 2026-11-21. Not certain: which scope `organizationAcls` wants (here
`r_organization_social`), the words of the refusal of a duplicate, and when a picture is AVAILABLE.
Whatever a client should not have sent stands in `mistakes`.
"""

import itertools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import unquote

from aiohttp import web
from jsonschema import Draft202012Validator

from tests.fakes.social_server import Reply, SocialServer

UPLOADS = "https://www.linkedin.com"
"""Where pictures and films go; with the token, by PUT."""
PART = 4_194_304
"""LinkedIn cuts films into parts of 4 MiB."""
COUNTS, SIZE = "GET /rest/organizationalEntityShareStatistics", "GET /rest/networkSizes/{urn}"
COUNTED = ("impression", "click", "like", "comment", "share")
ROLES = {"ADMINISTRATOR", "CONTENT_ADMINISTRATOR", "DIRECT_SPONSORED_CONTENT_POSTER"}


def _shape(need: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    return {
        "type": "object",
        "required": list(need),
        "properties": properties,
        "additionalProperties": False,
    }


_TEXT: dict[str, Any] = {"type": "string", "maxLength": 4086}
_AUTHOR = {"type": "string", "pattern": r"^urn:li:(person|organization):[\w-]+$"}
_PICTURE = {"type": "string", "pattern": r"^urn:li:image:[\w-]+$"}
_MEDIUM = {"type": "string", "pattern": r"^urn:li:(image|video|document):[\w-]+$"}
_MEDIA = _shape(("id",), id=_MEDIUM, title=_TEXT, altText=_TEXT)
_IMAGES = {
    "type": "array",
    "minItems": 2,
    "maxItems": 20,
    "items": _shape(("id",), id=_PICTURE, altText=_TEXT),
}
_ARTICLE = _shape(
    ("source", "title"),
    source={"type": "string", "pattern": "^https?://"},
    title={"type": "string", "minLength": 1, "maxLength": 400},
    description=_TEXT,
    thumbnail=_PICTURE,
)
_CONTENT = _shape(
    (), media=_MEDIA, multiImage=_shape(("images",), images=_IMAGES), article=_ARTICLE
) | {"minProperties": 1, "maxProperties": 1}
_NONE = {"type": "array", "maxItems": 0}
_FEED = _shape(
    ("feedDistribution",),
    feedDistribution={"enum": ["MAIN_FEED", "NONE"]},
    targetEntities=_NONE,
    thirdPartyDistributionChannels=_NONE,
)
BODIES: Mapping[str, dict[str, Any]] = {
    "POST /rest/posts": _shape(
        ("author", "commentary", "visibility", "distribution", "lifecycleState"),
        author=_AUTHOR,
        commentary={"type": "string"},
        visibility={"enum": ["PUBLIC", "CONNECTIONS", "LOGGED_IN"]},
        distribution=_FEED,
        content=_CONTENT,
        lifecycleState={"const": "PUBLISHED"},
        isReshareDisabledByAuthor={"type": "boolean"},
    ),
    "POST /rest/images?action=initializeUpload": _shape(
        ("initializeUploadRequest",), initializeUploadRequest=_shape(("owner",), owner=_AUTHOR)
    ),
    "POST /rest/videos?action=initializeUpload": _shape(
        ("initializeUploadRequest",),
        initializeUploadRequest=_shape(
            ("owner", "fileSizeBytes", "uploadCaptions", "uploadThumbnail"),
            owner=_AUTHOR,
            fileSizeBytes={"type": "integer", "minimum": 1},
            uploadCaptions={"const": False},
            uploadThumbnail={"const": False},
        ),
    ),
    "POST /rest/videos?action=finalizeUpload": _shape(
        ("finalizeUploadRequest",),
        finalizeUploadRequest=_shape(
            ("video", "uploadToken", "uploadedPartIds"),
            video={"type": "string", "pattern": "^urn:li:video:"},
            uploadToken={"type": "string"},
            uploadedPartIds={"type": "array", "items": {"type": "string"}, "minItems": 1},
        ),
    ),
}
_MEMBER, _OURS = {"w_member_social"}, {"r_organization_social"}
_QUERIES: Mapping[str, set[str]] = {
    "GET /rest/posts": {"q", "author", "count", "start", "sortBy", "isDsc", "viewContext"},
    "GET /rest/organizationAcls": {"q", "role", "state", "count", "start"},
    COUNTS: {"q", "organizationalEntity", "shares", "ugcPosts"},
    SIZE: {"edgeType"},
}
_BARE = re.compile(r"(?<!\\)[(){}\[\]<>@|*_~]")


@dataclass
class Posted:
    """One post."""

    urn: str
    author: str
    commentary: str
    """As it was sent."""
    at: datetime
    content: Mapping[str, Any]
    met: Mapping[str, int] = field(default_factory=dict)
    """What was counted of it, by LinkedIn's names."""

    @property
    def text(self) -> str:
        """What readers see: everything from the first sign on that was not escaped is gone. A
        hashtag is a template (the page on the little text format).
        """
        said = re.sub(r"\{hashtag\|\\#\|([^{}|]+)\}", r"\#\1", self.commentary)
        bare = _BARE.search(said)
        text = said[: bare.start()] if bare else said
        return re.sub(r"\\(.)", r"\1", text)

    def shown(self) -> dict[str, Any]:
        """As the API gives it."""
        at = int(self.at.timestamp() * 1000)
        told = {
            "id": self.urn,
            "author": self.author,
            "commentary": self.commentary,
            "visibility": "PUBLIC",
            "lifecycleState": "PUBLISHED",
            "createdAt": at,
            "publishedAt": at,
            "lastModifiedAt": at,
            "distribution": {"feedDistribution": "MAIN_FEED"},
            "isReshareDisabledByAuthor": False,
        }
        return {**told, "content": self.content} if self.content else told


@dataclass
class Medium:
    """A picture or film."""

    urn: str
    owner: str
    size: int = 0
    """Of a film: as announced."""
    bytes: bytes = b""
    parts: dict[int, str] | None = None
    """Of a film: etags of the parts that came."""
    status: str = "WAITING_UPLOAD"
    asked: int = 0


class LinkedInServer(SocialServer):
    """LinkedIn."""

    NEEDS: ClassVar[Mapping[str, set[str]]] = {
        "POST /rest/posts": set(),  # by the author, see `_may`
        "GET /rest/posts": _OURS,
        "GET /rest/posts/{urn}": set(),
        "DELETE /rest/posts/{urn}": set(),
        "POST /rest/images?action=initializeUpload": set(),
        "GET /rest/images/{urn}": set(),
        "POST /rest/videos?action=initializeUpload": set(),
        "POST /rest/videos?action=finalizeUpload": set(),
        "GET /rest/videos/{urn}": set(),
        "PUT /dms-uploads": set(),
        "GET /rest/organizationAcls": _OURS,
        "GET /rest/organizations/{id}": _OURS,
        COUNTS: {"rw_organization_admin"},
        SIZE: {"rw_organization_admin"},
    }

    def __init__(self, now: Callable[[], datetime] | None = None) -> None:
        super().__init__("linkedin", now)
        self.account = "Ab_1-cD"
        self.organisations: dict[str, tuple[str, str]] = {}
        """Id → name and role of the account there, such as `("Rye", "ADMINISTRATOR")`."""
        self.followers: dict[str, int] = {}
        self.posts: list[Posted] = []
        self.media: dict[str, Medium] = {}
        self.slow = 0
        """How many times a picture or film is said to be processing still."""
        self.broken: str = ""
        """What a picture or film becomes instead of AVAILABLE."""
        self.sunset = ""
        """A version that is not served any more."""
        self.page = 100
        self._count = itertools.count(7_300_000_000_000_000_001)

    @property
    def me(self) -> str:
        """The account's urn."""
        return f"urn:li:person:{self.account}"

    def post(self, text: str, author: str = "", at: datetime | None = None) -> Posted:
        """Somebody posts by hand."""
        escaped = re.sub(r"([\\|{}@\[\]()<>#*_~])", r"\\\1", text)
        return self._made(author or self.me, escaped, {}, at)

    def operation(self, request: web.Request) -> str:
        """By path, and by the action where there is one."""
        path = request.path
        if path.startswith("/dms-uploads/"):
            return f"{request.method} /dms-uploads"
        path = re.sub(r"^/rest/(posts|images|videos|networkSizes)/.+$", r"/rest/\1/{urn}", path)
        path = re.sub(r"^/rest/organizations/[^/]+$", "/rest/organizations/{id}", path)
        action = request.query.get("action")
        return f"{request.method} {path}" + (f"?action={action}" if action else "")

    def judge(self, request: web.Request, operation: str, body: Any) -> None:
        """Headers were looked at by the OAuth; here bodies, queries and urns in paths."""
        if (shape := BODIES.get(operation)) is not None:
            self.mistakes += [
                f"{operation}: {each.json_path} {each.message[:200]}"
                for each in Draft202012Validator(shape).iter_errors(body)
            ]
        elif request.method == "PUT" and not isinstance(body, bytes):
            self.mistakes.append(f"{operation} takes the bytes of a picture or film")
        elif request.method in ("GET", "DELETE") and body is not None:
            self.mistakes.append(f"{operation} takes no body")
        known = _QUERIES.get(operation, {"action"} if request.method == "POST" else set())
        known = known | {"upload"} if request.method == "PUT" else known
        self.mistakes += [f"{operation}: no parameter {n}" for n in request.query if n not in known]
        if "{urn}" in operation and ":" in request.raw_path.split("?")[0]:
            self.mistakes.append(f"{request.raw_path}: a urn in a path is percent-encoded")
        wanted = {"GET /rest/posts": "author", "GET /rest/organizationAcls": "roleAssignee"}
        wanted |= {COUNTS: "organizationalEntity"}
        if operation == SIZE and request.query.get("edgeType") != "COMPANY_FOLLOWED_BY_MEMBER":
            self.mistakes.append(f"{operation} wants its kind of followers")
        asked = request.raw_path.partition("?")[2]
        if operation == COUNTS and not re.fullmatch(
            r"[^():]+(&(shares=List\(urn%3Ali%3Ashare|ugcPosts=List\(urn%3Ali%3AugcPost)%3A\d+\))?",
            asked,
        ):
            self.mistakes.append(f"{asked}: a list's brackets stand bare, its urns do not")
        if (q := wanted.get(operation)) and request.query.get("q") != q:
            self.mistakes.append(f"{operation} wants q={q}")

    def refusal(self, how: str, status: int) -> Reply:
        """LinkedIn's form of an error."""
        codes = {
            "unauthorized": (65600, "INVALID_ACCESS_TOKEN", "Invalid access token"),
            "forbidden": (100, "ACCESS_DENIED", "Not enough permissions to access this resource"),
            "missing": (0, "RESOURCE_NOT_FOUND", "Resource does not exist"),
            "limited": (101, "TOO_MANY_REQUESTS", "Resource level throttle limit is reached"),
            "conflict": (0, "CONFLICT", "The resource was changed meanwhile"),
            "sunset": (0, "NONEXISTENT_VERSION", "Requested version is not active"),
        }
        number, code, message = codes.get(how, (100, "INVALID_ARGUMENT", f"Refused: {how}"))
        return Reply(
            status, {"status": status, "serviceErrorCode": number, "code": code, "message": message}
        )

    def work(self, operation: str, request: web.Request, body: Any) -> Reply:
        """Do it."""
        if self.sunset and request.headers.get("LinkedIn-Version") == self.sunset:
            return self.refusal("sunset", 426)
        if operation == "POST /rest/posts":
            return self._create(request, body)
        if operation == "GET /rest/posts":
            return self._list(request)
        if "/rest/posts/" in operation:
            return self._one(request)
        if operation == "PUT /dms-uploads":
            return self._put(request, body)
        if "action=initializeUpload" in operation:
            return self._initialize(request, operation, body["initializeUploadRequest"])
        if "action=finalizeUpload" in operation:
            return self._finalize(body["finalizeUploadRequest"])
        if operation == "GET /rest/organizationAcls":
            return self._acls(request)
        if operation in (COUNTS, SIZE):
            return self._numbers(request)
        if operation.startswith("GET /rest/organizations/"):
            id_ = request.path.rsplit("/", 1)[1]
            if id_ not in self.organisations:
                return self.refusal("missing", 404)
            return Reply(200, {"id": int(id_), "localizedName": self.organisations[id_][0]})
        medium = self.media.get(unquote(request.path.rsplit("/", 1)[1]))
        if medium is None:
            return self.refusal("missing", 404)
        medium.asked += 1
        if medium.status == "PROCESSING" and medium.asked > self.slow:
            medium.status = self.broken or "AVAILABLE"
        return Reply(200, {"id": medium.urn, "owner": medium.owner, "status": medium.status})

    def _granted(self, request: web.Request) -> set[str]:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        return set(self.access[token].consent.scopes)

    def _may(self, request: web.Request, author: str) -> bool:
        if author == self.me:
            return self._granted(request) >= _MEMBER
        _, role = self.organisations.get(author.rsplit(":", 1)[1], ("", ""))
        return "w_organization_social" in self._granted(request) and role in ROLES

    def _made(self, author: str, text: str, content: Any, at: datetime | None = None) -> Posted:
        made = Posted(
            f"urn:li:share:{next(self._count)}", author, text, at or self.now(), content or {}
        )
        self.posts.append(made)
        return made

    def _create(self, request: web.Request, body: Any) -> Reply:
        author, text, content = body["author"], body["commentary"], body.get("content") or {}
        if not self._may(request, author):
            return self.refusal("forbidden", 403)
        if len(re.sub(r"\\(.)", r"\1", text)) > 3000:
            return self.refusal("commentary is too long", 400)
        used = [content["media"]["id"]] if "media" in content else []
        used += [each["id"] for each in content.get("multiImage", {}).get("images", [])]
        for urn in used:
            medium = self.media.get(urn)
            if medium is None or medium.owner != author:
                return self.refusal(f"{urn} is not the author's", 400)
            if medium.status != "AVAILABLE":
                return self.refusal(f"{urn} is {medium.status}", 400)
        same = [p for p in self.posts if p.author == author and p.commentary == text]
        if same and text:
            words = f"Content is a duplicate of {same[0].urn}"
            errors = [{"code": "DUPLICATE_POST", "description": words}]
            told = {"status": 422, "code": "UNPROCESSABLE_ENTITY", "message": words}
            return Reply(422, {**told, "errorDetails": {"inputErrors": errors}})
        made = self._made(author, text, content)
        return Reply(201, headers={"x-restli-id": made.urn})

    def _list(self, request: web.Request) -> Reply:
        author = request.query["author"]
        if author == self.me:
            return self.refusal("forbidden", 403)
        count, start = int(request.query.get("count", 10)), int(request.query.get("start", 0))
        if not 1 <= count <= 100:
            self.mistakes.append("count is 1 to 100")
        found = [p for p in reversed(self.posts) if p.author == author]
        shown = [p.shown() for p in found[start : start + min(count, self.page)]]
        paging = {"start": start, "count": count, "total": len(found), "links": []}
        return Reply(200, {"elements": shown, "paging": paging})

    def _one(self, request: web.Request) -> Reply:
        urn = unquote(request.path.split("/rest/posts/", 1)[1])
        found = next((p for p in self.posts if p.urn == urn), None)
        if request.method == "DELETE":
            if found and not self._may(request, found.author):
                return self.refusal("forbidden", 403)
            self.posts = [p for p in self.posts if p.urn != urn]
            return Reply(204)
        if found is None:
            return self.refusal("missing", 404)
        if found.author == self.me or not self._granted(request) >= _OURS:
            return self.refusal("forbidden", 403)
        return Reply(200, found.shown())

    def _initialize(self, request: web.Request, operation: str, body: Any) -> Reply:
        owner = body["owner"]
        if not self._may(request, owner):
            return self.refusal("forbidden", 403)
        kind = "video" if "/videos" in operation else "image"
        urn = f"urn:li:{kind}:C4{next(self._count)}"
        made = self.media[urn] = Medium(urn, owner, body.get("fileSizeBytes", 0))
        expires = int(self.now().timestamp() * 1000) + 86_400_000
        told: dict[str, Any] = {"uploadUrlExpiresAt": expires, kind: urn}
        where = f"{UPLOADS}/dms-uploads/{urn.rsplit(':', 1)[1]}"
        if kind == "image":
            told["uploadUrl"] = f"{where}/0?upload=1"
            return Reply(200, {"value": told})
        made.parts = {}
        told["uploadToken"] = ""
        told["uploadInstructions"] = [
            {
                "uploadUrl": f"{where}/{n}?upload=1",
                "firstByte": at,
                "lastByte": min(at + PART, made.size) - 1,
            }
            for n, at in enumerate(range(0, made.size, PART))
        ]
        return Reply(200, {"value": told})

    def _put(self, request: web.Request, body: Any) -> Reply:
        _, _, name, part = request.path.split("/")
        medium = next(m for m in self.media.values() if m.urn.endswith(f":{name}"))
        if medium.parts is None:
            medium.bytes, medium.status = body, "PROCESSING"
            return Reply(201)
        here = body[:PART]
        if len(body) > PART:
            self.mistakes.append("a part of a film has more than 4 MiB")
        medium.bytes += here
        medium.parts[int(part)] = f'"etag-{name}-{part}"'
        return Reply(200, headers={"ETag": medium.parts[int(part)]})

    def _finalize(self, body: Any) -> Reply:
        medium = self.media[body["video"]]
        parts = medium.parts or {}
        given = [each.strip('"') for each in body["uploadedPartIds"]]
        if (
            given != [parts[n].strip('"') for n in sorted(parts)]
            or len(medium.bytes) != medium.size
        ):
            return self.refusal("parts are missing", 400)
        medium.status = "PROCESSING"
        return Reply(200)

    def _numbers(self, request: web.Request) -> Reply:
        """Of a page that the account administers; a post that nothing is known of is left out."""
        page = request.query.get("organizationalEntity") or unquote(request.path.rsplit("/", 1)[1])
        id_ = page.rsplit(":", 1)[1]
        if self.organisations.get(id_, ("", ""))[1] != "ADMINISTRATOR":
            return self.refusal("forbidden", 403)
        if "edgeType" in request.query:
            return Reply(200, {"firstDegreeSize": self.followers.get(id_, 0)})
        lists = [request.query.get(name, "")[5:-1] for name in ("shares", "ugcPosts")]
        named = [urn for urn in lists if urn]
        posts = [p for p in self.posts if p.author == page and (not named or p.urn in named)]
        counts = {
            f"{name}Count": sum(p.met.get(f"{name}Count", 0) for p in posts) for name in COUNTED
        }
        told: dict[str, Any] = {"organizationalEntity": page}
        told["totalShareStatistics"] = counts | {"uniqueImpressionsCount": 0, "engagement": 0.0}
        if named:  # each kind stands under its own name
            told["ugcPost" if ":ugcPost:" in named[0] else "share"] = named[0]
        shown = [told] if posts or not named else []
        return Reply(200, {"elements": shown, "paging": {"start": 0, "count": 10, "links": []}})

    def _acls(self, request: web.Request) -> Reply:
        role = request.query.get("role", "")
        shown = [
            {
                "role": has,
                "state": "APPROVED",
                "roleAssignee": self.me,
                "organization": f"urn:li:organization:{id_}",
            }
            for id_, (_, has) in self.organisations.items()
            if role in ("", has)
        ]
        return Reply(200, {"elements": shown, "paging": {"start": 0, "count": 10, "links": []}})
