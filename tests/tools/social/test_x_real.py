"""Posting on X for real: what is sent, what each answer means, never twice."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bot.core.canonical import Json
from bot.core.effect import Effect, EffectState, Outcome
from bot.core.errors import (
    BotError,
    Conflict,
    ConnectionBroken,
    Invalid,
    VendorError,
    VendorRefused,
    VendorUnknown,
)
from bot.core.ports import Page
from bot.core.tool import Tool, ToolContext
from bot.oauth.accounts import ScopeMissing
from bot.reach import Reach
from tests.fakes.oauth_house import OAuthHouse
from tests.fakes.oauth_server import OAuthServer
from tests.fakes.x_server import PNG, XServer
from tests.tools.kit import FakeFetcher, context, effect, house
from tools.social.x import TOOLS

TOOL = TOOLS[0]
CREATE, LISTED = "POST /2/tweets", "GET /2/users/{id}/tweets"
TEXT: dict[str, Json] = {"text": "Tom & Ann: open on Sunday <3", "link": "https://example.org/a/"}


class Desk:
    """An agent's desk with an account on X: one effect, performed and looked up as the house does."""

    def __init__(self, accounts: OAuthHouse, server: XServer) -> None:
        self.accounts, self.server = accounts, server
        self.connection = ""
        self.fetcher = FakeFetcher()
        self.kept: dict[str, Json] = {}
        self.started = accounts.clock.now()
        """When the house began the effect, or began it anew."""

    async def connect(self, **wanted: Any) -> None:
        self.connection = (await self.accounts.connect(**wanted)).id

    def effect(self, tool: Tool = TOOL, arguments: dict[str, Json] = TEXT) -> Effect:
        return effect(tool, arguments, progress=self.kept, started_at=self.started)

    def context(self) -> ToolContext:
        async def save(progress: Any) -> None:
            self.kept = dict(progress)

        return context(
            replace(house(), fetcher=self.fetcher),
            tenant=self.accounts.tenant.id,
            clock=self.accounts.clock,
            settings=Reach(accounts=self.accounts.connections.accounts),
            connection=self.connection,
            progress=self.kept,
            save=save,
        )

    async def perform(self, arguments: dict[str, Json] = TEXT, tool: Tool = TOOL) -> Outcome:
        return await tool.perform(self.context(), tool.arguments.model_validate(arguments))

    async def find(self, arguments: dict[str, Json] = TEXT, tool: Tool = TOOL) -> Outcome | None:
        assert tool.find
        return await tool.find(self.context(), self.effect(tool, arguments))


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with XServer() as server, OAuthHouse(tmp_path, server) as accounts:
        server.now = accounts.clock.now
        made = Desk(accounts, server)
        await made.connect()
        yield made
        assert server.mistakes == []


async def test_a_post_stands_on_x_and_its_address_is_told(desk: Desk) -> None:
    done = await desk.perform()
    (post,) = desk.server.posts
    assert post.text == "Tom & Ann: open on Sunday <3\nhttps://example.org/a/"
    assert done.state is EffectState.SENT
    assert (done.vendor_ref, done.url) == (post.id, f"https://x.com/ann/status/{post.id}")
    assert desk.server.asked == [(CREATE, {"text": post.text})]


@pytest.mark.parametrize("how", ["error_after", "lost", "truncated"])
async def test_a_post_whose_answer_is_missing_is_found_and_not_made_twice(
    desk: Desk, how: str
) -> None:
    desk.server.fail(CREATE, how)
    with pytest.raises(VendorUnknown):
        await desk.perform()
    found = await desk.find()
    assert found and found.state is EffectState.SENT
    assert found.vendor_ref == desk.server.posts[0].id
    assert desk.server.calls_of(CREATE) == len(desk.server.posts) == 1


@pytest.mark.parametrize("how", ["error", "cut", "redirect"])
async def test_a_post_that_never_was_is_surely_not_there_and_made_once(
    desk: Desk, how: str
) -> None:
    desk.server.elsewhere = "https://elsewhere.example/2/tweets"
    desk.server.fail(CREATE, how)
    with pytest.raises(VendorUnknown):
        await desk.perform()
    assert await desk.find() is None
    assert (await desk.perform()).state is EffectState.SENT
    assert len(desk.server.posts) == 1


