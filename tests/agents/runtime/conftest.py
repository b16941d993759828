"""The door to models, open for one test."""

from collections.abc import AsyncIterator

import pytest

from tests.agents.runtime.model_house import House
from tests.fakes.openai_server import OpenAIServer


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with OpenAIServer() as server:
        house = House(server)
        yield house
        await house.close()
        assert server.violations == []
