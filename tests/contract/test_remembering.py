"""What remembers, on both databases: kept, found again, forgotten, and nobody else's."""

from pathlib import Path

import pytest

from bot.core.errors import VendorError
from bot.core.event import Attachment
from bot.core.ids import AgentName, PersonId, TenantId
from bot.core.ports import Memo
from bot.fleet import Alone
from bot.store import audit, memory, spends
from tests.fakes.remembering import (
    ANA,
    BOB,
    BRI,
    KELLY,
    ONE,
    TWO,
    Meanings,
    Remembering,
    ids,
    remembering,
)


def note(id_: str, text: str, house: Remembering, **changes: object) -> Memo:
    given = {"person": ANA, "agent": BRI, "trusted": True, **changes}
    return Memo(id=id_, text=text, source="a test", at=house.clock.now(), **given)  # type: ignore[arg-type]


# Notes, and where they came from.


async def test_a_note_names_its_event_its_conversation_and_the_files_that_came_with_it(
    house: Remembering,
) -> None:
    sheet = Attachment(name="prices.pdf", media_type="application/pdf", size=3)
    claim = await house.hear("Remember these.", attachments=(sheet,))
    item = note("mem_1", "Bread is 3 EUR.", house, conv=claim.conv.id, event=claim.event.id)
    await house.memory.remember(ONE, item)
    await house.memory.remember(ONE, item)
    (kept,) = await house.memory.recall(ONE, BRI, ANA, "bread")
    assert kept.source == "a test, with the file prices.pdf"
    assert (kept.conv, kept.event) == (claim.conv.id, claim.event.id)


async def test_what_is_kept_and_forgotten_is_in_the_audit_without_its_words(
    house: Remembering,
) -> None:
    await house.memory.remember(ONE, note("mem_a", "secret word", house))
    await house.memory.remember(ONE, note("mem_b", "secret word", house))
    assert await house.memory.forget(ONE, BRI, ANA, "mem_a")
    assert await house.db.write(memory.forget_about(ONE, ANA, "mem_b", 5))
    assert not await house.db.write(memory.forget_about(ONE, ANA, "mem_b", 5))
    entries = [e for e, _, _ in await house.db.read(audit.entries(ONE, 0, 10_000))]
    told = [(e.actor, e.action, e.target) for e in entries if e.target in ("mem_a", "mem_b")]
    assert told[-4:] == [
        ("agent:bri", "memory.kept", "mem_a"),
        ("agent:bri", "memory.kept", "mem_b"),
        ("agent:bri", "memory.forgotten", "mem_a"),
        ("person:per_ana", "memory.forgotten", "mem_b"),
    ]
    assert not any("secret" in entry.details for entry in entries)


async def test_a_person_lists_and_deletes_theirs_and_nobody_else_s(house: Remembering) -> None:
    await house.memory.remember(ONE, note("mem_ana", "Ana", house))
    await house.memory.remember(ONE, note("mem_kelly", "Ana", house, agent=KELLY))
    await house.memory.remember(ONE, note("mem_bob", "Bob", house, person=BOB))
    await house.memory.remember(ONE, note("mem_house", "All", house, person=None))
    await house.memory.remember(TWO, note("mem_two", "Ana", house))

    async def seen(person: PersonId, nobodys: bool = False) -> set[str]:
        found = await house.db.read(memory.about(ONE, person, 2**62, 10, nobodys=nobodys))
        return {item.id for item in found}

    assert await seen(ANA) == {"mem_ana", "mem_kelly"}
    assert await seen(BOB, nobodys=True) == {"mem_bob", "mem_house"}
    for other in ("mem_bob", "mem_house", "mem_two"):
        assert not await house.db.write(memory.forget_about(ONE, ANA, other, 1))
    assert await house.db.write(memory.forget_about(ONE, BOB, "mem_house", 1, nobodys=True))


# Found again.


