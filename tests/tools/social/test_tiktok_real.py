"""Posting on TikTok for real: as the person chose, handed over once, and what became of it."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.core.effect import EffectState
from bot.core.errors import (
    Conflict,
    ConnectionBroken,
    Invalid,
    VendorError,
    VendorRefused,
    VendorUnknown,
)
from bot.core.tool import Risk
from tests.fakes.tiktok_server import CREATOR, PHOTOS, STATUS, UPLOAD, UPLOADS, TikTokServer
from tests.fakes.tiktok_server import FILM as BEGIN
from tests.tools.kit import lines, refusal
from tests.tools.social.desk import FILM, JPEG, PNG, Desk, desk_at
from tools.social import _waiting
from tools.social._tiktok_own import TikTokRead, TikTokStatus
from tools.social._tiktok_posting import CHUNK
from tools.social.tiktok import TOOLS, TikTokPost, preview

TOOL, ASK, LIST, READ = TOOLS
LONG = FILM + b"3" * (2 * CHUNK)
"""A film of two pieces: the last takes what is left over."""


def medium(name: str, alt: str = "") -> dict[str, str]:
    return {"url": f"https://example.org/{name}", "alt": alt}


POST: dict[str, Any] = {"text": "Folding", "privacy": "everyone", "media": [medium("a.mp4")]}
SHOT: dict[str, Any] = {
    "text": "Fresh",
    "title": "Bread",
    "privacy": "everyone",
    "media": [medium("a.jpg", "A loaf"), medium("b.jpg")],
}


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(_waiting, "PAUSES_S", (0.0, 0.0))  # a real wait would be for nothing here
    granted = "user.info.basic video.upload video.publish video.list"
    there = {"a_mp4": FILM, "long_mp4": LONG, "a_jpg": JPEG, "b_jpg": JPEG + b"b", "p_png": PNG}
    async with desk_at(tmp_path, TikTokServer(), TOOL, UPLOADS, granted=granted, **there) as made:
        yield made


async def test_a_film_is_there_with_every_choice_that_was_made(desk: Desk) -> None:
    chosen = {**POST, "comments": True, "stitches": True, "own_brand": True}
    done = await desk.perform(await desk.complete(chosen))
    (post,), (begun,) = desk.server.posts, desk.server.begun.values()
    assert (post.text, post.media, post.privacy) == ("Folding", [FILM], "PUBLIC_TO_EVERYONE")
    assert begun.info == {
        "title": "Folding",
        "privacy_level": "PUBLIC_TO_EVERYONE",
        "disable_comment": False,
        "disable_duet": True,
        "disable_stitch": False,
        "brand_content_toggle": False,
        "brand_organic_toggle": True,
    }
    assert done.state is EffectState.SENT and done.vendor_ref == begun.publish_id
    assert done.url == f"https://www.tiktok.com/@Ann/video/{post.id}"
    assert all("Authorization" not in told for _, told in desk.web.asked)


async def test_what_the_account_may_is_asked_before_anybody_is(desk: Desk) -> None:
    card = preview(TikTokPost.model_validate(await desk.complete(POST)))
    assert lines(card)["Account at TikTok"] == "Ann; a film has at most 300 s"
    desk.server.levels = ["FOLLOWER_OF_CREATOR", "SELF_ONLY"]
    with pytest.raises(Invalid, match="not offer this account the privacy everyone; it offers"):
        await desk.complete(POST)
    assert await desk.complete({**POST, "privacy": "followers"})
    desk.server.disabled = {"comment", "duet"}
    for name in ("comments", "duets"):
        with pytest.raises(Invalid, match="switched"):
            await desk.complete({**POST, "privacy": "only_me", name: True})
    for how in ("error", "truncated", "limited"):
        desk.server.fail(CREATOR, how)
        with pytest.raises(VendorError):
            await desk.complete(POST)
    assert desk.server.begun == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"media": [medium("p.png")]}, "is PNG; TikTok takes JPEG, WebP, MP4, MOV"),
        ({"media": [medium("a.mp4"), medium("a.jpg")]}, "stands alone"),
        ({"media": [medium("none.mp4")]}, "answers 404"),
    ],
)
async def test_media_that_cannot_go_are_refused_before_anybody_is_asked(
    desk: Desk, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(Invalid, match=said):
        await desk.complete({**POST, **change})


async def test_a_long_film_goes_in_pieces_and_goes_on_where_it_broke_off(desk: Desk) -> None:
    full = await desk.complete({**POST, "media": [medium("long.mp4")]})
    await desk.perform(full)
    assert desk.server.posts[0].media == [LONG] and desk.server.calls_of(UPLOAD) == 2
    for how in ("cut", "lost"):  # the first piece: not taken, or taken and not told
        desk.kept = {}
        desk.server.fail(UPLOAD, how)
        with pytest.raises(VendorUnknown):
            await desk.perform(full)
        assert await desk.find(full) is None, "TikTok has not all of it"
        await desk.perform(full)
        assert desk.server.posts[-1].media == [LONG]
    assert len(desk.server.posts) == len(desk.server.begun) == desk.server.calls_of(BEGIN) == 3


async def test_killed_between_beginning_and_handing_over_it_goes_on(desk: Desk) -> None:
    full = await desk.complete(POST)
    desk.server.fail(UPLOAD, "cut")
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    assert await desk.find(full) is None
    await desk.perform(full)
    await desk.perform(full)  # and once more changes nothing
    assert desk.server.calls_of(BEGIN) == len(desk.server.posts) == 1


async def test_a_place_that_is_closed_makes_a_new_one_only_when_nothing_can_come_of_it(
    desk: Desk,
) -> None:
    full = await desk.complete(POST)
    desk.server.fail(UPLOAD, "missing")
    await desk.perform(full)
    assert (desk.server.calls_of(BEGIN), len(desk.server.posts)) == (2, 1)
    desk.kept = {}
    desk.server.fail(UPLOAD, "missing", times=2)
    with pytest.raises(VendorRefused, match="closed"):
        await desk.perform(full)
    # The last piece was sent and nobody heard: a closed place proves nothing.
    desk.kept = {}
    desk.server.fail(UPLOAD, "cut")
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    desk.server.fail(UPLOAD, "missing")
    with pytest.raises(VendorUnknown, match="answered 404"):
        await desk.perform(full)
    assert (desk.server.calls_of(BEGIN), len(desk.server.posts)) == (5, 1)


async def test_a_film_that_is_there_already_is_not_brought_again(desk: Desk) -> None:
    full = await desk.complete(POST)
    desk.server.fail(UPLOAD, "lost")
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    done = await desk.perform(full)  # refused with 416: it has all of it
    assert done.state is EffectState.SENT and done.url
    assert len(desk.server.posts) == desk.server.calls_of(BEGIN) == 1
    desk.kept = {}
    desk.server.fail(UPLOAD, "lost")
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    desk.server.fail(UPLOAD, "missing")  # or with 404: the place is closed, for all is there
    assert (await desk.perform(full)).state is EffectState.SENT
    assert len(desk.server.posts) == desk.server.calls_of(BEGIN) == 2


async def test_what_tiktok_is_still_at_counts_as_done_and_says_so(desk: Desk) -> None:
    desk.server.slow = 99
    full = await desk.complete(POST)
    done = await desk.perform(full)
    assert done.state is EffectState.SENT and not done.url
    assert "still working on it" in str(done.data) and "tiktok_status" in str(done.data)
    assert desk.kept["found"] == done.data, "this reaches whoever asked"
    assert desk.kept["publish_id"] == done.vendor_ref, "and nothing is forgotten over it"
    found = await desk.find(full)
    assert found and found.vendor_ref == done.vendor_ref
    told = await desk.perform({"publish_id": done.vendor_ref}, ASK)
    assert "still working" in str(told.data)
    desk.server.slow, desk.server.moderates = 0, True
    told = await desk.perform({"publish_id": done.vendor_ref}, ASK)
    assert told.data == "It is published."
    desk.server.moderates = False
    told = await desk.perform({"publish_id": done.vendor_ref}, ASK)
    assert str(told.data).endswith(f"/video/{desk.server.posts[0].id}")


async def test_what_tiktok_does_not_publish_is_told_with_its_reason(desk: Desk) -> None:
    full = await desk.complete(POST)
    desk.server.breaks = "duration_check_failed"
    with pytest.raises(VendorRefused, match="did not publish it: duration check failed"):
        await desk.perform(full)
    assert await desk.find(full) is None
    with pytest.raises(VendorRefused, match="duration check"):
        await desk.perform(full)
    (id_,) = desk.server.begun
    assert "duration check failed" in str((await desk.perform({"publish_id": id_}, ASK)).data)


async def test_another_film_than_was_shown_does_not_leave(desk: Desk) -> None:
    for arguments, other in ((POST, {"a_mp4": FILM + b"1"}), (SHOT, {"b_jpg": JPEG + b"1"})):
        full = await desk.complete(arguments)
        desk.web.put(**other)
        with pytest.raises(Conflict, match="something else than was shown"):
            await desk.perform(full)
    assert desk.server.begun == {}


async def test_a_film_goes_to_no_other_place_than_tiktok_s(desk: Desk) -> None:
    full = await desk.complete(POST)
    for where in ("http://open-upload.tiktokapis.com", "https://tiktokapis.com.evil.example"):
        desk.kept, desk.server.uploads = {}, where
        with pytest.raises(VendorUnknown, match="where it wants the film"):
            await desk.perform(full)
    assert desk.server.posts == [] and desk.server.calls_of(UPLOAD) == 0


# --- photos ---------------------------------------------------------------------------------------


async def test_photos_are_fetched_by_tiktok_and_keep_title_and_text_apart(desk: Desk) -> None:
    done = await desk.perform(await desk.complete(SHOT))
    (post,) = desk.server.posts
    assert (post.title, post.text) == ("Bread", "Fresh")
    assert post.media == ["https://example.org/a.jpg", "https://example.org/b.jpg"]
    assert done.url.endswith(post.id) and desk.server.calls_of(UPLOAD) == 0


async def test_photos_whose_beginning_nobody_heard_are_asked_about(desk: Desk) -> None:
    full = await desk.complete(SHOT)
    assert await desk.find(full) is None
    for how in ("lost", "error_after", "truncated", "cut"):
        desk.kept = {}
        desk.server.fail(PHOTOS, how)
        with pytest.raises(VendorUnknown):
            await desk.perform(full)
        with pytest.raises(VendorUnknown, match="by what number"):
            await desk.find(full)
    assert desk.server.calls_of(PHOTOS) == 4


async def test_photos_that_were_begun_are_not_begun_again(desk: Desk) -> None:
    full = await desk.complete(SHOT)
    desk.server.fail(STATUS, "error")
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    found = await desk.find(full)
    assert found and found.state is EffectState.SENT
    await desk.perform(full)
    assert desk.server.calls_of(PHOTOS) == len(desk.server.posts) == 1


async def test_refusals_are_told_so_that_a_person_can_mend_them(desk: Desk) -> None:
    full = await desk.complete(SHOT)
    desk.server.verified = ("https://bot.example/",)
    with pytest.raises(VendorRefused, match="Verify this house's address"):
        await desk.perform(full)
    assert await desk.find(full) is None
    desk.server.verified, desk.server.is_audited = ("https://",), False
    for arguments in (full, await desk.complete(POST)):
        with pytest.raises(VendorRefused, match="audited the app"):
            await desk.perform(arguments)
    desk.server.fail(PHOTOS, "forbidden")
    with pytest.raises(ConnectionBroken, match="allows what is asked there"):
        await desk.perform(full)
    assert await desk.find(full) is None and desk.server.posts == []


# --- what is there --------------------------------------------------------------------------------


async def test_posts_are_listed_and_read_with_their_numbers(desk: Desk) -> None:
    assert (await desk.perform({}, LIST)).data == "There is no public post yet."
    for text in ("One", "Two\nlines"):
        desk.server.post(text)
    told = str((await desk.perform({"count": 1}, LIST)).data)
    assert told.endswith("): Two lines [12 views, 3 likes, 2 comments, 1 shares]")
    post = desk.server.posts[0].id
    where = f"https://www.tiktok.com/@ann/video/{post}"
    assert str((await desk.perform({"post": where}, READ)).data).startswith(where)
    assert "no such public post" in str((await desk.perform({"post": "7"}, READ)).data)
    assert "knows nothing" in str((await desk.perform({"publish_id": "v_pub~1"}, ASK)).data)
    assert all(tool.outside and tool.risk is Risk.READ for tool in (ASK, LIST, READ))


@pytest.mark.parametrize("wrong", ["", "abc", "https://evil.example/@a/video/1", "1/../2"])
def test_what_is_no_post_is_refused(wrong: str) -> None:
    assert "no post" in refusal(TikTokRead, post=wrong)
    assert "no publish id" in refusal(TikTokStatus, publish_id=f"{wrong} {wrong}")
