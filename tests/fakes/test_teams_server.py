"""The Teams that only plays, against PyJWT, aiohttp and the published descriptions."""

import json
import sys
from asyncio import create_subprocess_exec, subprocess, timeout
from contextlib import asynccontextmanager

import aiohttp
import jwt
import pytest
from aiohttp import web

from tests.fakes.teams_keys import FORGERIES, ISSUER
from tests.fakes.teams_rules import ADAPTIVE, Rates, card_misfits, graph_misfits, misfits
from tests.fakes.teams_server import APP, SECRET, TENANT, Person, TeamsServer
from tests.fakes.teams_world import BOT
from tests.published import needs

ANA, BEN = Person("Ana Lee", "ana@example.com"), Person("Ben")
SCOPE = "https://api.botframework.com/.default"


def card(*actions, body=()):
    found = {"type": "AdaptiveCard", "version": "1.5", "body": list(body), "actions": list(actions)}
    return {"type": "message", "attachments": [{"contentType": ADAPTIVE, "content": found}]}


FORM = {
    "type": "Action.ShowCard",
    "title": "Edit",
    "card": {
        "type": "AdaptiveCard",
        "body": [{"type": "Input.Text", "id": "text", "value": "old"}],
        "actions": [{"type": "Action.Submit", "title": "Save", "data": {"press": "a:1:edit"}}],
    },
}
CARD = card(
    {"type": "Action.Submit", "title": "Approve", "data": {"press": "a:1:approve"}},
    {"type": "Action.Execute", "title": "Reject", "verb": "no", "data": {"press": "a:1:reject"}},
    FORM,
)


class App:
    """A bot that checks tokens as the vendor's page says, in thirty lines, and keeps what it hears."""

    def __init__(self, server):
        self.server, self.heard, self.answers = server, [], {}

    async def hear(self, request):
        activity = await request.json()
        try:
            await self.check(request.headers.get("Authorization", ""), activity)
        except (jwt.PyJWTError, ValueError) as no:
            return web.Response(status=401, text=str(no))
        self.heard.append(activity)
        status, body = self.answers.get(activity.get("name") or activity["type"], (200, None))
        return web.json_response(body, status=status) if body else web.Response(status=status)

    async def check(self, header, activity):
        scheme, _, token = header.partition(" ")
        if scheme != "Bearer":
            raise ValueError("no bearer")
        async with aiohttp.ClientSession() as session:
            where = f"{self.server.base}/v1/.well-known/openidconfiguration"
            async with session.get(where) as answer:
                document = await answer.json()
            async with session.get(document["jwks_uri"]) as answer:
                keys = {key["kid"]: key for key in (await answer.json())["keys"]}
        key = keys.get(jwt.get_unverified_header(token).get("kid"))
        if key is None or "msteams" not in key.get("endorsements", ["msteams"]):
            raise ValueError("no key that endorses Teams")
        claims = jwt.decode(
            token,
            jwt.PyJWK(key, algorithm="RS256"),
            algorithms=["RS256"],
            audience=APP,
            issuer=ISSUER,
            leeway=300,
            options={"require": ["exp", "iss", "aud", "serviceurl"]},
        )
        if claims["serviceurl"] != activity["serviceUrl"]:
            raise ValueError("another service")
        if not activity["serviceUrl"].startswith(self.server.base):
            raise ValueError("a host that is not listed")


@asynccontextmanager
async def playing(**options):
    async with TeamsServer(**options) as server:
        bot = App(server)
        app = web.Application()
        app.router.add_post(server.webhook_path, bot.hear)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        server.webhook_via = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            async with aiohttp.ClientSession() as session:
                yield server, bot, session
        finally:
            await runner.cleanup()


async def token(server, session, **other):
    form = {"grant_type": "client_credentials", "client_id": APP, "scope": SCOPE}
    form |= {"client_secret": SECRET, **other}
    tenant = form.pop("tenant", TENANT)
    async with session.post(f"{server.base}/{tenant}/oauth2/v2.0/token", data=form) as answer:
        return answer.status, await answer.json()


