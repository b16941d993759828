"""The HTML pages: shells that are filled by their scripts from the JSON API.

A handler here reads who is looking and renders a template; it asks no database and decides
nothing. Every page forbids inline script and style, outside hosts and framing. Who is signed in
is known from `VISITOR`; the sign-in middleware sends everybody else to `/in`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import web

from bot.web.assets import address, static
from bot.web.visitor import VISITOR, Visitor

if TYPE_CHECKING:
    from jinja2 import Environment

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cache-Control": "no-store",
}
"""What every page carries. Trusted Types: no script of ours can turn text into HTML."""

ADMIN_PAGES: Mapping[str, str] = {
    "": "Status",
    "agents": "Agents",
    "approvals": "Approvals",
    "routes": "Routes",
    "policies": "Policies",
    "channels": "Channels",
    "texts": "Texts",
    "mail": "Mail",
    "connections": "Connections",
    "mcp": "MCP",
    "people": "People",
    "events": "Events",
    "schedules": "Schedules",
    "feedback": "Feedback",
    "files": "Files",
    "memory": "Memory",
    "audit": "Audit",
    "sandbox": "Sandbox",
}
"""Path below `/admin` → title, in the order of the menu."""

_CAUSES: Mapping[int, tuple[str, str]] = {
    400: ("This did not work", "Go back, and try it again."),
    401: ("You are not signed in", "Open a sign-in link. `bot login` prints a new one."),
    403: ("This is not for you", "Ask an owner of this workspace."),
    404: ("There is nothing here", "The address may be old, or belong to somebody else."),
    429: ("Too many attempts", "Wait a minute, then try again."),
    500: ("Something went wrong here", "It is in the log of the server. Try again."),
}


def _code(text: str) -> str:
    """Escape a sentence and set what stands between backticks as code."""
    from markupsafe import Markup, escape

    parts = [escape(part) for part in text.split("`")]
    words = [Markup("<code>{}</code>").format(p) if n % 2 else p for n, p in enumerate(parts)]
    return Markup("").join(words)


@cache
def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # 50 ms: at the first page

    found = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    found.globals.update(asset=address, admin_pages=ADMIN_PAGES)
    found.filters["code"] = _code
    return found


def render(template: str, *, status: int = 200, **values: object) -> web.Response:
    """Return a page. `values` are what the template names; all of them are escaped."""
    text = _templates().get_template(template).render(values)
    return web.Response(
        text=text, status=status, content_type="text/html", headers=SECURITY_HEADERS
    )


def error_page(status: int, message: str = "", title: str = "", again: str = "") -> web.Response:
    """Return the page of an error: its cause and one action; `again`: where one begins anew."""
    usual, mend = _CAUSES.get(status, _CAUSES[500 if status >= 500 else 400])
    told = {"title": title or usual, "mend": message or mend, "again": again}
    return render("error.html", status=status, code=status, **told)


def sign_in_page(code: str = "", *, problem: str = "", status: int = 200) -> web.Response:
    """Return the page with the one button that spends `code`; without one, how to get a link."""
    return render("in.html", status=status, code=code, problem=problem)


def _visitor(request: web.Request) -> Visitor:
    found: Visitor | None = request.get(VISITOR)
    if found is None:
        raise web.HTTPFound("/in")
    return found


async def home(request: web.Request) -> web.StreamResponse:
    """Lead to the chat."""
    raise web.HTTPFound("/chat")


async def chat(request: web.Request) -> web.StreamResponse:
    """The chat page; which conversation or question it shows its script reads from the address."""
    return render("chat.html", visitor=_visitor(request))


async def admin(request: web.Request) -> web.StreamResponse:
    """One of the admin pages."""
    visitor = _visitor(request)
    page = request.match_info.get("page", "")
    if page not in ADMIN_PAGES:
        return error_page(404)
    return render("admin.html", visitor=visitor, page=page or "status", title=ADMIN_PAGES[page])


async def trace(request: web.Request) -> web.StreamResponse:
    """The story of one event."""
    return render("admin.html", visitor=_visitor(request), page="trace", title="Trace")


async def sign_in(request: web.Request) -> web.StreamResponse:
    """Show the button; the POST to the same address belongs to the sign-in."""
    return sign_in_page(request.match_info.get("code", ""))


def routes() -> list[tuple[str, str, Handler]]:
    """Method, path and handler of every page."""
    return [
        ("GET", "/", home),
        ("GET", "/chat", chat),
        ("GET", "/chat/{conversation}", chat),
        ("GET", "/approvals/{approval}", chat),
        ("GET", "/admin", admin),
        ("GET", "/admin/{page}", admin),
        ("GET", "/admin/events/{event}", trace),
        ("GET", "/in", sign_in),
        ("GET", "/in/{code}", sign_in),
        ("GET", "/static/{file}", static),
    ]
