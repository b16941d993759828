"""Posting on X for real: what is sent, what each answer means, never twice."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.core.canonical import Json
from bot.core.effect import EffectState
from bot.core.errors import (
    BotError,
    Invalid,
    VendorError,
    VendorUnknown,
)
from bot.oauth.accounts import ScopeMissing
from tests.fakes.x_server import XServer
from tests.tools.social.desk import PNG, Desk, desk_at
from tools.social.x import TOOLS

TOOL = TOOLS[0]
CREATE, LISTED = "POST /2/tweets", "GET /2/users/{id}/tweets"
TEXT: dict[str, Json] = {"text": "Tom & Ann: open on Sunday <3", "link": "https://example.org/a/"}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk_at(tmp_path, XServer(), TOOL) as made:
        yield made


async def test_a_post_stands_on_x_and_its_address_is_told(desk: Desk) -> None:
    done = await desk.perform(TEXT)
    (post,) = desk.server.posts
    assert post.text == "Tom & Ann: open on Sunday <3\nhttps://example.org/a/"
    assert done.state is EffectState.SENT
    assert (done.vendor_ref, done.url) == (post.id, f"https://x.com/ann/status/{post.id}")
    assert desk.server.asked == [(CREATE, {"text": post.text})]


async def test_what_others_and_earlier_days_said_is_not_our_post(desk: Desk) -> None:
    assert await desk.find(TEXT) is None
    old = desk.server.post("Hello", desk.accounts.clock.now())
    desk.accounts.clock.advance(hours=1)
    desk.kept = {"since": desk.accounts.clock.now().isoformat()}
    assert await desk.find({"text": "Hello"}) is None
    desk.server.post("Hello there")
    assert await desk.find({"text": "Hello"}) is None
    new = desk.server.post("Hello")
    found = await desk.find({"text": "Hello"})
    assert found and found.vendor_ref == new.id != old.id


async def test_all_pages_are_looked_through_or_nothing_is_said(desk: Desk) -> None:
    desk.server.page = 2
    desk.server.post("Hello")
    for n in range(6):
        desk.server.post(f"Another {n}")
    found = await desk.find({"text": "Hello"})
    assert found and desk.server.calls_of(LISTED) == 4
    for n in range(6, 12):
        desk.server.post(f"Another {n}")
    with pytest.raises(VendorUnknown, match="more new posts"):
        await desk.find({"text": "Hello"})


async def test_a_second_try_that_is_refused_as_a_duplicate_finds_the_first(desk: Desk) -> None:
    desk.server.fail(CREATE, "lost")
    with pytest.raises(VendorUnknown):
        await desk.perform(TEXT)
    done = await desk.perform(TEXT)
    assert (done.state, done.vendor_ref) == (EffectState.SENT, desk.server.posts[0].id)
    assert len(desk.server.posts) == 1


async def test_a_duplicate_that_is_not_seen_is_asked_about_and_not_sent_again(desk: Desk) -> None:
    desk.server.hidden.add(desk.server.post("Hello").id)
    with pytest.raises(VendorUnknown, match="posted already"):
        await desk.perform({"text": "Hello"})
    with pytest.raises(VendorUnknown, match="posted already"):
        await desk.find({"text": "Hello"})
    assert desk.server.calls_of(CREATE) == 1
    # A person who says "do it again" begins anew: then it is looked up, and tried.
    desk.accounts.clock.advance(seconds=5)
    desk.started = desk.accounts.clock.now()
    assert await desk.find({"text": "Hello"}) is None
    desk.server.hidden.clear()
    assert (await desk.perform({"text": "Hello"})).state is EffectState.SENT


async def test_an_attempt_long_ago_is_still_looked_for(desk: Desk) -> None:
    desk.server.fail(CREATE, "lost")
    with pytest.raises(VendorUnknown):
        await desk.perform(TEXT)
    desk.accounts.clock.advance(hours=1)
    desk.started = desk.accounts.clock.now()
    assert (await desk.find(TEXT)) is not None, "the effect began anew, its first attempt counts"


async def test_an_agent_s_own_account_goes_before_the_workspace_s(desk: Desk) -> None:
    lends = desk.accounts.connections.accounts
    common = await lends.account(desk.accounts.tenant.id, "x", "bri", TOOL.needs)
    await desk.connect(agent="kelly")
    own = await lends.account(desk.accounts.tenant.id, "x", "kelly", TOOL.needs)
    assert common and own and common[0] != own[0] and own == (desk.connection, "@ann")
    assert await lends.account(desk.accounts.olga.tenant, "x", "kelly", TOOL.needs) is None


async def test_let_go_of_between_the_yes_and_the_post_nothing_is_sent(desk: Desk) -> None:
    await desk.accounts.connections.end(desk.accounts.owner, desk.connection)
    with pytest.raises(Invalid, match="not connected"):
        await desk.perform(TEXT)
    assert desk.server.asked == []


PICTURE: dict[str, Json] = {
    "text": "Fresh",
    "media": [{"url": "https://example.org/a.png", "alt": "A loaf"}],
}


async def test_a_picture_goes_with_its_description(desk: Desk) -> None:
    desk.web.put(a_png=PNG)
    await desk.perform(PICTURE)
    (post,) = desk.server.posts
    assert desk.server.media[post.media[0]] == {"bytes": PNG, "alt": "A loaf"}
    found = await desk.find(PICTURE)
    assert found and found.vendor_ref == post.id


async def test_a_picture_is_uploaded_once_however_often_the_post_is_tried(desk: Desk) -> None:
    desk.web.put(a_png=PNG)
    desk.server.fail(CREATE, "error")
    with pytest.raises(VendorUnknown):
        await desk.perform(PICTURE)
    await desk.perform(PICTURE)
    assert desk.server.calls_of("POST /2/media/upload") == 1
    assert len(desk.server.media) == len(desk.server.posts) == 1


@pytest.mark.parametrize("how", ["error", "lost", "truncated", "limited", "forbidden"])
async def test_a_picture_that_does_not_arrive_makes_no_post(desk: Desk, how: str) -> None:
    desk.web.put(a_png=PNG)
    desk.server.fail("POST /2/media/upload", how)
    with pytest.raises(VendorError):
        await desk.perform(PICTURE)
    assert desk.server.posts == []


@pytest.mark.parametrize(
    ("there", "said"), [({"a_png": b"<html>"}, "takes JPEG"), ({}, "answers 404")]
)
async def test_what_is_no_picture_is_refused(
    desk: Desk, there: dict[str, bytes], said: str
) -> None:
    desk.web.put(**there)
    with pytest.raises(Invalid, match=said):
        await desk.perform(PICTURE)
    assert desk.server.asked == []


async def test_pictures_that_cannot_go_are_refused_before_anybody_is_asked(desk: Desk) -> None:
    assert TOOL.complete
    args = TOOL.arguments.model_validate
    plain: dict[str, Json] = {"text": "a", "media": [{"url": "http://example.org/a.png"}]}
    for wrong in (plain, {"text": "a", "media": [{"url": "fil_" + "0" * 26}]}):
        with pytest.raises(BotError, match=r"https|no files"):
            await TOOL.complete(desk.context(), args(wrong))
        with pytest.raises(BotError, match=r"https|no files"):
            await desk.perform(wrong)
    assert await TOOL.complete(replace(desk.context(), connection=""), args(plain)) == args(plain)
    desk.server.faults.scopes = ["tweet.read", "tweet.write", "users.read", "offline.access"]
    await desk.connect()
    with pytest.raises(ScopeMissing, match=r"media\.write"):
        await TOOL.complete(desk.context(), args(PICTURE))


async def test_four_pictures_go_in_order_and_a_fifth_is_refused(desk: Desk) -> None:
    pictures = [PNG + str(n).encode() for n in range(4)]
    desk.web.put(**{f"{n}_png": data for n, data in enumerate(pictures)})
    four: dict[str, Json] = {
        "text": "Fresh",
        "media": [{"url": f"https://example.org/{n}.png"} for n in range(4)],
    }
    await desk.perform(four)
    (post,) = desk.server.posts
    assert [desk.server.media[id_]["bytes"] for id_ in post.media] == pictures
    with pytest.raises(ValueError, match="4 pictures"):
        TOOL.arguments.model_validate({**four, "media": [{"url": "https://a.org/1.png"}] * 5})


async def test_pictures_go_on_where_they_broke_off(desk: Desk) -> None:
    two: dict[str, Json] = {
        "text": "Fresh",
        "media": [{"url": "https://example.org/1.png"}, {"url": "https://example.org/2.png"}],
    }
    desk.web.put(**{"1_png": PNG})
    with pytest.raises(Invalid, match="answers 404"):
        await desk.perform(two)
    desk.web.put(**{"2_png": PNG + b"2"})
    await desk.perform(two)
    (post,) = desk.server.posts
    assert [desk.server.media[id_]["bytes"] for id_ in post.media] == [PNG, PNG + b"2"]
