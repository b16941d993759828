"""E-mail: what became of what was sent, and the addresses that nothing more is sent to."""

from aiohttp import web

from bot.core.canonical import Json
from bot.core.times import from_us, iso
from bot.platforms.mailbook import Book
from bot.store.mail import Block, Told
from bot.web.answers import LATEST, TEXT, answer, limit_of, list_of, listed, number, schema
from bot.web.api.people import actor_of
from bot.web.parts import VISIT, Access, Doc, Parts, Route

NEWS = schema(id=TEXT, address=TEXT, state=TEXT, key=TEXT, detail=TEXT, at=TEXT)
CLOSED = schema(address=TEXT, state=TEXT, detail=TEXT, at=TEXT)
OPENED = schema(address=TEXT, state=TEXT)


class Mail:
    """Handlers. Only owners see whom the house writes to."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def _book(self, request: web.Request) -> Book:
        return Book(self._parts.db, self._parts.clock, request[VISIT].tenant)

    async def news(self, request: web.Request) -> web.Response:
        """The latest first."""
        limit, before = limit_of(request), number(request, "after", LATEST)
        found = await self._book(request).recent(before, limit)
        after = found[-1].at if len(found) == limit else None
        return listed([_news(item) for item in found], after)

    async def closed(self, request: web.Request) -> web.Response:
        """The latest first."""
        limit, before = limit_of(request), number(request, "after", LATEST)
        found = await self._book(request).blocks(before, limit)
        after = found[-1].at if len(found) == limit else None
        return listed([_closed(item) for item in found], after)

    async def open(self, request: web.Request) -> web.Response:
        """Send there again; what it was closed for."""
        address = request.match_info["address"].lower()
        state = await self._book(request).open(address, actor_of(request))
        return answer({"address": address, "state": state})


def _news(item: Told) -> dict[str, Json]:
    return {
        "id": item.id,
        "address": item.address,
        "state": item.state,
        "key": item.key,
        "detail": item.detail,
        "at": iso(from_us(item.at)),
    }


def _closed(item: Block) -> dict[str, Json]:
    return {
        "address": item.address,
        "state": item.state,
        "detail": item.detail,
        "at": iso(from_us(item.at)),
    }


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    mail = Mail(parts)
    return [
        Route(
            method="GET",
            path="/v1/mail/news",
            handler=mail.news,
            access=Access.OWNER,
            doc=Doc(summary="What became of mail.", answer=list_of(NEWS)),
        ),
        Route(
            method="GET",
            path="/v1/mail/closed",
            handler=mail.closed,
            access=Access.OWNER,
            doc=Doc(summary="Addresses that nothing more is sent to.", answer=list_of(CLOSED)),
        ),
        Route(
            method="DELETE",
            path="/v1/mail/closed/{address}",
            handler=mail.open,
            access=Access.OWNER,
            doc=Doc(summary="Send to an address again.", answer=OPENED),
        ),
    ]
