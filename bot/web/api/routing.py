"""Routes: the rules that say who answers, and the explanation of a choice among them."""

from aiohttp import web

from bot.core.canonical import Json
from bot.core.errors import Conflict, NotFound
from bot.core.event import Event, Kind, Place, Sender
from bot.core.ids import AgentName, EventId, PersonId, conv_key
from bot.core.ports import new_id
from bot.core.route import Binding
from bot.core.times import to_us
from bot.store import audit, bindings
from bot.store.script import Script, restartable
from bot.web.answers import MAYBE, TEXT, TRUTH, answer, list_of, listed, optional, schema
from bot.web.api.people import actor_of
from bot.web.body import Fields, read_json
from bot.web.parts import VISIT, Access, Doc, Parts, Route
from bot.web.said import agent_of

PARTS = ("channel", "workspace", "place", "thread", "person", "address")
RULE = schema(
    id=TEXT,
    agent=TEXT,
    channel=TEXT,
    workspace=TEXT,
    place=TEXT,
    thread=TEXT,
    person=TEXT,
    address=TEXT,
    rule=TEXT,
)
_ANY: dict[str, Json] = dict.fromkeys(PARTS, TEXT)
EXPLANATION = schema(
    agent=MAYBE,
    why=TEXT,
    verdicts={"type": "array", "items": schema(rule=TEXT, agent=MAYBE, won=TRUTH, why=TEXT)},
)
_MAX = 200


class Rules:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def list(self, request: web.Request) -> web.Response:
        """The rules, oldest first."""
        found = await self._parts.db.read(bindings.listed(request[VISIT].tenant))
        return listed([_shown(rule) for rule in found], None)

    async def add(self, request: web.Request) -> web.Response:
        """Add a rule; it holds for the next message."""
        parts, tenant = self._parts, request[VISIT].tenant
        fields = Fields(await read_json(request), ("agent", *PARTS))
        agent = agent_of(parts.agents, tenant, fields.text("agent"))
        named = {name: fields.text(name, "", most=_MAX) for name in PARTS}
        rule = Binding(id=new_id(parts.clock, "rul"), agent=agent, **named)
        at = to_us(parts.clock.now())
        await parts.db.write(_add(tenant, rule, at, actor_of(request)))
        parts.rules_changed(tenant)
        return answer(_shown(rule), 201)

    async def remove(self, request: web.Request) -> web.Response:
        """Remove a rule."""
        parts, tenant = self._parts, request[VISIT].tenant
        id_ = request.match_info["id"]
        at = to_us(parts.clock.now())
        await parts.db.write(_remove(tenant, id_, at, actor_of(request)))
        parts.rules_changed(tenant)
        return answer({"id": id_})

    async def explain(self, request: web.Request) -> web.Response:
        """Say who would answer, why, and why the others would not."""
        parts, tenant = self._parts, request[VISIT].tenant
        asked = {name: request.query.get(name, "")[:_MAX] for name in (*PARTS, "mention")}
        who, channel = asked["person"], asked["channel"]
        mention = asked["mention"].lstrip("@")
        event = Event(
            id=EventId(new_id(parts.clock, "evt")),
            tenant=tenant,
            channel=channel,
            account="",
            ext_id="",
            kind=Kind.MESSAGE,
            conv=conv_key(channel, "", asked["place"], asked["thread"]),
            sender=Sender(ext_id=who, person=PersonId(who) if who.startswith("per_") else None),
            place=Place(id=asked["place"], thread=asked["thread"], workspace=asked["workspace"]),
            text="",
            at=parts.clock.now(),
            to=asked["address"],
            agent=AgentName(mention) if mention else None,
        )
        found = await parts.routes.explain(event)
        verdicts: list[Json] = [
            {"rule": v.rule, "agent": v.agent, "won": v.won, "why": v.why} for v in found.verdicts
        ]
        return answer({"agent": found.agent, "why": found.why, "verdicts": verdicts})


@restartable
def _add(tenant: str, rule: Binding, at: int, actor: str) -> Script[None]:
    added = yield from bindings.add(tenant, rule, at)
    if not added:
        raise Conflict("This very rule is there already.")
    details = {"agent": rule.agent, "rule": rule.describe()}
    yield from audit.note(tenant, at, actor, "route.added", rule.id, details)


@restartable
def _remove(tenant: str, id_: str, at: int, actor: str) -> Script[None]:
    rule = yield from bindings.remove(tenant, id_)
    if rule is None:
        raise NotFound("There is no such rule here.")
    details = {"agent": rule.agent, "rule": rule.describe()}
    yield from audit.note(tenant, at, actor, "route.removed", id_, details)


def _shown(rule: Binding) -> dict[str, Json]:
    parts: dict[str, Json] = {name: getattr(rule, name) for name in PARTS}
    return {"id": rule.id, "agent": rule.agent, **parts, "rule": rule.describe()}


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    rules = Rules(parts)
    table = (
        ("GET", "/v1/routes", rules.list, Doc(summary="The rules.", answer=list_of(RULE))),
        (
            "POST",
            "/v1/routes",
            rules.add,
            Doc(
                summary="Add a rule: whatever it names has to fit.",
                body=optional(schema(agent=TEXT), **_ANY),
                answer=RULE,
                status=201,
            ),
        ),
        (
            "DELETE",
            "/v1/routes/{id}",
            rules.remove,
            Doc(summary="Remove a rule.", answer=schema(id=TEXT)),
        ),
        (
            "GET",
            "/v1/routes/explain",
            rules.explain,
            Doc(
                summary="Who would answer, and why the others would not.",
                answer=EXPLANATION,
                query=dict.fromkeys((*PARTS, "mention"), "where or from whom it comes"),
            ),
        ),
    )
    return [
        Route(method=method, path=path, handler=handler, access=Access.OWNER, doc=doc)
        for method, path, handler, doc in table
    ]
