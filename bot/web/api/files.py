"""Files: taken in one part at a time, given back as downloads.

The body names no path and no place; what it calls the file is only shown. A picture may be seen in
the page, everything else is saved, and nothing of it runs.
"""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import quote

from aiohttp import BodyPartReader, web
from aiohttp.http_exceptions import HttpProcessingError

from bot.files import MAX_BYTES, SHOWN_INLINE, TooLarge
from bot.web.answers import NUMBER, TEXT, answer, schema
from bot.web.body import READ_S, BadBody, TooSlow, WrongType
from bot.web.parts import VISIT, Doc, Parts, Route

PIECE = 256 * 1024
_MARGIN = 64 * 1024
"""What the form around a file may take."""
FILE = schema(id=TEXT, name=TEXT, size=NUMBER, media_type=TEXT)


class Uploads:
    """Handlers."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def take(self, request: web.Request) -> web.Response:
        """Keep the one file of a form."""
        if request.content_type != "multipart/form-data":
            raise WrongType("This address takes a form: `multipart/form-data` with one file.")
        if (request.content_length or 0) > MAX_BYTES + _MARGIN:
            raise TooLarge
        try:
            async with asyncio.timeout(READ_S):
                part = await (await request.multipart()).next()
        except TimeoutError:
            raise TooSlow from None
        except (ValueError, HttpProcessingError) as error:
            raise BadBody("The form is broken.") from error
        if not isinstance(part, BodyPartReader) or not part.filename:
            raise BadBody("The form's first part has to be a file with a name.")
        item = await self._parts.files.keep(
            request[VISIT].person,
            part.filename,
            part.headers.get("Content-Type", ""),
            _pieces(part),
        )
        return answer(
            {
                "id": item.id,
                "name": item.name,
                "size": item.size,
                "media_type": item.media_type,
            },
            201,
        )

    async def give(self, request: web.Request) -> web.StreamResponse:
        """Send a file's bytes."""
        item = await self._parts.files.get(request[VISIT].person, request.match_info["id"])
        how = "inline" if item.media_type in SHOWN_INLINE else "attachment"
        name = quote(item.name, safe="")
        return web.FileResponse(
            self._parts.files.path(item),
            headers={
                "Content-Type": item.media_type,
                "Content-Disposition": f"{how}; filename*=UTF-8''{name}",
                "Content-Security-Policy": "default-src 'none'; sandbox",
                "Cache-Control": "private, no-store",
            },
        )


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


def routes(parts: Parts) -> list[Route]:
    """The addresses of this noun."""
    uploads = Uploads(parts)
    return [
        Route(
            method="POST",
            path="/v1/files",
            handler=uploads.take,
            doc=Doc(
                summary="Keep a file (multipart/form-data, 25 MB at most).",
                answer=FILE,
                status=201,
            ),
        ),
        Route(
            method="GET",
            path="/v1/files/{id}",
            handler=uploads.give,
            doc=Doc(summary="A file's bytes.", media_type="application/octet-stream"),
        ),
    ]
