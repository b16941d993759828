"""The description of the API, held against what the server really answers."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import ClientSession
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from bot.core.secret import Secret
from bot.files.files import NewFile
from bot.platforms.installs import Found
from bot.platforms.lent import News
from bot.platforms.mailbook import Book as Mailbook
from bot.platforms.texting import Book
from bot.store import people
from bot.store.people import Identity
from bot.store.phone_numbers import Number
from bot.store.texts import OptOut, Texted
from bot.web.app import routes
from bot.web.auth import Gate
from tests.bot.web.api.reading import Answer, answered, get
from tests.fakes.oauth_house import kept
from tests.fakes.web_house import WebHouse
from tests.tools.mcp import kit

BY_HAND = {
    ("GET", "/v1/conversations/{id}/stream"),
    ("GET", "/v1/files/{id}"),
    ("POST", "/v1/files"),
    ("POST", "/v1/pair"),
    ("POST", "/v1/people/{id}/known"),
    ("POST", "/v1/schedules/{id}"),
    ("DELETE", "/v1/memory/{id}"),
    ("POST", "/v1/archives/{id}/restore"),
    ("POST", "/v1/dead/{event}/replay"),
}
"""Tested beside their nouns."""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WebHouse]:
    made = WebHouse(tmp_path)
    made.servers = lambda tenant: [kit.notes(tmp_path, tenants=frozenset({tenant}))]
    async with made as house:
        yield house


@pytest.fixture
async def owner(house: WebHouse) -> ClientSession:
    return await house.bearer()


async def test_the_description_is_valid(owner: ClientSession) -> None:
    validate(await get(owner, "/openapi.json"))


async def test_every_address_of_the_api_is_described(house: WebHouse, owner: ClientSession) -> None:
    described = (await get(owner, "/openapi.json"))["paths"]
    gate = Gate(house.credentials, house.clock, "")
    for route in routes(house.parts, gate):
        if not route.page:
            assert route.method.lower() in described[route.path], route.path


class Checked:
    """A client that holds each answer against the description."""

    def __init__(self, client: ClientSession, description: Answer) -> None:
        self.client = client
        self.paths = description["paths"]
        self.seen: set[tuple[str, str]] = set()

    async def __call__(self, method: str, template: str, json: Any = None, **ids: str) -> Answer:
        path = template.format(**ids)
        kind = template.partition("?")[0]
        operation = self.paths[kind][method.lower()]
        if json is not None:
            body = operation["requestBody"]["content"]["application/json"]["schema"]
            Draft202012Validator(body).validate(json)
        async with self.client.request(method, path, json=json) as response:
            found: Answer = await response.json()
            described = operation["responses"][str(response.status)]["content"]
        checker = Draft202012Validator.FORMAT_CHECKER
        schema = described["application/json"]["schema"]
        Draft202012Validator(schema, format_checker=checker).validate(found)
        self.seen.add((method, kind))
        return found


NOUNS = ("me", "agents", "status", "usage", "sandbox", "dead", "feedback", "audit", "audit/verify")


async def _of_the_machine(check: Checked) -> None:
    for path in ("/health", "/version", "/ready", "/openapi.json"):
        await check("GET", path)


async def test_answers_are_as_described(house: WebHouse, owner: ClientSession) -> None:
    check = Checked(owner, await get(owner, "/openapi.json"))
    house.script = house.asks()
    said = await check("POST", "/v1/messages", {"text": "Publish", "agent": "bri"})
    line = (await answered(owner, said))[1]
    conv, approval = said["conversation"], line["approval"]
    await check("GET", "/v1/conversations")
    await check("GET", "/v1/conversations/{id}/messages", id=conv)
    await check("GET", "/v1/approvals?state=pending")
    await check("GET", "/v1/approvals/{id}", id=approval)
    await check("POST", "/v1/approvals/{id}/decide", {"decision": "approve"}, id=approval)
    await check("GET", "/v1/events")
    await check("GET", "/v1/events/{id}", id=said["event"])
    await check("POST", "/v1/messages/{id}/feedback", {"value": "up"}, id=line["id"])
    await check("GET", "/v1/conversations/{id}/messages", id=conv)
    await check("POST", "/v1/conversations/{id}/stop", id=conv)
    house.script = house.echo
    body = {"model": "bri", "messages": [{"role": "user", "content": "Hello"}]}
    await check("POST", "/v1/chat/completions", body)
    await check("GET", "/v1/models")
    await check("GET", "/v1/models/{model}", model="bri")
    for path in NOUNS:
        await check("GET", f"/v1/{path}")
    await _of_the_machine(check)
    await _rules(check)
    await _channels(check, house)
    added = await check("POST", "/v1/people", {"name": "Max", "role": "member"})
    person = added["person"]["id"]
    await check("GET", "/v1/people")
    await check("POST", "/v1/people/{id}", {"name": "Maxine"}, id=person)
    token = await check("POST", "/v1/tokens", {"name": "t", "person": person})
    await check("GET", "/v1/tokens")
    await check("DELETE", "/v1/tokens/{id}", id=token["id"])
    await check("DELETE", "/v1/people/{id}", id=person)
    await check("GET", "/v1/tenants")
    await check("POST", "/v1/tenants", {"name": "Acme"})
    await check("GET", "/v1/schedules")
    await check("GET", "/v1/memory")
    await check("GET", "/v1/archives")
    new = NewFile(tenant=house.tenant.id, person=house.owner.id, name="a", media_type="text/plain")
    file = await house.files.keep(new, _bytes())
    await check("GET", "/v1/files")
    await check("POST", "/v1/files/{id}/link", {"lasts_s": 60}, id=file.id)
    await check("DELETE", "/v1/files/{id}", id=file.id)
    await check("POST", "/v1/login", {})
    await check("POST", "/v1/models/key", {"key": "sk-right"})
    await check("GET", "/v1/keys")
    await check("POST", "/v1/keys/rotate")
    await check("POST", "/v1/logout")
    left = {(m.upper(), p) for p, found in check.paths.items() for m in found} - check.seen
    assert left == BY_HAND


async def _connections(check: Checked, house: WebHouse) -> None:
    options = {"client_id": "own", "client_secret": "secret"}
    await check("PUT", "/v1/services/{name}", {"options": options}, name="tumblr")
    await check("GET", "/v1/services")
    await kept(house.connections, house.tenant.id, house.clock.now())
    await check("GET", "/v1/connections")
    await check("POST", "/v1/connections/{id}/check", id="con_1")
    await check("DELETE", "/v1/connections/{id}", id="con_1")
    await check("DELETE", "/v1/services/{name}", name="tumblr")


async def _channels(check: Checked, house: WebHouse) -> None:
    await check("GET", "/v1/channels")
    await check("GET", "/v1/channels/{name}/manifest", name="pigeon")
    await check("PUT", "/v1/channels/{name}", {"options": {"token": "t"}}, name="pigeon")
    await check("POST", "/v1/channels/{name}/test", {"place": "#ops"}, name="pigeon")
    await check("DELETE", "/v1/channels/{name}", name="pigeon")
    book = house.channels.installing._book("pigeon")
    found = Found(app="A", team="T", team_name="Loft", bot_user="U", token=Secret("token-of-T"))
    made = await book.keep(house.owner, found, 1)
    await check("GET", "/v1/channels/{name}/installs", name="pigeon")
    await check("GET", "/v1/channels/{name}/users", name="pigeon")
    own, its = "/v1/channels/{name}/agents/{agent}", {"name": "pigeon", "agent": "kelly"}
    await check("PUT", own, {"options": {"team": "T7", "app": "A7"}}, **its)
    await check("DELETE", own, **its)
    one = {"name": "pigeon", "account": quote(made.account, safe="")}
    await check("POST", "/v1/channels/{name}/installs/{account}", {"enabled": True}, **one)
    await check("POST", "/v1/channels/{name}/installs/{account}/check", **one)
    await check("DELETE", "/v1/channels/{name}/installs/{account}", **one)
    told = {"channel": "slack", "workspace": "T1", "place": "C1", "agent": "kelly"}
    await check("PUT", "/v1/places", {**told, "respond_to_all": True})
    await check("GET", "/v1/places")
    await check("DELETE", "/v1/places?channel=slack&workspace=T1&place=C1")
    kind = {"channel": "slack", "kind": "alarms"}
    await check("PUT", "/v1/bulletins", {**kind, "place": "#ops"})
    await check("GET", "/v1/bulletins")
    await check("DELETE", "/v1/bulletins?channel=slack&kind=alarms")
    who = Identity(channel="telegram", account="77", ext_id="11", name="Ana")
    await house.db.write(people.know(house.tenant.id, who, house.owner.id, 1))
    await check("POST", "/v1/telegram/save-chat", {"chat_id": "11"})
    await check("GET", "/v1/telegram/default-chat")
    await _texts(house, check)
    await _connections(check, house)


async def _texts(house: WebHouse, check: Checked) -> None:
    book, ours, theirs = Book(house.db, house.clock, house.tenant.id), "+15550001", "+15550002"
    await book.keep_numbers([Number(number=ours, state="ours")])
    out = OptOut(contact=theirs, number=ours, state="out", how="STOP", ref="SM1", at=book.now())
    text = Texted(id="SM1", sid="SM1", way="in", number=ours, contact=theirs, at=book.now())
    await book.heard(text, out)
    await check("GET", "/v1/sms/numbers")
    change = {"purpose": "orders", "default": True}
    await check("POST", "/v1/sms/numbers/{number}", change, number="%2B15550001")
    await check("GET", "/v1/sms/threads")
    both = {"number": "%2B15550001", "contact": "%2B15550002"}
    found = await check("GET", "/v1/sms/threads/{number}/{contact}", **both)
    assert [item["id"] for item in found["items"]] == ["SM1"]
    await check("GET", "/v1/sms/opt-outs")
    await check("GET", "/v1/sms/undelivered")
    book = Mailbook(house.db, house.clock, house.tenant.id)
    await book.note(News(id="n1", address="ana@example.org", state="bounced", detail="550"))
    await check("GET", "/v1/mail/news")
    await check("GET", "/v1/mail/closed")
    await check("DELETE", "/v1/mail/closed/{address}", address="ana@example.org")


async def _bytes() -> AsyncIterator[bytes]:
    yield b"data"


async def _rules(check: Checked) -> None:
    rule = await check("POST", "/v1/routes", {"agent": "kelly", "channel": "slack"})
    await check("GET", "/v1/routes")
    await check("GET", "/v1/routes/explain")
    await check("DELETE", "/v1/routes/{id}", id=rule["id"])
    await check("GET", "/v1/tools")
    text = "---\ntitle: Helps\n---\nHelp."
    await check("PUT", "/v1/agents/{name}", {"text": text}, name="bri")
    await check("GET", "/v1/agents/{name}", name="bri")
    await check("DELETE", "/v1/agents/{name}", name="bri")
    await check("GET", "/v1/mcp")
    (tool, *_) = (await check("POST", "/v1/mcp/{server}/check", server="notes"))["tools"]
    yes = {"tool": tool["name"], "hash": tool["hash"]}
    await check("POST", "/v1/mcp/{server}/approve", yes, server="notes")
    policy = await check("POST", "/v1/policies", {"decision": "deny", "tool": "x_publish"})
    await check("GET", "/v1/policies")
    await check("DELETE", "/v1/policies/{id}", id=policy["id"])


async def test_errors_are_as_described(house: WebHouse, owner: ClientSession) -> None:
    schema = (await get(owner, "/openapi.json"))["components"]["schemas"]["Error"]
    validator = Draft202012Validator(schema)
    for path in ("/v1/approvals/x", "/v1/nothing", "/v1/conversations?limit=0"):
        async with owner.get(path) as response:
            assert response.status >= 400
            validator.validate(await response.json())
    async with owner.put("/v1/messages") as response:
        assert response.status == 405
        assert response.headers["Allow"] == "POST"
        validator.validate(await response.json())


def test_the_check_would_notice_a_missing_field() -> None:
    """A negative control: the validator is not asleep."""
    schema = {"type": "object", "required": ["a"]}
    assert list(Draft202012Validator(schema).iter_errors({}))
