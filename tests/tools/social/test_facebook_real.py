"""Posting on a Page for real: with the Page's own token, looked up after a lost answer, never twice."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.canonical import Json
from bot.core.effect import EffectState
from bot.core.errors import (
    Conflict,
    ConnectionBroken,
    Invalid,
    VendorError,
    VendorUnknown,
)
from bot.files.files import NewFile
from bot.files.library import Library
from bot.reach import Reach
from tests.fakes.facebook_server import FacebookServer
from tests.fakes.files import local_files
from tests.fakes.oauth_server import OAuthServer
from tests.tools.kit import ANA, lines, refusal
from tests.tools.social.desk import Desk, desk_at
from tools.social import _facebook_media
from tools.social.facebook import TOOLS, FacebookPost

TOOL, PAGES_OF, LIST, READ, DELETE = TOOLS
FEED, PHOTOS, FILMS = "POST /{page}/feed", "POST /{page}/photos", "POST /{page}/videos"
PAGES, LISTED = "GET /me/accounts", "GET /{page}/posts"
GET, TAKE = "GET /{post}", "DELETE /{post}"
JPEG, FILM = b"\xff\xd8\xff\xe0" + b"0" * 40, b"\0\0\0\x18ftypisom" + b"0" * 40
ONE, TWO, REEL = (f"https://example.org/{name}" for name in ("one.jpg", "two.jpg", "reel.mp4"))
POST: dict[str, Json] = {
    "text": "Our spring menu",
    "link": "https://example.org/menu",
    "page": "corner bakery",
}
PICTURES: dict[str, Json] = {
    "text": "Fresh",
    "link": "https://example.org/a",
    "media": [{"url": ONE, "alt": "A loaf"}, {"url": TWO}],
    "page": "Corner Bakery",
}
FOLDING: dict[str, Json] = {
    "text": "Folding",
    "media": [{"url": REEL}],
    "page": "Corner Bakery",
}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for seconds; that it is asked again and again is counted instead."""
    monkeypatch.setattr(_facebook_media, "PAUSE_S", 0.0)


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    there = {"one_jpg": JPEG, "two_jpg": JPEG + b"2", "reel_mp4": FILM}
    async with desk_at(tmp_path, FacebookServer(), TOOL, **there) as made:
        yield made


async def test_a_post_stands_on_the_page_that_was_named(desk: Desk) -> None:
    full = await desk.complete(POST)
    assert (full["page"], full["page_id"]) == ("Corner Bakery", desk.server.pages[0].id)
    done = await desk.perform(full)
    (post,) = desk.server.pages[0].posts
    assert (post.message, post.link) == ("Our spring menu", "https://example.org/menu")
    assert (done.state, done.vendor_ref) == (EffectState.SENT, post.id)
    assert done.url.startswith("https://www.facebook.com/") and desk.server.pages[1].posts == []


async def test_of_several_pages_one_must_be_named_and_one_alone_is_meant(desk: Desk) -> None:
    with pytest.raises(Invalid, match="on which Page.*Corner Bakery .101.*, Ann's Garden"):
        await desk.complete({"text": "Hello"})
    with pytest.raises(Invalid, match="no Page Nobody's.*Its Pages: Corner Bakery"):
        await desk.complete({"text": "Hello", "page": "Nobody's"})
    full = await desk.complete({"text": "Hello", "page": desk.server.pages[1].id})
    assert full["page"] == "Ann's Garden"
    desk.server.pages[1].tasks = ["ANALYZE"]
    with pytest.raises(Invalid, match="may not publish on the Page Ann's Garden"):
        await desk.complete({"text": "Hello", "page": "Ann's Garden"})
    del desk.server.pages[1]
    assert (await desk.complete({"text": "Hello"}))["page"] == "Corner Bakery"
    assert TOOL.preview
    card = TOOL.preview(FacebookPost.model_validate(full))
    assert lines(card)["Page"] == "Ann's Garden"


async def test_pages_are_told_with_what_may_be_done_on_them(desk: Desk) -> None:
    desk.server.pages[1].tasks = ["ANALYZE"]
    told = str((await desk.perform({}, PAGES_OF)).data)
    assert "Corner Bakery (may publish)" in told and "link: https://www.facebook.com/101" in told
    assert "Ann's Garden (may not publish)" in told and "canary" not in told
    assert PAGES_OF.outside


