"""Installs of a platform's app: where it is installed, how it is there, and its switch."""

from collections.abc import Mapping

from aiohttp import web

from bot.core.canonical import Json
from bot.web.answers import MAYBE, NUMBER, TEXT, TRUTH, answer, schema
from bot.web.body import Fields, read_json
from bot.web.parts import VISIT, Access, Doc, Parts, Route

PROPERTIES: Mapping[str, Json] = {
    "account": TEXT,
    "app": TEXT,
    "agent": TEXT,
    "workspace": TEXT,
    "name": TEXT,
    "bot_user": TEXT,
    "status": {"enum": ["pending", "active", "error", "disabled"]},
    "error": TEXT,
    "enabled": TRUTH,
    "manifest": NUMBER,
    "installed_at": TEXT,
    "checked_at": MAYBE,
}
ONE = schema(**PROPERTIES)


class Installs:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._installing = parts.channels.installing

    async def listed(self, request: web.Request) -> web.Response:
        """This tenant's, and the newest version of the manifest (0: none can be added now)."""
        name = request.match_info["name"]
        items = await self._installing.listed(request[VISIT].tenant, name)
        return answer({"items": list(items), "next": None, "newest": self._installing.newest(name)})

    async def switch(self, request: web.Request) -> web.Response:
        """Answer there, or let everything be."""
        fields = Fields(await read_json(request), ("enabled",))
        on = fields.truth("enabled", default=True)
        name, account = request.match_info["name"], request.match_info["account"]
        person = request[VISIT].person
        return answer(await self._installing.enable(person, name, account, on))

    async def check(self, request: web.Request) -> web.Response:
        """Ask the platform whether it works."""
        name, account = request.match_info["name"], request.match_info["account"]
        return answer(await self._installing.check(request[VISIT].person, name, account))

    async def remove(self, request: web.Request) -> web.Response:
        """Let go of it, and of its token."""
        name, account = request.match_info["name"], request.match_info["account"]
        said = await self._installing.remove(request[VISIT].person, name, account)
        return answer({"account": account, "said": said})


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    installs = Installs(parts)
    one = "/v1/channels/{name}/installs/{account}"
    many = schema(items={"type": "array", "items": ONE}, next=MAYBE, newest=NUMBER)
    table = (
        (
            "GET",
            "/v1/channels/{name}/installs",
            installs.listed,
            Doc(summary="Where a platform's app is installed.", answer=many),
        ),
        (
            "POST",
            one,
            installs.switch,
            Doc(summary="Switch it on or off.", body=schema(enabled=TRUTH), answer=ONE),
        ),
        (
            "POST",
            f"{one}/check",
            installs.check,
            Doc(summary="Ask the platform whether it works.", answer=ONE),
        ),
        (
            "DELETE",
            one,
            installs.remove,
            Doc(summary="Let go of it, and of its token.", answer=schema(account=TEXT, said=TEXT)),
        ),
    )
    return [
        Route(method=method, path=path, handler=handler, access=Access.OWNER, doc=doc)
        for method, path, handler, doc in table
    ]
