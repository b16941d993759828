"""Places of platforms outside: what is answered there, and by whom."""

from aiohttp import web

from bot.core.canonical import Json
from bot.store.place_rules import PlaceRule
from bot.web.answers import MAYBE, TEXT, TRUTH, answer, list_of, listed, optional, schema
from bot.web.api.people import actor_of
from bot.web.body import Fields, read_json
from bot.web.parts import VISIT, Access, Doc, Parts, Route
from bot.web.said import agent_of

WHERE = ("channel", "workspace", "place")
FLAGS = ("respond_to_mentions", "respond_to_all")
_MAX = 200
RULE = schema(
    channel=TEXT,
    workspace=TEXT,
    place=TEXT,
    name=TEXT,
    agent=MAYBE,
    respond_to_mentions=TRUTH,
    respond_to_all=TRUTH,
)
_WHERE = optional(schema(channel=TEXT), workspace=TEXT, place=TEXT)


class Rules:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._places = parts.channels.places

    async def list(self, request: web.Request) -> web.Response:
        """What was said of places."""
        found = await self._places.listed(request[VISIT].tenant)
        return listed([_shown(rule) for rule in found], None)

    async def put(self, request: web.Request) -> web.Response:
        """Say what is answered in a place, from the next message on."""
        tenant = request[VISIT].tenant
        fields = Fields(await read_json(request), (*WHERE, "name", "agent", *FLAGS))
        named = fields.text("agent", "", most=_MAX)
        rule = PlaceRule(
            **{name: fields.text(name, "", most=_MAX) for name in (*WHERE, "name")},
            agent=agent_of(self._parts.agents, tenant, named) if named else None,
            mentions=fields.truth("respond_to_mentions", default=True),
            everything=fields.truth("respond_to_all", default=False),
        )
        await self._places.put(tenant, rule, actor_of(request))
        return answer(_shown(rule))

    async def remove(self, request: web.Request) -> web.Response:
        """Let the usual hold there again."""
        channel, workspace, place = (request.query.get(name, "")[:_MAX] for name in WHERE)
        await self._places.remove(
            request[VISIT].tenant, (channel, workspace, place), actor_of(request)
        )
        return answer({"channel": channel, "workspace": workspace, "place": place})


def _shown(rule: PlaceRule) -> dict[str, Json]:
    return {
        "channel": rule.channel,
        "workspace": rule.workspace,
        "place": rule.place,
        "name": rule.name,
        "agent": rule.agent,
        "respond_to_mentions": rule.mentions,
        "respond_to_all": rule.everything,
    }


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    rules = Rules(parts)
    flags: dict[str, Json] = {"name": TEXT, "agent": MAYBE, **dict.fromkeys(FLAGS, TRUTH)}
    table = (
        (
            "GET",
            rules.list,
            Doc(summary="What is answered in places outside.", answer=list_of(RULE)),
        ),
        (
            "PUT",
            rules.put,
            Doc(
                summary="Say it of a place, or of a workspace where `place` is empty.",
                body=optional(_WHERE, **flags),
                answer=RULE,
            ),
        ),
        (
            "DELETE",
            rules.remove,
            Doc(
                summary="Let the usual hold there again.",
                answer=schema(channel=TEXT, workspace=TEXT, place=TEXT),
                query=dict.fromkeys(WHERE, "as the list has it"),
            ),
        ),
    )
    return [
        Route(method=method, path="/v1/places", handler=handler, access=Access.OWNER, doc=doc)
        for method, handler, doc in table
    ]
