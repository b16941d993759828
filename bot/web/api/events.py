"""Events: what came in and how it ended, the story of each, and those that failed for good."""

from aiohttp import web

from bot.core.canonical import Json
from bot.core.errors import Invalid, NotFound
from bot.core.people import Role
from bot.core.times import to_us
from bot.store import audit
from bot.store import inbox as rows
from bot.store.script import Script, restartable
from bot.story import shown_story
from bot.transcript import shown_event
from bot.web.answers import (
    LATEST,
    MAYBE,
    NUMBER,
    OBJECT,
    TEXT,
    TIME,
    answer,
    limit_of,
    list_of,
    listed,
    number,
    schema,
)
from bot.web.api.approvals import EFFECT
from bot.web.parts import VISIT, Access, Doc, Parts, Route

STATES = ("new", "done", "dead")
EVENT = schema(
    id=TEXT,
    kind=TEXT,
    channel=TEXT,
    at=TIME,
    text=TEXT,
    state={"enum": list(STATES)},
    ending=MAYBE,
    detail=TEXT,
    attempts=NUMBER,
    conversation=MAYBE,
)
ENTRY = schema(
    seq=NUMBER, at=TIME, actor=TEXT, action=TEXT, target=TEXT, details=OBJECT, event=MAYBE
)
_STEP = schema(
    step=NUMBER,
    kind=TEXT,
    title=TEXT,
    at=TIME,
    ms=NUMBER,
    tokens_in=NUMBER,
    tokens_out=NUMBER,
    micros=NUMBER,
    data={},
)
_PROPERTIES: dict[str, Json] = {
    "steps": {"type": "array", "items": _STEP},
    "effects": {"type": "array", "items": EFFECT},
    "audit": {"type": "array", "items": ENTRY},
}
TRACE: dict[str, Json] = {"allOf": [EVENT, schema(**_PROPERTIES)]}
_PAGE = {"limit": "1 to 1,000", "after": "`next` of the page before"}


class Events:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def list(self, request: web.Request) -> web.Response:
        """Events, latest first: an owner's whole tenant, a member's own."""
        state = request.query.get("state", "")
        if state and state not in STATES:
            raise Invalid(f"`state` is one of: {', '.join(STATES)}.", field="state")
        return await self._page(request, state)

    async def dead(self, request: web.Request) -> web.Response:
        """Those that failed for good, latest first."""
        return await self._page(request, "dead")

    async def trace(self, request: web.Request) -> web.Response:
        """The story of one event; what each step was given is for owners."""
        person = request[VISIT].person
        story = await self._parts.transcript.story(person, request.match_info["id"])
        title = self._parts.transcript.title
        return answer(shown_story(story, whole=person.role is Role.OWNER, title=title))

    async def replay(self, request: web.Request) -> web.Response:
        """Put a dead letter back in its place."""
        parts, visit = self._parts, request[VISIT]
        id_ = request.match_info["event"]
        at = to_us(parts.clock.now())
        if not await parts.db.write(_replay(visit.tenant, id_, visit.person.id, at)):
            raise NotFound("There is no such dead letter here.")
        parts.wake()
        return answer({"event": id_}, 202)

    async def _page(self, request: web.Request, state: str) -> web.Response:
        person, limit = request[VISIT].person, limit_of(request)
        before = number(request, "after", LATEST)
        found = await self._parts.db.read(rows.recent(person.tenant, before, state, limit))
        everything = person.role is Role.OWNER
        items = [
            shown_event(item)
            for item in found
            if everything or item.event.sender.person == person.id
        ]
        last = found[-1].received_at if len(found) == limit else None
        return listed(items, last)


@restartable
def _replay(tenant: str, id_: str, person: str, at: int) -> Script[bool]:
    done = yield from rows.replay(tenant, id_, at)
    if done:
        yield from audit.note(tenant, at, f"person:{person}", "event.replayed", id_, None, id_)
    return done


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    events = Events(parts)
    return [
        Route(
            method="GET",
            path="/v1/events",
            handler=events.list,
            doc=Doc(
                summary="What came in, latest first.",
                answer=list_of(EVENT),
                query={"state": ", ".join(STATES), **_PAGE},
            ),
        ),
        Route(
            method="GET",
            path="/v1/events/{id}",
            handler=events.trace,
            doc=Doc(summary="The whole story of one event.", answer=TRACE),
        ),
        Route(
            method="GET",
            path="/v1/dead",
            handler=events.dead,
            access=Access.OWNER,
            doc=Doc(summary="Events that failed for good.", answer=list_of(EVENT), query=_PAGE),
        ),
        Route(
            method="POST",
            path="/v1/dead/{event}/replay",
            handler=events.replay,
            access=Access.OWNER,
            doc=Doc(summary="Try a dead letter again.", answer=schema(event=TEXT), status=202),
        ),
    ]
