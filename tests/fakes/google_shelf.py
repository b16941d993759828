"""The files behind the played Drive: what is kept, what a search finds, what is told of a file.

https://developers.google.com/workspace/drive/api/guides/ref-search-terms and .../fields-parameter
(read 2026-11-21). `name contains` matches beginnings of words, `fullText contains` whole words. Only
what is asked for in `fields` is told; without it, id, name and type.
"""

import hashlib
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.fakes.google_server import OWNER, Body, Refused

FOLDER = "application/vnd.google-apps.folder"
NATIVE = "application/vnd.google-apps."
FIELDS = {
    *("kind", "id", "name", "mimeType", "description", "parents", "properties", "appProperties"),
    *("size", "md5Checksum", "sha256Checksum", "createdTime", "modifiedTime", "webViewLink"),
    *("webContentLink", "iconLink", "owners", "permissions", "permissionIds", "shared", "trashed"),
    *("starred", "version", "capabilities", "fileExtension", "fullFileExtension", "driveId"),
    *("originalFilename", "lastModifyingUser", "ownedByMe", "exportLinks", "headRevisionId"),
    *("resourceKey", "sharingUser", "viewedByMeTime", "hasThumbnail", "shortcutDetails"),
}
GRANT = {
    *("kind", "id", "type", "role", "emailAddress", "domain", "displayName", "allowFileDiscovery"),
    *("deleted", "pendingOwner", "expirationTime", "permissionDetails", "view", "photoLink"),
}
ROLES = ("reader", "commenter", "writer", "owner")


@dataclass
class File:
    """One file, folder, or document of Google's own."""

    id: str
    name: str
    kind: str
    held: bytes
    at: datetime
    parents: list[str]
    app: bool = False
    """Made by this app: all that `drive.file` shows."""
    role: str = "owner"
    """What the account may do with it."""
    owner: str = OWNER
    is_trashed: bool = False
    more: Body = field(default_factory=dict)
    grants: list[Body] = field(default_factory=list)

    @property
    def is_native(self) -> bool:
        """Whether it has no bytes of its own."""
        return self.kind.startswith(NATIVE)

    @property
    def text(self) -> str:
        """What a search looks through."""
        return (
            f"{self.name} {self.more.get('description', '')} {self.held.decode('utf-8', 'ignore')}"
        )


@dataclass
class Shelf:
    """The files of one account."""

    now: Callable[[], datetime]
    files: dict[str, File] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    """Ids that were made ahead."""
    count: Any = field(default_factory=lambda: itertools.count(1))

    def new_id(self) -> str:
        """An id as Drive makes them."""
        return "1" + hashlib.sha256(str(next(self.count)).encode()).hexdigest()[:32]

    def put(self, name: str, held: bytes = b"", kind: str = "text/plain", **more: Any) -> File:
        """Put a file there; `more`: fields of `File`."""
        given = {"id": self.new_id(), "at": self.now(), "parents": ["root"], **more}
        made = File(name=name, held=held, kind=kind, **given)
        role = {"kind": "drive#permission", "id": grant_id(made.owner), "role": "owner"}
        made.grants.append({**role, "type": "user", "emailAddress": made.owner})
        self.files[made.id] = made
        return made

    # --- searching -----------------------------------------------------------------------------

    def found(self, query: str) -> list[File]:
        """What a search gives, the newest first. Raises Refused."""
        rule = Query(query, self.now).rule() if query.strip() else lambda _: True
        told = [file for file in self.files.values() if rule(file)]
        return sorted(told, key=lambda file: file.at, reverse=True)

    # --- showing -------------------------------------------------------------------------------

    def shown(self, file: File) -> Body:
        """All that can be told of a file."""
        told: Body = {
            "kind": "drive#file",
            "id": file.id,
            "name": file.name,
            "mimeType": file.kind,
            "parents": file.parents,
            "createdTime": stamp(file.at),
            "modifiedTime": stamp(file.at),
            "webViewLink": f"https://drive.google.com/file/d/{file.id}/view",
            "owners": [{"kind": "drive#user", "emailAddress": file.owner}],
            "ownedByMe": file.owner == OWNER,
            "shared": len(file.grants) > 1,
            "trashed": file.is_trashed,
            "starred": False,
            "version": str(len(file.grants)),
            "permissionIds": [grant["id"] for grant in file.grants],
            "capabilities": {
                "canDownload": True,
                "canEdit": file.role in ("owner", "writer"),
                "canShare": file.role in ("owner", "writer"),
            },
            **file.more,
        }
        if file.role in ("owner", "writer"):
            told["permissions"] = file.grants
        if not file.is_native:
            told["size"] = str(len(file.held))
            told["md5Checksum"] = hashlib.md5(file.held).hexdigest()
            told["sha256Checksum"] = hashlib.sha256(file.held).hexdigest()
            told["originalFilename"] = file.name
        return told


