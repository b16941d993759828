"""What every test may use, and the tables that tests leave for the end of a run.

A test that counts something says so by `record_property("table:NAME", {column: number})`; the
numbers of all tests of that name are added up and printed, also when they ran on several workers.
"""

import asyncio
import gc
import signal
import sys
from collections import defaultdict
from collections.abc import Mapping

import pytest
from hypothesis import settings

from tests.again import BREACHES, BROKEN

settings.register_profile("house", deadline=None)  # a busy machine is no wrong answer
settings.load_profile("house")
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what it puts in the background deaf to Ctrl-C; our children would inherit that.
    signal.signal(signal.SIGINT, signal.default_int_handler)
asyncio.set_event_loop(None)  # else pytest-asyncio has one made that nobody closes


def pytest_collection_finish() -> None:
    """Never look for rubbish among half a million objects that stay: modules, tests, parameters."""
    gc.collect()
    gc.freeze()


def pytest_sessionfinish() -> None:
    """Drop the databases that tests lent each other, where any asked for one."""
    if lending := sys.modules.get("tests.postgres"):
        lending.drop_lent()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the tables, and keep the names of tests that saw a promise broken."""
    tables: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    broken: list[str] = []
    stats = terminalreporter.stats
    for report in stats.get("passed", []) + stats.get("failed", []):
        if getattr(report, "when", "") != "call":
            continue
        for name, row in report.user_properties:
            if name.startswith("table:") and isinstance(row, Mapping):
                for column, number in row.items():
                    tables[name.removeprefix("table:")][column] += number
                if report.failed and any(row.get(column) for column in BREACHES):
                    broken.append(report.nodeid)
    if cache := getattr(terminalreporter.config, "cache", None):
        cache.set(BROKEN, broken)
    if not tables:
        return
    terminalreporter.section("counted")
    width = max(len(name) for name in tables)
    columns = list(dict.fromkeys(column for row in tables.values() for column in row))
    heads = "  ".join(f"{column:>12}" for column in columns)
    terminalreporter.write_line(f"{'':{width}}  {heads}")
    for name in sorted(tables):
        cells = "  ".join(f"{tables[name].get(column, ''):>12}" for column in columns)
        terminalreporter.write_line(f"{name:{width}}  {cells}")