async def test_equal_names_are_told_apart_and_an_edited_name_is_believed(desk: Desk) -> None:
    desk.server.pages[1].name, id_ = "corner bakery", desk.server.pages[1].id
    full = await desk.complete({"text": "Hello", "page": id_})
    assert TOOL.preview
    card = TOOL.preview(FacebookPost.model_validate(full))
    assert lines(card)["Page"] == f"corner bakery ({id_})" in card.recipients[0]
    await desk.perform({**full, "page_id": ""})  # what the card says is enough
    desk.server.pages[1].posts.clear()
    await desk.perform({**full, "page": "Corner Bakery"})  # as cards were before
    assert [post.message for post in desk.server.pages[1].posts] == ["Hello"]
    third = desk.server.add_page("Third")
    await desk.perform({**full, "page": "Third"})
    assert [post.message for post in third.posts] == ["Hello"]
    with pytest.raises(Invalid, match="no Page Renamed"):
        await desk.perform({**full, "page": "Renamed"})


async def test_pages_are_found_on_later_parts_of_the_list(desk: Desk) -> None:
    desk.server.page_size = 1
    assert (await desk.complete({"text": "a", "page": "Ann's Garden"}))["page_id"]
    for n in range(9):
        desk.server.add_page(f"More {n}")
    with pytest.raises(VendorUnknown, match="more than is looked through"):
        await desk.complete({"text": "a", "page": "Ann's Garden"})


async def test_pictures_go_as_bytes_with_their_descriptions(desk: Desk) -> None:
    await desk.perform(await desk.complete(PICTURES))
    (post,) = desk.server.posts
    assert post.message == "Fresh\nhttps://example.org/a" and not post.link
    sent = [desk.server.media[id_] for id_ in post.media]
    assert [each.data for each in sent] == [JPEG, JPEG + b"2"]
    assert [each.given.get("alt_text_custom") for each in sent] == ["A loaf", None]


async def test_a_kept_file_needs_no_address_of_the_house(desk: Desk, tmp_path: Path) -> None:
    accounts = desk.accounts
    files = local_files(accounts.db, accounts.clock, tmp_path / "files")

    async def pieces() -> AsyncIterator[bytes]:
        yield JPEG

    new = NewFile(tenant=accounts.tenant.id, person=ANA, name="a.jpg", media_type="image/jpeg")
    kept = await files.keep(new, pieces())
    desk.settings = Reach(accounts=accounts.connections.accounts, library=Library(files))
    full = await desk.complete({**PICTURES, "media": [{"url": kept.id, "alt": "A loaf"}]})
    await desk.perform(full)
    assert [m.data for m in desk.server.media.values()] == [JPEG]


async def test_pictures_go_on_where_they_broke_off_and_stand_in_one_post(desk: Desk) -> None:
    full = await desk.complete(PICTURES)
    desk.server.fail(FEED, "error")
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    assert await desk.find(full) is None
    await desk.perform(full)
    assert desk.server.calls_of(PHOTOS) == 2 and len(desk.server.posts) == 1


async def test_a_film_stands_there_once_it_is_ready(desk: Desk) -> None:
    desk.server.polls = 2
    done = await desk.perform(await desk.complete(FOLDING))
    (film,) = desk.server.media.values()
    assert film.data == FILM and film.given["description"] == "Folding"
    assert (done.vendor_ref, done.url) == (film.id, f"https://www.facebook.com/{film.id}")
    assert not done.data
    desk.server.polls = 99
    done = await desk.perform(await desk.complete({**FOLDING, "text": "b"}))
    assert done.state is EffectState.SENT and "works on the film still" in str(done.data)


async def test_a_film_whose_answer_is_lost_is_found_or_asked_about_but_not_sent_again(
    desk: Desk,
) -> None:
    full = await desk.complete(FOLDING)
    desk.server.fail(FILMS, "lost")
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    desk.server.hidden.add(desk.server.posts[0].id)
    with pytest.raises(VendorUnknown, match="only once Facebook has worked"):
        await desk.find(full)
    desk.server.hidden.clear()
    assert await desk.find(full) and desk.server.calls_of(FILMS) == 1


async def test_a_post_without_words_is_not_guessed(desk: Desk) -> None:
    full = await desk.complete({**PICTURES, "text": "", "link": None})
    desk.server.fail(FEED, "lost")
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    with pytest.raises(VendorUnknown, match="without words"):
        await desk.find(full)
    with pytest.raises(VendorUnknown, match="posted already"):
        await desk.perform(full)  # the same photos stand in a post
    assert len(desk.server.posts) == 1


