"""The Drive that plays is strict, and keeps, finds, takes in and shares files as Google says it does."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.oauth.accounts import Client
from tests.fakes.google_drive import CHUNK, FULL, HOST, MINE, GoogleDriveServer, parts
from tests.fakes.google_mail import GoogleMailServer
from tests.fakes.google_server import Fault
from tests.fakes.google_shelf import FOLDER
from tests.fakes.oauth_house import OAuthHouse

FILES = "/drive/v3/files"
UP = f"{HOST}/upload/drive/v3/files"


class Office(GoogleMailServer, GoogleDriveServer):
    """One account with mail and files."""


@pytest.fixture
async def server() -> AsyncIterator[Office]:
    async with Office() as server:
        yield server
    assert server.mistakes == []


@pytest.fixture
async def drive(tmp_path: Path, server: Office) -> AsyncIterator[Client]:
    async with OAuthHouse(tmp_path, server) as house:
        await house.connect()
        grant(server, FULL)
        yield await house.connections.accounts.client(house.tenant.id, "google")


def grant(server: GoogleDriveServer, *scopes: str) -> None:
    """What the token that is out may do."""
    for issued in server.access.values():
        issued.consent.scopes[:] = scopes


async def ask(client: Client, verb: str, where: str, body: Any = None, **query: str) -> Any:
    """The answer's status and JSON."""
    page = await client.call(verb, where, query=query, body=body)
    return page.status, json.loads(page.body or b"null")


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["Bob's plan", "Budget 2026.txt", "Plans"]),
        ("name contains 'bud'", ["Budget 2026.txt"]),
        ("name contains 'dget'", []),
        ("fullText contains 'costs'", ["Budget 2026.txt"]),
        ("fullText contains 'cost'", []),
        ("fullText contains '\"the costs\"'", ["Budget 2026.txt"]),
        (r"name = 'Bob\'s plan' and trashed = false", ["Bob's plan"]),
        ("mimeType != 'text/plain'", ["Bob's plan", "Plans"]),
        ("not name contains 'plan' or mimeType = 'x'", ["Budget 2026.txt"]),
        ("(name contains 'bob' or name contains 'budget') and 'root' in parents", ["Bob's plan"]),
        ("appProperties has { key='deed' and value='k1' }", ["Budget 2026.txt"]),
        ("modifiedTime > '2026-11-22T00:00:00'", []),
        ("'bob@example.org' in owners", ["Bob's plan"]),
    ],
)
async def test_files_are_found_by_what_a_search_says(
    server: Office, drive: Client, query: str, names: list[str]
) -> None:
    folder = server.shelf.put("Plans", kind=FOLDER)
    more = {"more": {"appProperties": {"deed": "k1"}}, "parents": [folder.id]}
    server.shelf.put("Budget 2026.txt", b"All the costs", **more)
    kind = "application/vnd.google-apps.document"
    server.shelf.put("Bob's plan", b"text", kind, owner="bob@example.org", role="reader")
    status, told = await ask(drive, "GET", FILES, q=query)
    assert status == 200 and sorted(each["name"] for each in told["files"]) == names
    assert all(set(each) == {"kind", "id", "name", "mimeType"} for each in told["files"])


async def test_what_is_no_search_is_refused(server: Office, drive: Client) -> None:
    for query in ("name like 'x'", "name = 'x", "name = 'it's'", "name = 'x' and", "size > '1'"):
        assert (await ask(drive, "GET", FILES, q=query))[0] == 400, query


async def test_only_what_is_asked_for_is_told(server: Office, drive: Client) -> None:
    file = server.shelf.put("a.txt", b"abc")
    server.shelf.put("b.txt")
    _, told = await ask(drive, "GET", f"{FILES}/{file.id}", fields="id,size,owners(emailAddress)")
    assert told == {"id": file.id, "size": "3", "owners": [{"emailAddress": "ann@example.com"}]}
    assert (await ask(drive, "GET", f"{FILES}/{file.id}", fields="id,title"))[0] == 400
    assert (await ask(drive, "GET", FILES, fields="files(id,title)"))[0] == 400
    _, told = await ask(drive, "GET", FILES, fields="nextPageToken,files(name)", pageSize="1")
    assert told == {"nextPageToken": "1", "files": [{"name": "a.txt"}]}
    assert (await ask(drive, "GET", f"{FILES}/nobody"))[0] == 404


