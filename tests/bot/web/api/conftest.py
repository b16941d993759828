"""A house for the tests of the API, and clients that come in as somebody."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.fakes.web_house import WebHouse


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[WebHouse]:
    """A running house."""
    async with WebHouse(tmp_path) as house:
        yield house


@pytest.fixture
async def owner(house: WebHouse) -> ClientSession:
    """The owner, with a token."""
    return await house.bearer()
