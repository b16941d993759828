"""The SendGrid that only plays, against the published description and plain cryptography."""

import base64
import gzip
import json
import time
from contextlib import asynccontextmanager
from email import message_from_bytes

import aiohttp
import pytest
from aiohttp import web
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from tests.fakes import mails
from tests.fakes.hearing import Hearing
from tests.fakes.openapi import described
from tests.fakes.sendgrid_rules import SIGNATURE, TIMESTAMP, api
from tests.fakes.sendgrid_server import FORGERIES, KEY, SendGridServer
from tests.published import needs

PARSE, EVENTS = "https://bot.example/in/secret", "https://bot.example/events"
ANA, DESK = "Ana Lee <ana@example.com>", "desk@shop.example"
MAIL = {
    "personalizations": [{"to": [{"email": "ana@example.com", "name": "Ana"}]}],
    "from": {"email": DESK, "name": "Desk"},
    "subject": "Hi",
    "content": [{"type": "text/plain", "value": "Hello"}],
}
needs_description = needs("sendgrid-mail.json")


def checked(server, heard):
    """Raise ValueError unless the call is signed, by the key the server publishes, and fresh."""
    key = load_der_public_key(base64.b64decode(server.public_key))
    at = heard.headers.get(TIMESTAMP.lower(), "")
    mark = base64.b64decode(heard.headers.get(SIGNATURE.lower(), ""))
    try:
        key.verify(mark, at.encode() + heard.body, ec.ECDSA(SHA256()))
    except InvalidSignature:
        raise ValueError("not signed") from None
    if int(at) < server._began - 600:
        raise ValueError("stale")


@asynccontextmanager
async def playing(**options):
    async with SendGridServer(**options) as server:
        server._began = int(time.time())
        server.parse("shop.example", PARSE)
        server.events_to(EVENTS)

        def proof(heard):
            if heard.path == "/events" or server.signs_parse:
                checked(server, heard)

        async with Hearing(server, proof) as app, aiohttp.ClientSession() as session:
            yield server, app, session


async def call(server, session, method, path, key=KEY, **more):
    headers = {"Authorization": f"Bearer {key}", **more.pop("headers", {})}
    async with session.request(method, server.base + path, headers=headers, **more) as answer:
        body = await answer.json() if answer.content_type == "application/json" else None
        if path != "/v3/mail/send":
            pages = described("sendgrid-webhooks")
            if answer.status < 300:
                assert not list(pages.answer_misfits(method, path, answer.status, body))
        elif answer.status not in (200, 415, 429):
            assert not list(api().answer_misfits(method, path, answer.status, body))
        return answer.status, body, answer.headers


async def send(server, session, **change):
    mail = {name: value for name, value in {**MAIL, **change}.items() if value is not None}
    return await call(server, session, "POST", "/v3/mail/send", json=mail)


def fields(heard):
    """The parts of a form, by name: (content, file name)."""
    head = b"Content-Type: " + heard.headers["content-type"].encode() + b"\r\n\r\n"
    found = message_from_bytes(head + heard.body)
    return {
        part.get_param("name", header="content-disposition"): (
            part.get_payload(decode=True),
            part.get_filename(),
        )
        for part in found.get_payload()
    }


async def test_a_mail_goes_out_and_events_bring_its_arguments_back():
    gone = []

    async def carry(raw, to):
        gone.append((mails.open_letter(raw, "x"), to))

    async with playing(receipts="auto") as (server, app, session):
        server.carry = carry
        content = [*MAIL["content"], {"type": "text/html", "value": "<p>Hello"}]
        files = [{"filename": "a.txt", "content": base64.b64encode(b"file").decode()}]
        status, body, headers = await send(
            server, session, content=content, attachments=files, custom_args={"job": "j1"},
            headers={"In-Reply-To": "<a@b>", "Message-ID": "<own@shop.example>"},
        )  # fmt: skip
        assert (status, body) == (202, None) and headers["X-Message-Id"]
        await server.settled()
        ((letter, to),) = gone
        assert to == ["ana@example.com"] and letter.html.strip() == "<p>Hello"
        assert letter.header("Message-ID") == "<own@shop.example>"
        assert [part.content for part in letter.parts] == [b"file"]
        events = [event for heard in app.heard for event in json.loads(heard.body)]
        assert [(e["event"], e["job"]) for e in events] == [("processed", "j1"), ("delivered", "j1")]  # fmt: skip
        assert all(heard.body.endswith(b"\r\n") for heard in app.heard)
        assert events[0]["sg_message_id"].startswith(headers["X-Message-Id"])
        assert server.mistakes == []


