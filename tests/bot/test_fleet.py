"""What processes on one PostgreSQL know of one another."""

import asyncio
import statistics
import time
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

import bot.fleet
import bot.wiring.lender
from bot.core.errors import OperatorError
from bot.core.ids import ConvId, TenantId
from bot.fleet import Fleet
from bot.infra.clock import SystemClock
from bot.limits import Rate
from bot.live_shared import SharedLive
from bot.platforms.pacing import Pace
from bot.settings import load
from bot.store import fleet as rows
from bot.store.fleet import Worker
from bot.wiring import connecting
from tests.fakes.clock import StillClock
from tests.fakes.switchboard import HOME, image
from tests.postgres import admin, our_database

pytest.importorskip("asyncpg")

from bot.store.notices import Notices  # noqa: E402 (needs asyncpg)
from bot.store.postgres import PostgresDatabase  # noqa: E402


@pytest.fixture
async def url() -> AsyncIterator[str]:
    async with our_database(image()) as made:
        yield made


@pytest.fixture
async def db(url: str) -> AsyncIterator[PostgresDatabase]:
    made = PostgresDatabase(url)
    await made.open()
    yield made
    await made.close()


def fleet(db: PostgresDatabase, name: str, shared: bool = True) -> Fleet:
    me = Worker(id=f"own_{name}", place=name, version="1", files_shared=shared)
    return Fleet(db, SystemClock(), me)


async def silence(url: str, name: str) -> None:
    """Let a process have given its last sign a minute ago."""
    await admin(f"UPDATE worker SET beat_at = beat_at - 60000000 WHERE id = 'own_{name}'", url)


@pytest.mark.parametrize(("one", "two"), [(True, False), (False, True), (False, False)])
async def test_a_second_process_with_files_of_its_own_is_refused(
    db: PostgresDatabase, one: bool, two: bool
) -> None:
    await fleet(db, "one", shared=one).join()
    with pytest.raises(OperatorError, match="files_shared"):
        await fleet(db, "two", shared=two).join()


async def test_two_that_start_at_once_cannot_both_have_files_of_their_own(
    db: PostgresDatabase, url: str
) -> None:
    other = PostgresDatabase(url)
    await other.open()
    both = (fleet(db, "one", shared=False).join(), fleet(other, "two", shared=False).join())
    done = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(isinstance(end, OperatorError) for end in done) == [False, True]
    await other.close()


async def test_a_restart_in_the_same_place_replaces_the_process_before(
    db: PostgresDatabase,
) -> None:
    await fleet(db, "one", shared=False).join()
    again = Worker(id="own_again", place="one", version="1", files_shared=False)
    await Fleet(db, SystemClock(), again).join()
    assert await fleet(db, "one").living() == {"own_again"}


async def test_a_lease_is_one_process_s_until_it_is_given_back_or_dies(
    db: PostgresDatabase, url: str
) -> None:
    one, two = fleet(db, "one"), fleet(db, "two")
    await one.join()
    await two.join()
    assert [await one.take("x"), await one.take("x"), await two.take("x")] == [True, True, False]
    await two.drop("x")
    assert not await two.take("x")
    await one.drop("x")
    assert await two.take("x")
    assert not await one.take("x")
    assert await one.take("something else"), "a lease of the living keeps no other name"
    await silence(url, "two")
    assert await one.take("x")


@pytest.mark.parametrize("is_watched", [True, False])
async def test_a_process_that_froze_within_a_statement_keeps_nobody_from_its_rows(
    db: PostgresDatabase, url: str, monkeypatch: pytest.MonkeyPatch, is_watched: bool
) -> None:
    """The server has no limit for it: between the halves of a statement it is not idle."""
    monkeypatch.setattr(bot.fleet, "BEAT_S", 0.05)
    one = fleet(db, "one")
    one.evict = db.evict
    await one.join()
    await one.take("x")
    frozen = await asyncpg.connect(url, server_settings={"application_name": "own_two"})
    try:
        await fleet(db, "two").join()
        await frozen.execute("BEGIN; SET LOCAL idle_in_transaction_session_timeout = 200")
        await frozen.execute("UPDATE lease SET owner = 'own_two'")
        await frozen.prepare("SELECT 2 + 2")
        await silence(url, "two")
        watching = asyncio.ensure_future(one.watch() if is_watched else asyncio.sleep(60))
        waiting = asyncio.ensure_future(one.drop("x"))
        done, _ = await asyncio.wait({waiting}, timeout=1.5 if not is_watched else 8)
        assert bool(done) == is_watched
        watching.cancel()
    finally:
        frozen.terminate()
        await asyncio.wait({waiting})


