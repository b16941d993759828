"""A server for looking at the pages: our templates and scripts, the scripted answers of `house.py`.

`python -m tests.browser.demo [port]` serves it on loopback. It is no part of the product; it lets
every state of every page be seen and tested without a store or a model.
"""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import BodyPartReader, web

from bot.core.errors import UserError
from bot.core.ids import PersonId, TenantId
from bot.core.people import Person, Role
from bot.web import blog, pages
from bot.web.visitor import VISITOR
from tests.browser.furniture import furnish
from tests.browser.house import AGENTS, House, Json, Talk, iso, now
from tests.browser.office import OFFICE, office_routes, open_office
from tests.browser.posts import POSTS, Posts, posts_routes
from tests.browser.scenes import answer as play

HOUSE = web.AppKey("house", House)


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoVisitor:
    """Who is signed in at the demo: always the same person."""

    person: Person
    tenant: TenantId
    csrf: str


def visitor(role: str, csrf: str) -> DemoVisitor:
    tenant = TenantId("tnt_1")
    born = datetime(2026, 1, 1, tzinfo=UTC)
    person = Person(
        id=PersonId("per_1"), tenant=tenant, name="Ada Byron", role=Role(role), created_at=born
    )
    return DemoVisitor(person=person, tenant=tenant, csrf=csrf)


def refuse(status: int, code: str, message: str, **more: Any) -> web.Response:
    field = {"field": more.pop("field")} if "field" in more else {}
    return web.json_response(
        {"error": {"code": code, "message": message, **field}, **more}, status=status
    )


