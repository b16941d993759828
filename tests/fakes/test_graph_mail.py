"""The Graph that only plays, against MSAL and the published description."""

import asyncio
import base64
import json
from contextlib import asynccontextmanager

import aiohttp
import pytest
from aiohttp import web

from tests.fakes import mails
from tests.fakes.graph_mail import GraphMail
from tests.fakes.graph_subscriptions import FORGERIES, soon
from tests.fakes.graph_tokens import CLIENT, HOST, SECRET, TENANT, Road
from tests.fakes.hearing import Hearing
from tests.fakes.openapi import described
from tests.published import needs

HOOK, LIFE = "https://bot.example/graph", "https://bot.example/life"
ANA, DESK = "Ana Lee <ana@example.com>", "desk@shop.example"
BOX = f"/users/{DESK}"
STATE = "k7vQ2m-client-state"
STAY = {"Prefer": 'IdType="ImmutableId"'}
NAME = "String {00020386-0000-0000-C000-000000000046} Name X-Bot-Key"
needs_description = needs("microsoft-graph.json")


def message(**change):
    to = [{"emailAddress": {"address": "ana@example.com", "name": "Ana"}}]
    found = {"subject": "Hi", "body": {"contentType": "HTML", "content": "<p>Hello"}}
    return {**found, "toRecipients": to, **change}


def proof(server):
    def check(heard):
        if "validationToken" in heard.query:
            return
        for each in json.loads(heard.body)["value"]:
            known = each["subscriptionId"] in server.subscriptions.found
            known = known or each.get("lifecycleEvent") == "subscriptionRemoved"
            if not known or each["clientState"] != STATE or each["tenantId"] != TENANT:
                raise ValueError("not from Graph")

    return check


def polite(heard):
    if token := heard.query.get("validationToken"):
        return web.Response(text=token)
    return web.Response(status=202)


@asynccontextmanager
async def playing(**options):
    async with GraphMail(DESK, "ops@shop.example", **options) as server:
        async with Hearing(server, proof(server)) as app, aiohttp.ClientSession() as session:
            app.answer = polite
            yield server, app, session


async def token(server, session, **change):
    form = {"grant_type": "client_credentials", "client_id": CLIENT, "client_secret": SECRET}
    form |= {"scope": "https://graph.microsoft.com/.default", **change}
    url = f"{server.base}/{form.pop('tenant', TENANT)}/oauth2/v2.0/token"
    async with session.post(url, data=form) as answer:
        return answer.status, await answer.json()


async def call(server, session, method, path, **more):
    """One request, whose answer must fit the description."""
    bearer = more.pop("bearer", None) or (await token(server, session))[1]["access_token"]
    headers = {"Authorization": f"Bearer {bearer}", **more.pop("headers", {})}
    url = path if path.startswith("http") else f"{server.base}/v1.0{path}"
    async with session.request(method, url, headers=headers, **more) as answer:
        if answer.content_type != "application/json":
            return answer.status, await answer.read()
        body, plain = await answer.json(), answer.url.path.removeprefix("/v1.0")
        if not plain.endswith(_UNDESCRIBED) and "/attachments/" not in plain:
            found = described("microsoft-graph")
            assert not list(found.answer_misfits(method, plain, answer.status, body))
        return answer.status, body


_UNDESCRIBED = ("/delta", "/mailFolders/inbox")


async def subscribe(server, session, **change):
    body = {"changeType": "created", "notificationUrl": HOOK, "lifecycleNotificationUrl": LIFE}
    body |= {"resource": f"users/{DESK}/mailFolders('Inbox')/messages", "clientState": STATE}
    body |= {"expirationDateTime": soon(4230), **change}
    body = {name: value for name, value in body.items() if value is not None}
    return await call(server, session, "POST", "/subscriptions", json=body, headers=STAY)


