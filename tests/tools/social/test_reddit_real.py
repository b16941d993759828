"""Posting on Reddit for real: what is sent, what each answer means, never twice."""

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
from tests.fakes.reddit_server import BUCKET, SUBMIT, SUBMITTED, RedditServer
from tests.fakes.x_server import PNG
from tests.tools.social.desk import Desk, desk_at, page
from tools.social import reddit
from tools.social.reddit import TOOLS

TOOL, LIST, READ, DELETE = TOOLS
TEXT: dict[str, Json] = {
    "subreddit": "bread",
    "title": "Rye & <time>",
    "text": "It rested.\n\n& so",
}
LINK: dict[str, Json] = {"subreddit": "bread", "title": "Rye", "link": "https://example.org/rye"}
PICTURE: dict[str, Json] = {
    "subreddit": "bread",
    "title": "A loaf",
    "media": [{"url": "https://example.org/a.png"}],
}


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(reddit, "LOOKS_S", (0.0, 0.0))
    async with desk_at(tmp_path, RedditServer(), TOOL, a_png=PNG) as made:
        made.web.played[f"https:{BUCKET}"] = f"{made.server.base}/"
        yield made


async def test_a_text_stands_in_the_subreddit_and_its_address_is_told(desk: Desk) -> None:
    done = await desk.perform(TEXT)
    (post,) = desk.server.posts
    assert (post.title, post.text, post.community) == ("Rye & <time>", TEXT["text"], "bread")
    assert (done.state, done.vendor_ref) == (EffectState.SENT, post.id)
    assert done.url.startswith("https://www.reddit.com/r/bread/comments/")
    assert [operation for operation, _ in desk.server.asked] == [SUBMIT]


async def test_a_link_stands_there_and_flair_goes_by_its_id(desk: Desk) -> None:
    desk.server.communities["bread"].flair("Recipe")
    await desk.perform({**LINK, "flair": "recipe"})
    (post,) = desk.server.posts
    assert (post.url, post.flair) == ("https://example.org/rye", "Recipe")


async def test_what_is_elsewhere_older_or_of_other_words_is_not_our_post(desk: Desk) -> None:
    desk.server.community("rye")
    desk.server.post("Rye", "rye", "It rested.")
    desk.server.post("Rye", "bread", "It did not rest.")
    desk.server.post("Rye", "bread", "It rested.")
    desk.accounts.clock.advance(hours=1)
    desk.kept = {"since": desk.accounts.clock.now().isoformat()}
    desk.server.post("Rye", "rye", "It rested.")
    given: dict[str, Json] = {"subreddit": "Bread", "title": "Rye", "text": "It rested."}
    assert await desk.find(given) is None
    new = desk.server.post("Rye", "bread", "It rested.")
    found = await desk.find(given)
    assert found and found.vendor_ref == new.id


async def test_all_pages_are_looked_through_or_nothing_is_said(desk: Desk) -> None:
    desk.server.page = 2
    await desk.perform(TEXT)
    for n in range(6):
        desk.server.post(f"Another {n}")
    assert await desk.find(TEXT) and desk.server.calls_of(SUBMITTED) == 4
    for n in range(6, 12):
        desk.server.post(f"Another {n}")
    with pytest.raises(VendorUnknown, match="more new posts"):
        await desk.find(TEXT)


async def test_a_link_that_is_there_already_is_ours_or_somebody_s(desk: Desk) -> None:
    desk.server.fail(SUBMIT, "lost")
    with pytest.raises(VendorUnknown):
        await desk.perform(LINK)
    found = await desk.find(LINK)
    assert found and found.vendor_ref == desk.server.posts[0].id
    done = await desk.perform(LINK)
    assert (done.state, done.vendor_ref) == (EffectState.SENT, desk.server.posts[0].id)
    desk.server.posts[0].author = "Bob"
    with pytest.raises(VendorRefused, match="already been submitted"):
        await desk.perform(LINK)
    assert len(desk.server.posts) == 1


async def test_a_break_that_reddit_asks_for_is_waited_for(desk: Desk) -> None:
    desk.server.break_minutes = 9
    with pytest.raises(VendorRefused) as caught:
        await desk.perform(TEXT)
    assert caught.value.retry_after_s == 540 and desk.server.posts == []
    desk.server.break_minutes = 61
    with pytest.raises(VendorRefused, match="over an hour") as caught:
        await desk.perform(TEXT)
    assert caught.value.retry_after_s is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"subreddit": "nothere"}, "SUBREDDIT_NOEXIST"),
        ({"subreddit": "closed"}, "NOTALLOWED"),
        ({"subreddit": "flaired"}, "FLAIR_REQUIRED"),
        ({"subreddit": "links"}, "NO_SELFS"),
    ],
)
async def test_a_refusal_with_status_200_is_one(
    desk: Desk, change: dict[str, Json], said: str
) -> None:
    desk.server.community("closed").allowed = False
    desk.server.community("flaired").flair_required = True
    desk.server.community("links").kinds = "link"
    with pytest.raises(VendorRefused, match=said):
        await desk.perform({**TEXT, **change})
    assert desk.server.posts == []


async def test_a_picture_goes_to_the_bucket_without_a_token_and_its_post_is_found(
    desk: Desk,
) -> None:
    done = await desk.perform(PICTURE)
    (post,) = desk.server.posts
    assert desk.server.media[post.url] == PNG
    assert (done.vendor_ref, desk.server.calls_of(SUBMIT)) == (post.id, 1)
    assert all("Authorization" not in headers for _, headers in desk.web.asked)


