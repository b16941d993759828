"""The files of a message at Graph: small ones in one request, large ones piece by piece.

https://learn.microsoft.com/graph/api/attachment-createuploadsession
https://learn.microsoft.com/graph/outlook-large-attachments (read 2026-11-21)
"""

import base64
import re
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from tests.fakes import graph_rules as rules
from tests.fakes.graph_mailbox import Item
from tests.fakes.graph_rules import Refusal
from tests.fakes.graph_subscriptions import soon
from tests.fakes.played import Played

Body = dict[str, Any]
Find = Callable[[web.Request], Item]
On = Callable[[str, Callable[[web.Request, Any], Awaitable[Any]]], Any]

FILE = "#microsoft.graph.fileAttachment"
SMALL, LARGE, PIECE = 3_000_000, 150_000_000, 4_000_000
"""Bytes: up to the first in one request; from there to the second in pieces below the third."""
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


@dataclass(slots=True)
class _Upload:
    """A file that is on its way."""

    item: Item
    about: Body
    size: int
    content: bytes = b""


class Files:
    """What `graph_mail` serves of files; `find` gives the message of a request."""

    def __init__(self, server: Played, find: Find) -> None:
        self.server, self.find = server, find
        self._uploads: dict[str, _Upload] = {}

    def routes(self, app: web.Application, one: str, on: On) -> None:
        """Add what is served under the path of a message."""
        add = app.router.add_route
        add("GET", one + "/attachments", on("files", self._list))
        add("POST", one + "/attachments", on("attach", self._attach))
        add("POST", one + "/attachments/createUploadSession", on("upload", self._begin))
        add("GET", one + "/attachments/{file}", on("file", self._get))
        add("GET", one + "/attachments/{file}/$value", on("bytes", self._bytes))
        add("PUT", "/upload/{name}", self._piece)

    async def _list(self, request: web.Request, body: Any) -> Any:
        return {"value": [{"@odata.type": FILE, **each} for each in self.find(request).files]}

    async def _attach(self, request: web.Request, body: Any) -> Any:
        rules.judge(request, body)
        found = rules.attached(self._draft(request), body)
        if found["size"] > SMALL:
            raise Refusal(
                413, "ErrorMessageSizeExceeded", "Above 3 MB an upload session is needed."
            )
        return found

    async def _get(self, request: web.Request, body: Any) -> Any:
        return {"@odata.type": FILE, **self._one(request)}

    async def _bytes(self, request: web.Request, body: Any) -> web.StreamResponse:
        found = self._one(request)
        content = base64.b64decode(found["contentBytes"])
        kind = found.get("contentType") or "application/octet-stream"
        return web.Response(body=content, headers={"Content-Type": kind})

    def _one(self, request: web.Request) -> Body:
        for each in self.find(request).files:
            if each["id"] == request.match_info["file"]:
                return dict(each)
        words = "The specified object was not found in the store."
        raise Refusal(404, "ErrorItemNotFound", words, mistake=False)

    def _draft(self, request: web.Request) -> Item:
        found = self.find(request)
        if not found.is_draft:
            raise Refusal(400, "ErrorInvalidRequest", "The message is no draft.")
        return found

    async def _begin(self, request: web.Request, body: Any) -> Any:
        about = (body if isinstance(body, dict) else {}).get("AttachmentItem") or {}
        size = about.get("size")
        if about.get("attachmentType") != "file" or not about.get("name"):
            raise Refusal(400, "ErrorInvalidRequest", "AttachmentItem has a type and a name.")
        if not isinstance(size, int) or not SMALL <= size <= LARGE:
            raise Refusal(400, "ErrorAttachmentSizeShouldNotBeLessThanMinimumSize", "3 to 150 MB.")
        name = secrets.token_hex(8)
        self._uploads[name] = _Upload(self._draft(request), about, size)
        where = self.server.base.replace("127.0.0.1", "localhost")
        return {
            "uploadUrl": f"{where}/upload/{name}?authtoken=t",
            "expirationDateTime": soon(60),
            "nextExpectedRanges": ["0-"],
        }

    async def _piece(self, request: web.Request) -> web.StreamResponse:
        content = await request.read()
        upload = self._uploads.get(request.match_info["name"])
        found = _RANGE.fullmatch(request.headers.get("Content-Range", ""))
        if request.headers.get("Authorization"):
            # The address is signed itself: a token on top of it is refused.
            self.server.mistakes.append("the token was sent on to the place of uploads")
            return web.Response(status=401)
        if upload is None:
            return web.Response(status=404)
        begin, end, size = (int(each) for each in found.groups()) if found else (-1, -1, -1)
        is_next = begin == len(upload.content) and end - begin + 1 == len(content)
        if not is_next or size != upload.size or len(content) > PIECE:
            self.server.mistakes.append(f"a piece does not fit: {request.headers}")
            return web.Response(status=416)
        upload.content += content
        if len(upload.content) < size:
            ranges = [f"{len(upload.content)}-"]
            return web.json_response({"expirationDateTime": soon(60), "nextExpectedRanges": ranges})
        del self._uploads[request.match_info["name"]]
        kept = {
            k: upload.about[k] for k in ("name", "contentType", "isInline") if k in upload.about
        }
        coded = base64.b64encode(upload.content).decode()
        made = rules.attached(upload.item, {"@odata.type": FILE, **kept, "contentBytes": coded})
        where = f"{self.server.base}/v1.0/users/x/messages/{upload.item.id}/attachments"
        return web.Response(status=201, headers={"Location": f"{where}/{made['id']}"})
