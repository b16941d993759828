"""Posting on Tumblr for real: what is sent, what each answer means, never twice."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.canonical import Json
from bot.core.effect import EffectState
from bot.core.errors import (
    BotError,
    Conflict,
    ConnectionBroken,
    Invalid,
    VendorError,
    VendorRefused,
    VendorUnknown,
)
from bot.oauth.accounts import ScopeMissing
from tests.fakes.oauth_house import OAuthHouse
from tests.fakes.oauth_server import OAuthServer
from tests.fakes.tumblr_server import CREATE, DELETE, LISTED, READ, TumblrServer
from tests.fakes.x_server import PNG
from tests.tools.social import desk as desks
from tests.tools.social.desk import Desk
from tools.social.tumblr import TOOLS

TOOL, LIST, READ_TOOL, DELETE_TOOL = TOOLS
MP4 = b"\x00\x00\x00\x18ftypmp42" + b"0" * 60
POST: dict[str, Json] = {
    "title": "Rye & time",
    "text": "It rests.\n\nFor a day.",
    "link": "https://example.org/rye",
    "tags": ["bread", "rye bread"],
}
MEDIA: dict[str, Json] = {
    "text": "Look",
    "media": [{"url": "https://example.org/bread.png", "alt": "A loaf"}],
}
FILM: dict[str, Json] = {"text": "Look", "media": [{"url": "https://example.org/film.mp4"}]}


class TumblrDesk(Desk):
    """With Tumblr at hand."""

    server: TumblrServer


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[TumblrDesk]:
    async with TumblrServer() as server, OAuthHouse(tmp_path, server) as accounts:
        server.now = accounts.clock.now
        made = TumblrDesk(accounts, TOOL)
        made.server = server
        made.web.pages["https://example.org/bread.png"] = desks.page(PNG)
        made.web.pages["https://example.org/film.mp4"] = desks.page(MP4, kind="video/mp4")
        await made.connect()
        yield made
        assert server.mistakes == []


async def test_a_post_of_blocks_stands_on_the_main_blog(desk: TumblrDesk) -> None:
    done = await desk.perform(POST)
    (post,) = desk.server.posts
    assert [(b["type"], b.get("text") or b.get("url")) for b in post.content] == [
        ("text", "Rye & time"),
        ("text", "It rests."),
        ("text", "For a day."),
        ("link", "https://example.org/rye"),
    ]
    assert post.content[0]["subtype"] == "heading1"
    assert (post.tags, post.blog) == (["bread", "rye bread"], "annbakes")
    assert done.state is EffectState.SENT
    assert (done.vendor_ref, done.url) == (post.id, f"https://www.tumblr.com/annbakes/{post.id}")
    assert desk.server.calls_of(CREATE) == 1


async def test_another_blog_of_the_account_is_named(desk: TumblrDesk) -> None:
    await desk.perform({**POST, "blog": "rye-and-co.tumblr.com"})
    assert desk.server.posts[0].blog == "rye-and-co"


async def test_a_picture_goes_with_its_description_and_a_film_beside_it(desk: TumblrDesk) -> None:
    full = await desk.complete({**MEDIA, "media": [*_list(MEDIA), *_list(FILM)]})
    await desk.perform(full)
    (post,) = desk.server.posts
    image, film, text = post.content
    assert (image["alt_text"], film["type"], text["text"]) == ("A loaf", "video", "Look")
    assert desk.server.media[image["media"][0]["url"]] == PNG
    assert desk.server.media[film["media"]["url"]] == MP4


def _list(given: dict[str, Json]) -> list[Json]:
    found = given["media"]
    assert isinstance(found, list)
    return found


@pytest.mark.parametrize("given", [POST, MEDIA])
@pytest.mark.parametrize("how", ["error_after", "lost", "truncated"])
async def test_a_post_whose_answer_is_missing_is_found_and_not_made_twice(
    desk: TumblrDesk, how: str, given: dict[str, Json]
) -> None:
    desk.server.fail(CREATE, how)
    with pytest.raises(VendorUnknown):
        await desk.perform(given)
    found = await desk.find(given)
    assert found and found.vendor_ref == desk.server.posts[0].id
    assert desk.server.calls_of(CREATE) == len(desk.server.posts) == 1


@pytest.mark.parametrize("how", ["error", "cut", "redirect"])
async def test_a_post_that_never_was_is_surely_not_there_and_made_once(
    desk: TumblrDesk, how: str
) -> None:
    desk.server.elsewhere = "https://elsewhere.example/"
    desk.server.fail(CREATE, how)
    with pytest.raises(VendorUnknown):
        await desk.perform(POST)
    assert await desk.find(POST) is None
    await desk.perform(POST)
    assert len(desk.server.posts) == 1


@pytest.mark.parametrize(
    "how", ["error", "cut", "truncated", "redirect", "limited", "forbidden", "missing"]
)
async def test_a_look_up_that_fails_says_nothing(desk: TumblrDesk, how: str) -> None:
    desk.server.elsewhere = "https://elsewhere.example/"
    desk.server.fail(LISTED, how)
    with pytest.raises(VendorError):
        await desk.find(POST)


async def test_what_is_older_elsewhere_or_of_other_words_is_not_our_post(desk: TumblrDesk) -> None:
    desk.server.post("Look")
    desk.accounts.clock.advance(hours=1)
    desk.kept = {"since": desk.accounts.clock.now().isoformat()}
    desk.server.post("Look", "rye-and-co")
    desk.server.post("Look!")
    desk.server.post("", content=[{"type": "text", "text": "Look"}, {"type": "image", "media": []}])
    assert await desk.find({"text": "Look"}) is None
    new = desk.server.post("Look")
    found = await desk.find({"text": "Look"})
    assert found and found.vendor_ref == new.id


async def test_all_pages_are_looked_through(desk: TumblrDesk) -> None:
    desk.server.page = 19  # fewer than were asked for
    await desk.perform(POST)
    for n in range(19):
        desk.server.post(f"Another {n}")
    assert await desk.find(POST) and desk.server.calls_of(LISTED) == 2
    for n in range(30):
        desk.server.post(f"One more {n}")
    assert await desk.find(POST) and desk.server.calls_of(LISTED) == 5
    desk.server.posts.pop(0)
    assert await desk.find(POST) is None


async def test_a_film_that_tumblr_works_on_is_neither_lost_nor_sent_again(
    desk: TumblrDesk,
) -> None:
    desk.server.transcoding = True
    full = await desk.complete(FILM)
    done = await desk.perform(full)
    assert done.state is EffectState.SENT and "works on the film" in str(done.data)
    with pytest.raises(VendorUnknown, match="may still work"):
        await desk.find(full)
    desk.server.hidden.clear()
    assert await desk.find(full)


async def test_the_blog_stands_on_the_card_and_another_s_is_refused(desk: TumblrDesk) -> None:
    assert (await desk.complete(POST))["blog"] == "annbakes"
    with pytest.raises(Invalid, match="no blog night. It has: annbakes, rye-and-co"):
        await desk.complete({**POST, "blog": "night"})
    with pytest.raises(Invalid, match="one film"):
        await desk.complete({"text": "a", "media": _list(FILM) * 2})
    desk.server.posts_left = 0
    with pytest.raises(Invalid, match="no more posts from this account today"):
        await desk.complete(POST)
    with pytest.raises(VendorRefused, match="daily posting limit"):
        await desk.perform(POST)
    assert desk.server.posts == []


async def test_other_bytes_than_those_shown_are_not_posted(desk: TumblrDesk) -> None:
    full = await desk.complete(MEDIA)
    desk.web.pages["https://example.org/bread.png"] = desks.page(PNG + b"other")
    with pytest.raises(Conflict, match="something else"):
        await desk.perform(full)
    assert desk.server.posts == []


@pytest.mark.parametrize(
    ("how", "said"),
    [("bad", "400"), ("forbidden", "may not"), ("conflict", "409"), ("large", "413"),
     ("unfit", "422"), ("missing", "nothing there"), ("limited", "for the moment")],
)  # fmt: skip
async def test_a_refusal_is_told_and_nothing_was_done(
    desk: TumblrDesk, how: str, said: str
) -> None:
    desk.server.fail(CREATE, how)
    with pytest.raises(VendorRefused, match=said) as caught:
        await desk.perform(POST)
    assert caught.value.retry_after_s == (30 if how == "limited" else None)
    assert desk.server.posts == []


async def test_a_token_that_is_refused_is_renewed_once(desk: TumblrDesk) -> None:
    desk.server.expire()
    assert (await desk.perform(POST)).state is EffectState.SENT
    desk.server.fail(CREATE, "unauthorized", times=2)
    with pytest.raises(ConnectionBroken, match="again"):
        await desk.perform({"text": "Another"})
    assert len(desk.server.posts) == 1


async def test_without_the_scope_nothing_is_sent_and_the_link_mends_it(desk: TumblrDesk) -> None:
    desk.server.faults.scopes = ["basic", "offline_access"]
    await desk.connect()
    with pytest.raises(ScopeMissing, match=r"write.*/admin/connections\?scopes="):
        await desk.perform(POST)
    assert desk.server.calls_of(CREATE) == 0


async def test_a_redirect_takes_the_token_nowhere(desk: TumblrDesk) -> None:
    async with OAuthServer("tumblr") as thief:
        desk.server.elsewhere = f"{thief.base}/v2/blog/annbakes/posts"
        for operation in (CREATE, LISTED):
            desk.server.fail(operation, "redirect")
        with pytest.raises(BotError):
            await desk.perform(POST)
        with pytest.raises(BotError):
            await desk.find(POST)
        assert thief.seen == []


async def test_own_posts_are_listed_read_and_deleted_once(desk: TumblrDesk) -> None:
    kept, post = desk.server.post("Keep me"), desk.server.post("Go away")
    told = str((await desk.perform({"count": 2}, LIST)).data).splitlines()
    assert told[0].startswith(f"{post.id} (") and told[0].endswith("Go away")
    where = f"https://www.tumblr.com/annbakes/{post.id}"
    told_one = str((await desk.perform({"post": where}, READ_TOOL)).data)
    assert "0 notes" in told_one and told_one.endswith("Go away")
    full = await desk.complete({"post": post.id, "text": "made up"}, DELETE_TOOL)
    assert (full["text"], full["blog"]) == ("Go away", "annbakes")
    with pytest.raises(Conflict, match="something else"):
        await desk.perform({**full, "post": kept.id}, DELETE_TOOL)
    assert (await desk.perform(full, DELETE_TOOL)).data == "Deleted."
    again = await desk.perform(full, DELETE_TOOL)
    assert "not on Tumblr any more" in str(again.data)
    assert (desk.server.posts, desk.server.calls_of(DELETE)) == ([kept], 1)


@pytest.mark.parametrize(("how", "gone"), [("lost", True), ("truncated", True), ("error", False)])
async def test_a_deletion_whose_answer_is_missing_is_looked_up(
    desk: TumblrDesk, how: str, gone: bool
) -> None:
    full = await desk.complete({"post": desk.server.post("Hello").id}, DELETE_TOOL)
    desk.server.fail(DELETE, how)
    with pytest.raises(VendorUnknown):
        await desk.perform(full, DELETE_TOOL)
    assert (await desk.find(full, DELETE_TOOL) is not None) is gone
    desk.server.fail(READ, "error")
    with pytest.raises(VendorUnknown):
        await desk.find(full, DELETE_TOOL)