async def test_msal_gets_a_token_and_a_wrong_secret_none():
    msal = pytest.importorskip("msal")
    async with playing() as (server, _, session):

        def ask(secret):
            app = msal.ConfidentialClientApplication(
                CLIENT, client_credential=secret, authority=f"https://{HOST}/{TENANT}",
                http_client=Road(server.base),
            )  # fmt: skip
            return app.acquire_token_for_client(["https://graph.microsoft.com/.default"])

        found = await asyncio.to_thread(ask, SECRET)
        bearer = found["access_token"]
        assert (await call(server, session, "GET", f"{BOX}/messages", bearer=bearer))[0] == 200
        assert (await asyncio.to_thread(ask, "wrong"))["error"] == "invalid_client"
        for change, error in (
            ({"tenant": "common"}, "invalid_request"),
            ({"scope": "Mail.Send"}, "invalid_scope"),
            ({"grant_type": "password"}, "unsupported_grant_type"),
        ):
            assert (await token(server, session, **change))[1]["error"] == error
        assert len(server.mistakes) == 4
        server.tokens.forget()
        assert (await call(server, session, "GET", f"{BOX}/messages", bearer=bearer))[0] == 401


async def test_a_draft_is_sent_and_found_again_by_the_name_that_stays():
    async with playing() as (server, _, session):
        server.copy_s = 0.4
        draft = message(internetMessageHeaders=[{"name": "X-Bot-Key", "value": "k'1"}])
        path = f"{BOX}/messages"
        status, made = await call(server, session, "POST", path, json=draft, headers=STAY)
        assert status == 201 and made["isDraft"] and made["internetMessageId"]
        where = {"$filter": f"singleValueExtendedProperties/Any(ep: ep/id eq '{NAME}' and ep/value eq 'k''1')"}  # fmt: skip
        _, found = await call(server, session, "GET", path, params=where, headers=STAY)
        assert [each["id"] for each in found["value"]] == [made["id"]]
        _, plain = await call(server, session, "GET", path, params=where)
        was = plain["value"][0]["id"]
        assert (await call(server, session, "POST", f"{path}/{made['id']}/send"))[0] == 202
        assert (await call(server, session, "GET", f"{path}/{made['id']}"))[0] == 404
        async with asyncio.timeout(30):
            while not server.folder(DESK, "sentitems"):
                await asyncio.sleep(0.05)
        _, after = await call(server, session, "GET", f"{path}/{made['id']}", headers=STAY)
        assert not after["isDraft"] and after["parentFolderId"] == "sentitems"
        assert after["internetMessageId"] == made["internetMessageId"]
        by_id = {"$filter": f"internetMessageId eq '{made['internetMessageId']}'"}
        folder = f"{BOX}/mailFolders/sentitems/messages"
        _, found = await call(server, session, "GET", folder, params=by_id)
        assert len(found["value"]) == 1 and found["value"][0]["id"] != was
        assert (await call(server, session, "GET", f"{path}/{was}"))[0] == 404
        assert (await call(server, session, "POST", f"{path}/{made['id']}/send"))[0] == 400
        ((raw, to),) = server.sent
        letter = mails.open_letter(raw, "x")
        assert to == ["ana@example.com"] and letter.header("X-Bot-Key") == "k'1"
        assert letter.header("Message-ID") == made["internetMessageId"]
        assert server.mistakes == []


