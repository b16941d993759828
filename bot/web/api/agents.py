"""Agents: the team, and the text of each, which an owner may rewrite for their own tenant."""

from aiohttp import web

from agents.runtime.own import Source
from bot.core.canonical import Json
from bot.web.answers import MAYBE, TEXT, TRUTH, answer, list_of, listed, optional, schema
from bot.web.api.house import brief
from bot.web.api.people import actor_of
from bot.web.body import Fields, read_json
from bot.web.parts import VISIT, Access, Doc, Parts, Route

MAX_TEXT = 64_000
AGENT = optional(
    schema(name=TEXT, title=TEXT, emoji=TEXT, tools={"type": "array", "items": TEXT}),
    model=TEXT,
    channels={"type": "array", "items": TEXT},
    lead=MAYBE,
    version=TEXT,
)
SOURCE = schema(name=TEXT, text=TEXT, file=TEXT, own=TRUTH, version=TEXT)


class Team:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def list(self, request: web.Request) -> web.Response:
        """The team."""
        team = self._parts.agents.all(request[VISIT].tenant)
        items = [
            {
                **brief(agent),
                "tools": list(agent.tools),
                "model": agent.model,
                "channels": list(agent.channels),
                "lead": agent.lead,
                "version": agent.version,
            }
            for agent in team
        ]
        return listed(items, None)

    async def source(self, request: web.Request) -> web.Response:
        """One agent as text: the version that holds, and the file below it."""
        own, tenant = self._parts.own_agents, request[VISIT].tenant
        return answer(_shown(await own.source(tenant, request.match_info["name"])))

    async def save(self, request: web.Request) -> web.Response:
        """Write a version of this tenant's own; it holds from the next turn on."""
        fields = Fields(await read_json(request), ("text", "version"))
        tenant = request[VISIT].tenant
        saved = await self._parts.own_agents.save(
            tenant,
            request.match_info["name"],
            fields.text("text", most=MAX_TEXT, lines=True),
            actor_of(request),
            fields.text("version", ""),
        )
        self._parts.rules_changed(tenant)
        return answer(_shown(saved))

    async def reset(self, request: web.Request) -> web.Response:
        """Drop the version of this tenant's own, so that the file holds again."""
        name = request.match_info["name"]
        tenant = request[VISIT].tenant
        await self._parts.own_agents.reset(tenant, name, actor_of(request))
        self._parts.rules_changed(tenant)
        return answer({"name": name.lower()})


def _shown(source: Source) -> dict[str, Json]:
    return {
        "name": source.name,
        "text": source.text,
        "file": source.file,
        "own": source.own,
        "version": source.version,
    }


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    team = Team(parts)
    one = "/v1/agents/{name}"
    body = optional(schema(text=TEXT), version=TEXT)
    everybody = Doc(summary="The team.", answer=list_of(AGENT))
    source = Doc(summary="An agent as text, and the file below it.", answer=SOURCE)
    save = Doc(summary="Write a version of your own.", body=body, answer=SOURCE)
    reset = Doc(summary="Let the file hold again.", answer=schema(name=TEXT))
    table = (
        ("GET", "/v1/agents", team.list, Access.PERSON, everybody),
        ("GET", one, team.source, Access.OWNER, source),
        ("PUT", one, team.save, Access.OWNER, save),
        ("DELETE", one, team.reset, Access.OWNER, reset),
    )
    return [
        Route(method=method, path=path, handler=handler, access=access, doc=doc)
        for method, path, handler, access, doc in table
    ]
