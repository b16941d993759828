"""Buttons and forms on Slack: who pressed is told alone, and a form opens while its trigger lives."""

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from bot.core.card import Card
from bot.core.effect import EffectKind
from bot.core.errors import Conflict, Forbidden, Invalid, StoreError
from bot.core.event import Kind
from bot.limits import Rate
from bot.platforms.lent import Form, Input
from channels.slack import calls, views
from tests.channels.slack_side import ANA, BEN, Side, listening, out, until
from tests.fakes.slack_apps import BOT_USER, TEAM
from tests.fakes.slack_server import SlackServer

CARD = Card(title="Post it?", agent="bri", body="Hello world", code="4821")
LONG = "x" * 20_000


@pytest.fixture
async def side(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Side]:
    for name in ("POSTS", "POSTS_IN_ALL"):
        monkeypatch.setattr(calls, name, Rate(count=1000, seconds=1))
    async with SlackServer() as server, listening(server) as side:
        yield side
        assert server.mistakes == [] and server.lost == []


async def card(side: Side, place: str, card: Card = CARD, **more: Any) -> str:
    """Show a card; gives its ts."""
    asked = out(place, "", "crd_1", card=card, approval="apr_1", version=3, kind=EffectKind.CARD)
    receipt = await side.channel.send(replace(asked, **more))
    return receipt.vendor_ref.partition(":")[2]


def told(side: Side, place: str) -> list[tuple[str, str]]:
    """Who alone was told what."""
    return [(item.only_for, item.text) for item in side.server.shown(place) if item.only_for]


async def test_a_press_is_told_with_what_its_button_says(side: Side) -> None:
    place = side.server.world.channel("general", ANA)
    root = side.server.world.put(place, ANA.id, "question")
    ts = await card(side, place, thread=root.ts)
    side.answer = lambda event: "**Approved.** <!here>"
    pressed = await side.server.world.press(ANA, place, ts, "Approve")
    assert pressed.acked
    (event,) = side.heard
    assert (event.kind, event.sender.ext_id, event.sender.name) == (Kind.PRESSED, ANA.id, "Ana")
    assert event.payload == {"approval": "apr_1", "version": 3, "choice": "approve"}
    assert (event.place.id, event.place.thread, event.account) == (place, root.ts, TEAM)
    await side.idle()
    ((who, text),) = told(side, place)
    assert who == ANA.id and "*Approved.*" in text and "<!here>" not in text
    assert side.server.shown(place)[-1].thread_ts == root.ts


async def test_each_press_is_one_event_and_two_presses_are_two(side: Side) -> None:
    place = side.server.world.direct(ANA)
    ts = await card(side, place)
    first = await side.server.world.press(ANA, place, ts, "reject_action")
    await side.server.world.press(ANA, place, ts, "reject_action")
    await side.server.world.deliver("interactive", first.payload)
    names = [event.ext_id for event in side.heard]
    assert len(names) == 3 and len(set(names)) == 2 and names[0] == names[2]


@pytest.mark.parametrize(
    "error", [Forbidden("Others may decide this one."), Conflict("It was changed."), Invalid()]
)
async def test_a_press_in_vain_says_why_to_its_presser_alone(side: Side, error: Exception) -> None:
    place = side.server.world.channel("general", ANA, BEN)
    ts = await card(side, place)
    side.answer = lambda event: error
    pressed = await side.server.world.press(BEN, place, ts, "Approve")
    await side.idle()
    assert pressed.acked
    assert told(side, place) == [(BEN.id, str(error))]


async def test_a_press_that_was_not_stored_is_not_acknowledged(side: Side) -> None:
    place = side.server.world.direct(ANA)
    ts = await card(side, place)
    side.server.ack_s = 0.2
    side.answer = lambda event: StoreError()
    pressed = await side.server.world.press(ANA, place, ts, "Approve")
    assert len(side.heard) == 1 and not pressed.acked and told(side, place) == []


