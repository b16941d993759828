"""The tests of the door to models, shown what they must complain of: each takes one guard away."""

from typing import Any

import pytest

from agents.runtime import wire
from agents.runtime.answers import Reader
from agents.runtime.choice import Choice
from agents.runtime.transport import Voice
from bot.budgets import Budgets
from tests.agents.runtime import test_llm_failures as failures
from tests.agents.runtime import test_paid_once as paid
from tests.agents.runtime.model_house import House

RED = (AssertionError, pytest.fail.Exception)


async def test_whoever_does_not_hear_that_words_were_said_lets_another_model_say_more(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Voice, "__call__", lambda self, text: self._on_text(text))
    with pytest.raises(RED):
        await failures.test_a_stream_that_breaks_after_words_is_not_answered_by_another(house)


async def test_half_a_stream_passes_for_a_whole_where_nobody_looks_for_its_end(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = Reader.end

    def end(self: Reader) -> Any:
        self._finish = self._finish or "stop"
        return usual(self)

    monkeypatch.setattr(Reader, "end", end)
    monkeypatch.setattr(wire, "_has_finished", lambda chunks: True)
    with pytest.raises(RED):
        await failures.test_words_without_a_reason_for_their_end_are_never_a_whole_answer(house)
    with pytest.raises(RED):
        await failures.test_a_stream_without_a_reason_for_its_end_is_asked_again(house)


async def test_without_rest_a_model_that_failed_is_asked_first_again(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Choice, "rest", lambda self, candidate, failure: None)
    with pytest.raises(RED):
        await failures.test_the_next_model_answers_and_the_failed_one_rests(house)
    house.server.requests.clear()
    with pytest.raises(RED):
        await failures.test_a_pause_that_the_provider_named_is_kept(house)


async def test_what_is_held_back_and_never_given_back_is_paid_twice(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = Budgets.settle

    def settle(self: Budgets, hold: Any, usage: Any) -> None:
        usual(self, None, usage)

    monkeypatch.setattr(Budgets, "settle", settle)
    with pytest.raises(RED):
        await paid.test_an_answer_that_a_second_model_gave_is_paid_once(house)
