"""An account's own posts: listed, read back, and deleted once, the one that was shown."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.canonical import Json
from bot.core.effect import EffectState
from bot.core.errors import Conflict, Invalid, VendorError, VendorUnknown
from bot.core.tool import Risk
from tests.fakes.x_server import XServer
from tests.tools.kit import refusal
from tests.tools.social.desk import Desk, desk_at
from tools.social._x_own import TOOLS, XDelete, preview

LIST, READ, DELETE = TOOLS
GET, TAKE = "GET /2/tweets/{id}", "DELETE /2/tweets/{id}"


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with desk_at(tmp_path, XServer(), DELETE) as made:
        yield made


async def test_the_newest_posts_are_listed_as_readers_see_them(desk: Desk) -> None:
    assert (await desk.perform({}, LIST)).data == "There is no post yet."
    for text in ("One", "Two & <3", "See https://example.org/a"):
        desk.server.post(text)
    told = str((await desk.perform({"count": 2}, LIST)).data).splitlines()
    assert [line.split("): ", 1)[1] for line in told] == ["See https://example.org/a", "Two & <3"]
    assert LIST.outside and LIST.risk is Risk.READ


@pytest.mark.parametrize("says_200", ["", "resource-not-found"])
async def test_one_post_is_read_back_or_said_to_be_gone(desk: Desk, says_200: str) -> None:
    desk.server.says_200 = says_200
    post = desk.server.post("Hello https://example.org/")
    address = f"https://x.com/ann/status/{post.id}"
    told = str((await desk.perform({"post": address}, READ)).data)
    assert told.startswith(address) and told.endswith("Hello https://example.org/")
    assert "not on X any more" in str((await desk.perform({"post": "17"}, READ)).data)


async def test_a_post_that_x_does_not_show_is_not_taken_for_gone(desk: Desk) -> None:
    full = await desk.complete({"post": desk.server.post("Hello").id})
    desk.server.posts.clear()
    desk.server.says_200 = "not-authorized-for-resource"
    with pytest.raises(VendorUnknown):
        await desk.find(full, DELETE)


@pytest.mark.parametrize(
    "post", ["", "abc", "1" * 20, "https://evil.example/a/status/1", "https://x.com/a", "1/../2"]
)
def test_what_is_no_post_is_refused(post: str) -> None:
    assert "no post" in refusal(XDelete, post=post)


async def test_what_is_deleted_stands_on_the_card_and_nothing_else_goes(desk: Desk) -> None:
    kept, post = desk.server.post("Keep me"), desk.server.post("Hello & bye")
    full = await desk.complete({"post": post.id})
    card = preview(XDelete.model_validate(full))
    assert card.body == "Hello & bye" and "brought back" in card.warnings[0]
    done = await desk.perform(full, DELETE)
    assert (done.state, desk.server.posts) == (EffectState.SENT, [kept])


async def test_deleting_twice_is_deleting_once(desk: Desk) -> None:
    full = await desk.complete({"post": desk.server.post("Hello").id})
    await desk.perform(full, DELETE)
    again = await desk.perform(full, DELETE)
    assert again.state is EffectState.SENT and "not on X any more" in str(again.data)
    assert desk.server.calls_of(TAKE) == 1


async def test_a_post_that_was_not_the_one_shown_stays(desk: Desk) -> None:
    full = await desk.complete({"post": desk.server.post("Hello").id})
    other = desk.server.post("Precious")
    with pytest.raises(Conflict, match="something else"):
        await desk.perform({**full, "post": other.id}, DELETE)
    assert len(desk.server.posts) == 2


async def test_another_s_post_is_not_even_asked_about(desk: Desk) -> None:
    post = desk.server.post("Theirs")
    post.author = "99"
    with pytest.raises(Invalid, match="somebody else's"):
        await desk.complete({"post": post.id})


@pytest.mark.parametrize("how", ["lost", "error_after", "truncated"])
async def test_a_deletion_whose_answer_is_missing_is_looked_up(desk: Desk, how: str) -> None:
    full = await desk.complete({"post": desk.server.post("Hello").id})
    desk.server.fail(TAKE, how)
    with pytest.raises(VendorUnknown):
        await desk.perform(full, DELETE)
    found = await desk.find(full, DELETE)
    assert found and found.state is EffectState.SENT and desk.server.posts == []


@pytest.mark.parametrize("how", ["error", "cut"])
async def test_a_deletion_that_never_was_is_surely_not_done(desk: Desk, how: str) -> None:
    full = await desk.complete({"post": desk.server.post("Hello").id})
    desk.server.fail(TAKE, how)
    with pytest.raises(VendorUnknown):
        await desk.perform(full, DELETE)
    assert await desk.find(full, DELETE) is None
    for wrong in ("error", "limited", "truncated"):
        desk.server.fail(GET, wrong)
        with pytest.raises(VendorError):
            await desk.find(full, DELETE)


async def test_without_an_account_they_say_where_to_connect_one(desk: Desk) -> None:
    await desk.accounts.connections.end(desk.accounts.owner, desk.connection)
    desk.connection = ""
    wanted: list[dict[str, Json]] = [{}, {"post": "1"}, {"post": "1", "text": "a"}]
    for tool, arguments in zip(TOOLS, wanted, strict=True):
        with pytest.raises(Invalid, match=r"/admin/connections\S*#x"):
            await desk.perform(arguments, tool)
    with pytest.raises(Invalid, match=r"/admin/connections\S*#x"):
        await desk.complete({"post": "1"})