@pytest.mark.parametrize(
    "value", ["", "apr_1", "apr_1:3:approve:more", "apr_1:x:approve", "<>&", "a" * 2000]
)
async def test_a_forged_value_means_nothing(side: Side, value: str) -> None:
    place = side.server.world.direct(ANA)
    ts = await card(side, place)
    pressed = await side.server.world.press(ANA, place, ts, "Approve", value=value)
    await side.idle()
    assert pressed.acked and side.heard == [] and told(side, place) == []


async def test_another_workspaces_press_is_set_aside(side: Side) -> None:
    place = side.server.world.direct(ANA)
    ts = await card(side, place)
    pressed = await side.server.world.press(ANA, place, ts, "Approve")
    forged = {**pressed.payload, "team": {"id": "T0OTHER"}}
    await side.server.world.deliver("interactive", forged)
    assert len(side.heard) == 1


async def test_show_all_shows_all_to_those_who_may_see_it(side: Side) -> None:
    place = side.server.world.channel("general", ANA, BEN)
    ts = await card(side, place, replace(CARD, body=LONG))
    assert "Show all" in side.server.shown(place)[0].buttons
    await side.server.world.press(ANA, place, ts, "Show all")
    await side.server.world.press(BEN, place, ts, "Show all")
    await until(lambda: len(told(side, place)) == 2)
    assert dict(told(side, place)) == {
        ANA.id: "All of it",
        BEN.id: "There is no such approval here.",
    }
    assert side.heard == []


async def test_edit_opens_a_form_that_comes_back_with_its_texts(side: Side) -> None:
    place = side.server.world.direct(ANA)
    ts = await card(side, place)
    await side.server.world.press(ANA, place, ts, "Edit")
    await until(lambda: side.server.world.views)
    ((name, view),) = side.server.world.views.items()
    assert view["blocks"][0]["element"]["initial_value"] == "Hello world"
    assert side.heard == []
    side.answer = lambda event: "Approved as you changed it."
    done = await side.server.world.submit(ANA, name, {"Text": "Hello <there> & you"})
    assert done.acked and not done.response.get("errors")
    (event,) = side.heard
    assert event.kind == Kind.FORM and event.sender.ext_id == ANA.id
    assert event.payload == {
        "approval": "apr_1",
        "version": 3,
        "choice": "edit",
        "inputs": {"eff_1/text": "Hello <there> & you"},
    }
    await side.idle()
    assert told(side, place) == [(ANA.id, "Approved as you changed it.")]


async def test_what_is_wrong_with_a_form_is_said_in_it_and_it_can_be_sent_again(side: Side) -> None:
    place = side.server.world.direct(ANA)
    ts = await card(side, place)
    await side.server.world.press(ANA, place, ts, "Edit")
    await until(lambda: side.server.world.views)
    (name,) = side.server.world.views
    side.answer = lambda event: Invalid("It is too long.") if len(side.heard) == 1 else ""
    first = await side.server.world.submit(ANA, name, {"Text": "too long"})
    assert first.response == {"response_action": "errors", "errors": {"i0": "It is too long."}}
    second = await side.server.world.submit(ANA, name, {"Text": ""})
    assert second.acked and not second.response
    one, two = side.heard
    assert one.ext_id != two.ext_id and two.payload["inputs"] == {"eff_1/text": ""}


async def test_a_form_is_not_opened_for_those_who_may_not(side: Side) -> None:
    place = side.server.world.channel("general", ANA, BEN)
    ts = await card(side, place)
    await side.server.world.press(BEN, place, ts, "Ask")
    await until(lambda: told(side, place))
    assert told(side, place) == [(BEN.id, "There is no such approval here.")]
    assert side.server.world.views == {} and side.desk.who == [(TEAM, BEN.id)]


async def test_a_text_that_slack_cannot_hold_is_not_cut(side: Side) -> None:
    place = side.server.world.direct(ANA)
    ts = await card(side, place)
    side.desk.text = LONG
    await side.server.world.press(ANA, place, ts, "Edit")
    await until(lambda: told(side, place))
    assert "too long to be edited in Slack" in told(side, place)[0][1]
    assert side.server.world.views == {}


async def answer(side: Side, place: str, text: str = "Sunday", **more: Any) -> list[Any]:
    """An agent answers; gives what is shown."""
    await side.channel.send(out(place, text, extra={"agent": "bri"}, **more))
    return [item for item in side.server.shown(place) if item.user == BOT_USER]


