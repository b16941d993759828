"""Agents from Markdown: mistakes by file and line, reload, the last good version kept."""

import os
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import pytest

from agents.runtime.loader import Mistaken, Team, parse
from bot.core.agent import Agent
from bot.core.ids import AgentName, TenantId
from bot.core.model import Task
from bot.core.ports import Agents

TENANT = TenantId("ten_a")
KELLY = """---
title: posts on X
emoji: 🐦
model: openai/gpt-5.4-mini
task: write
tools: [x_publish, social.*]
channels: [slack, web]
policy:
  x_publish: auto
lead: bri
limits:
  steps: 5
  wall_s: 60
---
You are Kelly.

Be brief.
"""
BRI = "---\ntitle: assistant\n---\nYou are Bri.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "agents"
    made.mkdir()
    write(made, "kelly", KELLY)
    write(made, "bri", BRI)
    return made


def write(folder: Path, name: str, text: str, later: int = 0) -> None:
    """Write a file; `later` moves its time on, as the passing of time would."""
    path = folder / f"{name}.md"
    path.write_text(text, encoding="utf-8")
    if later:
        os.utime(path, ns=(10**18 + later, 10**18 + later))


def test_a_file_becomes_an_agent(folder: Path) -> None:
    team: Agents = Team(folder)
    kelly = team.get(TENANT, "Kelly")
    assert kelly is not None
    assert (kelly.name, kelly.title, kelly.emoji, kelly.lead) == (
        "kelly",
        "posts on X",
        "🐦",
        "bri",
    )
    assert (kelly.model, kelly.task, kelly.tools) == (
        "openai/gpt-5.4-mini",
        Task.WRITE,
        ("x_publish", "social.*"),
    )
    assert (kelly.channels, kelly.policy) == (("slack", "web"), {"x_publish": "auto"})
    assert (kelly.limits.steps, kelly.limits.wall_s, kelly.limits.depth) == (5, 60.0, 3)
    assert kelly.prompt == "You are Kelly.\n\nBe brief."
    assert [agent.name for agent in team.all(TENANT)] == ["bri", "kelly"]


def test_tools_on_the_shelf_are_an_agents_own(folder: Path) -> None:
    shelved = parse(KELLY.replace("task:", "more_tools: [web_read, files.*]\ntask:"), "kelly")
    assert shelved.tools == (*parse(KELLY, "kelly").tools, "web_read", "files.*")
    assert shelved.more == ("web_read", "files.*")


def test_the_version_is_the_text(folder: Path) -> None:
    kelly, again, other = parse(KELLY, "kelly"), parse(KELLY, "kelly"), parse(BRI, "bri")
    assert kelly.version == again.version != other.version
    assert len(kelly.version) == 12
    assert parse(KELLY + "More.\n", "kelly").version != kelly.version


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        (KELLY.replace("tools:", "tols:"), ["6: tols: unknown key, did you mean tools?"]),
        (KELLY.replace("  steps:", "  stps:"), ["12: limits.stps: unknown key, did you mean steps?"]),
        (KELLY.replace("title: posts on X\n", ""), ["1: title: it is missing"]),
        (KELLY.replace("task: write", "task: sing"), ["5: task: input should be"]),
        (KELLY.replace("steps: 5", "steps: many"), ["12: limits.steps: input should be"]),
        (KELLY.replace("steps: 5", "steps: 0"), ["12: limits.steps: input should be"]),
        (KELLY.replace("auto", "never"), ["9: policy.x_publish: input should be"]),
        (KELLY.replace("[x_publish, social.*]", "[x publish]"), ["6: tools.0: a tool is letters"]),
        (KELLY.replace("emoji: 🐦", "more_tools: [x y]"), ["3: more_tools.0: a tool is letters"]),
        (KELLY.replace("openai/gpt-5.4-mini", "gpt-5.4-mini"), ["4: model: a model needs its provider"]),
        (KELLY.replace("emoji: 🐦", "emoji: 🐦\ntitle: again"), ["4: title: it stands twice"]),
        (KELLY.replace("emoji: 🐦", "name: kelvin"), ["3: name: the file is called kelly"]),
        (KELLY.replace("emoji: 🐦", "name: kel ly"), ["3: name: a name is letters"]),
        (KELLY.replace("emoji: 🐦", "emoji: [🐦"), ["4: expected"]),
        (KELLY.replace("emoji: 🐦", "emoji: !!python/object:os.system x"), ["3: could not"]),
        ("You are Kelly.", ["1: begin with a line"]),
        ("---\ntitle: x\nYou are Kelly.", ["1: begin with a line"]),
        ("---\n- a\n---\nYou are Kelly.", ["2: write settings as"]),
        ("---\ntitle: x\n---\n  \n", ["5: the prompt is missing"]),
        (
            KELLY.replace("tools:", "tols:").replace("task: write", "task: sing"),
            ["5: task: input", "6: tols: unknown key"],
        ),
    ],
)  # fmt: skip
def test_a_mistake_is_told_by_its_line(text: str, problems: Sequence[str]) -> None:
    with pytest.raises(Mistaken) as caught:
        parse(text, "kelly")
    found = [f"{line}: {words}" for line, words in caught.value.mistakes]
    assert len(found) == len(problems)
    for one, expected in zip(found, problems, strict=True):
        assert one.startswith(expected)


