"""The Gmail that plays is strict, and keeps, finds and sends mail as Google says it does."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.core.errors import BotError
from bot.oauth.accounts import Client
from tests.fakes.discovery import discovered
from tests.fakes.google_mail import _ROUTES, GoogleMailServer
from tests.fakes.google_mailbox import decoded, encoded, letter
from tests.fakes.google_server import OWNER, Fault
from tests.fakes.oauth_house import OAuthHouse

AT = "https://gmail.googleapis.com"
ME = f"{AT}/gmail/v1/users/me"
SPEC = discovered("google-gmail-v1")
needs_spec = pytest.mark.skipif(not SPEC, reason="Google's description is not here")
FEATURES = ("mail_send", "mail_read")


@pytest.fixture
async def server() -> AsyncIterator[GoogleMailServer]:
    async with GoogleMailServer() as server:
        yield server


@pytest.fixture
async def gmail(tmp_path: Path, server: GoogleMailServer) -> AsyncIterator[Client]:
    async with OAuthHouse(tmp_path, server) as house:
        await house.connect(features=FEATURES)
        yield await house.connections.accounts.client(house.tenant.id, "google")


def grant(server: GoogleMailServer, *names: str) -> None:
    """Give the token that is out these scopes besides."""
    for issued in server.access.values():
        issued.consent.scopes.extend(f"https://www.googleapis.com/auth/{name}" for name in names)


async def ask(client: Client, verb: str, where: str, body: Any = None, **query: str) -> Any:
    """The answer's status and JSON."""
    where = where if where.startswith("http") else f"{ME}/{where}"
    page = await client.call(verb, where, query=query, body=body)
    return page.status, json.loads(page.body or b"null")


def mail(subject: str = "Hello", to: str = "bob@example.org", **more: Any) -> dict[str, str]:
    return {"raw": encoded(letter(subject, "Good day.", sender=OWNER, to=to, **more))}


async def test_mail_is_found_by_what_a_search_says(server: GoogleMailServer, gmail: Client) -> None:
    old = server.arrive("Invoice 17", "Please pay & smile", files={"invoice.pdf": b"%PDF"})
    new = server.arrive("Lunch", "Soup?", sender="Eve <eve@example.org>", id="<a@b.example>")
    server.arrive("Win", "Prizes", labels=["SPAM"])
    for query, found in {
        "invoice": [old],
        "from:eve": [new],
        "subject:lunch -soup": [],
        "rfc822msgid:a@b.example": [new],
        "has:attachment is:unread in:inbox": [old],
        'subject:"Invoice 17" newer_than:3d': [old],
        "after:2026/11/22": [],
        "": [new, old],
    }.items():
        status, told = await ask(gmail, "GET", "messages", q=query)
        assert status == 200
        assert [each["id"] for each in told.get("messages", [])] == [mail.id for mail in found]
        assert ("messages" in told) is bool(found)
    assert (await ask(gmail, "GET", "messages", maxResults="1"))[1]["nextPageToken"] == "1"
    assert (await ask(gmail, "GET", "messages", includeSpamTrash="true"))[1][
        "resultSizeEstimate"
    ] == 3
    assert server.mistakes == []
    assert (await ask(gmail, "GET", "messages", q="list:x"))[0] == 400
    assert server.mistakes == ["list: is not played here"]