async def call(server, session, path, body=None, method="POST", bearer=None):
    if bearer is None:
        bearer = (await token(server, session))[1]["access_token"]
    url = path if path.startswith("http") else f"{server.service_url}v3/{path}"
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    async with session.request(method, url, json=body, headers=headers) as answer:
        text = await answer.text()
        return answer.status, json.loads(text) if text.startswith(("{", "[")) else text


async def test_a_good_token_is_taken_and_each_forgery_is_not():
    async with playing() as (server, bot, _):
        place = server.world.personal(ANA)
        await server.world.say(ANA, place, "hi")
        assert [a["text"] for a in bot.heard] == ["hi"]
        for name in FORGERIES:
            assert (await server.forge(name, ANA, place)).status == 401, name
        assert len(bot.heard) == 1
        assert server.evil_fetches == 0 and server.mistakes == []
        with pytest.raises(ValueError, match="no such forgery"):
            await server.forge("nothing", ANA, place)


async def test_keys_rotate_and_the_old_one_stays_until_it_is_dropped():
    async with playing() as (server, bot, _):
        place = server.world.personal(ANA)
        await server.world.say(ANA, place, "one")
        old = server.keys.current
        server.keys.rotate()
        assert {old, server.keys.current} <= {k["kid"] for k in server.keys.jwks()["keys"]}
        server.keys.rotate(keep_old=False)
        await server.world.say(ANA, place, "two")
        assert [a["text"] for a in bot.heard] == ["one", "two"]
        assert server.key_fetches == server.metadata_fetches == 2


async def test_a_message_is_shown_replaced_and_taken_away():
    async with playing() as (server, _, session):
        place = server.world.personal(ANA)
        where = f"conversations/{place}/activities"
        status, sent = await call(server, session, where, {"type": "message", "text": "Hel"})
        assert status == 201
        said = {"type": "message", "text": "<p>Hello <b>Ana</b></p>", "textFormat": "xml"}
        assert await call(server, session, f"{where}/{sent['id']}", said, "PUT") == (200, sent)
        (shown,) = server.shown(place)
        assert (shown.words, shown.edited, shown.bot) == ("Hello Ana", 1, True)
        await call(server, session, where, {"type": "typing"})
        assert server.connector.typing == [place]
        assert (await call(server, session, f"{where}/{sent['id']}", method="DELETE"))[0] == 200
        assert server.shown(place) == [] and server.mistakes == []


async def test_what_teams_would_not_take_is_refused_and_kept():
    async with playing() as (server, _, session):
        where = f"conversations/{server.world.personal(ANA)}/activities"
        for wrong, code in (
            ({"type": "message", "text": " "}, "BadSyntax"),
            ({"type": "trace", "text": "x"}, "BadSyntax"),
            ({"type": "message", "text": "<b>open", "textFormat": "xml"}, "BadSyntax"),
            ({"type": "message", "text": "<script>", "textFormat": "xml"}, "BadSyntax"),
            ({"type": "message", "text": "x" * 29_000}, "MessageSizeTooBig"),
            (card({"type": "Action.Http", "title": "x"}), "BadSyntax"),
        ):
            status, body = await call(server, session, where, wrong)
            assert (400 <= status < 500, body["error"]["code"]) == (True, code)
        status, body = await call(server, session, "conversations/a:none/activities", CARD)
        assert (status, body["error"]["code"]) == (404, "ConversationNotFound")
        assert (await call(server, session, where, CARD, bearer="wrong"))[0] == 401
        assert len(server.mistakes) == 8
        await session.get(f"{server.base}/elsewhere")
        assert "no such door" in server.mistakes[-1]


