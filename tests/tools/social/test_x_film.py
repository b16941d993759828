"""A film and a GIF on X: in pieces, waited for, and once."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.canonical import Json
from bot.core.effect import EffectState
from bot.core.errors import Invalid, VendorError, VendorRefused, VendorUnknown
from tests.fakes.x_server import PNG, XServer
from tests.tools.social.desk import Desk, desk_at
from tools.social import _x_film
from tools.social.x import TOOLS

TOOL = TOOLS[0]
CREATE, APPEND = "POST /2/tweets", "POST /2/media/upload/{id}/append"
BEGIN, END = "POST /2/media/upload/initialize", "POST /2/media/upload/{id}/finalize"
STATUS = "GET /2/media/upload"
MP4 = b"\x00\x00\x00\x18ftypmp42" + bytes(range(200))
GIF = b"GIF89a" + b"0" * 40
FILM: dict[str, Json] = {"text": "Look", "media": [{"url": "https://example.org/film.mp4"}]}
MOVING: dict[str, Json] = {
    "text": "Look",
    "media": [{"url": "https://example.org/a.gif", "alt": "A loaf turns"}],
}


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(_x_film, "PIECE", 100)

    async def at_once(_: float) -> None:
        return None

    monkeypatch.setattr(_x_film, "_pause", at_once)  # X asks for whole seconds
    async with desk_at(tmp_path, XServer(), TOOL, film_mp4=MP4, a_gif=GIF, a_png=PNG) as made:
        yield made


async def test_a_film_goes_in_pieces_and_is_posted_when_x_is_done_with_it(desk: Desk) -> None:
    desk.server.works = ["pending", "in_progress", "succeeded"]
    full = await desk.complete(FILM)
    assert (await desk.perform(full)).state is EffectState.SENT
    (post,) = desk.server.posts
    assert desk.server.media[post.media[0]]["bytes"] == MP4
    assert desk.server.calls_of(APPEND) == 3 and desk.server.calls_of(STATUS) == 2


async def test_a_gif_is_one_and_stands_alone(desk: Desk) -> None:
    full = await desk.complete(MOVING)
    await desk.perform(full)
    kept = desk.server.media[desk.server.posts[0].media[0]]
    assert (kept["bytes"], kept["alt"]) == (GIF, "A loaf turns")
    two: list[Json] = [{"url": "https://example.org/a.gif"}, {"url": "https://example.org/a.png"}]
    with pytest.raises(Invalid, match="GIF stands alone"):
        await desk.complete({"text": "a", "media": two})
    with pytest.raises(Invalid, match="film stands alone"):
        await desk.complete(
            {"text": "a", "media": [*two[1:], {"url": "https://example.org/film.mp4"}]}
        )


@pytest.mark.parametrize("operation", [BEGIN, APPEND, END, CREATE])
@pytest.mark.parametrize("how", ["error", "cut"])
async def test_cut_off_anywhere_it_goes_on_there_and_posts_once(
    desk: Desk, operation: str, how: str
) -> None:
    full = await desk.complete(FILM)
    desk.server.fail(operation, how)
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    assert await desk.find(full) is None
    await desk.perform(full)
    assert len(desk.server.posts) == 1
    assert desk.server.media[desk.server.posts[0].media[0]]["bytes"] == MP4
    assert desk.server.calls_of(APPEND) == (4 if operation == APPEND else 3)


@pytest.mark.parametrize("operation", [APPEND, END, CREATE])
async def test_an_answer_that_is_lost_makes_no_second_film_or_post(
    desk: Desk, operation: str
) -> None:
    full = await desk.complete(FILM)
    desk.server.fail(operation, "lost")
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    if await desk.find(full) is None:
        await desk.perform(full)
    assert len(desk.server.posts) == len(desk.server.media) == 1
    assert desk.server.media[desk.server.posts[0].media[0]]["bytes"] == MP4


async def test_a_film_that_takes_x_long_is_asked_about_later_and_not_handed_over_again(
    desk: Desk,
) -> None:
    desk.server.works = ["in_progress"]
    full = await desk.complete(FILM)
    with pytest.raises(VendorRefused, match="still works") as caught:
        await desk.perform(full)
    assert caught.value.retry_after_s and desk.server.posts == []
    desk.server.works = ["succeeded"]
    await desk.perform(full)
    assert len(desk.server.posts) == desk.server.calls_of(BEGIN) == desk.server.calls_of(END) == 1


async def test_a_film_that_x_cannot_use_is_refused_and_nothing_posted(desk: Desk) -> None:
    desk.server.works = ["failed"]
    full = await desk.complete(FILM)
    with pytest.raises(VendorRefused, match="cannot use this film") as caught:
        await desk.perform(full)
    assert caught.value.retry_after_s is None and desk.server.posts == []


@pytest.mark.parametrize("how", ["forbidden", "limited", "truncated", "redirect"])
async def test_a_film_that_does_not_arrive_makes_no_post(desk: Desk, how: str) -> None:
    desk.server.elsewhere = "https://elsewhere.example/"
    full = await desk.complete(FILM)
    desk.server.fail(APPEND, how)
    with pytest.raises(VendorError):
        await desk.perform(full)
    assert desk.server.posts == []
