"""Posting on Tumblr for real: what is sent, what each answer means, never twice."""

from collections.abc import AsyncIterator
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
from tests.fakes.tumblr_server import CREATE, DELETE, LISTED, READ, TumblrServer
from tests.fakes.x_server import PNG
from tests.tools.social.desk import Desk, desk_at
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
    "media": [{"url": "https://example.org/a.png", "alt": "A loaf"}],
}
FILM: dict[str, Json] = {"text": "Look", "media": [{"url": "https://example.org/a.mp4"}]}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk_at(tmp_path, TumblrServer(), TOOL, a_png=PNG, a_mp4=MP4) as made:
        yield made


async def test_a_post_of_blocks_stands_on_the_main_blog(desk: Desk) -> None:
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


async def test_another_blog_of_the_account_is_named(desk: Desk) -> None:
    await desk.perform({**POST, "blog": "rye-and-co.tumblr.com"})
    assert desk.server.posts[0].blog == "rye-and-co"


async def test_a_picture_goes_with_its_description_and_a_film_beside_it(desk: Desk) -> None:
    full = await desk.complete({**MEDIA, "media": [*_list(MEDIA), *_list(FILM)]})
    await desk.perform(full)
    (post,) = desk.server.posts
    image, film, text = post.content
    assert (image["alt_text"], film["type"], text["text"]) == ("A loaf", "video", "Look")
    assert desk.server.media[image["media"][0]["url"]] == PNG
    assert desk.server.media[film["media"]["url"]] == MP4
    found = await desk.find(full)
    assert found and found.vendor_ref == post.id


def _list(given: dict[str, Json]) -> list[Json]:
    found = given["media"]
    assert isinstance(found, list)
    return found


async def test_what_is_older_elsewhere_or_of_other_words_is_not_our_post(desk: Desk) -> None:
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


async def test_all_pages_are_looked_through(desk: Desk) -> None:
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
    desk: Desk,
) -> None:
    desk.server.transcoding = True
    full = await desk.complete(FILM)
    done = await desk.perform(full)
    assert done.state is EffectState.SENT and "works on the film" in str(done.data)
    with pytest.raises(VendorUnknown, match="may still work"):
        await desk.find(full)
    desk.server.hidden.clear()
    assert await desk.find(full)


async def test_the_blog_stands_on_the_card_and_another_s_is_refused(desk: Desk) -> None:
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


async def test_other_bytes_than_those_shown_are_not_posted(desk: Desk) -> None:
    full = await desk.complete(MEDIA)
    desk.web.put(a_png=PNG + b"other")
    with pytest.raises(Conflict, match="something else"):
        await desk.perform(full)
    assert desk.server.posts == []


async def test_own_posts_are_listed_read_and_deleted_once(desk: Desk) -> None:
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
    desk: Desk, how: str, gone: bool
) -> None:
    full = await desk.complete({"post": desk.server.post("Hello").id}, DELETE_TOOL)
    desk.server.fail(DELETE, how)
    with pytest.raises(VendorUnknown):
        await desk.perform(full, DELETE_TOOL)
    assert (await desk.find(full, DELETE_TOOL) is not None) is gone
    desk.server.fail(READ, "error")
    with pytest.raises(VendorUnknown):
        await desk.find(full, DELETE_TOOL)
