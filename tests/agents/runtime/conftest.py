"""The door to models, open for one test, once over each transport."""

from collections.abc import AsyncIterator

import pytest

from tests.agents.runtime.model_house import House
from tests.agents.runtime.talk import needs_litellm
from tests.fakes.openai_server import OpenAIServer


@pytest.fixture(params=[pytest.param("litellm", marks=needs_litellm), "direct"])
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    async with OpenAIServer() as server:
        house = House(server, request.param)
        yield house
        await house.close()
        assert server.violations == []