async def test_a_mail_is_told_in_four_ways(server: GoogleMailServer, gmail: Client) -> None:
    held = b"\x00binary\r\n"
    kept = server.arrive("Plan", "See <here>", html="<p>See</p>", files={"plan.pdf": held})
    _, full = await ask(gmail, "GET", f"messages/{kept.id}")
    text, attached = full["payload"]["parts"]
    assert full["snippet"] == "See &lt;here&gt;" and full["labelIds"] == ["INBOX", "UNREAD"]
    assert decoded(text["parts"][0]["body"]["data"]).decode().strip() == "See <here>"
    assert (attached["partId"], attached["filename"]) == ("1", "plan.pdf")
    id_ = attached["body"]["attachmentId"]
    _, told = await ask(gmail, "GET", f"messages/{kept.id}/attachments/{id_}")
    assert decoded(told["data"]) == held and told["size"] == len(held)
    _, again = await ask(gmail, "GET", f"messages/{kept.id}")
    assert again["payload"]["parts"][1]["body"]["attachmentId"] != id_
    _, raw = await ask(gmail, "GET", f"messages/{kept.id}", format="raw")
    assert decoded(raw["raw"]) == kept.raw and "payload" not in raw
    _, meta = await ask(
        gmail, "GET", f"messages/{kept.id}", format="metadata", metadataHeaders="to"
    )
    assert meta["payload"]["headers"] == [{"name": "To", "value": OWNER}]
    _, least = await ask(gmail, "GET", f"messages/{kept.id}", format="minimal")
    assert "payload" not in least and "raw" not in least
    assert (await ask(gmail, "GET", "messages/nobody"))[0] == 400
    assert (await ask(gmail, "GET", f"messages/{'0' * 16}"))[0] == 404
    assert (await ask(gmail, "GET", f"threads/{kept.id}"))[1]["messages"][0]["id"] == kept.id
    assert (await ask(gmail, "GET", "profile"))[1]["emailAddress"] == OWNER
    assert server.mistakes == []


async def test_mail_is_sent_each_time_it_is_asked_for(
    server: GoogleMailServer, gmail: Client
) -> None:
    body = mail(Cc="eve@example.org", Bcc="zoe@example.org", id="<own@house.example>")
    for _ in range(2):  # nothing over there knows that it is the same
        status, told = await ask(gmail, "POST", "messages/send", body)
        assert status == 200 and told["labelIds"] == ["SENT"]
    people = ["bob@example.org", "eve@example.org", "zoe@example.org"]
    assert server.delivered == [(each, "<own@house.example>") for each in people * 2]
    found = await ask(gmail, "GET", "messages", q="rfc822msgid:<own@house.example>")
    assert len(found[1]["messages"]) == 2
    server.replaces_ids = True
    await ask(gmail, "POST", "messages/send", body)
    assert server.delivered[-1][1].endswith("@mail.gmail.com>")
    media = letter("Hi", "x", sender="boss@example.org", to="bob@example.org")
    page = await gmail.call(
        "POST",
        f"{AT}/upload/gmail/v1/users/me/messages/send",
        query={"uploadType": "media"},
        body=media,
        headers={"Content-Type": "message/rfc822"},
    )
    assert page.status == 200 and server.sent[-1].header("From") == OWNER
    assert server.mistakes == []


async def test_an_answer_joins_the_thread_only_when_it_answers_it(
    server: GoogleMailServer, gmail: Client
) -> None:
    first = server.arrive("Lunch", "Soup?", id="<first@example.org>")
    reply = {"threadId": first.thread, **mail("Re: Lunch", In_Reply_To="<first@example.org>")}
    assert (await ask(gmail, "POST", "messages/send", reply))[1]["threadId"] == first.thread
    for stray in (mail("Re: Lunch"), mail("Other", References="<first@example.org>")):
        _, told = await ask(gmail, "POST", "messages/send", {"threadId": first.thread, **stray})
        assert told["threadId"] == told["id"]
    assert (await ask(gmail, "POST", "messages/send", {"threadId": "1" * 16, **mail()}))[0] == 404


async def test_a_draft_is_sent_once_and_is_gone(server: GoogleMailServer, gmail: Client) -> None:
    grant(server, "gmail.compose")
    status, draft = await ask(gmail, "POST", "drafts", {"message": mail()})
    assert status == 200 and draft["message"]["labelIds"] == ["DRAFT"] and server.delivered == []
    status, sent = await ask(gmail, "POST", "drafts/send", {"id": draft["id"]})
    assert status == 200 and sent["id"] != draft["message"]["id"]
    assert (await ask(gmail, "POST", "drafts/send", {"id": draft["id"]}))[0] == 404
    assert len(server.delivered) == 1
    assert (await ask(gmail, "GET", f"messages/{draft['message']['id']}"))[0] == 404
    assert server.mistakes == []