def _to(*people):
    return {"personalizations": [{"to": [{"email": each} for each in people]}]}


@pytest.mark.parametrize(
    ("change", "status", "where"),
    [
        ({"personalizations": None}, 400, "personalizations"),
        ({"personalizations": [{"cc": []}]}, 400, "personalizations.0.to"),
        (_to("ana"), 400, "personalizations.0.to.0.email"),
        (_to("a@b.example", "A@b.example"), 400, "personalizations.0.to"),
        ({"from": {"name": "Desk"}}, 400, "from.email"),
        ({"from": {"email": "a@elsewhere.example"}}, 403, "from"),
        ({"subject": None}, 400, "subject"),
        ({"content": None}, 400, "content"),
        ({"content": [{"type": "text/plain", "value": ""}]}, 400, "content.0.value"),
        ({"content": [{"type": "text/html", "value": "a"}, {"type": "text/plain", "value": "a"}]},
         400, "content"),
        ({"headers": {"Reply-To": "a@b.example"}}, 400, "headers.Reply-To"),
        ({"headers": {"X-A": "1\r\nBcc: c@d.example"}}, 400, "headers.X-A"),
        ({"attachments": [{"filename": "a", "content": "§"}]}, 400, "attachments.0.content"),
        ({"send_at": 99_999_999_999}, 400, "send_at"),
        ({"custom_args": {"a": "x" * 10_000}}, 400, "custom_args"),
    ],
)  # fmt: skip
async def test_a_wrong_mail_is_refused_with_its_field(change, status, where):
    async with playing() as (server, _, session):
        found, body, _ = await send(server, session, **change)
        assert (found, body["errors"][0]["field"]) == (status, where)
        assert server.mistakes and server.sent == []


@needs_description
async def test_what_is_not_described_is_a_mistake():
    async with playing() as (server, _, session):
        assert (await send(server, session, cc=[], custom_args={"n": 1}))[0] == 202
        await call(server, session, "POST", "/v3/user/webhooks/parse/settings", json={"hostname": "a.example", "url": PARSE, "raw": True})  # fmt: skip
        assert [word in text for word, text in zip(("cc is not", "no text", "raw is not"), server.mistakes)] == [True] * 3  # fmt: skip


async def test_who_may_send_faults_and_the_sandbox():
    async with playing() as (server, _, session):
        assert (await call(server, session, "POST", "/v3/mail/send", key="x", json=MAIL))[0] == 401
        assert (await call(server, session, "POST", "/v3/mail/send", data=b"{}"))[0] == 415
        server.fail("send", "lost")
        with pytest.raises(aiohttp.ClientError):
            await send(server, session)
        assert len(server.sent) == 1
        server.fail("send", "ratelimited")
        status, _, headers = await send(server, session)
        assert status == 429 and int(headers["X-RateLimit-Reset"]) > server._began
        server.max_bytes = 1000
        assert (await send(server, session, subject="x" * 1000))[0] == 413
        sandbox = {"mail_settings": {"sandbox_mode": {"enable": True}}}
        assert (await send(server, session, **sandbox))[0] == 200 and len(server.sent) == 1
        packed = gzip.compress(json.dumps(MAIL).encode())
        more = {"Content-Type": "application/json"}
        path = "/v3/mail/send"
        assert (await call(server, session, "POST", path, data=packed, headers=more))[0] == 202