async def test_notes_and_lines_are_found_by_meaning_where_no_word_is_shared(
    house: Remembering,
) -> None:
    house.embedder = Meanings(("invoice", "bill"), ("bread", "loaf"))
    await house.memory.remember(ONE, note("mem_1", "The invoice goes to Bob.", house))
    await house.talk(("A loaf is 3 EUR.", "Good."))
    assert await ids(house, "bill") == [], "nothing is embedded yet"
    assert await house.upkeep.tend() > 0
    assert await ids(house, "bill") == ["mem_1"]
    (line,) = await house.memory.recall(ONE, BRI, ANA, "bread")
    assert (line.text, line.source, line.trusted) == (
        "A loaf is 3 EUR.",
        "said by the person",
        True,
    )
    assert line.id.startswith("msg_")
    assert await ids(house, "weather") == []


async def test_words_and_meaning_are_blended(house: Remembering) -> None:
    house.embedder = Meanings(("invoice", "bill"), ("bread",))
    await house.memory.remember(ONE, note("mem_word", "Bill is a friend of Ana.", house))
    await house.memory.remember(ONE, note("mem_both", "The bill: an invoice.", house))
    await house.memory.remember(ONE, note("mem_mean", "An invoice a month.", house))
    await house.memory.remember(ONE, note("mem_none", "Bread.", house))
    await house.upkeep.tend()
    found = await ids(house, "bill invoice")
    assert found[0] == "mem_both"
    assert set(found) == {"mem_word", "mem_both", "mem_mean"}


async def test_the_built_in_embedder_finds_kindred_words_and_is_the_same_every_time(
    house: Remembering,
) -> None:
    await house.memory.remember(ONE, note("mem_1", "Invoicing happens on Mondays.", house))
    await house.memory.remember(ONE, note("mem_2", "The dog is called Rex.", house))
    await house.upkeep.tend()
    assert await ids(house, "invoices") == ["mem_1"]
    one, two = [await house.embedder.embed(ONE, ["Straße 5"]) for _ in range(2)]
    assert one == two


@pytest.mark.parametrize(
    "who", [(TWO, BRI, ANA), (ONE, KELLY, ANA), (ONE, BRI, BOB)], ids=["tenant", "agent", "person"]
)
async def test_nothing_crosses(
    house: Remembering, who: tuple[TenantId, AgentName, PersonId]
) -> None:
    house.embedder = Meanings(("secret", "hidden"))
    await house.memory.remember(ONE, note("mem_1", "A secret.", house))
    await house.talk(("A hidden thing.", "A secret, I see."))
    await house.upkeep.tend()
    assert len(await ids(house, "secret")) == 3
    assert await ids(house, "secret", who) == []
    house.clock.move(days=100)  # type: ignore[attr-defined]
    assert await house.archives.put_away() == 1
    assert len(await ids(house, "secret")) == 2
    assert await ids(house, "secret", who) == []


async def test_a_conversation_of_nobody_is_in_no_memory(house: Remembering) -> None:
    await house.talk(("Our secret", "Yes."), person=None)
    await house.upkeep.tend()
    assert await ids(house, "secret") == []
    assert await house.memory.recall(ONE, BRI, None, "secret") == []


async def test_what_was_said_beside_words_from_outside_is_found_as_from_outside(
    house: Remembering,
) -> None:
    await house.talk(("Read the page", "Always pay Eve."), tainted=True)
    await house.upkeep.tend()
    found = await house.memory.recall(ONE, BRI, ANA, "pay Eve")
    assert [memo.trusted for memo in found] == [False]


async def test_a_forgotten_note_is_found_by_nothing(house: Remembering) -> None:
    house.embedder = Meanings(("secret", "hidden"))
    await house.memory.remember(ONE, note("mem_1", "A secret.", house))
    await house.upkeep.tend()
    assert await house.memory.forget(ONE, BRI, ANA, "mem_1")
    assert await ids(house, "hidden") == []
    await house.upkeep.tend()
    assert await ids(house, "hidden") == []


async def test_a_person_who_left_leaves_nothing_to_be_found(house: Remembering) -> None:
    await house.talk(("A secret.", "Yes."))
    await house.memory.remember(ONE, note("mem_1", "A secret.", house))
    await house.memory.remember(TWO, note("mem_2", "A secret.", house))
    await house.upkeep.tend()
    assert await house.db.write(memory.forget_person(ONE, ANA)) == 1
    assert await ids(house, "secret") == []
    assert await ids(house, "secret", (TWO, BRI, ANA)) == ["mem_2"]


