"""The house keeps its own rules, and each rule is shown a house that it must refuse.

A rule that never complains is worse than none: `SAMPLES` holds, for each, the smallest tree that
breaks it. To add a rule: write it in `tests/house/`, name it in `RULES`, and add its sample.
"""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.house import imports, locks, shape, sizes, words
from tests.house.tree import House, Rule, read

ROOT = Path(__file__).resolve().parent.parent

RULES: tuple[Rule, ...] = (
    sizes.files_are_short,
    sizes.functions_are_short,
    sizes.core_is_small,
    shape.packages_hold_a_docstring,
    shape.modules_say_what_they_are,
    shape.integrations_declare_themselves,
    shape.integrations_name_their_source,
    shape.integrations_have_a_test,
    shape.modules_stand_on_a_floor,
    imports.imports_stand_at_the_top,
    imports.no_module_needs_itself,
    imports.packages_are_kept_apart,
    imports.core_is_plain_python,
    imports.environment_is_read_once,
    locks.lock_lines_are_pins_and_hashes,
    locks.locks_agree,
    locks.requirements_are_locked,
    words.no_forbidden_words,
)

SHA = "0" * 64
PINNED = f"aiohttp==3.14.5 \\\n    --hash=sha256:{SHA} \\\n    --hash=sha256:{SHA}\n"
LOCKS = ("requirements.lock", "requirements-dev.lock", "requirements-core.lock")
PYPROJECT = """
[project]
dependencies = ["aiohttp>=3"]
[project.optional-dependencies]
default = ["switchboard[slack]"]
slack = ["slack-bolt>=1"]
dev = []
[tool.importlinter]
contracts = [{ id = "floors", layers = ["(bot.app)", "(bot.web) | (bot.turns)", "bot.core"] }]
"""


def long_function(lines: int) -> str:
    """A function of exactly so many lines."""
    return "def f():\n" + "    x = 1\n" * (lines - 1)