async def test_thumbs_below_an_answer_and_what_was_wrong(side: Side) -> None:
    place = side.server.world.direct(ANA)
    (shown,) = await answer(side, place)
    assert (shown.text, "Sunday" in shown.words) == ("Sunday", True)
    side.answer = lambda event: "Thank you."
    await side.server.world.press(ANA, place, shown.ts, "positive")
    assert side.server.world.views == {}
    await side.server.world.press(ANA, place, shown.ts, "negative")
    await until(lambda: side.server.world.views)
    (name,) = side.server.world.views
    await side.server.world.submit(ANA, name, {"text": "Wrong day"})
    up, down, why = side.heard
    assert [event.payload["value"] for event in side.heard] == ["up", "down", "down"]
    assert why.payload["detail"] == "Wrong day"
    assert {event.reply_to for event in (up, down, why)} == {f"{place}:{shown.ts}"}
    assert {event.kind for event in side.heard} == {Kind.FEEDBACK}
    await side.idle()
    assert told(side, place) == [(ANA.id, "Thank you.")] * 3


async def test_thumbs_below_a_long_answer_are_of_all_of_it(side: Side) -> None:
    place = side.server.world.direct(ANA)
    parts = await answer(side, place, "A sentence like any other. " * 300)
    assert len(parts) > 2 and all(len(item.text) <= 3000 for item in parts)
    assert [bool(item.blocks) for item in parts] == [False] * (len(parts) - 1) + [True]
    side.channel._ledger._firsts.clear()  # as after a restart
    await side.server.world.press(ANA, place, parts[-1].ts, "positive")
    assert side.heard[0].reply_to == f"{place}:{parts[0].ts}"


async def test_a_press_that_is_delivered_twice_is_one_opinion(side: Side) -> None:
    place = side.server.world.direct(ANA)
    (shown,) = await answer(side, place)
    pressed = await side.server.world.press(ANA, place, shown.ts, "positive")
    await side.server.world.deliver("interactive", pressed.payload)
    assert len({event.ext_id for event in side.heard}) == 1


@pytest.mark.parametrize("value", ["", "-", "feedback", "feedback_positive_", ":1.1"])
async def test_a_forged_thumb_means_nothing(side: Side, value: str) -> None:
    place = side.server.world.direct(ANA)
    (shown,) = await answer(side, place)
    assert (await side.server.world.press(ANA, place, shown.ts, "positive", value=value)).acked
    assert side.heard == [] and side.server.world.views == {}


async def test_the_house_s_own_words_are_not_rated(side: Side) -> None:
    place = side.server.world.direct(ANA)
    await side.channel.send(out(place, "Here is help."))
    await side.channel.send(out(place, "Noted.", "ntc_1", kind=EffectKind.NOTICE))
    assert [item.blocks for item in side.server.shown(place)] == [[], []]


@pytest.mark.parametrize(
    "view",
    [
        {},
        {"callback_id": "approval_form", "private_metadata": "no json"},
        {"callback_id": "approval_form", "private_metadata": "[1]"},
        {"callback_id": "another", "private_metadata": "{}"},
        {"callback_id": "approval_form", "private_metadata": '{"keys": 5, "version": "x"}'},
        {"callback_id": "approval_form", "private_metadata": '{"keys": ["a"]}', "state": []},
    ],
)
def test_odd_views_break_nothing(view: dict[str, Any]) -> None:
    found = views.sent(view)
    assert found is None or found.about["version"] == 0


def test_a_form_with_too_many_texts_is_refused_whole() -> None:
    origin = views.Origin(channel="C1", thread="1.1", message="1.2")
    inputs = tuple(Input(key="k" * 99, label="", value="") for _ in range(45))
    form = Form(approval="a", version=1, choice="edit", title="T" * 40, inputs=inputs)
    with pytest.raises(Invalid, match="too many texts"):
        views.of_form(form, origin)
    few = views.of_form(replace(form, inputs=inputs[:3]), origin)
    assert len(json.dumps(few["title"])) < 100
