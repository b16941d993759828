"""The table of faults for deleting: every network that lets a program delete, each answer.

No fault makes anything else go, a refusal leaves the post and says why, and what nobody knows is
looked up before it is done again.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.core.effect import EffectState
from bot.core.errors import BotError, ConnectionBroken, VendorRefused, VendorUnknown
from bot.core.tool import Tool
from bot.oauth import accounts
from tests.fakes.facebook_server import FacebookServer
from tests.fakes.linkedin_server import LinkedInServer
from tests.fakes.pinterest_server import PinterestServer
from tests.fakes.reddit_server import RedditServer
from tests.fakes.threads_server import ThreadsServer
from tests.fakes.tumblr_server import DELETE as TUMBLR_TAKE
from tests.fakes.tumblr_server import TumblrServer
from tests.fakes.x_server import XServer
from tests.tools.social.desk import Desk, desk_at
from tests.tools.social.test_linkedin_real import SCOPES as LINKEDIN
from tools.social import facebook, linkedin, pinterest, reddit, threads, tumblr, x

PAGE = "urn:li:organization:7"


@dataclass(frozen=True)
class Case:
    """One network."""

    server: Callable[[], Any]
    tools: tuple[Tool, ...]
    take: str
    """The call that deletes."""
    put: Callable[[Any, str], str]
    """Have a post stand there; its id."""
    standing: Callable[[Any], int]
    scopes: str = ""
    asked: tuple[str, ...] = ()
    """Scopes to be ticked besides."""

    @property
    def tool(self) -> Tool:
        """The one that deletes."""
        return next(each for each in self.tools if each.name.endswith("_delete"))


def _linkedin() -> LinkedInServer:
    server = LinkedInServer()
    server.organisations["7"] = ("Rye", "ADMINISTRATOR")
    return server


def _pinterest() -> PinterestServer:
    server = PinterestServer()
    server.board("Bread")
    return server


def _plain(server: Any, text: str) -> str:
    return str(server.post(text).id)


def _posts(server: Any) -> int:
    return len(server.posts)


CASES = {
    "x": Case(XServer, x.TOOLS, "DELETE /2/tweets/{id}", _plain, _posts),
    "facebook": Case(FacebookServer, facebook.TOOLS, "DELETE /{post}", _plain, _posts),
    "linkedin": Case(
        _linkedin, linkedin.TOOLS, "DELETE /rest/posts/{urn}",
        lambda server, text: str(server.post(text, PAGE).urn), _posts, LINKEDIN,
    ),
    "pinterest": Case(
        _pinterest, pinterest.TOOLS, "DELETE /pins/{id}",
        lambda server, text: str(server.pin(server.boards[0], title=text).id),
        lambda server: len(server.pins),
    ),
    "reddit": Case(
        RedditServer, reddit.TOOLS, "POST /api/del", _plain, lambda server: len(server.standing)
    ),
    "threads": Case(
        ThreadsServer, threads.TOOLS, "DELETE /{post}", _plain, _posts,
        asked=("threads_delete",),
    ),
    "tumblr": Case(TumblrServer, tumblr.TOOLS, TUMBLR_TAKE, _plain, _posts),
}  # fmt: skip
LASTING = ("facebook", "threads")
"""Whose tokens are prolonged while they last, or last for ever: one that is over is over."""
REFUSED = ("forbidden", "conflict", "large", "unfit")


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
async def desk(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(accounts, "USUAL_S", 0.5)
    async with desk_at(tmp_path, case.server(), case.tool, granted=case.scopes) as made:
        if case.asked:
            await made.connect(scopes=case.asked)
        made.server.elsewhere = "https://elsewhere.example/"
        case.put(made.server, "Keep me")
        yield made
        assert case.standing(made.server) >= 1


async def test_a_refusal_leaves_the_post_and_says_why(desk: Desk, case: Case) -> None:
    post = case.put(desk.server, "Bye")
    full = await desk.complete({"post": post})
    for how in REFUSED:
        desk.server.fail(case.take, how)
        with pytest.raises((VendorRefused, ConnectionBroken)) as caught:
            await desk.perform(full)
        assert caught.value.message and getattr(caught.value, "retry_after_s", None) is None, how
        assert "canary" not in caught.value.message
        assert case.standing(desk.server) == 2 and await desk.find(full) is None
    desk.server.fail(case.take, "limited")
    with pytest.raises(VendorRefused, match="for the moment") as pause:
        await desk.perform(full)
    assert pause.value.retry_after_s and case.standing(desk.server) == 2
    assert (await desk.perform(full)).state is EffectState.SENT
    assert case.standing(desk.server) == 1


async def test_a_post_that_is_gone_at_the_last_moment_is_gone(desk: Desk, case: Case) -> None:
    full = await desk.complete({"post": case.put(desk.server, "Bye")})
    desk.server.fail(case.take, "missing")
    assert "any more" in str((await desk.perform(full)).data)


async def test_a_token_that_is_refused_twice_is_said(desk: Desk, case: Case) -> None:
    full = await desk.complete({"post": case.put(desk.server, "Bye")})
    desk.server.fail(case.take, "unauthorized", times=2)
    with pytest.raises(BotError, match="connects it again|Connect it here") as caught:
        await desk.perform(full)
    assert not isinstance(caught.value, VendorUnknown) and case.standing(desk.server) == 2


async def test_a_token_that_ran_out_is_renewed_once(desk: Desk, case: Case) -> None:
    full = await desk.complete({"post": case.put(desk.server, "Bye")})
    desk.server.expire()
    before = desk.accounts.token_calls
    if desk.server.name in LASTING:
        with pytest.raises(BotError, match="Connect it here"):
            await desk.perform(full)
        assert case.standing(desk.server) == 2
        return
    assert (await desk.perform(full)).state is EffectState.SENT
    assert case.standing(desk.server) == 1 and desk.accounts.token_calls == before + 1


@pytest.mark.parametrize("how", ["error", "cut", "redirect"])
async def test_what_never_was_is_surely_not_done_and_is_done_once(
    desk: Desk, case: Case, how: str
) -> None:
    full = await desk.complete({"post": case.put(desk.server, "Bye")})
    desk.server.fail(case.take, how)
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    assert await desk.find(full) is None and case.standing(desk.server) == 2
    assert (await desk.perform(full)).state is EffectState.SENT
    assert case.standing(desk.server) == 1


@pytest.mark.parametrize("how", ["error_after", "lost", "late", "truncated"])
async def test_what_was_done_unheard_is_found(desk: Desk, case: Case, how: str) -> None:
    full = await desk.complete({"post": case.put(desk.server, "Bye")})
    desk.server.fail(case.take, how)
    try:
        done = await desk.perform(full)
        assert how == "truncated" and done.state is EffectState.SENT, "some say nothing at all"
    except VendorUnknown:
        found = await desk.find(full)
        assert found and found.state is EffectState.SENT
    assert case.standing(desk.server) == 1 == desk.server.calls_of(case.take)
