"""A database that goes on from a copy that lacks the last commits, under programs that saw them."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.channels.running import Model
from tests.fakes.openai_server import Reply
from tests.postgres import Server
from tests.program import Program, wait_for

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    made.start()
    yield made
    made.remove()


def are_ready(programs: list[Program]) -> Any:
    return wait_for(lambda: all(each.ask("GET", "/ready")[0] == 200 for each in programs))


def story(server: Server, programs: list[Program]) -> None:
    one, other = programs
    are_ready(programs)
    talk = one.say("the first words")

    def says(program: Program, text: str) -> None:
        many = len(program.lines(talk))
        program.say(text, talk)
        wait_for(lambda: len(program.lines(talk)) == many + 2)

    wait_for(lambda: len(one.lines(talk)) == 2)
    server.copy()
    are_ready(programs)
    says(one, "words that are lost")
    server.fall_back()
    are_ready(programs)
    says(other, "words of the other")
    says(one, "the last words")


async def test_what_its_database_no_longer_has_is_laid_before_no_model(
    server: Server, tmp_path: Path
) -> None:
    """As many turns in the same conversation, by another process: the numbers are those it knows."""
    async with Model(lambda _: Reply(text="So it is.")) as model:
        settings = {
            "BOT_ALLOW_PRIVATE_ENDPOINTS": "1",
            "OPENAI_API_KEY": "sk-of-nobody",
            "OPENAI_API_BASE": model.url,
            "BOT_MODELS_DEFAULT": "openai/gpt-4o-mini",
            "BOT_MODELS_TRANSPORT": "direct",
        }
        with ExitStack() as stack:
            programs: list[Program] = []
            for name in ("one", "other"):
                program = Program(tmp_path, name, server.url, **settings)
                stack.callback(program.stop)
                programs.append(await asyncio.to_thread(program.started))
            await asyncio.to_thread(story, server, programs)
        (laid,) = (text for r in model.requests if "the last words" in (text := json.dumps(r.body)))
        assert "words of the other" in laid
        assert "words that are lost" not in laid
