"""Slack's requests over HTTP: every published and forged signature, through a real server."""

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import urlencode

import aiohttp
import pytest
from aiohttp import web

from bot.core.errors import StoreError
from bot.core.event import Kind
from bot.testing import StillClock
from tests.channels.slack_side import ANA, Desk, Side, lent, single, until
from tests.fakes.slack_apps import TEAM
from tests.fakes.slack_server import SlackServer
from tests.published import VECTORS, needs, vectors


class Then(StillClock):
    """A clock that stands at a time of the past."""

    def __init__(self, now: float) -> None:
        self._now = now

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._now, UTC)


@asynccontextmanager
async def hooked(server: SlackServer, now: float = 0, secret: str = "") -> AsyncIterator[Side]:
    """A channel that Slack calls, behind a real HTTP server."""
    desk = Desk()
    given = lent(
        server, desk, bot_token=server.bot_token, signing_secret=secret or server.signing_secret
    )
    side = Side(server, single(replace(given, clock=Then(now)) if now else given), desk)
    app = web.Application(client_max_size=2**30)
    for method, path, handler in side.channel.routes():
        app.router.add_route(method, path, handler)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server.webhook_via = f"http://127.0.0.1:{runner.addresses[0][1]}"
    side.task = asyncio.create_task(side.channel.run(side.sink))
    await until(lambda: side.channel._intake)
    try:
        yield side
    finally:
        side.task.cancel()
        await asyncio.gather(side.task, return_exceptions=True)
        await runner.cleanup()


async def post(
    server: SlackServer, kind: str, body: bytes, headers: Mapping[str, str]
) -> tuple[int, str]:
    address = f"{server.webhook_via}/webhooks/slack/{kind}"
    async with (
        aiohttp.ClientSession() as session,
        session.post(address, data=io.BytesIO(body), headers=headers) as answer,
    ):
        return answer.status, await answer.text()


@needs(VECTORS)
async def test_every_published_signature_is_judged_right() -> None:
    assert len(vectors("slack")) >= 11
    for vector in vectors("slack"):
        async with (
            SlackServer() as server,
            hooked(server, vector["now"], vector["secret"]) as side,
        ):
            kind = vector["url"].rpartition("/")[2]
            status, text = await post(server, kind, vector["body"].encode(), vector["headers"])
            # What is signed well is of a workspace that is not ours, but for the handshake.
            expected = (404, 200) if vector["valid"] else (401,)
            assert status in expected, (vector["id"], status)
            assert side.heard == []
            if "challenge" in vector["body"] and vector["valid"]:
                assert status == 200 and text == json.loads(vector["body"])["challenge"]


async def test_events_presses_forms_and_commands_come_over_http() -> None:
    async with SlackServer() as server, hooked(server) as side:
        place = server.world.direct(ANA)
        await server.world.say(ANA, place, "Hello")
        await side.hears(1)
        done = await server.world.command(ANA, place, "/switchboard", "status")
        assert done.acked
        buttons = [
            {
                "type": "button",
                "action_id": "edit_action",
                "value": "apr_1:3:edit",
                "text": {"type": "plain_text", "text": "Edit"},
            }
        ]
        block = {"type": "actions", "elements": buttons}
        sent = await side.channel._calls.post(place, text="Card", blocks=[block])
        assert (await server.world.press(ANA, place, sent["ts"], "Edit")).acked
        await until(lambda: server.world.views)
        (view,) = server.world.views
        done = await server.world.submit(ANA, view, {"Text": "Changed"})
        assert done.acked
        kinds = [event.kind for event in side.heard]
        assert kinds == [Kind.MESSAGE, Kind.MESSAGE, Kind.FORM]
        await side.idle()
        assert server.lost == [] and server.mistakes == []


async def test_what_is_not_stored_comes_again_and_a_repeat_has_the_same_name() -> None:
    async with SlackServer() as server, hooked(server) as side:
        side.answer = lambda event: StoreError() if len(side.heard) < 3 else ""
        await server.world.say(ANA, server.world.direct(ANA), "Hello")
        await side.idle()
        assert len(side.heard) == 3 and server.lost == []
        assert len({event.ext_id for event in side.heard}) == 1


