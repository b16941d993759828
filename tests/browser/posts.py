"""Texts and mail in the demo API: a few numbers and threads, and two addresses that are closed."""

from datetime import timedelta
from typing import Any

from aiohttp import web

from tests.browser.house import Json, iso, now

OURS, SECOND = "+15550100001", "+15550100002"


class Posts:
    """What there is."""

    def __init__(self) -> None:
        at = iso(now() - timedelta(minutes=3))
        self.numbers: list[Json] = [
            {"number": OURS, "label": "Shop", "purpose": "orders", "default": True, "state": "ours", "agent": "kelly", "since": at},
            {"number": SECOND, "label": SECOND, "purpose": "", "default": False, "state": "elsewhere", "agent": None, "since": at},
        ]  # fmt: skip
        self.threads: list[Json] = [
            {"number": OURS, "contact": f"+1415555{n:04}", "name": "Ana" if n == 1 else None, "person": None, "heard": n, "said": n + 1, "last": "in", "last_at": at}
            for n in range(1, 5)
        ]  # fmt: skip
        self.closed: list[Json] = [
            {"address": "ben@example.org", "state": "bounced", "detail": "550 5.1.1 no such user", "at": at},
            {"address": "<b>eve</b>@example.org", "state": "complained", "detail": "by mail", "at": at},
        ]  # fmt: skip
        self.news: list[Json] = [
            {"id": f"n{n}", "address": f"p{n}@example.org", "state": state, "key": "", "detail": "", "at": at}
            for n, state in enumerate(("delivered", "sent", "delayed", "bounced"))
        ]  # fmt: skip
        self.fallen = [message("rep_1", "out", "undelivered", "the phone is switched off or cannot be reached (Twilio 30003)")]  # fmt: skip
        self.out: list[Json] = [
            {"contact": "+14155559999", "number": OURS, "state": "out", "how": "STOP", "at": at}
        ]


def message(id_: str, way: str, state: str, error: str = "") -> Json:
    return {
        "id": id_, "way": way, "kind": "reply", "sid": "SM1", "answers": "", "state": state, "segments": 1, "media": 0, "error": error,
        "number": OURS, "contact": "+14155550001", "at": iso(now()), "changed_at": iso(now()),
    }  # fmt: skip


POSTS = web.AppKey("posts", Posts)


def _list(noun: str) -> Any:
    async def listed(request: web.Request) -> web.Response:
        return web.json_response({"items": getattr(request.app[POSTS], noun), "next": None})

    return listed


async def change(request: web.Request) -> web.Response:
    told = await request.json()
    numbers = request.app[POSTS].numbers
    found = next(item for item in numbers if item["number"] == request.match_info["number"])
    if told.get("default"):
        for item in numbers:
            item["default"] = False
    found.update(told)
    return web.json_response(found)


async def messages(request: web.Request) -> web.Response:
    items = [message("rep_1", "out", "delivered"), message("SM1", "in", "received")]
    return web.json_response({"items": items, "next": None})


async def lift(request: web.Request) -> web.Response:
    posts, address = request.app[POSTS], request.match_info["address"]
    posts.closed = [item for item in posts.closed if item["address"] != address]
    return web.json_response({"address": address, "state": "bounced"})


def posts_routes() -> list[tuple[str, str, Any]]:
    return [
        ("GET", "/v1/sms/numbers", _list("numbers")), ("POST", "/v1/sms/numbers/{number}", change),
        ("GET", "/v1/sms/threads", _list("threads")), ("GET", "/v1/sms/threads/{number}/{contact}", messages),
        ("GET", "/v1/sms/opt-outs", _list("out")), ("GET", "/v1/sms/undelivered", _list("fallen")),
        ("GET", "/v1/mail/news", _list("news")), ("GET", "/v1/mail/closed", _list("closed")), ("DELETE", "/v1/mail/closed/{address}", lift),
    ]  # fmt: skip