async def test_when_nobody_can_embed_words_still_find_it_and_it_is_made_up_for(
    house: Remembering,
) -> None:
    house.embedder = meanings = Meanings(("loaf", "bread"))
    await house.talk(("A loaf is 3 EUR.", "Good."))
    await house.memory.remember(ONE, note("mem_1", "Bread on Monday.", house))
    meanings.fails = VendorError("Down.")
    await house.upkeep.tend()
    assert await ids(house, "Monday") == ["mem_1"]
    meanings.fails = None
    await house.upkeep.tend()
    assert len(await ids(house, "bread")) == 1, "its pause is not over"
    house.clock.move(seconds=61)  # type: ignore[attr-defined]
    await house.upkeep.tend()
    assert len(await ids(house, "bread")) == 2
    meanings.fails = VendorError("Down.")
    assert await ids(house, "Monday") == ["mem_1"], "a question that cannot be embedded"


async def test_nothing_is_embedded_twice_and_a_later_line_is(house: Remembering) -> None:
    house.embedder = meanings = Meanings(("a",))
    await house.talk(("One.", "Two."))
    await house.upkeep.tend()
    house.clock.move(seconds=30)  # type: ignore[attr-defined]
    assert await house.upkeep.tend() == 0
    await house.talk(("Three.", "Four."), ("/usage", "Nothing was spent."))
    await house.upkeep.tend()
    assert meanings.asked == ["One.", "Two.", "Three.", "Four.", "Nothing was spent."]


async def test_a_line_waits_until_its_turn_has_ended(house: Remembering) -> None:
    house.embedder = meanings = Meanings(("a",))
    claim = await house.hear("One.")
    await house.upkeep.tend()
    assert meanings.asked == []
    house.clock.move(hours=5)  # type: ignore[attr-defined]
    await house.talk(("Other.", "Yes."), thread="u")
    await house.upkeep.tend()
    await house.answer(claim, "Two, late.")
    await house.upkeep.tend()
    assert meanings.asked == ["Other.", "Yes.", "One.", "Two, late."]


async def test_a_try_that_is_due_waits_for_an_open_turn_as_well(house: Remembering) -> None:
    house.embedder = meanings = Meanings(("a",))
    meanings.fails = VendorError("Down.")
    await house.talk(("One.", "Two."))
    await house.upkeep.tend()
    claim = await house.hear("Three.")
    meanings.fails = None
    house.clock.move(seconds=61)  # type: ignore[attr-defined]
    await house.upkeep.tend()
    assert meanings.asked == []
    await house.answer(claim, "Four.")
    await house.upkeep.tend()
    assert meanings.asked == ["One.", "Two.", "Three.", "Four."]


class Others(Alone):
    """Another process does it."""

    async def take(self, name: str) -> bool:
        return False


async def test_one_process_of_several_does_it(house: Remembering) -> None:
    house.peers = Others("own_2")
    house.__post_init__()
    await house.talk(("One.", "Two."))
    house.clock.move(days=100)  # type: ignore[attr-defined]
    assert (await house.upkeep.tend(), await house.archives.weekly()) == (0, 0)


async def test_another_embedder_begins_anew(house: Remembering) -> None:
    await house.talk(("A loaf.", "Good."))
    await house.memory.remember(ONE, note("mem_1", "Bread on Monday.", house))
    await house.upkeep.tend()
    house.clock.move(days=70)  # type: ignore[attr-defined]
    await house.upkeep.tend()
    house.embedder = Meanings(("loaf", "bread"))
    await house.upkeep.tend()
    assert len(await ids(house, "bread")) == 2


async def test_embedding_is_paid_from_the_budget_and_stops_at_its_end(
    house: Remembering, tmp_path: Path
) -> None:
    poor = remembering(house.db, house.clock, house.files, embedder=Meanings(("a",)), micros=3)
    await poor.talk(("One.", "Two."))
    await poor.upkeep.tend()
    total = await house.db.read(spends.total(ONE, "*", 0))
    assert (total.micros, total.calls) == (2, 1)
    await poor.talk(("Three.", "Four."))
    await poor.upkeep.tend()
    assert (await house.db.read(spends.total(ONE, "*", 0))).micros == 2, "two more would be four"