async def test_send_mail_takes_json_and_mime():
    async with playing() as (server, _, session):
        path = f"{BOX}/sendMail"
        files = [{"@odata.type": "#microsoft.graph.fileAttachment", "name": "a.txt",
                  "contentBytes": base64.b64encode(b"file").decode()}]  # fmt: skip
        body = {"message": message(attachments=files), "saveToSentItems": False}
        assert await call(server, session, "POST", path, json=body) == (202, b"")
        assert server.folder(DESK, "sentitems") == []
        raw = mails.write(DESK, "ana@example.com", headers={"In-Reply-To": "<a@b>"})
        mime = {"data": base64.b64encode(raw), "headers": {"Content-Type": "text/plain"}}
        assert (await call(server, session, "POST", path, **mime))[0] == 202
        (one, _), (two, _) = server.sent
        assert mails.open_letter(one, "x").parts[0].content == b"file" and two == raw
        assert server.folder(DESK, "sentitems")[0].header("In-Reply-To") == "<a@b>"
        mime["data"] = b"no base64"
        _, refused = await call(server, session, "POST", path, **mime)
        assert refused["error"]["code"] == "ErrorMimeContentInvalidBase64String"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"internetMessageHeaders": [{"name": "In-Reply-To", "value": "<a@b>"}]},
         "InvalidInternetMessageHeader"),
        ({"internetMessageHeaders": [{"name": f"x-{n}", "value": "1"} for n in range(6)]},
         "InvalidInternetMessageHeaderCollection"),
        ({"attachments": [{"name": "a.txt", "contentBytes": "YQ=="}]}, "ErrorInvalidRequest"),
        ({"toRecipients": []}, "ErrorInvalidRecipients"),
        ({"toRecipients": [{"emailAddress": {"address": "ana"}}]}, "ErrorInvalidRecipients"),
        ({"body": {"contentType": "HTML", "content": "x" * 4_000_000}}, "ErrorMessageSizeExceeded"),
    ],
)  # fmt: skip
async def test_a_wrong_message_is_refused(change, code):
    async with playing() as (server, _, session):
        data = json.dumps({"message": message(**change)}).encode()
        more = {"data": _lines(data), "headers": {"Content-Type": "application/json"}}
        _, body = await call(server, session, "POST", f"{BOX}/sendMail", **more)
        assert body["error"]["code"] == code and server.sent == [] and server.mistakes


async def _lines(data):
    for start in range(0, len(data), 65_536):
        yield data[start : start + 65_536]


async def test_files_small_and_large():
    async with playing() as (server, _, session):
        _, made = await call(server, session, "POST", f"{BOX}/messages", json=message())
        one = f"{BOX}/messages/{made['id']}/attachments"
        begin, large = f"{one}/createUploadSession", b"x" * 3_500_000
        about = {"attachmentType": "file", "name": "big.bin", "size": 10}
        assert (await call(server, session, "POST", begin, json={"AttachmentItem": about}))[
            0
        ] == 400
        about["size"] = len(large)
        status, found = await call(server, session, "POST", begin, json={"AttachmentItem": about})
        assert status == 201 and found["nextExpectedRanges"] == ["0-"] and len(server.mistakes) == 1
        for at in (0, 2_000_000):
            part = large[at : at + 2_000_000]
            head = {"Content-Range": f"bytes {at}-{at + len(part) - 1}/{len(large)}"}
            async with session.put(found["uploadUrl"], data=_lines(part), headers=head) as answer:
                status = answer.status
        assert status == 201 and len(server.mistakes) == 1
        async with session.put(found["uploadUrl"], headers={"Authorization": "x"}) as answer:
            assert answer.status == 401 and "sent on" in server.mistakes[-1]
        (file,) = server.folder(DESK, "drafts")[0].files
        _, content = await call(server, session, "GET", f"{one}/{file['id']}/$value")
        assert content == large
        assert (await call(server, session, "GET", f"{one}/ATT9"))[0] == 404


@needs_description
async def test_what_is_not_described_is_refused():
    async with playing() as (server, _, session):
        for wrong in ({"to": "ana"}, {"message": message(idempotencyKey="k")}):
            status, body = await call(server, session, "POST", f"{BOX}/sendMail", json=wrong)
            assert (status, body["error"]["code"]) == (400, "RequestBodyRead")
        wrong = {"$filter": "internetMessageHeaders/any(h: h/name eq 'x-bot-key')"}
        status, _ = await call(server, session, "GET", f"{BOX}/messages", params=wrong)
        assert status == 400 and len(server.mistakes) == 3


