"""Files: taken in one at a time, listed, given back as downloads, linked to, deleted.

The body names no path and no place; what it calls the file is only shown. A picture may be seen in
the page, everything else is saved, and nothing of it runs. A link (`/files/TOKEN`) gives one file
to whoever holds it, for a while, and only ever as a download.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from urllib.parse import quote

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.multipart import BodyPartReader

from bot.core.canonical import Json
from bot.core.errors import BotError, Forbidden, Invalid, NotFound
from bot.core.ids import TenantId
from bot.core.people import Role
from bot.core.times import from_us, iso, to_us
from bot.files.files import NewFile
from bot.files.links import LASTS, LONGEST
from bot.files.names import SHOWN_INLINE
from bot.files.port import MAX_BYTES, PIECE, TooLarge
from bot.store import audit
from bot.store.files import LATEST, File
from bot.web.answers import (
    MAYBE,
    NUMBER,
    TEXT,
    TIME,
    TRUTH,
    answer,
    flag,
    limit_of,
    schema,
)
from bot.web.api.people import actor_of
from bot.web.body import READ_S, BadBody, Fields, TooSlow, WrongType, read_json
from bot.web.parts import VISIT, Access, Doc, Parts, Route

log = logging.getLogger(__name__)

FILE = schema(
    id=TEXT,
    name=TEXT,
    size=NUMBER,
    media_type=TEXT,
    person=MAYBE,
    shared=TRUTH,
    created_at=TIME,
)
_PAGE = schema(items={"type": "array", "items": FILE}, next=MAYBE)
_LINK_BODY: dict[str, Json] = {
    "type": "object",
    "properties": {"lasts_s": {"type": "integer", "minimum": 60}},
    "additionalProperties": False,
}
_MARGIN = 64 * 1024
"""What the form around a file may take."""
_RAW = "application/octet-stream"
_CURSOR = re.compile(r"([0-9]{1,18})\.([A-Za-z0-9_]{1,80})")


class Uploads:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._files = parts.files

    async def take(self, request: web.Request) -> web.Response:
        """Keep the one file of a form, or the body itself."""
        if (request.content_length or 0) > MAX_BYTES + _MARGIN:
            raise TooLarge
        visit, shared = request[VISIT], flag(request, "shared")
        if shared and visit.person.role is not Role.OWNER:
            raise Forbidden("Only an owner shares a file with everybody.")
        name, media_type, pieces = await _sent(request)
        new = NewFile(
            tenant=visit.tenant,
            person=visit.person.id,
            name=name,
            media_type=media_type,
            shared=shared,
        )
        item = await self._files.keep(new, pieces)
        await self._note(request, "file.added", item)
        return answer(shown(item), 201)

    async def list(self, request: web.Request) -> web.Response:
        """The newest first: an owner's whole tenant, a member's own and what is shared."""
        limit = limit_of(request)
        before = _before(request.query.get("after", ""))
        items = await self._files.page(request[VISIT].person, before, limit)
        last = items[-1] if len(items) == limit else None
        return answer(
            {
                "items": [shown(item) for item in items],
                "next": f"{last.at}.{last.id}" if last else None,
            }
        )

    async def give(self, request: web.Request) -> web.StreamResponse:
        """Send a file's bytes."""
        item = await self._files.get(request[VISIT].person, request.match_info["id"])
        how = "inline" if item.media_type in SHOWN_INLINE else "attachment"
        return await self._send(request, item, how)

    async def link(self, request: web.Request) -> web.Response:
        """Make a link that gives this file to whoever holds it."""
        given = await read_json(request) if request.can_read_body else {}
        lasts_s = Fields(given, ("lasts_s",)).number("lasts_s", int(LASTS.total_seconds()))
        most = int(LONGEST.total_seconds())
        if lasts_s is None or not 60 <= lasts_s <= most:
            raise Invalid(f"`lasts_s` is 60 to {most:,} seconds.", field="lasts_s")
        item = await self._files.get(request[VISIT].person, request.match_info["id"])
        token, ends = self._files.links.make(item.tenant, item.id, timedelta(seconds=lasts_s))
        await self._note(request, "file.linked", item)
        url = f"{self._parts.address()}/files/{token}"
        return answer({"url": url, "expires_at": iso(ends)}, 201)

    async def follow(self, request: web.Request) -> web.StreamResponse:
        """Send the file that a link names. The link is all that is asked for."""
        linked = self._files.links.read(request.match_info["token"])
        item = await self._files.find(TenantId(linked.tenant), linked.file)
        if item is None:
            raise NotFound("There is no such file here.")
        return await self._send(request, item, "attachment")

    async def remove(self, request: web.Request) -> web.Response:
        """Delete a file for good."""
        item = await self._files.delete(request[VISIT].person, request.match_info["id"])
        await self._note(request, "file.deleted", item)
        return answer({"id": item.id})

    async def _send(self, request: web.Request, item: File, how: str) -> web.StreamResponse:
        response = web.StreamResponse(
            headers={
                "Content-Type": item.media_type,
                "Content-Length": str(item.size),
                "Content-Disposition": f"{how}; filename*=UTF-8''{quote(item.name, safe='')}",
                "X-Content-Type-Options": "nosniff",
                "Content-Security-Policy": "default-src 'none'; sandbox",
                "Cache-Control": "private, no-store",
            }
        )
        pieces = self._files.read(item)
        piece = await anext(pieces, b"")  # before the head is sent: what is wrong is told whole
        await response.prepare(request)
        if request.method == "HEAD":
            return response
        try:
            while piece:
                await response.write(piece)
                piece = await anext(pieces, b"")
        except BotError as error:
            log.error("A download broke off: %s", error.message, extra={"file": item.id})
            if request.transport is not None:
                request.transport.abort()
            return response
        await response.write_eof()
        return response

    async def _note(self, request: web.Request, action: str, item: File) -> None:
        parts = self._parts
        at = to_us(parts.clock.now())
        note = audit.note(item.tenant, at, actor_of(request), action, item.id, {"name": item.name})
        await parts.db.write(note)


