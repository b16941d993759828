"""Words between processes by a real NATS: who hears them, who does not, and what a loss costs."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from nats.errors import SlowConsumerError

from bot.infra.nats import MAX_BYTES, Words, called, examine
from tests.nats import ABSENT, BINARY, NatsServer, nats_server

pytestmark = pytest.mark.skipif(not BINARY, reason=ABSENT)


@pytest.fixture
def server() -> Iterator[NatsServer]:
    with nats_server() as made:
        yield made


class Ear:
    """What one process heard, and how often it was told that it may have missed something."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.losses = 0
        self.happened = asyncio.Event()

    def hear(self, word: str) -> None:
        self.heard.append(word)
        self.happened.set()

    def lost(self) -> None:
        self.losses += 1
        self.happened.set()

    async def until(self, done: Callable[["Ear"], bool]) -> None:
        async with asyncio.timeout(20):
            while not done(self):
                await self.happened.wait()
                self.happened.clear()


@asynccontextmanager
async def process(url: str) -> AsyncIterator[tuple[Words, Ear]]:
    """One process that hears and may speak."""
    ear = Ear()
    words = Words(url, ear.hear, ear.lost)
    running = asyncio.ensure_future(words.run())
    try:
        await ear.until(lambda ear: ear.losses > 0)
        yield words, ear
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_a_word_reaches_all_of_its_house_in_order_and_nobody_else(server: NatsServer) -> None:
    async with (
        process(server.url("ours")) as (one, ear_of_one),
        process(server.url("ours")) as (_, ear_of_two),
        process(server.url("theirs")) as (stranger, ear_of_stranger),
    ):
        said = [f"word {n} – ö" for n in range(500)]
        assert all(one.send(word) for word in said)
        await ear_of_two.until(lambda ear: len(ear.heard) == len(said))
        await ear_of_one.until(lambda ear: len(ear.heard) == len(said))
        assert ear_of_one.heard == ear_of_two.heard == said
        stranger.send("theirs")
        await ear_of_stranger.until(lambda ear: ear.heard == ["theirs"])
        assert ear_of_two.heard == said


async def test_what_is_too_long_is_not_sent_and_nothing_breaks(server: NatsServer) -> None:
    async with process(server.url()) as (words, ear):
        assert not words.send("ä" * (MAX_BYTES // 2 + 1))
        assert words.send("a" * MAX_BYTES)
        await ear.until(lambda ear: len(ear.heard) == 1)
        assert len(ear.heard[0]) == MAX_BYTES and ear.losses == 1


async def test_a_server_that_takes_less_is_sent_less(tmp_path: Path) -> None:
    settings = tmp_path / "small.conf"
    settings.write_text("max_payload: 1000\n")
    with nats_server("--config", str(settings)) as small:
        async with process(small.url()) as (words, ear):
            assert words.send("a" * 1_000) and not words.send("a" * 1_001)
            await ear.until(lambda ear: len(ear.heard) == 1)


async def test_a_lost_connection_is_made_again_and_everybody_looks_anew(server: NatsServer) -> None:
    async with process(server.url()) as (words, ear):
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.start)
        await ear.until(lambda ear: ear.losses >= 2)
        words.send("after")
        await ear.until(lambda ear: "after" in ear.heard)


async def test_one_that_could_not_keep_up_looks_anew_once_and_not_for_each_word(
    server: NatsServer,
) -> None:
    async with process(server.url()) as (words, ear):
        for _ in range(50):
            await words._failed(SlowConsumerError("ours", "", 1, None))
        await ear.until(lambda ear: ear.losses > 1)
        words.send("after")
        await ear.until(lambda ear: "after" in ear.heard)
        assert ear.losses == 2


async def test_examine_says_what_is_wrong_and_never_the_password() -> None:
    with nats_server("--user", "ann", "--pass", "s3cret-password") as server:
        good = server.url("ours", "ann:s3cret-password@")
        assert await examine(good) == ""
        assert called(good) == f"127.0.0.1:{server.port}/ours"
        for url in (server.url("ours", "ann:wr0ng-password@"), server.url("ours")):
            said = await examine(url)
            assert f"127.0.0.1:{server.port}/ours cannot be used" in said
            assert "Authorization" in said and "password" not in said
        server.stop()
        assert "cannot be used" in await examine(good)
