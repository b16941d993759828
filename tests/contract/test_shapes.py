"""Every tool and every channel that is there keeps the shape, and the shape refuses what it must."""

import importlib
import pkgutil
from dataclasses import replace
from typing import Annotated

import pytest
from pydantic import BaseModel, ConfigDict, Field

import channels
from agents.runtime import registry
from bot.core.card import Card
from bot.core.channel import Channel
from bot.core.effect import Policy
from bot.core.tool import Risk, Tool
from bot.engine import OWN
from tests.contract.shape import channel_complaints, tool_complaints
from tests.fakes.channel import FakeChannel
from tests.fakes.vendor import Vendor, Words, tools_of

TOOLS = registry.load()
FAKES = tools_of(Vendor())
GOOD = FAKES["readback_ask"]


@pytest.mark.parametrize("name", sorted(TOOLS))
def test_the_tool_keeps_the_shape(name: str) -> None:
    assert list(tool_complaints(TOOLS[name])) == []


@pytest.mark.parametrize("name", sorted(FAKES))
def test_the_fake_tool_keeps_the_shape_as_well(name: str) -> None:
    assert list(tool_complaints(FAKES[name])) == []


class Loose(BaseModel):
    """Takes anything."""

    text: str


class Asserting(BaseModel):
    """Lets the model say who asks."""

    model_config = ConfigDict(extra="forbid")

    text: str
    requester_id: Annotated[str, Field()] = ""


async def silent(ctx: object, args: object) -> None:
    pass


silent.__doc__ = None


def hiding(args: object) -> Card:
    return Card(title="A post")


@pytest.mark.parametrize(
    ("what", "tool"),
    [
        ("a name with a dash", replace(GOOD, name="post-it")),
        ("nothing for the model to read", replace(GOOD, perform=silent)),
        ("readback without find", replace(GOOD, find=None)),
        ("keyed without a window", replace(GOOD, policy=Policy.KEYED, find=None)),
        ("a window without keys", replace(GOOD, window_s=60)),
        ("a read that can be looked up", replace(GOOD, risk=Risk.READ)),
        ("arguments that nobody declared", replace(GOOD, arguments=Loose)),
        ("an argument that says who asks", replace(GOOD, arguments=Asserting)),
        ("a card that hides the text", replace(GOOD, preview=hiding)),
        ("version nought", replace(GOOD, version=0)),
    ],
)
def test_the_shape_of_a_tool_refuses(what: str, tool: Tool) -> None:
    assert list(tool_complaints(tool)), what


def channels_there() -> list[Channel]:
    """Every channel file."""
    found: list[Channel] = []
    for module in pkgutil.iter_modules(channels.__path__):
        loaded = importlib.import_module(f"channels.{module.name}")
        found.append(loaded.CHANNEL)
    return found


def test_every_channel_keeps_the_shape() -> None:
    complaints = {channel.name: list(channel_complaints(channel)) for channel in channels_there()}
    assert not any(complaints.values()), complaints


@pytest.mark.parametrize("policy", list(Policy))
def test_the_fake_channel_keeps_the_shape_as_well(policy: Policy) -> None:
    assert list(channel_complaints(FakeChannel(policy=policy))) == []


class Odd(FakeChannel):
    """A channel with one thing wrong."""

    def __init__(self, **wrong: object) -> None:
        super().__init__(policy=Policy.NONE)
        self._wrong = wrong

    @property
    def features(self):  # type: ignore[no-untyped-def]
        return replace(super().features, **self._wrong)


class Blind(FakeChannel):
    """To be looked into, and no way to."""

    find = None  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("what", "channel"),
    [
        ("a name with a space", FakeChannel(name="my chat")),
        ("no room for a message", Odd(max_chars=10)),
        ("keys without a window", Odd(policy=Policy.KEYED)),
        ("a window without keys", Odd(window_s=5)),
        ("rows that can be looked up", Odd(reply_is_row=True, policy=Policy.READBACK)),
        ("readback without find", Blind(policy=Policy.READBACK)),
    ],
)
def test_the_shape_of_a_channel_refuses(what: str, channel: FakeChannel) -> None:
    assert list(channel_complaints(channel)), what


def test_the_house_s_own_channels_keep_the_shape() -> None:
    own = FakeChannel()
    assert list(channel_complaints(own)) == []
    assert OWN.reply_is_row and OWN.policy is Policy.NONE


def test_a_word_is_a_word() -> None:
    assert Words(text="x").text == "x"
