"""The whole program with X played and connected, and whatever model a test plays."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.fakes.oauth_server import CLIENT, SECRET
from tests.fakes.openai_server import OpenAIServer
from tests.fakes.x_server import XServer
from tests.tools.story import Story, told_of

OnX = Story[XServer]


@asynccontextmanager
async def on_x(folder: Path, model: OpenAIServer, **more: str) -> AsyncIterator[OnX]:
    """It runs, X is connected; at the end nothing was sent that should not have been, or shown."""
    app = {"X_CLIENT_ID": CLIENT, "X_CLIENT_SECRET": SECRET}
    async with told_of(folder, XServer(), model, **app, **more) as made:
        await made.connect()
        yield made
