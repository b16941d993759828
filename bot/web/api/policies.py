"""Policies: the rules that say which tool runs unasked, which asks whom, and which is refused."""

from collections.abc import Sequence
from difflib import get_close_matches

from aiohttp import web

from bot.core.canonical import Json
from bot.core.errors import Invalid, NotFound
from bot.core.ids import PersonId, TenantId
from bot.core.ports import new_id
from bot.core.times import to_us
from bot.store import audit, policies
from bot.store.policies import Rule
from bot.store.script import Script
from bot.web.answers import NUMBER, TEXT, answer, list_of, listed, optional, schema
from bot.web.api.people import actor_of
from bot.web.body import Fields, read_json
from bot.web.parts import VISIT, Access, Doc, Parts, Route
from bot.web.said import agent_of

DECISIONS = ("auto", "ask", "deny")
MOST_APPROVERS = 10
MOST_HOURS = 24 * 90
_PEOPLE: dict[str, Json] = {"type": "array", "items": TEXT}
_WHAT: dict[str, Json] = {"type": "string", "enum": list(DECISIONS)}
RULE = schema(
    id=TEXT,
    agent=TEXT,
    tool=TEXT,
    decision=_WHAT,
    above_minor=NUMBER,
    approvers=_PEOPLE,
    needs=NUMBER,
    hours=NUMBER,
    rule=TEXT,
)


class Policies:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def list(self, request: web.Request) -> web.Response:
        """The rules, oldest first."""
        found = await self._parts.db.read(policies.rules(request[VISIT].tenant))
        return listed([_shown(rule) for rule in found], None)

    async def put(self, request: web.Request) -> web.Response:
        """Write a rule, over one for the same agent, tool and amount; the next call obeys it."""
        parts, tenant = self._parts, request[VISIT].tenant
        known = ("agent", "tool", "decision", "above_minor", "approvers", "needs", "hours")
        rule = await self._rule(tenant, Fields(await read_json(request), known))
        at = to_us(parts.clock.now())
        await parts.db.write(_put(tenant, rule, at, actor_of(request)))
        parts.rules_changed(tenant)
        return answer(_shown(rule), 201)

    async def remove(self, request: web.Request) -> web.Response:
        """Remove a rule; what it said goes back to the usual."""
        parts, tenant = self._parts, request[VISIT].tenant
        id_ = request.match_info["id"]
        at = to_us(parts.clock.now())
        await parts.db.write(_remove(tenant, id_, at, actor_of(request)))
        parts.rules_changed(tenant)
        return answer({"id": id_})

    async def _rule(self, tenant: TenantId, fields: Fields) -> Rule:
        parts = self._parts
        agent = fields.text("agent", "")
        decision = fields.choice("decision", DECISIONS)
        approvers = await self._approvers(tenant, fields.texts("approvers", MOST_APPROVERS))
        rule = Rule(
            id=new_id(parts.clock, "pol"),
            agent=agent_of(parts.agents, tenant, agent) if agent else "",
            tool=self._tool(fields.text("tool", "")),
            decision=decision,
            above_minor=_within(fields, "above_minor", 0, 10**12, 0),
            approvers=approvers,
            needs=_within(fields, "needs", 1, MOST_APPROVERS, 1),
            hours=_within(fields, "hours", 0, MOST_HOURS, 0),
        )
        if decision != "ask" and (approvers or rule.needs > 1 or rule.hours):
            text = "Only a rule that asks has approvers, a number of them and hours."
            raise Invalid(text, field="decision")
        if approvers and rule.needs > len(approvers):
            text = f"{rule.needs} must say yes, but only {len(approvers)} may."
            raise Invalid(text, field="needs")
        return rule

    def _tool(self, name: str) -> str:
        if not name or name in (known := self._parts.tools()):
            return name
        near = get_close_matches(name, known, n=1)
        hint = f" Did you mean `{near[0]}`?" if near else ""
        raise Invalid(f"There is no tool `{name[:50]}`.{hint}", field="tool")

    async def _approvers(self, tenant: TenantId, named: Sequence[str]) -> tuple[PersonId, ...]:
        here = {person.id for person in await self._parts.people.list(tenant)}
        for id_ in named:
            if id_ not in here:
                text = f"There is no person `{id_[:50]}`. `bot people` lists them."
                raise Invalid(text, field="approvers")
        return tuple(PersonId(id_) for id_ in dict.fromkeys(named))


def _within(fields: Fields, name: str, least: int, most: int, usual: int) -> int:
    value = fields.number(name, usual)
    if value is None or not least <= value <= most:
        raise Invalid(f"`{name}` is a number from {least} to {most}.", field=name)
    return value


def _put(tenant: str, rule: Rule, at: int, actor: str) -> Script[None]:
    yield from policies.put(tenant, rule, at)
    details: dict[str, Json] = {"rule": rule.describe()}
    yield from audit.note(tenant, at, actor, "policy.set", rule.id, details)


def _remove(tenant: str, id_: str, at: int, actor: str) -> Script[None]:
    rule = yield from policies.remove(tenant, id_)
    if rule is None:
        raise NotFound("There is no such rule here.")
    details: dict[str, Json] = {"rule": rule.describe()}
    yield from audit.note(tenant, at, actor, "policy.removed", id_, details)


def _shown(rule: Rule) -> dict[str, Json]:
    return {
        "id": rule.id,
        "agent": rule.agent,
        "tool": rule.tool,
        "decision": rule.decision,
        "above_minor": rule.above_minor,
        "approvers": list(rule.approvers),
        "needs": rule.needs,
        "hours": rule.hours,
        "rule": rule.describe(),
    }


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    rules = Policies(parts)
    body = optional(
        schema(decision=_WHAT),
        agent=TEXT,
        tool=TEXT,
        above_minor=NUMBER,
        approvers=_PEOPLE,
        needs=NUMBER,
        hours=NUMBER,
    )
    table = (
        ("GET", "/v1/policies", rules.list, Doc(summary="The rules.", answer=list_of(RULE))),
        (
            "POST",
            "/v1/policies",
            rules.put,
            Doc(
                summary="Write a rule; the one that names most wins, the usual holds elsewhere.",
                body=body,
                answer=RULE,
                status=201,
            ),
        ),
        (
            "DELETE",
            "/v1/policies/{id}",
            rules.remove,
            Doc(summary="Remove a rule.", answer=schema(id=TEXT)),
        ),
    )
    return [
        Route(method=method, path=path, handler=handler, access=Access.OWNER, doc=doc)
        for method, path, handler, doc in table
    ]
