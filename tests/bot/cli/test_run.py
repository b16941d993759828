"""`bot run` refuses at once what cannot go well, and hands a clean environment to the house."""

import os
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from bot.cli.main import main
from bot.cli.run import check_packages
from bot.core.errors import OperatorError
from tests.bot.cli.conftest import Bot
from tests.fakes.api_server import ApiServer
from tests.process import ROOT


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> SimpleNamespace:
    """A stand-in for `bot.app` that remembers what it was given."""
    given = SimpleNamespace(settings=None, environ=None, error=None, code=0)

    def serve(settings: object) -> int:
        given.settings, given.environ = settings, dict(os.environ)
        if given.error:
            raise given.error
        return int(given.code)

    monkeypatch.setitem(sys.modules, "bot.app", SimpleNamespace(serve=serve))
    monkeypatch.setenv("BOT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return given


def test_every_wrong_setting_is_named_and_nothing_is_started(
    bot: Bot, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "bot.toml").write_text("[limits]\nopen_turn = 3\n[modles]\n")
    said = bot("run")
    assert said.code == 2
    assert said.err.splitlines() == [
        "bot.toml:2:1: limits.open_turn: There is no such setting. "
        "Did you mean limits.open_turns? Rename it, or take it out.",
        "bot.toml:3:1: modles: There is no such setting. "
        "Did you mean models? Rename it, or take it out.",
    ]
    assert not home.exists()


def test_a_platform_that_is_told_a_misspelt_key_stops_the_start_and_doctor_names_it(
    bot: Bot, home: Path, tmp_path: Path
) -> None:
    (tmp_path / "bot.toml").write_text("[channels.slack]\nbot_tokn = 'xoxb-1'\n")
    started, examined = bot("run"), bot("doctor")
    assert (started.code, home.exists()) == (2, False)
    assert "bot.toml:2:1: channels.slack.bot_tokn: " in started.err
    assert "bot.toml:2:1: channels.slack.bot_tokn: " in examined.out and examined.code == 1


def test_a_second_start_on_one_folder_says_who_runs_and_writes_nothing(
    bot: Bot, server: ApiServer
) -> None:
    before = sorted(server.home.iterdir())
    said = bot("run")
    assert said.code == 4
    assert said.err.startswith(f"Switchboard is already running (pid {os.getpid()}, since ")
    assert said.err.endswith(f", {server.url}). `bot open` opens it.\n")
    assert sorted(server.home.iterdir()) == before


def test_a_port_that_somebody_holds_is_named_with_its_holder_and_the_way_out(
    bot: Bot, home: Path
) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = bot("run", BOT_PORT=str(port))
    assert said.code == 3
    program, pid = said.err.split("taken by ")[1].split(" (pid ")
    assert said.err.startswith(f"Port {port} is taken by ")
    assert program and pid.startswith(str(os.getpid()))
    assert ". Use another: BOT_PORT=" in said.err
    assert not home.exists()


def test_a_port_that_is_taken_between_look_and_start_is_told_the_same_way(
    house: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    house.error = OSError(98, "address in use")
    assert main(["run"]) == 3
    assert "Port 8080 is taken by" in capsys.readouterr().err


def test_another_error_of_the_system_is_a_sentence(
    house: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    house.error = PermissionError(13, "Permission denied", "switchboard.db")
    assert main(["run"]) == 1
    assert capsys.readouterr().err == "switchboard.db: Permission denied.\n"


def test_the_house_s_own_refusal_keeps_its_exit_code(
    house: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    error = OperatorError("Another process holds the folder.")
    error.exit_code = 4
    house.error = error
    assert main(["run"]) == 4
    assert capsys.readouterr().err == "Another process holds the folder.\n"


def test_the_house_gets_the_settings_and_no_secret_in_its_environment(
    house: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("BOT_API_TOKEN", "tok-canary")
    house.code = 7
    assert main(["run"]) == 7
    assert house.settings.keys.openai.reveal() == "sk-canary"
    assert "canary" not in str(house.environ)


def test_a_fault_is_a_number_and_a_file_and_no_traceback(
    house: SimpleNamespace, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    house.error = RuntimeError("the innards")
    assert main(["run"]) == 70
    said = capsys.readouterr().err
    (file,) = (tmp_path / "home" / "logs").iterdir()
    assert file.name in said
    assert file.stat().st_mode & 0o777 == 0o600
    assert "the innards" in file.read_text()
    assert "the innards" not in said
    assert "Traceback" not in said


def test_a_fault_is_told_even_where_nothing_can_be_written(
    house: SimpleNamespace,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house.error = RuntimeError("the innards")
    (tmp_path / "home").write_text("a file where the folder should be")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "home"))
    assert main(["run"]) == 70
    assert "It could not be written down." in capsys.readouterr().err


def test_ctrl_c_ends_without_a_word(
    house: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    house.error = KeyboardInterrupt()
    assert main(["run"]) == 130
    assert capsys.readouterr().err == ""


def test_our_own_packages_are_the_ones_that_python_finds() -> None:
    check_packages(ROOT)


def test_another_package_of_one_of_our_names_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="The package `agents` comes from"):
        check_packages(tmp_path)
