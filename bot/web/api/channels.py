"""Platforms outside: which there are, which are connected, and connecting one."""

from collections.abc import Mapping

from aiohttp import web

from bot.core.canonical import Json
from bot.core.errors import Invalid
from bot.web.answers import MAYBE, NUMBER, OBJECT, TEXT, TRUTH, answer, flag, optional, schema
from bot.web.api.installs import PROPERTIES
from bot.web.body import Fields, read_json
from bot.web.parts import VISIT, Access, Doc, Parts, Route

MAX_OPTIONS = 60
MAX_PLACE = 500
TEXTS: Json = {"type": "array", "items": TEXT}


class Channels:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def listed(self, request: web.Request) -> web.Response:
        """All of them, with how they are and what they want to be told."""
        found = await self._parts.channels.listed(request[VISIT].person)
        return answer({"items": list(found), "next": None})

    async def manifest(self, request: web.Request) -> web.Response:
        """What a platform makes an app of."""
        by_socket = flag(request, "socket")
        name, agent = request.match_info["name"], request.query.get("agent", "")
        person = request[VISIT].person
        return answer(self._parts.channels.manifest(person, name, by_socket, agent))

    async def put(self, request: web.Request) -> web.Response:
        """Connect one, or connect it anew, once the platform took what it was told."""
        name, person = request.match_info["name"], request[VISIT].person
        fields = Fields(await read_json(request), ("options", "unchecked"))
        is_unchecked = fields.truth("unchecked", default=False)
        found = await self._parts.channels.put(
            person, name, _options(fields), is_unchecked=is_unchecked
        )
        return answer({"name": name, **found.to_json()}, 202)

    async def test(self, request: web.Request) -> web.Response:
        """Send a test message."""
        name, person = request.match_info["name"], request[VISIT].person
        place = (
            Fields(await read_json(request), ("place",)).text("place", "", most=MAX_PLACE).strip()
        )
        spot = await self._parts.channels.test(person, name, place)
        return answer({"name": name, "place": spot.name})

    async def own(self, request: web.Request) -> web.Response:
        """Let an agent have an app of its own."""
        name, agent = request.match_info["name"], request.match_info["agent"]
        options = _options(Fields(await read_json(request), ("options",)))
        return answer(await self._parts.channels.own(request[VISIT].person, name, agent, options))

    async def disown(self, request: web.Request) -> web.Response:
        """Let go of an agent's own app."""
        name, agent = request.match_info["name"], request.match_info["agent"]
        installing = self._parts.channels.installing
        said = await installing.disown(request[VISIT].person, name, agent)
        return answer({"name": name, "agent": agent, "said": said})

    async def remove(self, request: web.Request) -> web.Response:
        """Let go of one."""
        name = request.match_info["name"]
        await self._parts.channels.remove(request[VISIT].person, name)
        return answer({"name": name})


def _options(fields: Fields) -> dict[str, str | bool | int | float]:
    """The options that a platform is told. Raises Invalid."""
    told = fields.json("options")
    if not isinstance(told, Mapping) or len(told) > MAX_OPTIONS:
        raise Invalid(f"`options` is an object with at most {MAX_OPTIONS} entries.")
    options: dict[str, str | bool | int | float] = {}
    for name, value in told.items():
        if not isinstance(value, str | bool | int | float):
            raise Invalid(f"The option {name} must be a text, a number, true or false.")
        options[name] = value
    return options


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    channels = Channels(parts)
    one = "/v1/channels/{name}"
    return [
        Route(
            method="GET",
            path="/v1/channels",
            handler=channels.listed,
            access=Access.OWNER,
            doc=Doc(
                summary="Platforms: `{name, up, detail, wants, ways, own, own_ways, manifest}`.",
                answer=schema(items={"type": "array", "items": OBJECT}, next=MAYBE),
            ),
        ),
        Route(
            method="GET",
            path=f"{one}/manifest",
            handler=channels.manifest,
            access=Access.OWNER,
            doc=Doc(
                summary="What the platform makes an app of, where it does so.",
                answer=schema(version=NUMBER, manifest=OBJECT),
                query={
                    "socket": "1: the house calls the platform, which need not reach it",
                    "agent": "of an app that is this agent's own",
                },
            ),
        ),
        Route(
            method="PUT",
            path=one,
            handler=channels.put,
            access=Access.OWNER,
            doc=Doc(
                summary="Connect a platform: it is asked first, then what it is told is sealed. "
                "`unchecked`: keep it though the platform cannot be asked.",
                body=optional(schema(options=OBJECT), unchecked=TRUTH),
                answer=schema(
                    name=TEXT, team=TEXT, bot=TEXT, missing=TEXTS, notes=TEXTS, checked=TRUTH
                ),
                status=202,
            ),
        ),
        Route(
            method="DELETE",
            path=one,
            handler=channels.remove,
            access=Access.OWNER,
            doc=Doc(summary="Let go of a platform, and of its tokens.", answer=schema(name=TEXT)),
        ),
        *_more_routes(channels, one),
    ]


def _more_routes(channels: Channels, one: str) -> list[Route]:
    return [
        Route(
            method="POST",
            path=f"{one}/test",
            handler=channels.test,
            access=Access.OWNER,
            doc=Doc(
                summary="Send one line to a place; an empty one is your own saved chat.",
                body=schema(place=TEXT),
                answer=schema(name=TEXT, place=TEXT),
            ),
        ),
        Route(
            method="PUT",
            path=f"{one}/agents/{{agent}}",
            handler=channels.own,
            access=Access.OWNER,
            doc=Doc(
                summary="Let an agent have an app of its own there; what it is told is sealed. "
                "`href`: where a browser has to install it first.",
                body=schema(options=OBJECT),
                answer=optional(schema(agent=TEXT, status=TEXT), **PROPERTIES, href=TEXT),
            ),
        ),
        Route(
            method="DELETE",
            path=f"{one}/agents/{{agent}}",
            handler=channels.disown,
            access=Access.OWNER,
            doc=Doc(
                summary="Let go of an agent's own app, and of its token.",
                answer=schema(name=TEXT, agent=TEXT, said=TEXT),
            ),
        ),
    ]
