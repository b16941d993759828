"""The whole program with X played and connected, and whatever model a test plays."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.fakes.oauth_server import CLIENT, SECRET
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.x_server import XServer
from tests.program import Program
from tests.tools.social.test_x_whole import Story


class OnX(Story):
    """It may be started again after it was killed."""

    async def start(self) -> None:
        """Run it."""
        made = Program(
            self.folder,
            "home",
            "",
            X_CLIENT_ID=CLIENT,
            X_CLIENT_SECRET=SECRET,
            BOT_ENDPOINT_X=self.server.base,
            BOT_ALLOW_PRIVATE_ENDPOINTS="1",
            OPENAI_API_KEY="sk-of-nobody",
            OPENAI_API_BASE=self.model.url,
            BOT_MODELS_DEFAULT="openai/gpt-4o-mini",
            BOT_MODELS_TRANSPORT="direct",
        )
        self.running = await asyncio.to_thread(made.started)


@asynccontextmanager
async def on_x(folder: Path, model: OpenAIServer) -> AsyncIterator[OnX]:
    """It runs, X is connected; at the end nothing was sent that should not have been, or shown."""
    async with XServer() as server, model:
        made = OnX(folder, server, model)  # type: ignore[arg-type]
        await made.start()
        try:
            await made.connect()
            yield made
        finally:
            await asyncio.to_thread(made.running.stop)
        assert server.mistakes == []
        assert "canary" not in made.running.said
