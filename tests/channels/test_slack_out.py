"""What leaves for Slack: whole, once, at Slack's pace, and found again after a crash."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from bot.core.card import Card
from bot.core.channel import Channel, Outbound
from bot.core.effect import EffectKind, EffectState, Policy
from bot.core.errors import ConnectionBroken, OperatorError, VendorRefused, VendorUnknown
from bot.core.ids import EffectId
from bot.limits import Rate
from bot.testing import ChannelContract, effect_of
from channels.slack import calls
from channels.slack.settings import Settings
from channels.slack.workspace import Workspace
from tests.channels.slack_side import ANA, Desk, lent, listening, out, single
from tests.fakes.slack_server import SlackServer

LONG = "\n\n".join(f"Paragraph {n}: " + "word " * 150 for n in range(15))
CARD = Card(title="Post it?", agent="bri", body="Hello <world> & *all*", code="4821")


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pace, where pace is not what is tested."""
    for name in ("POSTS", "POSTS_IN_ALL", "EDITS", "EDITS_IN_ALL"):
        monkeypatch.setattr(calls, name, Rate(count=1000, seconds=1))


@pytest.fixture
async def server() -> AsyncIterator[SlackServer]:
    async with SlackServer() as server:
        yield server
        assert server.mistakes == []


def slack(server: SlackServer) -> Workspace:
    """A channel that only sends; each is as after a restart."""
    return single(lent(server, Desk()))


def sought(server_place: str, thread: str = "", effect: str = "eff_1"):
    deed = effect_of("slack", {"text": "Hello"}, Policy.READBACK)
    progress = {"place": server_place, "thread": thread}
    return replace(deed, id=EffectId(effect), kind=EffectKind.REPLY, progress=progress)


async def test_an_answer_is_shown_in_its_thread_without_previews_or_mentions(
    server: SlackServer,
) -> None:
    place = server.world.channel("general", ANA)
    root = server.world.put(place, ANA.id, "question")
    text = "**Hi** <!channel> @here <@U0000ANA> & https://a.example"
    receipt = await slack(server).send(out(place, text, thread=root.ts))
    _, shown = server.shown(place, root.ts)
    assert receipt.vendor_ref == f"{place}:{shown.ts}"
    assert "*Hi*" in shown.text and "<!channel>" not in shown.text and "<@U" not in shown.text
    (asked,) = server.asked("chat.postMessage")
    assert (asked["unfurl_links"], asked["unfurl_media"]) == (False, False)
    assert shown.metadata and shown.metadata["event_payload"]["effect"] == "eff_1"


async def test_a_long_answer_is_parts_and_the_first_is_its_reference(server: SlackServer) -> None:
    place = server.world.direct(ANA)
    channel = slack(server)
    receipt = await channel.send(out(place, LONG))
    shown = server.shown(place)
    assert len(shown) > 2 and all(len(item.text) <= 3000 for item in shown)
    assert " ".join(" ".join(item.text for item in shown).split()) == " ".join(LONG.split())
    assert receipt.vendor_ref == f"{place}:{shown[0].ts}"
    assert channel._ledger.first(f"{place}:{shown[2].ts}") == receipt.vendor_ref


@pytest.mark.parametrize("how", ["lost", "cut"])
@pytest.mark.parametrize("text", ["Hello", LONG])
async def test_after_an_answer_that_never_came_nothing_is_lost_or_twice(
    server: SlackServer, how: str, text: str
) -> None:
    """Each part once, whichever call fails, whether the process lives or is another one."""
    place = server.world.direct(ANA)
    whole = [item.text for item in await _sent(server, place, text)]
    for failing in range(len(whole)):
        for dies in (False, True):
            name = f"eff_{failing}_{dies}"
            before = len(server.shown(place))
            channel = slack(server)
            await _until_fails(server, channel, out(place, text, name), failing, how)
            channel = slack(server) if dies else channel
            found = await channel.find(sought(place, effect=name))
            is_done = how == "lost" and failing == len(whole) - 1
            assert (found is not None) == is_done
            if found is None:
                again = out(place, text, name, extra={"attempt": 2})
                receipt = await channel.send(again)
            assert [item.text for item in server.shown(place)[before:]] == whole
            first = server.shown(place)[before].ts
            assert (found.vendor_ref if found else receipt.vendor_ref) == f"{place}:{first}"


async def _sent(server: SlackServer, place: str, text: str):
    await slack(server).send(out(place, text, "eff_whole"))
    return server.shown(place)


