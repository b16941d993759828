"""Failures get one more try, unless something says that the product broke."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.process import ROOT

FLAKY = """
from pathlib import Path

def test_it(record_property):
    record_property("table:kills", {"lost": %(lost)d, "in doubt": 3})
    seen = Path("seen")
    is_second = seen.exists()
    seen.touch()
    assert is_second and %(ever)s
"""


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    around = {**os.environ, "PYTHONPATH": str(ROOT)}
    around.pop("PYTEST_XDIST_WORKER", None)
    return subprocess.run(
        [sys.executable, "-m", *words], cwd=folder, env=around, capture_output=True, text=True
    )


def twice(folder: Path, text: str) -> subprocess.CompletedProcess[str]:
    (folder / "pytest.ini").write_text("[pytest]\n")
    (folder / "test_flaky.py").write_text(text)
    first = run(folder, "pytest", "-q", "-p", "tests.conftest")
    assert first.returncode == 1, first.stdout + first.stderr
    return run(folder, "tests.again")


def test_what_passes_alone_is_named_and_passes(tmp_path: Path) -> None:
    again = twice(tmp_path, FLAKY % {"lost": 0, "ever": True})
    assert again.returncode == 0, again.stdout
    assert "test_flaky.py::test_it" in again.stdout


def test_what_fails_twice_fails(tmp_path: Path) -> None:
    again = twice(tmp_path, FLAKY % {"lost": 0, "ever": False})
    assert again.returncode == 1


def test_a_broken_promise_gets_no_second_try(tmp_path: Path) -> None:
    again = twice(tmp_path, FLAKY % {"lost": 1, "ever": True})
    assert again.returncode == 1
    assert "promise was broken" in again.stdout and "test_flaky.py::test_it" in again.stdout


@pytest.mark.parametrize("how_many", [5, 6])
def test_many_failures_are_no_chance(tmp_path: Path, how_many: int) -> None:
    parted = f"import pytest\n\n@pytest.mark.parametrize('n', range({how_many}))"
    text = FLAKY.replace("def test_it(", f"{parted}\ndef test_it(n, ").replace('"seen"', 'f"s{n}"')
    again = twice(tmp_path, text % {"lost": 0, "ever": True})
    assert again.returncode == (0 if how_many == 5 else 1), again.stdout


def test_a_run_that_broke_before_its_tests_gets_none(tmp_path: Path) -> None:
    again = run(tmp_path, "tests.again")
    assert again.returncode == 1
    assert "broke" in again.stdout
