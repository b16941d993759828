"""One life of a house: a real engine on a real SQLite file, until all is done or it is killed.

What is outside of it are files that are only appended to: the vendor's book, the channel's book,
and what the sender knows to be acknowledged. A finished `write` to them survives a kill, as a
vendor's own records would. Pauses are shortened so that a life takes a tenth of a second.
"""

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

import bot.effects
import bot.replies
import bot.turns
from agents.runtime.toolset import Toolset
from bot import points
from bot.core.channel import Features, Outbound, Receipt
from bot.core.effect import Effect, EffectState, Outcome, Policy
from bot.core.errors import Conflict, StoreError
from bot.core.event import Event, Kind, Place, Sender
from bot.core.ids import AgentName, ConvId, EventId, ScheduleId, conv_key
from bot.core.model import ModelReply, ModelRequest
from bot.core.ports import new_id
from bot.core.schedule import Schedule, ScheduleState
from bot.core.times import to_us
from bot.core.tool import ToolContext
from bot.fleet import Peers
from bot.inbox import arrive
from bot.infra.clock import SystemClock
from bot.store import schema
from bot.store.sqlite import SqliteDatabase
from bot.wiring.engine import Engine
from scheduler.runner import Runner
from tests.fakes.database import blank
from tests.fakes.model import ScriptedModel, call, last_words, say
from tests.fakes.switchboard import ANA, HOME, OLGA, assemble, image
from tests.fakes.vendor import Vendor, Words, tools_of
from tests.kill.book import Book

CHANNEL = "outside"
PERSON = "U-Ana"
PENDING = "select id, version from approval where state = 'pending' and kind = 'approve'"
BUSY = (
    "select 1 from inbox where state = 'new' union all "
    "select 1 from conv where state != 'idle' union all "
    "select 1 from effect where state in ('ready', 'sending') union all "
    "select 1 from schedule where state = 'active' union all "
    "select 1 from approval where state = 'pending' and kind = 'approve' limit 1"
)


@dataclass(frozen=True, kw_only=True)
class Life:
    """What one life is to do."""

    home: str
    policy: str
    """keyed, readback or none: of the tools and of the channel alike; `mixed` for all."""
    messages: int = 4
    """In each conversation, in all lives together; 0: for ever."""
    talks: int = 2
    kill: str = ""
    """`NAME:n`: die at the n-th passing of a point."""
    stop: str = ""
    """`NAME:n`: freeze there until somebody sends SIGCONT; `vendor` is where the vendor is called."""
    slow_ms: int = 0
    """How far away the vendor and the channel are, at most."""
    breaks: str = ""
    """Which promise to break on purpose; see `tests/kill/broken.py`."""
    plain: bool = False
    """Whether the model asks for no tool, whatever it was told."""
    schedules: int = 3
    database: str = ""
    """The address of a shared one; empty: a file in `home`."""
    place: str = ""
    """Which of several processes this is; each talks in conversations of its own and in a common
    one."""


class FiledVendor(Vendor):
    """The service outside, with its book in a file."""

    def __init__(self, path: Path, slow_ms: int) -> None:
        super().__init__()
        self._file = Book(path)
        self._slow_ms = slow_ms
        self._chance = Random()
        self.at_call: Callable[[], None] = lambda: None

    async def post(self, policy: Policy, tool: str, ctx: ToolContext, args: Words) -> Outcome:
        self.at_call()
        await self._far()
        known = [line for line in self._file.lines() if line["key"] == ctx.key]
        if not (policy is Policy.KEYED and known):
            given = args.model_dump(mode="json")
            self._file.add(effect=ctx.effect, key=ctx.key, tool=tool, arguments=given, at=0.0)
        await self._far()
        return Outcome(state=EffectState.SENT, vendor_ref="ref")

    async def find(self, effect: Effect) -> Outcome | None:
        there = any(line["effect"] == effect.id for line in self._file.lines())
        return Outcome(state=EffectState.SENT, vendor_ref="found") if there else None

    async def _far(self) -> None:
        if self._slow_ms:
            await asyncio.sleep(self._chance.random() * self._slow_ms / 1000)


