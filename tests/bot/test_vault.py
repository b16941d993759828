"""The vault: what opens, what does not, and what a crash in the middle of a rotation leaves."""

import json
import re
from dataclasses import fields, replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.core.errors import SettingsError
from bot.core.ids import TenantId
from bot.core.secret import Secret
from bot.keyring import Kek, Ring
from bot.vault import BLOCK, LOOKUP, MAX_AGE, MAX_USES, SecretUnreadable, Slot, Vault
from tests.bot.seeded import SeededClock
from tests.bot.vault_rows import Crash, Rows

ACME, OTHER = TenantId("ten_a"), TenantId("ten_b")
CANARY = "xoxb-canary-0123456789"


def slot(**changes) -> Slot:
    one = Slot(
        tenant=ACME, provider="slack", owner="T1", field="bot_token", row_id="c1", row_version=1
    )
    return replace(one, **changes)


def kek(letter: str) -> Kek:
    return Kek(id=f"kek_202611_{letter}", key=letter.encode() * 32)


async def vault(rows: Rows, *letters: str, clock: SeededClock | None = None) -> Vault:
    made = Vault(
        Ring(tuple(kek(letter) for letter in letters or "a")), rows, clock or SeededClock()
    )
    await made.start()
    return made


async def fill(made: Vault, rows: Rows, count: int = 5) -> None:
    for n in range(count):
        at = slot(row_id=f"c{n}")
        rows.values["slack", at.row_id] = (at, await made.seal(at, Secret(f"secret {n}")))


async def read_all(made: Vault, rows: Rows) -> list[str]:
    return [(await made.open(at, text)).reveal() for at, text in rows.values.values()]


def test_the_cipher_gives_the_published_vector():
    # NIST GCM test case 14: AES-256, all zero, one block.
    made = AESGCM(bytes(32)).encrypt(bytes(12), bytes(16), None)
    assert made.hex() == "cea7403d4d606b6e074ec5d3baf39d18" + "d0d1c8a799996bf0265b98b5d48ab919"


async def test_what_was_sealed_opens_in_its_own_place():
    rows = Rows()
    made = await vault(rows)
    sealed = await made.seal(slot(), Secret("žluťoučký 🐎"))
    assert re.fullmatch(r"v1\.dek_\w{26}\.[\w-]{16}\.[\w-]+", sealed)
    assert (await made.open(slot(), sealed)).reveal() == "žluťoučký 🐎"
    again = await vault(rows)
    assert (await again.open(slot(), sealed)).reveal() == "žluťoučký 🐎"


async def test_no_flipped_bit_opens_and_all_fail_alike():
    made = await vault(Rows())
    sealed = await made.seal(slot(), Secret("secret"))
    messages = set()
    for at, letter in enumerate(sealed):
        for bit in range(7):
            broken = sealed[:at] + chr(ord(letter) ^ (1 << bit)) + sealed[at + 1 :]
            with pytest.raises(SecretUnreadable) as caught:
                await made.open(slot(), broken)
            messages.add((caught.value.message, tuple(sorted(caught.value.ids))))
            assert caught.value.__cause__ is None
    assert len(messages) == 1


@pytest.mark.parametrize("broken", ["", "v1", "v1...", "v2.a.b.c", "v1.a.b.c.d", "x" * 100_000])
async def test_text_that_is_no_sealed_value_is_refused_with_the_same_error(broken):
    with pytest.raises(SecretUnreadable):
        await (await vault(Rows())).open(slot(), broken)


async def test_a_sealed_text_opens_in_no_other_place():
    made = await vault(Rows())
    places = [slot()] + [
        slot(**{name.name: 2 if name.name == "row_version" else "other"}) for name in fields(Slot)
    ]
    sealed = [await made.seal(place, Secret("secret")) for place in places]
    for here, place in enumerate(places):
        for there, text in enumerate(sealed):
            if here == there:
                assert (await made.open(place, text)).reveal() == "secret"
            else:
                with pytest.raises(SecretUnreadable):
                    await made.open(place, text)


