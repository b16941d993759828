"""The table of faults for publishing: every network, each answer; the right end, the right words, one post."""

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from bot.core.canonical import Json
from bot.core.effect import EffectState
from bot.core.errors import (
    BotError,
    Conflict,
    ConnectionBroken,
    VendorError,
    VendorRefused,
    VendorUnknown,
)
from bot.core.ports import Page
from bot.oauth.accounts import ScopeMissing
from tests.fakes.oauth_server import OAuthServer
from tests.tools.social.desk import FILM, JPEG, PNG, Desk, desk_at
from tests.tools.social.networks import NETWORKS, Network
from tools.social import _container, _facebook_media, _tiktok_posting, _waiting, reddit

BEGUN: Mapping[str, Json] = {
    "tried": "2026-11-21T12:00:00+00:00", "publish_id": "v1", "container": "17",
}  # fmt: skip
"""What a deed kept that was cut off in the middle."""
RENEWED = [name for name, network in NETWORKS.items() if network.renews]
REFUSALS = [(name, how) for name, network in NETWORKS.items() for how in network.refusals]
SCOPED = [name for name, network in NETWORKS.items() if network.lacks]
LOOK_UPS = [
    (name, how)
    for name in NETWORKS
    for how in ("error", "cut", "truncated", "redirect", "limited", "forbidden", "missing")
    if (name, how) != ("tiktok", "missing")  # a number that TikTok does not know made no post
]


@pytest.fixture(params=NETWORKS)
def network(request: pytest.FixtureRequest) -> Network:
    return NETWORKS[request.param]


@pytest.fixture
async def desk(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Desk]:
    monkeypatch.setattr(_waiting, "PAUSES_S", (0.0, 0.0))  # real waits would be for nothing here
    monkeypatch.setattr(_container, "PAUSES_S", (0.0,))
    monkeypatch.setattr(_facebook_media, "PAUSE_S", 0.0)
    monkeypatch.setattr(reddit, "LOOKS_S", (0.0, 0.0))
    there = {"a_png": PNG, "a_jpg": JPEG, "a_mp4": FILM}
    async with desk_at(
        tmp_path, network.server(), network.tool, *network.uploads, granted=network.scopes, **there
    ) as made:
        yield made


@pytest.fixture
async def full(desk: Desk, network: Network) -> Mapping[str, Json]:
    """What a person said yes to."""
    return await desk.complete(network.given)


async def test_it_stands_there_once_and_is_found(
    desk: Desk, network: Network, full: Mapping[str, Json]
) -> None:
    done = await desk.perform(full)
    assert done.state is EffectState.SENT and done.url.startswith("https://")
    assert done.vendor_ref == network.ref(desk.server)
    found = await desk.find(full)
    assert found and (found.vendor_ref, found.url) == (done.vendor_ref, done.url)
    assert len(network.made(desk.server)) == 1


@pytest.mark.parametrize("how", ["error_after", "lost", "truncated"])
async def test_an_answer_that_is_missing_makes_no_second_post(
    desk: Desk, network: Network, full: Mapping[str, Json], how: str
) -> None:
    desk.server.fail(network.publish, how)
    with pytest.raises(VendorUnknown) if how != "truncated" else suppress(VendorUnknown):
        await desk.perform(full)  # some say nothing that could be cut in two
    found = await desk.find(full)
    assert found and found.state is EffectState.SENT
    assert found.vendor_ref == network.ref(desk.server)
    assert desk.server.calls_of(network.publish) == len(network.made(desk.server)) == 1
    if network.knows_again:
        assert (await desk.perform(full)).vendor_ref == found.vendor_ref
        assert len(network.made(desk.server)) == 1


async def test_an_answer_that_comes_too_late_makes_no_second_post(
    desk: Desk, network: Network, full: Mapping[str, Json], monkeypatch: pytest.MonkeyPatch
) -> None:
    fetcher = desk.accounts.around.fetcher
    real = fetcher.fetch

    async def hasty(url: str, **told: Any) -> Page:
        return await real(url, **{**told, "timeout_s": 0.5})

    monkeypatch.setattr(fetcher, "fetch", hasty)  # a minute would be too long here
    monkeypatch.setattr(_tiktok_posting, "UPLOAD_S", 0.5)
    desk.server.fail(network.publish, "late")
    with pytest.raises(VendorUnknown, match="did not answer"):
        await desk.perform(full)
    monkeypatch.setattr(fetcher, "fetch", real)
    assert await desk.find(full) and len(network.made(desk.server)) == 1


