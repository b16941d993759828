"""`bot` itself: help, version, wrong words, and how little is imported to say so."""

import subprocess
import sys
from importlib import import_module

import pytest

from bot.cli.main import VERBS
from tests.bot.cli.conftest import Bot
from tests.fakes.api_server import ApiServer
from tests.process import ROOT

HEAVY = {"aiohttp", "pydantic", "sqlalchemy", "litellm", "asyncio", "alembic", "jinja2", "yaml"}
HEAVY |= {"cryptography", "apscheduler", "http", "email", "ssl", "bot.app", "bot.settings"}


def _imported(*words: str) -> set[str]:
    code = (
        "import sys; sys.argv[1:] = " + repr(list(words)) + "\n"
        "from bot.cli.main import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print('\\n'.join(sorted(sys.modules)), file=sys.stderr)"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stderr.split())


@pytest.mark.parametrize("words", [("--help",), ("--version",), (), ("nonsense",)])
def test_help_and_version_import_nothing_heavy(words: tuple[str, ...]) -> None:
    names = _imported(*words)
    assert not HEAVY & {*names, *(name.split(".")[0] for name in names)}


def test_the_import_budget_would_notice_a_heavy_verb() -> None:
    assert "pydantic" in _imported("status", "--config", "none.toml")


def test_a_verb_that_only_asks_the_house_does_not_load_the_house(
    bot: Bot, server: ApiServer
) -> None:
    names = _imported("routes", "list", "--help")
    assert not {"aiohttp", "sqlalchemy", "litellm", "bot.app"} & names


def test_help_lists_every_verb(bot: Bot) -> None:
    said = bot("--help")
    assert said.code == 0
    assert all(f"\n  {name} " in said.out for name in VERBS)


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_explains_itself(bot: Bot, verb: str) -> None:
    said = bot(verb, "--help")
    assert said.code == 0
    assert f"usage: bot {verb}" in said.out
    assert "--json" in said.out


def test_every_file_of_verbs_holds_what_the_table_says() -> None:
    for name, (file, _) in VERBS.items():
        assert name in import_module(f"bot.cli.{file}").VERBS


def test_version_is_one_line(bot: Bot) -> None:
    said = bot("--version")
    assert said.out.startswith("switchboard ")
    assert said.out.count("\n") == 1


def test_a_misspelt_verb_names_the_nearest(bot: Bot) -> None:
    said = bot("aprovals")
    assert said.code == 2
    assert said.err == "There is no verb aprovals. Did you mean `bot approvals`?\n"


def test_wrong_words_are_refused_with_the_usage(bot: Bot) -> None:
    said = bot("routes", "frobnicate")
    assert said.code == 2
    assert "usage: bot routes" in said.err


@pytest.mark.parametrize(
    "words", [("--json", "agents"), ("agents", "--json"), ("agents", "list", "--json")]
)
def test_json_may_stand_anywhere(bot: Bot, server: ApiServer, words: tuple[str, ...]) -> None:
    server.answers["GET", "/v1/agents"] = 200, {"items": [{"name": "bri"}], "next": None}
    assert bot(*words).json == {"items": [{"name": "bri"}]}


@pytest.mark.parametrize("words", [("--config", "x.toml", "run"), ("run", "--config", "x.toml")])
def test_config_may_stand_anywhere(bot: Bot, words: tuple[str, ...]) -> None:
    said = bot(*words)
    assert said.code == 2
    assert said.err == "x.toml: There is no such file. Name another, or make it.\n"
