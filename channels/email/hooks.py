"""What webhooks share: the raw body, of the right kind and size, and writing news down.

https://www.rfc-editor.org/rfc/rfc9110#section-15.5.14 (read 2026-11-21)
"""

import logging
from collections.abc import Sequence

from aiohttp import web

from bot.core.errors import StoreError
from bot.platforms.lent import Mailbook, News

log = logging.getLogger(__name__)


async def body_of(request: web.Request, kind: str, most: int) -> bytes | web.Response:
    """The raw body; else the answer: 415 for another kind, 413 for too much."""
    if request.content_type != kind:
        return web.Response(status=415)
    raw = bytearray()
    async for piece in request.content.iter_chunked(65_536):
        raw += piece
        if len(raw) > most:
            return web.Response(status=413)
    return bytes(raw)


async def noted(book: Mailbook, news: Sequence[News]) -> web.Response:
    """Write news down, and answer: 503 when it cannot be kept, so that it comes again."""
    try:
        for each in news:
            await book.note(each)
    except StoreError as error:
        log.warning("What became of a mail is not kept; it comes again: %s", error.message)
        return web.Response(status=503)
    return web.Response()
