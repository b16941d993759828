"""What an operator set for one purpose opens a private network for nothing else (SSRF, A19).

An address of the settings that lies inside is asked by what it was set for, on behalf of whom it was
set for; a model that is told to read it, and an owner of another tenant, are refused.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bot.core.errors import Invalid
from tests.bot.services.test_paying import owner
from tests.bot.services.test_sites import House
from tests.fakes.ghost_server import KEY, GhostServer
from tests.fakes.switchboard import AWAY, HOME
from tests.fakes.wordpress_server import WordPressServer
from tests.program import wait_for
from tests.tools.story import story


@pytest.fixture
async def inside() -> AsyncIterator[tuple[str, list[str]]]:
    """A server of the operator's own network: its address, and what was asked of it."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(f"{request.method} {request.path}")
        return web.Response(text="the inner wiki")

    app = web.Application()
    app.router.add_route("*", "/{any:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}", asked
    await runner.cleanup()


@pytest.mark.parametrize("name", ["BOT_ENDPOINT_GHOST", "BOT_ENDPOINT_STRIPE"])
async def test_a_model_cannot_read_what_the_operator_set_for_something_else(
    tmp_path: Path, inside: tuple[str, list[str]], name: str
) -> None:
    base, asked = inside
    async with story(
        tmp_path, {"read it": ("web_read", {"url": f"{base}/wiki"})}, **{name: base}
    ) as told:
        conv = await asyncio.to_thread(told.running.say, "@bri read it")

        def answered() -> Any:
            path = f"/v1/conversations/{conv}/messages"
            items = told.running.ask("GET", path)[1]["items"]
            return [item["text"] for item in items if item["role"] == "assistant"]

        (text,) = await asyncio.to_thread(wait_for, answered, 40)
    assert "private network" in text or "ports 80 and 443" in text, text
    assert asked == []


async def test_an_owner_of_another_tenant_cannot_name_the_operators_site() -> None:
    async with WordPressServer() as wordpress, GhostServer() as ghost:
        house = House(wordpress, ghost)
        sites = await house.sites()
        with pytest.raises(Invalid, match="https"):
            await sites.put(owner(AWAY), "ghost", {"url": ghost.base, "key": KEY})
        assert await sites.site(AWAY) is None
        assert ghost.asked == []
        await sites.put(owner(), "ghost", {"url": ghost.base, "key": KEY})
        assert await sites.site(HOME)


async def test_the_house_lends_each_tenant_what_was_set_for_it(
    inside: tuple[str, list[str]],
) -> None:
    async with WordPressServer() as wordpress, GhostServer() as ghost:
        lent = (await House(wordpress, ghost).sites()).lent(None, None)
        assert lent.fetcher_of is not None
        page = await lent.fetcher_of(HOME).fetch(f"{ghost.base}/nothing")
        assert page.status == 404
        with pytest.raises(Invalid):
            await lent.fetcher_of(AWAY).fetch(f"{ghost.base}/nothing")
        for whose in (HOME, AWAY):
            with pytest.raises(Invalid):
                await lent.fetcher_of(whose).fetch(f"{inside[0]}/wiki")
    assert inside[1] == []
