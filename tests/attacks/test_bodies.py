"""Attacks by bodies: too large, too slow, of another type, deep, twice, broken (A7, A8, A9).

Through the real server. After each: a 4xx with a reason, nothing stored, nothing claimed.
"""

import asyncio
import json
import logging
import random
import resource
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession

from bot.store import audit
from bot.web.malformed import Sparing
from tests.bot.web.test_body import BAD
from tests.fakes.web_house import WebHouse

JSON = {"Content-Type": "application/json"}
POSTS = (
    "/v1/messages",
    "/v1/chat/completions",
    "/v1/people",
    "/v1/routes",
    "/v1/tokens",
    "/v1/tenants",
    "/v1/pair",
    "/v1/models/key",
    "/v1/login",
    "/v1/approvals/apr_x/decide",
    "/v1/schedules/sch_x",
    "/v1/messages/msg_x/feedback",
)
NAMES = (
    "text", "agent", "conversation", "attachments", "model", "messages", "stream", "name", "role",
    "email", "owner", "person", "code", "key", "decision", "arguments", "version", "note", "state",
    "score", "details", "channel", "place",
)  # fmt: skip
"""What the bodies of these addresses may hold."""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WebHouse]:
    async with WebHouse(tmp_path) as house:
        yield house


@pytest.fixture
async def owner(house: WebHouse) -> ClientSession:
    return await house.bearer()


async def rows(house: WebHouse) -> int:
    """How many lines the book has: whatever is done is in it."""
    return len(await house.db.read(audit.entries(house.tenant.id, 0, 1000)))


@pytest.mark.parametrize("body", BAD.values(), ids=BAD.keys())
async def test_a_broken_body_is_refused_and_leaves_nothing(
    house: WebHouse, owner: ClientSession, body: Any
) -> None:
    before = await rows(house)
    for path in POSTS if len(body) < 1000 else POSTS[:2]:
        async with owner.post(path, data=body, headers=JSON) as response:
            assert response.status == 400, path
            assert (await response.json())["error"]["message"]
    assert await rows(house) == before
    assert house.claims == []


@pytest.mark.parametrize(
    "media_type",
    [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=b",
        "application/xml",
        "application/json; charset=utf-16",
        "text/json",
    ],
)
async def test_another_type_is_refused(
    house: WebHouse, owner: ClientSession, media_type: str
) -> None:
    for path in POSTS:
        async with owner.post(
            path, data=b'{"text": "Hi"}', headers={"Content-Type": media_type}
        ) as response:
            assert response.status == 415, path
    assert house.claims == []


async def test_a_compressed_body_is_refused_unread(house: WebHouse, owner: ClientSession) -> None:
    for coding in ("gzip", "deflate", "br", "x"):
        async with owner.post(
            POSTS[0], data=b"\x1f\x8b" + bytes(1000), headers={**JSON, "Content-Encoding": coding}
        ) as response:
            assert response.status == 415


async def test_a_declared_size_over_the_limit_is_refused(
    house: WebHouse, owner: ClientSession
) -> None:
    text = json.dumps({"text": "x" * 1_100_000})

    async def pieces() -> AsyncIterator[bytes]:
        yield text.encode()

    headers = {**JSON, "Content-Length": str(len(text))}
    async with owner.post(POSTS[0], data=pieces(), headers=headers) as response:
        assert response.status == 413


async def test_an_endless_stream_is_cut_off_in_bounded_memory(
    house: WebHouse, owner: ClientSession
) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        piece = b" " * 65536
        while sent < 2**30:
            sent += len(piece)
            yield piece

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with owner.post(POSTS[0], data=endless(), headers=JSON) as response:
        assert response.status == 413
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert sent < 2**28
    assert grown < 20 * 1024  # kB; both ends are in this process