async def test_labels_are_put_on_and_taken_off(server: GoogleMailServer, gmail: Client) -> None:
    grant(server, "gmail.modify")
    kept = server.arrive("Lunch", "Soup?")
    seen = {"labelListVisibility": "labelShow", "messageListVisibility": "show"}
    _, label = await ask(gmail, "POST", "labels", {"name": "To pay", **seen})
    assert (await ask(gmail, "POST", "labels", {"name": "to PAY", **seen}))[0] == 409
    change = {"addLabelIds": [label["id"]], "removeLabelIds": ["UNREAD"]}
    _, told = await ask(gmail, "POST", f"messages/{kept.id}/modify", change)
    assert told["labelIds"] == ["INBOX", label["id"]]
    assert len((await ask(gmail, "GET", "messages", q="label:to-pay"))[1]["messages"]) == 1
    for wrong in ("SENT", "Label_99"):
        body = {"addLabelIds": [wrong]}
        assert (await ask(gmail, "POST", f"messages/{kept.id}/modify", body))[0] == 400
    await ask(gmail, "POST", f"messages/{kept.id}/trash")
    assert (await ask(gmail, "GET", "messages"))[1] == {"resultSizeEstimate": 0}
    _, told = await ask(gmail, "GET", "labels")
    assert {"id": "INBOX", "name": "INBOX", "type": "system"} in told["labels"]
    assert server.mistakes == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"raw": "a+b/"}, 400),
        ({}, 400),
        (mail(to=""), 400),
        (mail(to="bob"), 400),
    ],
    ids=["no base64url", "nothing", "to nobody", "no address"],
)
async def test_what_is_no_mail_is_refused(
    server: GoogleMailServer, gmail: Client, body: dict[str, str], status: int
) -> None:
    assert (await ask(gmail, "POST", "messages/send", body))[0] == status
    assert server.delivered == []


@needs_spec
async def test_what_is_not_described_is_a_mistake(server: GoogleMailServer, gmail: Client) -> None:
    for verb, where, body, query, words in (
        ("GET", "messages", None, {"pageSize": "3"}, "no parameter pageSize"),
        ("GET", "messages/x", None, {"format": "text"}, "is none of"),
        ("POST", "messages/send", {"rfc822": "x"}, {}, "rfc822 is not described"),
        ("GET", "drafts/r1", None, {}, "is not played"),
    ):
        await ask(gmail, verb, where, body, **query)
        assert any(words in each for each in server.mistakes), words
        server.mistakes.clear()


async def test_a_scope_that_was_not_granted_is_missed(
    server: GoogleMailServer, gmail: Client
) -> None:
    for issued in server.access.values():
        issued.consent.scopes[:] = ["https://www.googleapis.com/auth/gmail.readonly"]
    status, told = await ask(gmail, "POST", "drafts", {"message": mail()})
    assert status == 403 and told["error"]["errors"][0]["reason"] == "insufficientPermissions"
    for issued in server.access.values():
        issued.consent.scopes[:] = ["https://www.googleapis.com/auth/gmail.send"]
    assert (await ask(gmail, "GET", "messages"))[0] == 403
    assert (await ask(gmail, "POST", "messages/send", mail()))[0] == 200


@needs_spec
def test_its_scopes_are_those_of_the_description() -> None:
    for verb, pattern, _, scopes in _ROUTES:
        path = "/gmail/v1/users/me/" + pattern.replace(r"([^/]+)", "x")
        method = SPEC.method(verb, path)
        assert method and set(scopes) <= set(method["scopes"]), path


async def test_it_goes_wrong_as_it_is_told(server: GoogleMailServer, gmail: Client) -> None:
    server.trouble.append(Fault(verb="POST send", status=429, headers={"Retry-After": "7"}))
    assert (await ask(gmail, "GET", "messages"))[0] == 200
    page = await gmail.call("POST", f"{ME}/messages/send", body=mail())
    assert page.status == 429 and page.headers["retry-after"] == "7" and not server.sent
    server.trouble.append(Fault(status=500, after=True))
    assert (await ask(gmail, "POST", "messages/send", mail()))[0] == 500
    assert len(server.sent) == 1
    server.trouble.append(Fault(half=True, after=True))
    page = await gmail.call("POST", f"{ME}/messages/send", body=mail())
    with pytest.raises(ValueError, match=r"."):
        json.loads(page.body)
    server.trouble.append(Fault(cut=True, after=True))
    with pytest.raises(BotError):
        await ask(gmail, "POST", "messages/send", mail())
    assert len(server.sent) == 3
