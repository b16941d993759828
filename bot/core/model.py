"""What passes between the loop and a language model, whoever serves it."""

from collections.abc import Mapping
from enum import StrEnum

from bot.core.canonical import Json
from bot.core.ids import AgentName, ConvId, TenantId
from bot.frozen import frozen


class Task(StrEnum):
    """What the model is needed for; `[models]` has an ordered list for each."""

    REASON = "reason"
    WRITE = "write"
    SUMMARISE = "summarise"
    FAST = "fast"


@frozen
class ToolCall:
    """The model asks for a tool."""

    id: str
    name: str
    arguments: str
    """JSON as the model wrote it; may be broken."""


@frozen
class ModelMessage:
    """One line of what the model sees or says."""

    role: str
    """system, user, assistant or tool."""
    content: str = ""
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""
    raw: Mapping[str, Json] | None = None
    """The assistant message as the vendor sent it, when it holds more than the above (thinking
    blocks, signatures); sent back unchanged."""


@frozen
class ModelTool:
    """A tool as the model sees it."""

    name: str
    description: str
    parameters: Mapping[str, Json]
    """JSON Schema of an object, plain keywords only."""
    at_hand: bool = True
    """Whether it is described to the model, or only named."""


@frozen
class Usage:
    """What a call cost."""

    tokens_in: int = 0
    tokens_out: int = 0
    micros: int | None = 0
    """Millionths of a US dollar; None when the price is not known."""


@frozen
class ModelRequest:
    """One question to a model."""

    tenant: TenantId
    agent: AgentName
    conv: ConvId
    messages: tuple[ModelMessage, ...]
    tools: tuple[ModelTool, ...] = ()
    task: Task = Task.REASON
    model: str = ""
    """A model with its provider's prefix; empty means the list of the task."""
    max_tokens: int = 4096
    timeout_s: float = 0.0
    """Seconds that it may take; 0 means as long as the settings allow."""


@frozen
class ModelReply:
    """What came back."""

    message: ModelMessage
    finish: str
    """stop, length, tool_calls or content_filter."""
    model: str
    usage: Usage
    offline: bool = False
    """Said by the built-in offline model."""


@frozen
class Offer:
    """What a model key opens."""

    provider: str
    models: tuple[str, ...]
    """With the provider's prefix, the proposed one first."""
    model: str
    """The one that will answer."""
