"""Where the HTTP way may go: one origin, checked addresses, no redirect, no answer without end."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx2
import pytest
from aiohttp import web

from bot.core.errors import VendorRefused
from bot.core.secret import Secret
from tests.tools.mcp import kit
from tools.mcp import _http
from tools.mcp._http import http_client
from tools.mcp._server import Server

SECRET = {"Authorization": Secret("Bearer canary")}


@asynccontextmanager
async def place(answer: web.Response | None = None) -> AsyncIterator[tuple[str, list[str]]]:
    """A web server that keeps which Authorization it saw."""
    seen: list[str] = []

    async def handle(request: web.Request) -> web.StreamResponse:
        seen.append(request.headers.get("Authorization", ""))
        if answer is not None:
            return web.Response(
                status=answer.status, headers=dict(answer.headers), body=answer.body
            )
        return web.json_response({"host": request.host})

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", seen
    finally:
        await runner.cleanup()


def server(url: str, **changes: bool) -> Server:
    """A server at an address, with a header of its own."""
    return Server(name="far", url=url, headers=SECRET, private=changes.get("private", True))


async def test_the_header_goes_to_its_own_origin_and_nowhere_else() -> None:
    async with place() as (own, seen), place() as (other, stolen):
        async with http_client(server(f"{own}/mcp")) as client:
            assert (await client.get(f"{own}/mcp")).json()["host"] in own
            with pytest.raises(httpx2.ConnectError, match="another address"):
                await client.get(f"{other}/mcp")
    assert (seen, stolen) == (["Bearer canary"], [])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_refused_even_within_the_origin(status: int) -> None:
    away = web.Response(status=status, headers={"Location": "/elsewhere"})
    async with place(away) as (own, seen), kit.opened(server(f"{own}/mcp")) as link:
        with pytest.raises(VendorRefused, match="cannot be reached"):
            await link.look()
        assert len(seen) == 1, "nobody went on to the place that was named"


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.7", "169.254.169.254", "::1", "100.64.0.1", "fd00::1"]
)
async def test_a_public_name_that_leads_inside_is_refused(address: str) -> None:
    async def lookup(host: str, port: int) -> Sequence[str]:
        return [address]

    there = server("https://mcp.example.org/mcp", private=False)
    async with http_client(there, lookup) as client:
        with pytest.raises(httpx2.ConnectError, match="private network"):
            await client.get("https://mcp.example.org/mcp")


async def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    asked: list[str] = []

    async def lookup(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["10.9.9.9"]

    async with place() as (own, seen):
        port = own.rpartition(":")[2]
        url = f"http://notes.internal:{port}/mcp"
        async with http_client(server(url), lookup) as client:
            assert (await client.get(url)).json()["host"] == f"notes.internal:{port}"
    assert asked == ["notes.internal"]
    assert len(seen) == 1


async def test_an_answer_without_end_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_http, "MAX_BYTES", 1000)
    async with place(web.Response(body=b"x" * 5000)) as (own, _):
        async with http_client(server(own)) as client:
            with pytest.raises(httpx2.ReadError, match="larger than"):
                await client.get(own)


async def test_a_compressed_answer_is_refused() -> None:
    packed = web.Response(body=b"x", headers={"Content-Encoding": "gzip"})
    async with place(packed) as (own, _), http_client(server(own)) as client:
        with pytest.raises(httpx2.ConnectError, match="compresses"):
            await client.get(own)
