"""The Slack that only plays, against slack-sdk and slack-bolt unpatched."""

import asyncio
import json

import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncConnectionErrorRetryHandler
from slack_sdk.signature import SignatureVerifier
from slack_sdk.web.async_client import AsyncWebClient

from tests.fakes.slack_apps import BOT_USER
from tests.fakes.slack_server import SlackServer
from tests.fakes.slack_world import Person
from tests.published import needs

ANA, BEN = Person("U0000ANA", "Ana", "ana@example.com"), Person("U0000BEN", "Ben")
CARD = [
    {"type": "header", "text": {"type": "plain_text", "text": "Post?"}},
    {
        "type": "actions",
        "block_id": "answers",
        "elements": [
            {
                "type": "button",
                "action_id": "approve_action",
                "text": {"type": "plain_text", "text": "Approve"},
                "value": "apr_1:1:approve",
            }
        ],
    },
]


def client_of(server, token=""):
    return AsyncWebClient(
        token or server.bot_token,
        base_url=f"{server.base}/api/",
        timeout=5,
        retry_handlers=[AsyncConnectionErrorRetryHandler(max_retry_count=0)],
    )


async def refused(call):
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response["error"]


async def test_a_message_is_shown_changed_and_found_by_its_metadata():
    async with SlackServer() as server:
        client, place = client_of(server), server.world.direct(ANA)
        metadata = {"event_type": "reply", "event_payload": {"effect": "eff_1"}}
        sent = await client.chat_postMessage(channel=place, text="Hel", metadata=metadata)
        await client.chat_update(channel=place, ts=sent["ts"], text="Hello", blocks=CARD)
        (shown,) = server.shown(place)
        assert (shown.text, shown.edited, shown.buttons) == ("Hello", 1, ["Approve"])
        plain = await client.conversations_history(channel=place)
        assert "metadata" not in plain["messages"][0]
        found = await client.conversations_history(channel=place, include_all_metadata=True)
        assert found["messages"][0]["metadata"] == metadata
        assert server.mistakes == []


async def test_what_slack_would_not_take_is_refused_and_kept():
    async with SlackServer() as server:
        client, place = client_of(server), server.world.direct(ANA)
        long_label = json.loads(json.dumps(CARD).replace("Approve", "A" * 76))
        assert (
            await refused(client.api_call("chat.postMessage", json={"channel": place})) == "no_text"
        )
        bad = client.chat_postMessage(channel=place, text="x", blocks=long_label)
        assert await refused(bad) == "invalid_blocks"
        view = {"type": "modal", "title": {"type": "plain_text", "text": "T" * 25}, "blocks": CARD}
        trigger = server.world.trigger(ANA.id)
        assert (
            await refused(client.views_open(trigger_id=trigger, view=view)) == "invalid_arguments"
        )
        assert await refused(client.chat_postMessage(channel="C0", text="x")) == "channel_not_found"
        assert len(server.mistakes) == 3


@needs("slack-web-api.json")
async def test_an_argument_that_nobody_knows_is_a_mistake():
    async with SlackServer() as server:
        call = client_of(server).api_call(
            "chat.postMessage", json={"channel": "C1", "text": "x", "nonsense": 1}
        )
        assert await refused(call) in ("invalid_arguments", "channel_not_found")
        assert "nonsense" in server.mistakes[0]


@pytest.mark.parametrize("word", ["token_revoked", "account_inactive", "invalid_auth"])
async def test_a_token_that_is_not_good_is_told(word):
    async with SlackServer() as server:
        assert await refused(client_of(server, "xoxb-other").auth_test()) == "invalid_auth"
        server.revoke(word)
        assert await refused(client_of(server).auth_test()) == word


async def test_a_missing_scope_is_named():
    async with SlackServer() as server:
        server.scopes.discard("chat:write")
        with pytest.raises(SlackApiError) as caught:
            await client_of(server).chat_postMessage(channel="C1", text="x")
        assert caught.value.response["error"] == "missing_scope"
        assert caught.value.response["needed"] == "chat:write"


