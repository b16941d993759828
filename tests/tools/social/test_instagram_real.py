"""Posting on Instagram for real: in two steps, looked up by the container, never twice."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bot.core.canonical import Json
from bot.core.effect import EffectState
from bot.core.errors import (
    Conflict,
    ConnectionBroken,
    Invalid,
    VendorError,
    VendorRefused,
    VendorUnknown,
)
from bot.core.ports import Page
from bot.oauth.accounts import ScopeMissing
from tests.fakes.instagram_server import InstagramServer
from tests.fakes.oauth_house import OAuthHouse
from tests.fakes.oauth_server import OAuthServer
from tests.tools.social.desk import Desk, page
from tools.social import _container
from tools.social.instagram import TOOLS

TOOL, LIST, READ = TOOLS
MAKE, PUBLISH, ASK = "POST /{ig}/media", "POST /{ig}/media_publish", "GET /{container}"
JPEG, FILM = b"\xff\xd8\xff\xe0" + b"0" * 40, b"\0\0\0\x18ftypisom" + b"0" * 40
ONE, TWO, REEL = (f"https://example.org/{name}" for name in ("1.jpg", "2.jpg", "3.mp4"))
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
    async with InstagramServer() as server, OAuthHouse(tmp_path, server) as accounts:
        server.now = accounts.clock.now
        made = Desk(accounts, TOOL)
        made.web.pages = {ONE: page(JPEG), TWO: page(JPEG + b"2"), REEL: page(FILM)}
        await made.connect()
        yield made
        assert server.mistakes == []


def server_of(desk: Desk) -> InstagramServer:
    server = desk.accounts.server
    assert isinstance(server, InstagramServer)
    return server


async def shown(desk: Desk, arguments: dict[str, Json]) -> dict[str, Json]:
    """The arguments as they stand on the card, after the look at the media."""
    return await desk.complete(arguments)


async def test_a_picture_stands_there_with_its_caption_and_description(desk: Desk) -> None:
    done = await desk.perform(await shown(desk, POST))
    (post,) = server_of(desk).world.media
    assert post.caption == "Fresh from the oven\nhttps://example.org/a"
    assert (post.kind, post.addresses, post.alts) == ("IMAGE", [ONE], ["A loaf"])
    assert (done.state, done.vendor_ref) == (EffectState.SENT, post.id)
    assert done.url.startswith("https://www.instagram.com/p/")


async def test_several_become_a_carousel_and_a_film_alone_a_reel(desk: Desk) -> None:
    await desk.perform(await shown(desk, MANY))
    desk.kept = {}
    await desk.perform(await shown(desk, {"text": "Folding", "media": [{"url": REEL}]}))
    many, reel = server_of(desk).world.media
    assert (many.kind, many.addresses, many.alts) == ("CAROUSEL_ALBUM", [ONE, REEL], ["A loaf", ""])
    assert (reel.kind, reel.addresses) == ("VIDEO", [REEL])


@pytest.mark.parametrize("how", ["error_after", "lost", "truncated"])
async def test_a_lost_answer_is_learned_from_the_container(desk: Desk, how: str) -> None:
    server = server_of(desk)
    full = await shown(desk, POST)
    server.fail(PUBLISH, how)
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    found = await desk.find(full)
    assert found and found.vendor_ref == server.world.media[0].id and found.url
    assert (await desk.perform(full)).vendor_ref == found.vendor_ref
    assert server.calls_of(PUBLISH) == len(server.world.media) == 1


@pytest.mark.parametrize("how", ["error", "cut", "redirect"])
async def test_what_was_not_published_is_published_once_from_the_same_container(
    desk: Desk, how: str
) -> None:
    server = server_of(desk)
    server.elsewhere = "https://elsewhere.example/"
    full = await shown(desk, POST)
    server.fail(PUBLISH, how)
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    assert await desk.find(full) is None
    assert (await desk.perform(full)).state is EffectState.SENT
    assert server.calls_of(MAKE) == len(server.world.media) == 1


async def test_nothing_begun_is_surely_not_there(desk: Desk) -> None:
    assert await desk.find(await shown(desk, POST)) is None
    server_of(desk).fail(MAKE, "lost")
    full = await shown(desk, POST)
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    assert await desk.find(full) is None
    await desk.perform(full)
    assert len(server_of(desk).world.media) == 1


async def test_a_carousel_goes_on_where_it_broke_off(desk: Desk) -> None:
    server = server_of(desk)
    full = await shown(desk, MANY)
    server.fail(ASK, "cut")
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    await desk.perform(full)
    assert server.calls_of(MAKE) == 3 and len(server.world.media) == 1


@pytest.mark.parametrize("how", ["error", "cut", "truncated", "redirect", "forbidden", "missing"])
async def test_a_look_up_that_fails_says_nothing(desk: Desk, how: str) -> None:
    server = server_of(desk)
    server.elsewhere = "https://elsewhere.example/"
    full = await shown(desk, POST)
    server.fail(PUBLISH, "lost")
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    server.fail(ASK, how)
    with pytest.raises(VendorError):
        await desk.find(full)
    server.world.hidden.add(server.world.media[0].id)
    found = await desk.find(full)
    assert found and found.vendor_ref == desk.kept["container"] and not found.url


async def test_a_film_that_takes_its_time_is_waited_for_and_then_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = server_of(desk)
    monkeypatch.setattr(_container, "WAIT_S", 3.0)
    server.world.polls = 6
    full = await shown(desk, {"text": "Folding", "media": [{"url": REEL}]})
    with pytest.raises(VendorRefused, match="still working") as caught:
        await desk.perform(full)
    assert caught.value.retry_after_s == _container.AGAIN_S
    assert (await desk.perform(full)).state is EffectState.SENT
    assert server.calls_of(MAKE) == len(server.world.media) == 1


async def test_a_picture_that_instagram_cannot_use_is_told_and_made_anew_next_time(
    desk: Desk,
) -> None:
    server = server_of(desk)
    server.world.broken.add(ONE)
    full = await shown(desk, MANY)
    with pytest.raises(VendorRefused, match="cannot use a picture or film.*2207052"):
        await desk.perform(full)
    server.world.broken.clear()
    await desk.perform(full)
    assert len(server.world.media) == 1


async def test_a_container_of_yesterday_is_made_anew(desk: Desk) -> None:
    server = server_of(desk)
    full = await shown(desk, POST)
    server.fail(PUBLISH, "error")
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    desk.accounts.clock.advance(hours=25)
    assert await desk.find(full) is None
    await desk.perform(full)
    assert server.calls_of(MAKE) == 2 and len(server.world.media) == 1


async def test_another_picture_than_the_one_shown_goes_nowhere(desk: Desk) -> None:
    full = await shown(desk, POST)
    desk.web.pages[ONE] = page(JPEG + b"other")
    with pytest.raises(Conflict, match="something else"):
        await desk.perform(full)
    assert server_of(desk).calls_of(MAKE) == 0


async def test_what_cannot_go_is_refused_before_anybody_is_asked(desk: Desk) -> None:
    desk.web.pages[ONE] = page(b"\x89PNG\r\n\x1a\n" + b"0" * 40)
    with pytest.raises(Invalid, match="Instagram takes JPEG"):
        await shown(desk, POST)
    desk.web.pages[ONE] = page(JPEG)
    server_of(desk).world.quota = 1
    server_of(desk).world.post("Somebody's")
    with pytest.raises(Invalid, match="takes 1 posts of an account in 24 hours"):
        await shown(desk, POST)
    server_of(desk).fail("GET /{ig}/content_publishing_limit", "error")
    await shown(desk, POST)  # that is told when it is published


REFUSED = {
    "dead": (ConnectionBroken, "connects it again", None),
    "unauthorized": (ConnectionBroken, "Connect it here", None),
    "forbidden": (VendorRefused, "does not allow this: .*Permissions error", None),
    "missing": (VendorRefused, "nothing there", None),
    "conflict": (VendorRefused, "posted already", None),
    "large": (VendorRefused, "refused this .413.: .*reduce the amount", None),
    "unfit": (VendorRefused, "refused this .400.: .*Invalid parameter", None),
    "blocked": (VendorRefused, "abusive", None),
    "limited": (VendorRefused, "for the moment", 60.0),
    "too_many": (VendorRefused, "for the moment", 30.0),
}


@pytest.mark.parametrize("how", REFUSED)
async def test_each_refusal_is_told_in_words_and_publishes_nothing(desk: Desk, how: str) -> None:
    kind, words, wait = REFUSED[how]
    full = await shown(desk, POST)
    server_of(desk).fail(PUBLISH, how)
    with pytest.raises(kind, match=words) as caught:
        await desk.perform(full)
    assert getattr(caught.value, "retry_after_s", None) == wait
    assert server_of(desk).world.media == []


async def test_a_day_s_last_post_is_told_as_such(desk: Desk) -> None:
    full = await shown(desk, POST)
    server_of(desk).world.quota = 0
    with pytest.raises(VendorRefused, match="no more posts from this account today"):
        await desk.perform(full)


async def test_a_post_that_takes_too_long_is_found(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = desk.accounts.around.fetcher.fetch

    async def hasty(url: str, **told: Any) -> Page:
        return await real(url, **{**told, "timeout_s": 0.3})

    full = await shown(desk, POST)
    monkeypatch.setattr(desk.accounts.around.fetcher, "fetch", hasty)  # a minute would be too long
    server_of(desk).fail(PUBLISH, "late")
    with pytest.raises(VendorUnknown, match="did not answer"):
        await desk.perform(full)
    assert await desk.find(full) and len(server_of(desk).world.media) == 1


async def test_without_the_scope_nothing_is_asked_and_the_link_mends_it(desk: Desk) -> None:
    server_of(desk).faults.scopes = ["instagram_business_basic"]
    await desk.connect()
    with pytest.raises(ScopeMissing, match="scopes=instagram_business_content_publish"):
        await shown(desk, POST)
    assert server_of(desk).asked == []


async def test_another_account_than_the_one_on_the_card_posts_nothing(desk: Desk) -> None:
    full = await shown(desk, POST)
    before, desk.connection = len(server_of(desk).asked), "con_other"
    with pytest.raises(Conflict, match="anew"):
        await desk.perform(full)
    with pytest.raises(Conflict):
        await desk.find(full)
    assert len(server_of(desk).asked) == before


async def test_a_redirect_takes_the_token_nowhere(desk: Desk) -> None:
    full = await shown(desk, POST)
    async with OAuthServer("instagram") as thief:
        server_of(desk).elsewhere = f"{thief.base}/v23.0/me"
        for operation in (MAKE, PUBLISH, ASK):
            server_of(desk).fail(operation, "redirect")
            with pytest.raises(VendorError):
                await desk.perform(full)
        assert thief.seen == []


async def test_posts_are_listed_and_read_with_their_numbers(desk: Desk) -> None:
    assert (await desk.perform({}, LIST)).data == "There is no post yet."
    world = server_of(desk).world
    old = world.post("Old", desk.accounts.clock.now() - timedelta(days=3))
    new = world.post("New")
    new.likes, new.comments = 12, 3
    listed = str((await desk.perform({"count": 2}, LIST)).data).splitlines()
    assert [line.split()[0] for line in listed] == [new.id, old.id]
    read = str((await desk.perform({"post": new.id}, READ)).data)
    assert "12 likes, 3 comments" in read and read.endswith(": New")
    assert "not on Instagram" in str((await desk.perform({"post": "17900000000099999"}, READ)).data)
    assert LIST.outside and READ.outside
