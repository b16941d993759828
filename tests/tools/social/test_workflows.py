"""The publish workflows: complete, each with its agent and tool, and run by what was said."""

import json
from dataclasses import replace

import pytest

from agents.runtime import offline, registry
from agents.runtime.schemas import model_tool
from bot.core.errors import NotFound
from bot.core.ids import ConvId, TenantId
from bot.core.model import ModelMessage, ModelRequest
from tests.agents.test_team import TEAM, everybody
from tests.tools.kit import context, house
from tools.social._workflows import BY_ID, WORKFLOWS, Workflow
from tools.social.workflows import TOOLS, Which, workflow_steps

ASKED_FOR = {
    "WF-041", "WF-042", "WF-045", "WF-048", "WF-049", "WF-051", "WF-052", "WF-054", "WF-055",
    "WF-056", "WF-057", "WF-108",
}  # fmt: skip
SAID = {
    "WF-048": " on the board Bread: “Rye, baked at night” with https://example.org/rye.jpg",
    "WF-051": " on r/bread: “Rye, baked at night”",
    "WF-052": " on r/bread: “Rye, baked at night” with https://example.org/rye",
    "WF-054": ": “Rye, baked at night” with https://example.org/rye.mp4",
}


def test_every_id_that_was_asked_for_is_there_once() -> None:
    assert set(BY_ID) == ASKED_FOR and len(WORKFLOWS) == len(BY_ID)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda each: str(each.id))
def test_its_agent_has_its_tool_and_can_look_the_steps_up(workflow: Workflow) -> None:
    (agent,) = [each for each in everybody() if each.name == workflow.agent]
    assert {workflow.tool, "workflow_steps"} <= set(agent.tools)


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda each: str(each.id))
def test_what_is_said_becomes_the_call_of_that_network(workflow: Workflow) -> None:
    (agent,) = [each for each in everybody() if each.name == workflow.agent]
    tools = registry.load()
    words = f"run {workflow.id}{SAID.get(workflow.id, ': “Rye, baked at night”')}"
    request = ModelRequest(
        tenant=TenantId("ten_1"),
        agent=agent.name,
        conv=ConvId("cnv_1"),
        messages=(ModelMessage(role="user", content=words),),
        tools=tuple(model_tool(tools[name]) for name in agent.tools),
    )
    said, (call,) = offline.answer(request)
    assert call.name == workflow.tool, said
    parsed = tools[call.name].arguments.model_validate(json.loads(call.arguments))
    whole = json.dumps(parsed.model_dump(mode="json"), ensure_ascii=False)
    assert "Rye, baked at night" in whole
    if workflow.id == "WF-052":
        assert json.loads(call.arguments)["text"] == "" and "example.org/rye" in whole


async def steps(id_: str, agent: str) -> str:
    ctx = context(replace(house(), agents=TEAM), agent=agent)
    return str((await workflow_steps(ctx, Which(id=id_))).data)


async def test_the_steps_name_the_tools_that_the_agent_has() -> None:
    told = await steps(" wf-042 ", "kelly")
    assert told.splitlines()[0] == "WF-042: a post on X, kelly's work."
    assert "call x_publish" in told and "read it back with x_read" in told
    assert "hand over to donna" in await steps("WF-051", "kelly")
    assert "WF-108: a short piece of news on the blog (reynolds)" in await steps("", "bri")
    with pytest.raises(NotFound, match="There are: WF-041"):
        await steps("WF-999", "kelly")
    assert len(TOOLS) == 1