async def _until_fails(server, channel, message, number: int, how: str) -> None:
    """Send until the call of this number goes wrong."""
    real, count = channel._calls.do, 0

    async def do(method: str, **given):
        nonlocal count
        if method == "chat.postMessage":
            if count == number:
                server.fail(method, how)
            count += 1
        return await real(method, **given)

    channel._calls.do = do
    with pytest.raises(VendorUnknown):
        await channel.send(message)
    channel._calls.do = real


async def test_what_another_wrote_under_our_mark_is_not_ours(server: SlackServer) -> None:
    place = server.world.direct(ANA)
    channel = slack(server)
    await channel.send(out(place))
    forged = server.world.put(place, ANA.id, "forged")
    forged.metadata = {
        "event_type": "switchboard_effect",
        "event_payload": {"effect": "eff_9", "part": 0, "of": 1, "draft": False},
    }
    async with listening(server) as side:
        assert await side.channel.find(sought(place, effect="eff_9")) is None
        assert await side.channel.find(sought(place)) is not None


async def test_a_look_up_without_a_place_leaves_it_in_doubt(server: SlackServer) -> None:
    found = await slack(server).find(replace(sought("x"), progress={}))
    assert found and found.state is EffectState.IN_DOUBT
    server.world.direct(ANA)
    server.fail("conversations.history", "error")
    found = await slack(server).find(sought("D0000ANA"))
    assert found and found.state is EffectState.IN_DOUBT


async def test_what_slack_says_is_one_of_our_errors(server: SlackServer) -> None:
    place = server.world.direct(ANA)
    channel = slack(server)
    for how, error, words in (
        ("ratelimited", VendorRefused, "left alone"),
        ("is_archived", VendorRefused, "archived"),
        ("msg_too_long", VendorRefused, "too long for Slack"),
        ("error", VendorUnknown, "did not say"),
        ("fatal_error", VendorUnknown, "did not say"),
        ("lost", VendorUnknown, "did not answer"),
        ("account_inactive", ConnectionBroken, "removed from the workspace"),
    ):
        server.fail("chat.postMessage", how, retry_after=3)
        with pytest.raises(error, match=words) as caught:
            await channel.send(out(place, effect=f"eff_{how}"))
        if how == "ratelimited":
            assert caught.value.retry_after_s == 3
            channel._calls.posts._rest.clear()
        assert "xoxb" not in str(caught.value)
    server.scopes.discard("chat:write")
    with pytest.raises(ConnectionBroken, match="chat:write for chat.postMessage"):
        await channel.send(out(place))


async def test_slack_that_is_not_there_was_surely_not_told(server: SlackServer) -> None:
    offered = replace(lent(server, Desk()), endpoint="http://127.0.0.1:9")
    with pytest.raises(VendorRefused) as caught:
        await single(offered).send(out("D1"))
    assert caught.value.retry_after_s


# --- cards and drafts -------------------------------------------------------------------------


async def test_a_card_is_shown_and_rewritten_without_buttons(server: SlackServer) -> None:
    place = server.world.direct(ANA)
    channel = slack(server)
    asked = out(place, "", "crd_1", card=CARD, approval="apr_1", version=3, kind=EffectKind.CARD)
    receipt = await channel.send(asked)
    (shown,) = server.shown(place)
    assert shown.buttons == ["Edit", "Ask", "Reject", "Approve"]
    assert "Hello <world> & *all*" in shown.words
    decided = replace(CARD, decided="Approved by Ana")
    again = await channel.send(replace(asked, card=decided, replace=receipt.vendor_ref))
    (shown,) = server.shown(place)
    assert again == receipt and shown.buttons == [] and "Approved by Ana" in shown.words


async def test_a_card_that_a_crash_left_is_not_shown_twice(server: SlackServer) -> None:
    place = server.world.direct(ANA)
    asked = out(place, "", "crd_1", card=CARD, approval="apr_1", version=3, kind=EffectKind.CARD)
    first = await slack(server).send(asked)
    assert await slack(server).send(asked) == first
    server.fail("conversations.history", "ratelimited")
    other = await slack(server).send(replace(asked, effect=EffectId("crd_2")))
    assert len(server.shown(place)) == 2 and other != first


async def test_a_draft_grows_and_becomes_the_answer(server: SlackServer) -> None:
    place = server.world.direct(ANA)
    channel = slack(server)
    assert await channel.draft(out(place, "[](x)")) is None, "nothing to be seen"
    first = await channel.draft(out(place, "Hel"))
    assert first
    ref = first.vendor_ref
    assert (await channel.draft(out(place, "Hello **wor", replace=ref))) == first
    assert await channel.draft(out(place, "Hello **wor", replace=ref)) is None
    assert (await channel.send(out(place, "Hello **world**", replace=ref))).vendor_ref == ref
    (shown,) = server.shown(place)
    assert shown.text == "Hello *world*" and shown.edited == 2
    assert await channel.find(sought(place))


