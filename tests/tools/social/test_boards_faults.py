"""LinkedIn, Pinterest and TikTok going wrong in every way: the right end, the right words, one post."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.core.effect import EffectState
from bot.core.errors import BotError, Conflict, ConnectionBroken, VendorError, VendorUnknown
from bot.core.errors import VendorRefused as Refused
from bot.core.tool import Tool
from bot.oauth import accounts
from bot.oauth.accounts import ScopeMissing
from tests.fakes.linkedin_server import UPLOADS as LINKEDIN_UPLOADS
from tests.fakes.linkedin_server import LinkedInServer
from tests.fakes.oauth_house import OAuthHouse
from tests.fakes.oauth_server import OAuthServer
from tests.fakes.pinterest_server import UPLOADS as PINTEREST_UPLOADS
from tests.fakes.pinterest_server import PinterestServer
from tests.fakes.tiktok_server import FILM as BEGIN
from tests.fakes.tiktok_server import STATUS, UPLOAD, TikTokServer
from tests.fakes.tiktok_server import UPLOADS as TIKTOK_UPLOADS
from tests.tools.social.at_desk import FILM, PNG, Desk
from tools.social import _tiktok_posting, _waiting, linkedin, pinterest, tiktok

WEB = {"https://example.org/a.png": PNG, "https://example.org/a.mp4": FILM}


@dataclass(frozen=True)
class Case:
    """One network."""

    server: Callable[[], Any]
    tool: Tool
    arguments: Mapping[str, Any]
    ask: str
    """The call that may be refused."""
    publish: str
    """The call after which the post is there."""
    look: str
    uploads: str
    made: Callable[[Any], list[Any]]
    scopes: str


def _linkedin() -> LinkedInServer:
    server = LinkedInServer()
    server.organisations["7"] = ("Rye", "ADMINISTRATOR")
    return server


def _pinterest() -> PinterestServer:
    server = PinterestServer()
    server.board("Bread")
    return server


CASES = {
    "linkedin": Case(
        _linkedin,
        linkedin.TOOLS[0],
        {"text": "Open on Sunday (10 to 4)", "page": "rye"},
        "POST /rest/posts",
        "POST /rest/posts",
        "GET /rest/posts",
        LINKEDIN_UPLOADS,
        lambda server: server.posts,
        "openid profile email w_member_social w_organization_social r_organization_social",
    ),
    "pinterest": Case(
        _pinterest,
        pinterest.TOOLS[0],
        {
            "text": "Baked at night",
            "title": "Rye",
            "board": "bread",
            "link": "https://example.org/rye",
            "media": [{"url": "https://example.org/a.png", "alt": "A loaf"}],
        },
        "POST /pins",
        "POST /pins",
        "GET /boards/{id}/pins",
        PINTEREST_UPLOADS,
        lambda server: server.pins,
        "user_accounts:read boards:read boards:write pins:read pins:write",
    ),
    "tiktok": Case(
        TikTokServer,
        tiktok.TOOLS[0],
        {
            "text": "Folding",
            "privacy": "everyone",
            "media": [{"url": "https://example.org/a.mp4", "alt": "Dough"}],
        },
        BEGIN,
        UPLOAD,
        STATUS,
        TIKTOK_UPLOADS,
        lambda server: server.posts,
        "user.info.basic video.upload video.publish video.list",
    ),
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


@pytest.fixture
async def desk(case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(_waiting, "PAUSES_S", (0.0, 0.0))  # a real wait would be for nothing here
    async with case.server() as server, OAuthHouse(tmp_path, server) as accounts:
        server.now = accounts.clock.now
        made = Desk(accounts, case.tool, case.uploads)
        made.pages.stands = dict(WEB)
        await made.connect(case.scopes)
        yield made
        assert server.mistakes == []


async def full(desk: Desk, case: Case) -> dict[str, Any]:
    return await desk.full(case.arguments)


async def test_it_stands_there_once_and_is_found(desk: Desk, case: Case) -> None:
    arguments = await full(desk, case)
    done = await desk.perform(arguments)
    assert done.state is EffectState.SENT and done.url.startswith("https://www.")
    found = await desk.find(arguments)
    assert found and (found.vendor_ref, found.url) == (done.vendor_ref, done.url)
    assert len(case.made(desk.server)) == 1


@pytest.mark.parametrize("how", ["error_after", "lost"])
async def test_an_answer_that_is_missing_makes_no_second_post(
    desk: Desk, case: Case, how: str
) -> None:
    arguments = await full(desk, case)
    desk.server.fail(case.publish, how)
    with pytest.raises(VendorUnknown):
        await desk.perform(arguments)
    found = await desk.find(arguments)
    assert found and found.state is EffectState.SENT and found.vendor_ref
    assert desk.server.calls_of(case.publish) == len(case.made(desk.server)) == 1


async def test_an_answer_that_comes_too_late_makes_no_second_post(
    desk: Desk, case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = await full(desk, case)
    monkeypatch.setattr(accounts, "USUAL_S", 0.5)
    monkeypatch.setattr(accounts, "LONG_S", 0.5)
    monkeypatch.setattr(_tiktok_posting, "UPLOAD_S", 0.5)
    desk.server.fail(case.publish, "late")
    with pytest.raises(VendorUnknown, match="did not answer"):
        await desk.perform(arguments)
    monkeypatch.undo()
    assert await desk.find(arguments) and len(case.made(desk.server)) == 1


@pytest.mark.parametrize("how", ["error", "cut", "redirect"])
async def test_what_never_was_is_surely_not_there_and_is_made_once(
    desk: Desk, case: Case, how: str
) -> None:
    arguments = await full(desk, case)
    desk.server.elsewhere = "https://elsewhere.example/"
    desk.server.fail(case.publish, how)
    with pytest.raises(VendorUnknown):
        await desk.perform(arguments)
    assert await desk.find(arguments) is None
    assert (await desk.perform(arguments)).state is EffectState.SENT
    assert len(case.made(desk.server)) == 1


@pytest.mark.parametrize(
    "how", ["bad", "forbidden", "missing", "conflict", "large", "unfit"]
)
async def test_a_refusal_is_one_and_nothing_is_there(desk: Desk, case: Case, how: str) -> None:
    arguments = await full(desk, case)
    desk.server.fail(case.ask, how)
    with pytest.raises((Refused, ConnectionBroken)) as caught:
        await desk.perform(arguments)
    assert caught.value.message and getattr(caught.value, "retry_after_s", None) is None
    assert await desk.find(arguments) is None and case.made(desk.server) == []


async def test_too_many_waits_as_long_as_is_said(desk: Desk, case: Case) -> None:
    arguments = await full(desk, case)
    desk.server.fail(case.ask, "limited")
    with pytest.raises(Refused, match="for the moment") as caught:
        await desk.perform(arguments)
    assert caught.value.retry_after_s == 30 and case.made(desk.server) == []
    desk.server.retry_after = 7200
    desk.server.fail(case.ask, "limited")
    with pytest.raises(Refused, match="over an hour"):
        await desk.perform(arguments)


async def test_a_token_that_is_refused_is_renewed_once(desk: Desk, case: Case) -> None:
    arguments = await full(desk, case)
    desk.server.expire()
    assert (await desk.perform(arguments)).state is EffectState.SENT
    desk.server.fail(case.ask, "unauthorized", times=2)
    before, desk.kept = len(case.made(desk.server)), {}
    with pytest.raises(ConnectionBroken, match="connects it again"):
        await desk.perform({**arguments, "text": "Another"})
    assert len(case.made(desk.server)) == before


@pytest.mark.parametrize("how", ["error", "cut", "truncated", "redirect", "limited", "forbidden"])
async def test_a_look_up_that_fails_says_nothing(desk: Desk, case: Case, how: str) -> None:
    arguments = await full(desk, case)
    desk.server.fail(case.publish, "error_after")
    with pytest.raises(VendorUnknown):
        await desk.perform(arguments)
    desk.server.elsewhere = "https://elsewhere.example/"
    desk.server.fail(case.look, how)
    with pytest.raises((VendorError, ConnectionBroken)):
        await desk.find(arguments)
    assert len(case.made(desk.server)) == 1


async def test_a_redirect_takes_the_token_nowhere(desk: Desk, case: Case) -> None:
    arguments = await full(desk, case)
    async with OAuthServer("x") as thief:
        desk.server.elsewhere = f"{thief.base}/post"
        for operation in (case.ask, case.publish, case.look):
            desk.server.fail(operation, "redirect")
        for act in (desk.perform, desk.perform, desk.find):
            try:
                await act(arguments)
            except BotError:
                continue
        assert thief.seen == []


async def test_without_the_scope_nothing_is_sent_and_the_link_mends_it(
    desk: Desk, case: Case
) -> None:
    arguments = await full(desk, case)
    least = case.scopes.split()[:1]
    await desk.connect(" ".join(least))
    for act in (desk.full, desk.perform, desk.find):
        desk.kept = {"tried": "2026-11-21T12:00:00+00:00", "publish_id": "v1"}
        with pytest.raises(ScopeMissing, match="/admin/connections"):
            await act(arguments)
    assert case.made(desk.server) == []


async def test_another_account_than_the_one_on_the_card_posts_nothing(
    desk: Desk, case: Case
) -> None:
    arguments, asked = await full(desk, case), desk.connection
    desk.server.account = "17"
    await desk.connect()
    desk.connection = asked
    with pytest.raises(Conflict, match="anew"):
        await desk.perform(arguments)
    assert case.made(desk.server) == []