async def test_a_body_that_never_arrives_is_given_up(
    house: WebHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.web.body.READ_S", 0.05)
    reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
    head = (
        f"POST /v1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer "
        f"{await house.token()}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{{"
    )
    writer.write(head.encode())
    assert b" 408 " in await reader.readline()
    writer.close()


async def test_without_a_token_no_body_is_read(house: WebHouse) -> None:
    client = house.client()
    for path in POSTS:
        async with client.post(path, data=b"\xff" * 5000, headers=JSON) as response:
            assert response.status == 401


async def test_a_thousand_random_bodies_make_no_server_error(
    house: WebHouse, owner: ClientSession
) -> None:
    chance = random.Random(5)
    pieces = [
        b"{",
        b"}",
        b"[",
        b"]",
        b'"',
        b":",
        b",",
        b"text",
        b"\\u",
        b"\xff",
        b"0",
        b"null",
        b" ",
    ]
    for _ in range(500):
        body = b"".join(chance.choices(pieces, k=chance.randrange(30)))
        path = chance.choice(POSTS)
        async with owner.post(path, data=body, headers=JSON) as response:
            assert 400 <= response.status < 500, (path, body)
    assert house.claims == []


async def test_a_wrong_value_anywhere_is_no_server_error(
    house: WebHouse, owner: ClientSession
) -> None:
    values: tuple[Any, ...] = (None, True, 0, -1, 1e300, [], [[]], {}, {"a": {}}, "\x00", "é" * 300)
    for path in POSTS:
        for value in values:
            for name in NAMES:
                async with owner.post(path, json={name: value}) as response:
                    assert response.status < 500, (path, name, await response.text())


async def test_odd_paths_and_queries_are_no_server_error(
    house: WebHouse, owner: ClientSession
) -> None:
    odd = ("%00", "%ff", "..%2f..%2fetc%2fpasswd", "a" * 5000, "%F0%9F%A6%8A", "'%20or%201=1", "*")
    places = (
        "/v1/conversations/{}/messages",
        "/v1/conversations/{}/stream",
        "/v1/approvals/{}",
        "/v1/events/{}",
        "/v1/files/{}",
        "/v1/models/{}",
        "/v1/conversations?limit={}",
        "/v1/approvals?state={}",
        "/v1/routes/explain?channel={}",
        "/v1/{}",
    )
    for place in places:
        for value in odd:
            async with owner.get(place.format(value)) as response:
                assert response.status < 500, (place, value)


async def test_what_is_no_http_gets_our_shape_and_few_log_lines(
    house: WebHouse, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(40):
        reader, writer = await asyncio.open_connection("127.0.0.1", house.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: many\r\n\r\n")
        head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
        writer.close()
    assert head.startswith("HTTP/1.0 400")
    assert "default-src 'none'" in head and "Server: Switchboard" in head
    assert json.loads(body)["error"]["code"] == "malformed"
    kept = [record for record in caplog.records if record.name == "bot.web.malformed"]
    assert len(kept) == 5


def test_lines_that_were_left_out_are_counted() -> None:
    sparing = Sparing(most=2)

    def seen(at: float) -> str:
        record = logging.makeLogRecord({"msg": "bad", "created": at})
        return str(record.msg) if sparing.filter(record) else ""

    assert [seen(at) for at in (100, 101, 102, 103)] == ["bad", "bad", "", ""]
    assert seen(161) == "bad (2 more like this were left out)"


def form(*lines: bytes) -> bytes:
    return b"\r\n".join((b"--b", *lines, b"--b--", b""))


FILE = b'Content-Disposition: form-data; name="file"; filename="a.txt"'


@pytest.mark.parametrize(
    "body",
    [
        form(*[b"X: y"] * 5000, b"", b"text"),
        form(FILE, b"X: " + b"y" * 100_000, b"", b"text"),
        form(FILE + b"\xff" * 9000, b"", b"text"),
        form(b"Content-Type: multipart/mixed; boundary=b", b"", b"text"),
        form(b"no head at all"),
        b"--b",
        b"no form",
    ],
)
async def test_a_form_that_is_broken_is_refused_and_leaves_nothing(
    house: WebHouse, owner: ClientSession, body: bytes
) -> None:
    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    async with owner.post("/v1/files", data=body, headers=headers) as response:
        assert response.status == 400
    assert not [path for path in (house.folder / "files").rglob("*") if path.is_file()]
    async with owner.post("/v1/files", data=form(FILE, b"", b"text"), headers=headers) as response:
        assert response.status == 201  # the control: a form that is whole


async def test_a_form_that_never_begins_is_given_up(
    house: WebHouse, owner: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.web.api.files.READ_S", 0.1)

    async def endless() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.01)
            yield b"nothing\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    async with asyncio.timeout(5):
        async with owner.post("/v1/files", data=endless(), headers=headers) as response:
            assert response.status == 408
