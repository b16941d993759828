"""What grows old, on both databases: summed up and put away, and nothing lost on the way."""

from pathlib import Path

import pytest
from sqlalchemy import bindparam, update

from agents.runtime.summary import EXTRACT
from bot.core.errors import Conflict, NotFound, StoreError
from bot.core.ids import PersonId
from bot.core.people import Person, Role
from bot.core.ports import Memo
from bot.store import archives as archive_rows
from bot.store import spends, summaries
from bot.store.conversations import history
from bot.store.script import Ask, Script, Statement, restartable
from bot.store.tables import message
from tests.fakes.model import last_words
from tests.fakes.remembering import (
    ANA,
    BOB,
    BRI,
    ONE,
    TWO,
    Dead,
    Dying,
    Remembering,
    ids,
)

_REWORD = Statement(
    update(message)
    .where(message.c.tenant == bindparam("tenant"), message.c.conv == bindparam("conv"))
    .values(text="Reworded.")
)
LONG = [(f"Question number {n}, please.", f"Answer number {n}. And more.") for n in range(40)]


def note(id_: str, text: str, house: Remembering, **changes: object) -> Memo:
    given = {"person": ANA, "agent": BRI, "trusted": True, **changes}
    return Memo(id=id_, text=text, source="a test", at=house.clock.now(), **given)  # type: ignore[arg-type]


# Summed up.


async def test_a_long_conversation_is_summed_up_once_and_says_which_lines(
    house: Remembering,
) -> None:
    conv = await house.talk(*LONG)
    await house.upkeep.tend()
    await house.upkeep.tend()
    made = await house.db.read(summaries.latest(ONE, conv, 2**62))
    assert made and (made.first, made.last, made.model) == (1, 60, "scripted")
    assert made.text == "In short: they talked."
    assert not made.tainted
    assert len(house.model.asked) == 1
    assert "person: Question number 29, please." in last_words(house.model.asked[0])
    assert "Question number 30" not in last_words(house.model.asked[0])
    assert (await house.db.read(spends.total(ONE, ANA, 0))).micros == 10
    assert len(await ids(house, "Question number 3")) == 8, "word by word it is still found"


async def test_the_next_summary_takes_the_one_before_into_it(house: Remembering) -> None:
    conv = await house.talk(*LONG)
    await house.upkeep.tend()
    await house.talk(*LONG)
    await house.upkeep.tend()
    made = await house.db.read(summaries.latest(ONE, conv, 2**62))
    assert made and (made.first, made.last) == (1, 140)
    assert "summed up:\nIn short: they talked." in last_words(house.model.asked[1])


async def test_a_summary_of_words_from_outside_is_one_itself(house: Remembering) -> None:
    conv = await house.talk(*LONG, tainted=True)
    await house.upkeep.tend()
    made = await house.db.read(summaries.latest(ONE, conv, 2**62))
    assert made and made.tainted
    assert last_words(house.model.asked[0]).startswith('<outside source="conversation">')


async def test_the_offline_model_s_summary_is_taken_from_the_lines(house: Remembering) -> None:
    house.offline = True
    house.__post_init__()
    conv = await house.talk(*LONG)
    await house.upkeep.tend()
    made = await house.db.read(summaries.latest(ONE, conv, 2**62))
    assert made and (made.model, made.last) == (EXTRACT, 60)
    assert made.text.splitlines()[1] == "- bri: Answer number 0."
    assert house.model.asked == []


async def test_a_crash_between_the_answer_and_the_commit_leaves_one_summary(
    house: Remembering,
) -> None:
    conv = await house.talk(*LONG)
    dying = Dying(house.db, after=0)
    with pytest.raises(Dead):
        await house.on(dying).summaries.tend(ONE, conv)
    assert await house.db.read(summaries.latest(ONE, conv, 2**62)) is None
    await house.upkeep.tend()
    made = await house.db.read(summaries.latest(ONE, conv, 2**62))
    assert made
    assert (await house.db.read(spends.total(ONE, "*", 0))).calls == 1
    where = await house.db.read(summaries.uncovered(ONE, conv, 1))
    assert where
    again = await house.db.write(summaries.write(where.conv, made, None))
    assert not again, "a second one for the same lines changes nothing"


