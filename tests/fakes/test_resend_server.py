"""The Resend that only plays, against the package that checks its webhooks and the description."""

import asyncio
import base64
import json
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web
from standardwebhooks import Webhook

from tests.fakes import mails
from tests.fakes.hearing import Hearing
from tests.fakes.resend_rules import api
from tests.fakes.resend_server import FORGERIES, KEY, SENDING_KEY, ResendServer
from tests.published import needs

HOOK = "https://bot.example/webhooks/resend"
ANA, DESK = "Ana Lee <ana@example.com>", "desk@shop.example"
MAIL = {"from": f"Desk <{DESK}>", "to": ["ana@example.com"], "subject": "Hi", "text": "Hello"}
needs_description = needs("resend.json")


@asynccontextmanager
async def playing(**options):
    async with ResendServer(**options) as server:
        secret = server.webhook(HOOK)

        def proof(heard):
            names = {"webhook-" + name[5:]: heard.headers.get(name, "") for name in _SVIX}
            try:
                Webhook(secret).verify(heard.body.decode(), names)
            except Exception as error:
                raise ValueError(error) from error

        async with Hearing(server, proof) as app, aiohttp.ClientSession() as session:
            yield server, app, session


_SVIX = ("svix-id", "svix-timestamp", "svix-signature")


async def call(server, session, method, path, key=KEY, **more):
    headers = {"Authorization": f"Bearer {key}", **more.pop("headers", {})}
    async with session.request(method, server.base + path, headers=headers, **more) as answer:
        body = await answer.json()
        if answer.status < 300:
            plain = path.partition("?")[0]
            later = {"raw", "html_format"} if "/receiving/" in path else set()
            body, whole = {k: v for k, v in body.items() if k not in later}, body
            assert not list(api().answer_misfits(method, plain, answer.status, body))
            body = whole
        return answer.status, body


async def send(server, session, key=None, **change):
    mail = {name: value for name, value in {**MAIL, **change}.items() if value is not None}
    headers = {"Idempotency-Key": key} if key is not None else {}
    return await call(server, session, "POST", "/emails", json=mail, headers=headers)


async def test_a_mail_goes_out_and_can_be_looked_up():
    gone = []

    async def carry(raw, to):
        gone.append((raw, to))

    async with playing(receipts="auto") as (server, app, session):
        server.carry = carry
        headers = {"In-Reply-To": "<a@b>", "X-Agent-ID": "desk"}
        files = [{"filename": "a.txt", "content": base64.b64encode(b"file").decode()}]
        status, made = await send(server, session, headers=headers, attachments=files, html="<p>")
        assert status == 200
        await server.settled()
        ((raw, to),) = gone
        letter = mails.open_letter(raw, "x")
        assert to == ["ana@example.com"] and letter.header("In-Reply-To") == "<a@b>"
        assert [p.content for p in letter.parts] == [b"file"] and letter.text.strip() == "Hello"
        _, found = await call(server, session, "GET", f"/emails/{made['id']}")
        assert found["last_event"] == "delivered"
        assert found["message_id"] == letter.header("Message-ID")
        kinds = [json.loads(each.body)["type"] for each in app.heard]
        assert kinds == ["email.sent", "email.delivered"] and server.mistakes == []


async def test_a_key_sends_once():
    async with playing() as (server, _, session):
        _, first = await send(server, session, "k1")
        _, again = await send(server, session, "k1")
        assert first == again and len(server.sent) == 1
        status, other = await send(server, session, "k1", subject="Other")
        assert (status, other["name"]) == (409, "invalid_idempotent_request")
        assert (await send(server, session, "k" * 257))[1]["name"] == "invalid_idempotency_key"
        server.working_s = 0.3
        both = await asyncio.gather(send(server, session, "k2"), send(server, session, "k2"))
        assert sorted(status for status, _ in both) == [200, 409] and len(server.sent) == 2
        assert (await send(server, session, "k2"))[0] == 200 and len(server.sent) == 2
        server.forget_keys()
        await send(server, session, "k1")
        assert len(server.sent) == 3


