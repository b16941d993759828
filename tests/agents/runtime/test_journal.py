"""The journal: a step that was done is not done again, and another way is never guessed over."""

import pytest

from agents.runtime.journal import Journal
from bot.core.conversation import Claim
from bot.core.errors import Diverged, StoreError
from bot.store import inbox, turns
from bot.store import journal as journal_rows
from tests.fakes.database import Disk, InlineDatabase
from tests.fakes.switchboard import Switchboard, image
from tests.sim.loop import virtual


async def claimed(db: InlineDatabase) -> Claim:
    """A turn that is ours."""
    event = Switchboard().event("hello")
    got = await db.write(inbox.ingest(event, ("cnv_1", "msg_1"), 1))
    claim = await db.write(turns.take("me", event.tenant, got.conv.id, 1))
    assert claim
    return claim


async def again(db: InlineDatabase, claim: Claim) -> Claim:
    """The same turn, taken up after a crash."""
    await db.write(turns.boot(2))
    taken = await db.write(turns.take("another", claim.event.tenant, claim.conv.id, 3))
    assert taken
    return taken


def answering(value):
    """Work that counts how often it is done."""

    async def work():
        work.times += 1
        return value

    work.times = 0
    return work


@virtual
async def test_a_step_is_done_once_and_its_result_is_there_after_a_crash():
    db = InlineDatabase(Disk(image()))
    claim = await claimed(db)
    house = Switchboard()
    journal = Journal(db, house.clock, claim)
    work = answering({"text": "ü", "n": [1, None]})
    assert await journal.step("tool", "given", work) == {"text": "ü", "n": [1, None]}
    assert journal.at == 1
    taken = await again(db, claim)
    assert taken.attempt == 1
    replayed = Journal(db, house.clock, taken)
    assert await replayed.step("tool", "given", work) == {"text": "ü", "n": [1, None]}
    assert work.times == 1
    assert await replayed.step("tool", "more", work)
    assert work.times == 2


@pytest.mark.parametrize(("kind", "given"), [("tool", "other"), ("model", "given")])
@virtual
async def test_another_step_at_the_same_place_is_a_divergence(kind: str, given: str):
    db = InlineDatabase(Disk(image()))
    claim = await claimed(db)
    clock = Switchboard().clock
    await Journal(db, clock, claim).step("tool", "given", answering(1))
    work = answering(2)
    with pytest.raises(Diverged):
        await Journal(db, clock, await again(db, claim)).step(kind, given, work)
    assert work.times == 0


@virtual
async def test_a_step_of_an_overtaken_turn_is_not_kept():
    db = InlineDatabase(Disk(image()))
    claim = await claimed(db)
    clock = Switchboard().clock
    await again(db, claim)
    await Journal(db, clock, claim).step("tool", "given", answering(1))
    assert await db.read(journal_rows.steps_of(claim.event.tenant, claim.event.id)) == []


@virtual
async def test_work_that_fails_leaves_no_step():
    db = InlineDatabase(Disk(image()))
    claim = await claimed(db)

    async def broken():
        raise RuntimeError

    journal = Journal(db, Switchboard().clock, claim)
    with pytest.raises(RuntimeError):
        await journal.step("tool", "given", broken)
    assert await db.read(journal_rows.steps_of(claim.event.tenant, claim.event.id)) == []
    assert (journal.at, journal.kept) == (1, 0)


@virtual
async def test_nothing_leaves_before_the_steps_that_led_to_it_are_kept():
    db = InlineDatabase(Disk(image()))
    claim = await claimed(db)
    journal = Journal(db, Switchboard().clock, claim)
    await journal.step("prompt", "a", answering(1))
    await db.write(journal_rows.hold(claim, 1))
    with pytest.raises(StoreError, match="did not reach the disk"):
        await db.write(journal_rows.hold(claim, 2))


@virtual
async def test_the_steps_of_a_turn_are_read_by_its_own_tenant_alone():
    db = InlineDatabase(Disk(image()))
    claim = await claimed(db)
    await Journal(db, Switchboard().clock, claim).step("tool", "given", answering(1))
    assert len(await db.read(journal_rows.steps_of("ten_home", claim.event.id))) == 1
    assert await db.read(journal_rows.steps_of("ten_away", claim.event.id)) == []


@virtual
async def test_a_turn_that_starts_over_has_no_steps():
    db = InlineDatabase(Disk(image()))
    claim = await claimed(db)
    await Journal(db, Switchboard().clock, claim).step("tool", "given", answering(1))
    await db.write(journal_rows.start_over(claim))
    taken = await again(db, claim)
    assert taken.journal == {}
