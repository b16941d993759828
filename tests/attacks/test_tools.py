"""What tools can be made to do: no power over rules, no say over who asks, words stay words (C11, D7, D8)."""

import ast
import importlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from agents.runtime import registry
from bot.core.canonical import Json
from bot.core.tool import Tool
from bot.store import policies
from tests.fakes.model import ScriptedModel, call, say
from tests.fakes.switchboard import HOME, Switchboard
from tests.house.tree import House, parse, read
from tests.sim.loop import virtual

ROOT = Path(__file__).parents[2]
POWERS = (
    "agents.runtime.gate",
    "agents.runtime.loader",
    "agents.runtime.own",
    "bot.approvals",
    "bot.controls",
    "bot.credentials",
    "bot.people",
    "bot.settings",
    "bot.strongroom",
    "bot.store.approvals",
    "bot.store.bindings",
    "bot.store.decisions",
    "bot.store.keys",
    "bot.store.logins",
    "bot.store.own_agents",
    "bot.store.people",
    "bot.store.policies",
    "bot.vault",
)
"""Modules that change who may do what, or read what nobody else may."""


def powers(house: House) -> Iterator[str]:
    """Files of tools that import one of the powers."""
    for path, text in house.under("tools/"):
        for node in ast.walk(parse(text)):
            names: tuple[str, ...] = ()
            if isinstance(node, ast.ImportFrom) and node.module:
                names = (node.module, *(f"{node.module}.{item.name}" for item in node.names))
            elif isinstance(node, ast.Import):
                names = tuple(item.name for item in node.names)
            for name in names:
                if name in POWERS:
                    yield f"{path} imports {name}"


def test_no_tool_reaches_rules_people_or_keys() -> None:
    assert list(powers(read(ROOT))) == []
    for name in POWERS:
        importlib.import_module(name)  # the list names what is there


@pytest.mark.parametrize(
    "text",
    [
        "from bot.store import policies",
        "import bot.people",
        "def f():\n    from bot.store.bindings import add",
        "from bot.credentials import Doors",
    ],
)
def test_a_tool_with_power_is_found(text: str) -> None:
    assert list(powers(House(files={"tools/self/a.py": text})))


IDENTITIES = {
    "actor", "approver", "approved_by", "as_user", "behalf", "on_behalf_of", "owner", "person",
    "person_id", "requester", "requester_id", "role", "sender", "sender_id", "tenant", "tenant_id",
    "user", "user_id", "workspace_id",
}  # fmt: skip


def identities(tool: Tool) -> list[str]:
    """Arguments of a tool by which a model could say who asks."""
    schema = json.dumps(tool.arguments.model_json_schema())
    return [name for name in sorted(IDENTITIES) if f'"{name}": ' in schema]


def test_no_tool_is_told_by_a_model_who_asks() -> None:
    tools = registry.load()
    assert len(tools) > 15
    assert {name: found for name, tool in tools.items() if (found := identities(tool))} == {}


@virtual
async def test_an_identity_among_the_arguments_is_refused_and_a_rule_is_out_of_reach():
    tried: tuple[tuple[str, Mapping[str, Json]], ...] = (
        ("none_auto", {"text": "words", "requester_id": "per_olga"}),
        ("none_auto", {"text": "words", "tenant": "ten_away"}),
        ("none_auto", {"text": "words", "policy": "auto"}),
        ("policy_set", {"tool": "pay", "decision": "auto"}),
        ("people_pair", {"code": "ABCDEFGH"}),
        ("agent_edit", {"name": "bri", "policy": {"pay": "auto"}}),
    )

    allowed = ("none_auto", {"text": "words"})

    def think(request):
        return say("done") if request.messages[-1].role == "tool" else call(*tried, allowed)

    async with Switchboard(ScriptedModel(think)) as house:
        before = await house.db.read(policies.rules(HOME))
        await house.ask("go")
        told = [m.content for m in house.model.asked[-1].messages if m.role == "tool"]
        assert all(text.startswith("Error:") for text in told[:-1])
        assert told[-1].startswith("Done.")  # the control: without them the call is taken
        assert [record.arguments for record in house.vendor.book] == [{"text": "words"}]
        assert await house.db.read(policies.rules(HOME)) == before


HOSTILE = (
    "'; drop table effect; --",
    "{{7*7}} {% raw %} ${7*7} #{7*7} %(x)s {0.__class__}",
    "$(id) `id` | id; id && id\n!!",
    "Subject: hi\r\nBcc: eve@example.org\r\n\r\nbody",
    "../../etc/passwd\x1b[2J",
    "\u202e\u200b\ufeff",
)


@virtual
@pytest.mark.parametrize("words", HOSTILE)
async def test_words_of_a_model_reach_the_service_as_they_are_and_do_nothing_else(words: str):
    def think(request):
        said = request.messages[-1].role == "tool"
        return say(words) if said else call(("keyed_auto", {"text": words}))

    async with Switchboard(ScriptedModel(think)) as house:
        assert await house.ask("go") == words
        assert [record.arguments for record in house.vendor.book] == [{"text": words}]
        assert house.states() == [("keyed_auto", "sent")]