@web.middleware
async def guard(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    request[VISITOR] = visitor(request.app[HOUSE].role, request.app[HOUSE].csrf)
    if request.app[HOUSE].signed_out and request.path.startswith("/v1/"):
        return refuse(401, "signed_out", "Send a token as `Authorization: Bearer`.")
    if (
        request.path.startswith("/v1/")
        and request.method != "GET"
        and request.headers.get("X-CSRF-Token") != request.app[HOUSE].csrf
    ):
        return refuse(403, "stale_page", "This page is older than your sign-in.")
    try:
        return await handler(request)
    except web.HTTPNotFound:
        return (
            pages.error_page(404)
            if not request.path.startswith("/v1/")
            else refuse(404, "not_found", "There is no such thing here.")
        )
    except UserError as error:
        return refuse(error.status, "user", error.message)


def paged(request: web.Request, items: list[Json]) -> web.Response:
    limit, after = int(request.query.get("limit", 50)), int(request.query.get("after") or 0)
    more = str(after + limit) if after + limit < len(items) else None
    return web.json_response({"items": items[after : after + limit], "next": more})


def find(table: dict[str, Any], id_: str) -> Any:
    if id_ not in table:
        raise web.HTTPNotFound
    return table[id_]


async def me(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    model = {"name": "offline" if house.offline else "openai/gpt-4o-mini", "offline": house.offline}
    return web.json_response({
        "person": {"id": "per_1", "name": "Ada Byron", "role": house.role, "zone": "UTC"},
        "tenant": {"id": "tnt_1", "name": "Corner Coffee"}, "model": model, "access": "ask", "pending": len(house.pending),
        "agents": [{"name": name, "title": title, "emoji": emoji} for name, title, emoji in AGENTS],
    })  # fmt: skip


async def status(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    channels = [
        {"name": "web", "up": True, "detail": ""},
        {"name": "terminal", "up": True, "detail": ""},
    ]
    if len(house.talks) > 3:
        channels.append(
            {"name": "slack", "up": False, "detail": "the token was revoked; connect it again"}
        )
    return web.json_response({
        "running_since": iso(now() - timedelta(hours=3)), "version": "0.1.0", "model": "openai/gpt-4o-mini",
        "offline": house.offline, "channels": channels, "queued": 0, "open_turns": 0,
        "pending": len(house.pending), "spent_today_micros": 124300 if house.talks else 0, "dead": 0,
        "troubles": house.troubles, "extensions": house.extensions,
        "doubts": len([one for one in house.pending if one["kind"] == "doubt"]),
    })  # fmt: skip


async def conversations(request: web.Request) -> web.Response:
    house = request.app[HOUSE]
    waits = [one["conversation"] for one in house.pending]
    items = [
        {"id": talk.id, "title": talk.title, "agent": talk.agent, "channel": "web", "state": talk.state,
         "updated_at": talk.messages[-1]["at"] if talk.messages else iso(now()), "pending": waits.count(talk.id)}
        for talk in reversed(house.talks.values())
    ]  # fmt: skip
    return paged(request, items)


async def messages(request: web.Request) -> web.Response:
    found: Talk = find(request.app[HOUSE].talks, request.match_info["id"])
    limit, after = int(request.query.get("limit", 50)), int(request.query.get("after") or 0)
    if before := int(request.query.get("before", 0)):
        earlier = found.messages[: before - 1]
        more = len(earlier) > limit
        page = earlier[-limit:]
        return web.json_response({"items": page, "next": page[0]["n"] if more else None})
    items = found.messages[after : after + limit]
    more = after + len(items) < len(found.messages)
    return web.json_response({"items": items, "next": items[-1]["n"] if more else None})


async def stream(request: web.Request) -> web.StreamResponse:
    house = request.app[HOUSE]
    talk: Talk = find(house.talks, request.match_info["id"])
    if last := request.headers.get("Last-Event-ID"):
        house.resumed.append(last)
    response = web.StreamResponse(
        headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
    )
    await response.prepare(request)
    await response.write(b": hello\n\n")
    after = int(request.query.get("after", 0))
    async for id_, name, data in house.follow(talk, last or "", after):
        await response.write(f"id: {id_}\nevent: {name}\ndata: {json.dumps(data)}\n\n".encode())
    if request.transport is not None:
        request.transport.close()
    return response


async def send(request: web.Request) -> web.Response:
    house, body = request.app[HOUSE], await request.json()
    key, text = request.headers["Idempotency-Key"], body["text"]
    house.sent.append({"key": key, **body})
    word = text.split()[0].lower() if text.split() else ""
    if key in house.keys:
        return web.json_response(house.keys[key][1], status=202)
    if word == "fail" and not house.failures.setdefault(key, 0):
        house.failures[key] += 1
        return refuse(
            507,
            "disk_full",
            "The disk is full: nothing was stored. Free some space, then send again.",
        )
    if word == "nokey" and house.offline:
        return refuse(503, "model_key", "No model key is set. Paste one below.")
    if body.get("conversation"):
        talk = find(house.talks, body["conversation"])
    else:
        talk = house.talk(text, body.get("agent") or "bri")
    turn = house.new("evt")
    answer = {"event": turn, "conversation": talk.id}
    house.keys[key] = (text, answer)
    files = [{"id": id_, "name": f"{id_}.txt", "size": 12} for id_ in body.get("attachments", [])]
    house.say(talk, "user", text, turn, **({"attachments": files} if files else {}))
    task = asyncio.create_task(play(house, talk, turn, text))
    request.app[TASKS].add(task)
    task.add_done_callback(request.app[TASKS].discard)
    return web.json_response(answer, status=202)


TASKS: web.AppKey[set[asyncio.Task[None]]] = web.AppKey("tasks", set)


async def approvals(request: web.Request) -> web.Response:
    items = list(request.app[HOUSE].approvals.values())
    for name in ("state", "conversation"):
        if wanted := request.query.get(name):
            items = [one for one in items if one[name] == wanted]
    return paged(request, items)


async def approval(request: web.Request) -> web.Response:
    return web.json_response(find(request.app[HOUSE].approvals, request.match_info["id"]))


async def decide(request: web.Request) -> web.Response:
    house, answer = request.app[HOUSE], await request.json()
    found = find(house.approvals, request.match_info["id"])
    house.decisions.append({"id": found["id"], **answer})
    if found["state"] != "pending" or answer.get("version") != found["version"]:
        words = (
            "Somebody else decided this already."
            if found["state"] != "pending"
            else "It changed meanwhile. Look again."
        )
        return refuse(409, "conflict", words, approval=found)
    if answer["decision"] == "edit" and not answer["arguments"].get("text", "x").strip():
        return refuse(422, "invalid", "The text may not be empty.", field="text")
    house.settle(found, answer["decision"], answer)
    return web.json_response(found)


async def key(request: web.Request) -> web.Response:
    house, body = request.app[HOUSE], await request.json()
    if "wrong" in body["key"]:
        return refuse(
            422,
            "key_refused",
            "OpenAI refused the key ending in wrong (HTTP 401: incorrect API key). Copy it again.",
            field="key",
        )
    house.offline = False
    return web.json_response(
        {
            "provider": "OpenAI",
            "models": ["openai/gpt-4o-mini", "openai/gpt-4o"],
            "model": body.get("model", "openai/gpt-4o-mini"),
        }
    )


async def file(request: web.Request) -> web.Response:
    part = await (await request.multipart()).next()
    if not isinstance(part, BodyPartReader):
        return refuse(422, "invalid", "There is no file in this.")
    body = await part.read()
    if b"too large" in body:
        return refuse(413, "too_large", "Larger than 1 MB.")
    made: Json = {
        "id": request.app[HOUSE].new("fil"),
        "name": part.filename,
        "size": len(body),
        "media_type": "text/plain",
        "person": "per_1",
        "shared": request.query.get("shared") == "1",
        "created_at": iso(now()),
    }
    request.app[OFFICE].files.insert(0, made)
    return web.json_response(made)


async def feedback(request: web.Request) -> web.Response:
    request.app[HOUSE].feedback.append({"id": request.match_info["id"], **await request.json()})
    return web.json_response({})


async def stop(request: web.Request) -> web.Response:
    find(request.app[HOUSE].talks, request.match_info["id"]).state = "idle"
    return web.json_response({})


async def leave(request: web.Request) -> web.Response:
    return web.json_response({"signed_out": True})


def chat_routes() -> list[tuple[str, str, Callable[[web.Request], Awaitable[web.StreamResponse]]]]:
    return [
        ("GET", "/v1/me", me), ("GET", "/v1/status", status), ("GET", "/v1/conversations", conversations),
        ("GET", "/v1/conversations/{id}/messages", messages), ("GET", "/v1/conversations/{id}/stream", stream),
        ("POST", "/v1/messages", send), ("POST", "/v1/logout", leave), ("GET", "/v1/approvals", approvals), ("GET", "/v1/approvals/{id}", approval),
        ("POST", "/v1/approvals/{id}/decide", decide), ("POST", "/v1/models/key", key), ("POST", "/v1/files", file),
        ("POST", "/v1/messages/{id}/feedback", feedback), ("POST", "/v1/conversations/{id}/stop", stop),
    ]  # fmt: skip


def make_app(house: House, posts: Path) -> web.Application:
    """Return the demo as an application; the house can be changed while it runs."""
    app = web.Application(middlewares=[guard])
    app[HOUSE], app[TASKS] = house, set()
    open_office(app)
    app[POSTS] = Posts()
    for method, path, handler in [
        *pages.routes(),
        *blog.routes(posts),
        *chat_routes(),
        *office_routes(),
        *posts_routes(),
    ]:
        app.router.add_route(method, path, handler)
    return app


if __name__ == "__main__":
    lived_in = House()
    furnish(lived_in)
    web.run_app(
        make_app(lived_in, Path()),
        host="127.0.0.1",
        port=int(sys.argv[1]) if sys.argv[1:] else 8090,
    )