def test_a_card_is_checked_to_its_leaves():
    def wrong(*actions, body=()):
        return list(card_misfits(card(*actions, body=body)["attachments"][0]["content"]))

    submit = {"type": "Action.Submit", "title": "x"}
    assert wrong(submit, FORM, body=[{"type": "TextBlock", "text": "x"}]) == []
    assert wrong(*[submit] * 7) and wrong({"type": "Action.Submit"})
    assert wrong({**submit, "style": "loud"})
    assert wrong({"type": "Action.OpenUrl", "title": "x", "url": "javascript:x"})
    assert wrong(body=[{"type": "Marquee"}]) and wrong(body=[{"type": "TextBlock"}])
    twice = {"type": "Container", "items": [{"type": "Input.Text", "id": "text"}]}
    assert wrong(FORM, body=[twice])
    assert list(card_misfits({"type": "AdaptiveCard", "version": "2.0"}))
    assert list(misfits({"type": "message", "text": "x", "from": {"id": "29:x"}}, bot=BOT))


async def test_a_channel_has_threads_and_only_mentions_are_heard():
    async with playing() as (server, bot, session):
        place = server.world.channel("general", ANA, BEN)
        await server.world.say(ANA, place, "not for you")
        root = await server.world.mention(ANA, place, "hello")
        (heard,) = bot.heard
        assert heard["text"] == "<at>Switchboard</at> hello"
        assert heard["conversation"]["id"] == f"{place};messageid={root}"
        where = f"conversations/{heard['conversation']['id']}/activities/{root}"
        await call(server, session, where, {"type": "message", "text": "hi"})
        assert [m.words for m in server.shown(place, root)][1:] == ["hi"]
        wanted = {"isGroup": True, "channelData": {"channel": {"id": place}}, "activity": CARD}
        status, made = await call(server, session, "conversations", wanted)
        assert (status, made["id"]) == (201, f"{place};messageid={made['activityId']}")
        status, body = await call(server, session, "conversations", {"isGroup": True})
        assert (status, body["error"]["code"]) == (400, "BadSyntax")
        alone = {"isGroup": False, "members": [{"id": ANA.id}], "tenantId": TENANT}
        status, made = await call(server, session, "conversations", alone)
        assert (status, made["id"]) == (201, server.world.personal(ANA))
        status, who = await call(
            server, session, f"conversations/{place}/members/{ANA.id}", method="GET"
        )
        assert (status, who["email"]) == (200, "ana@example.com")


async def test_presses_edits_deletions_and_reactions_arrive():
    async with playing() as (server, bot, session):
        place = server.world.personal(ANA)
        _, sent = await call(server, session, f"conversations/{place}/activities", CARD)
        id = sent["id"]
        answer = {"statusCode": 200, "type": "application/vnd.microsoft.activity.message"}
        bot.answers["adaptiveCard/action"] = (200, answer | {"value": "decided"})
        assert server.world.find(id).buttons == ["Approve", "Reject", "Edit", "Save"]
        await server.world.press(ANA, id, "Approve")
        assert (await server.world.press(ANA, id, "Reject")).private == "decided"
        await server.world.press(ANA, id, "Save", {"text": "new"})
        own = await server.world.say(ANA, place, "hi")
        await server.world.edit(ANA, own, "ho")
        await server.world.delete(ANA, own)
        await server.world.react(ANA, id, "like")
        await server.world.react(ANA, id, "like", take_back=True)
        approve, reject, save, _, edit, gone, up, down = bot.heard
        assert (approve["type"], approve["value"]) == ("message", {"press": "a:1:approve"})
        assert approve["replyToId"] == id and "text" not in approve
        assert reject["value"]["action"]["data"] == {"press": "a:1:reject"}
        assert save["value"] == {"press": "a:1:edit", "text": "new"}
        assert (edit["type"], edit["text"]) == ("messageUpdate", "ho")
        assert (gone["type"], gone["channelData"]["eventType"]) == (
            "messageDelete",
            "softDeleteMessage",
        )
        assert (up["reactionsAdded"], down["reactionsRemoved"]) == ([{"type": "like"}],) * 2
        bot.answers["adaptiveCard/action"] = (200, {"ok": True})
        await server.world.press(ANA, id, "Reject")
        assert "the answer has no" in server.mistakes[0]