async def test_too_much_is_429_and_then_a_ban():
    async with SlackServer(rates="obey") as server:
        client, place = client_of(server), server.world.direct(ANA)
        for number in range(6):
            await client.chat_postMessage(channel=place, text=str(number))
        with pytest.raises(SlackApiError) as caught:
            await client.chat_postMessage(channel=place, text="too much")
        assert caught.value.response.status_code == 429
        assert int(caught.value.response.headers["Retry-After"]) >= 1
        assert server.mistakes == []
        server.rates = "ban"
        with pytest.raises(SlackApiError):
            await client.chat_postMessage(channel=place, text="again")
        with pytest.raises(SlackApiError):
            await client.auth_test()
        assert server.is_banned and server.mistakes


async def test_a_lost_answer_leaves_the_message():
    async with SlackServer() as server:
        client, place = client_of(server), server.world.direct(ANA)
        server.fail("chat.postMessage", "lost")
        server.fail("chat.postMessage", "cut")
        server.fail("chat.postMessage", "error")
        for text in ("one", "two", "three"):
            with pytest.raises(Exception):
                await client.chat_postMessage(channel=place, text=text)
        assert server.world.said(place) == ["one"]


async def test_a_stream_grows_under_a_thread():
    async with SlackServer() as server:
        client, place = client_of(server), server.world.channel("general", ANA)
        root = await server.world.say(ANA, place, "hello")
        start = client.chat_startStream(channel=place, thread_ts=root)
        assert await refused(start) == "missing_recipient_team_id"
        stream = await client.chat_stream(
            channel=place,
            thread_ts=root,
            recipient_team_id="T0000SHOP",
            recipient_user_id=ANA.id,
            buffer_size=1,
        )
        await stream.append(markdown_text="Hel")
        await stream.append(markdown_text="lo")
        assert server.shown(place, root)[-1].is_streaming
        await stream.stop(markdown_text=".")
        shown = server.shown(place, root)[-1]
        assert (shown.text, shown.is_streaming) == ("Hello.", False)
        again = client.chat_appendStream(channel=place, ts=shown.ts, markdown_text="x")
        assert await refused(again) == "message_not_in_streaming_state"


async def test_a_file_goes_both_ways():
    async with SlackServer() as server:
        client, place = client_of(server), server.world.direct(ANA)
        await client.files_upload_v2(channel=place, filename="a.txt", content=b"bytes")
        (shown,) = server.shown(place)
        assert server.world.bytes and shown.files[0]["name"] == "a.txt"
        url = shown.files[0]["url_private"]
        good = {"Authorization": f"Bearer {server.bot_token}"}
        async with server._session.get(url, headers=good) as answer:
            assert await answer.read() == b"bytes"
        async with server._session.get(url) as answer:
            assert "sign in" in await answer.text()
        assert server.mistakes == []


class Bolt:
    """An app over Socket Mode that keeps what it heard."""

    def __init__(self, server):
        self.events, self.fail_first = [], 0
        app = AsyncApp(client=client_of(server), request_verification_enabled=False)
        self.handler = AsyncSocketModeHandler(app, server.app_token)
        self.handler.client.ping_interval = 0.2

        @app.event("message")
        async def hear(event):
            self.events.append(event)

        @app.event("app_mention")
        async def mention(event):
            self.events.append(event)

        @app.event("reaction_added")
        async def reaction(event):
            self.events.append(event)

        @app.action("approve_action")
        async def pressed(ack, body, client, respond):
            await ack()
            await client.views_open(
                trigger_id=body["trigger_id"],
                view={
                    "type": "modal",
                    "callback_id": "edit",
                    "title": {"type": "plain_text", "text": "Edit"},
                    "submit": {"type": "plain_text", "text": "Send"},
                    "blocks": [
                        {
                            "type": "input",
                            "block_id": "text",
                            "label": {"type": "plain_text", "text": "Text"},
                            "element": {"type": "plain_text_input", "action_id": "t"},
                        }
                    ],
                },
            )
            await respond("Seen.", response_type="ephemeral", replace_original=False)

        @app.view("edit")
        async def sent(ack, view):
            self.values = view["state"]["values"]
            await ack()

        @app.command("/bot")
        async def command(ack, command):
            await ack(f"You said {command['text']}")

    async def __aenter__(self):
        await self.handler.connect_async()
        return self

    async def __aexit__(self, *error):
        await self.handler.close_async()

    async def heard(self, number):
        async with asyncio.timeout(5):
            while len(self.events) < number:
                await asyncio.sleep(0.01)


