"""A played vendor and a house that connects accounts there."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fakes.oauth_house import PUBLIC, OAuthHouse
from tests.fakes.oauth_rules import played
from tests.fakes.oauth_server import OAuthServer


@pytest.fixture(params=played())
def vendor(request: pytest.FixtureRequest) -> str:
    """Each vendor in turn; a test that is about one overrides it."""
    name: str = request.param
    return name


@pytest.fixture
async def server(vendor: str) -> AsyncIterator[OAuthServer]:
    async with OAuthServer(vendor, PUBLIC) as server:
        yield server
    assert server.mistakes == []


@pytest.fixture
async def house(tmp_path: Path, server: OAuthServer) -> AsyncIterator[OAuthHouse]:
    async with OAuthHouse(tmp_path, server) as house:
        yield house
