"""Posting on Threads for real: in two steps, looked up by the container, never twice."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.canonical import Json
from bot.core.effect import EffectState
from bot.core.errors import (
    Conflict,
    Invalid,
    NotFound,
    VendorRefused,
    VendorUnknown,
)
from bot.oauth.accounts import ScopeMissing
from tests.fakes.threads_server import ThreadsServer
from tests.tools.social.desk import Desk, desk_at
from tools.social import _container
from tools.social.threads import TOOLS

TOOL, LIST, READ, DELETE = TOOLS
MAKE, PUBLISH = "POST /{user}/threads", "POST /{user}/threads_publish"
ASK, TAKE, NUMBERS = "GET /{container}", "DELETE /{post}", "GET /{post}/insights"
PNG, FILM = b"\x89PNG\r\n\x1a\n" + b"0" * 40, b"\0\0\0\x18ftypisom" + b"0" * 40
ONE, REEL = "https://example.org/one.png", "https://example.org/reel.mp4"
POST: dict[str, Json] = {"text": "A year of baking at night", "link": "https://example.org/a"}
MANY: dict[str, Json] = {
    "text": "Two",
    "media": [{"url": ONE, "alt": "A loaf"}, {"url": REEL, "alt": "Hands that fold"}],
}
MORE = ("threads_delete", "threads_manage_insights")


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for seconds; that it is asked again and again is counted instead."""
    monkeypatch.setattr(_container, "PAUSES_S", (0.0,))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk_at(tmp_path, ThreadsServer(), TOOL, one_png=PNG, reel_mp4=FILM) as made:
        yield made


async def test_words_stand_there_and_their_address_is_told(desk: Desk) -> None:
    done = await desk.perform(await desk.complete(POST))
    (post,) = desk.server.posts
    assert (post.text, post.kind) == (
        "A year of baking at night\nhttps://example.org/a",
        "TEXT_POST",
    )
    assert (done.state, done.vendor_ref) == (EffectState.SENT, post.id)
    assert done.url.startswith("https://www.threads.net/@ann/post/")


async def test_pictures_and_films_go_together_each_with_its_description(desk: Desk) -> None:
    await desk.perform(await desk.complete(MANY))
    desk.kept = {}
    one: dict[str, Json] = {"text": "One", "media": [{"url": ONE, "alt": "A loaf"}]}
    await desk.perform(await desk.complete(one))
    many, single = desk.server.posts
    assert (many.text, many.kind) == ("Two", "CAROUSEL_ALBUM")
    assert (many.addresses, many.alts) == ([ONE, REEL], ["A loaf", "Hands that fold"])
    assert (single.kind, single.addresses, single.alts) == ("IMAGE", [ONE], ["A loaf"])


@pytest.mark.parametrize("how", ["error", "cut", "redirect"])
async def test_what_was_not_published_is_published_once(desk: Desk, how: str) -> None:
    full = await desk.complete(POST)
    desk.server.elsewhere = "https://elsewhere.example/"
    desk.server.fail(PUBLISH, how)
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    assert await desk.find(full) is None
    await desk.perform(full)
    assert desk.server.calls_of(MAKE) == len(desk.server.posts) == 1


async def test_the_same_words_said_by_hand_are_not_our_post(desk: Desk) -> None:
    full = await desk.complete(POST)
    desk.server.post("A year of baking at night\nhttps://example.org/a")
    desk.server.fail(PUBLISH, "error")
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    assert await desk.find(full) is None
    await desk.perform(full)
    assert len(desk.server.posts) == 2


async def test_a_film_that_threads_cannot_use_is_told(desk: Desk) -> None:
    full = await desk.complete(MANY)
    desk.server.broken.add(REEL)
    with pytest.raises(VendorRefused, match="FAILED_DOWNLOADING_VIDEO"):
        await desk.perform(full)
    desk.server.broken.clear()
    await desk.perform(full)
    assert len(desk.server.posts) == 1


async def test_what_cannot_go_is_refused_before_anybody_is_asked(desk: Desk) -> None:
    desk.server.quota = 0
    with pytest.raises(Invalid, match="takes 0 posts of an account in 24 hours"):
        await desk.complete(POST)
    desk.server.quota = 250
    desk.web.put(one_png=b"GIF89a" + b"0" * 40)
    with pytest.raises(Invalid, match="Threads takes JPEG, PNG"):
        await desk.complete(MANY)
    with pytest.raises(NotFound, match="no files"):
        await desk.complete({"text": "a", "media": [{"url": "fil_" + "0" * 26}]})


async def test_posts_are_listed_read_and_counted_where_that_was_granted(desk: Desk) -> None:
    new = desk.server.post("New")
    new.likes = 7
    assert str((await desk.perform({}, LIST)).data).endswith(": New")
    assert "likes" not in str((await desk.perform({"post": new.id}, READ)).data)
    assert desk.server.calls_of(NUMBERS) == 0
    await desk.connect(scopes=MORE)
    assert "7 likes" in str((await desk.perform({"post": new.id}, READ)).data)
    desk.server.fail(NUMBERS, "error")
    assert str((await desk.perform({"post": new.id}, READ)).data).endswith(": New")


async def test_a_post_is_deleted_once_and_only_as_it_was_shown(desk: Desk) -> None:
    post = desk.server.post("New")
    with pytest.raises(ScopeMissing, match="scopes=threads_delete"):
        await desk.complete({"post": post.id}, DELETE)
    await desk.connect(scopes=MORE)
    full = await desk.complete({"post": post.id, "text": "made up"}, DELETE)
    assert full["text"] == "New"
    with pytest.raises(Conflict, match="something else"):
        await desk.perform({**full, "text": "Other"}, DELETE)
    assert await desk.find(full, DELETE) is None
    desk.server.fail(TAKE, "lost")
    with pytest.raises(VendorUnknown):
        await desk.perform(full, DELETE)
    assert await desk.find(full, DELETE)
    assert "not on Threads any more" in str((await desk.perform(full, DELETE)).data)
    assert desk.server.posts == [] and desk.server.calls_of(TAKE) == 1