async def test_a_lost_answer_is_the_same_mail_with_its_key():
    async with playing() as (server, _, session):
        server.fail("send", "lost")
        with pytest.raises(aiohttp.ClientError):
            await send(server, session, "k1")
        _, made = await send(server, session, "k1")
        assert list(server.sent) == [made["id"]]
        server.fail("send", "error")
        assert (await send(server, session, "k2"))[0] == 500
        server.fail("send", "ratelimited", retry_after=3)
        assert (await send(server, session, "k2"))[1]["name"] == "rate_limit_exceeded"
        assert len(server.sent) == 1


@pytest.mark.parametrize(
    ("change", "status", "name"),
    [
        ({"subject": None}, 422, "missing_required_field"),
        ({"text": None}, 422, "missing_required_field"),
        ({"from": "desk"}, 422, "invalid_from_address"),
        ({"from": "a@elsewhere.example"}, 403, "validation_error"),
        ({"to": ["ana"]}, 422, "validation_error"),
        ({"to": ["a@b.example"] * 51}, 422, "validation_error"),
        ({"to": "a@b.example\r\nBcc: c@d.example"}, 422, "validation_error"),
        ({"headers": {"X-A": "1\r\nBcc: c@d.example"}}, 422, "validation_error"),
        ({"tags": [{"name": "a b", "value": "c"}]}, 422, "validation_error"),
        ({"attachments": [{"filename": "a", "content": "§"}]}, 422, "invalid_attachment"),
        ({"attachments": [{"filename": "a"}]}, 422, "invalid_attachment"),
    ],
)
async def test_a_wrong_mail_is_refused_and_its_key_stays_free(change, status, name):
    async with playing() as (server, _, session):
        found, body = await send(server, session, "k1", **change)
        assert (found, body["name"], body["statusCode"]) == (status, name, status)
        assert server.mistakes and server.sent == {}
        assert (await send(server, session, "k1"))[0] == 200


@needs_description
async def test_what_is_not_described_is_a_mistake():
    async with playing() as (server, _, session):
        assert (await send(server, session, message_id="<a@b>", html=7))[0] == 200
        await call(server, session, "GET", "/emails?since=1")
        assert len(server.mistakes) == 3
        assert (await call(server, session, "POST", "/webhooks", json={"endpoint": "x"}))[0] == 400


async def test_who_may_ask_and_how_often():
    async with playing() as (server, _, session):
        assert (await call(server, session, "GET", "/emails", key=""))[1]["name"] == "missing_api_key"  # fmt: skip
        assert (await call(server, session, "GET", "/emails", key="re_x"))[0] == 403
        assert (await call(server, session, "GET", "/emails", key=SENDING_KEY))[0] == 401
        no_agent = {"skip_auto_headers": ["User-Agent"]}
        assert (await call(server, session, "GET", "/emails", **no_agent))[0] == 403
    async with playing(rates="obey") as (server, _, session):
        answers = await asyncio.gather(*(send(server, session) for _ in range(4)))
        assert sorted(status for status, _ in answers) == [200, 200, 429, 429]


async def test_a_mail_comes_in_with_its_files():
    raw = mails.write(
        ANA, DESK, "Bücher", "Hallo ✓", html="<p>Hallo", files=[("a.txt", "text/plain", b"file")],
        headers={"Cc": "ben@example.com", "References": "<x@y>"},
    )  # fmt: skip
    async with playing() as (server, app, session):
        letter, told = await server.receive(raw)
        event = json.loads(app.heard[0].body)
        assert told.status == 200 and event["type"] == "email.received"
        assert list(api().misfits(api().schema("EmailReceivedEvent"), event)) == []
        assert "text" not in event["data"] and event["data"]["subject"] == "Bücher"
        path = f"/emails/receiving/{event['data']['email_id']}"
        _, found = await call(server, session, "GET", path)
        assert (found["text"].strip(), found["headers"]["references"]) == ("Hallo ✓", "<x@y>")
        assert "dkim=pass header.d=example.com" in found["headers"]["authentication-results"]
        async with session.get(found["raw"]["download_url"]) as answer:
            assert (await answer.read()).endswith(raw)
        _, files = await call(server, session, "GET", path + "/attachments")
        (link,) = files["data"]
        _, one = await call(server, session, "GET", f"{path}/attachments/{link['id']}")
        assert one["filename"] == "a.txt"
        async with session.get(link["download_url"]) as answer:
            assert await answer.read() == b"file"
        assert server.mistakes == []
        await session.get(link["download_url"], headers={"Authorization": f"Bearer {KEY}"})
        assert "sent on" in server.mistakes[0]
        assert letter.envelope_to == ["desk@shop.example", "ben@example.com"]


