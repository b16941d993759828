"""What a missing package is installed by: its own name, and never a stranger's."""

from importlib import metadata
from pathlib import Path

import pytest

from bot import extras
from bot.extras import install, upgrade
from tests.process import ROOT


def test_the_packages_of_an_extra_are_named() -> None:
    assert install("nats") == "pip install 'nats-py>=2.12,<3'"
    assert install("llm").startswith("pip install 'litellm>=")
    assert install("teams") == "make setup"


def test_a_newer_version_comes_from_where_this_one_came(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".git").mkdir()
    monkeypatch.setattr(extras, "__file__", str(tmp_path / "bot" / "extras.py"))
    assert upgrade() == f"git -C {tmp_path} pull"
    (tmp_path / ".git").rmdir()
    assert upgrade() == "pip show switchboard"


def test_outside_a_checkout_the_installation_tells_them(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = ["aiohttp<4", 'nats-py<3,>=2.12; extra == "nats"', "obstore<1; extra == 's3'"]
    monkeypatch.setattr(extras, "__file__", str(tmp_path / "bot" / "extras.py"))
    monkeypatch.setattr(metadata, "requires", lambda name: told)  # a fact of the machine
    assert install("nats") == "pip install 'nats-py<3,>=2.12'"
    assert install("s3") == "pip install 'obstore<1'"


def test_nobody_is_told_to_install_another_project_of_our_name() -> None:
    folders = ("bot", "agents", "channels", "tools", "scheduler", "docs")
    read = [path for folder in folders for path in (ROOT / folder).rglob("*.[pm][yd]")]
    assert len(read) > 500
    found = [path.name for path in read if "switchboard[" in path.read_text("utf-8")]
    assert found == ["extras.py"]
