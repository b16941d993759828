"""Files: kept by their digest, given back as downloads, to those who may have them."""

import hashlib
import stat
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import pytest
from aiohttp import ClientSession, FormData

from bot.files import MAX_BYTES, clean_name, clean_type
from tests.bot.web.api.reading import Answer, answered, say
from tests.fakes.web_house import WebHouse

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


async def upload(
    client: ClientSession, data: bytes, name: str = "a.txt", media_type: str = "text/plain"
) -> Answer:
    form = FormData(quote_fields=False)
    form.add_field("file", BytesIO(data), filename=name, content_type=media_type)
    async with client.post("/v1/files", data=form) as response:
        assert response.status == 201, await response.text()
        found: Answer = await response.json()
        return found


async def test_bytes_come_back_as_a_download(house: WebHouse, owner: ClientSession) -> None:
    data = bytes(range(256)) * 5000
    file = await upload(owner, data, "Bericht für Ümit.pdf", "application/pdf")
    assert (file["name"], file["size"]) == ("Bericht für Ümit.pdf", len(data))
    async with owner.get(f"/v1/files/{file['id']}") as response:
        assert await response.read() == data
        assert response.headers["Content-Disposition"].startswith("attachment;")
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in response.headers["Content-Security-Policy"]
        assert response.content_type == "application/pdf"


async def test_the_same_bytes_are_kept_once_and_for_their_owner_alone(
    house: WebHouse, owner: ClientSession
) -> None:
    first, second = await upload(owner, b"same"), await upload(owner, b"same", "b.txt")
    assert first["id"] != second["id"]
    folder = house.folder / "files" / house.tenant.id
    kept = list(folder.iterdir())
    assert [path.name for path in kept] == [hashlib.sha256(b"same").hexdigest()]
    assert stat.S_IMODE(kept[0].stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("media_type", "how"),
    [
        ("image/png", "inline"),
        ("image/webp", "inline"),
        ("image/svg+xml", "attachment"),
        ("text/html", "attachment"),
        ("application/xhtml+xml", "attachment"),
    ],
)
async def test_only_pictures_without_scripts_are_shown(
    house: WebHouse, owner: ClientSession, media_type: Any, how: Any
) -> None:
    file = await upload(owner, PNG, "x", media_type)
    async with owner.get(f"/v1/files/{file['id']}") as response:
        assert response.headers["Content-Disposition"].startswith(f"{how};")
        assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_file_goes_along_with_a_message(house: WebHouse, owner: ClientSession) -> None:
    file = await upload(owner, b"data")
    told = await say(owner, "See this", attachments=[file["id"]])
    line = (await answered(owner, told))[0]
    assert line["attachments"] == [
        {"id": file["id"], "name": "a.txt", "media_type": "text/plain", "size": 4}
    ]
    sent = house.claims[0].event.attachments[0]
    assert sent.sha256 == hashlib.sha256(b"data").hexdigest()


async def test_a_strangers_file_is_as_one_that_never_was(
    house: WebHouse, owner: ClientSession
) -> None:
    file = await upload(owner, b"mine")
    member = await house.bearer(await house.member())
    other = await house.bearer((await house.other_tenant())[1])
    for client in (member, other):
        texts = []
        for id_ in (file["id"], "fil_unknown"):
            async with client.get(f"/v1/files/{id_}") as response:
                assert response.status == 404
                texts.append(await response.text())
            async with client.post(
                "/v1/messages", json={"text": "Hi", "attachments": [id_]}
            ) as response:
                assert response.status == 404
        assert texts[0] == texts[1]


async def test_an_owner_may_have_a_members_file(house: WebHouse, owner: ClientSession) -> None:
    file = await upload(await house.bearer(await house.member()), b"theirs")
    async with owner.get(f"/v1/files/{file['id']}") as response:
        assert await response.read() == b"theirs"


async def test_too_many_bytes_are_refused_and_nothing_is_left(
    house: WebHouse, owner: ClientSession
) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="big"\r\n\r\n'
        for _ in range(MAX_BYTES // 2**20 + 2):
            yield bytes(2**20)
        yield b"\r\n--b--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    async with owner.post("/v1/files", data=endless(), headers=headers) as response:
        assert response.status == 413
    folder = house.folder / "files" / house.tenant.id
    assert list(folder.iterdir()) == []


async def test_a_declared_size_is_refused_before_it_is_sent(
    house: WebHouse, owner: ClientSession
) -> None:
    headers = {
        "Content-Type": "multipart/form-data; boundary=b",
        "Content-Length": str(MAX_BYTES * 2),
        "Expect": "",
    }
    async with owner.post("/v1/files", headers=headers, data=b"") as response:
        assert response.status == 413


@pytest.mark.parametrize(
    ("media_type", "data", "status"),
    [
        ("application/json", b'{"files": [{"filepath": "/etc/passwd"}]}', 415),
        ("application/x-www-form-urlencoded", b"file=/etc/passwd", 415),
        ("multipart/form-data", b"--b--", 400),
        ("multipart/form-data; boundary=b", b"nonsense", 400),
        ("multipart/form-data; boundary=b", b"--b\r\n\r\nno name\r\n--b--\r\n", 400),
        ("multipart/form-data; boundary=b", b"--b--\r\n", 400),
        ("multipart/mixed; boundary=b", b"--b--\r\n", 415),
    ],
)
async def test_what_is_no_form_with_a_file_is_refused(
    house: WebHouse, owner: ClientSession, media_type: Any, data: Any, status: Any
) -> None:
    async with owner.post("/v1/files", data=data, headers={"Content-Type": media_type}) as response:
        assert response.status == status, await response.text()
    assert not (house.folder / "files").exists()


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("/abs/olute", "olute"),
        ("a\x00b\r\nc", "abc"),
        ("..", "file"),
        ("", "file"),
        ("x" * 300, "x" * 200),
        ("gut\u202egnp.exe", "gutgnp.exe"),
    ],
)
def test_a_name_is_a_name_and_never_a_path(name: str, kept: str) -> None:
    assert clean_name(name) == kept


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("text/plain; charset=utf-8", "text/plain"),
        ("TEXT/HTML", "text/html"),
        ("", "application/octet-stream"),
        ("text/html\r\nX: y", "application/octet-stream"),
        ("../x", "application/octet-stream"),
    ],
)
def test_a_media_type_is_plain_or_bytes(given: str, kept: str) -> None:
    assert clean_type(given) == kept