def stamp(when: datetime) -> str:
    """A time as Drive writes it."""
    return f"{when:%Y-%m-%dT%H:%M:%S}.000Z"


def grant_id(who: str) -> str:
    """The id of somebody's grant: the same for the same person, on every file."""
    if who == "anyone":
        return "anyoneWithLink"
    return str(int(hashlib.sha256(who.lower().encode()).hexdigest()[:15], 16))


def chosen(told: Body, wanted: str, known: set[str], usual: str) -> Body:
    """The part of an answer that `fields` names. Raises Refused for a field that there is not."""
    names = _fields(wanted or usual)
    if "*" in names:
        return told
    part: Body = {}
    for name, inner in names.items():
        if name not in known:
            raise Refused(400, "invalidParameter", f"Invalid field selection {name}")
        if name in told:
            part[name] = _inner(told[name], inner)
    return part


def _inner(value: Any, wanted: str) -> Any:
    if not wanted or "*" in _fields(wanted):
        return value
    if isinstance(value, list):
        return [_inner(each, wanted) for each in value]
    return {name: value[name] for name in _fields(wanted) if name in value}


def _fields(text: str) -> dict[str, str]:
    """`a,b(c,d),e/f` → {a: "", b: "c,d", e: "f"}."""
    found: dict[str, str] = {}
    for part in re.findall(r"[^,()]+(?:\((?:[^()]|\([^()]*\))*\))?", text.replace(" ", "")):
        name, _, inner = part.partition("(")
        name, slash, under = name.partition("/")
        found[name] = under if slash else inner.removesuffix(")")
    return found