async def test_a_press_opens_a_dialog_that_is_sent():
    async with playing() as (server, bot, session):
        place = server.world.personal(ANA)
        data = {"msteams": {"type": "task/fetch"}, "press": "a:1:edit"}
        sent = card({"type": "Action.Submit", "title": "Edit", "data": data})
        id = (await call(server, session, f"conversations/{place}/activities", sent))[1]["id"]
        shown = {"card": {"contentType": ADAPTIVE, "content": FORM["card"]}}
        bot.answers["task/fetch"] = (200, {"task": {"type": "continue", "value": shown}})
        bot.answers["task/submit"] = (200, {"task": {"type": "message", "value": "saved"}})
        opened = await server.world.press(ANA, id, "Edit")
        done = await server.world.submit(ANA, id, opened, {"text": "new"})
        assert done.private == "saved"
        assert bot.heard[-1]["value"]["data"] == {"press": "a:1:edit", "text": "new"}
        assert server.mistakes == []


async def test_files_are_fetched_as_the_vendor_wants():
    async with playing() as (server, bot, session):
        place = server.world.personal(ANA)
        files = [("a.txt", "text/plain", b"letters"), ("b.png", "image/png", b"dots")]
        await server.world.say(ANA, place, "two", files=files)
        document, picture, markup = bot.heard[0]["attachments"]
        assert markup["contentType"] == "text/html"
        url = document["content"]["downloadUrl"]
        assert await call(server, session, url, method="GET", bearer="") == (200, "letters")
        assert (await call(server, session, picture["contentUrl"], method="GET"))[1] == "dots"
        assert server.mistakes == []
        assert (await call(server, session, url, method="GET"))[0] == 401
        assert "the app's token" in server.mistakes[0]
        assert (await call(server, session, picture["contentUrl"], method="GET", bearer=""))[
            0
        ] == 401


async def test_a_message_that_is_not_taken_comes_again_and_a_press_does_not():
    async with playing(again_s=(0.01, 0.01)) as (server, bot, session):
        place = server.world.personal(ANA)
        bot.answers["message"] = (503, None)
        await server.world.say(ANA, place, "hi")
        await server.settled()
        assert len(bot.heard) == 3 and len({a["id"] for a in bot.heard}) == 1
        assert len(server.lost) == 1
        bot.answers = {"message": (202, None), "adaptiveCard/action": (503, None)}
        id = (await call(server, session, f"conversations/{place}/activities", CARD))[1]["id"]
        await server.world.press(ANA, id, "Reject")
        await server.settled()
        assert len(bot.heard) == 4
        await server.again(server.delivered[0])
        assert bot.heard[4]["id"] == bot.heard[0]["id"]


async def test_faults_refusals_and_tokens():
    async with playing() as (server, _, session):
        place = server.world.personal(ANA)
        where = f"conversations/{place}/activities"
        for status in (412, 429, 502):
            server.fail("send", status)
            assert (await call(server, session, where, CARD))[0] == status
        server.fail("send", "cut")
        with pytest.raises(aiohttp.ClientError):
            await call(server, session, where, CARD)
        assert server.shown(place) == []
        server.fail("send", "lost")
        with pytest.raises(aiohttp.ClientError):
            await call(server, session, where, CARD)
        assert len(server.shown(place)) == 1
        server.forbid(place, "BotDisabledByAdmin")
        status, body = await call(server, session, where, CARD)
        assert (status, body["error"]["code"]) == (403, "BotDisabledByAdmin")
        server.allow(place)
        bearer = (await token(server, session))[1]["access_token"]
        server.expire_tokens()
        assert (await call(server, session, where, CARD, bearer=bearer))[0] == 401
        for other, word in (
            ({"client_secret": "x"}, "invalid_client"),
            ({"client_id": "x"}, "unauthorized_client"),
            ({"scope": "x"}, "invalid_scope"),
            ({"tenant": "x"}, "invalid_request"),
        ):
            assert (await token(server, session, **other))[1]["error"] == word
        server.revoke()
        assert (await token(server, session))[0] == 401


