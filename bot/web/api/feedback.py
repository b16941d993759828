"""What people thought of answers, for owners: latest first, with whose answer it was."""

from aiohttp import web

from bot.core.errors import Invalid
from bot.render.text import visible
from bot.store import feedback, people
from bot.store.feedback import SCORES
from bot.web.answers import (
    LATEST,
    MAYBE,
    MAYBE_NAMED,
    TEXT,
    TIME,
    limit_of,
    list_of,
    listed,
    number,
    schema,
)
from bot.web.parts import VISIT, Access, Doc, Parts, Route

OPINION = schema(
    message=TEXT,
    conversation=TEXT,
    event=TEXT,
    person=MAYBE_NAMED,
    agent=TEXT,
    model=MAYBE,
    value={"enum": list(SCORES)},
    detail=TEXT,
    text=TEXT,
    at=TIME,
)


class Feedback:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def list(self, request: web.Request) -> web.Response:
        """Opinions, latest first."""
        value = request.query.get("value", "")
        if value not in (*SCORES, ""):
            raise Invalid("`value` is up or down.", field="value")
        tenant, limit = request[VISIT].tenant, limit_of(request)
        before = number(request, "after", LATEST)
        db = self._parts.db
        found = await db.read(feedback.listed(tenant, SCORES.get(value, 0), before, limit))
        names = await db.read(people.names(tenant))
        items = []
        for item in found:
            name = visible(names.get(item.person, "somebody who left"))
            items.append({**item.to_json(), "person": {"id": item.person, "name": name}})
        return listed(items, found[-1].at if len(found) == limit else None)


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    return [
        Route(
            method="GET",
            path="/v1/feedback",
            handler=Feedback(parts).list,
            access=Access.OWNER,
            doc=Doc(
                summary="What people thought of answers, latest first.",
                answer=list_of(OPINION),
                query={
                    "limit": "1 to 1,000",
                    "after": "`next` of the page before",
                    "value": "up or down alone",
                },
            ),
        )
    ]