class Query:
    """A search: terms, `and`, `or`, `not` and brackets."""

    _TOKEN = re.compile(r"\s*('(?:[^'\\]|\\.)*'|[A-Za-z]+|<=|>=|!=|[=<>(){}])")

    def __init__(self, text: str, now: Callable[[], datetime]) -> None:
        self.now, self.tokens, at = now, [], 0
        while text[at:].strip():
            found = self._TOKEN.match(text, at)
            if not found:
                raise _invalid(text[at:])
            self.tokens.append(found[1])
            at = found.end()

    def rule(self) -> Callable[[File], bool]:
        """Whether a file fits. Raises Refused."""
        made = self._any()
        if self.tokens:
            raise _invalid(self.tokens[0])
        return made

    def _any(self) -> Callable[[File], bool]:
        first = self._all()
        while self._next("or"):
            left, right = first, self._all()
            first = _either(left, right)
        return first

    def _all(self) -> Callable[[File], bool]:
        first = self._one()
        while self._next("and"):
            left, right = first, self._one()
            first = _both(left, right)
        return first

    def _one(self) -> Callable[[File], bool]:
        if self._next("not"):
            inner = self._one()
            return lambda file: not inner(file)
        if self._next("("):
            inner = self._any()
            self._want(")")
            return inner
        word = self._take()
        if word.startswith("'"):
            self._want("in")
            return self._in(_plain(word), self._take())
        return self._term(word)

    def _in(self, value: str, where: str) -> Callable[[File], bool]:
        if where == "parents":
            return lambda file: value in file.parents
        if where in ("owners", "writers", "readers"):
            least = {"owners": ("owner",), "writers": ("owner", "writer")}.get(where, ROLES)
            return lambda file: any(
                g.get("emailAddress") == value and g["role"] in least for g in file.grants
            )
        raise _invalid(where)

    def _term(self, name: str) -> Callable[[File], bool]:
        if name in ("properties", "appProperties"):
            return self._property(name)
        how, value = self._take(), _plain(self._take())
        if (name, how) == ("name", "contains"):
            return lambda file: all(_starts(file.name, each) for each in _words(value))
        if (name, how) == ("fullText", "contains"):
            phrase = value.strip('"')
            if value.startswith('"'):
                return lambda file: " ".join(_words(phrase)) in " ".join(_words(file.text))
            return lambda file: set(_words(value)) <= set(_words(file.text))
        if name in ("name", "mimeType") and how in ("=", "!="):
            key = {"name": "name", "mimeType": "kind"}[name]
            return lambda file: (getattr(file, key) == value) is (how == "=")
        if (name, how) == ("mimeType", "contains"):
            return lambda file: file.kind.startswith(value)
        if name in ("trashed", "starred", "sharedWithMe") and how in ("=", "!="):
            return self._flag(name, (value == "true") is (how == "="))
        if name in ("modifiedTime", "createdTime", "viewedByMeTime"):
            return self._when(how, value)
        raise _invalid(f"{name} {how}")

    @staticmethod
    def _flag(name: str, wanted: bool) -> Callable[[File], bool]:
        if name == "trashed":
            return lambda file: file.is_trashed is wanted
        if name == "sharedWithMe":
            return lambda file: (file.owner != OWNER) is wanted
        return lambda _: not wanted

    def _property(self, name: str) -> Callable[[File], bool]:
        words = [self._take() for _ in range(9)]
        if words[:4] != ["has", "{", "key", "="] or words[5:7] != ["and", "value"]:
            raise _invalid(" ".join(words))
        key, value = _plain(words[4]), _plain(words[8])
        self._want("}")
        return lambda file: file.more.get(name, {}).get(key) == value

    def _when(self, how: str, value: str) -> Callable[[File], bool]:
        try:
            when = datetime.fromisoformat(value)
        except ValueError:
            raise _invalid(value) from None
        if when.tzinfo is None:
            when = when.replace(tzinfo=self.now().tzinfo)
        rules: dict[str, Callable[[File], bool]] = {
            "<": lambda file: file.at < when,
            "<=": lambda file: file.at <= when,
            ">": lambda file: file.at > when,
            ">=": lambda file: file.at >= when,
            "=": lambda file: file.at == when,
        }
        if how not in rules:
            raise _invalid(how)
        return rules[how]

    def _take(self) -> str:
        if not self.tokens:
            raise _invalid("the end")
        return self.tokens.pop(0)

    def _next(self, word: str) -> bool:
        if self.tokens and self.tokens[0] == word:
            self.tokens.pop(0)
            return True
        return False

    def _want(self, word: str) -> None:
        if not self._next(word):
            raise _invalid(word)


def _either(a: Callable[[File], bool], b: Callable[[File], bool]) -> Callable[[File], bool]:
    return lambda file: a(file) or b(file)


def _both(a: Callable[[File], bool], b: Callable[[File], bool]) -> Callable[[File], bool]:
    return lambda file: a(file) and b(file)


def _plain(token: str) -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1]) if token.startswith("'") else token


def _words(text: str) -> list[str]:
    return re.findall(r"[^\W_]+", text.lower())


def _starts(name: str, word: str) -> bool:
    return any(each.startswith(word) for each in _words(name))


def _invalid(what: str) -> Refused:
    return Refused(400, "invalid", f"Invalid Value: {what}")
