"""Remembering through the whole house: settings, server, engine, model and housework together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from bot.config.sections import Budget, ModelKeys, Models
from bot.core.secret import Secret
from bot.home import hold
from bot.settings import Settings
from bot.store import spends, summaries
from bot.wiring.house import App
from tests.agents.runtime.talk import needs_litellm
from tests.bot.web.api.reading import answered, get, items, say
from tests.fakes.openai_server import Body, OpenAIServer, Reply

pytestmark = needs_litellm

MODEL = "openai/gpt-4o-mini"
TURNS = 45
TOKEN = Secret("sbp_test")


@asynccontextmanager
async def running(home: Path, **settings: Any) -> AsyncIterator[tuple[App, ClientSession]]:
    """A whole house on a free port, and its owner."""
    app = App(Settings(home=home, **settings), hold(home), lambda secret: None)
    await app.start((0,))
    app.credentials.lend(app.owner, TOKEN)
    headers = {"Authorization": f"Bearer {TOKEN.reveal()}"}
    try:
        async with ClientSession(app.local_url, headers=headers) as client:
            yield app, client
    finally:
        await app.stop()


def model(body: Body) -> Reply:
    """Sums up, keeps what is to be kept, looks up what is asked, and says little otherwise."""
    system, last = body["messages"][0]["content"], body["messages"][-1]
    if system.startswith("Sum up"):
        return Reply(text="SUMMARY: the order has number 4711.")
    if last["role"] == "tool":
        return Reply(text=f"My notes: {last['content']}")
    if "keep:" in last["content"]:
        return Reply(calls=[("memory_remember", '{"text": "Invoices go to Bob."}')])
    if "look:" in last["content"]:
        return Reply(calls=[("memory_recall", '{"about": "bills"}')])
    return Reply(text="Noted.")


async def test_with_a_model(tmp_path: Path) -> None:
    async with OpenAIServer(otherwise=model) as server:
        server.embed = lambda text: [float("nvoice" in text or "bills" in text), 0.5]
        settings = {
            "models": Models(default=(MODEL,), embeddings="openai/text-embedding-3-small"),
            "keys": ModelKeys(openai=Secret("sk-proj-0123456789abcdefWXYZ")),
            "endpoint": {"openai": server.url},
            "budget": Budget(tenant_day_usd=1.0),
        }
        async with running(tmp_path / "home", **settings) as (app, client):
            await _long_talk(app, client, server)
            await app.remembering.upkeep.tend()
        async with running(tmp_path / "home", **settings) as (app, client):
            assert await items(client, "/v1/memory") == []
        assert server.violations == []


async def _long_talk(app: App, client: ClientSession, server: OpenAIServer) -> None:
    await app.models.warm()
    kept = await say(client, "keep: Invoices go to Bob.", agent="bri")
    await answered(client, kept)
    (note,) = await items(client, "/v1/memory")
    assert (note["event"], note["conversation"]) == (kept["event"], kept["conversation"])
    told = await say(client, "My order is number 4711.", agent="bri")
    conv = told["conversation"]
    for n in range(TURNS):
        await answered(client, told)
        told = await say(client, f"Line {n}", conversation=conv)
    await answered(client, told)
    await app.remembering.upkeep.tend()
    made = await app.db.read(summaries.latest(app.tenant.id, conv, 2**62))
    assert made and made.first == 1
    assert "/v1/embeddings" in {request.path for request in server.requests}
    told = await say(client, "look: what do you know?", conversation=conv)
    lines = await answered(client, told)
    assert "Invoices go to Bob." in lines[-1]["text"], "found by meaning: it shares no word"
    chat = [r.body for r in server.requests if r.path.endswith("/chat/completions")]
    (laid,) = [body for body in chat if "look:" in body["messages"][-1]["content"]]
    texts = [message["content"] for message in laid["messages"]]
    assert f"messages 1 to {made.last} of this conversation" in texts[1]
    assert "SUMMARY: the order has number 4711." in texts[1]
    assert not any("My order is" in text for text in texts), "the summary stands in its place"
    assert f"Line {TURNS - 1}" in texts[-3]
    models = {total.model for total in await app.db.read(spends.by_agent(app.tenant.id, 0))}
    assert models == {MODEL, "openai/text-embedding-3-small/512"}
    async with client.delete(f"/v1/memory/{note['id']}") as response:
        assert response.status == 200


async def test_without_a_model(tmp_path: Path) -> None:
    async with running(tmp_path / "home") as (app, client):
        told = await say(client, "remember that we close at six", agent="bri")
        conv = told["conversation"]
        await answered(client, told)
        for n in range(TURNS):
            told = await say(client, f"remember that number {n} is good", conversation=conv)
            await answered(client, told)
        await app.remembering.upkeep.tend()
        made = await app.db.read(summaries.latest(app.tenant.id, conv, 2**62))
        assert made and made.model == "extract"
        assert "- person: remember that we close at six" in made.text
        told = await say(client, "what do you remember about closing?", conversation=conv)
        lines = await answered(client, told)
        assert "we close at six" in lines[-1]["text"]
        (trace,) = [await get(client, f"/v1/events/{told['event']}")]
        assert trace["ending"] == "answered"


async def test_old_conversations_go_and_come_back(tmp_path: Path) -> None:
    async with running(tmp_path / "home") as (app, client):
        told = await say(client, "help", agent="bri")
        before = await answered(client, told)
        assert await app.remembering.archives.weekly() == 0
        app.remembering.archives._after = -timedelta(days=1)  # the time of a house is the world's
        assert await app.remembering.archives.put_away() == 1
        (away,) = await items(client, "/v1/archives")
        async with client.post(f"/v1/archives/{away['id']}/restore") as response:
            assert response.status == 200
        path = f"/v1/conversations/{told['conversation']}/messages"
        assert await items(client, path) == before
