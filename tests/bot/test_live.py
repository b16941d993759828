"""What watchers see: nothing twice, nothing missing, nobody waited for."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.canonical import Json
from bot.core.ids import ConvId, TenantId
from bot.live import MAX_DRAFTS, MAX_NOTES, Draft, Live, Note, Watch

ACME, OTHER = TenantId("ten_a"), TenantId("ten_b")
CONV = ConvId("cnv_1")
LINE: dict[str, Json] = {
    "id": "msg_1",
    "role": "assistant",
    "text": "Hello",
    "turn": "evt_1",
    "n": 2,
}


@pytest.fixture
async def live() -> AsyncIterator[Live]:
    yield Live()


async def seen(watch: Watch) -> list[Note]:
    """Everything that waits for a watcher."""
    found: list[Note] = []
    while (note := await watch.next(0)) is not None:
        found.append(note)
    return found


def text_of(notes: list[Note]) -> str:
    return "".join(str(note.data["delta"]) for note in notes if note.what == "draft")


async def test_a_turn_is_seen_from_its_beginning_to_its_end(live: Live) -> None:
    with live.subscribe(ACME, CONV) as watch:
        live.begin(ACME, CONV, "evt_1", 0)
        live.text(ACME, CONV, "evt_1", "Hel")
        first = await seen(watch)
        live.activity(ACME, CONV, "evt_1", "reading a page")
        live.text(ACME, CONV, "evt_1", "lo")
        second = await seen(watch)
        live.end(ACME, CONV, "evt_1", LINE)
        third = await seen(watch)
    assert [note.what for note in first] == ["look", "state", "draft"]
    assert first[-1].place == "evt_1.0.3"
    assert [note.what for note in second] == ["activity", "draft"]
    assert second[-1].place == "evt_1.0.5"
    assert [note.what for note in third] == ["activity", "message", "state"]
    assert third[0].data == {"turn": "evt_1", "text": ""}
    assert third[1].data == LINE


async def test_whoever_comes_late_gets_the_draft_so_far(live: Live) -> None:
    live.begin(ACME, CONV, "evt_1", 0)
    live.text(ACME, CONV, "evt_1", "Hello ")
    live.activity(ACME, CONV, "evt_1", "thinking")
    with live.subscribe(ACME, CONV) as watch:
        live.text(ACME, CONV, "evt_1", "you")
        notes = await seen(watch)
    assert [note.what for note in notes] == ["activity", "draft"]
    assert text_of(notes) == "Hello you"


async def test_a_watcher_goes_on_at_a_character(live: Live) -> None:
    live.begin(ACME, CONV, "evt_1", 0)
    live.text(ACME, CONV, "evt_1", "Grüße 👩‍💻!")
    for offset in range(len("Grüße 👩‍💻!") + 1):
        with live.subscribe(ACME, CONV) as watch:
            assert watch.resume("evt_1", 0, offset)
            assert text_of(await seen(watch)) == "Grüße 👩‍💻!"[offset:]


@pytest.mark.parametrize(
    ("turn", "attempt", "offset"),
    [("evt_2", 0, 0), ("evt_1", 1, 0), ("evt_1", 0, 6), ("evt_1", 0, -1)],
)
async def test_a_place_that_is_not_there_is_not_gone_on_from(
    live: Live, turn: Any, attempt: Any, offset: Any
) -> None:
    live.begin(ACME, CONV, "evt_1", 0)
    live.text(ACME, CONV, "evt_1", "Hello")
    with live.subscribe(ACME, CONV) as watch:
        assert not watch.resume(turn, attempt, offset)
        assert text_of(await seen(watch)) == "Hello"


async def test_a_second_attempt_resets_the_first(live: Live) -> None:
    with live.subscribe(ACME, CONV) as watch:
        live.begin(ACME, CONV, "evt_1", 0)
        live.text(ACME, CONV, "evt_1", "Half an ans")
        await seen(watch)
        live.begin(ACME, CONV, "evt_1", 1)
        live.text(ACME, CONV, "evt_1", "A whole one")
        notes = await seen(watch)
    assert [note.what for note in notes] == ["reset", "look", "state", "draft"]
    assert text_of(notes) == "A whole one"
    assert notes[-1].place == "evt_1.1.11"


async def test_a_turn_without_an_answer_takes_its_draft_back(live: Live) -> None:
    with live.subscribe(ACME, CONV) as watch:
        live.begin(ACME, CONV, "evt_1", 0)
        live.text(ACME, CONV, "evt_1", "Never min")
        await seen(watch)
        live.end(ACME, CONV, "evt_1", {})
        assert [note.what for note in await seen(watch)] == ["reset", "state"]


async def test_another_tenant_with_the_same_ids_sees_nothing(live: Live) -> None:
    with live.subscribe(OTHER, CONV) as watch, live.follow(OTHER, "evt_1", True) as follower:
        live.begin(ACME, CONV, "evt_1", 0)
        live.text(ACME, CONV, "evt_1", "secret")
        live.tell(ACME, CONV, "approval", {"id": "apr_1"})
        live.end(ACME, CONV, "evt_1", LINE)
        assert await seen(watch) == []
        assert await seen(follower) == []


async def test_text_of_another_turn_is_not_mixed_in(live: Live) -> None:
    with live.subscribe(ACME, CONV) as watch:
        live.begin(ACME, CONV, "evt_2", 0)
        live.text(ACME, CONV, "evt_1", "late")
        live.text(ACME, CONV, "evt_2", "mine")
        assert text_of(await seen(watch)) == "mine"


async def test_a_draft_says_who_writes_it_from_its_first_piece_on(live: Live) -> None:
    with live.subscribe(ACME, CONV) as watch:
        live.begin(ACME, CONV, "evt_1", 0)
        live.tell(ACME, CONV, "agent", {"agent": "fran"})
        live.text(ACME, CONV, "evt_1", "Hello")
        (draft,) = [note for note in await seen(watch) if note.what not in ("look", "state")]
        assert (draft.what, draft.data["agent"]) == ("draft", "fran")
        live.end(ACME, CONV, "evt_1", LINE)
        live.begin(ACME, CONV, "evt_2", 0)
        live.text(ACME, CONV, "evt_2", "Again")
        (draft,) = [note for note in await seen(watch) if note.what == "draft"]
        assert draft.data["agent"] == ""


async def test_a_follower_of_a_turn_gets_its_text_and_its_end(live: Live) -> None:
    with live.follow(ACME, "evt_1", True) as watch:
        live.begin(ACME, CONV, "evt_1", 0)
        live.text(ACME, CONV, "evt_1", "Hello")
        assert live.is_watched(ACME, CONV, "evt_1")
        assert text_of(await seen(watch)) == "Hello"
        live.end(ACME, CONV, "evt_1", LINE)
        assert [(n.what, n.data) for n in await seen(watch)] == [("end", LINE)]


async def test_a_follower_without_texts_wakes_for_the_end_alone(live: Live) -> None:
    with live.follow(ACME, "evt_1", False) as watch:
        live.begin(ACME, CONV, "evt_1", 0)
        live.text(ACME, CONV, "evt_1", "Hello")
        assert not live.is_watched(ACME, CONV, "evt_1")
        assert await seen(watch) == []
        live.end(ACME, CONV, "evt_1", LINE)
        assert [note.what for note in await seen(watch)] == ["end"]


async def test_a_slow_watcher_loses_notes_but_holds_nobody_up(live: Live) -> None:
    with live.subscribe(ACME, CONV) as slow, live.subscribe(ACME, CONV) as fast:
        for number in range(MAX_NOTES + 1):
            live.tell(ACME, CONV, "state", {"n": number})
            assert [note.data["n"] for note in await seen(fast)] == [number]
        notes = await seen(slow)
    assert notes[0].what == "lost"
    assert len(notes) <= MAX_NOTES


async def test_a_slow_watcher_loses_no_text(live: Live) -> None:
    with live.subscribe(ACME, CONV) as slow:
        live.begin(ACME, CONV, "evt_1", 0)
        for _ in range(MAX_NOTES * 4):
            live.text(ACME, CONV, "evt_1", "ab")
        notes = await seen(slow)
    assert [note.what for note in notes] == ["look", "state", "draft"]
    assert text_of(notes) == "ab" * MAX_NOTES * 4


async def test_an_idle_house_holds_nothing(live: Live) -> None:
    for number in range(50):
        conv, turn = ConvId(f"cnv_{number}"), f"evt_{number}"
        with live.subscribe(ACME, conv), live.follow(ACME, turn, True):
            live.begin(ACME, conv, turn, 0)
            live.text(ACME, conv, turn, "x" * 100)
            live.end(ACME, conv, turn, LINE)
    assert live._drafts == {}
    assert live._watches == {}


async def test_drafts_that_nobody_ended_are_bounded(live: Live) -> None:
    for number in range(MAX_DRAFTS + 10):
        live.begin(ACME, ConvId(f"cnv_{number}"), f"evt_{number}", 0)
    assert len(live._drafts) == MAX_DRAFTS


async def test_a_waiting_watcher_is_woken_by_text(live: Live) -> None:
    live.begin(ACME, CONV, "evt_1", 0)
    with live.subscribe(ACME, CONV) as watch:
        waiting = asyncio.create_task(watch.next(60))
        await asyncio.sleep(0)
        live.text(ACME, CONV, "evt_1", "Hello")
        note = await waiting
        assert note
        assert note.data["delta"] == "Hello"


async def test_the_end_of_the_house_ends_every_watch(live: Live) -> None:
    with live.subscribe(ACME, CONV) as watch:
        waiting = asyncio.create_task(watch.next(60))
        await asyncio.sleep(0)
        live.close()
        assert await waiting is None
        assert watch.is_closed
    with live.subscribe(ACME, CONV) as late:
        assert late.is_closed


@given(pieces=st.lists(st.text(max_size=5)), offset=st.integers(min_value=0, max_value=40))
def test_since_is_a_slice_of_the_whole_text(pieces: list[str], offset: int) -> None:
    draft = Draft(turn="evt_1", attempt=0)
    for piece in pieces:
        draft.add(piece)
    assert draft.since(offset) == "".join(pieces)[offset:]
    assert draft.length == len("".join(pieces))
