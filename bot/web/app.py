"""The web server's application: every address, and the one door that all requests pass.

`build` turns `Parts` into an aiohttp application and `runner` into something that listens; which
socket is `bot/app.py`'s business. The door names each request, asks the gate, and turns whatever
is raised behind it into an answer: JSON for programs, a page for browsers. What nobody foresaw is
logged with the request's name and told as that name and no more.
"""

import logging
from collections.abc import Mapping
from typing import Protocol

from aiohttp import web
from aiohttp.web_urldispatcher import AbstractRoute

from bot.core.errors import BotError, StoreError
from bot.web import blog, oauth, outward, pages
from bot.web.answers import answer, of_error, refusal
from bot.web.api import (
    agents,
    approvals,
    audit,
    bulletins,
    channels,
    completions,
    connections,
    conversations,
    events,
    feedback,
    files,
    house,
    installs,
    keys,
    mail,
    mcp,
    memory,
    messages,
    models,
    people,
    places,
    policies,
    routing,
    schedules,
    sign_in,
    sms,
    stream,
    telegram,
    tenants,
    tokens,
    tools,
    users,
)
from bot.web.auth import Gate, SignedOut
from bot.web.listening import IDLE_S, Runner
from bot.web.openapi import describe
from bot.web.parts import REQUEST_ID, Access, Handler, Parts, Route
from bot.web.sse import STREAMED

__all__ = ["Parts", "build", "routes", "runner"]

log = logging.getLogger(__name__)

