"""Which model is asked: lists, keys, and what `bot doctor` says of them."""

from dataclasses import replace
from typing import Any

import pytest

from agents.runtime.choice import Choice, Options
from agents.runtime.failures import Kind
from agents.runtime.prices import Prices
from agents.runtime.providers import PROVIDERS
from bot.core.errors import SettingsError
from bot.core.model import Task
from bot.core.secret import Secret
from tests.agents.runtime.talk import request
from tests.fakes.clock import StillClock

KEYS = {"openai": Secret("sk-1"), "gemini": Secret("AIza-1")}


def choice(**options: Any) -> Choice:
    """A choice with its own clock and no map of prices."""
    prices = Prices({})
    prices.adopt({})
    return Choice(Options(**options), StillClock(), prices)


@pytest.mark.parametrize(
    ("options", "model", "names"),
    [
        ({}, "", ()),
        ({"keys": KEYS}, "", ("openai/gpt-5.4-mini", "gemini/gemini-3.8-flash")),
        ({"keys": KEYS, "default": ("gemini/a",)}, "", ("gemini/a",)),
        (
            {"keys": KEYS, "default": ("gemini/a",), "lists": {Task.REASON: ("openai/b",)}},
            "",
            ("openai/b", "gemini/a"),
        ),
        ({"keys": KEYS, "default": ("gemini/a",)}, "openai/c", ("openai/c", "gemini/a")),
        ({"endpoints": {"openai": "http://127.0.0.1:1/v1"}}, "", ("openai/gpt-5.4-mini",)),
    ],
    ids=["nothing", "keys alone", "default", "list of the task", "an agent's own", "only a server"],
)
def test_the_order_of_names(options: dict[str, Any], model: str, names: tuple[str, ...]) -> None:
    assert choice(**options).named(Task.REASON, model) == names


def test_models_without_a_key_are_passed_over_and_told() -> None:
    chosen = choice(keys=KEYS, default=("anthropic/claude-haiku-5-5", "openai/a", "ollama/b"))
    found = chosen.all_for(request())
    assert [c.model for c in found] == ["openai/a", "ollama/b"]
    bases = [c.base for c in found]
    assert bases == ["https://api.openai.com/v1", "http://127.0.0.1:11434"], "never left open"
    assert chosen.problems() == [
        "The model anthropic/claude-haiku-5-5 needs a key. Put it into ANTHROPIC_API_KEY."
    ]


def test_with_nothing_set_every_variable_is_named() -> None:
    with pytest.raises(SettingsError) as caught:
        choice().all_for(request())
    for row in PROVIDERS.values():
        assert row.variable in caught.value.message


def test_a_model_that_its_provider_retired_is_told() -> None:
    prices = Prices({})
    prices.adopt({"openai/old": {"deprecation_date": "2026-02-16"}, "openai/new": {}})
    options = Options(keys=KEYS, default=("openai/old", "openai/new"))
    problems = Choice(options, StillClock(), prices).problems()
    assert problems == ["OpenAI retired openai/old on 2026-02-16. Name another one."]


def test_when_all_rest_without_a_stated_time_they_are_still_asked() -> None:
    chosen = choice(keys=KEYS, default=("openai/a", "openai/b"))
    first, second = chosen.all_for(request())
    chosen.rest(first, first.failure(Kind.SERVER))
    assert [c.model for c in chosen.order(request(), 10)] == ["openai/b", "openai/a"]
    chosen.rest(second, second.failure(Kind.SERVER))
    assert [c.model for c in chosen.order(request(), 10)] == ["openai/a", "openai/b"]
    chosen.wake(second)
    assert [c.model for c in chosen.order(request(), 10)] == ["openai/b", "openai/a"]


def test_rest_is_uneven_so_that_not_everybody_comes_back_at_once() -> None:
    class Dice(StillClock):
        """Chance at both of its ends."""

        rolls = [b"\x00\x00", b"\xff\xff"]

        def chance(self, size: int) -> bytes:
            return self.rolls.pop(0)

    prices = Prices({})
    prices.adopt({})
    chosen = Choice(Options(keys=KEYS, default=("openai/a", "openai/b")), Dice(), prices)
    for candidate in chosen.all_for(request()):
        chosen.rest(candidate, candidate.failure(Kind.RATE))
    first, second = (rest.seconds for rest in chosen.resting())
    assert first == pytest.approx(20)
    assert 24.9 < second < 25


def test_a_tenant_s_own_key_that_fails_is_told_of_no_other_and_hides_nothing_of_the_house() -> None:
    own = {"ten_a": {"openai": Secret("sk-a")}, "ten_b": {}}
    chosen = choice(keys=KEYS, default=("openai/a",), keys_of=own.__getitem__)
    (theirs,), (ours,) = (chosen.all_for(request(tenant=each)) for each in ("ten_a", "ten_b"))
    chosen.rest(theirs, replace(theirs.failure(Kind.WRONG_KEY), status=401))
    assert (chosen.refused(), chosen.resting()) == ({}, [])
    assert [*chosen.order(request(tenant="ten_b"), 10)] == [ours]
    limited = replace(ours.failure(Kind.RATE), retry_after_s=50.0, status=429)
    chosen.rest(ours, limited)
    (rest,) = chosen.resting()
    assert (rest.model, rest.seconds, rest.cause, rest.status) == (
        "openai/a",
        50,
        "model.rate",
        429,
    )
    chosen.rest(ours, ours.failure(Kind.WRONG_KEY))
    chosen.rest(theirs, theirs.failure(Kind.RATE))
    assert chosen.refused()["openai/a"].key == ours.key
    chosen.wake(ours)
    assert (chosen.refused(), chosen.resting()) == ({}, [])


def test_when_none_can_read_so_much_the_one_that_reads_most_is_asked() -> None:
    prices = Prices({})
    prices.adopt({"openai/a": {"max_input_tokens": 10}, "openai/b": {"max_input_tokens": 20}})
    chosen = Choice(Options(keys=KEYS, default=("openai/a", "openai/b")), StillClock(), prices)
    assert [c.model for c in chosen.order(request(), 15)] == ["openai/b"]
    assert [c.model for c in chosen.order(request(), 50)] == ["openai/b"]
    assert [c.model for c in chosen.order(request(), 5)] == ["openai/a", "openai/b"]
