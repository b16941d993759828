"""The whole program several times on one PostgreSQL, behind PgBouncer in transaction mode."""

import asyncio
import signal
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from tests.postgres import Pooler, own_database
from tests.program import TOKEN, Program, wait_for

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The address of an empty database."""
    with asyncio.Runner() as runner:
        made = own_database()
        url = runner.run(made.__aenter__())
        yield url
        runner.run(made.__aexit__(None, None, None))


@pytest.fixture(scope="module")
def pooled(server: str) -> Iterator[str]:
    """The same through a pooler."""
    pooler = Pooler()
    asyncio.run(pooler.ready())
    yield pooler.address(server)
    pooler.stop()


@pytest.fixture(scope="module")
def two(
    server: str, pooled: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Program, Program]]:
    """Two programs behind the pooler."""
    folder = tmp_path_factory.mktemp("two")
    with ExitStack() as stack:
        made = []
        for name in ("one", "two"):
            program = Program(folder, name, pooled, BOT_DIRECT_URL=server, **NOWHERE)
            stack.callback(program.stop)
            made.append(program.started())
        yield made[0], made[1]


NOWHERE = {"BOT_ENDPOINT_TELEGRAM": "http://127.0.0.1:9", "BOT_ALLOW_PRIVATE_ENDPOINTS": "1"}
"""A Telegram that does not answer."""


def pending(program: Program) -> list[dict[str, Any]]:
    _, told = program.ask("GET", "/v1/approvals?state=pending")
    found: list[dict[str, Any]] = told["items"]
    return found


def answers(program: Program, conversation: str) -> list[str]:
    found = program.lines(conversation)
    return [line["text"] for line in found if line["role"] != "user"]


def test_what_is_connected_at_one_process_is_heard_by_the_other(
    two: tuple[Program, Program],
) -> None:
    """Before the talk below, at whose end one of them is killed."""
    one, other = two

    def heard(program: Program) -> bool:
        _, told = program.ask("GET", "/v1/channels")
        (item,) = [each for each in told["items"] if each["name"] == "telegram"]
        return item["detail"] != "not connected"

    assert not heard(other)
    status, told = one.ask(
        "PUT",
        "/v1/channels/telegram",
        {"options": {"token": "123456:" + "a" * 35}, "unchecked": True},
    )
    assert status < 300, told
    wait_for(lambda: heard(other))
    status, told = other.ask("DELETE", "/v1/channels/telegram")
    assert status < 300, told
    wait_for(lambda: not heard(one))


def test_an_answer_is_seen_as_it_grows_at_the_process_that_does_not_write_it(
    two: tuple[Program, Program],
) -> None:
    one, other = two
    talk = one.say("help")
    wait_for(lambda: len(answers(one, talk)) == 1)
    address = f"{other.url}/v1/conversations/{talk}/stream"
    watching = urllib.request.Request(address, headers={"Authorization": f"Bearer {TOKEN}"})
    with urllib.request.urlopen(watching, timeout=20) as stream:
        lines = (line.decode().strip() for line in stream)
        assert next(line for line in lines if line.startswith("event: state"))
        for _ in range(5):  # the word that somebody watches may still be on its way
            one.say("help", talk)
            seen = list(takewhile(lambda line: "assistant" not in line, lines))
            if "event: draft" in seen:
                break
    assert "event: draft" in seen, seen


def test_a_talk_with_two_processes_behind_a_pooler(two: tuple[Program, Program]) -> None:
    one, other = two
    talk = one.say("help")
    wait_for(lambda: len(answers(one, talk)) == 1)
    assert other.say("help", talk) == talk
    wait_for(lambda: len(answers(one, talk)) == 2)

    other.say('publish "We are open on Sunday" on the blog', talk)
    (card,) = wait_for(lambda: pending(one))
    wait_for(lambda: len(answers(one, talk)) == 3)
    blog = one.home.parent / "blog"
    assert not list(blog.glob("*.md"))

    status, told = one.ask("GET", "/v1/status")
    alive = told["database"]["processes"]
    assert status == 200 and len(alive) == 2 and sum(each["this"] for each in alive) == 1
    assert told["database"]["problems"] == []
    shown = one.run("status").stdout
    assert f"  database  PostgreSQL 127.0.0.1:{one.database_port}/" in shown
    for each in (one, other):
        assert f":{each.home} (0.1.0, " in shown

    # Nobody presses at the process that asked: it is gone.
    other.stop(signal.SIGKILL)
    yes = {"decision": "approve", "version": card["version"]}
    status, told = one.ask("POST", f"/v1/approvals/{card['id']}/decide", yes)
    assert status == 200, told
    (post,) = wait_for(lambda: list(blog.glob("*.md")))
    assert "We are open on Sunday" in post.read_text()
    wait_for(lambda: len(answers(one, talk)) == 4)
    one.say("help", talk)
    wait_for(lambda: len(answers(one, talk)) == 5)
    assert len(list(blog.glob("*.md"))) == 1
    assert [line["n"] for line in one.lines(talk)] == sorted(line["n"] for line in one.lines(talk))
    assert "Traceback" not in one.said


def test_a_rule_made_at_one_process_holds_at_another_that_hears_no_words(
    pooled: str, tmp_path: Path
) -> None:
    """Without the server's own address words are lost; a refusal must not be."""
    with ExitStack() as stack:
        made = []
        for name in ("one", "two"):
            program = Program(tmp_path, name, pooled)
            stack.callback(program.stop)
            made.append(program.started())
        one, other = made
        talk = other.say("help")

        def asks() -> bool:
            """Whether a publication at the other process is asked about, and not refused."""
            before, said = len(pending(other)), len(other.lines(talk))
            other.say('publish "We are open" on the blog', talk)
            wait_for(lambda: len(other.lines(talk)) >= said + 2)
            return len(pending(other)) > before

        wait_for(lambda: len(other.lines(talk)) == 2)
        assert asks()
        assert one.run("policies", "set", "deny", "--tool", "blog_publish").returncode == 0
        wait_for(lambda: not asks() or time.sleep(0.2), 30)
        status, told = other.ask("GET", "/v1/status")
        assert status == 200 and "do not come through" in told["database"]["problems"][0]


def test_what_an_agent_may_take_on_is_counted_for_both_processes(
    server: str, tmp_path: Path
) -> None:
    agents = tmp_path / "agents"
    agents.mkdir()
    (agents / "bri.md").write_text(
        "---\nname: bri\ntitle: assistant\nlimits: {per_minute: 4}\n---\nYou help.\n"
    )
    with ExitStack() as stack:
        made = []
        for name in ("one", "two"):
            program = Program(tmp_path, name, server, BOT_AGENTS_DIR=str(agents))
            stack.callback(program.stop)
            made.append(program.started())
        one, other = made
        talk = other.say("help")
        for count in range(2, 5):
            wait_for(lambda: len(answers(other, talk)) == count - 1)
            other.say("help", talk)
        wait_for(lambda: len(answers(other, talk)) == 4)
        assert not any("may take on" in text for text in answers(other, talk))
        elsewhere = one.say("help")
        (told,) = wait_for(lambda: answers(one, elsewhere))
        assert "more than bri may take on" in told
