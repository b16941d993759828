"""What every tool and every channel must look like, whoever wrote it. Each complaint is a sentence.

A tool must say how it makes its deed happen once and bring the functions for it; what it shows to
a person must hold everything that it will do; and it must not ask the model who somebody is.
"""

import inspect
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from bot.core.card import Card
from bot.core.channel import Channel, Features
from bot.core.effect import Policy
from bot.core.tool import Risk, Tool

NAME = re.compile(r"[a-z][a-z0-9_]{1,63}")
WHO = re.compile(
    r"(?:requester|sender|author|actor|approver|person|user|owner|tenant|workspace|account|acting)"
    r"(?:_?id)?|on_behalf_of|identity|role|is_admin|api_key|token|idempotency_key"
)
"""Arguments named like this would let a text say who asks; that comes from the context alone."""


def example_of(tool: Tool) -> Mapping[str, Any] | None:
    """The example call of a tool's docstring: the first JSON object after `Example`."""
    _, found, rest = tool.description.partition("Example")
    start = rest.find("{")
    if not found or start < 0:
        return None
    value, _ = json.JSONDecoder().raw_decode(rest[start:])
    return value if isinstance(value, dict) else None


def tool_complaints(tool: Tool) -> Iterator[str]:
    """Everything that is wrong with a tool's declaration."""
    if not NAME.fullmatch(tool.name):
        yield f"{tool.name!r} is no name: small letters, digits and underscores"
    if not inspect.getdoc(tool.perform):
        yield f"{tool.name} does not tell the model what it does"
    yield from _once(tool)
    schema = tool.arguments.model_json_schema()
    if schema.get("type") != "object":
        yield f"{tool.name} takes no object"
    if schema.get("additionalProperties") is not False:
        yield f"{tool.name} takes arguments that it does not know"
    for name in schema.get("properties", {}):
        if WHO.fullmatch(name):
            yield f"{tool.name} lets the model say who somebody is: {name}"
    yield from _shows(tool)


def _once(tool: Tool) -> Iterator[str]:
    """What the policy needs is there, and what it does not need is not."""
    if tool.risk is Risk.READ and not tool.egress:  # one that carries words out may be asked for
        if tool.policy is not Policy.NONE or tool.find or tool.window_s:
            yield f"{tool.name} only reads, so nothing makes it happen once"
        return
    if (tool.policy is Policy.READBACK) and tool.find is None:
        yield f"{tool.name} is to be looked up and has no find"
    if (tool.policy is Policy.KEYED) != (tool.window_s > 0):
        yield f"{tool.name} is {tool.policy.value} and remembers keys for {tool.window_s} s"
    if tool.version < 1:
        yield f"{tool.name} has no version"


def _shows(tool: Tool) -> Iterator[str]:
    """The example fits, and the card shows every word of it."""
    example = example_of(tool)
    if example is None:
        yield f"{tool.name} gives the model no example"
        return
    try:
        arguments = tool.arguments.model_validate(example)
    except ValidationError as error:
        yield f"{tool.name} refuses its own example: {error.errors()[0]['msg']}"
        return
    if tool.risk is Risk.READ or tool.preview is None:
        return
    card = tool.preview(arguments)
    seen = text_of(card)
    for name, value in arguments.model_dump(mode="json", exclude_none=True).items():
        for word in texts_in(value):
            if word not in seen:
                yield f"the card of {tool.name} hides {name}: {word[:60]!r}"


def text_of(card: Card) -> str:
    """All that a card shows."""
    fields = [f"{field.name} {field.value}" for field in card.fields]
    return "\n".join((card.title, card.amount, *card.recipients, *fields, card.body, card.audience))


def texts_in(value: object) -> Iterator[str]:
    """Every text inside a value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from texts_in(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts_in(inner)


def channel_complaints(channel: Channel) -> Iterator[str]:
    """Everything that is wrong with a channel's declaration."""
    if not NAME.fullmatch(channel.name):
        yield f"{channel.name!r} is no name: small letters, digits and underscores"
    features = channel.features
    if not isinstance(features, Features):
        yield f"{channel.name} says what it can do in a form of its own"
        return
    if features.max_chars < 100:
        yield f"{channel.name} takes {features.max_chars} characters, which is no message"
    if features.policy is Policy.READBACK and not callable(getattr(channel, "find", None)):
        yield f"{channel.name} is to be looked into and has no find"
    if (features.policy is Policy.KEYED) != (features.window_s > 0):
        yield f"{channel.name} is {features.policy.value} and knows keys for {features.window_s} s"
    if features.reply_is_row and features.policy is not Policy.NONE:
        yield f"{channel.name} sends nothing, so nothing makes a send happen once"
    if not inspect.iscoroutinefunction(channel.send):
        yield f"{channel.name} cannot be asked to send"
    if not inspect.iscoroutinefunction(channel.run):
        yield f"{channel.name} cannot be asked to listen"
    for method, path, handler in channel.routes():
        if method not in ("GET", "POST") or not path.startswith("/webhooks/"):
            yield f"{channel.name} listens at {method} {path}"
        if not inspect.iscoroutinefunction(handler):
            yield f"{channel.name} answers {path} with something that is no coroutine"