@pytest.mark.parametrize("text", [KELLY.replace("\n", "\r\n"), "\ufeff" + KELLY])
def test_other_editors_files_are_read(text: str) -> None:
    assert parse(text, "kelly").prompt.startswith("You are Kelly.")


def test_a_change_is_seen_and_nothing_else_is_read_again(folder: Path) -> None:
    team = Team(folder)
    bri = team.get(TENANT, "bri")
    assert not team.refresh()
    write(folder, "kelly", KELLY.replace("Be brief.", "Be long."), later=1)
    assert team.refresh()
    kelly = team.get(TENANT, "kelly")
    assert kelly is not None
    assert kelly.prompt.endswith("Be long.")
    assert team.get(TENANT, "bri") is bri
    assert not team.refresh()


def test_files_come_and_go(folder: Path) -> None:
    team = Team(folder)
    write(folder, "donna", BRI.replace("Bri", "Donna"))
    (folder / "kelly.md").unlink()
    (folder / "_draft.md").write_text("no agent")
    (folder / "notes.txt").write_text("no agent")
    assert team.refresh()
    assert [agent.name for agent in team.all(TENANT)] == ["bri", "donna"]
    assert team.get(TENANT, "kelly") is None
    assert team.problems == ()


def test_a_broken_file_keeps_its_last_good_version_and_is_told(folder: Path) -> None:
    team = Team(folder)
    good = team.get(TENANT, "kelly")
    write(folder, "kelly", KELLY.replace("tools:", "tols:"), later=1)
    team.refresh()
    assert team.get(TENANT, "kelly") is good
    assert [str(p) for p in team.problems] == [
        "agents/kelly.md:6: tols: unknown key, did you mean tools?"
    ]
    assert not team.refresh()
    assert team.problems, "it stays told until it is mended"
    write(folder, "kelly", KELLY, later=2)
    team.refresh()
    assert team.problems == ()


def test_a_file_that_was_never_good_is_told_and_harms_nobody(folder: Path) -> None:
    (folder / "link.md").write_bytes(b"\xff\xfe")
    (folder / "emma.md").write_text("---\n" + "x" * 70_000)
    team = Team(folder)
    assert [agent.name for agent in team.all(TENANT)] == ["bri", "kelly"]
    assert sorted(problem.file for problem in team.problems) == ["agents/emma.md", "agents/link.md"]


def test_of_a_huge_file_no_more_is_read_than_shows_that_it_is_one(folder: Path) -> None:
    with (folder / "bri.md").open("wb") as file:
        file.truncate(1 << 30)
    team = Team(folder)
    tracemalloc.start()
    assert team.refresh()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert any("more than 64000 bytes" in problem.text for problem in team.problems)
    assert peak < 4 << 20


def test_a_lead_that_nobody_is_is_told(folder: Path) -> None:
    (folder / "bri.md").unlink()
    team = Team(folder)
    assert [str(p) for p in team.problems] == ["agents/kelly.md:1: lead: nobody is called bri"]
    assert team.get(TENANT, "kelly") is not None


def test_an_empty_place_is_an_empty_team(tmp_path: Path) -> None:
    assert Team(tmp_path / "nowhere").all(TENANT) == ()


def test_a_tenants_own_version_shadows_the_file_for_that_tenant_alone(folder: Path) -> None:
    own = Agent(name=AgentName("kelly"), title="ours", prompt="Ours.", version="own")
    new = Agent(name=AgentName("zoe"), title="new", prompt="New.", version="own")
    team = Team(folder, overlay=lambda tenant: (own, new) if tenant == TENANT else ())
    other = TenantId("ten_b")
    assert team.get(TENANT, "KELLY") is own
    assert [agent.name for agent in team.all(TENANT)] == ["bri", "kelly", "zoe"]
    kelly = team.get(other, "kelly")
    assert kelly is not None
    assert kelly.title == "posts on X"
    assert [agent.name for agent in team.all(other)] == ["bri", "kelly"]


def test_a_tool_that_nobody_has_is_told_by_file_and_line_and_the_agent_goes_on(
    folder: Path,
) -> None:
    team = Team(folder)
    assert [str(problem) for problem in team.unknown({"x_publsh", "blog_publish"})] == [
        "agents/kelly.md:6: there is no tool x_publish; did you mean x_publsh?",
        "agents/kelly.md:6: there is no tool social.*; leave it out",
    ]
    assert team.unknown({"x_publish", "social.*"}) == ()
    assert team.get(TENANT, "kelly") is not None
