"""What the door does when a model fails: who is asked next, and what is told."""

import pytest

from bot.core.errors import (
    BotError,
    ConnectionBroken,
    SettingsError,
    VendorError,
    VendorRefused,
    VendorUnknown,
)
from bot.core.ids import TenantId
from bot.core.model import Task
from bot.core.secret import Secret
from tests.agents.runtime.model_house import OTHER, OTHER_KEY, House, ask, streamed
from tests.agents.runtime.talk import (
    KEY,
    MODEL,
    request,
    user,
)
from tests.fakes.openai_server import Reply, rate_limited, too_long, wrong_key


@streamed
@pytest.mark.parametrize(
    ("reply", "kind", "said", "asked"),
    [
        (wrong_key(KEY), ConnectionBroken, ("HTTP 401", "OPENAI_API_KEY", "…WXYZ"), 1),
        (Reply(status=402, words="No credit"), ConnectionBroken, ("credit", "No credit"), 1),
        (
            Reply(status=429, code="insufficient_quota", words="Pay first."),
            ConnectionBroken,
            ("no credit left",),
            1,
        ),
        (rate_limited(30), VendorRefused, ("HTTP 429", "in 30 seconds"), 1),
        (rate_limited(2), VendorRefused, ("in 2 seconds",), 3),
        (too_long(), VendorRefused, ("longer than", "/new"), 1),
        (Reply(status=500), VendorUnknown, ("OpenAI failed", "HTTP 500", "had an error"), 3),
        (Reply(status=529, words="Overloaded"), VendorUnknown, ("HTTP 529", "Overloaded"), 3),
        (Reply(status=404, words="No such model"), SettingsError, ("models.default",), 1),
        (Reply(status=400, words="Bad schema"), VendorRefused, ("Bad schema", "HTTP 400"), 1),
        (Reply(status=403, words="Not here"), VendorRefused, ("Not here", "HTTP 403"), 1),
        (Reply(status=302, headers={"Location": "/v1/x"}), VendorUnknown, ("no answer",), 3),
        (Reply(fault="nonsense"), VendorUnknown, ("no answer",), 3),
        (Reply(fault="drop"), VendorUnknown, ("OpenAI failed",), 3),
        (Reply(fault="hang"), VendorUnknown, ("in time", "models.timeout_s"), 1),
    ],
    ids=lambda value: value.fault or value.code if isinstance(value, Reply) else "",
)
async def test_a_failure_is_told_with_its_mend(
    house: House,
    reply: Reply,
    kind: type[BotError],
    said: tuple[str, ...],
    asked: int,
    stream: bool,
) -> None:
    house.server.otherwise = reply
    with pytest.raises(kind) as caught:
        await ask(house.door(), request(timeout_s=0.1 if reply.fault == "hang" else 0), stream)
    message = caught.value.message
    for words in (MODEL, "127.0.0.1:", *said):
        assert words in message
    assert KEY not in message
    assert len(house.server.requests) == asked
    assert len(house.naps) == asked - 1
    if isinstance(caught.value, VendorError) and reply.status == 429:
        assert caught.value.retry_after_s == float(reply.headers["Retry-After"])


async def test_an_answer_without_a_choice_is_no_answer(house: House) -> None:
    house.server.otherwise = Reply(fault="empty")
    with pytest.raises(VendorUnknown, match="no answer"):
        await house.door().complete(request())


async def test_a_stream_that_breaks_after_words_is_not_answered_by_another(house: House) -> None:
    house.server.otherwise = Reply(fault="cut", text="one two three four")
    words: list[str] = []
    with pytest.raises(VendorUnknown, match="broke off"):
        await house.door(MODEL, OTHER).complete(request(), words.append)
    assert "".join(words).startswith("one ")
    assert house.models() == ["gpt-4o-mini"]


async def test_a_stream_that_breaks_before_any_word_is_asked_again(house: House) -> None:
    house.server.script.append(Reply(fault="cut", calls=[("x_publish", '{"text": "abcdefghi"}')]))
    reply, words = await ask(house.door(), request(), stream=True)
    assert reply.message.content == "".join(words) == "Hello from the stub."


async def test_a_stream_without_a_reason_for_its_end_is_asked_again(house: House) -> None:
    half = Reply(fault="unfinished", calls=[("x_publish", '{"text": "a"}')])
    house.server.script.append(half)
    reply, words = await ask(house.door(), request(), stream=True)
    assert reply.message.content == "".join(words) == "Hello from the stub."
    assert len(house.server.requests) == 2


async def test_words_without_a_reason_for_their_end_are_never_a_whole_answer(house: House) -> None:
    house.server.otherwise = Reply(fault="unfinished", text="Yes, I will")
    with pytest.raises(VendorUnknown, match="broke off"):
        await house.door(MODEL, OTHER).complete(request(), lambda _: None)
    assert house.models() == ["gpt-4o-mini"]


