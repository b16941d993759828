"""Contract tests that a package from outside the tree runs on its channel, tools and services.

    class TestMine(ChannelContract):
        def make(self, folder: Path) -> Channel: ...
        def shown(self) -> Sequence[str]: ...

    class TestTools(ToolContract):
        tools = TOOLS
        examples = {"mine_send": {"text": "hello"}}

    class TestService(ProviderContract):
        provider = PROVIDER

Needs pytest and pytest-asyncio (`asyncio_mode = "auto"`, or mark the class). Nothing in the running
house imports this file.
"""

import asyncio
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from bot.core.card import Card
from bot.core.channel import Channel, Features, Outbound
from bot.core.effect import Effect, EffectKind, EffectState, Policy, bind
from bot.core.event import Event
from bot.core.ids import AgentName, ConvId, EffectId, EventId, TenantId
from bot.core.ports import Accepted
from bot.core.tool import Risk, Tool, ToolContext
from bot.extensions import check_record
from bot.oauth.provider import Provider
from bot.platforms.lent import Lent, Options

TENANT = TenantId("ten_1")


class StillClock:
    """A clock that stands."""

    def now(self) -> datetime:
        """Always the same."""
        return datetime(2027, 3, 3, 10, 17, 5, tzinfo=UTC)

    def monotonic(self) -> float:
        """Always the same."""
        return 0.0

    def chance(self, size: int) -> bytes:
        """No chance at all."""
        return bytes(size)


def lent(**options: str | bool | int | float) -> Lent:
    """What the house lends to a channel."""
    given: Options = options
    return Lent(tenant=TENANT, options=given, clock=StillClock())


def outbound(text: str = "Hello", effect: str = "eff_1", place: str = "ana") -> Outbound:
    """A message that leaves."""
    return Outbound(
        tenant=TENANT,
        conv=ConvId("cnv_1"),
        account="",
        place=place,
        thread="",
        effect=EffectId(effect),
        kind=EffectKind.REPLY,
        text=text,
    )


def context(settings: object = None, effect: str = "eff_1") -> ToolContext:
    """What a tool is called with; it has no house: mind that in tools that use one."""
    return ToolContext(
        tenant=TENANT,
        conv=ConvId("cnv_1"),
        turn=EventId("evt_1"),
        agent=AgentName("bri"),
        person=None,
        clock=StillClock(),
        house=None,  # type: ignore[arg-type]
        effect=EffectId(effect),
        key=effect,
        settings=settings,
    )


def effect_of(name: str, arguments: Mapping[str, Any], policy: Policy) -> Effect:
    """A deed whose answer is missing, as it is looked up."""
    return Effect(
        id=EffectId("eff_1"),
        tenant=TENANT,
        conv=ConvId("cnv_1"),
        turn=EventId("evt_1"),
        step=1,
        n=0,
        kind=EffectKind.TOOL,
        tool=name,
        tool_version=1,
        agent=AgentName("bri"),
        person=None,
        connection="",
        arguments=arguments,
        hash=bind(TENANT, AgentName("bri"), name, 1, arguments, ""),
        policy=policy,
        state=EffectState.SENDING,
    )