async def test_more_than_the_published_rate_is_throttled_or_banned():
    async with playing(rates="obey") as (server, _, session):
        where = f"conversations/{server.world.personal(ANA)}/activities"
        bearer = (await token(server, session))[1]["access_token"]
        found = [(await call(server, session, where, CARD, bearer=bearer))[0] for _ in range(9)]
        assert found.count(201) in (7, 8) and found[-1] == 429
        server.rates = "ban"
        await call(server, session, where, CARD, bearer=bearer)
        assert server.is_banned and "banned" in server.mistakes[0]
    rates = Rates()
    assert [rates.excess("a") > 0 for _ in range(8)] == [False] * 7 + [True]
    assert rates.excess("b") == 0


async def test_graph_posts_as_whoever_signed_in_and_says_what_is_missing():
    async with playing() as (server, _, session):
        place, team = server.world.channel("general", ANA), server.world.team_id()
        url = f"{server.base}/v1.0/teams/{team}/channels/{place}/messages"
        body = {"body": {"contentType": "html", "content": "<b>hi</b>"}}
        status, app_only = await call(server, session, url, body)
        assert status == 403 and "Teamwork.Migrate.All" in app_only["error"]["message"]
        bearer = server.connector.sign_in(ANA, "User.Read")
        status, no = await call(server, session, url, body, bearer=bearer)
        assert status == 403 and "ChannelMessage.Send" in no["error"]["message"]
        bearer = server.connector.sign_in(ANA)
        status, made = await call(server, session, url, body, bearer=bearer)
        assert (status, made["webUrl"][:5]) == (201, "https")
        (shown,) = server.shown(place)
        assert (shown.words, shown.sender, shown.via) == ("hi", ANA.id, "graph")
        assert (await call(server, session, url, body, bearer="x"))[0] == 401
        assert server.mistakes == []
        assert (await call(server, session, url, {"body": {}}, bearer=bearer))[0] == 400
        assert server.mistakes


@needs("microsoft-graph.json")
def test_a_graph_message_is_held_against_the_description():
    pytest.importorskip("jsonschema")
    wrong = {"body": {"content": "x", "contentType": "markdown"}}
    assert graph_misfits({"body": {"content": "x", "contentType": "html"}}) == []
    found = graph_misfits(wrong)
    assert "contentType" in found[0]


async def test_a_workflow_takes_one_adaptive_card_envelope():
    async with playing() as (server, _, session):
        envelope = card(body=[{"type": "TextBlock", "text": "Sold out"}])
        assert await call(server, session, server.workflow_url, envelope, bearer="") == (202, "")
        assert [m.card_words for m in server.shown("workflow")] == ["Sold out"]
        wrong = server.workflow_url.replace("flow-secret", "x")
        assert (await call(server, session, wrong, envelope, bearer=""))[0] == 401
        assert server.mistakes == []
        for bad in ({"text": "x"}, {"type": "message", "text": "x"}, CARD):
            assert (await call(server, session, server.workflow_url, bad, bearer=""))[0] == 400
        assert len(server.mistakes) == 3


async def test_it_runs_by_hand():
    words = ("-m", "tests.fakes.teams_server", "--port", "0")
    process = await create_subprocess_exec(sys.executable, *words, stdout=subprocess.PIPE)
    try:
        async with timeout(30):
            said = json.loads(await process.stdout.readline())
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{said['url']}/v1/.well-known/openidconfiguration") as answer:
                assert (await answer.json())["issuer"] == ISSUER
    finally:
        process.kill()
        await process.wait()
