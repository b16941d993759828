"""Tools reach OpenAI by whichever of its routes LiteLLM takes for a model."""

import json
from typing import Any

import pytest
from aiohttp import web

from agents.runtime.door import Door
from bot.core.errors import VendorRefused
from bot.core.ids import AgentName, ConvId, TenantId
from bot.core.model import ModelMessage, ModelRequest, ModelTool
from bot.core.secret import Secret
from bot.infra.clock import SystemClock

LOOK = ModelTool(name="look", description="Look.", parameters={"type": "object", "properties": {}})


@pytest.mark.parametrize(
    ("model", "route", "shape"),
    [
        ("gpt-4o-mini", "/v1/chat/completions", "function"),
        ("of-ones-own", "/v1/chat/completions", "function"),
        ("o3-pro", "/v1/responses", "name"),
    ],
)
async def test_tools_are_in_the_request_once_and_in_its_shape(
    model: str, route: str, shape: str
) -> None:
    asked: list[tuple[str, dict[str, Any]]] = []

    async def refuse(request: web.Request) -> web.Response:
        asked.append((request.path, json.loads(await request.text())))
        return web.json_response({"error": {"message": "no"}}, status=400)

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", refuse)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    door = Door(
        clock=SystemClock(),
        keys={"openai": Secret("test-key")},
        endpoints={"openai": f"http://127.0.0.1:{runner.addresses[0][1]}/v1"},
        default=(f"openai/{model}",),
    )
    request = ModelRequest(
        tenant=TenantId("ten_a"),
        agent=AgentName("bri"),
        conv=ConvId("cnv_a"),
        messages=(ModelMessage(role="user", content="hello"),),
        tools=(LOOK,),
    )
    try:
        with pytest.raises(VendorRefused):
            await door.complete(request)
    finally:
        await door.close()
        await runner.cleanup()
    ((path, body),) = asked
    assert path == route
    (tool,) = body["tools"]
    assert (tool if shape == "name" else tool["function"])["name"] == "look"