@pytest.mark.parametrize(
    ("kind", "content_type", "body", "status"),
    [
        ("events", "application/x-www-form-urlencoded", b"{}", 415),
        ("interactions", "application/json", b"{}", 415),
        ("commands", "multipart/form-data; boundary=x", b"--x--", 415),
        ("events", "application/json", b"not json", 400),
        ("events", "application/json", b"[]", 400),
        ("events", "application/json", b"\xff\xfe", 401),
        ("events", "application/json", b"[" * 100_000, 400),
        ("events", "application/json", b'{"type":"url_verification","challenge":5}', 400),
        ("events", "application/json", b'{"type":"url_verification"}', 400),
        ("interactions", "application/x-www-form-urlencoded", b"payload=%5B%5D", 400),
        ("interactions", "application/x-www-form-urlencoded", b"payload={}&payload={}", 400),
        ("interactions", "application/x-www-form-urlencoded", b"a=1&" * 500, 400),
        ("commands", "application/x-www-form-urlencoded", b"", 400),
        ("events", "application/json", b" " * (2**20 + 1), 413),
    ],
)
async def test_odd_bodies_are_refused(
    kind: str, content_type: str, body: bytes, status: int
) -> None:
    async with SlackServer() as server, hooked(server) as side:
        signed = server.signed(body.decode("utf-8", "replace"))
        headers = {**signed, "Content-Type": content_type}
        assert (await post(server, kind, body, headers))[0] == status
        assert side.heard == []


async def test_an_unsigned_request_is_refused_before_it_is_read() -> None:
    async with SlackServer() as server, hooked(server) as side:
        event = {"type": "message", "user": ANA.id, "ts": "1.1", "channel": "D1", "text": "x"}
        body = json.dumps({"type": "event_callback", "team_id": TEAM, "event": event})
        good = server.signed(body)
        stale = server.signed(body, int(time.time()) - 301)
        early = server.signed(body, int(time.time()) + 302)
        json_type = {"Content-Type": "application/json"}
        for wrong in (
            {},
            {**good, "X-Slack-Signature": ""},
            {**good, "X-Slack-Signature": "v0=" + "0" * 64},
            {**good, "X-Slack-Request-Timestamp": ""},
            {**good, "X-Slack-Request-Timestamp": "9" * 400},
            stale,
            early,
        ):
            assert (await post(server, "events", body.encode(), {**wrong, **json_type}))[0] == 401
        changed = body.replace('"x"', '"y"').encode()
        assert (await post(server, "events", changed, {**good, **json_type}))[0] == 401
        assert side.heard == []
        assert (await post(server, "events", body.encode(), {**good, **json_type}))[0] == 200
        assert len(side.heard) == 1


async def test_an_unknown_workspace_is_not_found() -> None:
    async with SlackServer() as server, hooked(server) as side:
        body = json.dumps({"type": "event_callback", "team_id": "T0OTHER", "event": {}})
        headers = {**server.signed(body), "Content-Type": "application/json"}
        assert (await post(server, "events", body.encode(), headers))[0] == 404
        form = urlencode({"payload": json.dumps({"team": {"id": "T0OTHER"}})})
        headers = {
            **server.signed(form),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        assert (await post(server, "interactions", form.encode(), headers))[0] == 404
        assert side.heard == []


async def test_before_it_listens_slack_is_asked_to_come_again() -> None:
    async with SlackServer() as server, hooked(server) as side:
        assert side.task
        side.task.cancel()
        await asyncio.gather(side.task, return_exceptions=True)
        body = json.dumps({"type": "event_callback", "team_id": TEAM, "event": {}})
        headers = {**server.signed(body), "Content-Type": "application/json"}
        assert (await post(server, "events", body.encode(), headers))[0] == 503


async def test_without_a_signing_secret_there_are_no_addresses() -> None:
    async with SlackServer() as server:
        assert single(lent(server, Desk())).routes() == ()
