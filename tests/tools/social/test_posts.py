"""One call for several networks: which calls it stands for, and what it refuses."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from bot.core.errors import Invalid
from bot.core.model import ToolCall
from tests.tools.kit import context
from tools.social.posts import TOOLS, Brief, Posts, spread_brief, spread_posts

PUBLISH, EVERYWHERE = TOOLS


def calls(found: Any) -> dict[str, Any]:
    """Tool → arguments."""
    return {call.name: json.loads(call.arguments) for call in found if isinstance(call, ToolCall)}


def spread(**given: Any) -> dict[str, Any]:
    return calls(spread_posts(Posts.model_validate(given)))


def test_each_network_takes_what_is_common_and_what_is_its_own() -> None:
    picture = {"url": "https://example.org/a.jpg", "alt": "A door"}
    assert spread(
        text="Open on Sunday",
        link="https://example.org/hours",
        media=[picture],
        on=[
            {"network": "x"},
            {"network": "linkedin", "text": "From Sunday on", "media": []},
            {"network": "reddit", "link": "", "media": [], "subreddit": "bread", "title": "Sunday"},
        ],
    ) == {
        "x_publish": {
            "text": "Open on Sunday",
            "link": "https://example.org/hours",
            "media": [picture],
        },
        "linkedin_publish": {"text": "From Sunday on", "link": "https://example.org/hours"},
        "reddit_publish": {"text": "Open on Sunday", "subreddit": "bread", "title": "Sunday"},
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"text": "a", "on": []}, "at least 1 item"),
        ({"text": "a", "on": [{"network": "x"}, {"network": "x"}]}, "x stands twice"),
        ({"text": "a", "on": [{"network": "../x"}]}, "match pattern"),
        ({"text": "a\x07", "on": [{"network": "x"}]}, "control character"),
        ({"text": "a", "link": "javascript:x", "on": [{"network": "x"}]}, "no web address"),
        ({"text": "a", "on": [{"network": f"n{i}"} for i in range(21)]}, "at most 20 items"),
        ({"text": "a", "on": [{"network": "x"}], "when": "later"}, "the time is not clear"),
    ],
)
def test_what_fits_nowhere_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Posts.model_validate(given)


def test_a_brief_goes_to_every_network_or_to_those_that_are_named() -> None:
    brief = Brief(brief="Hours: 8 to 18", link="https://example.org/h")
    assert calls(spread_brief(brief)) == {
        "*_publish": {"brief": "Hours: 8 to 18\nLink: https://example.org/h"}
    }
    named = Brief.model_validate(
        {
            "brief": "Hours",
            "networks": ["x", "blog", "x"],
            "media": [{"url": "fil_01J8Z6Y3T5Q4W2E1R0T9Y8U7I6", "alt": "A door"}],
        }
    )
    found = calls(spread_brief(named))
    assert list(found) == ["x_publish", "blog_publish"]
    assert '"alt": "A door"' in found["x_publish"]["brief"]


@pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: str(tool.name))
async def test_itself_it_publishes_nothing(tool: Any) -> None:
    assert tool.spread is not None and "Example: {" in tool.description
    with pytest.raises(Invalid):
        await tool.perform(context(), None)
    assert EVERYWHERE.by_colleagues and not PUBLISH.by_colleagues