async def test_a_draft_of_a_long_answer_becomes_its_first_part(server: SlackServer) -> None:
    place = server.world.direct(ANA)
    channel = slack(server)
    drawn = await channel.draft(out(place, LONG[:300]))
    assert drawn
    receipt = await channel.send(out(place, LONG, replace=drawn.vendor_ref))
    assert receipt.vendor_ref == drawn.vendor_ref and len(server.shown(place)) > 2


async def test_a_draft_that_a_crash_left_is_found_and_becomes_the_answer(
    server: SlackServer,
) -> None:
    place = server.world.direct(ANA)
    await slack(server).draft(out(place, "Hel"))
    channel = slack(server)
    assert await channel.find(sought(place)) is None
    await channel.send(out(place, "Hello", extra={"attempt": 2}))
    assert [item.text for item in server.shown(place)] == ["Hello"]


async def test_a_draft_that_a_crash_left_is_drawn_on(server: SlackServer) -> None:
    place = server.world.direct(ANA)
    first = await slack(server).draft(out(place, "Hel"))
    channel = slack(server)
    again = await channel.draft(out(place, "Hello", extra={"attempt": 2}))
    assert again == first
    await channel.send(out(place, "Hello you", extra={"attempt": 2}))
    assert [item.text for item in server.shown(place)] == ["Hello you"]


async def test_after_its_answer_no_draft_is_drawn(server: SlackServer) -> None:
    place = server.world.direct(ANA)
    await slack(server).send(out(place, "Hello"))
    assert await slack(server).draft(out(place, "Hel", extra={"attempt": 2})) is None
    assert [item.text for item in server.shown(place)] == ["Hello"]


async def test_a_draft_whose_answer_was_lost_is_not_drawn_twice(server: SlackServer) -> None:
    place = server.world.direct(ANA)
    channel = slack(server)
    server.fail("chat.postMessage", "lost")
    assert await channel.draft(out(place, "Hel")) is None
    assert await channel.draft(out(place, "Hello")) is None
    await channel.send(out(place, "Hello you"))
    assert [item.text for item in server.shown(place)] == ["Hello you"]


async def test_a_draft_without_an_answer_goes(server: SlackServer) -> None:
    place = server.world.direct(ANA)
    channel = slack(server)
    drawn = await channel.draft(out(place, "Hel"))
    assert drawn
    await channel.send(out(place, "", replace=drawn.vendor_ref))
    assert server.shown(place) == []


async def test_an_answer_whose_draft_was_deleted_is_written_anew(server: SlackServer) -> None:
    place = server.world.direct(ANA)
    channel = slack(server)
    drawn = await channel.draft(out(place, "Hel"))
    assert drawn
    server.world.messages[place].clear()
    receipt = await channel.send(out(place, "Hello", replace=drawn.vendor_ref))
    (shown,) = server.shown(place)
    assert shown.text == "Hello" and receipt.vendor_ref.endswith(shown.ts)
    server.mistakes.clear()


