"""Files: kept by their digest, given back as downloads, to those who may have them."""

import hashlib
import stat
from collections.abc import AsyncIterator
from io import BytesIO
from typing import Any

import pytest
from aiohttp import ClientSession, FormData

from bot.files.names import clean_name, clean_type
from bot.files.port import MAX_BYTES
from tests.bot.web.api.reading import Answer, answered, get, items, say
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


async def test_bytes_are_kept_for_their_owner_alone(house: WebHouse, owner: ClientSession) -> None:
    file = await upload(owner, b"same")
    folder = house.folder / "files" / "tenants" / house.tenant.id
    kept = list(folder.iterdir())
    assert [path.name for path in kept] == [file["id"]]
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
    assert [path for path in (house.folder / "files").rglob("*") if path.is_file()] == []


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


async def test_bytes_alone_are_taken_with_a_name(house: WebHouse, owner: ClientSession) -> None:
    headers = {"Content-Type": "application/octet-stream"}
    where = "/v1/files?name=../notes.md&type=text/markdown"
    async with owner.post(where, data=b"# Notes", headers=headers) as response:
        file = await response.json()
        assert (response.status, file["name"], file["size"]) == (201, "notes.md", 7)
        assert file["media_type"] == "text/markdown"
    async with owner.post("/v1/files", data=b"x", headers=headers) as response:
        assert response.status == 422
        assert "?name=" in (await response.json())["error"]["message"]
    large = {**headers, "Content-Length": str(MAX_BYTES * 2), "Expect": ""}
    async with owner.post("/v1/files?name=a", data=b"", headers=large) as response:
        assert response.status == 413


async def test_files_are_listed_page_by_page_for_who_may_see_them(
    house: WebHouse, owner: ClientSession
) -> None:
    member = await house.bearer(await house.member())
    other = await house.bearer((await house.other_tenant())[1])
    mine = [(await upload(member, b"x", f"{n}.txt"))["id"] for n in range(5)]
    theirs = (await upload(owner, b"x"))["id"]
    found: list[str] = []
    after = ""
    while True:
        page = await get(member, f"/v1/files?limit=2&after={after}")
        found += [item["id"] for item in page["items"]]
        after = page["next"] or ""
        if not after:
            break
    assert found == mine[::-1]
    assert {item["id"] for item in await items(owner, "/v1/files")} == {*mine, theirs}
    assert await items(other, "/v1/files") == []
    assert (await get(owner, "/v1/files?after=nonsense", 422))["error"]["field"] == "after"


async def test_only_an_owner_shares_and_everybody_reads_it(
    house: WebHouse, owner: ClientSession
) -> None:
    member = await house.bearer(await house.member())
    headers = {"Content-Type": "application/octet-stream"}
    where = "/v1/files?name=a.txt&shared=1"
    async with member.post(where, data=b"x", headers=headers) as response:
        assert response.status == 403
    async with owner.post(where, data=b"ours", headers=headers) as response:
        file = await response.json()
        assert file["shared"] is True
    async with member.get(f"/v1/files/{file['id']}") as response:
        assert await response.read() == b"ours"
    async with member.delete(f"/v1/files/{file['id']}") as response:
        assert response.status == 404


async def test_a_deleted_file_is_gone_with_its_bytes_and_its_links(
    house: WebHouse, owner: ClientSession
) -> None:
    file = await upload(owner, b"secret")
    url = (await link(owner, file["id"]))["url"]
    async with owner.delete(f"/v1/files/{file['id']}") as response:
        assert await response.json() == {"id": file["id"]}
    for method, where in (("GET", "/v1/files/"), ("DELETE", "/v1/files/")):
        async with owner.request(method, where + file["id"]) as response:
            assert response.status == 404
    async with house.client().get(url) as response:
        assert response.status == 404
    assert [path for path in (house.folder / "files").rglob("*") if path.is_file()] == []
    book = await items(owner, "/v1/audit")
    assert [line["action"] for line in book if line["target"] == file["id"]] == [
        "file.added",
        "file.linked",
        "file.deleted",
    ]


async def link(client: ClientSession, id_: str, **body: int) -> Answer:
    async with client.post(f"/v1/files/{id_}/link", json=body) as response:
        assert response.status == 201, await response.text()
        found: Answer = await response.json()
        return found


async def test_a_link_gives_the_file_to_whoever_holds_it_until_its_end(
    house: WebHouse, owner: ClientSession
) -> None:
    page = b"<script>alert(1)</script>"
    file = await upload(owner, page, "seite.html", "text/html")
    made = await link(owner, file["id"], lasts_s=120)
    nobody = house.client()
    async with nobody.get(made["url"]) as response:
        assert await response.read() == page
        assert response.headers["Content-Disposition"].startswith("attachment;")
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert "no-store" in response.headers["Cache-Control"]
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert "Set-Cookie" not in response.headers
    async with nobody.head(made["url"]) as response:
        assert (response.status, response.headers["Content-Length"]) == (200, str(len(page)))
    house.clock.advance(seconds=121)
    async with nobody.get(made["url"]) as response:
        assert response.status == 410
        assert "has ended" in await response.text()


async def test_a_picture_behind_a_link_is_a_download_too(
    house: WebHouse, owner: ClientSession
) -> None:
    file = await upload(owner, PNG, "a.png", "image/png")
    async with house.client().get((await link(owner, file["id"]))["url"]) as response:
        assert response.headers["Content-Disposition"].startswith("attachment;")


async def test_a_forged_link_and_one_to_another_tenants_file_are_nothing(
    house: WebHouse, owner: ClientSession
) -> None:
    first, second = await upload(owner, b"one"), await upload(owner, b"two")
    tenant, person = await house.other_tenant()
    other = await house.bearer(person)
    theirs = (await link(other, (await upload(other, b"three"))["id"]))["url"]
    url: str = (await link(owner, first["id"]))["url"]
    head, _, mark = url.rpartition(".")
    changed = [
        url.replace(first["id"], second["id"]),
        url.replace(house.tenant.id, tenant.id),
        theirs.replace(tenant.id, house.tenant.id),
        f"{head}.{'0' * 64}",
        f"{head}9.{mark}",
        f"{house.url}/files/x",
        f"{house.url}/files/..%2f..%2fetc%2fpasswd",
    ]
    for text in changed:
        async with house.client().get(text) as response:
            assert response.status == 404, text
    async with other.post(f"/v1/files/{first['id']}/link", json={}) as response:
        assert response.status == 404
    async with owner.post(f"/v1/files/{first['id']}/link", json={"lasts_s": 10**9}) as response:
        assert response.status == 422


async def test_a_file_whose_bytes_are_lost_says_so_before_it_begins(
    house: WebHouse, owner: ClientSession
) -> None:
    file = await upload(owner, b"data")
    (house.folder / "files" / "tenants" / house.tenant.id / file["id"]).unlink()
    body = await get(owner, f"/v1/files/{file['id']}", 404)
    assert "no longer in the store" in body["error"]["message"]


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
