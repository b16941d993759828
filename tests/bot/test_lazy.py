"""A package that was put off is there in parts, runs once when it is asked for, and then is whole."""

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

from bot import lazy
from bot.lazy import at_hand, is_waiting, load, put_off

Package = Callable[..., ModuleType]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    """Makes `slowly`, whose own module holds `text`, and puts it off."""
    monkeypatch.syspath_prepend(tmp_path)

    def make(text: str = "from slowly.heavy import Heavy\n") -> ModuleType:
        folder = tmp_path / "slowly"
        folder.mkdir()
        (folder / "__init__.py").write_text(f'__version__ = "1.2"\nimport sys\n{text}')
        (folder / "light.py").write_text("from . import __version__\nNAME = 'light'\n")
        (folder / "heavy.py").write_text("from slowly import light\nclass Heavy: pass\n")
        assert put_off("slowly")
        return import_module("slowly")

    yield make
    lazy._waiting.pop("slowly", None)
    for name in [name for name in sys.modules if name.partition(".")[0] == "slowly"]:
        del sys.modules[name]


def loaded() -> set[str]:
    """The parts that are there."""
    return {name for name in sys.modules if name.startswith("slowly.")}


def test_a_part_is_imported_without_the_package(package: Package) -> None:
    package()
    from slowly import light  # type: ignore[import-not-found]

    assert (light.NAME, light.__version__) == ("light", "1.2")
    assert is_waiting("slowly")
    assert loaded() == {"slowly.light"}


def test_a_name_that_is_no_part_makes_the_package_whole(package: Package) -> None:
    slowly = package()
    heavy = slowly.Heavy
    assert heavy is sys.modules["slowly.heavy"].Heavy
    assert not is_waiting("slowly")
    assert type(slowly) is ModuleType
    assert slowly is sys.modules["slowly"]


def test_a_part_is_there_as_an_attribute_though_nobody_imported_it(package: Package) -> None:
    assert package().light.NAME == "light"
    assert is_waiting("slowly")


def test_a_name_that_nobody_has_is_refused_before_and_after(package: Package) -> None:
    slowly = package()
    assert not hasattr(slowly, "__wrapped__")
    assert is_waiting("slowly")
    for _ in range(2):
        with pytest.raises(AttributeError, match="Nobody"):
            _ = slowly.Nobody
    assert not is_waiting("slowly")


def test_a_package_that_asks_itself_for_a_name_is_refused_and_not_run_again(
    package: Package,
) -> None:
    slowly = package("from slowly.heavy import Heavy\nfound = hasattr(sys.modules[__name__], 'No')")
    assert slowly.found is False


async def test_it_runs_once_whoever_asks(package: Package) -> None:
    slowly = package(
        "import time\ntimes = vars(sys).setdefault('_slowly', [])\ntimes.append(1)\n"
        "time.sleep(0.05)\nclass Heavy: pass\n"
    )
    try:
        seen: list[object] = []
        asking = [threading.Thread(target=lambda: seen.append(slowly.Heavy)) for _ in range(4)]
        for thread in asking:
            thread.start()
        await at_hand("slowly")
        for thread in asking:
            thread.join()
        assert load("slowly")
        assert set(map(id, seen)) == {id(slowly.Heavy)}
        assert vars(sys)["_slowly"] == [1]
    finally:
        vars(sys).pop("_slowly", None)


def test_a_package_that_fails_is_asked_again(package: Package) -> None:
    slowly = package("if not hasattr(sys, '_ready'): raise OSError('later')\nDONE = 1\n")
    with pytest.raises(OSError, match="later"):
        _ = slowly.DONE
    vars(sys)["_ready"] = True
    try:
        assert slowly.DONE == 1
    finally:
        del vars(sys)["_ready"]


def test_what_is_there_already_or_is_not_installed_is_left_alone() -> None:
    assert not put_off("pytest")
    assert not put_off("no_such_package")
    assert not is_waiting("no_such_package")


HOUSE = """
import sys
from bot.lazy import is_waiting, load, put_off
put_off("aiohttp")
put_off("jwt")
import bot.app
assert is_waiting("aiohttp"), "something asked for aiohttp's client"
assert is_waiting("jwt"), "something asked for signed tokens"
assert "cryptography.x509" not in sys.modules
assert "aiohttp.web" in sys.modules and "aiohttp.connector" not in sys.modules
import aiohttp
assert aiohttp.ClientSession.__module__ == "aiohttp.client" and not is_waiting("aiohttp")
from aiohttp import *
assert issubclass(ClientConnectorError, ClientError) and aiohttp.hdrs.HOST == "Host"
import channels.teams.proof
assert is_waiting("jwt"), "a channel asked for signed tokens while it was loaded"
"""


def test_the_house_is_imported_without_the_http_client() -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", HOUSE], cwd=root, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