async def test_an_unreachable_host_is_named_and_not_asked_again(house: House) -> None:
    door = house.door(endpoints={"openai": "http://127.0.0.1:9/v1"})
    with pytest.raises(
        ConnectionBroken, match=r"cannot reach 127\.0\.0\.1:9 .*BOT_ENDPOINT_OPENAI"
    ):
        await door.complete(request())
    assert house.naps == []


async def test_the_next_model_answers_and_the_failed_one_rests(house: House) -> None:
    door = house.door(MODEL, OTHER)
    house.server.script.append(Reply(status=500))
    assert (await door.complete(request())).model == OTHER
    assert (await door.complete(request())).model == OTHER
    house.clock.move(seconds=60)
    assert (await door.complete(request())).model == MODEL
    assert house.models() == [
        "gpt-4o-mini", "deepseek-v4-flash", "deepseek-v4-flash", "gpt-4o-mini",
    ]  # fmt: skip


async def test_a_model_that_never_failed_is_never_passed_over(house: House) -> None:
    door = house.door(MODEL, OTHER)
    for _ in range(3):
        assert (await door.complete(request())).model == MODEL


async def test_a_pause_that_the_provider_named_is_kept(house: House) -> None:
    door = house.door()
    house.server.script.append(rate_limited(60))
    with pytest.raises(VendorRefused):
        await door.complete(request())
    house.clock.move(seconds=20)
    with pytest.raises(VendorRefused, match="in 40 seconds"):
        await door.complete(request())
    assert len(house.server.requests) == 1
    house.clock.move(seconds=41)
    await door.complete(request())


async def test_one_tenants_pause_holds_up_nobody_else(house: House) -> None:
    door = house.door(keys_of=lambda tenant: {"openai": Secret(f"sk-proj-of-{tenant}-0123456789")})
    house.server.script.append(rate_limited(60))
    with pytest.raises(VendorRefused):
        await door.complete(request())
    await door.complete(request(tenant=TenantId("ten_b")))
    assert [r.key for r in house.server.requests] == [
        "sk-proj-of-ten_a-0123456789",
        "sk-proj-of-ten_b-0123456789",
    ]


async def test_a_wrong_key_of_one_provider_leaves_the_other(house: House) -> None:
    house.server.keys = (OTHER_KEY,)
    reply = await house.door(MODEL, "openai/gpt-5.4-mini", OTHER).complete(request())
    assert reply.model == OTHER
    assert house.models() == ["gpt-4o-mini", "deepseek-v4-flash"], "no second try with that key"


async def test_a_wrong_key_of_the_only_provider_is_told(house: House) -> None:
    house.server.keys = ("another",)
    with pytest.raises(ConnectionBroken, match="OPENAI_API_KEY"):
        await house.door(MODEL, "openai/gpt-5.4-mini").complete(request())


async def test_a_model_without_a_key_is_refused_before_anything_is_loaded(house: House) -> None:
    door = house.door("anthropic/claude-haiku-5-5", keys={})
    with pytest.raises(SettingsError, match="ANTHROPIC_API_KEY"):
        await door.complete(request())
    assert any("ANTHROPIC_API_KEY" in problem for problem in door.problems())


async def test_a_bare_model_name_is_refused(house: House) -> None:
    with pytest.raises(SettingsError, match="openai/gpt-4o-mini"):
        await house.door().complete(request(model="gpt-4o-mini"))


async def test_a_long_conversation_goes_to_a_model_that_can_read_it(house: House) -> None:
    door = house.door(MODEL, OTHER)
    long = user("word " * 110_000)
    assert (await door.complete(request(long))).model == OTHER
    assert (await door.complete(request())).model == MODEL


async def test_what_is_reserved_covers_the_dearest_of_the_list(house: House) -> None:
    prices = {MODEL: (1.0, 2.0), OTHER: (30.0, 60.0)}
    door = house.door(MODEL, OTHER, prices=prices)
    alone = house.door(OTHER, prices=prices)
    assert door.reserve(request()) == alone.reserve(request())
    house.server.script.append(Reply(status=500))
    reply = await door.complete(request())
    assert reply.model == OTHER
    assert 0 < (reply.usage.micros or 0) <= (door.reserve(request()).micros or 0)
    unknown = house.door(MODEL, "openai/of-tomorrow")
    assert unknown.reserve(request()).micros is None, "one without a price has no limit"


async def test_the_list_of_the_task_goes_before_the_default(house: House) -> None:
    door = house.door(lists={Task.SUMMARISE: (OTHER,)})
    assert (await door.complete(request(task=Task.SUMMARISE))).model == OTHER
    assert (await door.complete(request())).model == MODEL
    assert (
        await door.complete(request(model="openai/gpt-5.4-mini"))
    ).model == "openai/gpt-5.4-mini"
