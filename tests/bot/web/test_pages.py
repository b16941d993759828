"""The shells: what they carry, what they forbid, and that every name in them is only text."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.core.ids import PersonId, TenantId
from bot.core.people import Person, Role
from bot.web.pages import (
    ADMIN_PAGES,
    SECURITY_HEADERS,
    error_page,
    render,
    routes,
    sign_in_page,
)
from bot.web.visitor import VISITOR, Visitor

Client = TestClient[Any, Any]
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
HOSTILE = '"><script>alert(1)</script>'


@dataclass(frozen=True, slots=True, kw_only=True)
class Somebody:
    """A visitor."""

    person: Person
    tenant: TenantId = TenantId("tnt_1")
    csrf: str = "token-1"


def somebody(name: str = "Ada", role: Role = Role.OWNER) -> Somebody:
    born = datetime(2026, 1, 1, tzinfo=UTC)
    person = Person(
        id=PersonId("per_1"), tenant=TenantId("tnt_1"), name=name, role=role, created_at=born
    )
    return Somebody(person=person)


def application(visitor: Visitor | None) -> web.Application:
    @web.middleware
    async def sign(request: web.Request, handler: Handler) -> web.StreamResponse:
        if visitor is not None:
            request[VISITOR] = visitor
        return await handler(request)

    app = web.Application(middlewares=[sign])
    for method, path, handler in routes():
        app.router.add_route(method, path, handler)
    return app


@pytest_asyncio.fixture
async def client() -> AsyncIterator[Client]:
    async with TestClient(TestServer(application(somebody()))) as made:
        yield made


async def test_every_page_is_served_with_every_header(client: Client) -> None:
    paths = [
        "/chat",
        "/chat/cnv_1",
        "/approvals/apr_1",
        "/admin",
        "/admin/events/evt_1",
        "/in",
        "/in/ABC",
    ]
    for path in [*paths, *(f"/admin/{page}" for page in ADMIN_PAGES if page)]:
        answer = await client.get(path)
        assert answer.status == 200, path
        assert answer.content_type == "text/html"
        for name, value in SECURITY_HEADERS.items():
            assert answer.headers[name] == value


def test_no_page_may_run_inline_script_or_load_from_outside() -> None:
    policy = SECURITY_HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "require-trusted-types-for 'script'" in policy


@pytest.mark.parametrize("path", ["/chat", "/admin", "/in/ABC"])
async def test_a_shell_holds_no_inline_script_style_or_handler(client: Client, path: str) -> None:
    text = await (await client.get(path)).text()
    assert "<style" not in text
    assert " style=" not in text
    assert " onclick" not in text
    assert all("src=" in piece.split(">")[0] for piece in text.split("<script")[1:])


async def test_a_shell_tells_its_script_token_name_and_role(client: Client) -> None:
    text = await (await client.get("/chat")).text()
    assert '<meta name="csrf" content="token-1">' in text
    assert '<meta name="person" content="Ada">' in text
    assert '<meta name="role" content="owner">' in text


async def test_a_hostile_name_is_only_text() -> None:
    async with TestClient(TestServer(application(somebody(HOSTILE)))) as client:
        text = await (await client.get("/chat")).text()
    assert HOSTILE not in text
    assert "&lt;script&gt;" in text


async def test_a_member_sees_no_way_into_the_administration() -> None:
    async with TestClient(TestServer(application(somebody(role=Role.MEMBER)))) as client:
        text = await (await client.get("/chat")).text()
    assert 'href="/admin"' not in text


async def test_who_is_not_signed_in_is_led_to_the_sign_in() -> None:
    async with TestClient(TestServer(application(None))) as client:
        for path in ("/chat", "/admin", "/admin/people", "/admin/events/evt_1"):
            answer = await client.get(path, allow_redirects=False)
            assert (answer.status, answer.headers["Location"]) == (302, "/in")
        assert (await client.get("/in/ABC")).status == 200


async def test_the_root_leads_to_the_chat(client: Client) -> None:
    answer = await client.get("/", allow_redirects=False)
    assert answer.headers["Location"] == "/chat"


async def test_an_unknown_admin_page_is_a_page_that_says_so(client: Client) -> None:
    answer = await client.get("/admin/nothing")
    assert answer.status == 404
    assert "There is nothing here" in await answer.text()


async def test_the_sign_in_shows_one_button_and_spends_nothing_by_itself(client: Client) -> None:
    text = await (await client.get("/in/AB-12")).text()
    assert text.count("<button") == 1
    assert '<form method="post" action="/in/AB-12">' in text


async def test_a_code_in_the_address_stays_text(client: Client) -> None:
    text = await (await client.get("/in/%22%3E%3Csvg%20onload%3Dalert(1)%3E")).text()
    assert "<svg" not in text


def test_a_spent_link_offers_no_button_but_the_way_to_a_new_one() -> None:
    text = sign_in_page("ABC", problem="This link was used. `bot login` prints another.").text
    assert text is not None
    assert "<button" not in text
    assert "<code>bot login</code> prints another." in text


@pytest.mark.parametrize("status", [401, 403, 404, 418, 429, 500, 503])
def test_an_error_page_has_a_cause_and_one_action(status: int) -> None:
    page = error_page(status)
    assert page.status == status
    assert page.text is not None
    assert page.text.count('class="button"') == 1


def test_an_error_page_shows_a_hostile_message_as_text() -> None:
    text = error_page(404, f"{HOSTILE} `{HOSTILE}`").text
    assert text is not None
    assert "<script>alert" not in text


def test_a_template_that_misses_a_value_fails_loudly() -> None:
    with pytest.raises(Exception, match="visitor"):
        render("chat.html")
