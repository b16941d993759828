"""A film on Reddit: it goes with the still that Reddit wants, once, or a person is asked."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.canonical import Json
from bot.core.effect import EffectState
from bot.core.errors import Invalid, VendorRefused, VendorUnknown
from tests.fakes.reddit_server import BUCKET, SUBMIT, RedditServer
from tests.tools.kit import lines
from tests.tools.social.desk import FILM, JPEG, PNG, Desk, desk_at
from tools.social import reddit
from tools.social.reddit import TOOLS, RedditPost, preview

GIF = b"GIF89a" + b"0" * 40
SEEN = {"rise_mp4": FILM, "loaf_jpg": JPEG, "loaf_png": PNG, "loaf_gif": GIF}
LEASE = "POST /api/media/asset"


def of(*names: str, **more: Json) -> dict[str, Json]:
    media: list[Json] = [{"url": f"https://example.org/{name}"} for name in names]
    return {"subreddit": "bread", "title": "It rises", "media": media, **more}


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(reddit, "LOOKS_S", (0.0, 0.0))
    async with desk_at(tmp_path, RedditServer(), TOOLS[0], **SEEN) as made:
        made.web.played[f"https:{BUCKET}"] = f"{made.server.base}/"
        yield made


@pytest.mark.parametrize("names", [("rise.mp4", "loaf.jpg"), ("loaf.jpg", "rise.mp4")])
async def test_a_film_stands_there_with_its_still_and_the_card_says_which_is_which(
    desk: Desk, names: tuple[str, str]
) -> None:
    full = await desk.complete(of(*names))
    card = lines(preview(RedditPost.model_validate(full)))
    assert (
        "rise.mp4 (MP4, " in card["Medium 1"] and "shown until the film plays" in card["Medium 2"]
    )
    done = await desk.perform(full)
    server = desk.server
    (post,) = server.posts
    assert (server.media[post.url], server.media[post.poster]) == (FILM, JPEG)
    assert (done.state, done.vendor_ref) == (EffectState.SENT, post.id)
    assert all("Authorization" not in headers for _, headers in desk.web.asked)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (of("rise.mp4"), "a still of it"),
        (of("loaf.jpg", "loaf.png"), "one picture, or one film"),
        (of("rise.mp4", "rise.mp4"), "one picture, or one film"),
        (of("rise.mp4", "loaf.gif"), "JPEG or PNG"),
        (of("rise.mp4", "loaf.jpg", subreddit="mute"), "r/mute takes no films"),
        (of("loaf.jpg", subreddit="blind"), "r/blind takes no pictures"),
    ],
)
async def test_what_cannot_go_is_refused_before_anybody_is_asked(
    desk: Desk, given: dict[str, Json], said: str
) -> None:
    desk.server.community("mute").videos = False
    desk.server.community("blind").images = False
    with pytest.raises(Invalid, match=said):
        await desk.complete(given)
    assert desk.server.calls_of(LEASE) == 0


async def test_a_film_goes_where_no_pictures_are_taken(desk: Desk) -> None:
    desk.server.community("films").images = False
    full = await desk.complete(of("rise.mp4", "loaf.png", subreddit="films"))
    assert (await desk.perform(full)).state is EffectState.SENT


async def test_each_part_is_uploaded_once_however_often_the_post_is_tried(desk: Desk) -> None:
    server = desk.server
    full = await desk.complete(of("rise.mp4", "loaf.jpg"))
    server.fail(SUBMIT, "limited")
    with pytest.raises(VendorRefused):
        await desk.perform(full)
    await desk.perform(full)
    assert len(server.media) == 2 and len(server.posts) == 1


async def test_the_film_is_not_uploaded_again_when_its_still_was_not_taken(desk: Desk) -> None:
    server = desk.server
    full = await desk.complete(of("rise.mp4", "loaf.jpg"))
    server.fail_uploads = {2}
    with pytest.raises(VendorRefused, match="The picture was not taken"):
        await desk.perform(full)
    assert server.posts == [] and list(server.media.values()) == [FILM]
    await desk.perform(full)
    assert sorted(server.media.values()) == sorted([FILM, JPEG]) and len(server.posts) == 1


@pytest.mark.parametrize("how", ["lost", "error_after", "truncated"])
async def test_a_lost_answer_is_looked_up_and_the_film_never_sent_twice(
    desk: Desk, how: str
) -> None:
    server = desk.server
    full = await desk.complete(of("rise.mp4", "loaf.jpg"))
    server.fail(SUBMIT, how)
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    (post,) = server.posts
    server.hidden.add(post.id)
    with pytest.raises(VendorUnknown, match="may still work"):
        await desk.find(full)
    server.hidden.clear()
    found = await desk.find(full)
    assert found and found.vendor_ref == post.id and server.calls_of(SUBMIT) == 1
