"""`bot connections` and `bot connect SERVICE`."""

import json

from tests.bot.cli.conftest import Bot
from tests.fakes.api_server import ApiServer

ITEM = {
    "id": "con_1",
    "provider": "x",
    "title": "X",
    "name": "ann",
    "agent": "kelly",
    "status": "broken",
    "error": "It has come to its end.",
    "renewed": True,
    "ends_at": None,
    "features": [{"name": "publish", "title": "Publish posts", "on": True}],
}
WANTS = [{"name": "client_id", "about": "Client id of the app", "secret": False, "needed": True}]
SERVICE = {
    "name": "x",
    "title": "X",
    "app": "",
    "wants": WANTS,
    "redirect": "https://house.example/oauth/x/callback",
}


def test_they_are_listed_and_a_broken_one_fails(bot: Bot, server: ApiServer) -> None:
    server.answers["GET", "/v1/connections"] = (200, {"items": [ITEM], "next": None})
    server.answers["GET", "/v1/services"] = (200, {"items": [SERVICE], "next": None})
    server.answers["GET", "/v1/channels"] = (200, {"items": [], "next": None})
    done = bot("connections")
    assert done.code == 1 and "ann (for kelly)" in done.out and "broken" in done.out
    assert "Publish posts" in done.out and "bot connect NAME (x)" in done.out
    server.answers["GET", "/v1/connections"] = (200, {"items": [], "next": None})
    done = bot("connections")
    assert done.code == 0 and "No account is connected" in done.out


def test_stripe_and_the_site_of_the_blog_are_listed_too(bot: Bot, server: ApiServer) -> None:
    none = (200, {"items": [], "next": None})
    server.answers["GET", "/v1/connections"] = server.answers["GET", "/v1/services"] = none
    stripe = {"name": "stripe", "up": True, "detail": "test mode: no money moves"}
    ghost = {"name": "ghost", "up": False, "detail": "Its key cannot be opened."}
    unset = {"name": "wordpress", "up": False, "detail": "not connected"}
    slack = {"name": "slack", "up": True, "detail": "listens"}
    items = [slack, stripe, unset]
    server.answers["GET", "/v1/channels"] = (200, {"items": items, "next": None})
    done = bot("connections")
    assert done.code == 0 and "No account is connected" not in done.out
    (line,) = [line for line in done.out.splitlines() if "stripe" in line]
    assert "test mode: no money moves" in line and "connected" in line
    assert "wordpress" not in done.out and "slack" not in done.out
    items.append(ghost)
    done = bot("connections")
    assert done.code == 1 and "Its key cannot be opened." in done.out and "broken" in done.out


def test_the_doctor_says_what_works_by_each(bot: Bot, server: ApiServer) -> None:
    fine = {
        "title": "Google",
        "name": "shop@example.org",
        "agent": "",
        "status": "active",
        "missing": ["calendar.events"],
        "renewed": False,
        "ends_at": "2027-01-03T10:00:00+00:00",
        "features": [
            {"name": "look", "title": "Look into calendars", "on": True},
            {"name": "write", "title": "Change events", "on": False},
        ],
    }
    server.answers["GET", "/v1/status"] = (200, {"ready": True})
    server.answers["GET", "/v1/connections"] = (200, {"items": [fine, ITEM], "next": None})
    said = bot("doctor").out
    assert "account: Google, shop@example.org: connected; works: Look into calendars; not" in said
    assert "not allowed: calendar.events; ends " in said
    assert "account: X, ann (for kelly): broken; works: Publish posts" in said


def test_one_is_checked_and_let_go_of(bot: Bot, server: ApiServer) -> None:
    server.answers["POST", "/v1/connections/con_1/check"] = (200, ITEM)
    done = bot("connections", "check", "con_1")
    assert done.code == 1 and "come to its end" in done.out
    server.answers["DELETE", "/v1/connections/con_1"] = (200, {"id": "con_1", "said": "Taken."})
    done = bot("connections", "disconnect", "con_1")
    assert done.code == 0 and "Disconnected. Taken." in done.out


def test_a_service_s_app_is_kept_and_the_browser_goes_on(bot: Bot, server: ApiServer) -> None:
    server.answers["GET", "/v1/channels"] = (200, {"items": [], "next": None})
    server.answers["GET", "/v1/services"] = (200, {"items": [SERVICE], "next": None})
    server.answers["PUT", "/v1/services/x"] = (200, {"name": "x"})
    done = bot("connect", "x", "--stdin", stdin=json.dumps({"client_id": "abc"}))
    assert done.code == 0 and "https://house.example/admin/connections#x" in done.out
    put = next(call for call in server.calls if call.method == "PUT")
    assert put.body == {"options": {"client_id": "abc"}}
    server.answers["DELETE", "/v1/services/x"] = (200, {"name": "x"})
    assert bot("connect", "x", "--remove").code == 0
