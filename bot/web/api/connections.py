"""Connections: accounts at services, our apps there, and what is left to do."""

from aiohttp import web

from bot.core.canonical import Json
from bot.core.errors import Invalid
from bot.web.answers import MAYBE, OBJECT, TEXT, TRUTH, answer, schema
from bot.web.body import Fields, read_json
from bot.web.parts import VISIT, Access, Doc, Parts, Route

TEXTS: Json = {"type": "array", "items": TEXT}
OBJECTS: Json = {"type": "array", "items": OBJECT}
ONE = schema(
    id=TEXT,
    provider=TEXT,
    title=TEXT,
    account=TEXT,
    name=TEXT,
    agent=TEXT,
    status={"enum": ["active", "ends", "broken"]},
    error=TEXT,
    scopes=TEXTS,
    missing=TEXTS,
    features=OBJECTS,
    renewed=TRUTH,
    ends_at=MAYBE,
    connected_at=TEXT,
    checked_at=MAYBE,
)
SERVICE = schema(
    name=TEXT,
    title=TEXT,
    app={"enum": ["own", "settings", ""]},
    wants=OBJECTS,
    features=OBJECTS,
    verification={"enum": ["pending", "active"]},
    to_do=TEXTS,
    redirect=TEXT,
    callbacks=TEXTS,
    by_hand=TEXT,
)


class Connections:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._connections = parts.connections

    async def listed(self, request: web.Request) -> web.Response:
        """This tenant's."""
        items = await self._connections.listed(request[VISIT].person)
        return answer({"items": list(items), "next": None})

    async def services(self, request: web.Request) -> web.Response:
        """Every service that may be connected."""
        items = await self._connections.services(request[VISIT].person)
        return answer({"items": list(items), "next": None})

    async def check(self, request: web.Request) -> web.Response:
        """Ask the service whether it works."""
        person, id_ = request[VISIT].person, request.match_info["id"]
        return answer(await self._connections.check(person, id_))

    async def end(self, request: web.Request) -> web.Response:
        """Take our access back, and wipe it."""
        person, id_ = request[VISIT].person, request.match_info["id"]
        return answer({"id": id_, "said": await self._connections.end(person, id_)})

    async def put_app(self, request: web.Request) -> web.Response:
        """Keep our app of a service."""
        fields = Fields(await read_json(request), ("options",))
        told = fields.json("options")
        if not isinstance(told, dict) or not all(isinstance(v, str) for v in told.values()):
            raise Invalid("`options` is an object of texts.", field="options")
        name = request.match_info["name"]
        options = {key: str(value) for key, value in told.items()}
        await self._connections.put_app(request[VISIT].person, name, options)
        return answer({"name": name})

    async def forget_app(self, request: web.Request) -> web.Response:
        """Let go of it."""
        name = request.match_info["name"]
        await self._connections.forget_app(request[VISIT].person, name)
        return answer({"name": name})


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    found = Connections(parts)
    one, service = "/v1/connections/{id}", "/v1/services/{name}"
    named = schema(name=TEXT)
    table = (
        (
            ("GET", "/v1/connections", found.listed),
            Doc(
                summary="Connected accounts; their tokens are nowhere.",
                answer=schema(items={"type": "array", "items": ONE}, next=MAYBE),
            ),
        ),
        (
            ("POST", f"{one}/check", found.check),
            Doc(summary="Ask the service whether it works.", answer=ONE),
        ),
        (
            ("DELETE", one, found.end),
            Doc(
                summary="Take our access back at the service, and wipe it here.",
                answer=schema(id=TEXT, said=TEXT),
            ),
        ),
        (
            ("GET", "/v1/services", found.services),
            Doc(
                summary="Services that may be connected, and what each takes.",
                answer=schema(items={"type": "array", "items": SERVICE}, next=MAYBE),
            ),
        ),
        (
            ("PUT", service, found.put_app),
            Doc(
                summary="Keep the ID and secret of our app there, sealed.",
                body=schema(options=OBJECT),
                answer=named,
            ),
        ),
        (
            ("DELETE", service, found.forget_app),
            Doc(summary="Let go of our app there.", answer=named),
        ),
    )
    return [
        Route(method=method, path=path, handler=handler, access=Access.OWNER, doc=doc)
        for (method, path, handler), doc in table
    ]
