"""Each provider's shape, failing in each way: who answers instead, who rests, and what is told."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from agents.runtime.door import Door
from bot.core.errors import BotError, VendorError, VendorRefused, VendorUnknown
from bot.core.model import ModelReply
from bot.core.secret import Secret
from tests.agents.runtime.model_house import OTHER, OTHER_KEY
from tests.agents.runtime.talk import needs_litellm, request
from tests.fakes.clock import StillClock
from tests.fakes.model_vendors import TOO_LONG, WORDS, Fault, ModelVendors
from tests.fakes.openai_server import OpenAIServer

MODELS = {
    "openai": "openai/gpt-4o-mini",
    "anthropic": "anthropic/claude-haiku-4-5",
    "gemini": "gemini/gemini-3.8-flash",
}


@dataclass(slots=True, kw_only=True)
class Scene:
    """A vendor that fails, another that does not, and a door to both."""

    vendor: str
    transport: Any
    server: ModelVendors
    other: OpenAIServer
    clock: StillClock
    doors: list[Door]

    @property
    def model(self) -> str:
        """The model that fails."""
        return MODELS[self.vendor]

    def door(self, *models: str, timeout_s: float = 20.0) -> Door:
        """A door to these."""

        async def nap(seconds: float) -> None:
            self.clock.move(seconds=seconds)

        door = Door(
            clock=self.clock,
            keys={self.vendor: Secret("key-0123456789WXYZ"), "deepseek": Secret(OTHER_KEY)},
            endpoints={self.vendor: self.server.url, "deepseek": self.other.url},
            default=models,
            timeout_s=timeout_s,
            transport=self.transport,
            sleep=nap,
        )
        self.doors.append(door)
        return door


SHAPES = [
    pytest.param((vendor, transport), id=f"{vendor}-{transport}", marks=marks)
    for vendor, transport, marks in (
        ("openai", "litellm", needs_litellm),
        ("openai", "direct", ()),
        ("anthropic", "litellm", needs_litellm),
        ("anthropic", "direct", needs_litellm),
        ("gemini", "litellm", needs_litellm),
        ("gemini", "direct", needs_litellm),
    )
]


@pytest.fixture(params=SHAPES)
async def scene(request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    vendor, transport = request.param
    async with ModelVendors() as server, OpenAIServer() as other:
        doors: list[Door] = []
        clock = StillClock()
        yield Scene(
            vendor=vendor,
            transport=transport,
            server=server,
            other=other,
            clock=clock,
            doors=doors,
        )
        for door in doors:
            await door.close()


async def ask(door: Door, stream: bool) -> tuple[ModelReply, list[str]]:
    """The answer and the words that came."""
    words: list[str] = []
    return await door.complete(request(tools=()), words.append if stream else None), words


RATE = Fault(status=429, words="Slow down.")
FAULTS = {
    "429": (RATE, "model.rate", 20),
    "429 with a time": (
        Fault(status=429, words="Slow down.", headers={"Retry-After": "33"}),
        "model.rate",
        33,
    ),
    "500": (Fault(status=500, words="Oh dear."), "model.failed", 15),
    "529": (Fault(status=529, words="Overloaded"), "model.failed", 15),
    "hang": (Fault(way="hang"), "model.timeout", 30),
    "malformed": (Fault(way="malformed"), "", 15),
    "silent": (Fault(way="silent"), "", 5),
    "too long": (Fault(status=400, words="too long"), "", 0),
}
"""How it fails, what it is called, and for how long it rests at least."""
streamed = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


def told(scene: Scene, fault: Fault) -> Fault:
    """The fault in the vendor's words."""
    if fault.words != "too long":
        return fault
    return Fault(status=400, words=TOO_LONG[scene.vendor])


async def test_the_control_answers(scene: Scene) -> None:
    for stream in (False, True):
        reply, words = await ask(scene.door(scene.model, OTHER), stream)
        assert (reply.model, reply.message.content) == (scene.model, "".join(WORDS))
        assert "".join(words) == ("".join(WORDS) if stream else "")
        assert reply.usage.tokens_out == (4 if not stream else reply.usage.tokens_out)
    assert scene.other.requests == []


@streamed
@pytest.mark.parametrize("name", FAULTS)
async def test_the_next_model_answers_and_the_failed_one_rests(
    scene: Scene, name: str, stream: bool
) -> None:
    fault, cause, rest_s = FAULTS[name]
    door = scene.door(scene.model, OTHER, timeout_s=1.0 if fault.way == "hang" else 20.0)
    await door.warm()
    scene.server.fault = told(scene, fault)
    reply, words = await ask(door, stream)
    assert reply.model == OTHER
    assert "".join(words) == (reply.message.content if stream else "")
    assert scene.server.asked == [scene.vendor], "once, and no try in secret"

    resting = door.resting()
    assert [rest.model for rest in resting] == ([scene.model] if rest_s else [])
    for rest in resting:
        assert rest_s <= rest.seconds <= (15 if fault.way == "silent" else rest_s) * 1.25
        assert cause in rest.cause
        await ask(door, stream)
        assert len(scene.server.asked) == 1, "who rests is not asked while another can answer"
    scene.clock.move(seconds=60)
    scene.server.fault = None
    assert (await ask(door, stream))[0].model == scene.model
    assert door.resting() == []


@streamed
@pytest.mark.parametrize("name", FAULTS)
async def test_alone_it_fails_with_a_sentence_and_a_bounded_number_of_tries(
    scene: Scene, name: str, stream: bool
) -> None:
    fault, cause, _ = FAULTS[name]
    door = scene.door(scene.model, timeout_s=0.3 if fault.way == "hang" else 20.0)
    await door.warm()
    scene.server.fault = told(scene, fault)
    with pytest.raises(BotError) as caught:
        await ask(door, stream)
    error = caught.value
    assert scene.model in error.message
    assert isinstance(error, VendorRefused if 400 <= fault.status < 500 else VendorUnknown)
    assert len(scene.server.asked) <= 3
    if fault.status != 200:
        assert f"HTTP {fault.status}" in error.message
        assert told(scene, fault).words.rstrip(".") in error.message
    if "Retry-After" in fault.headers and isinstance(error, VendorError):
        assert error.retry_after_s == 33
        assert len(scene.server.asked) == 1, "33 seconds are not waited for while a person does"


@streamed
@pytest.mark.parametrize("scene", SHAPES[-1:], indirect=True)
async def test_gemini_names_its_pause_in_the_body(scene: Scene, stream: bool) -> None:
    scene.server.fault = Fault(status=429, words="Slow down.", delay="33.5s")
    with pytest.raises(VendorRefused) as caught:
        await ask(scene.door(scene.model), stream)
    assert caught.value.retry_after_s == 33.5


async def test_after_words_nobody_else_answers(scene: Scene) -> None:
    scene.server.fault = Fault(way="cut")
    words: list[str] = []
    with pytest.raises(VendorUnknown, match="broke off"):
        await scene.door(scene.model, OTHER).complete(request(tools=()), words.append)
    assert words
    assert "".join(WORDS).startswith("".join(words))
    assert scene.other.requests == []


async def test_an_error_inside_of_a_stream_before_any_word_falls_over(scene: Scene) -> None:
    scene.server.fault = Fault(status=529, words="Overloaded", way="inside")
    reply, words = await ask(scene.door(scene.model, OTHER), stream=True)
    assert reply.model == OTHER
    assert "".join(words) == reply.message.content
