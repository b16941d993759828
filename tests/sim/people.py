"""The people of a story: they write, send twice, press buttons late, wrongly and all at once."""

import asyncio
from typing import Any

from bot.core.approval import Answer, Decision
from bot.core.errors import StoreError, UserError
from bot.core.event import Event, Kind, Place, Sender
from bot.core.ids import ApprovalId, EffectId, EventId, PersonId, conv_key, make_id
from bot.core.ports import Accepted
from tests.fakes.switchboard import ANA, BEN, EVE, GONE, HOME, OLGA, OTTO
from tests.sim.world import CHANNELS, Died, World

COMMANDS = ("/new", "/help", "/status", "/stop", "/stop", "/approvals", "/agent kelly", "/usage")
DECISIONS = {
    "approve": (("approve", 50), ("edit", 14), ("ask", 6), ("reject", 14), ("again", 3)),
    "doubt": (("there", 30), ("again", 35), ("leave", 25), ("approve", 5), ("ask", 5)),
    "budget": (("approve", 1), ("reject", 1)),
}
WRONG = (BEN, GONE, EVE)


class Crowd:
    """Everybody outside."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.random = world.nature.people
        self._made = 0

    async def __call__(self) -> None:
        """Live through the stormy part of the story."""
        random = self.random
        talks = [self._talk(f"c{n}") for n in range(random.choice((1, 2, 2, 3)))]
        work = [self.world.outside(talk) for talk in talks]
        pressing = self.world.outside(self._press())
        killing = self.world.outside(self._kill())
        await asyncio.wait(work)
        for task in work:
            task.result()
        leaps = random.random() < 0.1
        if leaps:
            self.world.clock.leap(days=8)
        await asyncio.sleep(random.uniform(0, 40) + 70 * leaps)
        for task in (pressing, killing):
            task.cancel()
        if random.random() < 0.3:
            await self._decide_all()

    # Writing.

    async def _talk(self, name: str) -> None:
        random = self.random
        channel = random.choice(("web", *CHANNELS))
        stranger = random.random() < 0.05
        sent: list[asyncio.Task[None]] = []
        for _ in range(random.randint(1, 4)):
            await asyncio.sleep(random.choice((0.0, 0.0, 0.1, 2.0)))
            text = random.choice(COMMANDS) if random.random() < 0.2 else f"please do {name}"
            event = self.event(channel, name, text, stranger)
            task = self.world.outside(self._send(event))
            if random.random() < 0.7:
                await task
            sent.append(task)
        await asyncio.wait(sent)
        for task in sent:
            task.result()
        if random.random() < 0.2:
            for row in self.world.disk.all("select id from conv limit 1"):
                await self.world.add_schedule(row[0])

    async def _send(self, event: Event) -> None:
        """Deliver until it is acknowledged, and now and then once more."""
        copies = 2 if self.random.random() < 0.15 else 1
        for _ in range(copies):
            got = await self.deliver(event)
            if got is None:
                return
            self.world.acked[event.ext_id] = got.event

    async def deliver(self, event: Event) -> Accepted | None:
        """Bring an event, again and again; None when it was refused with a reason."""
        while True:
            engine = await self.world.up()
            try:
                return await self.world.call(self.world.process, engine.inbox.accept(event))
            except (Died, StoreError):
                await asyncio.sleep(self.random.uniform(0.05, 2))
            except UserError:
                return None

    def event(
        self,
        channel: str,
        thread: str,
        text: str,
        stranger: bool = False,
        person: PersonId = ANA,
        **changes: Any,
    ) -> Event:
        """Something that Ana says, or a stranger."""
        self._made += 1
        ext = f"x-{thread}" if stranger else f"u-{person}"
        known = person if channel == "web" and not stranger else None
        event: dict[str, Any] = {
            "id": EventId(make_id("evt", self.world.clock.now(), self.random.randbytes(10))),
            "tenant": HOME,
            "channel": channel,
            "account": "",
            "ext_id": f"{channel}:{self._made}",
            "kind": Kind.MESSAGE,
            "conv": conv_key(channel, "", "room", thread),
            "sender": Sender(ext_id=ext, person=known),
            "place": Place(id="room", thread=thread),
            "text": text,
            "at": self.world.clock.now(),
            "addressed": self.random.random() > 0.03,
        }
        return Event(**{**event, **changes})

    # Deciding.

    async def _press(self) -> None:
        while True:
            await asyncio.sleep(self.random.uniform(0.2, 6))
            rows = self._open()
            if not rows:
                continue
            times = self.random.choice((1, 1, 1, 2, 3))
            row = self.random.choice(rows)
            await asyncio.gather(*(self._answer(row) for _ in range(times)))

    def _open(self) -> list[tuple[Any, ...]]:
        late = "" if self.random.random() < 0.1 else "where state = 'pending'"
        return self.world.disk.all(
            f"select id, kind, version, code, requested_by, tenant from approval {late} order by id"
        )

    async def _decide_all(self) -> None:
        """Somebody who may works through all that is open."""
        for row in self._open():
            choice = self.random.choice(("there", "again") if row[1] == "doubt" else ("approve",))
            await self._bring(row, choice, OLGA, row[2])

    async def _answer(self, row: tuple[Any, ...]) -> None:
        random = self.random
        table = DECISIONS[row[1]]
        choice = random.choices([c for c, _ in table], [w for _, w in table])[0]
        person = random.choice(WRONG) if random.random() < 0.2 else random.choice((OLGA, OTTO, ANA))
        version = row[2] - 1 if random.random() < 0.08 else row[2]
        await self._bring(row, choice, person, version)

    async def _bring(
        self, row: tuple[Any, ...], choice: str, person: PersonId, version: int
    ) -> None:
        arguments = self._edited(row[0]) if choice == "edit" else None
        drawn = self.random.random()
        if drawn < 0.2 and choice in ("approve", "reject"):
            word = "OK" if choice == "approve" else "NO"
            await self._send(self.event("web", "codes", f"{word} {row[3]}", person=person))
        elif drawn < 0.4:
            await self._api(row, choice, person, version, arguments)
        else:
            payload = {"approval": row[0], "choice": choice, "version": version}
            if arguments:
                payload["arguments"] = arguments
            press = self.event(
                "web", "codes", "", person=person, kind=Kind.PRESSED, payload=payload
            )
            await self._send(press)

    async def _api(
        self,
        row: tuple[Any, ...],
        choice: str,
        person: PersonId,
        version: int,
        arguments: dict[str, Any] | None,
    ) -> None:
        answer = Answer(
            approval=ApprovalId(row[0]),
            decision=Decision(choice),
            person=person,
            version=version,
            arguments={EffectId(key): value for key, value in (arguments or {}).items()},
        )
        engine = await self.world.up()
        try:
            await self.world.call(self.world.process, engine.approvals.decide(HOME, answer))
        except (Died, StoreError, UserError):
            return

    def _edited(self, approval: str) -> dict[str, Any]:
        """New words, no words, or struck out, for some of what is asked."""
        rows = self.world.disk.all("select id from effect where approval = ?", approval)
        self._made += 1
        fresh = {"text": f"edited {self._made}"}
        return {
            row[0]: self.random.choice((fresh, fresh, {"text": ""}, None))
            for row in rows
            if self.random.random() < 0.8
        }

    # Dying.

    async def _kill(self) -> None:
        """Now and then the process is killed from outside, wherever it is."""
        while True:
            await asyncio.sleep(self.random.uniform(0.05, 12))
            if self.world.deaths and self.random.random() < 0.5:
                self.world.deaths -= 1
                self.world.kill()


async def story(world: World) -> None:
    """The usual one."""
    await Crowd(world)()