async def test_parts_that_join_to_the_same_text_are_different_places():
    made = await vault(Rows())
    sealed = await made.seal(slot(provider="ab", owner="c"), Secret("secret"))
    with pytest.raises(SecretUnreadable):
        await made.open(slot(provider="a", owner="bc"), sealed)


async def test_a_key_row_moved_to_another_tenant_opens_nothing():
    rows = Rows()
    made = await vault(rows)
    sealed = await made.seal(slot(), Secret("secret"))
    moved = await rows.get(ACME)
    rows.deks[moved.id] = replace(moved, tenant=OTHER)
    later = await vault(rows)
    with pytest.raises(SecretUnreadable):
        await later.open(slot(tenant=OTHER), sealed)
    anew = await later.seal(slot(tenant=OTHER), Secret("for a key that nobody else knows"))
    assert anew.split(".")[1] != moved.id


async def test_no_nonce_comes_twice_in_a_hundred_thousand():
    await _count_nonces(100_000)


@pytest.mark.long
async def test_no_nonce_comes_twice_in_a_million():
    await _count_nonces(1_000_000)


async def _count_nonces(count: int) -> None:
    made, place, secret = await vault(Rows()), slot(), Secret("s")
    seen = {(await made.seal(place, secret)).split(".")[2] for _ in range(count)}
    assert len(seen) == count


async def test_uses_are_counted_ahead_and_a_worn_key_gives_way():
    rows = Rows()
    made = await vault(rows)
    for _ in range(BLOCK + 1):
        await made.seal(slot(), Secret("s"))
    first = await rows.get(ACME)
    assert first.uses == 2 * BLOCK
    rows.deks[first.id] = replace(first, uses=MAX_USES)
    fresh = await vault(rows)
    sealed = await fresh.seal(slot(), Secret("s"))
    assert sealed.split(".")[1] != first.id
    assert not rows.deks[first.id].active


async def test_a_key_of_ninety_days_gives_way():
    rows, clock = Rows(), SeededClock()
    made = await vault(rows, clock=clock)
    old = await made.seal(slot(), Secret("old"))
    clock.at += MAX_AGE - timedelta(seconds=1)
    assert (await made.seal(slot(), Secret("s"))).split(".")[1] == old.split(".")[1]
    clock.at += timedelta(minutes=2)
    assert (await made.seal(slot(), Secret("s"))).split(".")[1] != old.split(".")[1]
    assert (await made.open(slot(), old)).reveal() == "old"


async def test_another_process_takes_up_a_rotation_within_a_minute():
    rows, clock = Rows(), SeededClock()
    here, there = await vault(rows, clock=clock), await vault(rows, clock=clock)
    old = (await there.seal(slot(), Secret("s"))).split(".")[1]
    await here.rotate(ACME)
    clock.at += timedelta(seconds=61)
    assert (await there.seal(slot(), Secret("s"))).split(".")[1] != old


async def test_two_processes_make_one_first_key():
    rows = Rows()
    here, there = await vault(rows), await vault(rows, clock=SeededClock())
    await here.seal(slot(), Secret("s"))
    await there.seal(slot(), Secret("s"))
    assert sum(dek.tenant == ACME for dek in rows.deks.values()) == 1


async def test_a_new_master_key_wraps_and_the_old_one_still_opens():
    rows = Rows()
    await fill(await vault(rows, "a"), rows)
    both = await vault(rows, "b", "a")
    before = dict(rows.values)
    assert len(await read_all(both, rows)) == 5
    assert await both.rewrap() == len(rows.deks)
    assert await both.rewrap() == 0
    assert rows.values == before
    assert await both.kek_counts() == {"kek_202611_b": len(rows.deks)}
    assert len(await read_all(await vault(rows, "b"), rows)) == 5