class FiledChannel:
    """A platform outside, with what people saw in a file."""

    name = CHANNEL

    def __init__(self, path: Path, policy: Policy, slow_ms: int) -> None:
        self._file = Book(path)
        self._slow_ms = slow_ms
        self.features = Features(policy=policy, window_s=300)

    def routes(self) -> tuple[()]:
        return ()

    async def run(self, sink: Any) -> None:
        return None

    async def send(self, message: Outbound) -> Receipt:
        await asyncio.sleep(self._slow_ms / 2000)
        known = any(line["effect"] == message.effect for line in self._file.lines())
        if not (self.features.policy is Policy.KEYED and known):
            attempt = message.extra.get("attempt", 0)
            self._file.add(
                effect=message.effect, conv=message.conv, text=message.text, attempt=attempt
            )
        await asyncio.sleep(self._slow_ms / 2000)
        return Receipt(vendor_ref="ref")

    async def find(self, effect: Effect) -> Outcome | None:
        there = any(line["effect"] == effect.id for line in self._file.lines())
        return Outcome(state=EffectState.SENT, vendor_ref="found") if there else None


@dataclass
class House:
    """Everything of one life."""

    life: Life
    clock: SystemClock = field(default_factory=SystemClock)
    passed: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.home = Path(self.life.home)
        self.path = self.home / "switchboard.db"
        self.acks = Book(self.home / "acks")
        self.sent = Book(self.home / "sent")
        policy = Policy.NONE if self.life.policy == "mixed" else Policy(self.life.policy)
        self.channel = FiledChannel(self.home / "shown", policy, self.life.slow_ms)
        self.vendor = FiledVendor(self.home / "vendor", self.life.slow_ms)
        self.vendor.at_call = lambda: self._at_point("vendor")

    async def live(self) -> None:
        """Until all is done."""
        points.arm(self._at_point)
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, tell)
        peers = await self._open_database()
        self.engine: Engine = assemble(
            self.db,
            self.clock,
            ScriptedModel(self._think),
            tools_of(self.vendor),
            channels={CHANNEL: self.channel},
            peers=peers,
        )
        self.clockwork = Runner(self.db, self.clock, self._arrive, self.engine.turns.wake)
        await self.engine.start()
        helpers = [asyncio.create_task(work) for work in (self.clockwork.run(), self._decide())]
        await asyncio.gather(*(self._talk(n) for n in range(self.life.talks)))
        quiet = asyncio.create_task(self._quiet())
        done, _ = await asyncio.wait({quiet, *helpers}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()  # tells what a helper died of
        for helper in helpers:
            helper.cancel()
        await asyncio.gather(*helpers, return_exceptions=True)
        await self.engine.stop(1.0)
        await self.db.close()
        (self.home / "passed").write_text(json.dumps(self.passed))

    def _at_point(self, name: str) -> None:
        self.passed[name] += 1
        if self.life.kill == f"{name}:{self.passed[name]}":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.life.stop == f"{name}:{self.passed[name]}":
            (self.home / "stopped").write_text(str(os.getpid()))
            os.kill(os.getpid(), signal.SIGSTOP)

    def _think(self, request: ModelRequest) -> ModelReply:
        told = last_words(request)
        if request.messages[-1].role == "tool" or told.startswith("[outcome]"):
            return say("So it is.")
        number, _, rest = told.rpartition("] ")[2].partition(" ")
        kind = rest.split(" ")[0] if rest else "plain"
        if self.life.plain or kind not in ("auto", "ask"):
            return say(f"Hello {number}.")
        policies = [policy.value for policy in Policy]
        policy = self.life.policy
        if policy == "mixed":
            policy = policies[int(number) % len(policies)]
        asked = [(f"{policy}_{kind}", {"text": f"words {number}"})]
        if kind == "ask" and int(number) % 4 == 3:  # one question about two deeds
            asked.append((f"{policy}_{kind}", {"text": f"more words {number}"}))
        return call(*asked)

    def _arrive(self, event: Event) -> Any:
        ids = (f"cnv_{event.id[4:]}", f"msg_{event.id[4:]}")
        return arrive(event, ids, to_us(self.clock.now()), "", "")

    # Those outside.

    async def _talk(self, talk: int) -> None:
        """Send again what was not acknowledged, twice what was acknowledged last, and go on."""
        mine = [line for line in self.sent.lines() if line["talk"] == talk]
        acked = {line["ext"] for line in self.acks.lines()}
        for line in mine:
            if line["ext"] not in acked or line is mine[-1]:
                await self._send(talk, line["number"])
        number = len(mine)
        if talk == 1 and mine:
            await self._schedule()
        while not self.life.messages or number < self.life.messages:
            self.sent.add(talk=talk, number=number, ext=f"{talk}:{number}")
            await self._send(talk, number)
            if talk == 1 and number == 0:
                await self._schedule()
            number += 1

    async def _send(self, talk: int, number: int) -> None:
        channel = CHANNEL if talk % 2 else "web"
        word = ("auto", "ask", "plain", "ask")[number % 4]
        event = Event(
            id=EventId(new_id(self.clock, "evt")),
            tenant=HOME,
            channel=channel,
            account="",
            ext_id=f"{talk}:{number}",
            kind=Kind.MESSAGE,
            conv=conv_key(channel, "", "room", str(talk)),
            sender=Sender(ext_id=PERSON, person=ANA),
            place=Place(id="room", thread=str(talk)),
            text=f"{number} {word}",
            at=self.clock.now(),
        )
        got = await self.engine.inbox.accept(event)
        self.acks.add(ext=event.ext_id, event=got.event)
        if number % 3 == 0:
            await self.engine.inbox.accept(event)
        if self.life.slow_ms:
            await asyncio.sleep(self.life.slow_ms / 1000)

    async def _schedule(self) -> None:
        """Reminders that are due at once, in the conversation outside."""
        found = await self._look("select id from conv where thread = '1'")
        conv = found[0][0]
        for number in range(self.life.schedules):
            now = self.clock.now() + timedelta(milliseconds=number)
            await self.clockwork.add(
                Schedule(
                    id=ScheduleId(f"sch_{number}"),
                    tenant=HOME,
                    words="now",
                    trigger=now.isoformat(),
                    zone="UTC",
                    prompt=f"{number} plain",
                    agent=AgentName("bri"),
                    person=ANA,
                    conv=ConvId(conv),
                    state=ScheduleState.ACTIVE,
                    next_at=now,
                    created_at=now,
                )
            )

    async def _decide(self) -> None:
        """Press Approve on whatever asks, in some order, more than once."""
        pressed = 0
        while True:
            await asyncio.sleep(0.01)
            for key, version in await self._look(PENDING):
                pressed += 1
                event = Event(
                    id=EventId(new_id(self.clock, "evt")),
                    tenant=HOME,
                    channel="web",
                    account="",
                    ext_id=f"press:{key}:{os.getpid()}:{pressed}",
                    kind=Kind.PRESSED,
                    conv=conv_key("web", "", "room", "0"),
                    sender=Sender(ext_id=OLGA, person=OLGA),
                    place=Place(id="room", thread="0"),
                    text="",
                    at=self.clock.now(),
                    payload={"approval": key, "choice": "approve", "version": version},
                )
                try:
                    got = await self.engine.inbox.accept(event)
                except (StoreError, Conflict):  # Conflict: the same person on another process
                    continue  # and presses again what still waits
                self.acks.add(ext=event.ext_id, event=got.event)

    async def _quiet(self) -> None:
        while await self._look(BUSY):
            await asyncio.sleep(0.01)

    # The database, which is another one in `shared.py`.

    async def _open_database(self) -> Peers | None:
        if not self.path.exists():
            prepare(self.path)
        db = SqliteDatabase(self.path)
        await db.open()
        self.db: Any = db
        return None

    async def _look(self, sql: str) -> list[Any]:
        """Rows, as an outsider sees them."""

        def look() -> list[Any]:
            conn = sqlite3.connect(f"file:{self.path}?mode=ro", uri=True)
            try:
                return conn.execute(sql).fetchall()
            finally:
                conn.close()

        return await asyncio.to_thread(look)


def tell() -> None:
    """Say what every task waits for."""
    for task in asyncio.all_tasks():
        task.print_stack(limit=6, file=sys.stderr)
        work: Any = task.get_coro()
        while (work := getattr(work, "cr_await", None)) is not None and hasattr(work, "cr_frame"):
            print("   ", work.cr_frame, file=sys.stderr)


def prepare(path: Path) -> None:
    """A new file with the usual people in it, there at once or not at all."""
    fresh = path.with_suffix(".new")
    fresh.write_bytes(image())
    conn = sqlite3.connect(fresh)
    conn.execute("pragma journal_mode=wal")
    conn.execute(f"pragma user_version={schema.VERSION}")
    conn.close()
    fresh.rename(path)


def hurry() -> None:
    """Shorten what the engine waits for."""
    bot.effects.LOOK_AFTER_S = bot.replies.LOOK_AFTER_S = 0.01
    bot.effects.ROUND_S = bot.turns.SWEEP_S = 0.1
    bot.effects.PAUSE_S = bot.turns.BACKOFF_S = 0.05


def main(spec: Mapping[str, Any]) -> None:
    """Live one life."""
    hurry()
    life = Life(**spec)
    kind = import_module("tests.kill.shared").SharedHouse if life.database else House
    asyncio.run(kind(life).live())


__all__ = ["Toolset", "blank", "main"]
