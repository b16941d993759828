"""Notes in the database: found by their words, and never by another owner."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from agents.runtime import memory as module
from agents.runtime.finding import ranked
from agents.runtime.memory import StoredMemory
from bot.core.errors import LimitReached
from bot.core.ids import AgentName, PersonId, TenantId
from bot.core.ports import Memo
from bot.store.sqlite import SqliteDatabase
from tests.fakes.clock import StillClock
from tests.fakes.database import lay
from tests.fakes.files import local_files
from tests.fakes.remembering import remembering

ONE, TWO = TenantId("ten_1"), TenantId("ten_2")
BRI, KELLY = AgentName("bri"), AgentName("kelly")
ANA, BOB = PersonId("per_ana"), PersonId("per_bob")


@pytest.fixture
async def memory(tmp_path: Path) -> AsyncIterator[StoredMemory]:
    """An empty memory."""
    path = tmp_path / "house.db"
    lay(path)
    db = SqliteDatabase(path)
    await db.open()
    clock = StillClock()
    yield remembering(db, clock, local_files(db, clock, tmp_path / "files")).memory
    await db.close()


def memo(id_: str, text: str, person: PersonId | None = ANA, trusted: bool = True) -> Memo:
    """A note of Bri's; a later id is a later note."""
    at = StillClock().at + timedelta(seconds=len(id_))
    return Memo(
        id=id_, text=text, source="a test", trusted=trusted, person=person, agent=BRI, at=at
    )


async def found(memory: StoredMemory, query: str) -> list[str]:
    """The ids of what Bri finds about Ana."""
    return [item.id for item in await memory.recall(ONE, BRI, ANA, query)]


async def test_a_note_comes_back_as_it_was(memory: StoredMemory) -> None:
    kept = memo("m", "Ana wants no hashtags.", trusted=False)
    await memory.remember(ONE, kept)
    assert await memory.recall(ONE, BRI, ANA, "hashtags") == [kept]


async def test_the_same_note_twice_is_one(memory: StoredMemory) -> None:
    await memory.remember(ONE, memo("m", "first"))
    await memory.remember(ONE, memo("m", "second"))
    (kept,) = await memory.recall(ONE, BRI, ANA, "")
    assert kept.text == "first"


async def test_notes_are_found_by_words_the_rarer_the_better(memory: StoredMemory) -> None:
    await memory.remember(ONE, memo("m", "Invoices go to Bob, posts to nobody."))
    await memory.remember(ONE, memo("mm", "Posts are short."))
    await memory.remember(ONE, memo("mmm", "Posts have no hashtags."))
    assert await found(memory, "INVOICE for posts") == ["m", "mmm", "mm"]
    assert await found(memory, "weather") == []
    assert await found(memory, "") == ["mmm", "mm", "m"], "the newest first"
    assert await found(memory, "?!") == ["mmm", "mm", "m"]


@pytest.mark.parametrize(
    ("tenant", "agent", "person"),
    [(TWO, BRI, ANA), (ONE, KELLY, ANA), (ONE, BRI, BOB), (ONE, BRI, None)],
    ids=["another tenant", "another agent", "another person", "nobody"],
)
async def test_nothing_crosses(
    memory: StoredMemory, tenant: TenantId, agent: AgentName, person: PersonId | None
) -> None:
    await memory.remember(ONE, memo("m", "Ana's secret"))
    assert await memory.recall(tenant, agent, person, "secret") == []
    assert not await memory.forget(tenant, agent, person, "m")
    assert await found(memory, "secret") == ["m"]


async def test_the_same_id_in_two_tenants_is_two_notes(memory: StoredMemory) -> None:
    await memory.remember(ONE, memo("m", "one"))
    await memory.remember(TWO, memo("m", "two"))
    assert (await memory.recall(TWO, BRI, ANA, ""))[0].text == "two"


async def test_a_note_about_nobody_is_kept_apart(memory: StoredMemory) -> None:
    await memory.remember(ONE, memo("m", "The house", person=None))
    assert await found(memory, "") == []
    (kept,) = await memory.recall(ONE, BRI, None, "")
    assert kept.person is None


async def test_forgetting_is_for_good_and_once(memory: StoredMemory) -> None:
    await memory.remember(ONE, memo("m", "Ana"))
    assert await memory.forget(ONE, BRI, ANA, "m")
    assert not await memory.forget(ONE, BRI, ANA, "m")
    assert await found(memory, "") == []


async def test_there_is_a_limit_and_a_flood_does_not_crowd_out_the_trusted(
    memory: StoredMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_MEMOS", 40)  # 500 would only take longer
    await memory.remember(ONE, memo("m", "rye"))
    for n in range(39):
        await memory.remember(ONE, memo(f"mm{n}", "rye rye", trusted=False))
    with pytest.raises(LimitReached, match="Forget some"):
        await memory.remember(ONE, memo("more", "rye"))
    listed = await memory.recall(ONE, BRI, ANA, "rye")
    assert [item.id for item in listed if item.trusted] == ["m"]
    assert len(listed) == 21


def test_ranking_looks_at_words_and_not_at_parts_of_them() -> None:
    notes = [memo("m", "ryegrass"), memo("mm", "baking rye")]
    assert [item.id for item in ranked(notes, "bake rye")] == ["mm"]
