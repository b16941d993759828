"""The table of faults: every tool that sends words to a platform, a phone or an address, each answer.

No fault makes two of one message, a refusal is worded and leaves nothing there, and a token that is
refused is asked for anew once. What nobody knows is looked up or sent under its key, where the
service has either; else nothing is sent, and the ledger asks a person.
"""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.effect import EffectState, Policy
from bot.core.errors import ConnectionBroken, OperatorError, UserError, VendorRefused, VendorUnknown
from bot.platforms.pacing import Pace
from channels.email import graph, resend
from channels.sms import outgoing
from tests.fakes.oauth_server import OAuthServer
from tests.tools.messages.rows import DEED, LACKS, ROWS, Row

REFUSED = (VendorRefused, UserError, OperatorError)
LATE_S = 0.4


def where(*hows: str) -> list[tuple[str, str]]:
    """Each tool with each of these that can happen to it."""
    return [(name, how) for name in ROWS for how in hows if how not in LACKS.get(name, ())]


@pytest.fixture(params=ROWS)
async def row(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Row]:
    async def at_once(self: Pace, place: str) -> None:
        """A table goes faster than any platform bears; how fast one may is shown elsewhere."""

    monkeypatch.setattr(Pace, "turn", at_once)
    monkeypatch.setattr(graph, "LOOK_S", 0.0)
    monkeypatch.setattr(resend, "AGAIN_S", 0.0)
    monkeypatch.setattr(outgoing, "SETTLED_S", 0.0)
    async with ROWS[request.param](tmp_path) as made:
        made.wire.elsewhere = "https://elsewhere.example/"
        yield made
        made.wire.end()


async def test_a_refusal_is_worded_and_nothing_is_there(row: Row) -> None:
    args = await row.args()
    hows = [how for how in row.says if how != "unauthorized"]
    for how in hows:
        row.wire.fail(DEED, how)
        with pytest.raises(REFUSED, match=row.says[how][2]) as caught:
            await row.perform(args)
        assert not isinstance(caught.value, VendorUnknown)
        wait = getattr(caught.value, "retry_after_s", None)
        if how == "limited":
            assert wait == pytest.approx(row.after_s, abs=2), how
        else:
            assert wait is None, how
        assert row.there() == 0, how
    assert row.wire.calls_of(DEED) == len(hows), "none of them is tried twice"
    assert await row.perform(args) is EffectState.SENT
    assert row.there() == 1


async def test_a_token_that_is_refused_is_renewed_once_else_it_is_said_what_mends_it(
    row: Row,
) -> None:
    args = await row.args()
    if row.renews:
        row.wire.fail(DEED, "unauthorized")
        if row.renews == "later":
            with pytest.raises(VendorRefused) as caught:
                await row.perform(args)
            assert caught.value.retry_after_s and row.there() == 0
        assert await row.perform(args) is EffectState.SENT
        assert (row.there(), row.wire.calls_of(DEED)) == (1, 2)
        return
    row.wire.fail(DEED, "unauthorized")
    with pytest.raises(REFUSED, match=row.says["unauthorized"][2]) as broken:
        await row.perform(args)
    assert isinstance(broken.value, ConnectionBroken) or "flow" in broken.value.message
    assert (row.there(), row.wire.calls_of(DEED)) == (0, 1)


async def test_what_never_was_is_sent_once_afterwards(
    row: Row, request: pytest.FixtureRequest
) -> None:
    args = await row.args()
    lacks = LACKS.get(request.node.callspec.params["row"], ())
    for how in ("error", "redirect", "cut"):
        if how in row.hears or how in lacks:
            continue
        row.wire.fail(DEED, how)
        with pytest.raises(VendorUnknown):
            await row.perform(args)
        assert row.there() == 0, how
    await row.end(args)
    if row.policy is Policy.NONE:
        assert row.there() == 0, "a person is asked, and says that it shall go again"
        await row.perform(args)
    assert row.there() == 1


@pytest.mark.parametrize(
    ("row", "how"), where("error_after", "lost", "truncated", "late"), indirect=["row"]
)
async def test_what_was_sent_unheard_is_not_sent_again(row: Row, how: str) -> None:
    args = await row.args()
    row.wire.fail(DEED, how)
    if how == "late":
        with pytest.raises((TimeoutError, VendorUnknown)):
            async with asyncio.timeout(LATE_S):
                await row.perform(args)
    elif how in row.hears:
        assert await row.perform(args) is EffectState.SENT
    else:
        with pytest.raises(VendorUnknown):
            await row.perform(args)
    assert row.there() == 1
    if row.policy is Policy.READBACK:
        assert await row.is_found(args)
    await row.end(args)
    assert row.there() == 1


@pytest.mark.parametrize(("row", "how"), where("redirect"), indirect=["row"])
async def test_a_redirect_takes_neither_key_nor_words_anywhere(row: Row, how: str) -> None:
    args = await row.args()
    async with OAuthServer("x") as thief:
        row.wire.elsewhere = f"{thief.base}/post"
        row.wire.fail(DEED, how)
        with pytest.raises(VendorUnknown):
            await row.perform(args)
        assert thief.seen == [] and thief.calls == {}
    assert row.there() == 0


async def test_what_its_library_asks_again_is_done_once(row: Row) -> None:
    args = await row.args()
    for how in row.hears & {"error", "cut"}:
        row.wire.fail(DEED, how)
        assert await row.perform(args) is EffectState.SENT
        assert row.there() == 1