async def test_a_mail_comes_in_as_a_form():
    raw = mails.write(
        ANA, DESK, "Bücher", "Hallo ✓", html="<p>Hallo",
        files=[("a.txt", "text/plain", b"file")], headers={"References": "<x@y>"},
    )  # fmt: skip
    async with playing() as (server, app, _):
        letter, told = await server.receive(raw, ["desk+7k@shop.example"])
        form = fields(app.heard[0])
        assert told.status == 200 and form["subject"][0].decode() == "Bücher"
        assert json.loads(form["envelope"][0]) == {
            "to": ["desk+7k@shop.example"], "from": "ana@example.com",
        }  # fmt: skip
        assert b"References: <x@y>" in form["headers"][0]
        assert form["text"][0].decode().strip() == "Hallo ✓"
        assert form["dkim"][0] == b"{@example.com : pass}" and form["SPF"][0] == b"pass"
        assert form["attachment1"] == (b"file", "a.txt") and form["attachments"][0] == b"1"
        assert json.loads(form["attachment-info"][0])["attachment1"]["type"] == "text/plain"
        assert (await server.receive(mails.write(ANA, "a@other.example")))[1].status == 0


async def test_a_body_keeps_its_charset_and_raw_is_raw():
    raw = mails.write(ANA, DESK).replace(b'"utf-8"', b'"iso-8859-1"')
    raw = raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\nBl\xfcten\r\n"
    raw = raw.replace(b"7bit", b"8bit")
    async with playing() as (server, app, _):
        await server.receive(raw)
        form = fields(app.heard[0])
        charset = json.loads(form["charsets"][0])["text"]
        assert form["text"][0].decode(charset).strip() == "Blüten" and charset == "iso-8859-1"
        server.parse("shop.example", PARSE, send_raw=True)
        await server.receive(raw)
        form = fields(app.heard[1])
        assert form["email"][0].strip() == raw.strip() and "text" not in form


async def test_a_form_is_signed_when_the_policy_says_so_and_comes_again():
    async with playing() as (server, app, _):
        server.signs_parse = True
        answers = [500, 503, 200, 400]
        app.answer = lambda heard: web.Response(status=answers.pop(0))
        _, told = await server.receive(mails.write(ANA, DESK))
        assert told.is_taken and len(app.heard) == 3 and app.refused == 0
        _, told = await server.receive(mails.write(ANA, DESK))
        assert told.status == 400 and len(app.heard) == 4, "a refusal is not asked again"


@pytest.mark.parametrize("kind", FORGERIES)
async def test_no_forgery_is_believed(kind):
    async with playing() as (server, app, _):
        assert (await server.forge(kind)).status == 403
        assert app.heard == [] and app.refused == 1


async def test_a_bounce_is_told_and_the_same_event_may_come_twice():
    async with playing(receipts="auto") as (server, app, session):
        server.bounces.add("ana@example.com")
        await send(server, session)
        await server.settled()
        await server.again()
        one, two = (json.loads(heard.body)[0] for heard in app.heard[-2:])
        assert one == two and (one["event"], one["status"]) == ("bounce", "5.1.1")


async def test_settings_are_made_over_the_api():
    async with playing() as (server, app, session):
        parse = "/v3/user/webhooks/parse/settings"
        wanted = {"hostname": "in.example", "url": PARSE, "spam_check": False, "send_raw": False}
        assert (await call(server, session, "POST", parse, json=wanted))[0] == 201
        assert (await call(server, session, "POST", parse, json=wanted))[0] == 400
        _, found, _ = await call(server, session, "GET", parse)
        assert [each["hostname"] for each in found["result"]] == ["shop.example", "in.example"]
        change = {"url": PARSE + "/2"}
        assert (await call(server, session, "PATCH", f"{parse}/in.example", json=change))[0] == 200
        assert (await server.receive(mails.write(ANA, "a@in.example")))[1].status == 200
        assert server.told[-1][0] == PARSE + "/2"
        assert (await call(server, session, "DELETE", f"{parse}/in.example"))[0] == 204
        events = "/v3/user/webhooks/event/settings"
        wanted = {"enabled": True, "url": EVENTS, "bounce": True}
        _, made, _ = await call(server, session, "POST", events, json=wanted)
        signed = f"{events}/signed/{made['id']}"
        assert (await call(server, session, "GET", signed))[1]["public_key"] == ""
        _, key, _ = await call(server, session, "PATCH", signed, json={"enabled": True})
        assert key["public_key"] == server.public_key and server.mistakes == []
