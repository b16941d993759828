"""Pages by which an owner lets a service or a platform in: away to it, and back.

The session's cookie does not come along from another site, whether that sends people back by a link
or posts a form (Apple). So whoever comes back sees one button; its press, from our own page, brings
cookie, state and code together. A script presses it, for some codes live half a minute. The state
is good for that browser alone, once. Apps of platforms and accounts of services come back alike.
"""

import logging
from collections.abc import Mapping
from typing import Protocol

from aiohttp import web

from bot.core.errors import BotError, Forbidden, Invalid, OperatorError, UserError, VendorError
from bot.core.people import Role
from bot.credentials import Visit
from bot.frozen import frozen
from bot.oauth.flow import Returned, Wanted
from bot.oauth.meanings import plainly
from bot.oauth.provider import load
from bot.web.auth import COOKIE, Gate, SignedOut
from bot.web.pages import error_page, render
from bot.web.parts import VISIT, Access, Parts, Route

log = logging.getLogger(__name__)

MAX_FIELD = 4_000
MAX_FORM = 40_000
NOTHING = "Nothing was connected"
_BROUGHT = ("state", "code", "iss", "error")


@frozen
class Shown:
    """What the page says on which the button is."""

    title: str
    name: str
    action: str
    back: str
    """Where the other site sends people back to."""


class Dance(Protocol):
    """One kind of coming and going."""

    began: str
    """The page that it begins and ends at."""

    def shown(self, name: str) -> Shown: ...

    async def start(self, visit: Visit, name: str, query: Mapping[str, str]) -> str: ...

    async def finish(self, visit: Visit, name: str, brought: Returned) -> str:
        """Where the browser goes on."""
        ...


class Installs:
    """Apps of platforms."""

    began = "/admin/channels"

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def shown(self, name: str) -> Shown:
        return Shown(
            title="Connect this workspace",
            name=name.capitalize(),
            action=f"/oauth/{name}/installed",
            back=f"/oauth/{name}/installed",
        )

    async def start(self, visit: Visit, name: str, query: Mapping[str, str]) -> str:
        agent = query.get("agent", "")[:MAX_FIELD]
        return await self._parts.channels.installing.start(visit, name, self._back(name), agent)

    async def finish(self, visit: Visit, name: str, brought: Returned) -> str:
        await self._parts.channels.installing.finish(
            visit, name, self._back(name), state=brought.state, code=brought.code
        )
        return self.began

    def _back(self, name: str) -> str:
        return f"{self._parts.address()}/oauth/{name}/installed"


class Accounts:
    """Accounts of services."""

    began = "/admin/connections"

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def shown(self, name: str) -> Shown:
        title = self._parts.connections.record(name).title
        return Shown(
            title=f"Connect {title}",
            name=title,
            action=f"/oauth/{name}/finish",
            back=f"/oauth/{name}/callback",
        )

    async def start(self, visit: Visit, name: str, query: Mapping[str, str]) -> str:
        features = query.get("features")
        wanted = Wanted(
            features=None if features is None else tuple(filter(None, features.split(","))),
            scopes=tuple(query.get("scopes", "").split()),
            agent=query.get("agent", ""),
            back=query.get("back", ""),
        )
        return await self._parts.connections.start(visit, name, wanted)

    async def finish(self, visit: Visit, name: str, brought: Returned) -> str:
        return await self._parts.connections.finish(visit, name, brought)