async def _crashing(rows: Rows, fuse: int, late: bool, work) -> bool:
    """Run `work` until the fuse blows; False when it came to its end."""
    rows.fuse, rows.late = fuse, late
    try:
        await work()
    except Crash:
        return True
    finally:
        rows.fuse = -1
    return False


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
async def test_a_crash_at_any_step_of_re_wrapping_loses_nothing(late):
    for fuse in range(1, 50):
        rows = Rows()
        await fill(await vault(rows, "a"), rows)
        crashed = await _crashing(rows, fuse, late, (await vault(rows, "b", "a")).rewrap)
        again = await vault(rows, "b", "a")
        assert len(await read_all(again, rows)) == 5
        await again.rewrap()
        assert set(await again.kek_counts()) == {"kek_202611_b"}
        assert await read_all(again, rows) == [f"secret {n}" for n in range(5)]
        if not crashed:
            assert fuse > 3
            return
    pytest.fail("it never came to its end")


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
async def test_a_crash_at_any_step_of_a_data_key_rotation_loses_nothing(late):
    for fuse in range(1, 50):
        rows = Rows()
        made = await vault(rows)
        await fill(made, rows)
        old = (await rows.get(ACME)).id

        async def work(made=made, rows=rows):
            await made.rotate(ACME)
            await made.reseal(ACME, rows)

        crashed = await _crashing(rows, fuse, late, work)
        again = await vault(rows)
        assert await read_all(again, rows) == [f"secret {n}" for n in range(5)]
        if (await rows.get(ACME) or replace(rows.deks[old], id="")).id == old:
            await again.rotate(ACME)
        done = await again.reseal(ACME, rows)
        assert not done.unreadable
        assert await read_all(again, rows) == [f"secret {n}" for n in range(5)]
        active = (await rows.get(ACME)).id
        assert active != old
        assert {text.split(".")[1] for _, text in rows.values.values()} == {active}
        assert {at.row_version for at, _ in rows.values.values()} == {2}
        if not crashed:
            assert fuse > 7
            return
    pytest.fail("it never came to its end")


async def test_a_value_written_during_a_rotation_is_not_overwritten():
    rows = Rows()
    made = await vault(rows)
    await fill(made, rows, 1)
    await made.rotate(ACME)
    stale = dict(rows.values)
    newer = slot(row_id="c0", row_version=2)
    rows.values["slack", "c0"] = (newer, await made.seal(newer, Secret("newer")))

    class Stale(Rows):
        async def batch(self, tenant, after, limit):
            return [] if after else list(stale.values())

    late = Stale(values=rows.values)
    assert (await made.reseal(ACME, late)).done == 0
    assert await read_all(made, rows) == ["newer"]


async def test_a_value_that_no_key_opens_is_named_and_passed_over():
    rows = Rows()
    made = await vault(rows)
    await fill(made, rows, 3)
    at, text = rows.values["slack", "c1"]
    rows.values["slack", "c1"] = (at, text[:-4])
    await made.rotate(ACME)
    done = await made.reseal(ACME, rows)
    assert (done.done, done.unreadable) == (2, (at,))


async def test_a_wrong_master_key_refuses_before_anything_is_served():
    rows = Rows()
    await fill(await vault(rows, "a"), rows)
    with pytest.raises(SettingsError, match="kek_202611_a"):
        await vault(rows, "b")
    same_name = Ring((Kek(id="kek_202611_a", key=b"z" * 32),))
    with pytest.raises(SettingsError, match="not the one"):
        await Vault(same_name, rows, SeededClock()).start()


async def test_one_tenants_key_under_a_missing_master_key_is_enough_to_refuse():
    rows = Rows()
    await fill(await vault(rows, "a"), rows)
    left = await rows.get(ACME)
    await (await vault(rows, "b", "a")).rewrap()
    rows.deks[left.id] = left
    with pytest.raises(SettingsError, match="kek_202611_a"):
        await vault(rows, "b")


