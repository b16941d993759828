"""A session that a library makes: nothing of it goes where an answer points."""

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.fetch.straight import Elsewhere, straight


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
async def test_a_redirect_ends_the_request_and_nobody_else_hears_of_it(
    status: int, method: str
) -> None:
    heard: list[str] = []

    async def take(request: web.Request) -> web.Response:
        heard.append(await request.text())
        return web.json_response({"ok": True})

    async def point(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": str(there.make_url("/"))})

    app, other = web.Application(), web.Application()
    app.router.add_route("*", "/", point)
    app.router.add_route("*", "/here", take)
    other.router.add_route("*", "/", take)
    async with TestServer(app) as here, TestServer(other) as there:
        async with aiohttp.ClientSession(trace_configs=[straight()]) as session:
            with pytest.raises(Elsewhere, match=str(status)):
                await session.request(method, here.make_url("/"), data=b"secret words")
            assert heard == []
            async with session.request(method, here.make_url("/here"), data=b"words") as answer:
                assert answer.status == 200 and heard == ["words"]
