"""Small conversations for the tests of models."""

from importlib.util import find_spec
from typing import Any

import pytest

from bot.core.ids import AgentName, ConvId, TenantId
from bot.core.model import ModelMessage, ModelRequest, ModelTool, ToolCall

KEY = "sk-proj-0123456789abcdefWXYZ"
MODEL = "openai/gpt-4o-mini"

needs_litellm = [
    pytest.mark.skipif(
        find_spec("litellm") is None, reason="LiteLLM is not installed (the extra `llm`)"
    ),
    # LiteLLM silences this at its import; pytest sets the filters anew for each test.
    pytest.mark.filterwarnings("ignore:Item '.*' on TypedDict class:UserWarning"),
]


def tool(name: str, *required: str, **properties: Any) -> ModelTool:
    """A tool as a model sees it; `text` is its argument unless others are given."""
    named = properties or {"text": {"type": "string"}}
    return ModelTool(
        name=name,
        description=f"Does {name}.",
        parameters={
            "type": "object",
            "properties": named,
            "required": list(required or list(named)[:1]),
        },
    )


TOOLS = (tool("blog_publish"), tool("x_publish"))


def system(text: str = "You are Bri.") -> ModelMessage:
    """The prompt."""
    return ModelMessage(role="system", content=text)


def user(text: str) -> ModelMessage:
    """What a person says."""
    return ModelMessage(role="user", content=text)


def calls(*named: tuple[str, str, str], text: str = "") -> ModelMessage:
    """An assistant's message that calls: id, name, arguments."""
    made = tuple(ToolCall(id=i, name=n, arguments=a) for i, n, a in named)
    return ModelMessage(role="assistant", content=text, tool_calls=made)


def result(id_: str, text: str = "Done.") -> ModelMessage:
    """A tool's answer."""
    return ModelMessage(role="tool", tool_call_id=id_, content=text)


def request(*messages: ModelMessage, **changes: Any) -> ModelRequest:
    """A question to a model."""
    given: dict[str, Any] = {
        "tenant": TenantId("ten_a"),
        "agent": AgentName("bri"),
        "conv": ConvId("con_a"),
        "messages": messages or (user("hi"),),
        "tools": TOOLS,
        **changes,
    }
    return ModelRequest(**given)
