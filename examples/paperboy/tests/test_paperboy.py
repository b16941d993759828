"""Paperboy keeps Switchboard's contracts, and reads no letter twice."""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from paperboy.channel import make
from paperboy.press import TOOLS as PRESS
from paperboy.pressroom import PROVIDER
from paperboy.tool import TOOLS, Settings

from bot.core.channel import Channel
from bot.core.effect import EffectState
from bot.core.errors import OperatorError, UserError
from bot.core.event import Event
from bot.testing import ChannelContract, ProviderContract, ToolContract, context, effect_of, lent

pytestmark = pytest.mark.filterwarnings("error")


class TestChannel(ChannelContract):
    folder: Path

    def make(self, folder: Path) -> Channel:
        type(self).folder = folder
        return make(lent(folder=str(folder)))

    def shown(self) -> Sequence[str]:
        return [path.read_text("utf-8") for path in self.folder.glob("out/*.txt")]


class TestTools(ToolContract):
    tools = TOOLS
    examples: ClassVar[dict[str, Any]] = {"paperboy_deliver": {"text": "We are open on Sunday"}}


class TestPress(ToolContract):
    tools = PRESS
    examples: ClassVar[dict[str, Any]] = {"press_print": {"text": "We are open on Sunday"}}


class TestService(ProviderContract):
    provider = PROVIDER


def test_without_a_folder_it_says_what_to_set() -> None:
    with pytest.raises(OperatorError, match="folder"):
        make(lent())


@pytest.mark.asyncio
async def test_a_letter_goes_only_when_it_is_stored(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name, text in (
        ("1", json.dumps({"id": "1", "from": "ana", "text": "Hello"})),
        ("2", "no letter"),
    ):
        (tmp_path / "in" / f"{name}.json").write_text(text)
    heard: list[Event] = []

    async def sink(event: Event) -> str:
        heard.append(event)
        if len(heard) == 1:
            raise ConnectionError("the house is away")
        return "evt_1"

    channel = make(lent(folder=str(tmp_path)))
    with pytest.raises(ConnectionError):
        await channel.run(sink)
    assert (tmp_path / "in" / "1.json").exists()
    task = asyncio.ensure_future(channel.run(sink))
    while list((tmp_path / "in").glob("*.json")):
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert [event.ext_id for event in heard] == ["1", "1"]
    assert (tmp_path / "in" / "2.unreadable").exists()


@pytest.mark.asyncio
async def test_a_refused_letter_is_put_aside(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    letter = tmp_path / "in" / "1.json"
    letter.write_text(json.dumps({"id": "1", "from": "ana", "text": "Hello"}))

    async def sink(event: Event) -> str:
        raise UserError

    task = asyncio.ensure_future(make(lent(folder=str(tmp_path))).run(sink))
    while letter.exists():
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert letter.with_suffix(".unreadable").exists()


@pytest.mark.asyncio
async def test_a_paper_is_delivered_and_can_be_found(tmp_path: Path) -> None:
    (tool,) = TOOLS
    paper = tool.arguments.model_validate({"text": "We are open"})
    ctx = context(Settings(folder=tmp_path))
    deed = effect_of(tool.name, {"text": "We are open"}, tool.policy)
    assert tool.find is not None
    assert await tool.find(ctx, deed) is None
    assert (await tool.perform(ctx, paper)).state is EffectState.SENT
    assert (tmp_path / "papers" / "eff_1.txt").read_text() == "We are open"
    assert await tool.find(ctx, deed) is not None
