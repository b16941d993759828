"""One open connection to a server, through the official `mcp` package: list its tools, call one.

Loaded on first use; nothing else of the house imports this file by name. An error becomes one of
two: `VendorRefused` when the server surely did not act, `VendorUnknown` when nobody can say. Some
codes that sound definite are also made up by the package when an answer is missing, so only those
count that no lost answer can produce.

Package: https://github.com/modelcontextprotocol/python-sdk (2.3.0, read 2026-11-21)
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx2
import mcp_types as types
from anyio import BrokenResourceError, ClosedResourceError
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.client.subscriptions import ListenNotSupportedError
from mcp.shared.exceptions import MCPError
from pydantic import TypeAdapter, ValidationError

from bot.core.canonical import Json
from bot.core.errors import VendorRefused, VendorUnknown
from bot.version import version
from tools.mcp._definition import Definition, read
from tools.mcp._http import MAX_EVENT, http_client
from tools.mcp._result import Content, Said
from tools.mcp._server import Server
from tools.mcp._stdio import open_stdio

MAX_TOOLS = 200
MAX_PAGES = 20
_REFUSED = frozenset(
    {types.METHOD_NOT_FOUND, types.INVALID_PARAMS, types.HEADER_MISMATCH}
    | {types.MISSING_REQUIRED_CLIENT_CAPABILITY, types.UNSUPPORTED_PROTOCOL_VERSION}
)
_GONE = "Session terminated"
"""How the package words a 404 for a session that the server no longer knows."""
_ANSWER: TypeAdapter[types.CallToolResult | types.InputRequiredResult] = TypeAdapter(
    types.CallToolResult | types.InputRequiredResult
)
_BROKEN = (OSError, httpx2.HTTPError, BrokenResourceError, ClosedResourceError, ValidationError)


class Peer:
    """The server, while the connection is open."""

    def __init__(self, server: Server, client: Client) -> None:
        self._server = server
        self._client = client

    async def tools(self) -> tuple[list[Definition], str]:
        """Its tools as it lists them now, and a sentence when some were left out.

        Raises VendorRefused, whose message stands within a sentence.
        """
        try:
            return await self._tools()
        except (MCPError, *_BROKEN) as error:
            raise VendorRefused(_why(error)) from error

    async def _tools(self) -> tuple[list[Definition], str]:
        found: list[Definition] = []
        params: types.PaginatedRequestParams | None = None
        for _ in range(MAX_PAGES):
            page = await self._client.session.list_tools(params=params)
            for tool in page.tools[: MAX_TOOLS - len(found)]:
                shape = dict(tool.input_schema)
                found.append(read(self._server.name, tool.name, tool.description or "", shape))
            if not page.next_cursor:
                return found, ""
            if len(found) >= MAX_TOOLS:
                break
            params = types.PaginatedRequestParams(cursor=page.next_cursor)
        return found, f"It has more than {MAX_TOOLS} tools; the rest is left out."

    async def call(self, name: str, arguments: Mapping[str, Json], timeout_s: float) -> Said:
        """Call one tool once. Raises VendorRefused, VendorUnknown."""
        params = types.CallToolRequestParams(name=name, arguments=dict(arguments))
        where = self._server.name
        try:
            # Not `call_tool`: it may send again by itself, and runs the server's own expressions.
            answer = await self._client.session.send_request(
                types.CallToolRequest(params=params), _ANSWER, timeout_s
            )
        except MCPError as error:
            if error.code in _REFUSED or error.message == _GONE:
                raise VendorRefused(f"{where} refused the call (code {error.code}).") from error
            raise VendorUnknown(f"{where} gave no answer (code {error.code}).") from error
        except _BROKEN as error:
            raise VendorUnknown(f"{where} broke off ({type(error).__name__}).") from error
        if isinstance(answer, types.InputRequiredResult):
            raise VendorRefused(f"{where} wants to ask somebody something, which is not supported.")
        return Said(content=[_content(item) for item in answer.content], failed=answer.is_error)


def _content(item: Any) -> Content:
    """One block of an answer; the package has checked its form."""
    match item:
        case types.TextContent(text=text):
            return Content(text=text)
        case types.ImageContent(data=data, mime_type=kind):
            return Content(encoded=data, media_type=kind, name="image")
        case types.AudioContent(data=data, mime_type=kind):
            return Content(encoded=data, media_type=kind, name="audio")
        case types.EmbeddedResource(resource=types.TextResourceContents(text=text, uri=uri)):
            return Content(text=f"{uri}\n{text}")
        case types.EmbeddedResource(resource=types.BlobResourceContents() as blob):
            kind = blob.mime_type or "application/octet-stream"
            return Content(encoded=blob.blob, media_type=kind, name=str(blob.uri))
        case types.ResourceLink(uri=uri, name=name):
            return Content(text=f"{name}: {uri}")
    return Content(text=f"[{type(item).__name__}]")


@contextlib.asynccontextmanager
async def open_peer(
    server: Server, changed: Callable[[], None], ended: Callable[[], None]
) -> AsyncIterator[Peer]:
    """Connect. `changed` is called when the list of tools is not what it was, `ended` when the
    server goes by itself. Raises VendorRefused."""

    async def hear(message: object) -> None:
        if isinstance(message, types.ToolListChangedNotification):
            changed()

    transport = open_stdio(server, ended) if server.command else _over_http(server)
    client = Client(
        transport,
        mode="auto",
        cache=None,
        read_timeout_seconds=server.timeout_s,
        message_handler=hear,
        client_info=types.Implementation(name="switchboard", version=version()),
    )
    async with _opened(server, client):
        task = asyncio.create_task(_listen(client, changed), name=f"mcp {server.name} hears")
        try:
            yield Peer(server, client)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def _opened(server: Server, client: Client) -> AsyncIterator[None]:
    """Enter the client and say in one sentence why it could not be."""
    entered = False
    try:
        async with client:
            entered = True
            yield
    except (MCPError, *_BROKEN) as error:
        if entered:
            raise
        raise VendorRefused(f"{server.name} cannot be reached: {_why(error)}.") from error
    except BaseExceptionGroup as group:
        if entered or not (errors := group.split(Exception)[0]):
            raise
        first = next(_leaves(errors))
        if isinstance(first, VendorRefused):
            raise first from None
        raise VendorRefused(f"{server.name} cannot be reached: {_why(first)}.") from group


def _over_http(server: Server) -> AbstractAsyncContextManager[Any]:
    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[Any]:
        async with http_client(server) as client:
            way = streamable_http_client(
                server.url, http_client=client, max_sse_event_size=MAX_EVENT
            )
            async with way as streams:
                yield streams

    return opened()


async def _listen(client: Client, changed: Callable[[], None]) -> None:
    """Servers of the newer kind tell changes on a stream that is asked for."""
    with contextlib.suppress(ListenNotSupportedError, MCPError, *_BROKEN, TimeoutError):
        async with client.listen(tools_list_changed=True) as told:
            async for _ in told:
                changed()


def _leaves(group: BaseExceptionGroup[Exception]) -> Iterator[Exception]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error


def _why(error: BaseException) -> str:
    """A short reason that repeats nothing the server said."""
    if isinstance(error, MCPError) and error.code == types.REQUEST_TIMEOUT:
        return "it gave no answer in time"
    if isinstance(error, MCPError) and error.code == types.CONNECTION_CLOSED:
        return "it broke off"
    if isinstance(error, ValidationError):
        return "its answer is not as the protocol has it"
    if isinstance(error, MCPError):
        return f"it did not take up the protocol (code {error.code})"
    if isinstance(error, httpx2.HTTPStatusError):
        return f"it answered with status {error.response.status_code}"
    if isinstance(error, httpx2.ConnectError):
        return str(error)[:200] or "no connection"
    return type(error).__name__
