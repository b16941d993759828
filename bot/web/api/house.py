"""The house itself: who you are, who works here, how it is, what it cost, what it only played."""

from datetime import timedelta

from aiohttp import web

from bot.core.agent import Agent
from bot.core.canonical import Json
from bot.core.people import Role
from bot.core.times import iso, to_us
from bot.render.text import visible
from bot.store import approvals, sandbox, spends
from bot.store.spends import Total
from bot.transcript import shown_effect
from bot.web.answers import (
    LATEST,
    MAYBE,
    NUMBER,
    OBJECT,
    TEXT,
    TIME,
    TRUTH,
    answer,
    limit_of,
    list_of,
    listed,
    number,
    optional,
    schema,
)
from bot.web.api.approvals import EFFECT
from bot.web.parts import VISIT, Access, Doc, Parts, Route

BRIEF = schema(name=TEXT, title=TEXT, emoji=TEXT)
ME = schema(
    person=schema(id=TEXT, name=TEXT, role=TEXT, zone=TEXT),
    tenant=schema(id=TEXT, name=TEXT),
    agents={"type": "array", "items": BRIEF},
    model=schema(name=TEXT, offline=TRUTH),
    pending=NUMBER,
    access=TEXT,
)
RESTING: dict[str, Json] = {
    "type": "array",
    "items": schema(model=TEXT, seconds=NUMBER, cause=TEXT, status={"type": ["integer", "null"]}),
}
_SUM = schema(calls=NUMBER, tokens_in=NUMBER, tokens_out=NUMBER, micros=NUMBER)
USAGE = schema(
    since=TIME,
    total=_SUM,
    items={"type": "array", "items": {"allOf": [_SUM, schema(agent=TEXT, model=TEXT)]}},
    next={"type": "null"},
)
_TRACES = optional(EFFECT, agent=TEXT, conversation=TEXT, event=TEXT, at=MAYBE)
MAX_DAYS = 366


class House:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def me(self, request: web.Request) -> web.Response:
        """Who asks, and what they find here."""
        parts, visit = self._parts, request[VISIT]
        person = visit.person
        tenant = await parts.people.tenant(visit.tenant)
        if person.role is Role.OWNER:
            pending = await parts.db.read(approvals.pending(visit.tenant))
        else:
            seen, _ = await parts.transcript.approvals(person, "pending", "", LATEST, 1000)
            pending = len(seen)
        model, offline = parts.models.current()
        return answer(
            {
                "person": {
                    "id": person.id,
                    "name": visible(person.name),
                    "role": person.role.value,
                    "zone": person.zone,
                },
                "tenant": {"id": tenant.id, "name": visible(tenant.name)},
                "agents": [brief(agent) for agent in parts.agents.all(visit.tenant)],
                "model": {"name": model, "offline": offline},
                "pending": pending,
                "access": "ask",
            }
        )

    async def status(self, request: web.Request) -> web.Response:
        """How the house is, in one line's worth."""
        return answer(await self._parts.status(request[VISIT].person))

    async def usage(self, request: web.Request) -> web.Response:
        """What models cost since so many days: an owner's tenant, a member's own."""
        parts, person = self._parts, request[VISIT].person
        days = number(request, "days", 1, 1, MAX_DAYS)
        midnight = parts.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        since = midnight - timedelta(days=days - 1)
        everything = person.role is Role.OWNER
        whose = "*" if everything else person.id
        total = await parts.db.read(spends.total(person.tenant, whose, to_us(since)))
        rows = (
            await parts.db.read(spends.by_agent(person.tenant, to_us(since))) if everything else []
        )
        items: list[Json] = [{"agent": row.agent, "model": row.model, **_sum(row)} for row in rows]
        told = {"since": iso(since), "total": _sum(total), "items": items, "next": None}
        return answer(told)

    async def sandbox(self, request: web.Request) -> web.Response:
        """What would have been sent, had the connection been set up."""
        tenant = request[VISIT].tenant
        found = await self._parts.db.read(sandbox.listed(tenant, limit_of(request)))
        items = [
            {
                **shown_effect(item, self._parts.transcript.title(item)),
                "agent": item.agent,
                "conversation": item.conv,
                "event": item.turn,
                "at": iso(item.started_at) if item.started_at else None,
            }
            for item in found
        ]
        return listed(items, None)

    async def health(self, request: web.Request) -> web.Response:
        """The process lives."""
        return answer({"ok": True})

    async def version(self, request: web.Request) -> web.Response:
        """Which Switchboard this is."""
        return answer({"name": "switchboard", "version": self._parts.version})

    async def ready(self, request: web.Request) -> web.Response:
        """Whether messages are taken. What keeps them from being answered is told with a token.

        A refused key keeps nobody out: messages wait for its mend, which is made on a page of ours.
        """
        broken, problems = await self._parts.readiness()
        told: dict[str, Json] = {"ok": not broken}
        if VISIT in request:
            told |= {"problems": list(problems), "resting": self._parts.models.resting()}
        return answer(told, 503 if broken else 200)


def brief(agent: Agent) -> dict[str, Json]:
    """An agent in a list."""
    return {"name": agent.name, "title": visible(agent.title), "emoji": agent.emoji}


def _sum(total: Total) -> dict[str, Json]:
    return {
        "calls": total.calls,
        "tokens_in": total.tokens_in,
        "tokens_out": total.tokens_out,
        "micros": total.micros,
    }


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    house = House(parts)
    me = Doc(summary="Who you are.", answer=ME)
    status = Doc(summary="How the house is.", answer=OBJECT)
    usage = Doc(
        summary="What models cost, in millionths of a US dollar.",
        answer=USAGE,
        query={"days": "how many days, today included; 1 unless said"},
    )
    sandbox = Doc(
        summary="What would have been sent.",
        answer=list_of(_TRACES),
        query={"limit": "1 to 1,000"},
    )
    health = Doc(summary="The process lives.", answer=schema(ok=TRUTH))
    version = Doc(summary="Which version this is.", answer=schema(name=TEXT, version=TEXT))
    ready = Doc(
        summary="Whether messages are taken (503: not); with a token also what keeps answers back.",
        answer=optional(
            schema(ok=TRUTH), problems={"type": "array", "items": TEXT}, resting=RESTING
        ),
    )
    table = (
        ("/v1/me", house.me, Access.PERSON, me),
        ("/v1/status", house.status, Access.PERSON, status),
        ("/v1/usage", house.usage, Access.PERSON, usage),
        ("/v1/sandbox", house.sandbox, Access.OWNER, sandbox),
        ("/health", house.health, Access.OPEN, health),
        ("/version", house.version, Access.OPEN, version),
        ("/ready", house.ready, Access.OPEN, ready),
    )
    return [
        Route(method="GET", path=path, handler=handler, access=access, doc=doc)
        for path, handler, access, doc in table
    ]
