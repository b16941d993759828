"""Addresses of vendors: a misspelt name is told, and every name that somebody reads is known."""

import re
from pathlib import Path

import pytest

from bot.config.endpoints import BEHIND, unknown
from bot.config.mistakes import Mistaken
from bot.config.sections import Models
from bot.services.sites import NAMES as SITES
from bot.settings import load

ROOT = Path(__file__).parents[3]
PLACE = "https://vendor.example"


@pytest.mark.parametrize(
    ("variable", "near"),
    [
        ("BOT_ENDPOINT_TELEGRAMM", "telegram"),
        ("BOT_ENDPOINT_TWILLIO", "twilio"),
        ("BOT_ENDPOINT_OPNAI", "openai"),
        ("BOT_ENDPOINT_GOGGLE", "google"),
        ("BOT_ENDPOINT_GROK", "groq"),
        ("BOT_ENDPOINT_GOOGLE_TOKNE", "google_token"),
    ],
)
def test_a_misspelt_name_is_told_with_the_right_one(variable: str, near: str) -> None:
    name = variable.removeprefix("BOT_ENDPOINT_").lower()
    with pytest.raises(Mistaken) as caught:
        load(None, {variable: PLACE, "BOT_MODELS_FAST": "groq/llama"})
    said = f"{variable}: Nothing here is called {name}. Did you mean {near}?"
    assert str(caught.value).startswith(said)


def test_a_misspelt_name_in_the_file_is_told_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "bot.toml"
    file.write_text(f'[endpoint]\nslak = "{PLACE}"\n')
    with pytest.raises(Mistaken, match=r"bot\.toml:2:1: endpoint\.slak: .* mean slack\?"):
        load(str(file), {})


@pytest.mark.parametrize(
    "name", ["slack", "x", "graph", "ghost", "google_token", "gemini", "mistral", "mylab"]
)
def test_who_is_there_and_who_may_come_by_an_agents_file_is_taken(name: str) -> None:
    assert load(None, {f"BOT_ENDPOINT_{name.upper()}": PLACE}).endpoint == {name: PLACE}


def test_a_provider_whose_model_an_agents_file_names_is_no_misspelling(tmp_path: Path) -> None:
    environ = {"BOT_ENDPOINT_DISCOURSE": PLACE, "BOT_AGENTS_DIR": str(tmp_path)}
    with pytest.raises(Mistaken, match="mean discord"):
        load(None, environ)
    (tmp_path / "dora.md").write_text("---\nname: dora\nmodel: discourse/large\n---\nBe brief.\n")
    assert load(None, environ).endpoint == {"discourse": PLACE}
    with pytest.raises(Mistaken, match="mean slack"):
        load(None, {**environ, "BOT_ENDPOINT_SLAK": PLACE})


def test_a_package_may_bring_a_name_that_is_near_one_of_ours() -> None:
    environ = {"BOT_ENDPOINT_TELEGRAMM": PLACE, "BOT_EXTENSIONS_ALLOW": "telegramm"}
    assert load(None, environ).endpoint == {"telegramm": PLACE}


def test_only_who_is_here_and_whose_model_is_named_is_known() -> None:
    models = Models(fast=("groq/llama",), embeddings="voyage/v3")
    assert unknown(("groq", "voyage", "stripe", "mistral"), models) == ["mistral"]


def test_every_name_that_somebody_reads_is_known() -> None:
    read = set(SITES)
    for path in (*ROOT.glob("channels/**/*.py"), *ROOT.glob("bot/**/*.py")):
        read |= set(re.findall(r'endpoints?\.get\("(\w+)"', path.read_text("utf-8")))
    assert len(read) > 3 and unknown(read, Models()) == []
    assert unknown(BEHIND, Models()) == []
