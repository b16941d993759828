"""What processes that are killed wrote down: files that are only appended to, a line at a time.

Who writes may be killed inside a line, and who reads may see half of one. So each line begins anew,
and one that is not whole was never written.
"""

import contextlib
import json
import os
from pathlib import Path
from typing import Any


class Book:
    """Such a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)

    def add(self, **line: Any) -> None:
        os.write(self._fd, b"\n" + json.dumps(line).encode() + b"\n")

    def lines(self) -> list[dict[str, Any]]:
        return written(self.path)


def written(path: Path) -> list[dict[str, Any]]:
    """The whole lines of a file, or none when it is not there."""
    found: list[dict[str, Any]] = []
    for line in path.read_text().splitlines() if path.exists() else ():
        with contextlib.suppress(json.JSONDecodeError):
            found.append(json.loads(line))
    return found
