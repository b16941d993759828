"""Posting on Instagram for real: in two steps, looked up by the container, never twice."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from bot.core.canonical import Json
from bot.core.effect import EffectState
from bot.core.errors import (
    Conflict,
    Invalid,
    VendorRefused,
    VendorUnknown,
)
from tests.fakes.instagram_server import InstagramServer
from tests.tools.social.desk import Desk, desk_at
from tools.social import _container
from tools.social.instagram import TOOLS

TOOL, LIST, READ = TOOLS
MAKE, PUBLISH, ASK = "POST /{ig}/media", "POST /{ig}/media_publish", "GET /{container}"
JPEG, FILM = b"\xff\xd8\xff\xe0" + b"0" * 40, b"\0\0\0\x18ftypisom" + b"0" * 40
ONE, TWO, REEL = (f"https://example.org/{name}" for name in ("one.jpg", "two.jpg", "reel.mp4"))
POST: dict[str, Json] = {
    "text": "Fresh from the oven",
    "link": "https://example.org/a",
    "media": [{"url": ONE, "alt": "A loaf"}],
}
MANY: dict[str, Json] = {"text": "Two", "media": [{"url": ONE, "alt": "A loaf"}, {"url": REEL}]}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for seconds; that it is asked again and again is counted instead."""
    monkeypatch.setattr(_container, "PAUSES_S", (0.0,))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    there = {"one_jpg": JPEG, "two_jpg": JPEG + b"2", "reel_mp4": FILM}
    async with desk_at(tmp_path, InstagramServer(), TOOL, **there) as made:
        yield made


async def test_a_picture_stands_there_with_its_caption_and_description(desk: Desk) -> None:
    done = await desk.perform(await desk.complete(POST))
    (post,) = desk.server.world.media
    assert post.caption == "Fresh from the oven\nhttps://example.org/a"
    assert (post.kind, post.addresses, post.alts) == ("IMAGE", [ONE], ["A loaf"])
    assert (done.state, done.vendor_ref) == (EffectState.SENT, post.id)
    assert done.url.startswith("https://www.instagram.com/p/")


async def test_several_become_a_carousel_and_a_film_alone_a_reel(desk: Desk) -> None:
    await desk.perform(await desk.complete(MANY))
    desk.kept = {}
    await desk.perform(await desk.complete({"text": "Folding", "media": [{"url": REEL}]}))
    many, reel = desk.server.world.media
    assert (many.kind, many.addresses, many.alts) == ("CAROUSEL_ALBUM", [ONE, REEL], ["A loaf", ""])
    assert (reel.kind, reel.addresses) == ("VIDEO", [REEL])


@pytest.mark.parametrize("how", ["error", "cut", "redirect"])
async def test_what_was_not_published_is_published_once_from_the_same_container(
    desk: Desk, how: str
) -> None:
    desk.server.elsewhere = "https://elsewhere.example/"
    full = await desk.complete(POST)
    desk.server.fail(PUBLISH, how)
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    assert await desk.find(full) is None
    assert (await desk.perform(full)).state is EffectState.SENT
    assert desk.server.calls_of(MAKE) == len(desk.server.world.media) == 1


async def test_nothing_begun_is_surely_not_there(desk: Desk) -> None:
    assert await desk.find(await desk.complete(POST)) is None
    desk.server.fail(MAKE, "lost")
    full = await desk.complete(POST)
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    assert await desk.find(full) is None
    await desk.perform(full)
    assert len(desk.server.world.media) == 1


async def test_a_carousel_goes_on_where_it_broke_off(desk: Desk) -> None:
    full = await desk.complete(MANY)
    desk.server.fail(ASK, "cut")
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    await desk.perform(full)
    assert desk.server.calls_of(MAKE) == 3 and len(desk.server.world.media) == 1


async def test_a_post_that_no_list_shows_yet_is_known_by_its_container(desk: Desk) -> None:
    full = await desk.complete(POST)
    desk.server.fail(PUBLISH, "lost")
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    desk.server.world.hidden.add(desk.server.world.media[0].id)
    found = await desk.find(full)
    assert found and found.vendor_ref == desk.kept["container"] and not found.url


async def test_a_film_that_takes_its_time_is_waited_for_and_then_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_container, "WAIT_S", 3.0)
    desk.server.world.polls = 6
    full = await desk.complete({"text": "Folding", "media": [{"url": REEL}]})
    with pytest.raises(VendorRefused, match="still working") as caught:
        await desk.perform(full)
    assert caught.value.retry_after_s == _container.AGAIN_S
    assert (await desk.perform(full)).state is EffectState.SENT
    assert desk.server.calls_of(MAKE) == len(desk.server.world.media) == 1


async def test_a_picture_that_instagram_cannot_use_is_told_and_made_anew_next_time(
    desk: Desk,
) -> None:
    desk.server.world.broken.add(ONE)
    full = await desk.complete(MANY)
    with pytest.raises(VendorRefused, match="cannot use a picture or film.*2207052"):
        await desk.perform(full)
    desk.server.world.broken.clear()
    await desk.perform(full)
    assert len(desk.server.world.media) == 1


async def test_a_container_of_yesterday_is_made_anew(desk: Desk) -> None:
    full = await desk.complete(POST)
    desk.server.fail(PUBLISH, "error")
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    desk.accounts.clock.advance(hours=25)
    assert await desk.find(full) is None
    await desk.perform(full)
    assert desk.server.calls_of(MAKE) == 2 and len(desk.server.world.media) == 1


async def test_another_picture_than_the_one_shown_goes_nowhere(desk: Desk) -> None:
    full = await desk.complete(POST)
    desk.web.put(one_jpg=JPEG + b"other")
    with pytest.raises(Conflict, match="something else"):
        await desk.perform(full)
    assert desk.server.calls_of(MAKE) == 0


async def test_what_cannot_go_is_refused_before_anybody_is_asked(desk: Desk) -> None:
    desk.web.put(one_jpg=b"\x89PNG\r\n\x1a\n" + b"0" * 40)
    with pytest.raises(Invalid, match="Instagram takes JPEG"):
        await desk.complete(POST)
    desk.web.put(one_jpg=JPEG)
    desk.server.world.quota = 1
    desk.server.world.post("Somebody's")
    with pytest.raises(Invalid, match="takes 1 posts of an account in 24 hours"):
        await desk.complete(POST)
    desk.server.fail("GET /{ig}/content_publishing_limit", "error")
    await desk.complete(POST)  # that is told when it is published


async def test_a_day_s_last_post_is_told_as_such(desk: Desk) -> None:
    full = await desk.complete(POST)
    desk.server.world.quota = 0
    with pytest.raises(VendorRefused, match="no more posts from this account today"):
        await desk.perform(full)


async def test_posts_are_listed_and_read_with_their_numbers(desk: Desk) -> None:
    assert (await desk.perform({}, LIST)).data == "There is no post yet."
    world = desk.server.world
    old = world.post("Old", desk.accounts.clock.now() - timedelta(days=3))
    new = world.post("New")
    new.likes, new.comments = 12, 3
    listed = str((await desk.perform({"count": 2}, LIST)).data).splitlines()
    assert [line.split()[0] for line in listed] == [new.id, old.id]
    read = str((await desk.perform({"post": new.id}, READ)).data)
    assert "12 likes, 3 comments" in read and read.endswith(": New")
    assert "not on Instagram" in str((await desk.perform({"post": "17900000000099999"}, READ)).data)
    assert LIST.outside and READ.outside
