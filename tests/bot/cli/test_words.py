"""Words that do not fit, and input that ends too early: a sentence with the mend, never a fault."""

import ast
import errno
import os
from argparse import Namespace
from pathlib import Path

import pytest

from bot.cli import bench
from bot.cli.guard import guarded
from bot.cli.shell import Shell
from bot.command import COMMAND
from bot.core.errors import OperatorError
from tests.bot.cli.conftest import Bot
from tests.bot.cli.test_connect import playing
from tests.fakes.api_server import ApiServer
from tests.fakes.terminal import Sitting
from tests.process import ROOT, surroundings

WRONG = [
    (("approvals", "lst"), "lst is no action of `bot approvals`. Did you mean list?"),
    (
        ("feedback", "x"),
        "x is no action of `bot feedback`. There are: list, export.",
    ),
    (("new", "agnt", "x"), "agnt is no kind of `bot new`. Did you mean agent?"),
    (("new",), "`bot new` wants KIND, NAME as well. `--help` says more."),
    (("status", "--jsn"), "`bot status` takes no --jsn. Did you mean --json?"),
    (("status", "--zzz"), "`bot status` takes no --zzz. `--help` lists what it takes."),
    (
        ("people", "add", "x", "--role", "boss"),
        "boss is no --role of `bot people add`. There are: owner, member.",
    ),
    (("--cofig", "x", "status"), "`bot` takes no --cofig. Did you mean --config?"),
]


@pytest.mark.parametrize("words, said", WRONG, ids=[" ".join(words) for words, _ in WRONG])
def test_wrong_words_name_the_right_ones(bot: Bot, words: tuple[str, ...], said: str) -> None:
    done = bot(*words)
    assert done.code == 2
    assert done.err.startswith("usage: bot")
    assert done.err.splitlines()[-1] == said


def test_help_is_a_word_as_well(bot: Bot) -> None:
    assert bot("help").out == bot("--help").out
    assert bot("help", "routes").out == bot("routes", "--help").out
    assert bot("help", "help").out == bot("--help").out
    assert bot("help", "people", "role").out == bot("people", "role", "--help").out
    assert bot("help", "rotes").err == "There is no verb rotes. Did you mean `bot routes`?\n"


@pytest.mark.parametrize("platform, asked", [("telegram", "token:"), ("sms", "provider:")])
def test_the_end_of_the_input_at_a_question_is_no_fault(
    server: ApiServer, tmp_path: Path, platform: str, asked: str
) -> None:
    playing(server, platform)
    around = surroundings(server.home)
    with Sitting("connect", platform, cwd=tmp_path, environ=around) as terminal:
        terminal.wait_for(asked)
        terminal.type("\x04")
        terminal.wait_for("The input ended before all was said, so this was not done.")
        assert terminal.end() == 1


def test_a_folder_of_another_user_is_named_with_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "access", lambda path, _: path != tmp_path)  # root may read everything
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)

    def act() -> int:
        raise PermissionError(13, "Permission denied", str(tmp_path / "bot.toml"))

    assert guarded(Shell(None, as_json=False), act) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"{tmp_path}/bot.toml: Permission denied. {tmp_path} belongs to ")
    assert "set BOT_HOME to a folder of your own." in said


def test_a_full_disk_is_told_with_what_mends_it(capsys: pytest.CaptureFixture[str]) -> None:
    def act() -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    assert guarded(Shell(None, as_json=False), act) == 1
    said = capsys.readouterr().err
    assert said.startswith("No space left on device. Make room, then try again. ")
    assert "bot doctor" in said


def test_a_folder_that_is_only_walked_through_is_not_in_the_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "access", lambda path, how: path != tmp_path or how == os.X_OK)
    other = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: other)
    (tmp_path / "bot.toml").touch()

    def act() -> int:
        raise PermissionError(13, "Permission denied", str(tmp_path / "bot.toml"))

    assert guarded(Shell(None, as_json=False), act) == 1
    assert f"{tmp_path}/bot.toml belongs to " in capsys.readouterr().err


NAMED_AT_THEIR_END = {"doctor.py", "status.py"}
"""Files that make every line runnable where they show it."""


def _bare(file: Path) -> list[str]:
    """Hints of a file in functions that never make one runnable."""
    found: list[str] = []
    for part in ast.parse(file.read_text()).body:
        names = {node.id for node in ast.walk(part) if isinstance(node, ast.Name)}
        told = {
            id(inner)
            for node in ast.walk(part)
            if isinstance(node, ast.Raise | ast.Expr)  # the outer door makes these runnable
            for inner in ast.walk(node)
            if isinstance(node, ast.Raise) or isinstance(node.value, ast.Constant)
        }
        found += [
            f"{file.name}:{node.lineno}: {node.value}"
            for node in ast.walk(part)
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
            if COMMAND.search(node.value) and id(node) not in told and "\n" not in node.value
            if not isinstance(part, ast.Expr | ast.Assign) and "runnable" not in names
            if not node.value.endswith(".") or not node.value.startswith("`bot")
        ]
    return found


def test_every_hint_is_named_so_that_it_can_be_run() -> None:
    files = [f for f in (ROOT / "bot" / "cli").glob("*.py") if f.name not in NAMED_AT_THEIR_END]
    assert [hint for file in files for hint in _bare(file)] == []


def test_who_pipes_nothing_is_told_what_to_pipe(bot: Bot, server: ApiServer) -> None:
    playing(server, "telegram")
    done = bot("connect", "telegram")
    assert done.code == 1
    assert (
        done.err
        == 'Nobody can be asked here. Pipe its answers in as JSON, such as {"token": "…"}.\n'
    )


def test_benchmarks_without_the_tests_packages_name_the_mend(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bench, "find_spec", lambda name: None)  # pytest is here, as we see
    with pytest.raises(OperatorError, match="setup-dev"):
        bench.bench(Shell(None, as_json=False), Namespace(words=["--help"]))
