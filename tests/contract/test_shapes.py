"""Every tool and every channel that is there keeps the shape, and the shape refuses what it must."""

from dataclasses import replace
from typing import Annotated

import pytest
from pydantic import BaseModel, ConfigDict, Field

from agents.runtime import registry
from bot.core.card import Card
from bot.core.effect import Policy
from bot.core.ids import TenantId
from bot.core.tool import Risk, Tool
from bot.infra.clock import SystemClock
from bot.platforms.lent import Options
from bot.platforms.texting import Book
from bot.testing import lent
from bot.wiring.engine import OWN
from bot.wiring.setup import channel_names, channel_offer, channel_wants
from tests.contract.shape import channel_complaints, tool_complaints
from tests.fakes.channel import FakeChannel
from tests.fakes.database import InlineDatabase
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


TOLD: dict[str, Options] = {
    "discord": {"token": "a.b.c"},
    "email": {"address": "a@b.example", "smtp_host": "127.0.0.1"},
    "slack": {"bot_token": "xoxb-1", "app_token": "xapp-1", "signing_secret": "s"},
    "teams": {"app_id": "a", "app_secret": "s", "tenant_id": "t"},
    "telegram": {"token": "123456:" + "A" * 35},
    "sms": {"account_sid": "AC" + "0" * 32, "auth_token": "b" * 32},
}
"""What a channel must be told to be made; a new one may need nothing."""


@pytest.mark.parametrize("name", channel_names())
def test_the_channel_keeps_the_shape(name: str) -> None:
    given = replace(
        lent(**TOLD.get(name, {})),
        public_url="https://house.example",
        texts=Book(InlineDatabase(), SystemClock(), TenantId("ten_1")),
    )
    channel = channel_offer(name, given).make()
    assert channel.name == name
    assert list(channel_complaints(channel)) == []
    assert all(want["about"] for want in channel_wants(name)), "what it wants is asked in words"


def test_a_form_hides_what_is_secret_and_shows_what_is_not() -> None:
    hidden = {w["name"] for name in TOLD for w in channel_wants(name) if w["secret"]}
    assert {"token", "bot_token", "signing_secret", "app_secret", "webhook_secret"} <= hidden
    assert not {"public_key", "app_id", "guild_id"} & hidden


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