async def test_a_crash_at_any_write_of_upkeep_loses_nothing(house: Remembering) -> None:
    conv = await house.talk(*LONG)
    await house.memory.remember(ONE, note("mem_1", "Kept.", house))
    deaths = 0
    for after in range(20):
        dying = Dying(house.db, after=after % 3)
        try:
            await house.on(dying).upkeep.tend()
        except Dead:
            deaths += 1
    assert deaths >= 2
    house.clock.move(seconds=61)  # type: ignore[attr-defined]
    await house.upkeep.tend()
    assert await house.db.read(summaries.latest(ONE, conv, 2**62))
    assert "mem_1" in await ids(house, "kept")
    assert len(await ids(house, "question")) == 8


# Put away.


def owner(house: Remembering, person: PersonId = ANA, role: Role = Role.MEMBER) -> Person:
    return Person(id=person, tenant=ONE, name="x", role=role, created_at=house.clock.now())


async def lines_of(house: Remembering, conv: str) -> list[str]:
    return [line.text for line in await house.db.read(history(ONE, conv, 2**30, 1000))]


async def put_away(house: Remembering) -> tuple[str, archive_rows.Archive]:
    conv = await house.talk(("Where is the loaf?", "On the shelf."), ("Thanks!", "Gladly."))
    house.clock.move(days=91)  # type: ignore[attr-defined]
    assert await house.archives.weekly() == 1
    (made,) = await house.db.read(archive_rows.listed(ONE, ANA, 2**62, 10))
    return conv, made


async def test_an_old_conversation_is_put_away_found_and_brought_back_as_it_was(
    house: Remembering,
) -> None:
    before = await house.talk(("Where is the loaf?", "On the shelf."), ("Thanks!", "Gladly."))
    young = await house.talk(("New", "Yes"), thread="young")
    whole = await house.db.read(archive_rows.read(ONE, before, 100))
    house.clock.move(days=89)  # type: ignore[attr-defined]
    await house.talk(("Still here", "Yes"), thread="young")
    house.clock.move(days=2)  # type: ignore[attr-defined]
    assert await house.archives.weekly() == 1
    assert await lines_of(house, before) == []
    assert len(await lines_of(house, young)) == 4
    (found,) = await house.memory.recall(ONE, BRI, ANA, "loaf")
    assert found.id.startswith("arc_")
    assert "- person: Where is the loaf?" in found.text
    await house.archives.restore(owner(house), found.id)
    assert await house.db.read(archive_rows.read(ONE, before, 100)) == whole
    with pytest.raises(Conflict):
        await house.archives.restore(owner(house), found.id)
    await house.upkeep.tend()
    (line,) = await house.memory.recall(ONE, BRI, ANA, "loaf")
    assert line.text == "Where is the loaf?"
    house.clock.move(days=8)  # type: ignore[attr-defined]
    assert await house.archives.weekly() == 0, "what was asked for stays a while"


async def test_it_is_done_once_a_week(house: Remembering) -> None:
    await put_away(house)
    await house.talk(("Old", "Yes"), thread="u")
    house.clock.move(days=6)  # type: ignore[attr-defined]
    assert await house.archives.weekly() == 0
    house.clock.move(days=91)  # type: ignore[attr-defined]
    assert await house.archives.weekly() == 1