async def test_a_damaged_row_stops_nobody_else():
    rows = Rows()
    await fill(await vault(rows), rows)
    hurt = await rows.get(ACME)
    rows.deks[hurt.id] = replace(hurt, wrapped=hurt.wrapped[:-4])
    made = await vault(rows)
    kept = slot(tenant=OTHER)
    assert (await made.open(kept, await made.seal(kept, Secret("s")))).reveal() == "s"


async def test_a_tenant_whose_key_is_damaged_seals_by_a_new_one_and_loses_only_what_that_sealed():
    rows = Rows()
    await fill(await vault(rows), rows, 1)
    hurt = await rows.get(ACME)
    rows.deks[hurt.id] = replace(hurt, wrapped=hurt.wrapped[:-4])
    made = await vault(rows)
    (at, sealed), new = rows.values["slack", "c0"], slot(row_id="c0", row_version=2)
    with pytest.raises(SecretUnreadable):
        await made.open(at, sealed)
    assert (await made.open(new, await made.seal(new, Secret("again")))).reveal() == "again"
    assert (await made.reseal(ACME, rows)).unreadable == (at,)
    rows.deks[hurt.id] = replace(hurt, active=False)  # the row comes back from a backup
    assert (await made.open(at, sealed)).reveal() == "secret 0"


async def test_a_damaged_key_stands_in_no_new_master_keys_way():
    rows = Rows()
    await fill(await vault(rows), rows, 1)
    hurt = await rows.get(ACME)
    rows.deks[hurt.id] = replace(hurt, wrapped=hurt.wrapped[:-4])
    made = await vault(rows, "b", "a")
    assert await made.rewrap() == 2
    assert await made.kek_counts() == {"kek_202611_a": 1, "kek_202611_b": 2}


async def test_a_damaged_key_of_the_house_is_not_put_down_to_the_master_key():
    rows = Rows()
    await fill(await vault(rows), rows, 1)
    hurt = await rows.get(LOOKUP)
    rows.deks[hurt.id] = replace(hurt, wrapped=hurt.wrapped[:-4])
    with pytest.raises(SettingsError, match=f"The data key {hurt.id} is damaged.*backup"):
        await vault(rows)


async def test_a_deleted_tenant_is_unreadable_in_every_copy():
    rows = Rows()
    made = await vault(rows)
    sealed = await made.seal(slot(), Secret("secret"))
    kept = await made.seal(slot(tenant=OTHER), Secret("kept"))
    await made.shred(ACME)
    for each in (made, await vault(rows)):
        with pytest.raises(SecretUnreadable):
            await each.open(slot(), sealed)
        assert (await each.open(slot(tenant=OTHER), kept)).reveal() == "kept"


async def test_nothing_readable_is_in_the_rows_or_in_any_text_of_the_vault():
    rows = Rows()
    made = await vault(rows)
    await fill(made, rows)
    sealed = await made.seal(slot(), Secret(CANARY))
    shown = json.dumps([sealed, repr(rows), repr(made), repr(kek("a")), str(made._ring)])
    assert CANARY not in shown
    assert "aaaaaaaa" not in shown


async def test_look_up_hashes_stay_over_a_change_of_keys_and_differ_by_purpose():
    rows = Rows()
    first = await vault(rows, "a")
    hashed = first.lookup("token", "abc")
    both = await vault(rows, "b", "a")
    await both.rewrap()
    second = await vault(rows, "b")
    assert second.lookup("token", "abc") == hashed
    assert len({hashed, second.lookup("pairing", "abc"), second.lookup("token", "abd")}) == 3
    assert second.audit_key(ACME) == first.audit_key(ACME)
    assert len({second.audit_key(ACME), second.audit_key(OTHER), bytes.fromhex(hashed)}) == 3
    assert (await vault(Rows(), "a", clock=SeededClock(8))).lookup("token", "abc") != hashed
