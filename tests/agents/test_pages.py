"""The pages of the agents: each exchange on them is what the whole program does and says today."""

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.agents.exchange import PAGES, Played, block_of, houses, pages, play, replayed, script_of
from tests.agents.test_team import everybody
from tests.program import Program

Houses = tuple[tuple[Program, Program], Played]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Houses]:
    """A house with no key, one with a played model, and that model."""
    async with Played() as server:
        offline, real = houses(tmp_path_factory.mktemp("pages"), server)
        try:
            yield (offline.started(), real.started()), server
        finally:
            offline.stop()
            real.stop()


def test_every_agent_has_a_page_and_is_named_in_the_list() -> None:
    names = {str(agent.name) for agent in everybody()}
    assert {page.stem for page in pages()} == names
    linked = set(re.findall(r"\((\w+)\.md\)", (PAGES / "README.md").read_text()))
    assert linked == names


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.stem))
async def test_the_exchange_goes_as_the_page_says(page: Path, running: Houses) -> None:
    both, server = running
    text = page.read_text()
    assert await replayed(text, both, server) == block_of(text)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_page_that_says_something_else_would_be_noticed(running: Houses) -> None:
    both, server = running
    wrong = (PAGES / "kelly.md").read_text().replace("31 of 280", "30 of 280")
    assert await replayed(wrong, both, server) != block_of(wrong)
    assert play(both[0], script_of(block_of(wrong))) != block_of(wrong)
