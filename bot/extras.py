"""The commands that bring the packages of an optional part, or a newer version of the house.

They name those packages themselves. `switchboard` is another project's name on PyPI (looked up on
2026-11-22), so `pip install 'switchboard[…]'` would bring that one.
"""

import shlex
import tomllib
from pathlib import Path

UNKNOWN = "pip show switchboard"


def install(extra: str) -> str:
    """`pip install 'asyncpg>=0.31,<0.33'`; `make setup` where no packages are listed for it."""
    needs = " ".join(map(shlex.quote, _needs(extra)))
    return f"pip install {needs}" if needs else "make setup"


def upgrade() -> str:
    """The command that brings a newer version; outside a checkout, what tells its origin."""
    root = Path(__file__).resolve().parent.parent
    return f"git -C {shlex.quote(str(root))} pull" if (root / ".git").exists() else UNKNOWN


def _needs(extra: str) -> list[str]:
    project = Path(__file__).parent.parent / "pyproject.toml"
    if project.is_file():
        told = tomllib.loads(project.read_text("utf-8"))["project"]["optional-dependencies"]
        return list(told.get(extra, ()))
    from importlib import metadata  # 25 ms, and only outside a checkout

    try:
        found = metadata.requires("switchboard") or []
    except metadata.PackageNotFoundError:
        return []
    parts = (each.partition(";") for each in found)
    return [name.strip() for name, _, when in parts if f"extra == '{extra}'" in _plain(when)]


def _plain(marker: str) -> str:
    return marker.replace('"', "'")
