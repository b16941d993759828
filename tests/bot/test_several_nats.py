"""The whole program twice, with a pooler alone before PostgreSQL, and words by a real NATS."""

import asyncio
import json
import re
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.nats import ABSENT, BINARY, NatsServer, nats_server
from tests.postgres import Pooler, own_database
from tests.program import TOKEN, Program, wait_for

pytestmark = [pytest.mark.timeout(180), pytest.mark.skipif(not BINARY, reason=ABSENT)]


@pytest.fixture(scope="module")
def pooled() -> Iterator[str]:
    """The address of an empty database, by its pooler."""
    with asyncio.Runner() as runner:
        made = own_database()
        url = runner.run(made.__aenter__())
        pooler = Pooler()
        runner.run(pooler.ready())
        yield pooler.address(url)
        pooler.stop()
        runner.run(made.__aexit__(None, None, None))


@pytest.fixture
def nats() -> Iterator[NatsServer]:
    with nats_server() as server:
        yield server


class Watcher(threading.Thread):
    """Reads a conversation's stream at one process."""

    def __init__(self, program: Program, conversation: str) -> None:
        super().__init__(daemon=True)
        self.kinds: list[str] = []
        self._request = urllib.request.Request(
            f"{program.url}/v1/conversations/{conversation}/stream",
            headers={"Authorization": f"Bearer {TOKEN}"},
        )
        self.start()

    def run(self) -> None:
        with urllib.request.urlopen(self._request, timeout=60) as stream:
            for line in stream:
                if line.startswith(b"event: "):
                    self.kinds.append(line[7:].decode().strip())


def test_two_processes_that_reach_each_other_by_nats_alone(
    pooled: str, nats: NatsServer, tmp_path: Path
) -> None:
    url = nats.url("ours")
    with ExitStack() as stack:
        made = []
        for name in ("one", "two"):
            program = Program(tmp_path, name, pooled, BOT_NATS_URL=url)
            stack.callback(program.stop)
            made.append(program.started())
        one, other = made
        talk = one.say("help")
        wait_for(lambda: len(one.lines(talk)) == 2)
        # A draft is made where somebody looks on, and stands in no row: what a watcher elsewhere
        # sees of it came by NATS.
        Watcher(one, talk)
        watcher = Watcher(other, talk)

        def seen() -> bool:
            lines = len(one.lines(talk))
            one.say("hello there", talk)
            wait_for(lambda: len(one.lines(talk)) == lines + 2)
            return "draft" in watcher.kinds

        wait_for(seen)
        for each in (one, other):
            status, told = each.ask("GET", "/v1/status")
            assert status == 200 and told["database"]["problems"] == []
            assert "do not come through" not in each.said
        doctor = one.run("doctor").stdout
        assert f"words between processes go by NATS at 127.0.0.1:{nats.port}/ours" in doctor

        nats.stop()
        wait_for(lambda: one.ask("GET", "/v1/status")[1]["database"]["problems"], 40)
        status, told = one.ask("GET", "/v1/status")
        assert f"do not come through NATS at 127.0.0.1:{nats.port}/ours" in json.dumps(told)
        doctor = one.run("doctor").stdout
        assert re.search(r"NATS at 127\.0\.0\.1:\d+/ours cannot be used", doctor)
        assert f"    nc -z 127.0.0.1 {nats.port}\n" in doctor
        before = len(other.lines(talk))
        other.say("help", talk)  # everything goes on, and is told again once there is a way
        wait_for(lambda: len(one.lines(talk)) == before + 2)
        nats.start()
        wait_for(lambda: not one.ask("GET", "/v1/status")[1]["database"]["problems"], 40)
        assert "Traceback" not in one.said + other.said


def test_an_address_that_is_none_is_named(tmp_path: Path) -> None:
    for wrong, said in (
        ("http://127.0.0.1:4222", "Write nats://user:password@host:4222/name"),
        ("nats://nats.example:4222", "unencrypted"),
        ("nats://127.0.0.1:4222/a.>", "letters, digits"),
    ):
        program = Program(tmp_path, "none", "", BOT_NATS_URL=wrong)
        try:
            assert program.process.wait(60) == 2
            assert said in program.said and "BOT_NATS_URL" in program.said
        finally:
            program.stop()