class ChannelContract:
    """What every channel must pass."""

    def make(self, folder: Path) -> Channel:
        """A channel that can send; `folder` is empty and its own."""
        raise NotImplementedError

    def shown(self) -> Sequence[str]:
        """The texts that people have seen by now, in any order."""
        raise NotImplementedError

    def test_it_says_what_it_can(self, tmp_path: Path) -> None:
        """Name and features are data."""
        channel = self.make(tmp_path)
        assert re.fullmatch(r"[a-z][a-z0-9_]{0,29}", channel.name)
        assert isinstance(channel.features, Features)
        assert channel.features.max_chars > 0
        if channel.features.policy is Policy.KEYED:
            assert channel.features.window_s > 0, "how long is a key remembered?"
        if channel.features.policy is Policy.READBACK:
            assert callable(getattr(channel, "find", None)), "READBACK needs find(effect)"

    def test_its_webhooks_lie_below_its_name(self, tmp_path: Path) -> None:
        """Or below that of its `vendor`. No channel takes another's address."""
        channel = self.make(tmp_path)
        for method, path, handler in channel.routes():
            assert method in ("GET", "POST")
            names = (channel.name, getattr(channel, "vendor", channel.name))
            assert path.startswith(tuple(f"/webhooks/{name}/" for name in names))
            assert callable(handler)

    async def test_it_ends_when_it_is_cancelled(self, tmp_path: Path) -> None:
        """`run` listens until then, or returns at once."""

        async def sink(event: Event) -> Accepted:
            return Accepted(event=event.id, conv=ConvId("cnv_1"))

        task = asyncio.ensure_future(self.make(tmp_path).run(sink))
        await asyncio.wait({task}, timeout=0.1)
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=5)
        assert done, "run() swallows its cancellation"
        assert task.cancelled() or task.exception() is None

    async def test_what_is_sent_is_shown_once(self, tmp_path: Path) -> None:
        """Two messages are two, whole."""
        channel = self.make(tmp_path)
        first = await channel.send(outbound("Grüße 👩‍💻", "eff_1"))
        second = await channel.send(outbound("Hello", "eff_2"))
        assert first.vendor_ref and second.vendor_ref
        assert first.vendor_ref != second.vendor_ref
        shown = self.shown()
        assert len(shown) == 2
        assert sum("Grüße 👩‍💻" in text for text in shown) == 1

    async def test_what_its_policy_says_is_true(self, tmp_path: Path) -> None:
        """KEYED: the same effect again is one message. READBACK: it is found, or surely not."""
        channel = self.make(tmp_path)
        policy = channel.features.policy
        if policy is Policy.READBACK:
            find = channel.find  # type: ignore[attr-defined]
            deed = effect_of(channel.name, {"text": "Hello"}, policy)
            assert await find(replace(deed, kind=EffectKind.REPLY)) is None
            await channel.send(outbound())
            found = await find(replace(deed, kind=EffectKind.REPLY))
            assert found is not None and found.state is EffectState.SENT
        elif policy is Policy.KEYED:
            await channel.send(outbound())
            await channel.send(outbound())
            assert len(self.shown()) == 1


class ToolContract:
    """What every tool must pass."""

    tools: ClassVar[tuple[Tool, ...]] = ()
    examples: ClassVar[Mapping[str, Mapping[str, Any]]] = {}
    """Tool → arguments that fit."""

    def test_there_are_tools_with_examples(self) -> None:
        """One example for each."""
        assert self.tools
        assert set(self.examples) == {tool.name for tool in self.tools}

    def test_a_model_can_read_them(self) -> None:
        """A name, a sentence, a schema of an object."""
        for tool in self.tools:
            assert re.fullmatch(r"[a-z][a-z0-9_]{0,63}", tool.name)
            assert len(tool.description.split()) >= 5, f"{tool.name}: say when to use it"
            schema = tool.arguments.model_json_schema()
            assert schema["type"] == "object"
            json.dumps(schema)

    def test_what_does_not_fit_is_refused(self) -> None:
        """An argument that nobody knows is a mistake."""
        for tool in self.tools:
            with pytest.raises(ValidationError):
                tool.arguments.model_validate({**self.examples[tool.name], "no_such_thing": 1})

    def test_a_person_sees_all_of_it_before_it_is_done(self) -> None:
        """Whatever writes or pays shows every word of its arguments on its card."""
        for tool in self.tools:
            arguments = tool.arguments.model_validate(self.examples[tool.name])
            if tool.risk is Risk.READ or tool.preview is None:
                continue  # without a preview of its own the house shows every argument
            card = tool.preview(arguments)
            assert isinstance(card, Card)
            for value in arguments.model_dump(mode="json", exclude_none=True).values():
                assert str(value) in repr(card), f"{tool.name} hides {value!r}"

    def test_what_makes_it_happen_once_is_there(self) -> None:
        """KEYED has a window, READBACK a look-up."""
        for tool in self.tools:
            if tool.policy is Policy.KEYED:
                assert tool.window_s > 0, f"{tool.name}: how long is a key remembered?"
            if tool.policy is Policy.READBACK:
                assert tool.find is not None, f"{tool.name}: READBACK needs find"


class ProviderContract:
    """What the record of every service must pass."""

    provider: ClassVar[Provider]

    def test_its_record_can_be_used(self) -> None:
        """As the house itself checks it: whole, and every address encrypted."""
        check_record(self.provider)
        assert re.fullmatch(r"[a-z][a-z0-9_]{0,29}", self.provider.name)

    def test_a_person_is_told_what_is_asked_for(self) -> None:
        """Each feature has a title and takes scopes; something is asked for at all."""
        for name, feature in self.provider.features.items():
            assert feature.title and feature.scopes, f"{name} says nothing"
        assert self.provider.known_scopes() or not self.provider.features

    def test_an_owner_can_set_it_up_and_end_it(self) -> None:
        """What is to be done at the service, and how access is taken back there."""
        assert self.provider.to_do, "say what an owner does at the service"
        assert self.provider.revoke or self.provider.by_hand, "say how access ends there"
