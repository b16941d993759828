"""A door to models, a server behind it, and a clock, for the tests of the door."""

from typing import Any

import pytest

from agents.runtime.door import Door
from bot.core.model import ModelReply, ModelRequest
from bot.core.ports import Model
from bot.core.secret import Secret
from tests.agents.runtime.talk import KEY, MODEL
from tests.fakes.clock import StillClock
from tests.fakes.openai_server import OpenAIServer

OTHER = "deepseek/deepseek-v4-flash"
OTHER_KEY = "sk-deepseek-0123456789QRST"

streamed = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


async def ask(door: Model, asked: ModelRequest, stream: bool) -> tuple[ModelReply, list[str]]:
    """The answer and the words that came while it was written."""
    words: list[str] = []
    return await door.complete(asked, words.append if stream else None), words


class House:
    """A server, a clock, and doors between them."""

    def __init__(self, server: OpenAIServer, transport: str = "litellm") -> None:
        self.server = server
        self.transport = transport
        self.clock = StillClock()
        self.naps: list[float] = []
        self._doors: list[Door] = []

    def door(self, *models: str, **changes: Any) -> Door:
        """A door to the server under the names of both providers."""
        given: dict[str, Any] = {
            "clock": self.clock,
            "keys": {"openai": Secret(KEY), "deepseek": Secret(OTHER_KEY)},
            "endpoints": dict.fromkeys(("openai", "deepseek", "openrouter"), self.server.url),
            "default": models or (MODEL,),
            "sleep": self.nap,
            "transport": self.transport,
            **changes,
        }
        self._doors.append(Door(**given))
        return self._doors[-1]

    async def nap(self, seconds: float) -> None:
        """Let time pass at once."""
        self.naps.append(seconds)
        self.clock.move(seconds=seconds)

    async def close(self) -> None:
        """Close all doors."""
        for door in self._doors:
            await door.close()

    def models(self) -> list[str]:
        """Who was asked, in order."""
        return [received.body["model"] for received in self.server.requests]
