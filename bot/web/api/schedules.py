"""Schedules: what the clock will say to whom, paused and resumed."""

from collections.abc import Sequence

from aiohttp import web

from bot.core.canonical import Json
from bot.core.errors import NotFound
from bot.core.ids import ScheduleId
from bot.core.people import Role
from bot.core.schedule import Schedule, ScheduleState
from bot.core.times import iso, to_us
from bot.store import audit
from bot.web.answers import MAYBE, NUMBER, TEXT, answer, list_of, listed, schema
from bot.web.api.people import actor_of
from bot.web.body import Fields, read_json
from bot.web.parts import VISIT, Doc, Parts, Route

STATES = [state.value for state in ScheduleState if state is not ScheduleState.DONE]
SCHEDULE = schema(
    id=TEXT,
    words=TEXT,
    trigger=TEXT,
    zone=TEXT,
    prompt=TEXT,
    agent=TEXT,
    person=MAYBE,
    conversation=TEXT,
    state=TEXT,
    next_at=MAYBE,
    last_at=MAYBE,
    version=NUMBER,
)


class Schedules:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def list(self, request: web.Request) -> web.Response:
        """An owner's whole tenant, a member's own."""
        return listed([_shown(item) for item in await self._mine(request)], None)

    async def change(self, request: web.Request) -> web.Response:
        """Pause, resume or cancel."""
        parts, visit = self._parts, request[VISIT]
        fields = Fields(await read_json(request), ("state",))
        state = ScheduleState(fields.choice("state", STATES))
        id_ = ScheduleId(request.match_info["id"])
        mine = any(item.id == id_ for item in await self._mine(request))
        item = await parts.schedules.change(visit.tenant, id_, state) if mine else None
        if item is None:
            raise NotFound("There is no such schedule here.")
        at = to_us(parts.clock.now())
        note = audit.note(visit.tenant, at, actor_of(request), f"schedule.{state.value}", id_)
        await parts.db.write(note)
        return answer(_shown(item))

    async def _mine(self, request: web.Request) -> Sequence[Schedule]:
        person = request[VISIT].person
        found = await self._parts.schedules.list(person.tenant)
        everything = person.role is Role.OWNER
        return [item for item in found if everything or item.person == person.id]


def _shown(item: Schedule) -> dict[str, Json]:
    return {
        "id": item.id,
        "words": item.words,
        "trigger": item.trigger,
        "zone": item.zone,
        "prompt": item.prompt,
        "agent": item.agent,
        "person": item.person,
        "conversation": item.conv,
        "state": item.state.value,
        "next_at": iso(item.next_at) if item.next_at else None,
        "last_at": iso(item.last_at) if item.last_at else None,
        "version": item.version,
    }


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    schedules = Schedules(parts)
    return [
        Route(
            method="GET",
            path="/v1/schedules",
            handler=schedules.list,
            doc=Doc(summary="What the clock will say.", answer=list_of(SCHEDULE)),
        ),
        Route(
            method="POST",
            path="/v1/schedules/{id}",
            handler=schedules.change,
            doc=Doc(
                summary="Pause, resume or cancel.",
                body=schema(state={"enum": STATES}),
                answer=SCHEDULE,
            ),
        ),
    ]
