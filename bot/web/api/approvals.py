"""Approvals: what waits for a yes, shown exactly, and decided once."""

from collections.abc import Mapping, Sequence

from aiohttp import web

from bot.core.approval import Answer, Decision
from bot.core.canonical import Json
from bot.core.effect import Effect
from bot.core.errors import Conflict, Invalid
from bot.core.ids import ApprovalId, EffectId, TenantId
from bot.web.answers import (
    LATEST,
    MAYBE,
    MAYBE_NAMED,
    NAMED,
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
    of_error,
    optional,
    schema,
)
from bot.web.body import Fields, read_json
from bot.web.parts import VISIT, Doc, Parts, Route
from bot.web.said import channel_of

STATES = ("pending", "approved", "rejected", "expired", "withdrawn")
_TEXTS: Mapping[str, Json] = {"type": "array", "items": TEXT}
_CARD = schema(
    title=TEXT,
    agent=TEXT,
    on_behalf_of=TEXT,
    amount=TEXT,
    recipients=_TEXTS,
    fields={
        "type": "array",
        "items": schema(name=TEXT, value=TEXT, long=TRUTH, editable=TEXT),
    },
    body=TEXT,
    warnings=_TEXTS,
    audience=TEXT,
    why=TEXT,
    approvers=_TEXTS,
    expires_at=MAYBE,
    code=TEXT,
    decided=TEXT,
    sandbox=TRUTH,
    choices={"type": "array", "items": schema(id=TEXT, label=TEXT, style=TEXT)},
)
EFFECT = schema(
    id=TEXT,
    tool=TEXT,
    title=TEXT,
    arguments=OBJECT,
    state=TEXT,
    url=MAYBE,
    error=MAYBE,
    sandbox=TRUTH,
)
APPROVAL = schema(
    id=TEXT,
    code=TEXT,
    kind={"enum": ["approve", "doubt", "budget"]},
    state={"enum": list(STATES)},
    tool=TEXT,
    arguments=OBJECT,
    version=NUMBER,
    hash=TEXT,
    shown=_CARD,
    effects={"type": "array", "items": EFFECT},
    requested_by=MAYBE_NAMED,
    agent=TEXT,
    approvers={"type": "array", "items": NAMED},
    may_decide=TRUTH,
    why=TEXT,
    created_at=TIME,
    expires_at=TIME,
    decided_by=MAYBE_NAMED,
    decided_at=MAYBE,
    note=TEXT,
    conversation=TEXT,
)
_BODY = optional(
    schema(decision={"enum": [d.value for d in Decision]}),
    arguments=OBJECT,
    version=NUMBER,
    note=TEXT,
)


class Approvals:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def list(self, request: web.Request) -> web.Response:
        """The approvals that this person may see, latest first."""
        state = request.query.get("state", "")
        if state and state not in STATES:
            raise Invalid(f"`state` is one of: {', '.join(STATES)}.", field="state")
        items, after = await self._parts.transcript.approvals(
            request[VISIT].person,
            state,
            request.query.get("conversation", ""),
            number(request, "after", LATEST),
            limit_of(request),
        )
        return listed(items, after)

    async def get(self, request: web.Request) -> web.Response:
        """One approval."""
        person, id_ = request[VISIT].person, request.match_info["id"]
        return answer(await self._parts.transcript.approval(person, id_))

    async def decide(self, request: web.Request) -> web.Response:
        """Apply a person's answer; 409 brings the approval as it now stands."""
        parts, visit = self._parts, request[VISIT]
        id_ = request.match_info["id"]
        fields = Fields(await read_json(request), ("decision", "arguments", "version", "note"))
        decision = Decision(fields.choice("decision", [d.value for d in Decision]))
        version = fields.number("version")
        note = fields.text("note", "", most=2000, lines=True)
        await parts.transcript.approval(visit.person, id_)
        reply = Answer(
            approval=ApprovalId(id_),
            decision=decision,
            person=visit.person.id,
            version=version,
            arguments=await self._edited(visit.tenant, id_, decision, fields.json("arguments")),
            note=note,
            channel=channel_of(request, visit),
        )
        try:
            await parts.approvals.decide(visit.tenant, reply)
        except Conflict as error:
            return of_error(error, approval=await parts.transcript.approval(visit.person, id_))
        return answer(await parts.transcript.approval(visit.person, id_))

    async def _edited(
        self, tenant: TenantId, id_: str, decision: Decision, arguments: Json
    ) -> Mapping[EffectId, Mapping[str, Json] | None]:
        """The edited arguments by effect. Raises Invalid."""
        if decision is not Decision.EDIT:
            if arguments is not None:
                raise Invalid("`arguments` belong to the decision `edit`.", field="arguments")
            return {}
        if not isinstance(arguments, Mapping) or not arguments:
            raise Invalid("`arguments` holds the edited ones, as an object.", field="arguments")
        _, covered = await self._parts.approvals.get(tenant, id_)
        return by_effect(covered, arguments)


def by_effect(
    covered: Sequence[Effect], arguments: Mapping[str, Json]
) -> Mapping[EffectId, Mapping[str, Json] | None]:
    """The arguments per effect: those of the only one, or named by id, null to strike one out."""
    ids = {effect.id for effect in covered}
    if len(covered) == 1 and set(arguments) != ids:
        return {covered[0].id: arguments}
    found: dict[EffectId, Mapping[str, Json] | None] = {}
    for id_, value in arguments.items():
        if id_ not in ids or not (value is None or isinstance(value, Mapping)):
            raise Invalid(
                "For several actions `arguments` is {effect id: object, or null to strike it out}.",
                field="arguments",
            )
        found[EffectId(id_)] = value
    return found


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    approvals = Approvals(parts)
    return [
        Route(
            method="GET",
            path="/v1/approvals",
            handler=approvals.list,
            doc=Doc(
                summary="What waits for a yes, and what was decided.",
                answer=list_of(APPROVAL),
                query={
                    "state": ", ".join(STATES),
                    "conversation": "of this one only",
                    "limit": "1 to 1,000",
                    "after": "`next` of the page before",
                },
            ),
        ),
        Route(
            method="GET",
            path="/v1/approvals/{id}",
            handler=approvals.get,
            doc=Doc(summary="One approval, exactly as it will be done.", answer=APPROVAL),
        ),
        Route(
            method="POST",
            path="/v1/approvals/{id}/decide",
            handler=approvals.decide,
            doc=Doc(
                summary="Decide. `version` refuses an old card; `edit` brings new `arguments`.",
                body=_BODY,
                answer=APPROVAL,
            ),
        ),
    ]
