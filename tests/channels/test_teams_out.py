"""What leaves for Teams: whole, rewritten in place, at its pace, and honest where nobody knows."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.core.card import Card
from bot.core.errors import (
    ConnectionBroken,
    OperatorError,
    VendorError,
    VendorRefused,
    VendorUnknown,
)
from bot.platforms.pacing import Pace
from channels.teams import calls
from channels.teams.channel import make
from tests.channels.teams_side import ANA, BEN, Side, card, lent, listening, outbound
from tests.fakes.clock import StillClock
from tests.fakes.teams_server import TeamsServer


@pytest.fixture
async def side(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Side]:
    monkeypatch.setattr(calls, "AGAIN_S", 0.05)
    async with TeamsServer() as server, listening(server) as found:
        yield found
        await server.settled()
        assert server.mistakes == []


async def test_an_answer_stands_where_it_was_asked(side: Side) -> None:
    world = side.server.world
    place, channel = world.personal(ANA), world.channel("general", ANA)
    root = await world.mention(ANA, channel, "hi")
    other = await world.mention(ANA, channel, "another thread")
    await side.channel.send(outbound(place, "**Hello** & <at>all</at>"))
    await side.channel.send(outbound(channel, "In the thread", thread=root))
    assert world.said(place) == ["Hello & <at>all</at>"]
    assert world.said(channel, root) == ["In the thread"] and not world.said(channel, other)
    body = side.server.asked("send")[0]
    assert body["textFormat"] == "xml" and "<strong>Hello</strong>" in body["text"]
    assert "entities" not in body, "nobody is called"


async def test_a_long_answer_comes_in_parts_and_is_named_by_the_first(side: Side) -> None:
    place = side.server.world.personal(ANA)
    text = "\n\n".join(f"Paragraph {n}. " + "word " * 300 for n in range(20))
    receipt = await side.channel.send(outbound(place, text))
    shown = side.server.world.shown(place)
    assert len(shown) > 1 and receipt.vendor_ref == f"{place}|{shown[0].id}"
    assert "".join(m.words for m in shown).count("word") == 6000


async def test_a_part_that_fails_leaves_the_whole_unknown(side: Side) -> None:
    place = side.server.world.personal(ANA)
    text = "\n\n".join("word " * 300 for _ in range(20))
    side.server.forbid(place, "BotNotInConversationRoster")
    with pytest.raises(VendorRefused):
        await side.channel.send(outbound(place, text))
    side.server.allow(place)
    # The first part arrives; then the app is removed.
    send = side.channel._calls.surely

    async def once(*given: object) -> object:
        found = await send(*given)  # type: ignore[arg-type]
        side.server.forbid(place, "BotNotInConversationRoster")
        return found

    side.channel._calls.surely = once  # type: ignore[method-assign, assignment]
    with pytest.raises(VendorUnknown, match="Only 1 of"):
        await side.channel.send(outbound(place, text))


async def test_a_draft_grows_in_a_chat_of_two_and_becomes_the_answer(side: Side) -> None:
    world = side.server.world
    place = world.personal(ANA)
    private = outbound(place, "", extra={"private": True})
    assert await side.channel.draft(private) is None
    assert side.server.asked("send") == [{"type": "typing"}]
    first = await side.channel.draft(replace(private, text="One"))
    assert first is not None
    again = await side.channel.draft(replace(private, text="One two", replace=first.vendor_ref))
    assert again is None or again == first
    done = await side.channel.send(outbound(place, "One two three", replace=first.vendor_ref))
    assert done == first and world.said(place) == ["One two three"]


async def test_nothing_grows_where_others_read(side: Side) -> None:
    world = side.server.world
    group, channel = world.group("friends", ANA, BEN), world.channel("general", ANA)
    for message in (outbound(group, "One"), outbound(channel, "One", thread="1")):
        assert await side.channel.draft(replace(message, extra={"private": False})) is None
    assert await side.channel.draft(outbound(channel, "", thread="1")) is None
    assert side.server.asked("send") == []
    await side.channel.draft(outbound(group, ""))
    assert side.server.asked("send") == [{"type": "typing"}]


async def test_what_was_taken_away_is_written_anew(side: Side) -> None:
    world = side.server.world
    place = world.personal(ANA)
    receipt = await side.channel.send(outbound(place, "One"))
    world.messages.clear()
    anew = await side.channel.send(outbound(place, "Two", replace=receipt.vendor_ref))
    assert anew != receipt and world.said(place) == ["Two"]
    with pytest.raises(VendorRefused):
        await side.channel.send(outbound(place, "Two", replace="nonsense"))


async def test_a_card_is_shown_and_rewritten_without_buttons(side: Side) -> None:
    world = side.server.world
    place = world.group("friends", ANA, BEN)
    receipt = await side.channel.send(card(place))
    (shown,) = world.shown(place)
    assert "Approve" in shown.buttons and "We are open on Sunday" in shown.card_words
    decided = Card(title="Publish on the blog", decided="Approved by Ana")
    again = await side.channel.send(card(place, card=decided, replace=receipt.vendor_ref))
    assert again == receipt and shown.buttons == [] and "Approved by Ana" in shown.card_words
    assert side.server.asked("send")[0]["summary"] == "Publish on the blog"


@pytest.mark.parametrize("status", [412, 429])
async def test_a_pause_that_teams_asks_for_is_kept(side: Side, status: int) -> None:
    place = side.server.world.personal(ANA)
    side.server.fail("send", status, times=2)
    await side.channel.send(outbound(place, "Hello"))
    assert side.server.world.said(place) == ["Hello"]
    assert len(side.server.asked("send")) == 3


async def test_a_long_pause_is_the_houses_to_keep(side: Side) -> None:
    place = side.server.world.personal(ANA)
    side.server.fail("send", 429, retry_after=90)
    with pytest.raises(VendorRefused) as caught:
        await side.channel.send(outbound(place, "Hello"))
    assert caught.value.retry_after_s == 90.0
    assert await side.channel.draft(outbound(place, "")) is None
    assert len(side.server.asked("send")) == 1, "drafts rest as well"


@pytest.mark.parametrize("how", [502, "cut", "lost"])
async def test_a_send_without_an_answer_is_unknown_and_not_repeated(
    side: Side, how: int | str
) -> None:
    place = side.server.world.personal(ANA)
    await side.channel.send(outbound(place, "First"))
    side.server.fail("send", how)
    with pytest.raises(VendorUnknown):
        await side.channel.send(outbound(place, "Hello"))
    assert len(side.server.asked("send")) == 2
    assert len(side.server.world.said(place)) == (2 if how == "lost" else 1)


@pytest.mark.parametrize("how", [502, "cut", "lost"])
async def test_rewriting_is_repeated_because_it_does_no_harm(side: Side, how: int | str) -> None:
    place = side.server.world.personal(ANA)
    receipt = await side.channel.send(outbound(place, "First"))
    side.server.fail("update", how)
    await side.channel.send(outbound(place, "Hello", replace=receipt.vendor_ref))
    assert side.server.world.said(place) == ["Hello"]


async def test_a_permission_that_is_missing_is_named_with_its_mend(side: Side) -> None:
    place = side.server.world.personal(ANA)
    wanted = {
        "BotNotInConversationRoster": "Add it there",
        "ConversationBlockedByUser": "blocked or removed",
        "BotDisabledByAdmin": "admin.teams.microsoft.com",
        "ForbiddenOperationException": "ChannelMessage.Send.Group",
    }
    for code, words in wanted.items():
        side.server.forbid(place, code)
        with pytest.raises(VendorRefused, match=words) as caught:
            await side.channel.send(outbound(place, "Hello"))
        assert caught.value.retry_after_s is None
    assert not side.task.done(), "one place that refuses breaks nothing else"


async def test_an_old_token_is_renewed_and_nothing_is_said_twice(side: Side) -> None:
    place = side.server.world.personal(ANA)
    await side.channel.send(outbound(place, "One"))
    side.server.expire_tokens()
    await side.channel.send(outbound(place, "Two"))
    assert side.server.world.said(place) == ["One", "Two"]
    assert len(side.server.asked("token")) == 2


async def test_one_token_serves_many_at_once(side: Side) -> None:
    world = side.server.world
    places = [world.group(f"g{n}", ANA) for n in range(8)]
    await asyncio.gather(*(side.channel.send(outbound(place)) for place in places))
    assert len(side.server.asked("token")) == 1


async def test_a_secret_that_is_revoked_ends_the_run_with_its_mend(side: Side) -> None:
    side.server.revoke()
    with pytest.raises(ConnectionBroken, match="client secret"):
        await side.channel.send(outbound(side.server.world.personal(ANA)))
    with pytest.raises(ConnectionBroken, match="Certificates & secrets"):
        await side.task
    side.server.mistakes.clear()


async def test_microsoft_being_away_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("channels.teams.channel.FIRST_PAUSE_S", 0.01)
    async with TeamsServer() as server:
        server.fail("token", 503, times=2)
        async with listening(server) as side:
            await side.until(lambda: len(server.asked("token")) >= 3)
            place = server.world.personal(ANA)
            server.fail("token", 503)
            await side.channel.send(outbound(place))
            assert server.world.said(place) == ["Hello"] and not side.task.done()


async def test_after_a_restart_the_house_speaks_without_having_heard(side: Side) -> None:
    place = side.server.world.personal(ANA)
    await side.channel.send(outbound(place))
    assert side.server.world.said(place) == ["Hello"], "by way of the global service"


async def test_the_pace_keeps_below_every_limit_of_a_thread() -> None:
    clock = StillClock()
    short, hour = Pace(clock, calls.SHORT, calls.ALL), Pace(clock, calls.HOUR, calls.ALL)
    at: list[float] = []
    for _ in range(2 * 3600 * 10):
        if _free(short, hour):
            at.append(clock.monotonic())
        clock.move(seconds=0.1)
    for seconds, most in ((1, 7), (2, 8), (30, 60), (3600, 1800)):
        assert max(_within(at, seconds)) <= most


def _free(short: Pace, hour: Pace) -> bool:
    """Take a turn of both where both have room."""
    rates = ((short._taken, calls.SHORT), (hour._taken, calls.HOUR))
    if any(taken.wait(("place", "a"), rate) > 0 for taken, rate in rates):
        return False
    return all(taken.take(("place", "a"), rate) == 0 for taken, rate in rates)


def _within(at: list[float], seconds: float) -> list[int]:
    """How many were in each span that begins with one of them."""
    found, end = [], 0
    for begin, moment in enumerate(at):
        while end < len(at) and at[end] < moment + seconds:
            end += 1
        found.append(end - begin)
    return found


async def test_a_rush_is_sent_without_a_ban() -> None:
    async with TeamsServer(rates="ban") as server, listening(server) as side:
        place = server.world.personal(ANA)
        await asyncio.gather(*(side.channel.send(outbound(place, f"{n}")) for n in range(10)))
        for n in range(20):
            await side.channel.draft(outbound(place, "" if n % 2 else "x", extra={"private": True}))
        assert len(server.world.said(place)) >= 10
        assert not server.is_banned and server.mistakes == []


@pytest.mark.parametrize(
    ("missing", "words"),
    [("app_id", "Microsoft App ID"), ("app_secret", "client secret"), ("tenant_id", "Tenant ID")],
)
async def test_a_setting_that_is_missing_is_named(missing: str, words: str) -> None:
    async with TeamsServer() as server:
        for value in ("", "   "):
            with pytest.raises(OperatorError, match=words) as caught:
                make(lent(server, **{missing: value}))
            assert missing in caught.value.message
        with pytest.raises(OperatorError, match="no domain"):
            make(lent(server, tenant_id="contoso.example"))


async def test_nothing_to_say_is_refused(side: Side) -> None:
    with pytest.raises(VendorError, match="nothing to send"):
        await side.channel.send(outbound(side.server.world.personal(ANA), "  "))
