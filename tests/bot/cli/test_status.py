"""`bot status` and `bot doctor`: short, true, and an exit code that a script can trust."""

import os
import socket
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from bot.cli import doctor
from bot.cli.patient import Patient
from bot.cli.record import Record
from bot.cli.shell import Shell
from bot.extras import install
from bot.settings import Settings
from tests.bot.cli.conftest import Bot
from tests.bot.store.test_spoilt import prepared, spoil
from tests.fakes.api_server import ApiServer, Json

STATUS = {
    "model": "openai/gpt-4o-mini",
    "offline": False,
    "channels": [{"name": "web", "up": True, "detail": ""}],
    "queued": 2,
    "open_turns": 3,
    "pending": 1,
    "spent_today_micros": 1_230_000,
    "dead": 0,
    "doubts": 0,
    "problems": [],
}
SECRET = "sk-proj-canary-canary-canary"


@pytest.fixture
def well(server: ApiServer) -> ApiServer:
    """A house in good health."""
    server.answers["GET", "/ready"] = 200, {"ok": True, "problems": []}
    server.answers["GET", "/v1/status"] = 200, STATUS
    server.answers["GET", "/v1/audit/verify"] = 200, {"ok": True, "rows": 9, "problems": []}
    server.home.chmod(0o700)
    return server


def test_a_house_that_would_answer_ends_with_zero_in_a_few_lines(bot: Bot, well: ApiServer) -> None:
    said = bot("status")
    assert said.code == 0
    lines = said.out.splitlines()
    assert len(lines) <= 12
    assert lines[0].startswith("Switchboard 0.1.0: ready (pid ")
    assert lines[1:] == [
        "  model     openai/gpt-4o-mini",
        "  channels  web up",
        "  now       3 conversations being worked on, 2 queued",
        "  waiting   1 approval",
        "  spent     $1.23 today",
    ]


def test_a_model_that_rests_is_named_with_its_cause(bot: Bot, well: ApiServer) -> None:
    tired = [
        {"model": "openai/a", "seconds": 14, "cause": "model.rate", "status": 429},
        {"model": "gemini/b", "seconds": 3, "cause": "model.timeout", "status": None},
    ]
    well.answers["GET", "/v1/status"] = 200, {**STATUS, "resting": tired}
    lines = bot("status").out.splitlines()
    assert lines[2] == (
        "  resting   openai/a for 14 s (rate, HTTP 429) · gemini/b for 3 s (timeout)"
    )


def test_models_that_would_all_fail_end_it_with_one_and_are_told(bot: Bot, well: ApiServer) -> None:
    silent = "openai/a did not answer (its key is refused, HTTP 401), and no other model is there."
    well.answers["GET", "/v1/status"] = 200, {**STATUS, "silent": silent}
    said = bot("status")
    assert (said.code, said.out.splitlines()[1]) == (1, f"  why       {silent}")
    told = bot("status", "--json").json
    assert (told["answers"], told["why"]) == (False, silent)
    assert bot("doctor", "--json").json["problems"] == [
        {"what": silent, "command": "bot keys paste"}
    ]


SHARED = {
    "kind": "PostgreSQL",
    "host": "db.example:5432",
    "name": "house",
    "processes": [
        {"place": "box:/srv/one", "version": "0.1.0", "silent_s": 1.2, "this": True},
        {"place": "bax:/srv/two", "version": "0.1.1", "silent_s": 4.0, "this": False},
    ],
    "problems": [],
}


def test_the_database_and_its_processes_are_named(bot: Bot, well: ApiServer) -> None:
    well.answers["GET", "/v1/status"] = 200, {**STATUS, "database": SHARED}
    assert bot("status").out.splitlines()[6:] == [
        "  database  PostgreSQL db.example:5432/house",
        "  processes box:/srv/one (0.1.0, 1 s ago, this one) · bax:/srv/two (0.1.1, 4 s ago)",
    ]
    notes = bot("doctor").out.splitlines()
    assert "  database: PostgreSQL db.example:5432/house" in notes
    assert "  process: bax:/srv/two (0.1.1, 4 s ago)" in notes
    assert any("memory: found by words alone" in note for note in notes)
    deaf = {**SHARED, "problems": ["Words do not come through."]}
    well.answers["GET", "/v1/status"] = 200, {**STATUS, "database": deaf}
    assert "to mend   1 problem (bot doctor names them)" in bot("status").out


