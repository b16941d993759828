"""Signing in and out: a link is shown by a GET and spent by a POST, once.

A new session always has a new name, whatever cookie came along, and the old one ends.
"""

from aiohttp import web

from bot.core.errors import Forbidden
from bot.credentials import LINK_LASTS, SESSION_LASTS
from bot.web.answers import TEXT, answer, optional, schema
from bot.web.api.people import actor_of
from bot.web.auth import COOKIE, Gate
from bot.web.body import Fields, read_json
from bot.web.pages import sign_in_page
from bot.web.parts import VISIT, Access, Doc, Parts, Route


class SignIn:
    """Handlers."""

    def __init__(self, parts: Parts, gate: Gate) -> None:
        self._parts = parts
        self._gate = gate

    async def spend(self, request: web.Request) -> web.StreamResponse:
        """Spend a link: a session, and on to the chat."""
        self._gate.count_sign_in(request)
        if "Origin" in request.headers or "Sec-Fetch-Site" in request.headers:
            self._gate.check_origin(request)
        code = request.match_info["code"]
        try:
            signed = await self._parts.credentials.sign_in(code)
        except Forbidden as error:
            return sign_in_page(code, problem=error.message, status=403)
        if old := request.cookies.get(COOKIE):
            await self._parts.credentials.sign_out(old)
        made = web.Response(status=303, headers={"Location": "/chat"})
        made.set_cookie(
            COOKIE,
            signed.cookie.reveal(),
            max_age=int(SESSION_LASTS.total_seconds()),
            httponly=True,
            samesite="Strict",
            secure=self._gate.is_secure(request),
            path="/",
        )
        return made

    async def leave(self, request: web.Request) -> web.StreamResponse:
        """End this session."""
        if cookie := request.cookies.get(COOKIE):
            await self._parts.credentials.sign_out(cookie)
        made = answer({"signed_out": True})
        made.del_cookie(COOKIE, path="/")
        return made

    async def link(self, request: web.Request) -> web.StreamResponse:
        """Make a new link, for oneself or for somebody of this tenant."""
        parts, visit = self._parts, request[VISIT]
        fields = Fields(await read_json(request), ("person",))
        other = fields.text("person", "")
        person = await parts.people.get(visit.tenant, other) if other else visit.person
        code = await parts.credentials.link(person, actor_of(request))
        minutes = int(LINK_LASTS.total_seconds() // 60)
        return answer({"link": f"{parts.address()}/in/{code}", "minutes": minutes}, 201)


def routes(parts: Parts, gate: Gate) -> list[Route]:
    """The addresses of this noun."""
    sign_in = SignIn(parts, gate)
    return [
        Route(
            method="POST",
            path="/in/{code}",
            handler=sign_in.spend,
            access=Access.OPEN,
            page=True,
        ),
        Route(
            method="POST",
            path="/v1/logout",
            handler=sign_in.leave,
            doc=Doc(summary="End this session.", answer=schema(signed_out={"const": True})),
        ),
        Route(
            method="POST",
            path="/v1/login",
            handler=sign_in.link,
            access=Access.OWNER,
            doc=Doc(
                summary="Make a sign-in link: good once, for ten minutes.",
                body=optional(schema(), person=TEXT),
                answer=schema(link=TEXT, minutes={"type": "integer"}),
                status=201,
            ),
        ),
    ]
