"""Pictures and films are looked at before anybody is asked, and must be the same when they leave."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.core.errors import Conflict, Invalid, NotFound
from bot.core.ids import PersonId
from bot.core.ports import Page
from bot.core.tool import ToolContext
from bot.files.files import Files, NewFile
from bot.files.library import Library
from bot.reach import Reach
from bot.store.sqlite import SqliteDatabase
from tests.fakes.clock import StillClock
from tests.fakes.database import lay
from tests.fakes.files import local_files
from tests.tools.kit import ANA, TENANT, FakeFetcher, context, house
from tools.social._media import address_of, bytes_of, is_film, looked_at
from tools.social._network import Network
from tools.social._post import MediaArgument

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 40
FILM = b"\0\0\0\x18ftypisom" + b"0" * 40
NET = Network(name="x", title="X", max_chars=9, takes={"image/png": 60, "video/mp4": 100})
WEB = MediaArgument(url="https://example.org/a.png", alt="A loaf")


@pytest.fixture
async def files(tmp_path: Path) -> AsyncIterator[Files]:
    path = tmp_path / "house.db"
    lay(path)
    db = SqliteDatabase(path)
    await db.open()
    yield local_files(db, StillClock(), tmp_path / "files")
    await db.close()


@pytest.fixture
def fetcher() -> FakeFetcher:
    return FakeFetcher()


@pytest.fixture
def ctx(files: Files, fetcher: FakeFetcher) -> ToolContext:
    reach = Reach(accounts=None, library=Library(files), address="https://bot.example")  # type: ignore[arg-type]
    return context(replace(house(), fetcher=fetcher), settings=reach)


async def put(files: Files, data: bytes, person: str = ANA) -> MediaArgument:
    async def pieces() -> AsyncIterator[bytes]:
        yield data

    new = NewFile(tenant=TENANT, person=PersonId(person), name="a.png", media_type="image/png")
    return MediaArgument(url=(await files.keep(new, pieces())).id)


def page(body: bytes, status: int = 200) -> Page:
    return Page(url="", status=status, media_type="text/html", body=body)


async def test_what_it_is_is_told_by_its_bytes(ctx: ToolContext, fetcher: FakeFetcher) -> None:
    fetcher.answers = [page(PNG)]
    (found,) = await looked_at(ctx, NET, [WEB])
    assert (found.url, found.alt) == (WEB.url, WEB.alt)
    assert (found.media_type, found.size) == ("image/png", len(PNG))
    assert found.sha256 == hashlib.sha256(PNG).hexdigest()
    assert found.about == "PNG, 0 kB"
    assert not is_film(found)


async def test_a_kept_file_is_as_good_as_an_address(ctx: ToolContext, files: Files) -> None:
    mine = await put(files, FILM)
    (found,) = await looked_at(ctx, NET, [mine])
    assert is_film(found)
    assert await bytes_of(ctx, NET, found) == FILM
    link = await address_of(ctx, NET, found)
    assert link.startswith("https://bot.example/files/")


async def test_nobody_publishes_a_file_of_somebody_else(ctx: ToolContext, files: Files) -> None:
    theirs = await put(files, PNG, "per_bob")
    for act in (looked_at(ctx, NET, [theirs]), bytes_of(ctx, NET, theirs)):
        with pytest.raises(NotFound):
            await act
    with pytest.raises(NotFound):
        await address_of(ctx, NET, theirs)


async def test_a_house_without_an_address_hands_out_no_link(ctx: ToolContext, files: Files) -> None:
    assert isinstance(ctx.settings, Reach)
    mine = await put(files, PNG)
    for address in ("", "http://127.0.0.1:8080"):
        inside = replace(ctx, settings=replace(ctx.settings, address=address))
        with pytest.raises(Invalid, match="public_url"):
            await address_of(inside, NET, mine)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"<html>", "neither a picture nor a film; X takes PNG, MP4"),
        (b"GIF89a" + b"0" * 9, "is GIF"),
        (PNG + b"0" * 30, "at most 0 kB of PNG"),
    ],
)
async def test_what_the_network_does_not_take_is_refused(
    ctx: ToolContext, fetcher: FakeFetcher, files: Files, body: bytes, said: str
) -> None:
    fetcher.answers = [page(body), page(body)]
    for act in (looked_at(ctx, NET, [WEB]), bytes_of(ctx, NET, WEB)):
        with pytest.raises(Invalid, match=said):
            await act
    with pytest.raises(Invalid):
        await looked_at(ctx, NET, [await put(files, body)])


async def test_another_picture_than_was_shown_does_not_leave(
    ctx: ToolContext, fetcher: FakeFetcher
) -> None:
    fetcher.answers = [page(PNG), page(PNG + b"1"), page(PNG)]
    (shown,) = await looked_at(ctx, NET, [WEB])
    with pytest.raises(Conflict, match="something else than was shown"):
        await bytes_of(ctx, NET, shown)
    assert await bytes_of(ctx, NET, shown) == PNG


async def test_a_film_stands_alone_unless_the_network_mixes(
    ctx: ToolContext, fetcher: FakeFetcher
) -> None:
    fetcher.answers = [page(FILM), page(PNG)] * 2
    with pytest.raises(Invalid, match="alone"):
        await looked_at(ctx, NET, [WEB, WEB])
    assert len(await looked_at(ctx, replace(NET, mixes=True), [WEB, WEB])) == 2


async def test_an_address_is_https_and_answers(ctx: ToolContext, fetcher: FakeFetcher) -> None:
    fetcher.answers = [page(b"", 404)]
    with pytest.raises(Invalid, match="answers 404"):
        await looked_at(ctx, NET, [WEB])
    with pytest.raises(Invalid, match="https"):
        await looked_at(ctx, NET, [MediaArgument(url="http://example.org/a.png")])
