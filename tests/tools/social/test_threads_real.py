"""Posting on Threads for real: in two steps, looked up by the container, never twice."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.canonical import Json
from bot.core.effect import EffectState
from bot.core.errors import (
    Conflict,
    ConnectionBroken,
    Invalid,
    NotFound,
    VendorError,
    VendorRefused,
    VendorUnknown,
)
from bot.oauth.accounts import ScopeMissing
from tests.fakes.oauth_house import OAuthHouse
from tests.fakes.oauth_server import OAuthServer
from tests.fakes.threads_server import ThreadsServer
from tests.tools.social.desk import Desk, page
from tools.social import _container
from tools.social.threads import TOOLS

TOOL, LIST, READ, DELETE = TOOLS
MAKE, PUBLISH = "POST /{user}/threads", "POST /{user}/threads_publish"
ASK, TAKE, NUMBERS = "GET /{container}", "DELETE /{post}", "GET /{post}/insights"
PNG, FILM = b"\x89PNG\r\n\x1a\n" + b"0" * 40, b"\0\0\0\x18ftypisom" + b"0" * 40
ONE, REEL = "https://example.org/1.png", "https://example.org/2.mp4"
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
    async with ThreadsServer() as server, OAuthHouse(tmp_path, server) as accounts:
        server.now = accounts.clock.now
        made = Desk(accounts, TOOL)
        made.web.pages = {ONE: page(PNG), REEL: page(FILM)}
        await made.connect()
        yield made
        assert server.mistakes == []


def server_of(desk: Desk) -> ThreadsServer:
    server = desk.accounts.server
    assert isinstance(server, ThreadsServer)
    return server


async def test_words_stand_there_and_their_address_is_told(desk: Desk) -> None:
    done = await desk.perform(await desk.complete(POST))
    (post,) = server_of(desk).posts
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
    many, single = server_of(desk).posts
    assert (many.text, many.kind) == ("Two", "CAROUSEL_ALBUM")
    assert (many.addresses, many.alts) == ([ONE, REEL], ["A loaf", "Hands that fold"])
    assert (single.kind, single.addresses, single.alts) == ("IMAGE", [ONE], ["A loaf"])


@pytest.mark.parametrize("how", ["error_after", "lost", "truncated"])
async def test_a_lost_answer_is_learned_from_the_container(desk: Desk, how: str) -> None:
    server, full = server_of(desk), await desk.complete(POST)
    server.fail(PUBLISH, how)
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    found = await desk.find(full)
    assert found and found.vendor_ref == server.posts[0].id and found.url
    assert (await desk.perform(full)).vendor_ref == found.vendor_ref
    assert server.calls_of(PUBLISH) == len(server.posts) == 1


@pytest.mark.parametrize("how", ["error", "cut", "redirect"])
async def test_what_was_not_published_is_published_once(desk: Desk, how: str) -> None:
    server, full = server_of(desk), await desk.complete(POST)
    server.elsewhere = "https://elsewhere.example/"
    server.fail(PUBLISH, how)
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    assert await desk.find(full) is None
    await desk.perform(full)
    assert server.calls_of(MAKE) == len(server.posts) == 1


async def test_the_same_words_said_by_hand_are_not_our_post(desk: Desk) -> None:
    server, full = server_of(desk), await desk.complete(POST)
    server.post("A year of baking at night\nhttps://example.org/a")
    server.fail(PUBLISH, "error")
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    assert await desk.find(full) is None
    await desk.perform(full)
    assert len(server.posts) == 2


async def test_a_film_that_threads_cannot_use_is_told(desk: Desk) -> None:
    server, full = server_of(desk), await desk.complete(MANY)
    server.broken.add(REEL)
    with pytest.raises(VendorRefused, match="FAILED_DOWNLOADING_VIDEO"):
        await desk.perform(full)
    server.broken.clear()
    await desk.perform(full)
    assert len(server.posts) == 1


REFUSED = {
    "dead": (ConnectionBroken, "connects it again", None),
    "forbidden": (VendorRefused, "does not allow this: .*Permissions error", None),
    "missing": (VendorRefused, "nothing there", None),
    "conflict": (VendorRefused, "posted already", None),
    "large": (VendorRefused, "refused this .413.", None),
    "unfit": (VendorRefused, "Invalid parameter", None),
    "limited": (VendorRefused, "for the moment", 60.0),
    "too_many": (VendorRefused, "for the moment", 30.0),
}


@pytest.mark.parametrize("how", REFUSED)
async def test_each_refusal_is_told_in_words_and_publishes_nothing(desk: Desk, how: str) -> None:
    kind, words, wait = REFUSED[how]
    full = await desk.complete(POST)
    server_of(desk).fail(PUBLISH, how)
    with pytest.raises(kind, match=words) as caught:
        await desk.perform(full)
    assert getattr(caught.value, "retry_after_s", None) == wait
    assert server_of(desk).posts == []


async def test_what_cannot_go_is_refused_before_anybody_is_asked(desk: Desk) -> None:
    server_of(desk).quota = 0
    with pytest.raises(Invalid, match="takes 0 posts of an account in 24 hours"):
        await desk.complete(POST)
    server_of(desk).quota = 250
    desk.web.pages[ONE] = page(b"GIF89a" + b"0" * 40)
    with pytest.raises(Invalid, match="Threads takes JPEG, PNG"):
        await desk.complete(MANY)
    with pytest.raises(NotFound, match="no files"):
        await desk.complete({"text": "a", "media": [{"url": "fil_" + "0" * 26}]})


async def test_another_account_than_the_one_on_the_card_posts_nothing(desk: Desk) -> None:
    full = await desk.complete(POST)
    before, desk.connection = len(server_of(desk).asked), "con_other"
    with pytest.raises(Conflict, match="anew"):
        await desk.perform(full)
    assert len(server_of(desk).asked) == before


async def test_a_redirect_takes_the_token_nowhere(desk: Desk) -> None:
    full = await desk.complete(POST)
    async with OAuthServer("threads") as thief:
        server_of(desk).elsewhere = f"{thief.base}/v1.0/me"
        for operation in (MAKE, PUBLISH, ASK):
            server_of(desk).fail(operation, "redirect")
            with pytest.raises(VendorError):
                await desk.perform(full)
        assert thief.seen == []


async def test_posts_are_listed_read_and_counted_where_that_was_granted(desk: Desk) -> None:
    server = server_of(desk)
    new = server.post("New")
    new.likes = 7
    assert str((await desk.perform({}, LIST)).data).endswith(": New")
    assert "likes" not in str((await desk.perform({"post": new.id}, READ)).data)
    assert server.calls_of(NUMBERS) == 0
    await desk.connect(scopes=MORE)
    assert "7 likes" in str((await desk.perform({"post": new.id}, READ)).data)
    server.fail(NUMBERS, "error")
    assert str((await desk.perform({"post": new.id}, READ)).data).endswith(": New")


async def test_a_post_is_deleted_once_and_only_as_it_was_shown(desk: Desk) -> None:
    server = server_of(desk)
    post = server.post("New")
    with pytest.raises(ScopeMissing, match="scopes=threads_delete"):
        await desk.complete({"post": post.id}, DELETE)
    await desk.connect(scopes=MORE)
    full = await desk.complete({"post": post.id, "text": "made up"}, DELETE)
    assert full["text"] == "New"
    with pytest.raises(Conflict, match="something else"):
        await desk.perform({**full, "text": "Other"}, DELETE)
    assert await desk.find(full, DELETE) is None
    server.fail(TAKE, "lost")
    with pytest.raises(VendorUnknown):
        await desk.perform(full, DELETE)
    assert await desk.find(full, DELETE)
    assert "not on Threads any more" in str((await desk.perform(full, DELETE)).data)
    assert server.posts == [] and server.calls_of(TAKE) == 1
