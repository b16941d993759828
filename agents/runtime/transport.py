"""The contract of a transport: one attempt at one model, and nothing that is decided.

Two keep it: `llm.py` (LiteLLM, every provider) and `direct.py` (plain HTTP, for those that speak
OpenAI's shape). Who is asked, how often, and what a failure means is the door's business
(`door.py`).
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from agents.runtime.choice import Candidate
from agents.runtime.wire import Answer, Toolbox
from bot.core.canonical import Json
from bot.core.conversation import Spend
from bot.core.model import ModelMessage
from bot.core.ports import OnText
from bot.frozen import frozen


@frozen
class Call:
    """One attempt."""

    candidate: Candidate
    messages: Sequence[ModelMessage]
    toolbox: Toolbox
    max_tokens: int
    limit_s: float
    """The door ends the attempt after so long; a transport may end it as well."""
    on_text: OnText | None = None
    """Gets the words as they come; None asks for a whole answer."""


@frozen
class Recording:
    """One attempt at hearing something that was said."""

    candidate: Candidate
    name: str
    """With an ending that says what it is."""
    media_type: str
    content: bytes
    limit_s: float


class Transport(Protocol):
    """One way to reach models."""

    async def warm(self, models: Sequence[str]) -> None:
        """Load what a first call needs; nothing when that is done. Raises ExtraMissing."""

    async def ask(self, call: Call) -> Answer | None:
        """Ask once; None when the answer holds none.

        Raises whatever went wrong, for `raised.sorted_out`. Not idempotent: it costs money.
        """

    async def hear(self, recording: Recording) -> Mapping[str, Json] | None:
        """`{text, usage}` as OpenAI says it; None when the answer holds none.

        Otherwise as `ask`.
        """

    async def close(self) -> None:
        """Let connections go."""


class Voice:
    """Passes words on, and knows how many were: from the first on nobody else may answer."""

    def __init__(self, on_text: OnText) -> None:
        self._on_text = on_text
        self.chars = 0

    def __call__(self, text: str) -> None:
        """Pass on a piece."""
        self.chars += len(text)
        self._on_text(text)


class Listener:
    """Hears an answer while it is written, and is told what attempts cost that broke off."""

    def __init__(self, on_text: OnText) -> None:
        self._on_text = on_text
        self.lost: list[Spend] = []
        """Counted by what was received: the provider's own numbers come at an answer's end."""

    def __call__(self, text: str) -> None:
        """Hear a piece."""
        self._on_text(text)