async def test_whoever_goes_on_with_it_still_knows_what_it_was_about(house: Remembering) -> None:
    conv, made = await put_away(house)
    summed = await house.db.read(summaries.latest(ONE, conv, 2**62))
    assert summed and (summed.first, summed.last, summed.model) == (1, 4, EXTRACT)
    await house.talk(("And now?", "Still there."))
    house.clock.move(days=91)  # type: ignore[attr-defined]
    assert await house.archives.weekly() == 1
    (later, _) = await house.db.read(archive_rows.listed(ONE, ANA, 2**62, 10))
    assert (later.first, later.last) == (5, 6)
    for item in (later, made):
        await house.archives.restore(owner(house), item.id)
    assert len(await lines_of(house, conv)) == 6


async def test_only_whoever_may_read_it_brings_it_back(house: Remembering) -> None:
    _, made = await put_away(house)
    with pytest.raises(NotFound):
        await house.archives.restore(owner(house, BOB), made.id)
    stranger = Person(id=ANA, tenant=TWO, name="x", role=Role.OWNER, created_at=house.clock.now())
    with pytest.raises(NotFound):
        await house.archives.restore(stranger, made.id)
    await house.archives.restore(owner(house, BOB, Role.OWNER), made.id)


@pytest.mark.parametrize("after", [0, 1])
async def test_a_crash_while_it_is_put_away_loses_nothing_and_doubles_nothing(
    house: Remembering, after: int
) -> None:
    conv = await house.talk(("Where is the loaf?", "On the shelf."))
    house.clock.move(days=91)  # type: ignore[attr-defined]
    with pytest.raises(Dead):
        await house.on(Dying(house.db, after=after)).archives.weekly()
    made = await house.db.read(archive_rows.listed(ONE, "*", 2**62, 10))
    assert len(await lines_of(house, conv)) + 2 * len(made) == 2, "in exactly one of the places"
    await house.archives.weekly()
    (made_,) = await house.db.read(archive_rows.listed(ONE, "*", 2**62, 10))
    await house.archives.restore(owner(house), made_.id)
    assert await lines_of(house, conv) == ["Where is the loaf?", "On the shelf."]


async def test_lines_that_change_while_they_are_put_away_stay(house: Remembering) -> None:
    conv = await house.talk(("Where is the loaf?", "On the shelf."))
    house.clock.move(days=91)  # type: ignore[attr-defined]

    async def say_more() -> None:
        await house.talk(("Wait!", "Yes?"))

    busy = Dying(house.db, after=9, before_write=say_more)
    assert await house.on(busy).archives.put_away() == 0
    assert len(await lines_of(house, conv)) == 4


async def test_a_line_that_was_reworded_while_it_was_put_away_stays(house: Remembering) -> None:
    conv = await house.talk(("Where is the loaf?", "On the shelf."))
    house.clock.move(days=91)  # type: ignore[attr-defined]

    @restartable
    def reword() -> Script[None]:
        yield Ask(_REWORD, {"tenant": ONE, "conv": conv})

    async def change() -> None:
        await house.db.write(reword())

    busy = Dying(house.db, after=9, before_write=change)
    assert await house.on(busy).archives.put_away() == 0
    assert await lines_of(house, conv) == ["Reworded.", "Reworded."]


async def test_a_damaged_file_is_told_and_changes_nothing(
    house: Remembering, tmp_path: Path
) -> None:
    conv, made = await put_away(house)
    (file,) = (tmp_path / "files" / "tenants" / ONE).iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:-9])
    with pytest.raises(StoreError, match="other bytes"):
        await house.archives.restore(owner(house), made.id)
    assert await lines_of(house, conv) == []
    file.write_bytes(whole)
    await house.archives.restore(owner(house), made.id)


async def test_the_file_of_an_archive_cannot_be_deleted_before_its_lines_are_back(
    house: Remembering,
) -> None:
    _, made = await put_away(house)
    files = house.archives.files
    with pytest.raises(Conflict, match="archived conversation"):
        await files.delete(owner(house), made.file)
    await house.archives.restore(owner(house), made.id)
    await files.delete(owner(house), made.file)