def shown(item: File) -> dict[str, Json]:
    """A file as the API tells it."""
    return {
        "id": item.id,
        "name": item.name,
        "size": item.size,
        "media_type": item.media_type,
        "person": item.person,
        "shared": bool(item.shared),
        "created_at": iso(from_us(item.at)),
    }


def _before(cursor: str) -> tuple[int, str]:
    found = _CURSOR.fullmatch(cursor)
    if cursor and found is None:
        raise Invalid("`after` is the `next` of the page before.", field="after")
    return (int(found[1]), found[2]) if found else LATEST


async def _sent(request: web.Request) -> tuple[str, str, AsyncIterator[bytes]]:
    """Name, type and bytes of a form's one file, or of a body that is the file."""
    if request.content_type == _RAW:
        name = request.query.get("name", "")
        if not name:
            raise Invalid("A file needs a name: add `?name=`.", field="name")
        return name, request.query.get("type", ""), _body(request)
    if request.content_type != "multipart/form-data":
        raise WrongType(
            "This address takes a form with one file (`multipart/form-data`), or the bytes "
            "themselves (`application/octet-stream`, with `?name=`)."
        )
    try:
        async with asyncio.timeout(READ_S):
            part = await (await request.multipart()).next()
    except TimeoutError:
        raise TooSlow from None
    except (ValueError, HttpProcessingError) as error:
        raise BadBody("The form is broken.") from error
    if not isinstance(part, BodyPartReader) or not part.filename:
        raise BadBody("The form's first part has to be a file with a name.")
    return part.filename, part.headers.get("Content-Type", ""), _pieces(part)


async def _pieces(part: BodyPartReader) -> AsyncIterator[bytes]:
    while True:
        try:
            async with asyncio.timeout(READ_S):
                piece = await part.read_chunk(PIECE)
        except TimeoutError:
            raise TooSlow from None
        except ValueError as error:
            raise BadBody("The form is broken.") from error
        if not piece:
            return
        yield piece


async def _body(request: web.Request) -> AsyncIterator[bytes]:
    while True:
        try:
            async with asyncio.timeout(READ_S):
                piece = await request.content.read(PIECE)
        except TimeoutError:
            raise TooSlow from None
        if not piece:
            return
        yield piece


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    uploads = Uploads(parts)
    return [
        Route(
            method="POST",
            path="/v1/files",
            handler=uploads.take,
            doc=Doc(
                summary="Keep a file: a form (multipart/form-data) or the bytes, 25 MB at most.",
                answer=FILE,
                status=201,
                query={
                    "name": "what a file is called whose bytes are the body",
                    "type": "its media type",
                    "shared": "1: everybody in the workspace may read it; owners only",
                },
            ),
        ),
        Route(
            method="GET",
            path="/v1/files",
            handler=uploads.list,
            doc=Doc(
                summary="Files, the newest first.",
                answer=_PAGE,
                query={"limit": "how many, 1 to 1,000", "after": "`next` of the page before"},
            ),
        ),
        Route(
            method="GET",
            path="/v1/files/{id}",
            handler=uploads.give,
            doc=Doc(summary="A file's bytes.", media_type="application/octet-stream"),
        ),
        Route(
            method="POST",
            path="/v1/files/{id}/link",
            handler=uploads.link,
            doc=Doc(
                summary="A link that gives the file to whoever holds it, for `lasts_s` seconds.",
                body=_LINK_BODY,
                answer=schema(url=TEXT, expires_at=TIME),
                status=201,
            ),
        ),
        Route(
            method="DELETE",
            path="/v1/files/{id}",
            handler=uploads.remove,
            doc=Doc(summary="Delete a file for good.", answer=schema(id=TEXT)),
        ),
        Route(
            method="GET",
            path="/files/{token}",
            handler=uploads.follow,
            access=Access.OPEN,
            page=True,
        ),
    ]
