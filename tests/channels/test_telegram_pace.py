"""Ten minutes of more than Telegram bears, in virtual time, counted as Telegram counts."""

import asyncio
from dataclasses import dataclass, field, replace
from random import Random
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("telegram")

from bot.core.channel import Outbound
from channels.telegram import speaking
from channels.telegram.speaking import Voice
from tests.channels.telegram_side import outbound
from tests.fakes.clock import LoopClock
from tests.fakes.telegram_rates import Rates
from tests.sim.loop import virtual

ALONE = range(11, 41)
GROUPS = range(-3, 0)


@dataclass
class Counting:
    """A bot that counts what it is told to say; the port that `Voice` needs of `Api`."""

    rates: Rates
    early: list[int] = field(default_factory=list)
    said: dict[int, list[str]] = field(default_factory=dict)
    drafts: int = 0

    @property
    def bot(self) -> "Counting":
        return self

    async def open(self) -> None:
        """Nothing to open."""

    def count(self, chat: int) -> None:
        if self.rates.take(chat, chat < 0) > 0:
            self.early.append(chat)

    async def send_message(self, chat: int, text: str, **_: Any) -> Any:
        self.count(chat)
        self.said.setdefault(chat, []).append(text)
        return SimpleNamespace(chat=SimpleNamespace(id=chat), message_id=len(self.said[chat]))

    async def send_message_draft(self, chat: int, **_: Any) -> None:
        self.count(chat)
        self.drafts += 1

    async def edit_message_text(self, text: str, chat_id: int, **_: Any) -> None:
        self.count(chat_id)
        self.drafts += 1


async def talk(voice: Voice, message: Outbound, until: float) -> int:
    """Draft and answer, one after the other, as fast as they are taken."""
    loop, count = asyncio.get_running_loop(), 0
    while loop.time() < until:
        draft = await voice.draft(replace(message, text="gro", effect=f"rep_{count}"))
        ref = draft.vendor_ref if draft else ""
        await voice.send(replace(message, text=f"{count}", replace=ref))
        count += 1
    return count


async def load(busy: int, minutes: int) -> tuple[Counting, list[int]]:
    loop = asyncio.get_running_loop()
    bot = Counting(Rates(loop.time))
    voice = Voice(bot, LoopClock(Random(1)))  # type: ignore[arg-type]
    places = [*ALONE[:busy], *GROUPS]
    until = loop.time() + minutes * 60
    counts = await asyncio.gather(*(talk(voice, outbound(place=p), until) for p in places))
    return bot, counts


@virtual
async def test_ten_minutes_of_load_bring_no_refusal_and_starve_nobody() -> None:
    bot, counts = await load(busy=6, minutes=10)
    assert bot.early == []
    assert min(counts[:6]) > 300 and min(counts[6:]) > 60
    assert bot.drafts > 0


@virtual
async def test_more_chats_than_a_second_bears_bring_no_refusal() -> None:
    bot, counts = await load(busy=30, minutes=1)
    assert bot.early == []
    assert min(counts) > 5, "each has its turn"
    for chat, said in bot.said.items():
        numbers = [int(text) for text in said if text != "gro"]
        assert numbers == sorted(numbers), chat


@virtual
async def test_the_count_finds_a_pace_that_is_too_fast() -> None:
    kept = speaking.CHAT
    speaking.CHAT = replace(kept, seconds=1.5)  # type: ignore[misc]
    try:
        bot, _ = await load(busy=2, minutes=1)
    finally:
        speaking.CHAT = kept  # type: ignore[misc]
    assert bot.early
