"""What models cost: own prices, the map, the highest tier, and honest ignorance."""

import pytest

from agents.runtime.prices import FREE, Map, Price, Prices, read_map
from tests.agents.runtime.talk import needs_litellm

MAP: Map = {
    "gpt-known": {
        "litellm_provider": "openai",
        "input_cost_per_token": 1e-6,
        "output_cost_per_token": 4e-6,
        "input_cost_per_token_above_100k_tokens": 2e-6,
        "output_cost_per_token_above_100k_tokens": 8e-6,
        "input_cost_per_token_above_100k_tokens_batches": 9e-6,
        "max_input_tokens": 200_000,
    },
    "gemini/free": {"input_cost_per_token": 0.0, "output_cost_per_token": 0.0},
}


@pytest.fixture
def prices() -> Prices:
    made = Prices({"openai/mine": Price(input=3.0, output=9.0)})
    made.adopt(MAP)
    return made


@pytest.mark.parametrize(
    ("model", "tokens_in", "price"),
    [
        ("openai/mine", 10, Price(input=3.0, output=9.0)),
        ("openai/gpt-known", 10, Price(input=1.0, output=4.0)),
        ("openai/gpt-known", 100_001, Price(input=2.0, output=8.0)),
        ("cerebras/gpt-known", 10, None),
        ("openrouter/openai/gpt-known", 10, None),
        ("gemini/free", 10, FREE),
        ("ollama/llama", 10, FREE),
    ],
    ids=["own", "map", "dearer tier", "another's", "OpenRouter", "free", "local"],
)
def test_the_most_that_a_token_costs(
    prices: Prices, model: str, tokens_in: int, price: Price | None
) -> None:
    assert prices.peak(model, tokens_in) == price


@pytest.mark.parametrize(
    ("model", "reckoned", "micros"),
    [
        ("openai/mine", 0.5, 3 * 100 + 9 * 10),
        ("openai/gpt-known", 0.000123, 123),
        ("openai/gpt-known", 0.0, 100 + 40),
        ("openai/unheard", 0.0, None),
        ("openai/unheard", None, None),
        ("openrouter/any", 0.002, 2000),
        ("gemini/free", 0.0, 0),
        ("ollama/llama", None, 0),
    ],
)
def test_what_a_call_cost(
    prices: Prices, model: str, reckoned: float | None, micros: int | None
) -> None:
    assert prices.settle(model, (100, 10), reckoned).micros == micros


def test_parts_of_a_millionth_are_rounded_up() -> None:
    assert Price(input=0.15, output=0.6).micros(1, 1) == 1
    assert Price(input=0.15, output=0.6).micros(120, 30) == 36


def test_room_is_known_or_not(prices: Prices) -> None:
    assert prices.context("openai/gpt-known") == 200_000
    assert prices.context("openai/unheard") is None


@pytest.mark.parametrize("mark", needs_litellm[:1])
def test_the_map_is_read_without_an_import(mark: object) -> None:
    assert len(read_map()) > 1000
