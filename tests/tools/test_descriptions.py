"""What a model reads of each tool: when to use it, when not, and every argument that it is shown."""

import re

import pytest

from agents.runtime import registry
from bot.core.tool import Tool

TOOLS = registry.load()


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
def test_a_model_is_told_when_and_when_not_and_of_each_argument_it_sees(tool: Tool) -> None:
    text = tool.description
    shown = tool.arguments.model_json_schema().get("properties", {})
    assert [name for name in shown if not re.search(rf"\b{name}\b", text)] == []
    assert "Use it" in text and re.search(r"not\s+use\s+it", text) and "Example: {" in text


def test_what_the_house_fills_in_is_no_argument_of_a_model() -> None:
    """A model that is told to leave an argument out is better not shown it."""
    for tool in TOOLS.values():
        assert not re.search(r"Leave .* out\.$|leave it out; it is filled", tool.description, re.M)