async def test_a_platform_that_lets_one_listen_is_listened_to_by_one(
    db: PostgresDatabase, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bot.wiring.lender, "HOLD_S", 0.02)
    one, two = fleet(db, "one"), fleet(db, "two")
    await one.join()
    await two.join()
    first, second = lender(db, one), lender(db, two)
    await first("telegram", {}).hold()
    await first("telegram", {}).hold()  # begun again in the same process
    await second("discord", {}).hold()
    waiting = asyncio.ensure_future(second("telegram", {}).hold())
    await asyncio.sleep(0.2)
    assert not waiting.done()
    await silence(url, "one")
    await asyncio.wait_for(waiting, 10)


@pytest.mark.parametrize("how", ["broke", "was let go of"])
async def test_who_listens_no_more_lets_another_listen(
    db: PostgresDatabase,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    how: str,
) -> None:
    monkeypatch.setattr(bot.wiring.lender, "HOLD_S", 0.02)
    one, two = fleet(db, "one"), fleet(db, "two")
    await one.join()
    await two.join()
    one.many = 2
    first, second = lender(db, one), lender(db, two)
    held, end = asyncio.Event(), asyncio.Event()

    async def listen() -> None:
        await first("telegram", {}).hold()
        held.set()
        await end.wait()
        raise OperatorError("The token is refused.")

    listening = asyncio.ensure_future(listen())
    await held.wait()
    assert not await two.take("channel:telegram")
    other = asyncio.ensure_future(second("telegram", {}).hold())
    if how == "broke":
        end.set()
    else:
        listening.cancel()
    await asyncio.gather(listening, return_exceptions=True)
    await asyncio.wait_for(other, 10)
    assert "telegram is let go of" in caplog.text


async def test_a_channel_that_is_begun_again_at_once_keeps_its_lease(
    db: PostgresDatabase,
) -> None:
    one, two = fleet(db, "one"), fleet(db, "two")
    await one.join()
    await two.join()
    first = lender(db, one)

    async def listen(until: asyncio.Event) -> None:
        await first("email", {}).hold()
        until.set()
        await asyncio.Event().wait()

    tasks, each = [], [asyncio.Event() for _ in range(3)]
    for event in each:  # two boxes side by side, and one that takes the place of the first
        tasks.append(asyncio.ensure_future(listen(event)))
        await event.wait()
    tasks[0].cancel()
    tasks[1].cancel()
    await asyncio.gather(*tasks[:2], return_exceptions=True)
    await first.holding.settled()
    assert not await two.take("channel:email")
    tasks[2].cancel()
    await asyncio.gather(tasks[2], return_exceptions=True)
    await first.holding.settled()
    assert await two.take("channel:email")