SAMPLES: tuple[tuple[Rule, str, dict[str, str]], ...] = (
    (sizes.files_are_short, "a file of 401 lines", {"bot/a.py": "\n" * 401}),
    (sizes.files_are_short, "a script of 401 lines", {"bot/web/static/a.js": "\n" * 401}),
    (sizes.files_are_short, "a tool of 301 lines", {"tools/social/x.py": "\n" * 301}),
    (sizes.files_are_short, "a provider of 81", {"bot/oauth/providers/x.py": "\n" * 81}),
    (sizes.functions_are_short, "a function of 61 lines", {"bot/a.py": long_function(61)}),
    (
        sizes.core_is_small,
        "a core of 1,501 lines",
        {f"bot/core/{n}.py": "\n" * size for n, size in enumerate((400, 400, 400, 301))},
    ),
    (shape.packages_hold_a_docstring, "an import", {"bot/__init__.py": '"""A."""\nimport os\n'}),
    (shape.packages_hold_a_docstring, "nothing at all", {"tools/self/__init__.py": ""}),
    (shape.modules_say_what_they_are, "no docstring", {"bot/a.py": "x = 1\n"}),
    (shape.modules_say_what_they_are, "an empty one", {"channels/a.py": '"""  """\n'}),
    (shape.integrations_declare_themselves, "no TOOLS", {"tools/social/x.py": "tools = ()\n"}),
    (shape.integrations_declare_themselves, "no make", {"channels/sms.py": ""}),
    (shape.integrations_declare_themselves, "no make", {"channels/sms/channel.py": ""}),
    (shape.integrations_name_their_source, "no address", {"channels/sms.py": '"""SMS."""\n'}),
    (shape.integrations_name_their_source, "http", {"bot/webhooks/x.py": '"""http://x"""\n'}),
    (shape.integrations_have_a_test, "no test", {"tools/social/x.py": ""}),
    (
        shape.integrations_have_a_test,
        "only the test of another with a longer name",
        {"channels/sms.py": "", "tests/channels/test_smsc.py": ""},
    ),
    (
        shape.integrations_have_a_test,
        "a test in another folder",
        {"scheduler/jobs/seal.py": "", "tests/scheduler/test_seal.py": ""},
    ),
    (
        shape.modules_stand_on_a_floor,
        "a new module",
        {"pyproject.toml": PYPROJECT, "bot/new.py": ""},
    ),
    (
        imports.imports_stand_at_the_top,
        "a hidden circle",
        {"bot/a.py": "def f():\n    from bot import b\n"},
    ),
    (
        imports.imports_stand_at_the_top,
        "the same by name",
        {"bot/a.py": "def f():\n    importlib.import_module('bot.b')\n"},
    ),
    (
        imports.no_module_needs_itself,
        "a circle for types",
        {
            "bot/a.py": "from bot.b import B\n",
            "bot/b.py": "if TYPE_CHECKING:\n    from bot import a\n",
        },
    ),
    (imports.packages_are_kept_apart, "LiteLLM elsewhere", {"bot/a.py": "import litellm\n"}),
    (
        imports.packages_are_kept_apart,
        "LiteLLM inside a function",
        {"agents/runtime/a.py": "def f():\n    from litellm import x\n"},
    ),
    (imports.packages_are_kept_apart, "a table", {"bot/web/a.py": "import sqlalchemy as s\n"}),
    (imports.packages_are_kept_apart, "a trigger", {"scheduler/jobs/a.py": "import apscheduler"}),
    (imports.core_is_plain_python, "pydantic", {"bot/core/a.py": "from pydantic import x\n"}),
    (imports.environment_is_read_once, "environ", {"bot/a.py": "os.environ['A']\n"}),
    (imports.environment_is_read_once, "getenv", {"channels/a.py": "from os import getenv\n"}),
    (locks.lock_lines_are_pins_and_hashes, "no hash", {LOCKS[0]: "aiohttp==3.14.5\n"}),
    (locks.lock_lines_are_pins_and_hashes, "no hash follows", {LOCKS[0]: "a==1 \\\nb==1 \\\n"}),
    (
        locks.lock_lines_are_pins_and_hashes,
        "an index",
        {LOCKS[0]: f"--index-url https://x.example\n{PINNED}"},
    ),
    (
        locks.lock_lines_are_pins_and_hashes,
        "an address in place of a version",
        {LOCKS[0]: f"a @ https://x.example/a.whl \\\n    --hash=sha256:{SHA}\n"},
    ),
    (
        locks.locks_agree,
        "another version than the tested one",
        {LOCKS[0]: PINNED, LOCKS[1]: PINNED.replace("3.14.5", "3.14.4")},
    ),
    (
        locks.requirements_are_locked,
        "an extra that the lock does not hold",
        {"pyproject.toml": PYPROJECT, **dict.fromkeys(LOCKS, PINNED)},
    ),
    (words.no_forbidden_words, "a leftover", {"bot/a.py": "# TODO later\n"}),
    (words.no_forbidden_words, "a machine's path", {"docs/a.md": "see `/work/main`\n"}),
    (words.no_forbidden_words, "a home", {"bot/a.py": 'x = "/root/.cache"\n'}),
    (words.no_forbidden_words, "a package host", {"Makefile": "curl https://pypi.org/simple\n"}),
)


@pytest.fixture(scope="module")
def house() -> House:
    """The tree that this test lies in."""
    return read(ROOT)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_house_keeps_the_rule(rule: Rule, house: House) -> None:
    complaints = list(rule(house))
    assert not complaints, "\n".join(["", *complaints])


@pytest.mark.parametrize(
    ("rule", "files"),
    [pytest.param(rule, files, id=f"{rule.__name__}: {what}") for rule, what, files in SAMPLES],
)
def test_the_rule_refuses(rule: Rule, files: dict[str, str]) -> None:
    assert list(rule(House(files=files)))


