"""Copies of cards when a platform fails: each is shown in the end, and none keeps others waiting."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from bot.core.channel import Outbound, Receipt
from bot.core.effect import EffectKind, Policy
from bot.core.errors import BotError, VendorRefused, VendorUnknown
from bot.core.event import Kind, Place
from bot.core.ids import conv_key
from bot.platforms import cards as module
from bot.platforms.texting import OptedOut
from bot.store import heard, people
from tests.bot.test_platforms import ON_CHAT, Platform, asks
from tests.fakes.model import ScriptedModel
from tests.fakes.switchboard import ANA, AWAY, EVE, OLGA, Switchboard
from tests.sim.loop import virtual

IN_A_WHILE_S = 1_000
DAY_S = 24 * 3600


class Moody(Platform):
    """One that does with cards as it is told."""

    mood: Callable[[Outbound], Awaitable[None]] | None = None
    tries: int = 0

    async def send(self, message: Outbound) -> Receipt:
        if message.kind is EffectKind.CARD:
            self.tries += 1
            if self.mood:
                await self.mood(message)
        return await super().send(message)


def moody(name: str = "chat") -> Moody:
    return Moody(name=name, policy=Policy.KEYED)


def eve_in(account: str) -> people.Identity:
    return people.Identity(channel="chat", account=account, ext_id="U-Eve", name="Eve")


def raising(error: BotError) -> Callable[[Outbound], Awaitable[None]]:
    async def fail(message: Outbound) -> None:
        raise error

    return fail


async def ask_in(house: Switchboard, place: str, n: int = 0, channel: str = "chat") -> None:
    """Have an agent ask something in a place."""
    where = Place(id=place, thread=str(n))
    conv = conv_key(channel, "", place, where.thread)
    known = {"channel": channel, "person": ANA, "place": where, "conv": conv}
    await house.ask("do it", **ON_CHAT | known)
    await asyncio.sleep(0.01)  # which is the older one is known


def house_with(*platforms: Platform, **more: Any) -> Switchboard:
    return Switchboard(ScriptedModel(asks), channels={p.name: p for p in platforms}, **more)


@virtual
async def test_a_platform_that_is_away_for_a_minute_shows_the_card_when_it_is_back() -> None:
    outside = moody()
    outside.mood = raising(VendorRefused("It cannot be reached.", retry_after_s=2.0))
    async with house_with(outside) as house:
        await house.ask("do it", **ON_CHAT)
        await asyncio.sleep(60)
        assert outside.cards() == []
        assert outside.tries < 8, "it is left in peace"
        outside.mood = None
        await asyncio.sleep(module.LONGEST_PAUSE_S)
        assert len(outside.cards()) == 1


@virtual
async def test_cards_that_a_platform_refuses_keep_no_others_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 2)
    outside = moody()

    async def refuse_first(message: Outbound) -> None:
        if message.place == "C-closed":
            raise VendorRefused("The channel is archived.")

    outside.mood = refuse_first
    async with house_with(outside) as house:
        for n in range(4):
            await ask_in(house, "C-closed", n)
        await ask_in(house, "C-open")
        await asyncio.sleep(60)
        assert len(await house.pending()) == 5
        assert [card.place for (card,) in outside.cards()] == ["C-open"]


@virtual
async def test_cards_of_a_platform_that_is_gone_keep_no_others_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 2)
    gone = moody("gone")
    gone.mood = raising(VendorRefused("Nobody is there."))
    async with house_with(gone) as house:
        for n in range(4):
            await ask_in(house, "C-lost", n, channel="gone")
    outside = moody()
    async with house_with(outside, disk=house.disk) as house:
        await house.ask("do it", **ON_CHAT)
        await asyncio.sleep(10)
        assert len(await house.pending()) == 5
        assert len(outside.cards()) == 1


@virtual
@pytest.mark.parametrize(("account", "cards"), [("T2", 0), ("app:A1/T2", 1)])
async def test_another_tenant_s_own_channel_is_not_replaced_by_the_first_one_s(
    account: str, cards: int
) -> None:
    """It was disconnected while something was pending; an install is carried as ever."""
    shared = moody()
    shared.manifest_version = 1  # type: ignore[attr-defined]
    async with house_with(shared) as house:
        known = {"tenant": AWAY, "ext": "U-Eve", "account": account}
        await house.db.write(people.know(AWAY, eve_in(account), EVE, 1))
        carriers = house.engine.replies._carriers
        carriers.put(AWAY, moody())
        await house.ask("do it", **ON_CHAT | known)
        carriers.drop(AWAY, "chat")
        await asyncio.sleep(10)
        assert len(await house.pending(AWAY)) == 1
        assert len(shared.cards()) == cards
        said = [shown for all_ in shared.seen.values() for shown in all_]
        assert len(said) == 2 * cards, "its answer goes the same way as its card"


@virtual
async def test_cards_of_another_tenant_that_nobody_shows_keep_none_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "AT_ONCE", 2)
    monkeypatch.setattr(module, "PAGES", 2)
    shared = moody()
    shared.manifest_version = 1  # type: ignore[attr-defined]
    async with house_with(shared) as house:
        await house.db.write(people.know(AWAY, eve_in("T2"), EVE, 1))
        carriers, theirs = house.engine.replies._carriers, moody()
        theirs.mood = raising(VendorRefused("It cannot be reached.", retry_after_s=2.0))
        carriers.put(AWAY, theirs)
        for n in range(6):
            where = Place(id="D2", thread=str(n))
            known = {"tenant": AWAY, "ext": "U-Eve", "account": "T2", "place": where}
            await house.ask("do it", **ON_CHAT | known, conv=conv_key("chat", "T2", "D2", str(n)))
            await asyncio.sleep(0.01)
        carriers.drop(AWAY, "chat")
        assert len(await house.pending(AWAY)) == 6 and theirs.cards() == []
        await house.ask("do it", **ON_CHAT)
        await asyncio.sleep(10)
        assert len(shared.cards()) == 1


@virtual
async def test_a_place_that_hangs_keeps_no_other_waiting() -> None:
    outside = moody()

    async def hang_first(message: Outbound) -> None:
        if message.place == "C-slow":
            await asyncio.sleep(3600)

    outside.mood = hang_first
    async with house_with(outside) as house:
        await ask_in(house, "C-slow")
        await asyncio.sleep(1)
        await ask_in(house, "C-fast")
        await asyncio.sleep(1)
        assert [card.place for (card,) in outside.cards()] == ["C-fast"]
        await asyncio.sleep(3600)
        assert [card.place for (card,) in outside.cards()] == ["C-fast", "C-slow"]
        assert outside.tries == 2, "what is on its way is not sent beside it"


@virtual
async def test_a_decided_card_that_cannot_be_rewritten_is_let_be_for_good() -> None:
    outside = moody()
    async with house_with(outside) as house:
        await house.ask("do it", **ON_CHAT)
        await asyncio.sleep(1)
        (question,) = await house.pending()
        outside.mood = raising(VendorRefused("The channel is archived."))
        await house.decide(question, "approve", OLGA)
        await asyncio.sleep(IN_A_WHILE_S)
        tried = outside.tries
        assert tried == 1 + module.TRIES
    async with house_with(outside, disk=house.disk):
        await asyncio.sleep(IN_A_WHILE_S)
        assert outside.tries == tried


@virtual
async def test_a_card_that_may_have_been_shown_is_not_shown_for_ever() -> None:
    outside = moody()
    outside.mood = raising(VendorUnknown())
    async with house_with(outside) as house:
        await house.ask("do it", **ON_CHAT)
        await asyncio.sleep(DAY_S)
        assert outside.tries == module.TRIES


@virtual
async def test_a_program_that_breaks_over_one_card_shows_the_others() -> None:
    outside = moody()

    async def break_first(message: Outbound) -> None:
        if message.place == "C-odd":
            raise ZeroDivisionError
        await asyncio.sleep(1)

    outside.mood = break_first
    async with house_with(outside) as house:
        await ask_in(house, "C-odd")
        await ask_in(house, "C-even")
        await asyncio.sleep(60)
        assert [card.place for (card,) in outside.cards()] == ["C-even"]


@virtual
async def test_presses_under_two_cards_of_one_name_are_both_looked_up() -> None:
    async with house_with(moody()) as house:
        for place in ("C-one", "C-two"):
            await ask_in(house, place)
        await asyncio.sleep(1)
        for question, place in zip(await house.pending(), ("C-one", "C-two"), strict=True):
            payload = {"approval": question.id, "version": 1, "choice": "approve"}
            press = house.event("", **ON_CHAT, kind=Kind.PRESSED, reply_to="17", payload=payload)
            house.engine.cards.meet(replace(press, place=Place(id=place)))
        await asyncio.sleep(1)
        found = house.disk.all("select place from card_copy where vendor_ref = '17'")
        assert sorted(found) == [("C-one#17",), ("C-two#17",)]


@virtual
async def test_a_card_goes_with_what_was_kept_of_the_message_that_it_is_about() -> None:
    outside = moody()
    async with house_with(outside) as house:
        for n in (1, 2):
            await house.ask("do it", **ON_CHAT, payload={"subject": f"No {n}"})
            await asyncio.sleep(0.01)  # which is the older one is known
        await asyncio.sleep(10)
        ((first,), (second,)) = outside.cards()
        assert [card.extra["event"] for card in (first, second)] == [
            {"subject": "No 1"},
            {"subject": "No 2"},
        ]
        # Asked in the turn that words an outcome, it is about what was heard before.
        before = heard.before(first.tenant, first.conv, "evt_none")
        assert await house.db.read(before) == {}
        (turn,) = house.disk.all("select max(id) from inbox where kind = 'message'")
        await house.decide((await house.pending())[0], "approve", OLGA)
        await asyncio.sleep(10)
        (settled,) = house.disk.all("select id from inbox where kind = 'settled'")
        assert settled != turn
        found = await house.db.read(heard.before(first.tenant, first.conv, settled[0]))
        assert found == {"subject": "No 2"}


@virtual
async def test_a_card_for_a_phone_that_opted_out_waits_without_a_word_until_it_is_wanted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outside = moody()
    outside.mood = raising(OptedOut("+14155550101 has opted out."))
    async with house_with(outside) as house:
        await ask_in(house, "D1")
        await asyncio.sleep(IN_A_WHILE_S)
        assert 1 <= outside.tries <= 5 and "5550101" not in caplog.text
        outside.mood = None
        await asyncio.sleep(IN_A_WHILE_S)
        assert len(outside.cards()) == 1
