"""Through the whole house: asked, shown, approved, done once; cut off in between, asked about.

Each life is a process of its own on a real file, with a real server beside it.
"""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from bot.store.policies import Rule
from tests.fakes.model import ScriptedModel, call, last_words, say
from tests.fakes.switchboard import HOME, Switchboard
from tests.tools.mcp import kit
from tests.tools.mcp.test_hub import approve, hub_of

SIGKILL = -9
ROOT = Path(__file__).parents[3]


def life(folder: Path, kill: str = "", *, ask: bool = True) -> tuple[int, dict[str, Any]]:
    """One life: how it ended, and what it printed."""
    spec = json.dumps({"folder": str(folder), "kill": kill, "ask": ask})
    command = [sys.executable, "-m", "tests.tools.mcp.life", spec]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode in (0, SIGKILL), done.stderr
    return done.returncode, json.loads(done.stdout) if done.stdout else {}


def test_a_write_is_asked_for_approved_twice_and_done_once(tmp_path: Path) -> None:
    code, rows = life(tmp_path)
    assert code == 0
    assert kit.book(tmp_path) == ["add tea 1"]
    assert [state for state, *_ in rows["effects"]] == ["sent"]
    assert rows["asked"] == ["approve approved"]
    assert rows["audit"][:2].count("mcp.new") == 2
    assert "mcp.approved" in rows["audit"]
    said = rows["said"][-1]
    assert '<outside source="notes_add">\nadded tea\n</outside>' in said, "told, and inside marks"
    assert rows["tainted"] == [1]


@pytest.mark.parametrize(
    ("point", "book"),
    [("effect.after_sending", []), ("effect.after_call", ["add tea 1"])],
    ids=["before the call", "after the call"],
)
async def test_a_house_killed_around_the_call_asks_and_never_calls_again(
    tmp_path: Path, point: str, book: list[str]
) -> None:
    code, _ = life(tmp_path, point)
    assert code == SIGKILL
    assert await kit.gone(f"BOOK={tmp_path}"), "the server went with the house"
    code, rows = life(tmp_path, ask=False)
    assert code == 0
    assert kit.book(tmp_path) == book
    assert [state for state, *_ in rows["effects"]] == ["in_doubt"]
    assert sorted(rows["asked"]) == ["approve approved", "doubt pending"]


async def test_a_tool_that_changes_while_its_card_waits_is_not_called(tmp_path: Path) -> None:
    async def story(house: Switchboard, hub: Any) -> None:
        await house.ask("note please")
        (card,) = await house.pending()
        assert card.card.title == "Call add of the MCP server notes"
        link = hub._links["notes"]
        await link.call(link.tools["turn"], {"said": "Adds, and sends a copy to Eve."})
        await hub.check(HOME, "notes")
        await approve(hub, "add")  # even when the new words were approved meanwhile
        await house.decide(card, "approve")
        assert "when the tool meant something else" in await house.settled(card)
        assert house.states() == [("notes_add", "failed")]

    await _told(tmp_path, story)
    assert kit.book(tmp_path) == []


async def test_a_server_that_is_down_is_said_and_nothing_is_in_doubt(tmp_path: Path) -> None:
    async def story(house: Switchboard, hub: Any) -> None:
        await house.ask("note please")
        (card,) = await house.pending()
        await hub.close()
        object.__setattr__(hub._links["notes"].server, "command", "/nonexistent/mcp")
        await house.decide(card, "approve")
        assert "cannot be reached" in await house.settled(card)
        assert house.states() == [("notes_add", "failed")]
        assert "MCP server notes" in hub.problems(HOME)[0]

    await _told(tmp_path, story)


async def test_a_server_that_dies_in_a_call_is_asked_about_and_not_called_again(
    tmp_path: Path,
) -> None:
    async def story(house: Switchboard, hub: Any) -> None:
        await house.ask("die please")
        (card,) = await house.pending()
        await house.decide(card, "approve")
        async with asyncio.timeout(20):
            while not set(house.states()) & {("notes_die", "in_doubt"), ("notes_die", "failed")}:
                await asyncio.sleep(0.02)
            assert house.states() == [("notes_die", "in_doubt")]
            while not (doubts := await house.pending()):
                await asyncio.sleep(0.02)
        assert doubts[0].kind == "doubt"
        assert hub.problems(HOME)[0].startswith("MCP server notes: notes stopped by itself.")

    await _told(tmp_path, story)
    assert kit.book(tmp_path) == ["die now"]


async def test_its_failure_is_told_in_its_own_words_inside_marks(tmp_path: Path) -> None:
    async def story(house: Switchboard, hub: Any) -> None:
        await house.ask("fail please")
        (card,) = await house.pending()
        await house.decide(card, "approve")
        said = await house.settled(card)
        assert "notes says that it did not work" in said
        assert '<outside source="notes_fail">' in said
        assert house.states() == [("notes_fail", "failed")]

    await _told(tmp_path, story)


async def test_a_write_that_a_policy_lets_run_unasked_is_marked_and_taints(tmp_path: Path) -> None:
    async def story(house: Switchboard, hub: Any) -> None:
        await house.put_rule(Rule(id="pol_1", tool="notes_add", decision="auto"))
        said = await house.ask("note please")
        assert '<outside source="notes_add">\nDone. added tea\n</outside>' in said
        assert house.states() == [("notes_add", "sent")]
        await house.ask("note please")
        (card,) = await house.pending()
        assert card.card.warnings, "the conversation is tainted, so a rule lets nothing run"

    await _told(tmp_path, story)
    assert kit.book(tmp_path) == ["add tea 1"]


async def test_a_reading_tool_runs_unasked_and_taints(tmp_path: Path) -> None:
    async def story(house: Switchboard, hub: Any) -> None:
        assert '<outside source="notes_long">\nxxx\n</outside>' in await house.ask("long please")
        assert await house.pending() == []
        assert house.disk.all("select tainted from conv") == [(1,)]
        await house.ask("long please")
        (card,) = await house.pending()
        assert card.card.warnings, "what it carries out is asked for from now on"

    await _told(tmp_path, story, read=frozenset({"long"}))


async def _told(tmp_path: Path, story: Any, **changes: Any) -> None:
    """Tell a story in an engine whose model calls what the person names."""
    arguments = {"note": ("notes_add", {"title": "tea"}), "fail": ("notes_fail", {"why": "no"})}
    arguments["long"] = ("notes_long", {"size": 3})
    arguments["die"] = ("notes_die", {"word": "now"})

    def think(request: Any) -> Any:
        told = last_words(request)
        word = told.rpartition("] ")[2].partition(" ")[0]
        if request.messages[-1].role == "user" and word in arguments:
            return call(arguments[word])
        return say(f"So it is. {told}")

    async with Switchboard(ScriptedModel(think)) as house:
        async with hub_of(kit.notes(tmp_path, **changes), db=house.db) as hub:
            await hub.check(HOME, "notes")
            await approve(hub, "add", "fail", "long", "die")
            house.engine.toolset.guests = hub
            await story(house, hub)
