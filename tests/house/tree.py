"""The checkout as a mapping from path to text, so that a rule can be shown a house of two lines.

A rule is a function from a `House` to complaints. A complaint starts with the path, and says what
is wrong and what mends it.
"""

import ast
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath

FOLDERS = ("bot", "agents", "channels", "tools", "scheduler", "tests", "bench", "docs", ".ci")
OURS = ("bot", "agents", "channels", "tools", "scheduler")
IN_HOUSE_FOLDERS = ("tools/self/", "tools/files/")
"""Groups of integrations that speak to nobody outside, or to whatever address a person names."""

Rule = Callable[["House"], Iterator[str]]


@cache
def parse(text: str) -> ast.Module:
    """The syntax tree; the same text is parsed once."""
    return ast.parse(text)


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Every text file under a root, by its path from there."""

    files: Mapping[str, str] = field(repr=False)

    def under(self, *prefixes: str, suffix: str = ".py") -> Iterator[tuple[str, str]]:
        """Path and text of the files whose path starts with one of the prefixes, in order."""
        for path in sorted(self.files):
            if path.startswith(prefixes) and path.endswith(suffix):
                yield path, self.files[path]

    def source(self) -> Iterator[tuple[str, str]]:
        """Our Python that runs at a user's: no tests, no benchmarks."""
        return self.under(*(f"{name}/" for name in OURS))


def read(root: Path) -> House:
    """The house that stands under a folder. Files that are no text are left out."""
    files = {}
    for path in sorted(walk(root)):
        try:
            files[path.relative_to(root).as_posix()] = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
    return House(files=files)


def walk(root: Path) -> Iterator[Path]:
    """Files at the root and in our folders, without what tools leave behind."""
    yield from (path for path in root.iterdir() if path.is_file())
    for folder in FOLDERS:
        for path in (root / folder).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                yield path


@dataclass(frozen=True, slots=True, kw_only=True)
class Integration:
    """A file that is registered by its name."""

    path: str
    name: str
    kind: str
    """The folder that makes it one: `channels`, `tools`, …"""

    @property
    def folder(self) -> str:
        """Where it lies; a package, where that lies."""
        above = PurePosixPath(self.path).parent
        return str(above.parent if self.path.endswith(f"/{self.name}/channel.py") else above)


DECLARATIONS = {
    "channels": "make",
    "tools": "TOOLS",
    "bot/oauth/providers": "PROVIDER",
    "bot/webhooks": "WEBHOOK",
    "scheduler/jobs": "JOB",
}
"""The name that a loader looks for in a file of this folder."""


def integrations(house: House) -> Iterator[Integration]:
    """Every file that is registered by its name. A channel may have grown into a package."""
    for kind in DECLARATIONS:
        depth = kind.count("/") + (2 if kind == "tools" else 1)
        for path, _ in house.under(f"{kind}/"):
            parts = PurePosixPath(path).parts
            if kind == "channels" and len(parts) == 3 and parts[-1] == "channel.py":
                yield Integration(path=path, name=parts[1], kind=kind)
            if len(parts) == depth + 1 and not parts[-1].startswith("_"):
                yield Integration(path=path, name=parts[-1].removesuffix(".py"), kind=kind)
