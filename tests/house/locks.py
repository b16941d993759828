"""What is installed: pinned by hash, without an address, and nothing that runs by itself."""

import re
import tomllib
from collections.abc import Iterator

from tests.house.tree import House

PIN = re.compile(r"([a-z0-9._-]+(?:\[[a-z0-9,._-]+\])?)==([^\s;]+)(?: ; [^\\]+)? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
KNOWN_PTH = {"distutils-precedence.pth"}
"""What setuptools brings. Any other `.pth` runs at each start of Python without being asked."""


def lock_lines_are_pins_and_hashes(house: House) -> Iterator[str]:
    """A lock holds `name==version` and sha256 sums: no URL, no index, no path, no option."""
    for path, text in house.under("requirements", suffix=".lock"):
        bare = ""
        for number, line in enumerate(text.splitlines(), 1):
            if bare and not HASH.fullmatch(line):
                yield f"{path}:{number}: {bare} has no hash"
            if PIN.fullmatch(line):
                bare = line.split("==")[0]
                continue
            bare = ""
            if not HASH.fullmatch(line):
                yield f"{path}:{number}: is neither a pin nor a hash: {line[:60]}"
        if bare:
            yield f"{path}: {bare} has no hash"


def pins(text: str) -> set[tuple[str, str]]:
    """Name and version of each package in a lock."""
    return {(found[1].split("[")[0], found[2]) for found in PIN.finditer(text)}


def locks_agree(house: House) -> Iterator[str]:
    """What runs at a user's is what was tested: each lock is a part of the one for tests."""
    tested = pins(house.files["requirements-dev.lock"])
    for path, text in house.under("requirements", suffix=".lock"):
        for name, version in sorted(pins(text) - tested):
            yield f"{path}: {name} {version} is not what requirements-dev.lock pins; make lock"


def requirements_are_locked(house: House) -> Iterator[str]:
    """Whatever pyproject.toml asks for stands in the lock that serves it."""
    project = tomllib.loads(house.files["pyproject.toml"])["project"]
    extras = project["optional-dependencies"]
    shapes = {
        "requirements-core.lock": wanted(project["dependencies"], {}),
        "requirements.lock": wanted([*project["dependencies"], *extras["default"]], extras),
        "requirements-dev.lock": wanted(extras["dev"], extras),
    }
    for path, names in shapes.items():
        for name in sorted(names - {name for name, _ in pins(house.files[path])}):
            yield f"{path}: {name} is asked for in pyproject.toml and not locked; make lock"


def wanted(requirements: list[str], extras: dict[str, list[str]]) -> set[str]:
    """Plain names of requirements; our own extras stand for what they hold."""
    names: set[str] = set()
    for each in requirements:
        name = re.split(r"[\[<>=!~; ]", each, maxsplit=1)[0].lower().replace(".", "-")
        if name != "switchboard":
            names.add(name.replace("_", "-"))
            continue
        for extra in each.partition("[")[2].rstrip("]").split(","):
            names |= wanted(extras[extra], extras)
    return names


def stray_pth(names: list[str]) -> list[str]:
    """The `.pth` files among these that nobody expects."""
    return sorted(name for name in names if name.endswith(".pth") and name not in KNOWN_PTH)
