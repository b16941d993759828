"""What answers bytes that are no HTTP: our headers and error shape, and few lines in the log.

aiohttp's parser refuses such a request before any application sees it, and logs each with a
traceback, which lets a stranger fill a disk. Here the answer gets our shape, and of each minute's
lines only the first few are kept, the rest as a number.
"""

import logging
from collections.abc import Mapping
from typing import Any

from aiohttp import web
from aiohttp.web_protocol import RequestHandler
from aiohttp.web_request import BaseRequest
from aiohttp.web_server import Server

from bot.web.answers import refusal

log = logging.getLogger(__name__)

LINES_A_MINUTE = 5


class Sparing(logging.Filter):
    """Lets a few lines a minute through; the next one after that says how many were left out."""

    def __init__(self, most: int = LINES_A_MINUTE) -> None:
        super().__init__()
        self._most = most
        self._since = 0.0
        self._count = 0

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to keep a line; it is told of those before it."""
        if record.created - self._since >= 60:
            left_out = self._count - self._most
            self._since, self._count = record.created, 0
            if left_out > 0:
                record.msg = f"{record.msg} ({left_out} more like this were left out)"
        self._count += 1
        return self._count <= self._most


class Listener(RequestHandler):
    """One connection."""

    __slots__ = ("_headers",)

    def __init__(self, manager: Server, headers: Mapping[str, str], **kwargs: Any) -> None:
        """`headers` stand on every answer that the application does not make itself."""
        super().__init__(manager, **kwargs)
        self._headers = headers

    @property
    def is_waiting(self) -> bool:
        """Whether no request is here, or none that is whole."""
        return self._waiter is not None and not self._waiter.done() and not self._force_close

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what no handler of ours has seen."""
        super().handle_error(request, status, exc, message)
        sentence = "This is no HTTP that is understood here. Send a whole, plain request."
        code = "malformed" if status < 500 else "failed"
        made = refusal(status, code, sentence if status < 500 else "Something went wrong here.")
        made.headers.update(self._headers)
        made.force_close()
        return made