def test_status_stays_short_when_everything_is_wrong_at_once(bot: Bot, well: ApiServer) -> None:
    problem = "The model does not answer: connection refused. " * 9
    channels = [{"name": f"c{n}", "up": False, "detail": "token revoked"} for n in range(40)]
    bad = {
        **STATUS,
        "database": SHARED,
        "resting": [],
        "channels": channels,
        "dead": 4,
        "doubts": 2,
        "offline": True,
    }
    well.answers["GET", "/v1/status"] = 200, bad
    well.answers["GET", "/ready"] = 503, {"ok": False, "problems": [problem]}
    said = bot("status", BOT_PROT="1")
    assert said.code == 1
    assert len(said.out.splitlines()) <= 12
    assert "why       The model does not answer" in said.out
    assert "2 in doubt (bot approvals), 4 failed for good (bot events dead)" in said.out
    assert "settings  1 mistake; the running process keeps what it started with" in said.out


def test_a_house_that_does_not_run_ends_with_one_and_the_command(bot: Bot) -> None:
    said = bot("status")
    assert (said.code, said.out) == (1, "Switchboard is not running. Start it with: bot run\n")
    assert bot("status", "--json").json["running"] is False


@pytest.mark.parametrize(
    "told",
    [
        "not json",
        '{"url": "http://127.0.0.1:9", "pid": 2147480000, "token": "x"}',
        '{"url": "http://127.0.0.1:PORT", "pid": 1, "token": "x"}',
        '{"url": "http://127.0.0.1:notaport", "pid": 1}',
    ],
    ids=["damaged", "process gone", "process reused, nobody listens", "no address"],
)
def test_a_left_over_address_counts_as_not_running(bot: Bot, home: Path, told: str) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
    home.mkdir()
    (home / "server.json").write_text(told.replace("PORT", str(port)))
    assert bot("status").code == 1


def test_status_in_json_says_whether_it_answers(bot: Bot, well: ApiServer) -> None:
    told = bot("status", "--json").json
    assert told["answers"] is True
    assert told["model"] == "openai/gpt-4o-mini"
    assert "token" not in str(told)


def test_a_healthy_house_has_nothing_to_mend(bot: Bot, well: ApiServer) -> None:
    said = bot("doctor")
    assert said.code == 0, said.out
    assert said.out.splitlines()[0] == "nothing to mend"
    assert "model: openai/gpt-4o-mini" in said.out


def test_an_app_that_was_installed_with_an_older_manifest_is_named(
    bot: Bot, well: ApiServer
) -> None:
    there = {"workspace": "T1", "name": "Shop", "agent": "", "manifest": 2, "status": "active"}
    new = {**there, "workspace": "T2", "name": "Loft", "manifest": 3}
    well.answers["GET", "/v1/status"] = 200, {**STATUS, "channels": [{"name": "slack", "up": True}]}
    found = {"items": [there, new], "next": None, "newest": 3}
    well.answers["GET", "/v1/channels/slack/installs"] = 200, found
    (problem,) = bot("doctor", "--json").json["problems"]
    assert problem["command"] == "bot open"
    assert "Shop" in problem["what"] and "version 2" in problem["what"], problem
    assert "Loft" not in problem["what"]


def test_the_doctor_reads_the_audit_through(bot: Bot, well: ApiServer) -> None:
    found = {"ok": False, "rows": 9, "problems": ["Row 4 is not as it was sealed."]}
    well.answers["GET", "/v1/audit/verify"] = 200, found
    said = bot("doctor")
    assert said.code == 1
    assert said.out.splitlines()[:2] == [
        "✗ The audit was changed behind the house's back: Row 4 is not as it was sealed.",
        "    bot audit verify",
    ]


def test_the_doctor_says_where_the_audit_is_too_long_to_be_read(bot: Bot, well: ApiServer) -> None:
    def hang_up(_: object) -> tuple[int, Json]:
        raise ConnectionAbortedError  # to who asks, as one that answers too late

    well.answers["GET", "/v1/audit/verify"] = hang_up
    said = bot("doctor")
    assert said.code == 0
    assert "audit: too long to be read through here; bot audit verify" in said.out


