"""Run what failed once more, by itself: `python -m tests.again`, after a run of all tests.

Two thousand waits beside others on two busy cores miss a moment now and then, which says nothing of
the product. So a run may give its failures one more try, alone. It names them, and gives none when a
promise was broken (something lost, twice or out of order is never the machine's fault), when more
than a few failed, or when the run did not get as far as its tests.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

CACHE = Path(".pytest_cache/v")
FAILED, BROKEN = "cache/lastfailed", "promises/broken"
FEW = 5
BREACHES = ("lost", "twice", "out of order", "other")
"""Columns of the tables that tests leave, in which any number but 0 is a broken promise."""


def _cached(name: str) -> Sequence[str]:
    path = CACHE / name
    return list(json.loads(path.read_text())) if path.exists() else ()


def refusal() -> str:
    """Why the failures of the last run get no second try; empty: they do."""
    failed, broken = _cached(FAILED), _cached(BROKEN)
    if not failed:
        return "No test is known to have failed; the run itself broke."
    if broken:
        return "A promise was broken, which no second try mends: " + ", ".join(broken)
    if len(failed) > FEW:
        return f"{len(failed)} tests failed, which is no chance."
    return ""


def main() -> int:
    """Run them; the exit code is pytest's, or 1 where there is no second try."""
    if why := refusal():
        print(why)
        return 1
    print("These failed beside others and are run once more, alone:")
    print("\n".join(f"  {name}" for name in _cached(FAILED)))
    return int(pytest.main(["--last-failed", "--last-failed-no-failures", "none"]))


if __name__ == "__main__":
    sys.exit(main())