async def test_pictures_stand_in_the_html_unless_it_is_asked_otherwise():
    raw = mails.write(ANA, DESK, html='<img src="cid:p1">', files=[("p.png", "image/png", b"p")])
    raw = raw.replace(b"Content-Disposition: attachment", b"Content-ID: <p1>\r\nContent-Disposition: inline")  # fmt: skip
    async with playing() as (server, _, session):
        letter, _ = await server.receive(raw)
        path = f"/emails/receiving/{letter.id}"
        _, found = await call(server, session, "GET", path)
        assert 'src="data:image/png;base64,cA=="' in found["html"]
        _, found = await call(server, session, "GET", path + "?html_format=cid")
        assert 'src="cid:p1"' in found["html"] and server.mistakes == []


async def test_what_was_missed_is_in_the_list():
    async with playing() as (server, app, session):
        for n in range(3):
            await server.receive(mails.write(ANA, DESK, f"mail {n}"))
        _, first = await call(server, session, "GET", "/emails/receiving?limit=2")
        after = first["data"][-1]["id"]
        _, rest = await call(server, session, "GET", f"/emails/receiving?limit=2&after={after}")
        subjects = [each["subject"] for each in first["data"] + rest["data"]]
        assert subjects == ["mail 2", "mail 1", "mail 0"]
        assert (first["has_more"], rest["has_more"]) == (True, False)


async def test_a_webhook_comes_again_until_it_is_taken():
    async with playing() as (server, app, session):
        answers = [500, 200, 200]
        app.answer = lambda heard: web.Response(status=answers.pop(0))
        letter, told = await server.receive(mails.write(ANA, DESK))
        assert told.is_taken and len(app.heard) == 2
        await server.again(letter)
        assert len({each.headers["svix-id"] for each in app.heard}) == 1
        assert len({each.body for each in app.heard}) == 1


@pytest.mark.parametrize("kind", FORGERIES)
async def test_no_forgery_is_believed(kind):
    async with playing() as (server, app, _):
        assert (await server.forge(kind)).status == 403
        assert app.heard == [] and app.refused == 1


async def test_a_bounce_is_told_with_its_reason():
    async with playing(receipts="auto") as (server, app, session):
        await send(server, session, to="bounced@resend.dev")
        await server.settled()
        event = json.loads(app.heard[-1].body)
        assert event["type"] == "email.bounced" and event["data"]["bounce"]["type"] == "Permanent"
        assert list(api().misfits(api().schema("EmailBouncedEvent"), event)) == []


async def test_webhooks_are_made_listed_and_removed():
    async with playing() as (server, _, session):
        wanted = {"endpoint": HOOK + "/2", "events": ["email.bounced"]}
        status, made = await call(server, session, "POST", "/webhooks", json=wanted)
        assert status == 201 and made["signing_secret"].startswith("whsec_")
        _, found = await call(server, session, "GET", "/webhooks")
        assert wanted["endpoint"] in [each["endpoint"] for each in found["data"]]
        await server.receive(mails.write(ANA, DESK))
        assert [url for url, _ in server.told] == [HOOK]
        assert (await call(server, session, "DELETE", f"/webhooks/{made['id']}"))[0] == 200
        assert (await call(server, session, "GET", "/domains"))[0] == 200
        assert (await call(server, session, "GET", "/nothing"))[0] == 404