def test_the_doctor_looks_through_the_file_of_a_house_that_has_not_noticed(
    bot: Bot, well: ApiServer
) -> None:
    path = well.home / "switchboard.db"
    prepared(path)
    spoil(path)
    said = bot("doctor")
    assert said.code == 1
    what, mend = said.out.splitlines()[:2]
    assert "malformed" in what
    assert mend == f"    kill {os.getpid()} && bot restore FILE --replace"
    status = {**STATUS, "problems": ["The database cannot be written: malformed."]}
    well.answers["GET", "/v1/status"] = 200, status
    assert len(bot("doctor", "--json").json["problems"]) == 1


# What is wrong, what is said, and the command that mends it.
PROBLEMS = [
    ({"dead": 2}, "2 events failed for good.", "bot events dead"),
    ({"doubts": 1}, "1 action may or may not have been done; somebody must say.", "bot approvals"),
    (
        {"channels": [{"name": "slack", "up": False, "detail": "token revoked."}]},
        "The channel slack is down: token revoked.",
        "bot open",
    ),
    (
        {"channels": [{"name": "sms", "up": False, "detail": "Give it to `bot connect sms`."}]},
        "The channel sms is down: Give it to `bot connect sms`.",
        "bot connect sms",
    ),
    (
        {"channels": [{"name": "slack", "up": True, "behind": "The app lacks files:write."}]},
        "slack: The app lacks files:write.",
        "bot connect slack --manifest",
    ),
    (
        {
            "troubles": [
                {
                    "title": "A schedule failed: daily",
                    "step": "Mend it.",
                    "count": 3,
                    "command": "bot schedules pause sch_1",
                }
            ]
        },
        "A schedule failed: daily (3 times). Mend it.",
        "bot schedules pause sch_1",
    ),
    (
        {"extensions": [{"name": "raven", "problem": "It is not installed here."}]},
        "The extension raven is not used. It is not installed here.",
        "pip show raven",
    ),
    ({"problems": ["The OpenAI key is refused."]}, "The OpenAI key is refused.", "bot keys paste"),
    (
        {"problems": ["The database cannot be written: database is locked."]},
        "The database cannot be written: database is locked.",
        "fuser -v {home}/switchboard.db",
    ),
    (
        {"problems": ["The database cannot be written: database or disk is full."]},
        "The database cannot be written: database or disk is full.",
        "df -h {home}",
    ),
    (
        {"problems": ["agents/ada.md:3: title: it is missing"]},
        "agents/ada.md:3: title: it is missing",
        '"${EDITOR:-vi}" +3 agents/ada.md',
    ),
]


@pytest.mark.parametrize(("change", "what", "command"), PROBLEMS, ids=[p[1] for p in PROBLEMS])
def test_a_problem_comes_with_the_one_command_that_mends_it(
    bot: Bot, well: ApiServer, change: Json, what: str, command: str
) -> None:
    well.answers["GET", "/v1/status"] = 200, {**STATUS, **change}
    said = bot("doctor")
    command = command.replace("{home}", str(well.home))
    assert said.code == 1
    assert said.out.splitlines()[:2] == [f"✗ {what}", f"    {command}"]
    told = bot("doctor", "--json").json
    assert told["problems"] == [{"what": what, "command": command}]


CLAUDE = {"keys": {"anthropic": "sk-ant-a"}}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({"models": {"default": ["openai/a"]}}, True),
        ({"models": {"fast": ["openai/a"]}}, True),
        (CLAUDE, True),
        ({}, False),
        ({"models": {"default": ["openai/a"], "transport": "direct"}}, False),
        ({"models": {"default": ["openai/a", "gemini/b"], "transport": "direct"}}, True),
        ({**CLAUDE, "models": {"transport": "direct"}}, True),
    ],
    ids=["named", "named for a task", "a key alone", "none", "direct", "direct, mixed", "Claude"],
)
def test_the_doctor_asks_for_litellm_where_a_model_needs_it(
    monkeypatch: pytest.MonkeyPatch, given: Json, wanted: bool
) -> None:
    # Whether a package is installed is a fact of the machine; there is no other seam.
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)
    patient = Patient(
        shell=cast(Shell, None),
        settings=Settings.model_validate(given),
        running=None,
        status=Record({}),
        why="",
    )
    told = [problem.command for problem in doctor.missing_parts(patient)]
    assert told == ([install("llm")] if wanted else [])


