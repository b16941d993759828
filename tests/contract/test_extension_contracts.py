"""What packages from outside must pass, passed by our own tools and by the fake channel."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from agents.runtime import registry
from bot.core.channel import Channel
from bot.core.effect import Policy
from bot.testing import ChannelContract, ToolContract
from tests.fakes.channel import FakeChannel
from tests.fakes.vendor import Fate


class TestFakeKeyed(ChannelContract):
    """The channel of the tests, which knows a key."""

    policy = Policy.KEYED

    def make(self, folder: Path) -> Channel:
        self.channel = FakeChannel(name="pigeon", policy=self.policy)
        return self.channel

    def shown(self) -> Sequence[str]:
        return [shown.text for shown in self.channel.book]


class TestFakeReadback(TestFakeKeyed):
    """The same, which can be looked into."""

    policy = Policy.READBACK


class TestFakeNone(TestFakeKeyed):
    """The same, with neither."""

    policy = Policy.NONE


class TestBlog(ToolContract):
    """A tool of our own."""

    tools = tuple(tool for name, tool in registry.load().items() if name == "blog_publish")
    examples = {"blog_publish": {"title": "Sunday", "text": "We are open on Sunday"}}


async def test_a_channel_that_lies_about_its_key_is_found(tmp_path: Path) -> None:
    class Liar(FakeChannel):
        @property
        def features(self):  # type: ignore[no-untyped-def]
            return FakeChannel(policy=Policy.KEYED).features

    class Wrong(TestFakeKeyed):
        def make(self, folder: Path) -> Channel:
            self.channel = Liar(name="pigeon", policy=Policy.NONE, fate=lambda name: Fate.DONE)
            return self.channel

    with pytest.raises(AssertionError):
        await Wrong().test_what_its_policy_says_is_true(tmp_path)