async def test_what_was_not_granted_is_denied_and_too_much_is_throttled():
    async with playing(rates="obey") as (server, _, session):
        server.roles = {"Mail.Send"}
        body = {"message": message()}
        assert (await call(server, session, "POST", f"{BOX}/sendMail", json=body))[0] == 202
        for method, path in (("GET", "/messages"), ("POST", "/messages")):
            more = {"json": message()} if method == "POST" else {}
            status, found = await call(server, session, method, BOX + path, **more)
            assert (status, found["error"]["code"]) == (403, "ErrorAccessDenied")
        assert (await call(server, session, "GET", "/users/no@shop.example/messages"))[0] == 403
        server.fail("sendMail", "ratelimited", retry_after=7)
        bearer = (await token(server, session))[1]["access_token"]
        head = {"Authorization": f"Bearer {bearer}"}
        url = f"{server.base}/v1.0{BOX}/sendMail"
        async with session.post(url, json=body, headers=head) as answer:
            assert (answer.status, answer.headers["Retry-After"]) == (429, "7")
        server.fail("sendMail", "lost")
        with pytest.raises(aiohttp.ClientError):
            await session.post(url, json=body, headers=head)
        assert len(server.sent) == 2
        server.slow_s = 0.3
        sends = (call(server, session, "POST", f"{BOX}/sendMail", json=body, bearer=bearer) for _ in range(7))  # fmt: skip
        statuses = [status for status, _ in await asyncio.gather(*sends)]
        assert set(statuses) == {202, 429}


async def test_a_mail_comes_in_and_is_told_of():
    async with playing() as (server, app, session):
        status, made = await subscribe(server, session)
        assert status == 201 and [h.path for h in app.heard] == ["/graph", "/life"]
        assert made["clientState"] is None
        server.receive(mails.write(ANA, DESK, "Bücher", "Hallo\n\nOn Monday, I wrote:\n> old"))
        await server.settled()
        (notice,) = json.loads(app.heard[-1].body)["value"]
        assert notice["clientState"] == STATE and notice["tenantId"] == TENANT
        path = f"{BOX}/messages/{notice['resourceData']['id']}"
        _, plain = await call(server, session, "GET", path)
        assert plain["subject"] == "Bücher" and "internetMessageHeaders" not in plain
        assert plain["from"]["emailAddress"] == {"name": "Ana Lee", "address": "ana@example.com"}
        wanted = {"$select": "internetMessageHeaders,uniqueBody,from"}
        _, found = await call(server, session, "GET", path, params=wanted)
        names = {each["name"] for each in found["internetMessageHeaders"]}
        assert "Message-ID" in names and "subject" not in found
        assert found["uniqueBody"]["content"].strip() == "Hallo"
        _, raw = await call(server, session, "GET", f"{path}/$value")
        assert b"Message-ID" in raw and server.mistakes == []
        _, inbox = await call(server, session, "GET", f"{BOX}/mailFolders/inbox")
        assert (inbox["totalItemCount"], inbox["unreadItemCount"]) == (1, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"changeType": None},
        {"changeType": "read"},
        {"resource": "users/x/calendar"},
        {"notificationUrl": "http://bot.example/graph"},
        {"expirationDateTime": soon(11_000)},
        {"expirationDateTime": soon(-1)},
        {"expirationDateTime": "tomorrow"},
        {"clientState": "x" * 129},
        {"includeResourceData": True},
        pytest.param({"secret": "x"}, marks=needs_description),
    ],
)
async def test_a_wrong_subscription_is_refused(change):
    async with playing() as (server, _, session):
        assert (await subscribe(server, session, **change))[0] == 400
        assert server.mistakes and server.subscriptions.found == {}


@pytest.mark.parametrize(
    "answer",
    [
        lambda heard: web.Response(),
        lambda heard: web.Response(status=500),
        lambda heard: web.json_response(heard.query["validationToken"]),
        lambda heard: web.Response(text=heard.query["validationToken"], content_type="text/html"),
    ],
)
async def test_a_subscription_needs_its_handshake(answer):
    async with playing() as (server, app, session):
        app.answer = answer
        status, body = await subscribe(server, session)
        assert (status, body["error"]["code"]) == (400, "ValidationError")