async def test_a_post_that_takes_too_long_is_found(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = desk.accounts.around.fetcher.fetch

    async def hasty(url: str, **told: Any) -> Page:
        return await real(url, **{**told, "timeout_s": 0.3})

    monkeypatch.setattr(desk.accounts.around.fetcher, "fetch", hasty)  # 15 s would be too long here
    desk.server.fail(CREATE, "late")
    with pytest.raises(VendorUnknown, match="did not answer"):
        await desk.perform()
    found = await desk.find()
    assert found and len(desk.server.posts) == 1


@pytest.mark.parametrize(
    "how", ["error", "cut", "truncated", "redirect", "limited", "forbidden", "error_after"]
)
async def test_a_look_up_that_fails_says_nothing(desk: Desk, how: str) -> None:
    desk.server.elsewhere = "https://elsewhere.example/"
    desk.server.fail(LISTED, how)
    with pytest.raises(VendorError):
        await desk.find()


async def test_what_others_and_earlier_days_said_is_not_our_post(desk: Desk) -> None:
    assert await desk.find() is None
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
        await desk.perform()
    done = await desk.perform()
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
        await desk.perform()
    desk.accounts.clock.advance(hours=1)
    desk.started = desk.accounts.clock.now()
    assert (await desk.find()) is not None, "the effect began anew, its first attempt counts"


async def test_a_token_that_is_refused_is_renewed_once(desk: Desk) -> None:
    desk.server.expire()
    assert (await desk.perform()).state is EffectState.SENT
    assert desk.server.calls_of(CREATE) == 1
    desk.server.fail(CREATE, "unauthorized", times=2)
    with pytest.raises(ConnectionBroken, match="again"):
        await desk.perform({"text": "Another"})
    assert desk.server.calls_of(CREATE) == 3 and len(desk.server.posts) == 1


async def test_too_many_waits_until_x_says_and_not_for_hours(desk: Desk) -> None:
    desk.server.fail(CREATE, "limited", times=2)
    with pytest.raises(VendorRefused) as caught:
        await desk.perform()
    assert caught.value.retry_after_s and 29 <= caught.value.retry_after_s <= 30
    desk.server.reset_s = 7200
    with pytest.raises(VendorRefused, match="over an hour") as caught:
        await desk.perform()
    assert caught.value.retry_after_s is None and desk.server.posts == []


async def test_a_refusal_is_told_in_x_s_words(desk: Desk) -> None:
    desk.server.fail(CREATE, "forbidden")
    with pytest.raises(VendorRefused, match="You may not do this"):
        await desk.perform()
    assert desk.server.posts == []


async def test_without_the_scope_nothing_is_sent_and_the_link_mends_it(desk: Desk) -> None:
    desk.server.faults.scopes = ["tweet.read", "users.read", "offline.access"]
    await desk.connect()
    with pytest.raises(
        ScopeMissing, match=r"tweet\.write.*/admin/connections\?scopes=tweet\.write"
    ):
        await desk.perform()
    assert desk.server.asked == []


async def test_another_account_than_the_one_on_the_card_posts_nothing(desk: Desk) -> None:
    asked = desk.connection
    desk.server.account = "17"
    await desk.connect()
    desk.connection = asked
    with pytest.raises(Conflict, match="anew"):
        await desk.perform()
    with pytest.raises(Conflict):
        await desk.find()
    assert desk.server.asked == []


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
        await desk.perform()
    assert desk.server.asked == []


PICTURE: dict[str, Json] = {
    "text": "Fresh",
    "media": [{"url": "https://example.org/bread.png", "alt": "A loaf"}],
}


def _page(body: bytes, status: int = 200) -> Page:
    return Page(url="", status=status, media_type="image/png", body=body)


async def test_a_picture_goes_with_its_description(desk: Desk) -> None:
    desk.fetcher.answers = [_page(PNG)]
    await desk.perform(PICTURE)
    (post,) = desk.server.posts
    assert desk.server.media[post.media[0]] == {"bytes": PNG, "alt": "A loaf"}
    found = await desk.find(PICTURE)
    assert found and found.vendor_ref == post.id


async def test_a_picture_is_uploaded_once_however_often_the_post_is_tried(desk: Desk) -> None:
    desk.fetcher.answers = [_page(PNG)]
    desk.server.fail(CREATE, "error")
    with pytest.raises(VendorUnknown):
        await desk.perform(PICTURE)
    await desk.perform(PICTURE)
    assert desk.server.calls_of("POST /2/media/upload") == 1
    assert len(desk.server.media) == len(desk.server.posts) == 1


@pytest.mark.parametrize("how", ["error", "lost", "truncated", "limited", "forbidden"])
async def test_a_picture_that_does_not_arrive_makes_no_post(desk: Desk, how: str) -> None:
    desk.fetcher.answers = [_page(PNG)]
    desk.server.fail("POST /2/media/upload", how)
    with pytest.raises(VendorError):
        await desk.perform(PICTURE)
    assert desk.server.posts == []


@pytest.mark.parametrize(
    ("page", "said"), [(_page(b"<html>"), "takes JPEG"), (_page(b"", 404), "answers 404")]
)
async def test_what_is_no_picture_is_refused(desk: Desk, page: Page, said: str) -> None:
    desk.fetcher.answers = [page]
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
    desk.fetcher.answers = [_page(data) for data in pictures]
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
    desk.fetcher.answers = [_page(PNG), _page(b"", 500)]
    with pytest.raises(Invalid, match="answers 500"):
        await desk.perform(two)
    desk.fetcher.answers = [_page(PNG + b"2")]
    await desk.perform(two)
    (post,) = desk.server.posts
    assert [desk.server.media[id_]["bytes"] for id_ in post.media] == [PNG, PNG + b"2"]


async def test_a_redirect_takes_the_token_nowhere(desk: Desk) -> None:
    async with OAuthServer("x") as thief:
        desk.server.elsewhere = f"{thief.base}/2/tweets"
        for operation in (CREATE, LISTED):
            desk.server.fail(operation, "redirect")
        with pytest.raises(BotError):
            await desk.perform()
        with pytest.raises(BotError):
            await desk.find()
        assert thief.seen == []
