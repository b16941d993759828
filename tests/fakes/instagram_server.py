"""A server that plays Instagram by its own login, and what Meta's Graph serves to both logins.

What stands there is `instagram_world`'s; behind a page of Facebook it is `facebook_server` that
serves it. Judged by Meta's published description where it covers, else by a facts sheet
(2026-11-21). Whatever a client should not have sent stands in `mistakes`.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar

from aiohttp import web

from tests.fakes.instagram_world import InstagramWorld
from tests.fakes.meta_rules import error, refused
from tests.fakes.network_server import Answer, Ask, NetworkServer

VERSION = re.compile(r"/v2\d\.0(/.*)")
_PUBLISH = frozenset({"instagram_business_basic", "instagram_business_content_publish"})


class GraphServer(NetworkServer):
    """Accounts of Instagram."""

    def __init__(self, name: str, now: Callable[[], datetime]) -> None:
        super().__init__(name, now)
        self.instagrams: dict[str, InstagramWorld] = {}

    def add_instagram(self, id_: str, name: str) -> InstagramWorld:
        """An account."""
        made = InstagramWorld(id_, name, lambda: self.now(), self.new_id)
        self.instagrams[id_] = made
        return made

    def operation(self, method: str, path: str) -> str:
        found = VERSION.fullmatch(path)
        if found is None:
            return ""
        id_, _, edge = found[1].strip("/").partition("/")
        if id_ in self.instagrams:
            return f"{method} /{{ig}}/{edge}".rstrip("/")
        if any(id_ in world.containers for world in self.instagrams.values()):
            return f"{method} /{{container}}"
        return f"{method} /{{media}}" if id_.isdecimal() and not edge else ""

    def judge(self, ask: Ask) -> None:
        id_ = ask.path.split("/")[2]
        self.mistakes += self._world(id_).judge(ask.operation, ask.given)

    def _world(self, id_: str) -> InstagramWorld:
        """The account that an id belongs to; the first, where it belongs to none."""
        for world in self.instagrams.values():
            if id_ == world.id or id_ in world.containers or world.item(id_):
                return world
        return next(iter(self.instagrams.values()))

    def work(self, ask: Ask) -> Answer:
        id_ = ask.path.split("/")[2]
        fields, world = str(ask.given.get("fields", "id")), self._world(id_)
        match ask.operation:
            case "POST /{ig}/media":
                return world.create(ask.given)
            case "POST /{ig}/media_publish":
                return world.publish(ask.given)
            case "GET /{ig}/media":
                return world.list(ask.given)
            case "GET /{ig}/content_publishing_limit":
                return world.limit()
            case "GET /{ig}":
                return Answer(200, {"id": world.id, "username": world.name})
            case "GET /{container}":
                return world.status(id_, fields)
            case "GET /{media}":
                found = world.item(id_)
                gone = error(100, f"Object with ID '{id_}' does not exist", 33)
                return Answer(200, world.told(found, fields)) if found else gone
        return error(100, f"Unsupported request: {ask.operation}")

    def refused(self, how: str) -> Answer:
        return refused(how, self.retry_after)

    def token_of(self, request: web.Request, fields: Mapping[str, Any]) -> str:
        header = super().token_of(request, fields)
        given = str(fields.get("access_token", ""))
        if given and header and given != header:
            self.mistakes.append("two tokens in one request: no document says which counts")
        return given or header


class InstagramServer(GraphServer):
    """One professional account, by its own login."""

    NEEDS: ClassVar = {
        "POST /{ig}/media": _PUBLISH,
        "POST /{ig}/media_publish": _PUBLISH,
        "GET /{ig}/media": frozenset({"instagram_business_basic"}),
        "GET /{media}": frozenset({"instagram_business_basic"}),
    }

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        super().__init__("instagram", now)
        self.account = "17841400000000001"
        self.world = self.add_instagram(self.account, "ann")