async def test_a_subscription_is_renewed_repeated_and_ends():
    async with playing() as (server, app, session):
        _, made = await subscribe(server, session)
        path = f"/subscriptions/{made['id']}"
        until = soon(4230)
        _, after = await call(server, session, "PATCH", path, json={"expirationDateTime": until})
        assert after["expirationDateTime"] == until
        wrong = {"expirationDateTime": soon(20_000)}
        assert (await call(server, session, "PATCH", path, json=wrong))[0] == 400
        answers = [503, 202]
        app.answer = lambda heard: web.Response(status=answers.pop(0))
        server.receive(mails.write(ANA, DESK))
        await server.settled()
        assert answers == [] and app.heard[-1].body == app.heard[-2].body
        app.answer = polite
        for event in ("reauthorizationRequired", "missed", "subscriptionRemoved"):
            assert (await server.lifecycle(event)).is_taken
        assert (await call(server, session, "GET", path))[0] == 404
        assert (await call(server, session, "GET", "/subscriptions"))[1]["value"] == []


@pytest.mark.parametrize("kind", FORGERIES)
async def test_no_forgery_is_believed(kind):
    async with playing() as (server, app, session):
        await subscribe(server, session)
        assert (await server.subscriptions.forge(kind, DESK)).status == 403
        assert app.refused == 1


async def test_delta_tells_what_was_missed():
    async with playing() as (server, app, session):
        await subscribe(server, session)
        server.subscriptions.is_deaf = True
        for n in range(12):
            server.receive(mails.write(ANA, DESK, f"mail {n}"))
        await server.settled()
        assert len(app.heard) == 2, "only the handshakes"
        path = f"{BOX}/mailFolders/inbox/messages/delta"
        _, first = await call(server, session, "GET", path)
        assert len(first["value"]) == 10 and "@odata.deltaLink" not in first
        server.receive(mails.write(ANA, DESK, "mail 12"))
        _, rest = await call(server, session, "GET", first["@odata.nextLink"])
        subjects = [each["subject"] for each in first["value"] + rest["value"]]
        assert subjects == [f"mail {n}" for n in range(12)]
        gone = server.folder(DESK, "inbox")[-1]
        move = {"json": {"destinationId": "deleteditems"}}
        await call(server, session, "POST", f"{BOX}/messages/{gone.id}/move", **move)
        old = f"AAMkAD{gone.serial:06d}-0="
        _, later = await call(server, session, "GET", rest["@odata.deltaLink"])
        assert [each.get("subject") for each in later["value"]] == ["mail 12", None]
        assert later["value"][1] == {"id": old, "@removed": {"reason": "deleted"}}
        server.forget_deltas()
        assert (await call(server, session, "GET", later["@odata.deltaLink"]))[0] == 410


async def test_a_reply_stays_in_its_thread_and_a_bounce_comes_back():
    async with playing() as (server, _, session):
        item = server.receive(mails.write(ANA, DESK, "Hi", headers={"References": "<x@y>"}))
        path = f"{BOX}/messages/{item.id}/createReply"
        status, made = await call(server, session, "POST", path, json={"comment": "yes"})
        assert status == 201 and made["conversationId"] == item.conversation
        one = f"{BOX}/messages/{made['id']}"
        change = {"body": {"contentType": "html", "content": "<p>yes"}}
        assert (await call(server, session, "PATCH", one, json=change))[0] == 200
        file = {"@odata.type": "#microsoft.graph.fileAttachment", "name": "a", "contentBytes": "YQ=="}  # fmt: skip
        assert (await call(server, session, "POST", f"{one}/attachments", json=file))[0] == 201
        server.bounces.add("ana@example.com")
        assert (await call(server, session, "POST", f"{one}/send"))[0] == 202
        await server.settled()
        letter = mails.open_letter(server.sent[0][0], "x")
        assert letter.header("In-Reply-To") == item.message_id
        assert letter.header("References") == f"<x@y> {item.message_id}"
        assert letter.parts[0].content == b"a"
        report = mails.open_letter(server.folder(DESK, "inbox")[0].raw, "x")
        assert report.message.get_content_type() == "multipart/report"
        assert report.header("In-Reply-To") == letter.header("Message-ID")
        sent = server.folder(DESK, "sentitems")[0]
        assert (await call(server, session, "PATCH", f"{BOX}/messages/{sent.id}", json=change))[0] == 400  # fmt: skip
        assert (await call(server, session, "DELETE", f"{BOX}/messages/{sent.id}"))[0] == 204