async def test_a_repetition_that_is_not_seen_is_asked_about_and_not_sent_again(desk: Desk) -> None:
    desk.server.hidden.add(desk.server.post("Hello").id)
    full = await desk.complete({"text": "Hello", "page": "Corner Bakery"})
    for _ in range(2):
        with pytest.raises(VendorUnknown, match="posted already"):
            await desk.perform(full)
        with pytest.raises(VendorUnknown, match="posted already"):
            await desk.find(full)
    desk.accounts.clock.advance(seconds=5)
    desk.started = desk.accounts.clock.now()  # a person says: do it again
    assert await desk.find(full) is None


async def test_what_others_and_earlier_days_said_is_not_our_post(desk: Desk) -> None:
    full = await desk.complete({"text": "Hello", "page": "Corner Bakery"})
    desk.server.post("Hello")
    desk.server.post("Hello", page=1)
    desk.accounts.clock.advance(hours=1)
    desk.kept = {"since": desk.accounts.clock.now().isoformat()}
    assert await desk.find(full) is None
    desk.server.page_size = 2
    new = desk.server.post("Hello")
    for n in range(5):
        desk.server.post(f"Another {n}")
    found = await desk.find(full)
    assert found and found.vendor_ref == new.id
    for n in range(6):
        desk.server.post(f"More {n}")
    with pytest.raises(VendorUnknown, match="more than is looked through"):
        await desk.find(full)


@pytest.mark.parametrize("how", ["error", "cut", "truncated", "redirect", "limited", "dead"])
async def test_a_list_of_pages_that_fails_says_nothing_of_a_post(desk: Desk, how: str) -> None:
    desk.server.elsewhere = "https://elsewhere.example/"
    full = await desk.complete(POST)
    desk.server.fail(PAGES, how)
    with pytest.raises((VendorError, ConnectionBroken)):
        await desk.find(full)


async def test_what_is_no_picture_and_what_is_too_much_is_refused_before(desk: Desk) -> None:
    desk.web.put(one_jpg=b"GIF89a" + b"0" * 40)
    with pytest.raises(Invalid, match="Facebook takes JPEG, PNG"):
        await desk.complete(PICTURES)
    with pytest.raises(Invalid, match="film stands alone"):
        await desk.complete({**PICTURES, "media": [{"url": TWO}, {"url": REEL}]})
    assert "takes 10" in refusal(FacebookPost, text="a", media=[{"url": ONE}] * 11)


async def test_a_redirect_takes_no_token_anywhere_and_a_page_s_is_kept_nowhere(desk: Desk) -> None:
    full = await desk.complete(PICTURES)
    async with OAuthServer("facebook") as thief:
        desk.server.elsewhere = f"{thief.base}/v23.0/me"
        for operation in (PAGES, PHOTOS, FEED):
            desk.server.fail(operation, "redirect")
            with pytest.raises(VendorError):
                await desk.perform(full)
        assert thief.seen == []
    assert "canary" not in str(desk.kept) + str(full)
    assert any("canary-page" in secret for secret in desk.accounts.masked)


async def test_posts_are_listed_read_with_their_numbers_and_deleted_once(desk: Desk) -> None:
    with pytest.raises(Invalid, match="on which Page"):
        await desk.perform({}, LIST)
    assert (await desk.perform({"page": "Ann's Garden"}, LIST)).data == "There is no post yet."
    desk.server.post("Old")
    new = desk.server.post("New")
    new.likes = 4
    listed = str((await desk.perform({"page": "Corner Bakery", "count": 1}, LIST)).data)
    assert listed.startswith(new.id) and listed.endswith(": New")
    read = str((await desk.perform({"post": new.id}, READ)).data)
    assert "4 reactions, 0 comments" in read and read.endswith(": New")
    full = await desk.complete({"post": new.id, "text": "made up"}, DELETE)
    assert full["text"] == "New"
    with pytest.raises(Conflict, match="something else"):
        await desk.perform({**full, "text": "Other"}, DELETE)
    desk.server.fail(TAKE, "lost")
    with pytest.raises(VendorUnknown):
        await desk.perform(full, DELETE)
    assert await desk.find(full, DELETE)
    assert "not on Facebook any more" in str((await desk.perform(full, DELETE)).data)
    assert [post.message for post in desk.server.posts] == ["Old"]
    assert desk.server.calls_of(TAKE) == 1