async def test_a_picture_that_reddit_still_works_on_is_neither_lost_nor_sent_again(
    desk: Desk,
) -> None:
    desk.server.fail(SUBMIT, "lost")
    with pytest.raises(VendorUnknown):
        await desk.perform(PICTURE)
    (post,) = desk.server.posts
    desk.server.hidden.add(post.id)
    with pytest.raises(VendorUnknown, match="may still work"):
        await desk.find(PICTURE)
    desk.server.hidden.clear()
    found = await desk.find(PICTURE)
    assert found and found.vendor_ref == post.id
    # Taken, and not to be seen yet: that is said.
    desk.kept = {}
    desk.server.fail(SUBMITTED, "error")
    done = await desk.perform({**PICTURE, "title": "Another loaf"})
    assert done.state is EffectState.SENT and len(desk.server.posts) == 2


async def test_a_picture_is_uploaded_once_however_often_its_post_is_tried(
    desk: Desk,
) -> None:
    desk.server.fail(SUBMIT, "limited")
    with pytest.raises(VendorRefused):
        await desk.perform(PICTURE)
    await desk.perform(PICTURE)
    assert len(desk.server.media) == len(desk.server.posts) == 1


async def test_a_picture_that_does_not_arrive_makes_no_post(desk: Desk) -> None:
    desk.web.played.clear()
    desk.web.pages[f"https:{BUCKET}"] = page(b"<Error/>", 403, "application/xml")
    with pytest.raises(VendorRefused, match="not taken"):
        await desk.perform(PICTURE)
    desk.web.put(a_png=PNG + b"other")
    full = {**PICTURE, "media": [{"url": "https://example.org/a.png", "sha256": "0" * 64}]}
    with pytest.raises(Conflict, match="something else"):
        await desk.perform(full)
    assert desk.server.calls_of(SUBMIT) == 0


async def test_the_card_names_the_community_as_it_calls_itself_and_its_flair(
    desk: Desk,
) -> None:
    desk.server.community("RyeClub").flair("Recipe")
    full = await desk.complete({**TEXT, "subreddit": "ryeclub", "flair": "RECIPE"})
    assert (full["subreddit"], full["flair"]) == ("RyeClub", "Recipe")
    full = await desk.complete(PICTURE)
    assert isinstance(full["media"], list) and isinstance(full["media"][0], dict)
    assert full["media"][0]["about"] == "PNG, 0 kB"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"subreddit": "nothere"}, "no subreddit r/nothere"),
        ({"subreddit": "closed"}, "may not post"),
        ({"subreddit": "flaired"}, "wants a flair. There are: Recipe"),
        ({"subreddit": "flaired", "flair": "Meta"}, "no such flair.*Recipe"),
        ({"subreddit": "links"}, "takes no posts that are a text"),
        ({**PICTURE, "subreddit": "mute"}, "takes no pictures"),
        ({**PICTURE, "media": [{"url": "http://a.example/1.png"}]}, "https"),
    ],
)
async def test_what_cannot_go_is_refused_before_anybody_is_asked(
    desk: Desk, change: dict[str, Json], said: str
) -> None:
    desk.server.community("closed").allowed = False
    flaired = desk.server.community("flaired")
    flaired.flair_required = True
    flaired.flair("Recipe")
    desk.server.community("links").kinds = "link"
    desk.server.community("mute").images = False
    given = change if "media" in change else {**TEXT, **change}
    with pytest.raises(Invalid, match=said):
        await desk.complete(given)
    assert desk.server.calls_of(SUBMIT) == 0


async def test_own_posts_are_listed_read_and_deleted_once(desk: Desk) -> None:
    assert (await desk.perform({}, LIST)).data == "There is no post yet."
    kept, post = desk.server.post("Keep me"), desk.server.post("Go & away", text="Bye")
    post.score = 7
    told = str((await desk.perform({"count": 2}, LIST)).data).splitlines()
    assert told[0].startswith(f"{post.id} (") and told[0].endswith("Go & away")
    where = f"https://www.reddit.com/r/bread/comments/{post.id}/a_title/"
    told_one = str((await desk.perform({"post": where}, READ)).data)
    assert "7 points, 0 comments" in told_one and told_one.endswith("Go & away\nBye")
    full = await desk.complete({"post": post.id, "text": "made up"}, DELETE)
    assert full["text"] == "Go & away\nBye"
    with pytest.raises(Conflict, match="something else"):
        await desk.perform({**full, "post": kept.id}, DELETE)
    assert (await desk.perform(full, DELETE)).data == "Deleted."
    assert desk.server.standing == [kept]
    again = await desk.perform(full, DELETE)
    assert again.state is EffectState.SENT and "not on Reddit any more" in str(again.data)
    assert desk.server.calls_of("POST /api/del") == 1


@pytest.mark.parametrize(("how", "gone"), [("lost", True), ("error_after", True), ("error", False)])
async def test_a_deletion_whose_answer_is_missing_is_looked_up(
    desk: Desk, how: str, gone: bool
) -> None:
    full = await desk.complete({"post": desk.server.post("Hello").id}, DELETE)
    desk.server.fail("POST /api/del", how)
    with pytest.raises(VendorUnknown):
        await desk.perform(full, DELETE)
    assert (await desk.find(full, DELETE) is not None) is gone
    desk.server.fail("GET /api/info", "truncated")
    with pytest.raises(VendorUnknown):
        await desk.find(full, DELETE)


async def test_another_s_post_is_not_deleted(desk: Desk) -> None:
    post = desk.server.post("Theirs", author="Bob")
    with pytest.raises(Invalid, match="somebody else's"):
        await desk.complete({"post": post.id}, DELETE)