@pytest.mark.parametrize("how", ["error", "cut", "redirect"])
async def test_what_never_was_is_surely_not_there_and_is_made_once(
    desk: Desk, network: Network, full: Mapping[str, Json], how: str
) -> None:
    desk.server.elsewhere = "https://elsewhere.example/"
    desk.server.fail(network.publish, how)
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    assert await desk.find(full) is None
    assert (await desk.perform(full)).state is EffectState.SENT
    assert len(network.made(desk.server)) == 1


@pytest.mark.parametrize(("network", "how"), [(NETWORKS[n], how) for n, how in REFUSALS],
                         ids=[f"{n}-{how}" for n, how in REFUSALS])  # fmt: skip
async def test_a_refusal_is_told_in_words_and_nothing_is_there(
    desk: Desk, network: Network, full: Mapping[str, Json], how: str
) -> None:
    kind, words, wait = network.refusals[how]
    desk.server.fail(network.refused, how)
    with pytest.raises(kind, match=words) as caught:
        await desk.perform(full)
    told = getattr(caught.value, "retry_after_s", None)
    assert told == (wait and pytest.approx(wait, abs=1))
    assert network.made(desk.server) == []
    assert desk.server.calls_of(network.refused) == 1


async def test_a_pause_of_hours_is_not_waited_for(
    desk: Desk, network: Network, full: Mapping[str, Json]
) -> None:
    desk.server.retry_after = 7200
    desk.server.fail(network.refused, "too_many" if "too_many" in network.refusals else "limited")
    with pytest.raises(VendorRefused, match="over an hour") as caught:
        await desk.perform(full)
    assert caught.value.retry_after_s is None and network.made(desk.server) == []


@pytest.mark.parametrize("network", [NETWORKS[n] for n in RENEWED], ids=RENEWED)
async def test_a_token_that_is_refused_is_renewed_once(
    desk: Desk, network: Network, full: Mapping[str, Json]
) -> None:
    desk.server.expire()
    assert (await desk.perform(full)).state is EffectState.SENT
    desk.server.fail(network.refused, "unauthorized", times=2)
    before, desk.kept = len(network.made(desk.server)), {}
    with pytest.raises(ConnectionBroken, match="connects it again"):
        await desk.perform({**full, "text": "Another"})
    assert len(network.made(desk.server)) == before


@pytest.mark.parametrize(("network", "how"), [(NETWORKS[n], how) for n, how in LOOK_UPS],
                         ids=[f"{n}-{how}" for n, how in LOOK_UPS])  # fmt: skip
async def test_a_look_up_that_fails_says_nothing(
    desk: Desk, network: Network, full: Mapping[str, Json], how: str
) -> None:
    desk.server.fail(network.publish, "error_after")
    with pytest.raises(VendorUnknown):
        await desk.perform(full)
    desk.server.elsewhere = "https://elsewhere.example/"
    desk.server.fail(network.look, how)
    with pytest.raises((VendorError, ConnectionBroken)):
        await desk.find(full)
    assert len(network.made(desk.server)) == 1


async def test_a_redirect_takes_the_token_nowhere(
    desk: Desk, network: Network, full: Mapping[str, Json]
) -> None:
    async with OAuthServer("x") as thief:
        desk.server.elsewhere = f"{thief.base}/post"
        for operation in (network.first, network.publish, network.look):
            desk.server.fail(operation, "redirect")
        for act in (desk.perform, desk.perform, desk.find):
            try:
                await act(full)
            except BotError:
                continue
        assert thief.seen == []


@pytest.mark.parametrize("network", [NETWORKS[n] for n in SCOPED], ids=SCOPED)
async def test_without_the_scope_nothing_is_sent_and_the_link_mends_it(
    desk: Desk, network: Network, full: Mapping[str, Json]
) -> None:
    desk.server.faults.scopes = [each for each in desk.granted() if each != network.lacks]
    await desk.connect()
    before = len(desk.server.asked)
    acts = (desk.perform, desk.find)
    for act in acts if network.is_plain else (desk.complete, *acts):
        desk.kept = dict(BEGUN)
        with pytest.raises(ScopeMissing, match=f"{network.lacks}.*/admin/connections"):
            await act(full)
    assert len(desk.server.asked) == before


async def test_another_account_than_the_one_on_the_card_posts_nothing(
    desk: Desk, network: Network, full: Mapping[str, Json]
) -> None:
    asked = desk.connection
    desk.server.account = "17"
    await desk.connect()
    desk.connection, before, desk.kept = asked, len(desk.server.asked), dict(BEGUN)
    with pytest.raises(Conflict, match="anew"):
        await desk.perform(full)
    with pytest.raises(Conflict):
        await desk.find(full)
    assert len(desk.server.asked) == before
