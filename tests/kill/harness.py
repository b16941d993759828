"""Raising lives, killing them, and counting what became of what they had promised."""

import asyncio
import json
import signal
import sqlite3
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.fakes.channel import Shown
from tests.fakes.vendor import Record
from tests.kill.book import written
from tests.postgres import as_sqlite
from tests.sim.checks import Evidence, complaints

ROOT = Path(__file__).resolve().parent.parent.parent
COLUMNS = ("kills", "acknowledged", "lost", "twice", "out of order", "in doubt", "other")
CHANNEL = "outside"


class Nursery:
    """The process that forks lives."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.kill.nursery"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._line()

    def live(self, home: Path, **spec: Any) -> dict[str, Any]:
        """Raise one life and return how it ended."""
        assert self._process.stdin
        self._process.stdin.write(json.dumps({"home": str(home), **spec}) + "\n")
        self._process.stdin.flush()
        return self._line()

    def close(self) -> None:
        """Let it end."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def _line(self) -> dict[str, Any]:
        assert self._process.stdout
        answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer


def killed(end: dict[str, Any], home: Path, name: str, passing: int) -> int:
    """1 for a life that died at this passing of a point, 0 for one whose work has fewer of them."""
    if end != {"signal": 0, "code": 0}:
        assert end["signal"] == signal.SIGKILL, end
        return 1
    passed = json.loads((home / "passed").read_text())
    assert passed.get(name, 0) < passing, f"{name} was passed {passed[name]} times by a life"
    return 0


def evidence(home: Path, policy: str, database: str = "") -> Evidence:
    """What a house left behind, in its own file or in a shared database."""
    book = [Record(**line) for line in written(home / "vendor")]
    shown = [Shown(**line) for line in written(home / "shown")]
    acked = {line["ext"]: line["event"] for line in written(home / "acks")}
    return Evidence(
        conn=asyncio.run(as_sqlite(database))
        if database
        else sqlite3.connect(home / "switchboard.db"),
        book=book,
        shown=shown,
        acked=acked,
        repeatable=frozenset({CHANNEL} if policy in ("none", "mixed") else ()),
    )


@dataclass
class Tally:
    """A row of the table."""

    counts: Counter[str] = field(default_factory=Counter)
    said: list[str] = field(default_factory=list)

    def add(self, home: Path, policy: str, kills: int, database: str = "") -> None:
        """Count one house."""
        found = evidence(home, policy, database)
        said = complaints(found)
        self.said += said
        self.counts["kills"] += kills
        self.counts["acknowledged"] += len(found.acked)
        self.counts["in doubt"] += sum(a["kind"] == "doubt" for a in found.approvals.values())
        for text in said:
            kind = text.split(":")[0]
            self.counts[kind if kind in COLUMNS else "other"] += 1
        found.conn.close()

    def row(self) -> dict[str, int]:
        """For the table at the end of a run."""
        return {name: self.counts[name] for name in COLUMNS}
