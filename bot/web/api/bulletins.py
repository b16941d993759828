"""Kinds of messages that agents post unasked, and the place that each goes to."""

from aiohttp import web

from bot.core.canonical import Json
from bot.store.bulletins import Bulletin
from bot.web.answers import TEXT, TRUTH, answer, list_of, listed, schema
from bot.web.api.people import actor_of
from bot.web.body import Fields, read_json
from bot.web.parts import VISIT, Access, Doc, Parts, Route

_MAX = 200
KEYS = ("channel", "kind")
BULLETIN = schema(channel=TEXT, kind=TEXT, place=TEXT, name=TEXT, is_set=TRUTH)


class Kinds:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._bulletins = parts.channels.bulletins

    async def list(self, request: web.Request) -> web.Response:
        """All of them."""
        found = await self._bulletins.listed(request[VISIT].tenant)
        return listed([_shown(item) for item in found], None)

    async def put(self, request: web.Request) -> web.Response:
        """Let a kind go to a place that the bot is in."""
        fields = Fields(await read_json(request), (*KEYS, "place"))
        channel, kind, place = (fields.text(name, most=_MAX) for name in (*KEYS, "place"))
        tenant = request[VISIT].tenant
        made = await self._bulletins.put(tenant, channel, kind, place, actor_of(request))
        return answer(_shown(made))

    async def remove(self, request: web.Request) -> web.Response:
        """Let agents name places again."""
        channel, kind = (request.query.get(name, "")[:_MAX] for name in KEYS)
        await self._bulletins.remove(request[VISIT].tenant, channel, kind, actor_of(request))
        return answer({"channel": channel, "kind": kind})


def _shown(item: Bulletin) -> dict[str, Json]:
    return {
        "channel": item.channel,
        "kind": item.kind,
        "place": item.place,
        "name": item.name,
        "is_set": item.is_set,
    }


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    kinds = Kinds(parts)
    table = (
        (
            "GET",
            kinds.list,
            Doc(
                summary="Where each kind of message goes that agents post unasked. "
                "`is_set`: it stands in the settings, and is changed there.",
                answer=list_of(BULLETIN),
            ),
        ),
        (
            "PUT",
            kinds.put,
            Doc(
                summary="Let a kind go to a place that the bot is in, by its name or id.",
                body=schema(channel=TEXT, kind=TEXT, place=TEXT),
                answer=BULLETIN,
            ),
        ),
        (
            "DELETE",
            kinds.remove,
            Doc(
                summary="Forget a kind.",
                answer=schema(channel=TEXT, kind=TEXT),
                query=dict.fromkeys(KEYS, "as the list has it"),
            ),
        ),
    )
    return [
        Route(method=method, path="/v1/bulletins", handler=handler, access=Access.OWNER, doc=doc)
        for method, handler, doc in table
    ]
