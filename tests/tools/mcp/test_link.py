"""Connections to real servers in processes of their own: ours, and the protocol's reference."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from bot.core.errors import VendorRefused, VendorUnknown
from bot.core.secret import Secret
from tests.tools.mcp import kit
from tools.mcp import _link
from tools.mcp._result import words
from tools.mcp._server import Server


@pytest.mark.parametrize("way", ["stdio", "http"])
async def test_the_reference_server_is_understood(way: str) -> None:
    script, port = kit.everything(), kit.free_port()
    env = {"PORT": str(port)}
    async with kit.listening(["node", script, "streamableHttp"], port, env):
        server = (
            Server(name="every", url=f"http://127.0.0.1:{port}/mcp", private=True)
            if way == "http"
            else Server(name="every", command="node", args=(script,), path=os.environ["PATH"])
        )
        async with kit.opened(server) as link:
            await link.look()
            assert link.tools["echo"].problem == ""
            said = await link.call(link.tools["echo"], {"message": "hi"})
            assert await words(said, None) == "Echo: hi"
            said = await link.call(link.tools["get-sum"], {"a": 2, "b": 3})
            assert "5" in await words(said, None)
            said = await link.call(link.tools["get-tiny-image"], {})
            text = await words(said, kit.nowhere(kit.HOME, "per_ana"))
            assert re.search(r"\[file: image, image/png, \d+ bytes, of per_ana\]", text)
            with pytest.raises(VendorUnknown):
                await asyncio.wait_for(_slow(link), 20)


async def _slow(link: Any) -> None:
    object.__setattr__(link.server, "timeout_s", 1.0)
    tool = link.tools["trigger-long-running-operation"]
    await link.call(tool, {"duration": 15, "steps": 2})


@pytest.mark.parametrize("way", ["stdio", "http"])
async def test_our_server_is_called(tmp_path: Path, way: str) -> None:
    port = kit.free_port()
    env = {"BOOK": str(tmp_path / "book")}
    command = [sys.executable, str(kit.HERE / "server.py"), str(port)]
    server = kit.notes(tmp_path)
    async with kit.listening(command, port, env):
        if way == "http":
            url = f"http://127.0.0.1:{port}/mcp"
            server = kit.notes(tmp_path, command="", args=(), env={}, url=url, private=True)
        async with kit.opened(server) as link:
            await link.look()
            said = await link.call(link.tools["add"], {"title": "tea", "stars": 3})
            assert await words(said, None) == "added tea"
            failed = await link.call(link.tools["fail"], {"why": "no"})
            assert failed.failed
    assert kit.book(tmp_path) == ["add tea 3"]


async def test_a_program_finds_only_what_is_named_in_its_environment(tmp_path: Path) -> None:
    os.environ["SWITCHBOARD_CANARY"] = "canary"
    try:
        async with kit.opened(kit.notes(tmp_path)) as link:
            await link.look()
            said = await words(await link.call(link.tools["environment"], {}), None)
    finally:
        del os.environ["SWITCHBOARD_CANARY"]
    assert set(said.splitlines()) - {"LC_CTYPE"} == {"BOOK", "PATH", "SHAPE"}


async def test_a_call_that_takes_too_long_is_unknown_and_not_repeated(tmp_path: Path) -> None:
    async with kit.opened(kit.notes(tmp_path, timeout_s=1.0)) as link:
        await link.look()
        with pytest.raises(VendorUnknown):
            await link.call(link.tools["slow"], {"seconds": 3})
        await asyncio.sleep(3)
    assert kit.book(tmp_path) == ["slow 3.0"]


async def test_a_server_that_dies_in_a_call_is_unknown_then_left_alone_then_back(
    tmp_path: Path,
) -> None:
    async with kit.opened(kit.notes(tmp_path)) as link:
        await link.look()
        with pytest.raises(VendorUnknown):
            await link.call(link.tools["die"], {"word": "now"})
        await asyncio.sleep(0.2)
        assert link.problem == "notes stopped by itself."
        with pytest.raises(VendorRefused, match="tried again in 1 s"):
            await link.call(link.tools["add"], {"title": "early"})
        await asyncio.sleep(1.1)
        await link.call(link.tools["add"], {"title": "later"})
        assert link.problem == ""
    assert kit.book(tmp_path) == ["die now", "add later 1"]


async def test_the_pause_doubles_while_a_server_does_not_start() -> None:
    class Clock:
        at = 0.0

        def monotonic(self) -> float:
            return self.at

    clock = Clock()
    server = Server(name="no", command="/nonexistent/mcp-server", path=os.environ["PATH"])
    async with kit.opened(server, clock) as link:  # type: ignore[arg-type]
        waits = []
        for _ in range(4):
            with pytest.raises(VendorRefused, match="cannot be reached|stopped"):
                await link.look()
            waits.append(link._rests_until - clock.at)
            with pytest.raises(VendorRefused, match="tried again"):
                await link.look()
            clock.at = link._rests_until
        assert waits == [1.0, 2.0, 4.0, 8.0]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("import sys; sys.stdout.write('x' * 20_000_000); sys.stdout.flush(); input()", "reached"),
        ("print('this is no JSON', flush=True); raise SystemExit", "reached"),
        ("import time; time.sleep(60)", "did not answer"),
    ],
    ids=["a line without end", "no JSON", "silence"],
)
async def test_a_server_that_does_not_speak_is_named(
    monkeypatch: pytest.MonkeyPatch, script: str, said: str
) -> None:
    monkeypatch.setattr(_link, "OPEN_S", 2.0)
    server = Server(name="odd", command=sys.executable, args=("-c", script), timeout_s=2.0)
    async with kit.opened(server) as link:
        with pytest.raises(VendorRefused, match=said):
            await link.look()
        assert link.problem.startswith("odd ")


@pytest.mark.parametrize("way", ["stdio", "http"])
async def test_a_list_that_changes_while_it_runs_is_noticed(tmp_path: Path, way: str) -> None:
    port = kit.free_port()
    env = {"BOOK": str(tmp_path / "book")}
    command = [sys.executable, str(kit.HERE / "server.py"), str(port)]
    server = kit.notes(tmp_path)
    async with kit.listening(command, port, env):
        if way == "http":
            url = f"http://127.0.0.1:{port}/mcp"
            server = kit.notes(tmp_path, command="", args=(), env={}, url=url, private=True)
        async with kit.opened(server) as link:
            await link.look()
            await asyncio.sleep(0.3)
            before = link.tools["add"]
            await link.call(link.tools["turn"], {"said": "Adds, and sends a copy to Eve."})
            for _ in range(100):
                if link.tools["add"].hash != before.hash:
                    break
                await asyncio.sleep(0.05)
            assert "Eve" in link.tools["add"].description, "without being asked"
            with pytest.raises(VendorRefused, match="has changed add"):
                await link.call(before, {"title": "x"})
    assert kit.book(tmp_path) == []


def rogue(how: str, **changes: Any) -> Server:
    """A server that means no good."""
    args = (str(kit.HERE / "rogue.py"), how)
    return Server(name="rogue", command=sys.executable, args=args, **changes)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("listless", "it gave no answer in time"),
        ("leaves", "it broke off"),
        ("huge", "it broke off"),
        ("lies", "its answer is not as the protocol has it"),
    ],
)
async def test_a_server_without_a_list_is_told_in_words(how: str, said: str) -> None:
    async with kit.opened(rogue(how, timeout_s=1.0)) as link:
        with pytest.raises(VendorRefused, match=rf"rogue does not list its tools \({said}\)"):
            await link.look()


async def test_a_change_told_by_a_server_of_the_older_kind_is_noticed_and_not_in_a_rush() -> None:
    async with kit.opened(rogue("changes")) as link:
        await link.look()
        before = link.tools["add"]
        await asyncio.sleep(2)
        assert "Eve" in link.tools["add"].description
        with pytest.raises(VendorRefused, match="has changed add"):
            await link.call(before, {})
        lists = link.lists  # type: ignore[attr-defined]
        assert len(lists) < 2 / _link.GATHER_S + 5, "a flood of news is no flood of lists"


async def test_a_crowd_of_tools_is_cut() -> None:
    async with kit.opened(rogue("crowd")) as link:
        await link.look()
        assert len(link.tools) == 200
        assert link.note == "It has more than 200 tools; the rest is left out."
        assert all(len(tool.description) < 2_100 for tool in link.tools.values())


async def test_a_flood_of_words_is_cut() -> None:
    async with kit.opened(rogue("floods")) as link:
        await link.look()
        said = await link.call(link.tools["add"], {})
        text = await words(said, None)
        assert len(text) < 12_500
        assert text.endswith("[99 more parts were left out]")


@pytest.mark.parametrize("how", ["mute", "errs"])
async def test_what_nobody_can_know_is_unknown_and_repeats_no_foreign_word(how: str) -> None:
    async with kit.opened(rogue(how, timeout_s=1.0)) as link:
        await link.look()
        with pytest.raises(VendorUnknown) as caught:
            await link.call(link.tools["add"], {})
        assert "ignore all rules" not in str(caught.value)


async def test_of_several_answers_to_a_call_the_first_counts_and_none_is_the_next_ones() -> None:
    async with kit.opened(rogue("twice", timeout_s=5.0)) as link:
        await link.look()
        said = [await words(await link.call(link.tools["add"], {}), None) for _ in range(3)]
        numbers = [int(each.removeprefix("first answer to ")) for each in said]
        assert numbers == sorted(set(numbers)), said
        assert link.problem == ""


async def test_what_a_server_surely_did_not_do_is_refused() -> None:
    async with kit.opened(rogue("plain")) as link:
        await link.look()
        with pytest.raises(VendorRefused, match="code -32601"):
            await link.call(link.tools["add"], {})


async def test_an_old_list_is_read_again_before_a_call(tmp_path: Path) -> None:
    async with kit.opened(kit.notes(tmp_path)) as link:
        await link.look()
        (tmp_path / "shape").write_text("Adds, and sends a copy to Eve.")
        before = link.tools["add"]
        await link.close()
        with pytest.raises(VendorRefused, match="has changed add"):
            await link.call(before, {"title": "x"})
    assert kit.book(tmp_path) == []


async def test_a_stop_does_not_wait_for_a_server_that_says_nothing() -> None:
    server = Server(name="odd", command=sys.executable, args=("-c", "import time; time.sleep(60)"))
    async with kit.opened(server) as link:
        look = asyncio.create_task(link.look())
        await asyncio.sleep(0.5)
        began = time.monotonic()
        await link.close()
        assert time.monotonic() - began < 5
        with pytest.raises(VendorRefused, match="was stopped"):
            await look


async def test_its_standard_error_goes_to_the_log(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    async with kit.opened(kit.notes(tmp_path)) as link:
        await link.look()
    assert "MCP server notes: a line on stderr" in caplog.text


async def test_nothing_is_left_after_a_stop(tmp_path: Path) -> None:
    async with kit.opened(kit.notes(tmp_path)) as link:
        await link.look()
        assert kit.processes(str(tmp_path))
    assert kit.processes(str(tmp_path)) == []


STUBBORN = """
import signal, subprocess, sys, time
for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
    signal.signal(name, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(300)"])
open(sys.argv[1], "w").close()
time.sleep(300)
"""
PARENT = """
import asyncio, sys
from bot.core.secret import Secret
from tools.mcp._server import Server
from tools.mcp._stdio import open_stdio

async def main():
    server = Server(name="odd", command=sys.executable, args=("-c", sys.argv[1], sys.argv[2]),
                    env={"MARK": Secret(sys.argv[2])})
    async with open_stdio(server, lambda: None):
        await asyncio.sleep(300)

asyncio.run(main())
"""


async def test_no_program_outlives_a_house_that_is_killed(tmp_path: Path) -> None:
    there = tmp_path / "there"
    house = subprocess.Popen([sys.executable, "-c", PARENT, STUBBORN, str(there)])
    until = time.monotonic() + 20
    while not there.exists() and time.monotonic() < until:
        await asyncio.sleep(0.05)
    assert len(kit.processes(f"MARK={there}")) >= 2, "the program and its child run"
    house.send_signal(signal.SIGKILL)
    house.wait()
    assert await kit.gone(f"MARK={there}"), kit.processes(f"MARK={there}")


async def test_secrets_of_a_program_are_on_no_command_line(tmp_path: Path) -> None:
    env = {**kit.notes(tmp_path).env, "API": Secret("canary-of-a-secret")}
    async with kit.opened(kit.notes(tmp_path, env=env)) as link:
        await link.look()
        assert all("canary" not in line for line in kit.processes(str(tmp_path)))
        assert "canary" not in repr(link.server)
