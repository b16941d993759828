"""What models cost and how much they can read, for reserving, settling and choosing.

The operator's own prices come first, then the map that LiteLLM ships (never its remote copy). A
model that neither knows has no price: that is None, not zero. The map is read from LiteLLM's file,
without importing it, when something is asked before LiteLLM is loaded. Prices depend on the clock
at some providers; what is reserved is the highest, what is settled is LiteLLM's own reckoning.
"""

import json
import re
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from math import ceil
from pathlib import Path

from agents.runtime.providers import provider
from bot.core.canonical import Json
from bot.core.model import Usage
from bot.frozen import frozen

MAP_FILE = "model_prices_and_context_window_backup.json"
_TIER = re.compile(r"_above_(\d+)k_tokens")


@frozen
class Price:
    """US dollars for a million tokens, which is millionths of a dollar for one."""

    input: float
    output: float

    def micros(self, tokens_in: int, tokens_out: int) -> int:
        """What so many tokens cost, in millionths of a dollar, rounded up."""
        return ceil(tokens_in * self.input + tokens_out * self.output - 1e-6)


Tiers = tuple[tuple[int, float], ...]
"""Prices of a token, each with the tokens that a prompt must exceed for it."""
FREE = Price(input=0.0, output=0.0)
Map = Mapping[str, Mapping[str, Json]]


class Prices:
    """The list of prices."""

    def __init__(self, own: Mapping[str, Price]) -> None:
        self._own = own
        self._map: Map | None = None
        self._entries: dict[str, Mapping[str, Json]] = {}
        self._tiers: dict[str, tuple[Tiers, Tiers]] = {}

    def adopt(self, entries: Map) -> None:
        """Use LiteLLM's map as it stands in memory, instead of a copy of our own."""
        self._map = entries
        self._entries.clear()
        self._tiers.clear()

    def look_up(self, models: Iterable[str]) -> None:
        """Find these now; for a thread, because the map is long. Nothing when they are known."""
        for model in models:
            self._entry(model)

    def peak(self, model: str, tokens_in: int) -> Price | None:
        """The most that a token can cost in a call with so much to read; None when unknown."""
        own = self._known(model)
        if own is not None:
            return own
        tiers = self._tiers.get(model)
        if tiers is None:
            entry = self._entry(model)
            tiers = _tiers(entry, "input_cost_per_token"), _tiers(entry, "output_cost_per_token")
            self._tiers[model] = tiers
        price_in, price_out = (_highest(each, tokens_in) for each in tiers)
        if price_in is None or price_out is None:
            return None
        return Price(input=price_in * 1e6, output=price_out * 1e6)

    def second(self, model: str) -> float | None:
        """US dollars for a second of speech; None where tokens are counted, or nobody knows."""
        if self._known(model) is not None:
            return None
        entry = self._entry(model)
        found = [entry.get(f"{way}_cost_per_second") for way in ("input", "output")]
        return max((float(each) for each in found if isinstance(each, int | float)), default=None)

    def settle(self, model: str, tokens: tuple[int, int], reckoned: float | None) -> Usage:
        """What a call cost; `reckoned` is LiteLLM's or the provider's own sum in US dollars."""
        tokens_in, tokens_out = tokens
        own = self._known(model)
        micros: int | None
        if own is not None:
            micros = own.micros(tokens_in, tokens_out)
        elif reckoned:
            micros = round(reckoned * 1e6)
        elif tokens_in + tokens_out == 0:
            micros = 0
        else:
            peak = self.peak(model, 0)  # LiteLLM says 0.0 of what it does not know
            micros = peak.micros(tokens_in, tokens_out) if peak else None
        return Usage(tokens_in=tokens_in, tokens_out=tokens_out, micros=micros)

    def context(self, model: str) -> int | None:
        """How many tokens the model can read; None when unknown."""
        found = self._entry(model).get("max_input_tokens")
        return found if isinstance(found, int) else None

    def is_chat(self, model: str) -> bool:
        """Whether LiteLLM's map has it as a model for chats; others are asked by other routes."""
        return self._entry(model).get("mode") == "chat"

    def retires(self, model: str) -> str:
        """The day from which the provider serves it no longer, `YYYY-MM-DD`; mostly empty."""
        found = self._entry(model).get("deprecation_date")
        return found if isinstance(found, str) else ""

    def _known(self, model: str) -> Price | None:
        own = self._own.get(model)
        if own is None and provider(model.partition("/")[0]).is_local:
            return FREE
        return own

    def _entry(self, model: str) -> Mapping[str, Json]:
        entry = self._entries.get(model)
        if entry is None:
            if self._map is None:
                self._map = read_map()
            entry = self._entries[model] = _find(self._map, model)
        return entry


def _find(entries: Map, model: str) -> Mapping[str, Json]:
    """The entry of a model; some stand without the prefix, and then name their provider."""
    entry = entries.get(model)
    if entry is None:
        name, _, bare = model.partition("/")
        entry = entries.get(bare)
        if entry is not None and entry.get("litellm_provider") != name:
            entry = None
    return entry or {}


def _tiers(entry: Mapping[str, Json], field: str) -> Tiers:
    """The price of a token, and the dearer ones of long prompts."""
    found = []
    for name, value in entry.items():
        if not isinstance(value, int | float):
            continue
        if name == field:
            found.append((-1, float(value)))
        elif name.startswith(field) and (tier := _TIER.fullmatch(name.removeprefix(field))):
            found.append((int(tier[1]) * 1000, float(value)))
    return tuple(found)


def _highest(tiers: Tiers, tokens_in: int) -> float | None:
    return max((price for least, price in tiers if tokens_in > least), default=None)


def read_map() -> Map:
    """LiteLLM's map from its file; empty when LiteLLM is not installed. About 30 ms."""
    spec = find_spec("litellm")
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        return {}
    try:
        found = json.loads((Path(folders[0]) / MAP_FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