async def test_bytes_are_downloaded_and_documents_exported(server: Office, drive: Client) -> None:
    held = b"\x00\r\n\xff"
    file = server.shelf.put("a.bin", held, "application/octet-stream")
    page = await drive.call("GET", f"{FILES}/{file.id}", query={"alt": "media"})
    assert page.body == held
    document = server.shelf.put("Doc", b"words", "application/vnd.google-apps.document")
    assert (await ask(drive, "GET", f"{FILES}/{document.id}", alt="media"))[0] == 403
    query = {"mimeType": "text/plain"}
    page = await drive.call("GET", f"{FILES}/{document.id}/export", query=query)
    assert page.body == b"words" and page.headers["content-type"].startswith("text/plain")
    assert (await ask(drive, "GET", f"{FILES}/{file.id}/export", **query))[0] == 403
    document.held = b"x" * (10 * 2**20 + 1)
    _, told = await ask(drive, "GET", f"{FILES}/{document.id}/export", **query)
    assert told["error"]["errors"][0]["reason"] == "exportSizeLimitExceeded"


async def test_an_id_made_ahead_makes_one_file(server: Office, drive: Client) -> None:
    _, told = await ask(drive, "GET", f"{FILES}/generateIds", count="1")
    (id_,) = told["ids"]
    meta = {"id": id_, "name": "a.txt", "appProperties": {"deed": "k1"}}
    held = b"--b0undary\n\r\nabc\r\n"
    for status in (200, 409):
        kind, body = parts(meta, "text/plain", held, "other")
        page = await drive.call(
            "POST", UP, query={"uploadType": "multipart"}, body=body, headers={"Content-Type": kind}
        )
        assert page.status == status
    assert server.shelf.files[id_].held == held and server.shelf.files[id_].kind == "text/plain"
    assert (await ask(drive, "POST", FILES, {"id": "1made-up", "name": "x"}))[0] == 400
    assert (await ask(drive, "POST", FILES, {"name": "x", "parents": [id_]}))[0] == 404
    status, told = await ask(drive, "POST", FILES, {"name": "Plans", "mimeType": FOLDER})
    assert status == 200 and told["mimeType"] == FOLDER


async def test_a_big_file_comes_in_pieces_and_goes_on_where_it_stopped(
    server: Office, drive: Client
) -> None:
    held = bytes(range(256)) * 2048 + b"end"
    sent = {"X-Upload-Content-Type": "image/png", "X-Upload-Content-Length": str(len(held))}
    begun = await drive.call(
        "POST", UP, query={"uploadType": "resumable"}, body={"name": "a.png"}, headers=sent
    )
    where = begun.headers["location"]
    assert begun.status == 200 and where.startswith(f"{UP}?uploadType=resumable&upload_id=")

    async def put(start: int, end: int) -> Any:
        range_ = {"Content-Range": f"bytes {start}-{end - 1}/{len(held)}"}
        return await drive.call("PUT", where, body=held[start:end], headers=range_)

    server.takes = CHUNK
    page = await put(0, 2 * CHUNK)
    assert page.status == 308 and page.headers["range"] == f"bytes=0-{CHUNK - 1}"
    ask_how_far = {"Content-Range": f"bytes */{len(held)}"}
    page = await drive.call("PUT", where, body=b"", headers=ask_how_far)
    assert page.status == 308 and page.headers["range"] == f"bytes=0-{CHUNK - 1}"
    assert (await put(2 * CHUNK, len(held))).status == 503
    page = await put(CHUNK, len(held))
    assert page.status == 200
    assert server.shelf.files[json.loads(page.body)["id"]].held == held
    again = await put(CHUNK, len(held))
    assert again.status == 200 and len(server.shelf.files) == 1
    assert (await drive.call("PUT", where + "x", body=held)).status == 404


