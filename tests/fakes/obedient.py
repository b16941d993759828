"""A model that calls the tool that it is told to call, with what it is told to give it."""

import json
import re
from collections.abc import Mapping
from typing import Any

from tests.fakes.openai_server import Body, OpenAIServer, Reply

_ORDER = re.compile(r"please call (\w+) with (\{.*\})")


def please(tool: str, given: Mapping[str, Any]) -> str:
    """What a person says to it."""
    return f"please call {tool} with {json.dumps(given)}"


class Obedient(OpenAIServer):
    """Repeats whatever else it hears, such as the outcome of a deed."""

    def __init__(self) -> None:
        super().__init__(otherwise=self._reply)

    def _reply(self, body: Body) -> Reply:
        words = str(body["messages"][-1]["content"])
        found = _ORDER.search(words)
        if found and "outcome" not in words:
            return Reply(calls=[(found[1], found[2])])
        return Reply(text=f"Heard: {words}")
