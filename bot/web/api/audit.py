"""The book that nobody edits: its lines, and whether they are all still as they were written."""

from aiohttp import web

from bot.store import audit
from bot.transcript import shown_entry
from bot.web.answers import OBJECT, TRUTH, answer, limit_of, list_of, listed, number, optional
from bot.web.api.events import ENTRY
from bot.web.parts import VISIT, Access, Doc, Parts, Route


class Book:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def list(self, request: web.Request) -> web.Response:
        """Lines after a number, oldest first."""
        limit, after = limit_of(request), number(request, "after", 0)
        tenant = request[VISIT].tenant
        found = await self._parts.db.read(audit.entries(tenant, after, limit + 1))
        items = [
            {**shown_entry(entry), "sealed": seal is not None} for entry, seal, _ in found[:limit]
        ]
        return listed(items, found[limit - 1][0].seq if len(found) > limit else None)

    async def verify(self, request: web.Request) -> web.Response:
        """Check the whole chain."""
        return answer(await self._parts.verify_audit(request[VISIT].tenant))


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    book = Book(parts)
    return [
        Route(
            method="GET",
            path="/v1/audit",
            handler=book.list,
            access=Access.OWNER,
            doc=Doc(
                summary="Who did what, oldest first.",
                answer=list_of(optional(ENTRY, sealed=TRUTH)),
                query={"limit": "1 to 1,000", "after": "`next` of the page before"},
            ),
        ),
        Route(
            method="GET",
            path="/v1/audit/verify",
            handler=book.verify,
            access=Access.OWNER,
            doc=Doc(summary="Whether the book is whole.", answer=OBJECT),
        ),
    ]