class Pages:
    """Handlers of one dance."""

    def __init__(self, parts: Parts, gate: Gate, dance: Dance) -> None:
        self._parts = parts
        self._gate = gate
        self._dance = dance

    async def start(self, request: web.Request) -> web.StreamResponse:
        """Send the browser away."""
        visit = request[VISIT]
        if not visit.is_browser:
            raise Forbidden("Open this in the browser that you are signed in with.")
        name = request.match_info["name"]
        try:
            where = await self._dance.start(visit, name, request.query)
        except (Invalid, OperatorError, VendorError) as error:
            return self._failed(error)
        return web.Response(status=303, headers={"Location": where})

    async def back(self, request: web.Request) -> web.StreamResponse:
        """Show the one button that brings it to its end."""
        return self._button(request.match_info["name"], request.query)

    async def posted(self, request: web.Request) -> web.StreamResponse:
        """The same, for an answer that the service's page posts. It proves nothing by itself."""
        name = request.match_info["name"]
        if not self._parts.connections.record(name).form_post:
            raise web.HTTPMethodNotAllowed("POST", ["GET"])
        return self._button(name, await _form(request))

    def _button(self, name: str, given: Mapping[str, str]) -> web.StreamResponse:
        shown = self._dance.shown(name)
        brought = {key: str(given.get(key, ""))[:MAX_FIELD] for key in _BROUGHT}
        if brought["error"]:
            back = f"{self._parts.address()}{shown.back}"
            words = plainly(shown.name, brought["error"], back)
            return error_page(400, words, NOTHING, self._dance.began)
        if not brought["state"] or not brought["code"]:
            words = f"{shown.name} sent no answer along: only its own way back leads here."
            return error_page(400, words, NOTHING, self._dance.began)
        return render("oauth.html", shown=shown, brought=brought)

    async def finish(self, request: web.Request) -> web.StreamResponse:
        """Exchange the code and keep what comes of it."""
        self._gate.check_origin(request)
        visit = await self._owner(request)
        try:
            form = await _form(request)
            state, code, iss = (form.get(key, "")[:MAX_FIELD] for key in ("state", "code", "iss"))
            brought = Returned(state=state, code=code, iss=iss)
            where = await self._dance.finish(visit, request.match_info["name"], brought)
        except (UserError, OperatorError, VendorError) as error:
            return self._failed(error)
        return web.Response(status=303, headers={"Location": where})

    def _failed(self, error: BotError) -> web.StreamResponse:
        """Say why, and lead back to where it begins."""
        log.warning("Nothing was connected: %s", error.message)
        return error_page(error.status, error.message, NOTHING, self._dance.began)

    async def _owner(self, request: web.Request) -> Visit:
        """Whose browser it is; a form has no header that could bring the page's token."""
        cookie = request.cookies.get(COOKIE, "")
        visit = await self._parts.credentials.by_cookie(cookie) if cookie else None
        if visit is None:
            raise SignedOut
        if visit.person.role is not Role.OWNER:
            raise Forbidden("Only owners may do this. Ask an owner of this workspace.")
        return visit


class Vendors:
    """What vendors ask by themselves, and the pages behind it."""

    def __init__(self, parts: Parts) -> None:
        self._deletions = parts.connections.deletions
        self._alarms = parts.connections.alarms

    async def deauthorised(self, request: web.Request) -> web.StreamResponse:
        """Somebody took our app off."""
        name = request.match_info["name"]
        await self._deletions.deauthorised(name, await _signed(request))
        return web.json_response({})

    async def delete(self, request: web.Request) -> web.StreamResponse:
        """Somebody wants their data deleted."""
        name = request.match_info["name"]
        answer = await self._deletions.delete(name, await _signed(request))
        return web.json_response(dict(answer))

    async def event(self, request: web.Request) -> web.StreamResponse:
        """Something happened to an account."""
        if request.content_type != "application/secevent+jwt":
            raise Invalid("This address takes a security event token.")
        if (request.content_length or MAX_FORM + 1) > MAX_FORM:
            raise Invalid("The token is too long.")
        await self._alarms.hear(request.match_info["name"], (await request.text()).strip())
        return web.Response(status=202)

    async def about(self, request: web.Request) -> web.StreamResponse:
        """How anybody has their data deleted."""
        return render("deletion.html", found=None)

    async def status(self, request: web.Request) -> web.StreamResponse:
        """What became of one request."""
        found = await self._deletions.status(request.match_info["code"][:100])
        return render("deletion.html", found=found, title=load(found.provider).title)


async def _form(request: web.Request) -> Mapping[str, str]:
    if (request.content_length or MAX_FORM + 1) > MAX_FORM:
        raise Invalid("The form is too long.")
    if request.content_type != "application/x-www-form-urlencoded":
        raise Invalid("This address takes a form.")
    return {name: str(value) for name, value in (await request.post()).items()}


async def _signed(request: web.Request) -> str:
    return (await _form(request)).get("signed_request", "")


def routes(parts: Parts, gate: Gate) -> list[Route]:
    """The addresses."""
    apps, accounts = Pages(parts, gate, Installs(parts)), Pages(parts, gate, Accounts(parts))
    vendors, one = Vendors(parts), "/oauth/{name}"
    table = (
        ("GET", f"{one}/install", apps.start, Access.OWNER),
        ("GET", f"{one}/installed", apps.back, Access.OPEN),
        ("POST", f"{one}/installed", apps.finish, Access.OPEN),
        ("GET", f"{one}/start", accounts.start, Access.OWNER),
        ("GET", f"{one}/callback", accounts.back, Access.OPEN),
        ("POST", f"{one}/callback", accounts.posted, Access.OPEN),
        ("POST", f"{one}/finish", accounts.finish, Access.OPEN),
        ("GET", "/oauth/deletion", vendors.about, Access.OPEN),
        ("GET", "/oauth/deletion/{code}", vendors.status, Access.OPEN),
        ("POST", f"{one}/deauthorize", vendors.deauthorised, Access.OPEN),
        ("POST", f"{one}/deletion", vendors.delete, Access.OPEN),
        ("POST", f"{one}/events", vendors.event, Access.OPEN),
    )
    return [
        Route(method=method, path=path, handler=handler, access=access, page=True)
        for method, path, handler, access in table
    ]