async def test_who_is_cancelled_while_a_lease_is_taken_keeps_none(
    db: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = fleet(db, "one"), fleet(db, "two")
    await one.join()
    await two.join()
    first, taken = lender(db, one), asyncio.Event()
    take = one.take

    async def take_and_tell_late(name: str) -> bool:
        done = await take(name)
        taken.set()
        await asyncio.sleep(10)
        return done

    monkeypatch.setattr(one, "take", take_and_tell_late)
    task = asyncio.ensure_future(first("telegram", {}).hold())
    await taken.wait()
    assert not await two.take("channel:telegram")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await first.holding.settled()
    assert await two.take("channel:telegram")


def lender(db: PostgresDatabase, peers: Fleet) -> connecting.Lender:
    nobody: Any = None
    return connecting.Lender(
        db=db,
        clock=SystemClock(),
        tenant=TenantId("ten_1"),
        settings=load(None, {}),
        strongroom=nobody,
        files=nobody,
        fetcher=nobody,
        sign=nobody,
        team=nobody,
        engine=nobody,
        changed=lambda: None,
        peers=peers,
    )


async def test_each_knows_how_many_they_are_and_lends_it_to_its_channels(
    db: PostgresDatabase, url: str
) -> None:
    one, two = fleet(db, "one"), fleet(db, "two")
    assert (one.many, two.many) == (1, 1)
    await one.join()
    await two.join()
    await one_beat(one)
    await one_beat(two)
    assert (one.many, two.many) == (2, 2)
    rate = Rate(count=10, seconds=1)
    paces = [
        Pace(StillClock(), rate, rate, among=lambda each=each: each.many) for each in (one, two)
    ]
    assert sum(1 for pace in paces for _ in range(20) if pace._wait("a") <= 0) == 10
    await silence(url, "two")
    await one_beat(one)
    assert one.many == 1


class Way:
    """Carries words nowhere."""

    in_commits, deaf = True, ""

    def __init__(self) -> None:
        self.sent: list[str] = []

    def send(self, word: str) -> bool:
        self.sent.append(word)
        return True

    async def run(self) -> None:
        return None


async def test_whose_way_of_words_was_cut_lets_the_others_look_anew_as_well(
    db: PostgresDatabase,
) -> None:
    one, two = fleet(db, "one"), fleet(db, "two")
    way = one.words = two.words = Way()
    looked: list[str] = []
    one.on("missed", lambda: looked.append("one"))
    two.on("missed", lambda: looked.append("two"))
    one.cut_off()
    assert (looked, way.sent) == (["one"], []), "who is alone tells nobody"
    one.many = two.many = 2
    one.cut_off()
    (word,) = way.sent
    for each in (one, two):
        each.hear(word)
    assert looked == ["one", "one", "two"] and len(way.sent) == 1
    for odd in (
        "[]",
        "[[], 0, []]",
        '["x", 0, {}]',
        "null",
        '{"a": 1, "b": 2, "c": 3}',
        "[" * 9_999,
    ):
        two.hear(odd)
    assert looked == ["one", "one", "two"]


async def test_who_dies_before_it_says_a_word_is_no_reason_to_keep_what_it_changed(
    db: PostgresDatabase, url: str
) -> None:
    one, two = fleet(db, "one"), fleet(db, "two")
    looked: list[str] = []
    one.on("missed", lambda: looked.append("one"))
    await one.join()
    await two.join()
    await one_beat(one)
    await one_beat(one)
    assert looked == []
    await silence(url, "two")
    await one_beat(one)
    assert looked == ["one"]
    await one_beat(one)
    assert looked == ["one"]


async def test_who_lives_and_is_not_heard_may_have_said_something(db: PostgresDatabase) -> None:
    one, two = fleet(db, "one"), fleet(db, "two")
    looked: list[str] = []
    one.on("missed", lambda: looked.append("one"))
    one.words = two.words = Way()

    async def a_long_while(*heard: str) -> None:
        one._heard = {id_: at - 2 * bot.fleet.UNHEARD_S for id_, at in one._heard.items()}
        for id_ in heard:
            one.hear(f'["{id_}", 1, "echo"]')
        await one_beat(one)

    await one.join()
    await two.join()
    await one_beat(one)
    assert looked == [], "it has just come"
    await a_long_while(one.id, two.id)
    assert looked == [], "it is heard"
    for _ in range(2):
        await a_long_while(one.id, "own_nobody")
    assert looked == ["one", "one"], "as long as it is not"
    await a_long_while()
    assert one.deaf and looked == ["one"] * 3, "who hears nobody looks once with each beat as well"


async def one_beat(each: Fleet) -> None:
    """One sign of life."""
    task = asyncio.create_task(each.run())
    before = each._beat_at
    while each._beat_at == before:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_what_a_dead_process_held_is_let_go_and_nothing_else(
    db: PostgresDatabase, url: str
) -> None:
    for name in ("one", "two"):
        await fleet(db, name).join()
        await admin(
            "INSERT INTO conv (id, tenant, key, state, owner, epoch) "
            f"VALUES ('{name}', '{HOME}', '{name}', 'running', 'own_{name}', 3)",
            url,
        )
    await silence(url, "two")
    assert await db.write(rows.take_over(7, 20_000_000)) == 1
    found = {name: await _conv(db, name) for name in ("one", "two")}
    assert found == {"one": ("running", "own_one"), "two": ("ready", "")}


async def _conv(db: PostgresDatabase, id_: str) -> tuple[str, str]:
    import asyncpg

    conn = await asyncpg.connect(db.url)
    try:
        row = await conn.fetchrow("SELECT state, owner FROM conv WHERE id = $1", id_)
        return row["state"], row["owner"]
    finally:
        await conn.close()


async def test_a_process_that_gave_no_sign_for_long_no_longer_calls_a_vendor(
    db: PostgresDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = fleet(db, "one")
    assert not one.holds()
    await one.join()
    assert one.holds()
    monkeypatch.setattr(bot.fleet, "DEAD_S", 0.0)
    assert not one.holds()


async def test_what_happens_in_one_process_is_soon_seen_in_another(
    db: PostgresDatabase, url: str
) -> None:
    one, two = fleet(db, "one"), fleet(db, "two")
    await one.join()
    await two.join()
    here, there = SharedLive(one), SharedLive(two)
    missed = asyncio.Event()
    tasks = []
    for each in (one, two):
        each.words = Notices(url, each.hear, missed.set)
        tasks += [asyncio.create_task(each.words.run()), asyncio.create_task(each.run())]
    await asyncio.wait_for(missed.wait(), 5)
    await asyncio.sleep(0.3)
    took = []
    with there.subscribe(HOME, "c1") as watch:
        for n in range(40):
            here.begin(HOME, ConvId("c1"), f"t{n}", 0)
            here.text(HOME, ConvId("c1"), f"t{n}", "Hello ")
            here.text(HOME, ConvId("c1"), f"t{n}", "there.")
            began = time.monotonic()
            here.end(HOME, ConvId("c1"), f"t{n}", {"id": f"m{n}", "text": "Hello there."})
            while (note := await watch.next(2)) and note.what != "message":
                pass
            assert note and note.data["id"] == f"m{n}"
            took.append(time.monotonic() - began)
        here.begin(HOME, ConvId("c1"), "twice", 0)
        for _ in range(2):  # the server folds words that are alike; these are not to be folded
            here.text(HOME, ConvId("c1"), "twice", "ha")
        shown = ""
        while len(shown) < 4 and (note := await watch.next(1)):
            shown += str(note.data.get("delta", ""))
        assert shown == "haha"
        here.end(HOME, ConvId("c1"), "t", {"id": "long", "text": "x" * 9000})
        seen = []
        while note := await watch.next(0.5):
            seen.append(note.what)
        assert "look" in seen
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert statistics.median(took) < 0.05  # 4 ms on an idle machine; tests run side by side


class Dropping:
    """A way of words on which all are lost."""

    def send(self, word: str) -> bool:
        return True


@pytest.mark.parametrize("is_deaf", [True, False])
async def test_what_words_do_not_tell_is_read_anew(
    db: PostgresDatabase, url: str, monkeypatch: pytest.MonkeyPatch, is_deaf: bool
) -> None:
    monkeypatch.setattr(bot.fleet, "BEAT_S", 0.3)
    one, two = fleet(db, "one"), fleet(db, "two")
    await two.join()
    missed, asked = asyncio.Semaphore(0), asyncio.Event()
    one.on("missed", missed.release)
    words = Notices(url, one.hear, asked.set)
    await one.join()
    async with asyncio.TaskGroup() as group:
        tasks = [] if is_deaf else [group.create_task(words.run())]
        if not is_deaf:
            await asyncio.wait_for(asked.wait(), 5)
        one.words = Dropping() if is_deaf else words
        tasks.append(group.create_task(one.run()))
        if is_deaf:
            await asyncio.wait_for(missed.acquire(), 10)
            await asyncio.wait_for(missed.acquire(), 10)  # and again, as long as it is so
        else:
            await asyncio.sleep(1.5)
        assert (one.deaf, missed.locked()) == (is_deaf, True)
        for task in tasks:
            task.cancel()