async def test_who_may_see_a_file_is_told_and_changed(server: Office, drive: Client) -> None:
    file = server.shelf.put("a.txt")
    where = f"{FILES}/{file.id}/permissions"
    bob = {"type": "user", "role": "reader", "emailAddress": "bob@example.org"}
    for _ in range(2):
        status, told = await ask(drive, "POST", where, bob, emailMessage="Look")
        assert status == 200
    _, listed = await ask(drive, "GET", where, fields="permissions(id,emailAddress,role)")
    assert [each["role"] for each in listed["permissions"]] == ["owner", "reader"]
    assert server.mails == [("bob@example.org", file.id, "Look")] * 2
    _, anyone = await ask(drive, "POST", where, {"type": "anyone", "role": "reader"})
    assert anyone["id"] == "anyoneWithLink" and len(server.mails) == 2
    await ask(drive, "POST", where, bob, sendNotificationEmail="false")
    assert len(server.mails) == 2
    assert (await ask(drive, "POST", where, {**bob, "role": "owner"}))[0] == 403
    assert (await ask(drive, "POST", where, {**bob, "emailAddress": "bob"}))[0] == 400
    server.foreign = {"example.org"}
    assert (await ask(drive, "POST", where, bob))[0] == 403
    assert (await ask(drive, "DELETE", f"{where}/{told['id']}"))[0] == 204
    assert (await ask(drive, "DELETE", f"{where}/{told['id']}"))[0] == 404
    theirs = server.shelf.put("b.txt", owner="bob@example.org", role="reader")
    assert (await ask(drive, "POST", f"{FILES}/{theirs.id}/permissions", bob))[0] == 403
    assert (await ask(drive, "GET", f"{FILES}/{theirs.id}/permissions"))[0] == 403


async def test_what_the_reference_does_not_say_is_a_mistake(server: Office, drive: Client) -> None:
    file = server.shelf.put("a.txt")
    where = f"{FILES}/{file.id}"
    for verb, path, body, query, words in (
        ("GET", FILES, None, {"maxResults": "3"}, "no parameter maxResults"),
        ("GET", FILES, None, {"pageSize": "0"}, "not 1 to 1000"),
        ("POST", FILES, {"title": "x"}, {}, "title is not written"),
        ("POST", FILES, {"appProperties": {"k": "v" * 124}}, {}, "124 bytes"),
        ("PATCH", where, {"name": "x"}, {}, "not played"),
        (
            "POST",
            f"{where}/permissions",
            {"type": "anyone", "role": "reader"},
            {"sendNotificationEmail": "true"},
            "users and groups only",
        ),
    ):
        await ask(drive, verb, path, body, **query)
        assert words in server.mistakes.pop(), words
    range_ = {"Content-Range": "bytes 0-2/9"}
    begun = await drive.call("POST", UP, query={"uploadType": "resumable"}, body={})
    await drive.call("PUT", begun.headers["location"], body=b"abc", headers=range_)
    assert "256 KiB" in server.mistakes.pop()


async def test_a_narrow_scope_sees_only_what_this_app_made(server: Office, drive: Client) -> None:
    theirs = server.shelf.put("a.txt")
    _, ours = await ask(drive, "POST", FILES, {"name": "b.txt"})
    grant(server, MINE)
    _, told = await ask(drive, "GET", FILES)
    assert [each["id"] for each in told["files"]] == [ours["id"]]
    assert (await ask(drive, "GET", f"{FILES}/{theirs.id}"))[0] == 404
    grant(server, f"{FULL}.readonly")
    assert (await ask(drive, "POST", FILES, {"name": "c"}))[0] == 403
    assert (await ask(drive, "GET", "/drive/v3/about"))[0] == 403
    assert server.mistakes.pop().endswith("about is not played here")


async def test_mail_and_files_are_one_account(server: Office, drive: Client) -> None:
    grant(server, FULL, f"{FULL.removesuffix('drive')}gmail.readonly")
    server.arrive("Lunch", "Soup?")
    _, told = await ask(drive, "GET", "https://gmail.googleapis.com/gmail/v1/users/me/messages")
    assert len(told["messages"]) == 1
    server.trouble.append(Fault(verb="POST files", status=500, after=True))
    assert (await ask(drive, "GET", FILES))[0] == 200
    assert (await ask(drive, "POST", FILES, {"name": "a"}))[0] == 500
    assert len(server.shelf.files) == 1