def test_the_doctor_asks_for_the_client_of_nats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "find_spec", lambda name: None)  # as above
    patient = Patient(
        shell=cast(Shell, None),
        settings=Settings.model_validate({"nats_url": "nats://127.0.0.1"}),
        running=None,
        status=Record({}),
        why="",
    )
    told = [problem.command for problem in doctor.missing_parts(patient)]
    assert told == ["pip install 'nats-py>=2.12,<3'"]


def test_the_doctor_says_who_is_asked_directly(bot: Bot, well: ApiServer) -> None:
    named = {"BOT_MODELS_DEFAULT": "openai/a,gemini/b", "BOT_MODELS_TRANSPORT": "direct"}
    said = bot("doctor", **named)
    assert "models are asked directly, gemini through LiteLLM" in said.out
    assert "directly" not in bot("doctor", BOT_MODELS_DEFAULT="openai/a").out


def test_the_doctor_names_every_wrong_setting_and_how_to_get_there(
    bot: Bot, tmp_path: Path
) -> None:
    (tmp_path / "bot.toml").write_text("[models]\ndefualt = 1\n")
    said = bot("doctor", BOT_PROT="1")
    assert said.code == 1
    assert '    "${EDITOR:-vi}" +2 bot.toml' in said.out
    assert "    unset BOT_PROT" in said.out


def test_the_doctor_names_a_full_disk_of_the_files_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, small = tmp_path / "home", tmp_path / "small"
    for folder in (home, small):
        folder.mkdir()

    def usage(path: Path) -> SimpleNamespace:  # another disk is nothing that a test can bring
        return SimpleNamespace(free=2_000_000 if path == small else 10**12)

    monkeypatch.setattr(doctor.shutil, "disk_usage", usage)
    patient = Patient(
        shell=cast(Shell, SimpleNamespace(home=home)),
        settings=Settings(home=home, files_dir=small / "files"),
        running=None,
        status=Record({}),
        why="",
    )
    (problem,) = doctor.full_disk(patient)
    assert problem.what == f"Only 2 MB are free where {small / 'files'} lies."
    assert problem.command == f"du -sh {small / 'files'}/*"


def test_the_doctor_says_that_nobody_is_answered_when_nothing_runs(bot: Bot, home: Path) -> None:
    said = bot("doctor")
    assert "✗ Switchboard is not running: nobody is answered.\n    bot run" in said.out


def test_the_doctor_names_who_holds_the_port(bot: Bot) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        said = bot("doctor", BOT_PORT=str(port))
    assert f"Port {port} is taken by " in said.out
    assert " bot run" in said.out


@pytest.mark.parametrize(
    "told",
    [
        f'[keys]\nopenai = "{SECRET}"',
        f'[channels.telegram]\ntoken = "{SECRET}"',
        f'[oauth.google]\nclient_id = "id"\nclient_secret = "{SECRET}"',
        'nats_url = "nats://ann:canary@127.0.0.1:4222"',
        '[mcp.servers.notes]\ncommand = "notes"\nenv = {KEY = "canary"}',
        f'[payments]\nstripe_webhook_secret = "{SECRET}"',
    ],
    ids=["a key", "a platform", "a service's app", "NATS", "an MCP server", "a webhook"],
)
def test_the_doctor_closes_files_that_hold_secrets(
    bot: Bot, well: ApiServer, tmp_path: Path, told: str
) -> None:
    (tmp_path / "bot.toml").write_text(told + "\n")
    (tmp_path / "bot.toml").chmod(0o644)
    well.home.chmod(0o755)
    said = bot("doctor")
    assert f"    chmod 700 {well.home}" in said.out
    assert "    chmod 600 bot.toml" in said.out


def test_a_readable_file_without_secrets_is_no_problem(
    bot: Bot, well: ApiServer, tmp_path: Path
) -> None:
    (tmp_path / "bot.toml").write_text("[keys]\n# openai = 1\n")
    (tmp_path / "bot.toml").chmod(0o644)
    assert bot("doctor").code == 0


@pytest.mark.parametrize("verb", ["status", "doctor"])
def test_no_secret_is_shown(bot: Bot, well: ApiServer, verb: str) -> None:
    environ = {"OPENAI_API_KEY": SECRET, "DATABASE_URL": "mysql://u:canary@h/d", "BOT_PORT": "x"}
    for words in ((verb,), (verb, "--json")):
        said = bot(*words, **environ)
        assert "canary" not in said.out + said.err
        assert well.token not in said.out + said.err
