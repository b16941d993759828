"""Whose key is it, where is its provider, and does it work."""

import pytest
from aiohttp import web

from agents.runtime.providers import PROVIDERS, address, check, listed, provider_of
from bot.core.errors import ConnectionBroken, Invalid, VendorError
from bot.core.secret import Secret
from tests.fakes.openai_server import OpenAIServer

KEY = "sk-proj-0123456789WXYZ"


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("sk-ant-api03-abc", "anthropic"),
        ("sk-or-v1-abc", "openrouter"),
        ("sk-proj-abc", "openai"),
        ("sk-" + "aB3" * 16, "openai"),
        ("sk-" + "0123456789abcdef" * 2, "deepseek"),
        ("csk-abc", "cerebras"),
        ("AIzaSyA", "gemini"),
        ("  sk-ant-abc\n", "anthropic"),
        ("xoxb-slack", None),
        ("", None),
    ],
)
def test_a_key_tells_whose_it_is(key: str, name: str | None) -> None:
    assert provider_of(key) == name


@pytest.mark.parametrize(
    ("name", "endpoint", "base"),
    [
        ("openai", "http://127.0.0.1:1", "http://127.0.0.1:1/v1"),
        ("openai", "http://127.0.0.1:1/openai/v1/", "http://127.0.0.1:1/openai/v1"),
        ("anthropic", "http://127.0.0.1:1/v1", "http://127.0.0.1:1"),
        ("anthropic", "http://127.0.0.1:1/", "http://127.0.0.1:1"),
        ("gemini", "http://127.0.0.1:1", "http://127.0.0.1:1/v1beta"),
        ("openrouter", "http://127.0.0.1:1", "http://127.0.0.1:1/api/v1"),
        ("unheard", "http://127.0.0.1:1", "http://127.0.0.1:1"),
    ],
)
def test_an_endpoint_gets_the_usual_path(name: str, endpoint: str, base: str) -> None:
    assert address(name, endpoint) == base


@pytest.mark.parametrize(
    ("name", "answer", "models"),
    [
        ("openai", {"data": [{"id": "a"}, {"id": "b"}]}, ["openai/a", "openai/b"]),
        ("gemini", {"models": [{"name": "models/g"}]}, ["gemini/g"]),
        ("openai", {"data": [{"id": 7}, "x", {}]}, []),
        ("openai", ["a"], []),
    ],
)
def test_models_are_listed_in_any_shape(name: str, answer: object, models: list[str]) -> None:
    assert listed(name, answer) == models


async def test_a_good_key_lists_models_with_the_proposed_one_first() -> None:
    async with OpenAIServer(keys=(KEY,)) as server:
        found = await check("openai", Secret(KEY), server.url)
    assert found == ["openai/gpt-5.4-mini", "openai/gpt-4o-mini"]


async def test_a_wrong_key_is_told() -> None:
    async with OpenAIServer(keys=("another",)) as server:
        with pytest.raises(ConnectionBroken) as caught:
            await check("openai", Secret(KEY), server.url)
    for part in ("OpenAI", "ending in WXYZ", "127.0.0.1:", "HTTP 401", "OPENAI_API_KEY"):
        assert part in caught.value.message
    assert KEY not in caught.value.message


@pytest.mark.parametrize("name", [n for n, row in PROVIDERS.items() if row.variable])
async def test_each_provider_sees_its_key_in_its_own_header(name: str) -> None:
    seen: list[tuple[str, str | None]] = []

    async def serve(asked: web.BaseRequest) -> web.Response:
        seen.append((asked.path, asked.headers.get(PROVIDERS[name].header)))
        return web.json_response({"data": [{"id": "m"}]})

    runner = web.ServerRunner(web.Server(serve))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        port = runner.addresses[0][1]
        assert await check(name, Secret(KEY), f"http://127.0.0.1:{port}") == [f"{name}/m"]
    finally:
        await runner.cleanup()
    assert all(value is not None and value.endswith(KEY) for _, value in seen)
    assert seen[-1][0].endswith("/models")


async def test_no_provider_and_no_host_are_told() -> None:
    with pytest.raises(Invalid, match="openai"):
        await check("opnai", Secret(KEY))
    with pytest.raises(ConnectionBroken, match=r"cannot reach 127\.0\.0\.1:9"):
        await check("openai", Secret(KEY), "http://127.0.0.1:9/v1")


async def test_a_page_instead_of_a_list_is_told() -> None:
    async with OpenAIServer() as server:
        with pytest.raises(VendorError, match="check the address"):
            await check("openai", Secret(KEY), server.url + "/elsewhere")


async def test_a_long_list_of_models_is_read_to_its_end() -> None:
    names = [f"vendor/model-with-a-rather-long-name-{n:05}" for n in range(5000)]
    async with OpenAIServer(models=names) as server:
        assert len(await check("openai", Secret(KEY), server.url)) == 5000


async def test_a_list_without_end_is_told() -> None:
    async with OpenAIServer(models=("x" * 5_000_000,)) as server:
        with pytest.raises(VendorError, match="check the address"):
            await check("openai", Secret(KEY), server.url)