_API = (
    agents.routes,
    approvals.routes,
    audit.routes,
    bulletins.routes,
    channels.routes,
    completions.routes,
    connections.routes,
    conversations.routes,
    events.routes,
    feedback.routes,
    files.routes,
    house.routes,
    installs.routes,
    keys.routes,
    mcp.routes,
    memory.routes,
    messages.routes,
    models.routes,
    people.routes,
    places.routes,
    policies.routes,
    routing.routes,
    schedules.routes,
    sms.routes,
    mail.routes,
    stream.routes,
    telegram.routes,
    tenants.routes,
    tokens.routes,
    tools.routes,
    users.routes,
)
_OPEN_PAGES = frozenset({"/in", "/in/{code}", "/static/{file}"})
_NO_HOST = frozenset({"/health"})
"""Asked by machines that know only an address; says nothing but that the process lives."""
_TELLS_MORE = frozenset({"/ready"})
"""Open, and answers more to whoever shows a token."""
_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""On every answer that does not say otherwise."""
_ERRORS: Mapping[int, tuple[str, str]] = {
    404: ("not_found", "There is nothing at this address. `/openapi.json` lists what there is."),
    405: ("wrong_method", "This address takes another method."),
    413: ("too_large", "The body is too large."),
}


class Door(Protocol):
    """A middleware of aiohttp."""

    async def __call__(self, request: web.Request, handler: Handler) -> web.StreamResponse: ...


def routes(parts: Parts, gate: Gate) -> list[Route]:
    """Every address of the server."""
    found = [route for declare in _API for route in declare(parts)]
    found += [*sign_in.routes(parts, gate), *oauth.routes(parts, gate)]
    found += parts.extra
    shown = [*pages.routes(), *outward.routes(parts.transcript)]
    if parts.blog is not None:
        shown += blog.routes(parts.blog)
    for method, path, handler in shown:
        access = Access.OPEN if path in _OPEN_PAGES else Access.PERSON
        found.append(Route(method=method, path=path, handler=handler, access=access, page=True))
    found.append(describe(found, parts.version))
    return found


def build(parts: Parts) -> web.Application:
    """Return the application."""
    gate = Gate(parts.credentials, parts.clock, parts.public_url)
    known: dict[AbstractRoute, Route] = {}
    app = web.Application(
        client_max_size=parts.body_bytes, middlewares=[web.middleware(_door(parts, gate, known))]
    )
    for route in routes(parts, gate):
        methods = ("GET", "HEAD") if route.page and route.method == "GET" else (route.method,)
        for method in methods:
            known[app.router.add_route(method, route.path, route.handler)] = route
    app.on_response_prepare.append(_dress)

    async def stop(_: web.Application) -> None:
        parts.live.close()

    app.on_shutdown.append(stop)
    return app


def runner(
    app: web.Application, stop_s: float = 5.0, idle_s: float = IDLE_S, most: int = 0
) -> web.AppRunner:
    """Return what listens once a site is added to it: bodies stay as sent, nothing is logged.

    A connection without a request is closed after `idle_s`, or earlier when there are more than
    `most`, which is as many as the process can bear if not said.
    """
    return Runner(app, {"Server": "Switchboard", **_HEADERS}, stop_s, idle_s, most)


def _door(parts: Parts, gate: Gate, known: Mapping[AbstractRoute, Route]) -> Door:
    """Return the middleware."""

    async def door(request: web.Request, handler: Handler) -> web.StreamResponse:
        request[REQUEST_ID] = parts.clock.chance(8).hex()
        route = known.get(request.match_info.route)
        try:
            if request.path not in _NO_HOST:
                gate.check_host(request)
            asks_more = request.path in _TELLS_MORE and "Authorization" in request.headers
            if route is not None and (asks_more or route.access is not Access.OPEN):
                await gate.admit(request, route.access)
            return await handler(request)
        except web.HTTPException as error:
            return _of_http(request, route, error)
        except BotError as error:
            return _of_ours(request, route, error)
        except Exception:  # noqa: BLE001  (an outer door: logged with its name)
            return _of_bug(request, route)

    return door


def _of_bug(request: web.Request, route: Route | None) -> web.StreamResponse:
    """Log what nobody foresaw; an answer that has begun is cut off, lest it pass for whole."""
    name = request[REQUEST_ID]
    log.exception("A request broke.", extra={"request": name, "path": request.path})
    begun: web.StreamResponse | None = request.get(STREAMED)
    if begun is not None and begun.prepared:
        if request.transport is not None:
            request.transport.abort()
        return begun
    sentence = f"Something went wrong here. The log has it under `{name}`."
    if _wants_page(request, route):
        return pages.error_page(500, sentence)
    return refusal(500, "failed", sentence)


def _of_ours(request: web.Request, route: Route | None, error: BotError) -> web.StreamResponse:
    if error.status >= 500:
        name = request[REQUEST_ID]
        log.error("A request failed: %s", error.message, extra={"request": name})
    if isinstance(error, StoreError) and request.path in _TELLS_MORE:
        return answer({"ok": False, "problems": [error.message]}, 503)
    if _wants_page(request, route):
        if isinstance(error, SignedOut) and request.method == "GET":
            return web.Response(status=303, headers={"Location": "/in"})
        return pages.error_page(error.status, error.message)
    if not isinstance(error, SignedOut):
        return of_error(error)
    made = of_error(error)
    made.headers["WWW-Authenticate"] = 'Bearer realm="switchboard"'
    return made


def _of_http(
    request: web.Request, route: Route | None, error: web.HTTPException
) -> web.StreamResponse:
    """What aiohttp raises itself: redirects go on, the rest gets our words."""
    if error.status < 400:
        raise error
    code, sentence = _ERRORS.get(error.status, ("refused", error.reason))
    if _wants_page(request, route):
        return pages.error_page(error.status, sentence if error.status != 404 else "")
    made = refusal(error.status, code, sentence)
    if isinstance(error, web.HTTPMethodNotAllowed):
        made.headers["Allow"] = ", ".join(sorted(error.allowed_methods))
    return made


def _wants_page(request: web.Request, route: Route | None) -> bool:
    """Whether a browser asks for something to look at."""
    if route is not None:
        return route.page
    return not request.path.startswith("/v1/") and "text/html" in request.headers.get("Accept", "")


async def _dress(request: web.Request, response: web.StreamResponse) -> None:
    headers = response.headers
    headers["Server"] = "Switchboard"
    for name, value in _HEADERS.items():
        headers.setdefault(name, value)
    if REQUEST_ID in request:
        headers["X-Request-Id"] = request[REQUEST_ID]
