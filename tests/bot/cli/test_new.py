"""`bot new`: what it writes is accepted by the house as it stands, and nothing is written over."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot.cli.blueprints import BLUEPRINTS
from tests.bot.cli.conftest import Bot
from tests.house.tree import House, Rule
from tests.house.tree import read as read_house
from tests.process import ROOT, surroundings
from tests.test_house import RULES

SOURCE = ("bot", "agents", "channels", "tools", "scheduler", "tests")


def _names(kind: str) -> list[str]:
    """A short and a long name: lines must fit either way."""
    group = "social/" if kind == "tool" else ""
    sign = "-" if kind == "agent" else "_"
    return [f"{group}ex{sign}{kind}", f"{group}{f'ex{sign}{kind}{sign}'.ljust(30, 'x')}"]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of this checkout with two new files of each kind."""
    root = tmp_path_factory.mktemp("checkout")
    for name in SOURCE:
        skip = shutil.ignore_patterns("__pycache__", "payloads", "browser")
        shutil.copytree(ROOT / name, root / name, ignore=skip)
    shutil.copy(ROOT / "pyproject.toml", root)
    for kind in BLUEPRINTS:
        for name in _names(kind):
            words = ["new", kind, name, "--into", str(root), "--docs", "https://docs.example/api"]
            done = subprocess.run(
                [sys.executable, "-m", "bot", *words],
                capture_output=True,
                text=True,
                env=surroundings(root / "home"),
                cwd=root,
            )
            assert done.returncode == 0, done.stderr
    return root


@pytest.fixture(scope="module")
def house() -> House:
    """The tree that this test lies in."""
    return read_house(ROOT)


@pytest.fixture(scope="module")
def written(checkout: Path, house: House) -> dict[str, str]:
    """The new files of the copy."""
    after = read_house(checkout).files
    return {path: text for path, text in after.items() if path not in house.files}


def test_each_kind_is_one_file_and_its_test(written: dict[str, str]) -> None:
    files = {path for path in written if not path.endswith("__init__.py")}
    assert {path for path in files if "xx" not in path and "ex" in path} == {
        "agents/ex-agent.md",
        "tests/agents/test_ex_agent.py",
        "tools/social/ex_tool.py",
        "tests/tools/social/test_ex_tool.py",
        "channels/ex_channel.py",
        "tests/channels/test_ex_channel.py",
        "bot/oauth/providers/ex_provider.py",
        "tests/bot/oauth/providers/test_ex_provider.py",
        "bot/webhooks/ex_webhook.py",
        "tests/bot/webhooks/test_ex_webhook.py",
        "scheduler/jobs/ex_job.py",
        "tests/scheduler/jobs/test_ex_job.py",
    }


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_what_is_written_keeps_the_rules_of_the_house(
    house: House, written: dict[str, str], rule: Rule
) -> None:
    files = {**house.files, **written}
    complaints = [line for line in rule(House(files=files)) if line.split(":")[0] in written]
    assert complaints == []


def _run(checkout: Path, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *words],
        cwd=checkout,
        capture_output=True,
        text=True,
        env=surroundings(checkout / "home", PYTHONPATH=str(checkout)),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _mine(written: dict[str, str]) -> list[str]:
    named = ("/ex_", "/test_ex_")
    return [p for p in written if p.endswith(".py") and any(n in p for n in named)]


def test_what_is_written_passes_its_own_tests(checkout: Path, written: dict[str, str]) -> None:
    tests = [path for path in _mine(written) if path.startswith("tests/")]
    _run(checkout, "pytest", "-q", "-p", "no:cacheprovider", *tests)


def test_what_is_written_keeps_the_style(checkout: Path, written: dict[str, str]) -> None:
    _run(checkout, "ruff", "check", "--no-cache", *_mine(written))
    _run(checkout, "ruff", "format", "--no-cache", "--check", *_mine(written))


def test_nothing_is_written_over(bot: Bot, tmp_path: Path) -> None:
    (tmp_path / "tests").mkdir()
    assert bot("new", "job", "tidy", "--into", ".").code == 0
    (tmp_path / "scheduler" / "jobs" / "tidy.py").write_text("mine")
    (tmp_path / "tests" / "scheduler" / "jobs" / "test_tidy.py").unlink()
    said = bot("new", "job", "tidy", "--into", ".")
    assert said.code == 1
    assert said.err == "scheduler/jobs/tidy.py is there already. Take another name.\n"
    assert not (tmp_path / "tests" / "scheduler" / "jobs" / "test_tidy.py").exists()


def test_an_agent_goes_where_agents_are_looked_for(bot: Bot, tmp_path: Path) -> None:
    told = bot("new", "agent", "ada", "--json", BOT_AGENTS_DIR=str(tmp_path / "team")).json
    assert told["files"] == [str(tmp_path / "team" / "ada.md")]
    assert "You are Ada." in (tmp_path / "team" / "ada.md").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("tool", "mastodon"), "A tool stands in a group: bot new tool social/mastodon"),
        (("channel", "a/b"), "Only a tool stands in a group."),
        (("job", "9lives"), "9lives is no name"),
        (("job", "../x"), "Only a tool stands in a group."),
        (("tool", "../x"), ".. is no name"),
        (("job", "import"), "import is no name"),
        (("agent", "a_b"), "a_b is no name: small letters, digits and dashes"),
        (("job", "x" * 31), "30 at most"),
        (("provider", "x", "--docs", "http://x"), "--docs takes the https address"),
        (("job", "tidy"), "is no checkout of Switchboard"),
    ],
)
def test_what_makes_no_file_is_refused(
    bot: Bot, tmp_path: Path, words: tuple[str, ...], said: str
) -> None:
    done = bot("new", *words, "--into", str(tmp_path))
    assert done.code == 1
    assert said in done.err
    assert list(tmp_path.iterdir()) == []