async def test_somebody_works_on_it_and_the_draft_follows_at_once(
    server: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    place = server.world.channel("general", ANA)
    root = server.world.put(place, ANA.id, "question")
    channel = slack(server)
    assert await channel.draft(out(place, "", thread=root.ts)) is None
    assert server.world.statuses[0][:2] == (place, root.ts)
    drawn = await channel.draft(out(place, "Hel", thread=root.ts))
    assert drawn
    assert await channel.draft(out(place, "Hello", thread=root.ts, replace=drawn.vendor_ref))


async def test_where_slack_shows_no_status_it_is_not_asked_again(server: SlackServer) -> None:
    place = server.world.channel("general", ANA)
    root = server.world.put(place, ANA.id, "question")
    server.fail("assistant.threads.setStatus", "missing_scope")
    channel = slack(server)
    for _ in range(2):
        assert await channel.draft(out(place, "", thread=root.ts)) is None
    assert len(server.asked("assistant.threads.setStatus")) == 1


# --- pace -------------------------------------------------------------------------------------


async def test_no_ban_where_the_published_rates_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine answers at once in one place, four with drafts; a refusal is for a late packet alone."""
    monkeypatch.undo()
    refused: list[VendorRefused] = []
    async with SlackServer(rates="obey") as server:
        place, channel = server.world.direct(ANA), slack(server)

        async def send(message: Outbound) -> None:
            try:
                await channel.send(message)
            except VendorRefused as error:  # the house waits and sends again
                refused.append(error)
                await asyncio.sleep(error.retry_after_s or 1)
                await send(message)

        async def answer(n: int) -> None:
            ref = ""
            for size in range(1, 100):
                drawn = await channel.draft(out(place, "x" * size, f"eff_{n}", replace=ref))
                ref = drawn.vendor_ref if drawn else ref
            await send(out(place, f"Answer {n}", f"eff_{n}", replace=ref))

        async def plain(n: int) -> None:
            await send(out(place, f"Answer {n}", f"eff_{n}"))

        await asyncio.gather(*(answer(n) for n in range(4)), *(plain(n) for n in range(4, 9)))
        assert sorted(server.world.said(place)) == [f"Answer {n}" for n in range(9)]
        assert len(refused) <= 2, "the pace is too fast"
        assert server.mistakes == []


@pytest.mark.parametrize(
    ("rates", "most"),
    [(("POSTS",), 60), (("POSTS_IN_ALL",), 240), (("EDITS_IN_ALL",), 50)],
)
def test_a_minute_with_its_burst_is_below_what_is_published(
    rates: tuple[str, ...], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()
    for name in rates:
        rate: Rate = getattr(calls, name)
        assert rate.count + rate.count * 60 / rate.seconds <= most


async def test_answers_that_replace_wait_for_their_turn(
    server: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calls, "EDITS_IN_ALL", Rate(count=1, seconds=0.3))
    place, channel = server.world.direct(ANA), slack(server)
    drawn = [await channel.draft(out(place, "Hel", f"eff_{n}")) for n in range(3)]
    began = asyncio.get_running_loop().time()
    for n, each in enumerate(drawn):
        assert each
        await channel.send(out(place, "Hello", f"eff_{n}", replace=each.vendor_ref))
    assert asyncio.get_running_loop().time() - began > 0.5


async def test_slacks_wish_for_rest_is_obeyed_by_drafts_too(server: SlackServer) -> None:
    place, channel = server.world.direct(ANA), slack(server)
    server.fail("chat.postMessage", "ratelimited", retry_after=60)
    with pytest.raises(VendorRefused):
        await channel.send(out(place))
    assert await channel.draft(out(place, "Hel", "eff_2")) is None
    assert len(server.asked("chat.postMessage")) == 1


# --- settings and the contract ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "bot_token"),
        ({"bot_token": "  "}, "bot_token"),
        ({"bot_token": "xapp-1"}, "xoxb-"),
        ({"bot_token": "xoxb-1"}, "app_token .* or signing_secret"),
        ({"bot_token": "xoxb-1", "signing_secret": "   "}, "app_token .* or signing_secret"),
        ({"bot_token": "xoxb-1", "app_token": "xoxb-1"}, "xapp-"),
        ({"bot_token": "xoxb-1", "app_tokn": "xapp-1"}, "app_tokn"),
    ],
)
def test_a_missing_setting_is_named(options: dict[str, str], words: str) -> None:
    given = replace(lent(SlackServerless, Desk()), options=options)
    with pytest.raises(OperatorError, match=words) as caught:
        single(given)
    assert "xapp-1" not in str(caught.value).replace("xapp-, ", "")


def test_secrets_are_not_shown() -> None:
    assert "xoxb" not in repr(Settings(bot_token="xoxb-1-secret"))


class SlackServerless:
    """Where nothing listens."""

    base, bot_token, app_token = "http://127.0.0.1:9", "xoxb-1", "xapp-1"


class TestContract(ChannelContract):
    """What every channel must pass, against the Slack that plays."""

    server: SlackServer

    @pytest.fixture(autouse=True)
    async def _server(self) -> AsyncIterator[None]:
        async with SlackServer() as self.server:
            self.server.world.direct(ANA)
            yield

    def make(self, folder: Path) -> Channel:
        return _InDirect(slack(self.server))

    def shown(self) -> Sequence[str]:
        return self.server.world.said("D0000ANA")


class _InDirect:
    """The channel; the contract's place stands for Ana's conversation."""

    def __init__(self, channel: Workspace) -> None:
        self._channel = channel
        self.name, self.features = channel.name, channel.features
        self.routes, self.run = channel.routes, channel.run

    async def send(self, message):
        return await self._channel.send(replace(message, place="D0000ANA"))

    async def find(self, effect):
        return await self._channel.find(replace(effect, progress={"place": "D0000ANA"}))
