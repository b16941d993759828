"""A house with a connected Google Drive, on the drive that plays."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.core.tool import ToolContext
from tests.fakes.files import local_files
from tests.fakes.google_drive import GoogleDriveServer
from tests.fakes.google_shelf import Shelf
from tests.fakes.oauth_house import OAuthHouse
from tests.tools.mailbox.conftest import Side

_G = "https://www.googleapis.com/auth/"
SCOPES = (f"{_G}drive.readonly", f"{_G}drive.file", f"{_G}drive")


@pytest.fixture
async def google() -> AsyncIterator[GoogleDriveServer]:
    async with GoogleDriveServer() as server:
        yield server
    assert server.mistakes == []


@pytest.fixture
async def bare(tmp_path: Path, google: GoogleDriveServer) -> AsyncIterator[Side]:
    async with OAuthHouse(tmp_path, google) as house:
        files = local_files(house.db, house.clock, tmp_path / "files")
        yield Side("drive", google, house, files)


@pytest.fixture
async def side(bare: Side) -> Side:
    await bare.house.connect(scopes=SCOPES)
    return bare


@pytest.fixture
def ctx(side: Side) -> ToolContext:
    return side.of()


@pytest.fixture
def shelf(google: GoogleDriveServer) -> Shelf:
    return google.shelf


async def connect(side: Side, *names: str) -> None:
    """Connect with some scopes only."""
    await side.house.connect(features=(), scopes=tuple(f"{_G}{name}" for name in names))