async def test_bolt_hears_presses_and_answers_over_socket_mode():
    async with SlackServer() as server, Bolt(server) as app:
        place = server.world.channel("general", ANA, BEN)
        ts = await server.world.say(ANA, place, f"<@{BOT_USER}> hello")
        await server.world.edit(ANA, place, ts, "hello you")
        await server.world.delete(ANA, place, ts)
        await app.heard(4)
        kinds = [(event["type"], event.get("subtype", "")) for event in app.events]
        assert sorted(kinds) == [
            ("app_mention", ""),
            ("message", ""),
            ("message", "message_changed"),
            ("message", "message_deleted"),
        ]
        card = await app.handler.app.client.chat_postMessage(channel=place, text="c", blocks=CARD)
        await server.world.react(ANA, place, card["ts"], "+1")
        pressed = await server.world.press(BEN, place, card["ts"], "Approve")
        assert pressed.acked
        async with asyncio.timeout(5):
            while not server.asked("response_url"):
                await asyncio.sleep(0.01)
        (view,) = server.world.views
        sent = await server.world.submit(BEN, view, {"Text": "new words"})
        assert sent.acked and app.values == {
            "text": {"t": {"type": "plain_text_input", "value": "new words"}}
        }
        assert [m.text for m in server.shown(place, by=BEN.id)] == ["c", "Seen."]
        assert [m.text for m in server.shown(place, by=ANA.id)] == ["c"]
        command = await server.world.command(ANA, place, "/bot", "help me")
        assert "help me" in str(command.response)
        assert server.mistakes == []


async def test_what_is_not_acknowledged_comes_again_and_a_cut_line_is_made_anew():
    async with SlackServer(again_s=(0.01,) * 150) as server:
        server.ack_s = 0.2
        place = server.world.direct(ANA)
        await server.world.say(ANA, place, "nobody listens yet")
        await asyncio.sleep(0.25)
        async with Bolt(server) as app:
            await app.heard(1)
            await server.settled()
            assert [attempt for _, attempt in server.delivered][:2] == [0, 1]
            await server.cut()
            server.ack_s = 5.0
            await server.world.say(ANA, place, "after the cut")
            await app.heard(2)
            await server.refresh()
            await server.world.say(ANA, place, "after the refresh")
            await app.heard(3)
        assert server.lost == []


async def test_a_trigger_lives_three_seconds_and_once():
    async with SlackServer() as server:
        client = client_of(server)
        view = {
            "type": "modal",
            "title": {"type": "plain_text", "text": "T"},
            "blocks": [{"type": "divider"}],
        }
        trigger = server.world.trigger(ANA.id)
        await client.views_open(trigger_id=trigger, view=view)
        assert await refused(client.views_open(trigger_id=trigger, view=view)) == "invalid_trigger"
        server.world.trigger_s = -1.0
        late = client.views_open(trigger_id=server.world.trigger(ANA.id), view=view)
        assert await refused(late) == "expired_trigger_id"


def test_webhooks_are_signed_as_the_library_expects():
    server = SlackServer()
    verifier = SignatureVerifier(server.signing_secret)
    assert verifier.is_valid_request("{}", dict(server.signed("{}")))
    assert not verifier.is_valid_request("{ }", dict(server.signed("{}")))
    assert not verifier.is_valid_request("{}", dict(server.signed("{}", at=1)))
