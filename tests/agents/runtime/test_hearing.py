"""Spoken words as text: by both transports as the vendor wants it, and what it costs."""

import logging
from collections.abc import AsyncIterator

import pytest

from agents.runtime.choice import Options
from agents.runtime.hearing import LEAST_BYTES, MAX_CHARS, Transcriber
from agents.runtime.models import ModelDoor, ModelSetup
from agents.runtime.prices import Price, Prices
from bot.core.errors import OperatorError, VendorError
from bot.core.ids import TenantId
from bot.core.secret import Secret
from tests.agents.runtime.talk import KEY, needs_litellm
from tests.agents.runtime.test_embedding import NoSecrets
from tests.fakes.clock import StillClock
from tests.fakes.openai_server import OpenAIServer, Reply, rate_limited, wrong_key

pytestmark = needs_litellm

ONE = TenantId("ten_1")
MODEL = "openai/whisper-1"
SOUND = b"OggS" + bytes(4000)


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer() as made:
        yield made
        assert made.violations == []


@pytest.fixture(params=[False, True], ids=["litellm", "direct"])
async def ear(server: OpenAIServer, request: pytest.FixtureRequest) -> AsyncIterator[Transcriber]:
    made = ear_at(server.url, direct=request.param)
    yield made
    await made.close()


def ear_at(
    url: str, model: str = MODEL, *, direct: bool = True, prices: Prices | None = None
) -> Transcriber:
    options = Options(
        keys={"openai": Secret(KEY)},
        endpoints={"openai": url},
        default=("openai/gpt-4o-mini",),
        direct=direct,
    )
    return Transcriber(model, options, StillClock(), prices or Prices({}))


async def hear(ear: Transcriber, content: bytes = SOUND) -> tuple[str, int | None]:
    heard = await ear.hear(ONE, "voice.ogg", "audio/ogg", content)
    return heard.text, heard.usage.micros


async def test_what_is_said_comes_as_text_and_costs_what_was_counted(
    server: OpenAIServer, ear: Transcriber
) -> None:
    assert await hear(ear) == ("I said 4004 bytes.", 400), "4 s at 0.0001 dollars"
    (asked,) = server.requests
    assert (asked.path, asked.key) == ("/v1/audio/transcriptions", KEY)
    assert asked.body["model"] == "whisper-1"
    assert asked.body["file"] == ("voice.ogg", "audio/ogg", 4004)


async def test_what_is_reserved_is_never_less(server: OpenAIServer, ear: Transcriber) -> None:
    await ear.warm()
    most = ear.reserve(SOUND).micros
    assert most == (len(SOUND) // LEAST_BYTES + 1) * 100
    server.said = lambda content: {"text": "Hello"}  # and counts nothing
    assert await hear(ear) == ("Hello", most)


async def test_tokens_are_paid_for_where_the_provider_counts_them(server: OpenAIServer) -> None:
    ear = ear_at(server.url, "openai/gpt-4o-transcribe")
    usage = {"type": "tokens", "input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100}
    server.said = lambda content: {"text": "Hello", "usage": usage}
    assert await hear(ear) == ("Hello", 3500)
    await ear.close()


async def test_a_price_that_nobody_knows_is_none_and_the_operator_s_own_goes_first(
    server: OpenAIServer,
) -> None:
    unknown = ear_at(server.url, "openai/my-ear")
    assert unknown.reserve(SOUND).micros is None
    own = ear_at(server.url, MODEL, prices=Prices({MODEL: Price(input=1.0, output=0.0)}))
    assert own.reserve(SOUND).micros == 25 * 9
    for each in (unknown, own):
        await each.close()


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (wrong_key(), OperatorError),
        (rate_limited(), VendorError),
        (Reply(status=500), VendorError),
        (Reply(fault="drop"), VendorError),
        (Reply(fault="nonsense"), VendorError),
    ],
    ids=["a wrong key", "too many", "a broken server", "no word", "nonsense"],
)
async def test_each_failure_is_an_error_of_ours_and_is_asked_once(
    server: OpenAIServer,
    ear: Transcriber,
    reply: Reply,
    error: type[Exception],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    server.script.extend([reply] * 5)
    with pytest.raises((OperatorError, VendorError)) as caught:
        await hear(ear)
    assert isinstance(caught.value, error)
    assert KEY not in str(caught.value) and KEY not in caplog.text
    assert len(server.requests) == 1


async def test_the_words_are_no_longer_than_a_house_reads_and_hide_nothing(
    server: OpenAIServer,
) -> None:
    ear = ear_at(server.url)
    server.said = lambda content: {"text": "a\u202eb" + "x" * 2 * MAX_CHARS}
    text, _ = await hear(ear)
    assert len(text) == MAX_CHARS and "\u202e" not in text
    await ear.close()


async def test_no_other_model_hears_a_recording_in_its_place(server: OpenAIServer) -> None:
    options = Options(
        keys={"openai": Secret(KEY)}, endpoints={"openai": server.url}, default=(MODEL,)
    )
    ear = Transcriber("groq/whisper-large-v3", options, StillClock(), Prices({}))
    with pytest.raises(OperatorError):
        await hear(ear)
    assert server.requests == []
    await ear.close()


async def test_the_door_listens_with_the_model_of_the_settings_or_not_at_all(
    server: OpenAIServer,
) -> None:
    given = {"clock": StillClock(), "keys": {"openai": Secret(KEY)}}
    given["endpoints"] = {"openai": server.url}
    plain = ModelDoor(ModelSetup(**given), NoSecrets(), ONE)  # type: ignore[arg-type]
    await plain.start()
    assert plain.transcriber is None
    await plain.close()
    for transport in ("direct", "litellm"):
        setup = ModelSetup(**given, transcription=MODEL, transport=transport)  # type: ignore[arg-type]
        door = ModelDoor(setup, NoSecrets(), ONE)
        await door.start()
        assert door.transcriber is not None
        assert (await hear(door.transcriber))[0] == "I said 4004 bytes."
        await door.close()
