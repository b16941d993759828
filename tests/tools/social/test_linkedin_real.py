"""Posting on LinkedIn for real: as whom, with what, and what of it can be looked up."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.core.effect import EffectState
from bot.core.errors import (
    Conflict,
    Invalid,
    OperatorError,
    VendorError,
    VendorRefused,
    VendorUnknown,
)
from bot.core.tool import Risk
from bot.oauth.providers.linkedin import PROVIDER
from tests.fakes.linkedin_server import PART, UPLOADS, LinkedInServer
from tests.tools.kit import lines, refusal
from tests.tools.social.desk import FILM, JPEG, PNG, Desk, desk_at
from tools.social import _waiting
from tools.social._linkedin_own import LinkedInRead
from tools.social._linkedin_posts import little, seen
from tools.social.linkedin import TOOLS, LinkedInPost, preview

TOOL, LIST, READ, DELETE, _ = TOOLS
CREATE, LISTED = "POST /rest/posts", "GET /rest/posts"
SCOPES = "openid profile email w_member_social w_organization_social r_organization_social"
MINE: dict[str, Any] = {"text": "We are hiring"}
PAGE: dict[str, Any] = {"text": "We are hiring", "page": "Rye"}


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(_waiting, "PAUSES_S", (0.0, 0.0))  # a real wait would be for nothing here
    server = LinkedInServer()
    server.organisations["7"] = ("Rye", "ADMINISTRATOR")
    server.organisations["8"] = ("Oats", "CONTENT_ADMINISTRATOR")
    server.organisations["9"] = ("Spelt", "ANALYST")
    there = {"a_png": PNG, "b_jpg": JPEG, "a_mp4": FILM}
    async with desk_at(tmp_path, server, TOOL, UPLOADS, granted=SCOPES, **there) as made:
        yield made


def medium(name: str, alt: str = "") -> dict[str, str]:
    return {"url": f"https://example.org/{name}", "alt": alt}


async def test_a_person_posts_as_themselves_and_a_page_as_itself(desk: Desk) -> None:
    done = await desk.perform(await desk.complete(MINE))
    (post,) = desk.server.posts
    assert (post.author, post.text) == (desk.server.me, "We are hiring")
    assert done.url == f"https://www.linkedin.com/feed/update/{post.urn}"
    desk.kept = {}
    await desk.perform(await desk.complete({**PAGE, "page": "oats"}))
    assert desk.server.posts[1].author == "urn:li:organization:8"


async def test_the_page_is_named_before_anybody_is_asked(desk: Desk) -> None:
    full = await desk.complete({**PAGE, "page": "rye"})
    assert lines(preview(LinkedInPost.model_validate(full)))["Speaks for"] == "Rye"
    for unknown in ("Wheat", "Spelt"):  # of Spelt the account may see numbers only
        with pytest.raises(Invalid, match=r"no page .* There are: Rye, Oats"):
            await desk.complete({**PAGE, "page": unknown})
    desk.server.organisations["10"] = ("Rye", "ADMINISTRATOR")
    with pytest.raises(Invalid, match="several pages called 'Rye'; give its id: urn:li:org"):
        await desk.complete(PAGE)
    full = await desk.complete({**PAGE, "page": "urn:li:organization:10"})
    shown = lines(preview(LinkedInPost.model_validate(full)))["Speaks for"]
    assert shown == "Rye (urn:li:organization:10)", "two of one name look alike"
    await desk.perform({**full, "picked": None})  # what the card says is enough
    assert desk.server.posts[0].author == "urn:li:organization:10"


async def test_a_page_that_is_edited_on_the_card_is_the_one_that_posts(desk: Desk) -> None:
    full = await desk.complete(PAGE)
    await desk.perform({**full, "page": "Oats"})
    assert desk.server.posts[0].author == "urn:li:organization:8"
    with pytest.raises(Invalid, match="no page"):
        await desk.perform({**full, "page": "Wheat"})


async def test_a_model_cannot_slip_another_page_under_the_name(desk: Desk) -> None:
    forged = {"id": "urn:li:organization:8", "name": "Rye"}
    full = await desk.complete({**PAGE, "picked": forged})
    await desk.perform(full)
    assert desk.server.posts[0].author == "urn:li:organization:7"


@pytest.mark.parametrize(
    "text",
    [
        "Rye (fresh) [today] {here} <now> @ann a|b *c* d_e ~f \\ #1 C# a#b https://a.org/#top",
        "#bread and #sour_dough, #2026rye! #ÄÖÜ",
        "Two\n\nparagraphs 🥖",
    ],
)
async def test_readers_see_every_sign_that_was_written(desk: Desk, text: str) -> None:
    await desk.perform(await desk.complete({**PAGE, "text": text}))
    (post,) = desk.server.posts
    assert post.text == text == seen(post.shown())
    found = await desk.find(await desk.complete({**PAGE, "text": text}))
    assert found and found.vendor_ref == post.urn


def test_hashtags_are_hashtags_and_other_hashes_are_signs() -> None:
    assert little("#rye #1 C# a#b") == "{hashtag|\\#|rye} \\#1 C\\# a\\#b"
    assert little("#sour_dough") == "{hashtag|\\#|sour\\_dough}"


async def test_a_link_is_a_preview_and_its_page_is_not_asked(desk: Desk) -> None:
    jobs = {"link": "https://example.org/jobs", "link_title": "Baker wanted"}
    full = await desk.complete({**MINE, **jobs})
    card = preview(LinkedInPost.model_validate(full))
    assert lines(card)["Preview"] == "Baker wanted" and card.body == "We are hiring"
    await desk.perform(full)
    article = {"source": "https://example.org/jobs", "title": "Baker wanted"}
    assert desk.server.posts[0].content == {"article": article}
    desk.kept = {}
    await desk.perform(await desk.complete({"text": "b", "link": "https://example.org/jobs"}))
    article = {"source": "https://example.org/jobs", "title": "example.org/jobs"}
    assert desk.server.posts[1].content == {"article": article}
    assert desk.web.asked == [], "strangers' words do not come in by a preview"
    assert "at most 400" in refusal(LinkedInPost, **MINE, **{**jobs, "link_title": "a" * 401})


async def test_beside_a_picture_the_link_stands_in_the_text(desk: Desk) -> None:
    both = {**MINE, "link": "https://example.org/jobs", "media": [medium("a.png", "A loaf")]}
    full = await desk.complete(both)
    card = preview(LinkedInPost.model_validate(full))
    assert card.body == "We are hiring\nhttps://example.org/jobs"
    assert "not both" in card.warnings[0] and "PNG" in lines(card)["Medium 1"]
    await desk.perform(full)
    (post,) = desk.server.posts
    (urn,) = desk.server.media
    assert post.text == card.body
    assert post.content == {"media": {"id": urn, "altText": "A loaf"}}
    assert desk.server.media[urn].bytes == PNG


async def test_several_pictures_go_in_order_and_belong_to_the_page(desk: Desk) -> None:
    two = {**PAGE, "media": [medium("a.png", "A loaf"), medium("b.jpg")]}
    await desk.perform(await desk.complete(two))
    first, second = desk.server.media.values()
    assert [first.bytes, second.bytes] == [PNG, JPEG]
    assert {first.owner, second.owner} == {"urn:li:organization:7"}
    images = [{"id": first.urn, "altText": "A loaf"}, {"id": second.urn}]
    assert desk.server.posts[0].content == {"multiImage": {"images": images}}


async def test_a_film_goes_in_parts_as_linkedin_cuts_it(desk: Desk) -> None:
    film = FILM + b"3" * (2 * PART)
    desk.web.put(a_mp4=film)
    await desk.perform(await desk.complete({**MINE, "media": [medium("a.mp4", "Dough")]}))
    (made,) = desk.server.media.values()
    assert made.bytes == film and made.parts and len(made.parts) == 3
    assert desk.server.posts[0].content == {"media": {"id": made.urn, "altText": "Dough"}}


async def test_what_was_handed_over_is_not_handed_over_again(desk: Desk) -> None:
    full = await desk.complete({**PAGE, "media": [medium("a.png"), medium("b.jpg")]})
    desk.server.fail(CREATE, "cut")
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    assert await desk.find(full) is None
    await desk.perform(full)
    assert desk.server.calls_of("PUT /dms-uploads") == len(desk.server.media) == 2
    assert len(desk.server.posts) == 1


@pytest.mark.parametrize("how", ["error", "lost", "limited", "forbidden", "truncated"])
async def test_a_picture_that_does_not_arrive_makes_no_post(desk: Desk, how: str) -> None:
    full = await desk.complete({**PAGE, "media": [medium("a.png")]})
    desk.server.fail("POST /rest/images?action=initializeUpload", how)
    with pytest.raises(VendorError):
        await desk.perform(full)
    assert await desk.find(full) is None, "it never came to the call that posts"
    assert desk.server.posts == [] and desk.server.calls_of(LISTED) == 0


async def test_a_picture_is_ready_before_it_is_posted_or_nothing_is(desk: Desk) -> None:
    full = await desk.complete({**PAGE, "media": [medium("a.png")]})
    desk.server.slow = 2
    await desk.perform(full)
    assert len(desk.server.posts) == 1
    desk.kept, desk.server.slow = {}, 99
    with pytest.raises(VendorRefused, match="still working") as caught:
        await desk.perform(full)
    assert caught.value.retry_after_s == 60
    desk.kept, desk.server.slow, desk.server.broken = {}, 0, "PROCESSING_FAILED"
    with pytest.raises(VendorRefused, match="could not use"):
        await desk.perform(full)
    assert len(desk.server.posts) == 1


async def test_another_picture_than_was_shown_does_not_leave(desk: Desk) -> None:
    full = await desk.complete({**PAGE, "media": [medium("a.png")]})
    desk.web.put(a_png=PNG + b"1")
    with pytest.raises(Conflict, match="something else than was shown"):
        await desk.perform(full)
    assert desk.server.media == {} and desk.server.posts == []


async def test_a_person_s_own_post_cannot_be_seen_so_a_person_is_asked(desk: Desk) -> None:
    desk.server.fail(CREATE, "lost")
    with pytest.raises(VendorUnknown):
        await desk.perform(MINE)
    with pytest.raises(VendorUnknown, match="own posts"):
        await desk.find(MINE)
    assert desk.server.calls_of(LISTED) == 0


async def test_who_looked_and_says_again_is_believed_once(desk: Desk) -> None:
    desk.server.fail(CREATE, "cut", times=2)
    with pytest.raises(VendorUnknown):
        await desk.perform(MINE)
    desk.begin_anew()
    assert await desk.find(MINE) is None
    with pytest.raises(VendorUnknown):
        await desk.perform(MINE)
    with pytest.raises(VendorUnknown):
        await desk.find(MINE)  # nobody has looked since
    desk.begin_anew()
    assert await desk.find(MINE) is None
    await desk.perform(MINE)
    assert len(desk.server.posts) == 1


async def test_a_duplicate_is_the_first_attempt_where_there_was_one(desk: Desk) -> None:
    desk.server.fail(CREATE, "lost")
    with pytest.raises(VendorUnknown):
        await desk.perform(MINE)
    done = await desk.perform(MINE)
    assert (done.state, done.vendor_ref) == (EffectState.SENT, desk.server.posts[0].urn)
    assert len(desk.server.posts) == 1


async def test_a_duplicate_of_somebody_s_own_post_is_a_refusal(desk: Desk) -> None:
    theirs = desk.server.post("We are hiring")
    for _ in range(2):  # a refusal leaves nothing behind that the next attempt could mistake
        with pytest.raises(VendorRefused, match=f"posted already: .*{theirs.urn}"):
            await desk.perform(MINE)
    assert await desk.find(MINE) is None


async def test_what_the_page_said_earlier_or_otherwise_is_not_our_post(desk: Desk) -> None:
    desk.server.post("We are hiring", "urn:li:organization:7")
    desk.accounts.clock.advance(hours=1)
    now = desk.accounts.clock.now().isoformat()
    desk.kept = {"since": now, "tried": now}
    desk.server.post("We are hiring bakers", "urn:li:organization:7")
    desk.server.post("We are hiring", "urn:li:organization:8")
    assert await desk.find(PAGE) is None
    new = desk.server.post("We are hiring", "urn:li:organization:7")
    desk.server.page = 1
    for n in range(2):
        desk.server.post(f"Another {n}", "urn:li:organization:7")
    found = await desk.find(PAGE)
    assert found and found.vendor_ref == new.urn
    for n in range(9):
        desk.server.post(f"More {n}", "urn:li:organization:7")
    with pytest.raises(VendorUnknown, match="more new posts"):
        await desk.find(PAGE)


async def test_a_version_that_is_over_is_the_operator_s_to_mend(desk: Desk) -> None:
    desk.server.sunset = PROVIDER.headers["LinkedIn-Version"]
    with pytest.raises(OperatorError, match="up to date"):
        await desk.perform(MINE)
    assert await desk.find(MINE) is None


async def test_a_page_that_may_not_post_is_told_why(desk: Desk) -> None:
    full = await desk.complete(PAGE)
    desk.server.organisations["7"] = ("Rye", "ANALYST")
    with pytest.raises(VendorRefused, match=r"Not enough permissions.*must manage it"):
        await desk.perform(full)


# --- own posts ------------------------------------------------------------------------------------


async def test_a_page_s_posts_are_listed_and_read_as_readers_see_them(desk: Desk) -> None:
    assert (await desk.perform({"page": "Rye"}, LIST)).data == "There is no post yet."
    for text in ("One", "Two (2)", "Three"):
        desk.server.post(text, "urn:li:organization:7")
    told = str((await desk.perform({"page": "rye", "count": 2}, LIST)).data).splitlines()
    assert [line.split("): ", 1)[1] for line in told] == ["Three", "Two (2)"]
    urn = desk.server.posts[1].urn
    where = f"https://www.linkedin.com/feed/update/{urn}"
    assert str((await desk.perform({"post": where}, READ)).data).endswith("Two (2)")
    gone = await desk.perform({"post": "urn:li:share:1"}, READ)
    assert "not on LinkedIn any more" in str(gone.data)
    with pytest.raises(VendorRefused, match="LinkedIn does not allow this"):
        await desk.perform({"post": desk.server.post("Mine").urn}, READ)
    assert {LIST.risk, READ.risk} == {Risk.READ} and LIST.outside and READ.outside


@pytest.mark.parametrize(
    "post", ["", "7", "urn:li:person:1", "https://evil.example/urn:li:share:1"]
)
def test_what_is_no_post_is_refused(post: str) -> None:
    assert "no post" in refusal(LinkedInRead, post=post)


async def test_a_page_s_post_is_deleted_once_when_it_says_what_was_shown(desk: Desk) -> None:
    kept = desk.server.post("Keep", "urn:li:organization:7")
    post = desk.server.post("Bye (now)", "urn:li:organization:7")
    full = await desk.complete({"post": post.urn, "text": "made up"}, DELETE)
    assert full["text"] == "Bye (now)" and DELETE.preview
    assert DELETE.preview(DELETE.arguments.model_validate(full)).body == "Bye (now)"
    with pytest.raises(Conflict, match="something else"):
        await desk.perform({**full, "post": kept.urn}, DELETE)
    desk.server.fail("DELETE /rest/posts/{urn}", "lost")
    with pytest.raises(VendorUnknown):
        await desk.perform(full, DELETE)
    found = await desk.find(full, DELETE)
    assert found and found.state is EffectState.SENT
    again = await desk.perform(full, DELETE)
    assert again.state is EffectState.SENT and desk.server.posts == [kept]
    assert desk.server.calls_of("DELETE /rest/posts/{urn}") == 1


async def test_a_person_s_post_is_deleted_unread_and_the_card_says_so(desk: Desk) -> None:
    post = desk.server.post("Mine")
    full = await desk.complete({"post": post.urn}, DELETE)
    assert DELETE.preview
    card = DELETE.preview(DELETE.arguments.model_validate(full))
    assert card.body == "" and "does not let me read it" in card.warnings[0]
    desk.server.fail("DELETE /rest/posts/{urn}", "cut")
    with pytest.raises(VendorUnknown):
        await desk.perform(full, DELETE)
    assert await desk.find(full, DELETE) is None, "not to be seen: deleting again does no harm"
    assert (await desk.perform(full, DELETE)).state is EffectState.SENT
    assert desk.server.posts == []
