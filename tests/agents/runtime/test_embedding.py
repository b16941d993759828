"""Vectors: through LiteLLM as the vendor wants it, and the built-in ones."""

import logging
from collections.abc import AsyncIterator
from operator import mul

import pytest

from agents.runtime.choice import Options
from agents.runtime.embedding import MAX_BYTES, ModelEmbedder, WordEmbedder, pack, unpack
from agents.runtime.models import ModelDoor, ModelSetup
from agents.runtime.prices import Price, Prices
from bot.core.errors import BotError, OperatorError, VendorError
from bot.core.ids import TenantId
from bot.core.secret import Secret
from tests.agents.runtime.talk import KEY, needs_litellm
from tests.fakes.clock import StillClock
from tests.fakes.openai_server import OpenAIServer, Reply, rate_limited, wrong_key

pytestmark = needs_litellm

ONE = TenantId("ten_1")
MODEL = "openai/text-embedding-3-small"


@pytest.fixture
async def server() -> AsyncIterator[OpenAIServer]:
    async with OpenAIServer() as made:
        yield made
        assert made.violations == []


@pytest.fixture
async def embedder(server: OpenAIServer) -> AsyncIterator[ModelEmbedder]:
    made = embedder_at(server.url)
    yield made
    await made.close()


def embedder_at(url: str, model: str = MODEL, key: str = KEY, **prices: Price) -> ModelEmbedder:
    keys = {"openai": Secret(key)} if key else {}
    options = Options(keys=keys, endpoints={"openai": url})
    return ModelEmbedder(model, options, StillClock(), Prices(prices))


async def test_texts_become_vectors_of_length_one_in_their_order(
    server: OpenAIServer, embedder: ModelEmbedder
) -> None:
    made = await embedder.embed(ONE, ["abc", "", "x" * 3])
    assert [round(sum(map(mul, v, v)), 5) for v in map(unpack, made.values)] == [1.0, 1.0, 1.0]
    assert made.values[0] == pack([3.0, 1.0]) == made.values[2]
    assert server.requests[-1].key == KEY
    assert server.last["model"] == "text-embedding-3-small"
    assert server.last["dimensions"] == 512
    assert server.last["encoding_format"] == "float"
    assert embedder.name == "openai/text-embedding-3-small/512"


async def test_what_it_costs_is_in_the_public_list_and_what_is_reserved_is_not_less(
    embedder: ModelEmbedder,
) -> None:
    texts = ["Bread and butter"] * 50
    most = embedder.reserve(ONE, texts)
    assert most.micros == 16, "800 bytes at 0.02 dollars for a million tokens"
    made = await embedder.embed(ONE, texts)
    assert (made.usage.tokens_in, made.usage.micros) == (350, 7)


async def test_a_long_text_is_cut_between_letters(
    server: OpenAIServer, embedder: ModelEmbedder
) -> None:
    await embedder.embed(ONE, ["ß" * MAX_BYTES])
    (sent,) = server.last["input"]
    assert sent == "ß" * (MAX_BYTES // 2)


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (wrong_key(), OperatorError),
        (rate_limited(), VendorError),
        (Reply(status=500), VendorError),
        (Reply(fault="drop"), VendorError),
        (Reply(fault="nonsense"), VendorError),
        (Reply(fault="empty"), VendorError),
    ],
    ids=["a wrong key", "too many", "a broken server", "no word", "nonsense", "nothing in it"],
)
async def test_each_failure_is_an_error_of_ours_without_the_key(
    server: OpenAIServer,
    embedder: ModelEmbedder,
    reply: Reply,
    error: type[Exception],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    server.script.extend([reply] * 5)
    with pytest.raises((OperatorError, VendorError)) as caught:
        await embedder.embed(ONE, ["secret text"])
    assert isinstance(caught.value, error)
    assert KEY not in str(caught.value)
    assert "secret text" not in str(caught.value)
    assert len(server.requests) == 1, "whether to ask again is the caller's to say"


@pytest.mark.parametrize("values", [[], [float("nan")], ["x"]], ids=["none", "nan", "words"])
async def test_a_vector_that_is_none_is_refused(
    server: OpenAIServer, embedder: ModelEmbedder, values: list[float]
) -> None:
    server.embed = lambda text: values
    with pytest.raises((OperatorError, VendorError)):
        await embedder.embed(ONE, ["a"])


async def test_without_a_key_the_mend_is_named() -> None:
    made = ModelEmbedder(MODEL, Options(), StillClock(), Prices({}))
    with pytest.raises(OperatorError, match="OPENAI_API_KEY"):
        await made.embed(ONE, ["a"])


class NoSecrets:
    """Nothing was pasted."""

    async def put(self, tenant: TenantId, provider: str, field: str, secret: Secret) -> None: ...

    async def readable(
        self, tenant: TenantId, field: str
    ) -> tuple[dict[str, Secret], dict[str, BotError]]:
        return {}, {}


async def test_the_door_embeds_with_the_model_of_the_settings_or_counts_words(
    server: OpenAIServer,
) -> None:
    given = {
        "clock": StillClock(),
        "keys": {"openai": Secret(KEY)},
        "endpoints": {"openai": server.url},
    }
    plain = ModelDoor(ModelSetup(**given), NoSecrets(), ONE)  # type: ignore[arg-type]
    await plain.start()
    assert isinstance(plain.embedder, WordEmbedder)
    await plain.close()
    door = ModelDoor(ModelSetup(**given, embeddings=MODEL), NoSecrets(), ONE)  # type: ignore[arg-type]
    await door.start()
    assert (await door.embedder.embed(ONE, ["abc"])).values == (pack([3.0, 1.0]),)
    await door.close()


async def test_the_built_in_vectors_are_near_for_kindred_words_and_far_for_others() -> None:
    made = WordEmbedder()
    asked, near, far = map(
        unpack, (await made.embed(ONE, ["invoices", "invoicing monthly", "a brown dog"])).values
    )
    assert sum(map(mul, asked, near)) > made.floor > sum(map(mul, asked, far))
    (nothing,) = (await made.embed(ONE, [""])).values
    assert set(unpack(nothing)) == {0.0}
    assert made.reserve(ONE, ["x"]).micros == 0
