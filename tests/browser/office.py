"""The administration's half of the demo API: scripted lists, long enough to page through."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

from aiohttp import web

from tests.browser.house import AGENTS, Json, iso, now

EVENTS = 10_000
ENDINGS = ("answered", "decided", "answered", "failed", "ignored", "merged", None)
SAID = (
    "What do we tell people about Sunday?",
    'publish "We are open on Sunday" on the blog',
    "Post the photo",
    "order lunch for six",
    "STOP",
    "and for Monday too",
    "read everything about coffee",
)


def event(number: int) -> Json:
    """One of ten thousand events, made up when it is asked for; the newest is number 0."""
    kind = number % len(SAID)
    return {
        "id": f"evt_{number:05d}", "kind": "pressed" if kind == 1 and number % 2 else "message",
        "channel": ("web", "slack", "telegram", "sms")[number % 4], "at": iso(now() - timedelta(minutes=7 * number)),
        "text": SAID[kind], "ending": ENDINGS[kind], "detail": "The model did not answer in 60 s." if ENDINGS[kind] == "failed" else "",
        "conversation": "cnv_000001", "person": "Ada Byron",
    }  # fmt: skip


def trace(number: int) -> Json:
    def step(index: int, kind: str, title: str, ms: int, **more: Any) -> Json:
        return {
            "step": index,
            "kind": kind,
            "title": title,
            "at": iso(now()),
            "ms": ms,
            "tokens_in": 0,
            "tokens_out": 0,
            "micros": 0,
            "data": {},
        } | more

    return event(number) | {
        "steps": [
            step(0, "prompt", "Laid the prompt", 2, data={"agent": "reynolds@3f2a", "tools": ["blog_publish"], "messages": [{"role": "user", "content": SAID[number % 7]}]}),
            step(1, "model", "Asked the model openai/gpt-4o-mini", 1840, tokens_in=2210, tokens_out=164, micros=430, data={"finish": "tool_calls", "tool_calls": [{"name": "blog_publish", "arguments": "{\"text\": \"We are open on Sunday\"}"}]}),
            step(2, "tool", "blog_publish", 14, data={"result": "waiting for approval 4821, not done"}),
            step(3, "model", "Asked the model openai/gpt-4o-mini", 960, tokens_in=2410, tokens_out=41, micros=386, data={"finish": "stop"}),
        ],
        "effects": [{"id": "eff_1", "tool": "blog_publish", "title": "Publish on the blog", "state": "sent", "url": "/blog/open-on-sunday", "arguments": {"text": "We are open on Sunday"}, "step": 2, "sandbox": False, "attempt": 1}],
        "audit": [{"at": iso(now()), "actor": "person:per_1", "action": "approval.approved", "target": "apr_1", "details": {"version": 1}}],
    }  # fmt: skip


class Office:
    """What the admin pages change."""

    def __init__(self) -> None:
        self.routes: list[Json] = [
            {"id": "bnd_1", "agent": "kelly", "channel": "slack", "workspace": "T1", "place": "C123", "thread": "", "person": "", "address": "", "describe": "channel slack and workspace T1 and place C123"},
            {"id": "bnd_2", "agent": "bri", "channel": "", "workspace": "", "place": "", "thread": "", "person": "", "address": "", "describe": "everything else"},
        ]  # fmt: skip
        self.people: list[Json] = [
            {
                "id": "per_1",
                "name": "Ada Byron",
                "role": "owner",
                "email": "ada@example.org",
                "created_at": iso(now()),
                "identities": [
                    {"channel": "slack", "account": "T1", "ext_id": "U7", "name": "ada"}
                ],
            }
        ]
        self.schedules: list[Json] = [
            {"id": "sch_1", "words": "every weekday at 9", "zone": "Europe/Berlin", "prompt": "Say what is on today.", "agent": "bri", "state": "active", "next_at": iso(now() + timedelta(hours=9)), "last_at": None},
            {"id": "sch_2", "words": "on the first of the month", "zone": "Europe/Berlin", "prompt": "Write the invoices.", "agent": "treasurer", "state": "paused", "next_at": None, "last_at": iso(now() - timedelta(days=20))},
        ]  # fmt: skip
        self.notes: list[Json] = [
            {"id": "mem_2", "text": "Ada prefers short answers.", "agent": "bri", "person": "per_1", "source": "a conversation", "conversation": "cnv_000001", "event": "evt_00001", "outside": False, "at": iso(now())},
            {"id": "mem_1", "text": "The shop opens at nine on Sundays.", "agent": "bri", "person": "per_1", "source": "example.org", "conversation": None, "event": None, "outside": True, "at": iso(now() - timedelta(days=3))},
        ]  # fmt: skip
        self.archives: list[Json] = [
            {"id": "arc_1", "title": "Plans of last winter", "agent": "bri", "person": "per_1", "conversation": "cnv_9", "first": 1, "last": 212, "lines": 212, "file": "fil_1", "at": iso(now() - timedelta(days=8)), "restored_at": None},
        ]  # fmt: skip
        self.sandbox: list[Json] = [
            {"id": "eff_8", "tool": "x_publish", "title": "Publish on X", "agent": "kelly", "at": iso(now()), "conversation": "cnv_000001", "event": "evt_00001", "arguments": {"text": "New shop, same coffee.\nCome by on Sunday!", "link": "https://example.org/sunday", "media": ["shop-front.jpg"]}},
            {"id": "eff_9", "tool": "email_send", "title": "Send an e-mail", "agent": "bri", "at": iso(now()), "conversation": "cnv_000001", "event": "evt_00002", "arguments": {"to": ["deli@example.org"], "subject": "Lunch", "text": "Six lunches, please."}},
            {"id": "eff_7", "tool": "stripe_invoice", "title": "Send an invoice", "agent": "treasurer", "at": iso(now()), "conversation": "cnv_000001", "event": "evt_00003", "arguments": {"to": "grace@example.org", "amount": 124000, "currency": "eur"}},
        ]  # fmt: skip
        self.dead: list[Json] = [
            {
                "id": "evt_00003",
                "at": iso(now()),
                "detail": "The model did not answer in 60 s, three times.",
                "attempts": 3,
                "text": "order lunch for six",
            }
        ]
        self.files: list[Json] = [
            {"id": f"fil_{n}", "name": name, "size": size, "media_type": "application/pdf", "person": person, "shared": shared, "created_at": iso(now() - timedelta(days=n))}
            for n, (name, size, person, shared) in enumerate([("Opening hours 2027.pdf", 48_213, "per_1", True), ("minutes-march.md", 1_204, "per_1", False), ("Supplier contract, signed, final version (2).docx", 1_804_112, "per_7", False)])
        ]  # fmt: skip
        self.is_empty = False


OFFICE = web.AppKey("office", Office)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def page(request: web.Request, items: list[Json]) -> web.Response:
    limit, after = int(request.query.get("limit", 50)), int(request.query.get("after") or 0)
    items = [] if request.app[OFFICE].is_empty else items
    more = str(after + limit) if after + limit < len(items) else None
    return web.json_response({"items": items[after : after + limit], "next": more})


async def events(request: web.Request) -> web.Response:
    limit, after = int(request.query.get("limit", 50)), int(request.query.get("after") or 0)
    total = 0 if request.app[OFFICE].is_empty else EVENTS
    items = [event(number) for number in range(after, min(after + limit, total))]
    return web.json_response(
        {"items": items, "next": str(after + limit) if after + limit < total else None}
    )


async def one_event(request: web.Request) -> web.Response:
    tail = request.match_info["id"].removeprefix("evt_")
    if not tail.isdigit() or int(tail) >= EVENTS:
        return web.json_response(
            {"error": {"code": "not_found", "message": "There is no such event."}}, status=404
        )
    return web.json_response(trace(int(tail)))


async def agents(request: web.Request) -> web.Response:
    tools = ["web_read", "memory_remember", "memory_recall"]
    return page(
        request,
        [
            {"name": name, "title": title, "emoji": emoji, "tools": tools}
            for name, title, emoji in AGENTS
        ],
    )


async def routes(request: web.Request) -> web.Response:
    office = request.app[OFFICE]
    if request.method == "POST":
        body = await request.json()
        if not body.get("agent"):
            return web.json_response(
                {"error": {"code": "invalid", "message": "Choose an agent.", "field": "agent"}},
                status=422,
            )
        named = [
            f"{name} {body[name]}"
            for name in ("channel", "workspace", "place", "thread", "person", "address")
            if body.get(name)
        ]
        office.routes.append(
            {
                "id": f"bnd_{len(office.routes) + 1}",
                **body,
                "describe": " and ".join(named) or "everything else",
            }
        )
        return web.json_response(office.routes[-1])
    if request.method == "DELETE":
        office.routes = [one for one in office.routes if one["id"] != request.match_info["id"]]
        return web.json_response({})
    return page(request, office.routes)


async def explain(request: web.Request) -> web.Response:
    won = request.query.get("channel") == "slack" and request.query.get("place") == "C123"
    return web.json_response({
        "agent": "kelly" if won else "bri", "why": "The most specific rule that fits wins.",
        "verdicts": [
            {"rule": "channel slack and workspace T1 and place C123", "agent": "kelly", "won": won, "why": "names the place" if won else "the place is not C123"},
            {"rule": "everything else", "agent": "bri", "won": not won, "why": "a more specific rule fits" if won else "no other rule fits"},
        ],
    })  # fmt: skip


async def people(request: web.Request) -> web.Response:
    office = request.app[OFFICE]
    if request.method == "POST":
        body = await request.json()
        if not body.get("name", "").strip():
            return web.json_response(
                {
                    "error": {
                        "code": "invalid",
                        "message": "A person needs a name.",
                        "field": "name",
                    }
                },
                status=422,
            )
        office.people.append(
            {"id": f"per_{len(office.people) + 1}", "created_at": iso(now()), "email": "", **body}
        )
        return web.json_response(
            {"person": office.people[-1], "link": "http://127.0.0.1:8080/in/7YQ2-K4WD-MN3P"}
        )
    return page(request, office.people)


async def person(request: web.Request) -> web.Response:
    office = request.app[OFFICE]
    one = next(one for one in office.people if one["id"] == request.match_info["id"])
    role = (await request.json())["role"] if request.method == "POST" else ""
    owners = [other for other in office.people if other["role"] == "owner"]
    if owners == [one] and role != "owner":
        told = {
            "code": "conflict",
            "message": "This is the only owner. Make somebody else an owner.",
        }
        return web.json_response({"error": told}, status=409)
    one["role"] = role
    office.people = [other for other in office.people if other["role"]]
    return web.json_response(one)


async def pair(request: web.Request) -> web.Response:
    body = await request.json()
    if body["code"] != "K7Q2M4WD":
        return web.json_response(
            {
                "error": {
                    "code": "not_found",
                    "message": "This code is not known, or is older than an hour.",
                    "field": "code",
                }
            },
            status=404,
        )
    known = {person["id"]: person for person in request.app[OFFICE].people}
    person = known.get(body.get("person")) or {"id": "per_9", "name": body.get("name") or "Grace"}
    return web.json_response({"person": person})


async def schedules(request: web.Request) -> web.Response:
    office = request.app[OFFICE]
    if request.method == "POST":
        found = next(one for one in office.schedules if one["id"] == request.match_info["id"])
        found["state"] = (await request.json())["state"]
        return web.json_response(found)
    return page(request, office.schedules)


async def dead(request: web.Request) -> web.Response:
    office = request.app[OFFICE]
    if request.method == "POST":
        office.dead = []
        return web.json_response({})
    return page(request, office.dead)


async def audit(request: web.Request) -> web.Response:
    lines = [
        {
            "at": iso(now() - timedelta(minutes=number)),
            "actor": "person:per_1",
            "action": ("approval.approved", "person.added", "model.key")[number % 3],
            "target": f"apr_{number}",
            "details": {"version": 1},
        }
        for number in range(300)
    ]
    return page(request, lines)


async def opinions(request: web.Request) -> web.Response:
    told = (("up", ""), ("down", "It was too short, and it did not say when we close."), ("up", ""))
    lines = [
        {
            "message": f"msg_{number}",
            "conversation": "cnv_1",
            "event": f"evt_{number:05d}",
            "person": {"id": "per_1", "name": "Ada Byron"},
            "agent": ("bri", "kelly")[number % 2],
            "model": "openai/gpt-5.4-mini" if number % 2 else None,
            "value": told[number % 3][0],
            "detail": told[number % 3][1],
            "text": "We are open on Sunday from ten to four, and closed on Monday.",
            "at": iso(now() - timedelta(minutes=number)),
        }
        for number in range(120)
    ]
    return page(request, [] if request.app[OFFICE].is_empty else lines)


async def files(request: web.Request) -> web.Response:
    office = request.app[OFFICE]
    id_ = request.match_info.get("id", "")
    if request.method == "DELETE":
        office.files = [one for one in office.files if one["id"] != id_]
        return web.json_response({"id": id_})
    if request.method == "POST":
        url = f"https://bot.example.org/files/tnt_1.{id_}.1792000000000000.{'ab' * 32}"
        return web.json_response({"url": url, "expires_at": iso(now() + timedelta(hours=1))})
    return page(request, office.files)


async def notes(request: web.Request) -> web.Response:
    kept = request.app[OFFICE].notes
    if request.method == "DELETE":
        kept[:] = [note for note in kept if note["id"] != request.match_info["id"]]
        return web.json_response({"id": request.match_info["id"]})
    return page(request, kept)


async def archives(request: web.Request) -> web.Response:
    away = request.app[OFFICE].archives
    if request.method == "POST":
        away[0]["restored_at"] = iso(now())
        return web.json_response({"id": "arc_1", "conversation": "cnv_9", "lines": 212})
    return page(request, away)


async def sandbox(request: web.Request) -> web.Response:
    return page(request, request.app[OFFICE].sandbox)


def office_routes() -> list[tuple[str, str, Handler]]:
    return [
        ("GET", "/v1/events", events), ("GET", "/v1/events/{id}", one_event), ("GET", "/v1/agents", agents),
        ("GET", "/v1/routes/explain", explain), ("GET", "/v1/routes", routes), ("POST", "/v1/routes", routes), ("DELETE", "/v1/routes/{id}", routes),
        ("GET", "/v1/people", people), ("POST", "/v1/people", people), ("POST", "/v1/people/{id}", person), ("DELETE", "/v1/people/{id}", person), ("POST", "/v1/pair", pair),
        ("GET", "/v1/files", files), ("DELETE", "/v1/files/{id}", files), ("POST", "/v1/files/{id}/link", files),
        ("GET", "/v1/memory", notes), ("DELETE", "/v1/memory/{id}", notes), ("GET", "/v1/archives", archives), ("POST", "/v1/archives/{id}/restore", archives),
        ("GET", "/v1/schedules", schedules), ("POST", "/v1/schedules/{id}", schedules),
        ("GET", "/v1/dead", dead), ("POST", "/v1/dead/{event}/replay", dead), ("GET", "/v1/audit", audit), ("GET", "/v1/feedback", opinions), ("GET", "/v1/sandbox", sandbox),
    ]  # fmt: skip


def open_office(app: web.Application) -> Office:
    app[OFFICE] = Office()
    return app[OFFICE]
