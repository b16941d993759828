"""With no house running a verb borrows one, and cannot tell the difference."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest

from bot.cli.main import main
from bot.core.errors import OperatorError
from tests.fakes.api_server import ApiServer


@pytest.fixture
def borrowed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SimpleNamespace]:
    """A house that is lent: not announced in the home folder."""
    server = ApiServer(tmp_path / "elsewhere")
    given = SimpleNamespace(server=server, lent=0, returned=0, error=None)

    @contextmanager
    def local(settings: object) -> Iterator[tuple[str, str]]:
        if given.error:
            raise given.error
        given.lent += 1
        yield server.url, server.token
        given.returned += 1

    upgraded = SimpleNamespace(steps=["made a copy", "0001 → 0002"])
    app = SimpleNamespace(
        local=local,
        db_status=lambda settings: given.revisions,
        db_upgrade=lambda settings, say: [say(step) for step in upgraded.steps],
    )
    given.revisions = ("1", "2")
    monkeypatch.setitem(sys.modules, "bot.app", app)
    monkeypatch.setenv("BOT_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    yield given
    server.stop()
    assert server.faults == []


def test_a_verb_borrows_a_house_and_gives_it_back(
    borrowed: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    borrowed.server.answers["GET", "/v1/people"] = 200, {"items": [{"name": "Ada"}]}
    assert main(["people"]) == 0
    assert "Ada" in capsys.readouterr().out
    assert (borrowed.lent, borrowed.returned) == (1, 1)


def test_a_folder_that_another_process_holds_is_told(
    borrowed: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    borrowed.error = OperatorError("Another process holds the folder.")
    assert main(["people"]) == 1
    assert capsys.readouterr().err == "Another process holds the folder.\n"


def test_a_borrowed_house_starts_with_checked_settings_only(
    borrowed: SimpleNamespace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BOT_PROT", "1")
    assert main(["people"]) == 2
    assert borrowed.lent == 0


def test_the_first_key_is_tried_and_kept_by_a_borrowed_house(
    borrowed: SimpleNamespace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told = {"provider": "Anthropic", "models": ["anthropic/m"], "model": "anthropic/m"}
    borrowed.server.answers["POST", "/v1/models/key"] = 200, told
    monkeypatch.setattr("sys.stdin", SimpleNamespace(readline=lambda: "sk-ant-abcdefgh1234\n"))
    assert main(["init", "--stdin"]) == 0
    said = capsys.readouterr().out
    assert "The Anthropic key ending in 1234 works. Answers now come from anthropic/m." in said
    assert said.endswith("Next: bot run\n")
    assert "abcdefgh" not in said


def test_init_asks_nothing_where_nobody_can_answer(
    borrowed: SimpleNamespace, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["init"]) == 0
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700
    assert "Without a key the built-in offline model answers." in capsys.readouterr().out
    assert borrowed.lent == 0
    assert main(["init"]) == 0
    assert capsys.readouterr().out.startswith("Found ")


def test_init_asks_nothing_when_a_key_is_set_already(
    borrowed: SimpleNamespace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEMINI_API_KEY", "AIza-x")
    assert main(["--json", "init"]) == 0
    assert '"running": false' in capsys.readouterr().out


def test_a_refused_first_key_leaves_the_folder_and_ends_with_one(
    borrowed: SimpleNamespace, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    error = {"error": {"code": "invalid", "message": "OpenAI answered 401."}}
    borrowed.server.answers["POST", "/v1/models/key"] = 422, error
    monkeypatch.setattr("sys.stdin", SimpleNamespace(readline=lambda: "sk-proj-wrong\n"))
    assert main(["init", "--stdin"]) == 1
    assert capsys.readouterr().err == "OpenAI answered 401.\n"


@pytest.mark.parametrize(
    ("revisions", "code", "said"),
    [
        (("1", "2"), 1, "has schema 1; this program needs 2. Upgrade it: bot db upgrade"),
        (("2", "2"), 0, "has schema 2; this program needs 2."),
        (("0", "2"), 1, "is not there yet; this program needs 2."),
    ],
)
def test_db_status_compares_what_is_there_with_what_is_needed(
    borrowed: SimpleNamespace,
    capsys: pytest.CaptureFixture[str],
    revisions: tuple[str, str],
    code: int,
    said: str,
) -> None:
    borrowed.revisions = revisions
    assert main(["db"]) == code
    assert said in capsys.readouterr().out


def test_db_upgrade_tells_each_step(
    borrowed: SimpleNamespace, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["db", "upgrade"]) == 0
    assert capsys.readouterr().out == "made a copy\n0001 → 0002\n"
