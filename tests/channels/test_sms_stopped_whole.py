"""`bot run` and a phone that wrote STOP: what its person decides counts, and nothing is sent there."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.channels.running import found
from tests.channels.test_sms_whole import (
    ANA,
    BEN,
    ENDED,
    OURS,
    code_in,
    rows,
    says,
    sees,
    whole,
)
from tests.fakes.twilio_server import TwilioServer

pytestmark = pytest.mark.timeout(300)
DEAD = "inbox where state = 'dead'"


@pytest.fixture
async def twilio() -> AsyncIterator[TwilioServer]:
    async with TwilioServer() as server:
        yield server
        await server.settled()


async def test_a_yes_after_a_stop_counts_and_what_is_not_told_then_is_no_failure(
    tmp_path: Path, twilio: TwilioServer
) -> None:
    async with whole(tmp_path, twilio) as program:
        n = len(twilio.world.said(ANA))
        await says(twilio, "publish it")
        code = await code_in(twilio, "Sunday", n)
        await says(twilio, "STOP")
        n, ended = len(twilio.world.said(ANA)), rows(program, ENDED)
        await says(twilio, f"OK {code}")
        await found(program.posts)
        await found(lambda: rows(program, ENDED) >= ended + 2)  # the yes, and its outcome's turn
        await asyncio.sleep(1)
        assert twilio.world.said(ANA)[n:] == []
        assert rows(program, DEAD) == 0 and "failed" not in await program.verb("status")
        assert "opted out" in await program.verb("events", "list")
        # A test message to a phone that opted out: a sentence, and no error of the house.
        told = await asyncio.to_thread(program.run, "connect", "sms", "--test", ANA)
        assert told.returncode != 0
        assert "…0101 has opted out" in told.stderr and "START" in told.stderr
        # Nor where Twilio alone knows that it did.
        twilio.world.opted_out.add((OURS, BEN))
        told = await asyncio.to_thread(program.run, "connect", "sms", "--test", BEN)
        assert "…0102 has opted out" in told.stderr
        log = program.log.read_text()
        assert "ERROR" not in log and ANA not in log and BEN not in log
        # START: she is told of what comes next.
        await says(twilio, "START")
        await says(twilio, "say back")
        await sees(twilio, "^You said back.$")
