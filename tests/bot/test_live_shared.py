"""What one process shows of what runs in another, as far as words between them tell."""

import json
from typing import Any

import pytest

from bot.core.ids import ConvId, TenantId
from bot.fleet import HERE, Fleet
from bot.infra.clock import SystemClock
from bot.live_shared import IN_A_WORD, SharedLive
from bot.store.fleet import Worker

ACME, OTHER = TenantId("ten_a"), TenantId("ten_b")
CONV = ConvId("cnv_1")


class Air:
    """A way of words that reaches everybody at once."""

    in_commits = False
    deaf = ""

    def __init__(self) -> None:
        self.fleets: list[Fleet] = []
        self.words: list[str] = []
        self.is_still = False

    def send(self, word: str) -> bool:
        assert len(word.encode()) < 7_900
        self.words.append(word)
        for each in self.fleets if not self.is_still else ():
            each.hear(word)
        return True

    async def run(self) -> None:
        return None

    def join(self, name: str) -> SharedLive:
        """One more process."""
        nothing: Any = None
        me = Worker(id=f"own_{name}", place=name, version="1", files_shared=True)
        fleet = Fleet(nothing, SystemClock(), me)
        live = SharedLive(fleet)
        fleet.words, fleet.many = self, 2
        self.fleets.append(fleet)
        for each in self.fleets:
            each._heard = {other.id: 0.0 for other in self.fleets if other is not each}
        return live


@pytest.fixture
def air() -> Air:
    return Air()


def test_a_turn_here_is_shown_as_it_grows_to_who_watches_elsewhere(air: Air) -> None:
    here, there = air.join("one"), air.join("two")
    assert not here.is_watched(ACME, CONV, "evt_1")
    with there.subscribe(ACME, CONV), there.subscribe(ACME, CONV):
        assert here.is_watched(ACME, CONV, "evt_1")
        assert not here.is_watched(OTHER, CONV, "evt_1")
        assert not here.is_watched(ACME, ConvId("cnv_2"), "evt_1")
    assert not here.is_watched(ACME, CONV, "evt_1")
    with there.follow(ACME, "evt_1", texts=True):
        assert here.is_watched(ACME, CONV, "evt_1")
    with there.follow(ACME, "evt_1", texts=False):
        assert not here.is_watched(ACME, CONV, "evt_1")
    assert here._elsewhere == {}


def test_it_is_said_once_however_many_watch(air: Air) -> None:
    air.join("one")
    there = air.join("two")
    with there.subscribe(ACME, CONV), there.subscribe(ACME, CONV):
        pass
    assert [json.loads(word)[2] for word in air.words] == ["live.watches", "live.left"]


def test_two_that_watch_are_told_apart(air: Air) -> None:
    here, one, two = (air.join(name) for name in ("here", "one", "two"))
    with one.subscribe(ACME, CONV):
        with two.subscribe(ACME, CONV):
            pass
        assert here.is_watched(ACME, CONV, "evt_1")


def test_whoever_comes_later_is_told_who_watches(air: Air) -> None:
    there = air.join("one")
    with there.subscribe(ACME, CONV):
        here = air.join("two")
        air.fleets[-1].say(HERE)
        assert here.is_watched(ACME, CONV, "evt_1")


def test_who_missed_words_is_told_again_when_the_others_hear_of_it(air: Air) -> None:
    here, there = air.join("one"), air.join("two")
    air.is_still = True
    watches = [there.follow(ACME, f"evt_{n}", texts=True) for n in range(3 * IN_A_WORD)]
    assert not here.is_watched(ACME, CONV, "evt_7")
    air.is_still = False
    there.lose()  # as the word `missed` has it
    assert all(here.is_watched(ACME, CONV, f"evt_{n}") for n in range(3 * IN_A_WORD))
    for n, watch in enumerate(watches):
        there.leave((ACME, f"evt_{n}"), watch)
    assert here._elsewhere == {}


def test_who_missed_words_asks_the_others_who_watches(air: Air) -> None:
    here, there = air.join("one"), air.join("two")
    air.is_still = True
    with there.subscribe(ACME, CONV):
        air.is_still = False
        assert not here.is_watched(ACME, CONV, "evt_1")
        here.lose()  # its own echo did not come, of which the others know nothing
        assert here.is_watched(ACME, CONV, "evt_1")


def test_who_left_unheard_is_not_kept_for_ever(air: Air) -> None:
    here, there = air.join("one"), air.join("two")
    watches = [there.follow(ACME, f"evt_{n}", texts=True) for n in range(5)]
    air.is_still = True
    for n, watch in enumerate(watches[1:], 1):
        there.leave((ACME, f"evt_{n}"), watch)
    air.is_still = False
    here.lose()
    assert list(here._elsewhere) == [(ACME, "evt_0")]


def test_a_watcher_at_a_process_that_is_new_here_is_not_forgotten(air: Air) -> None:
    here, there = air.join("one"), air.join("two")
    air.fleets[0]._heard.clear()  # until the next sign of life
    with there.subscribe(ACME, CONV):
        here.lose()
        assert here.is_watched(ACME, CONV, "evt_1")


def test_who_died_watches_no_more(air: Air) -> None:
    here, there = air.join("one"), air.join("two")
    there.subscribe(ACME, CONV)
    here.lose()
    assert here.is_watched(ACME, CONV, "evt_1")
    air.fleets.pop()
    here.lose()
    assert not here.is_watched(ACME, CONV, "evt_1")