def test_every_rule_has_a_sample_that_it_refuses() -> None:
    assert {rule for rule, _, _ in SAMPLES} == set(RULES)


@pytest.mark.parametrize(
    ("rule", "files"),
    [
        (sizes.functions_are_short, {"bot/a.py": long_function(60)}),
        (shape.integrations_name_their_source, {"channels/web.py": '"""In-house: our page."""\n'}),
        (shape.integrations_have_a_test, {"channels/a.py": "", "tests/channels/test_a.py": ""}),
        (shape.integrations_have_a_test, {"channels/a.py": "", "tests/channels/a/test_b.py": ""}),
        (imports.imports_stand_at_the_top, {"bot/a.py": "def f():\n    import json\n"}),
        (imports.imports_stand_at_the_top, {"bot/cli/a.py": "def f():\n    import bot.app\n"}),
        (locks.lock_lines_are_pins_and_hashes, {LOCKS[0]: PINNED}),
        (words.no_forbidden_words, {"docs/a.md": "https://x.example/work and ~/work, </root>"}),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_the_rule_lets_pass(rule: Rule, files: dict[str, str]) -> None:
    assert not list(rule(House(files=files)))


def test_no_file_in_site_packages_runs_by_itself() -> None:
    if sys.prefix == sys.base_prefix:
        pytest.skip("not in an environment of ours")
    packages = Path(sysconfig.get_paths()["purelib"])
    assert locks.stray_pth([path.name for path in packages.iterdir()]) == []


def test_a_stray_pth_is_named() -> None:
    names = ["aiohttp", "distutils-precedence.pth", "litellm_init.pth"]
    assert locks.stray_pth(names) == ["litellm_init.pth"]


def linted(folder: Path, broken: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run import-linter with our contracts on a house of empty files and these."""
    parts = [f"bot/{name}" for name in ("core", "store", "web", "cli", "wiring", "services")]
    for name in ("bot", *parts, "agents", "agents/runtime", "channels", "tools", "scheduler"):
        (folder / name).mkdir()
        (folder / name / "__init__.py").touch()
    (folder / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    for path, text in broken.items():
        (folder / path).write_text(text)
    code = (
        "import sys; sys.path[0] = '.'; from importlinter.cli import lint_imports_command as c; c()"
    )
    command = [sys.executable, "-c", code, "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.mark.parametrize(
    ("broken", "kept"),
    [
        ({}, True),
        ({"bot/inbox.py": "import bot.store\n"}, True),
        ({"bot/store/a.py": "import bot.inbox\n", "bot/inbox.py": ""}, False),
        ({"bot/web/a.py": "import bot.router\n", "bot/router.py": ""}, False),
        ({"channels/a.py": "import channels.b\n", "channels/b.py": ""}, False),
        ({"bot/core/a.py": "import bot.store\n"}, False),
        ({"bot/core/a.py": "import pydantic\n"}, False),
        ({"bot/cli/a.py": "def f():\n    import litellm\n"}, False),
        ({"bot/wiring/engine.py": "import bot.wiring.house\n", "bot/wiring/house.py": ""}, False),
        ({"scheduler/a.py": "import apscheduler\n"}, False),
        ({"scheduler/runner.py": "import apscheduler\n"}, True),
    ],
    ids=[
        "an empty house stands",
        "down is allowed",
        "up is refused",
        "strangers on one floor are refused",
        "a channel that knows another is refused",
        "the core knows nobody",
        "the core knows no package",
        "LiteLLM has one door",
        "an engine knows no house",
        "APScheduler has one door",
        "and may use it",
    ],
)
def test_the_floors(tmp_path: Path, broken: dict[str, str], kept: bool) -> None:
    answer = linted(tmp_path, broken)
    assert (answer.returncode == 0) is kept, answer.stdout + answer.stderr
