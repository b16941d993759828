"""The stub refuses what the vendor refuses; a stub that takes everything proves nothing."""

import json
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.fakes import openai_server
from tests.fakes.openai_server import OpenAIServer, Reply, description, mistakes
from tests.published import needs

HI: dict[str, Any] = {"role": "user", "content": "hi"}
CALL = {"id": "a", "type": "function", "function": {"name": "x_publish", "arguments": "{}"}}
ASKED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
ANSWER = {"role": "tool", "tool_call_id": "a", "content": "Done."}


def body(*messages: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A request."""
    return {"model": "gpt-4o-mini", "messages": list(messages), **more}


@pytest.mark.parametrize(
    "good",
    [body(HI), body(HI, ASKED, ANSWER), body(HI, ASKED, ANSWER, HI, max_tokens=5, stream=True)],
)
def test_a_good_request_is_taken(good: dict[str, Any]) -> None:
    assert mistakes(good) == []


@pytest.mark.parametrize(
    "bad",
    [
        body(HI, ASKED),
        body(HI, ASKED, HI, ANSWER),
        body(HI, ANSWER),
        body(HI, ASKED, {**ANSWER, "tool_call_id": "b"}),
    ],
    ids=["no answer", "an answer too late", "an answer to nothing", "an answer to another"],
)
def test_calls_and_answers_must_meet(bad: dict[str, Any]) -> None:
    assert mistakes(bad)


@pytest.mark.parametrize(
    "bad",
    [
        body(),
        body({"role": "robot", "content": "hi"}),
        body({"role": "user"}),
        body(HI, tools=[{"type": "function", "function": {"description": "nameless"}}]),
        body(HI, max_tokens="many"),
        body(HI, temperature=9),
        {"messages": [HI]},
    ],
)
@needs("openai.json")
def test_the_vendors_description_is_kept(bad: dict[str, Any]) -> None:
    assert mistakes(bad)


async def test_a_bad_request_is_refused_and_kept() -> None:
    async with OpenAIServer() as server, aiohttp.ClientSession() as session:
        async with session.post(f"{server.url}/chat/completions", json=body(HI, ANSWER)) as answer:
            assert answer.status == 400
        assert server.violations


async def test_a_stream_ends_with_its_usage_where_asked() -> None:
    async with OpenAIServer(Reply(text="a b")) as server, aiohttp.ClientSession() as session:
        asked = body(HI, stream=True, stream_options={"include_usage": True})
        async with session.post(f"{server.url}/chat/completions", json=asked) as answer:
            lines = [line for line in (await answer.text()).split("\n\n") if line]
    assert lines[-1] == "data: [DONE]"
    assert json.loads(lines[-2].removeprefix("data: "))["usage"]["total_tokens"] == 150


def test_without_the_description_it_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("BOT_SPECS", str(tmp_path))
    description.cache_clear()
    try:
        assert mistakes(body({"role": "robot", "content": "hi"})) == []
        assert "openai.json is not here" in caplog.text
    finally:
        description.cache_clear()


def test_it_runs_by_itself_for_benchmarks() -> None:
    command = [sys.executable, "-m", "tests.fakes.openai_server", "--port", "0", "--delay-ms", "0"]
    root = Path(openai_server.__file__).parent.parent.parent
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            asked = urllib.request.Request(
                f"{url}/chat/completions",
                data=json.dumps(body(HI)).encode(),
                headers={"Content-Type": "application/json"},
            )
            with urllib.request.urlopen(asked, timeout=10) as answer:
                assert json.load(answer)["choices"][0]["message"]["content"]
        finally:
            process.terminate()
