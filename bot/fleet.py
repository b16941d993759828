"""The processes that share one database, as one of them sees it.

`Alone` is the embedded house: it owns everything and asks nobody. `Fleet` gives signs of life,
takes over what a dead process held, leases what only one may do, and passes words on. Words are
hints; what they are about stands in rows, and sweeps find it.
"""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from bot.core.errors import BotError, StoreError
from bot.core.ports import Clock
from bot.core.times import to_us
from bot.store import fleet as rows
from bot.store.fleet import Neighbour, Worker
from bot.store.schema import VERSION
from bot.store.script import Database

log = logging.getLogger(__name__)

BEAT_S = 5.0
DEAD_S = 20.0
"""Without a sign for so long, a process is dead to the others."""
SURE_S = 5.0
"""So long before that, it no longer begins what nobody else may do."""
UNHEARD_S = 8.0
"""Without a word for so long, one that lives cannot be heard: each says one with each beat."""
LEASE_S = 0.2
TOOK = "took"
"""The word for: something was counted here that has one limit for all."""
WORK = "work"
"""The word for: something waits that this process has no seat for."""

MISSED = "missed"
"""The word for: words may have been lost."""
HERE = "here"
"""The word for: I am here; whoever hears it knows that it is not alone."""
ECHO = "echo"
"""The word that each process says to itself, to know whether words come through."""

Hear = Callable[..., object]


class Peers(Protocol):
    """What the parts of a house ask about other processes."""

    @property
    def id(self) -> str:
        """The name under which this process claims."""
        ...

    @property
    def many(self) -> int:
        """How many are alive, this one included, as far as it knows."""
        ...

    def holds(self) -> bool:
        """Whether the others surely take this process for alive: it may call a vendor."""
        ...

    async def living(self) -> frozenset[str]:
        """Who is alive."""
        ...

    async def take(self, name: str) -> bool:
        """Lease what only one may do; False while another has it."""
        ...

    async def drop(self, name: str) -> None:
        """Give it back."""
        ...

    def say(self, kind: str, *what: Any) -> bool:
        """Tell the other processes; False when there are none, or it is too long to be told."""
        ...


class Alone:
    """The only process."""

    many = 1

    def __init__(self, id_: str) -> None:
        self.id = id_

    def holds(self) -> bool:
        return True

    async def living(self) -> frozenset[str]:
        return frozenset()

    async def take(self, name: str) -> bool:
        return True

    async def drop(self, name: str) -> None:
        return None

    def say(self, kind: str, *what: Any) -> bool:
        return False


class Words(Protocol):
    """The way of words to all processes."""

    in_commits: bool
    """Whether a transaction may say one as well, which goes out when it is committed."""

    @property
    def deaf(self) -> str:
        """What to tell people when words do not come through."""

    def send(self, word: str) -> bool:
        """Tell all processes, this one as well; False when the word is too long."""
        ...

    async def run(self) -> None:
        """Carry them until cancelled."""


class Fleet:
    """One of several."""

    def __init__(self, db: Database, clock: Clock, me: Worker, schema: int = VERSION) -> None:
        """`schema` is what this program knows; the database may come to need a newer one."""
        self._db = db
        self._clock = clock
        self._me = me
        self._beat_at = 0.0
        self.many = 1
        """How many were alive at the last sign of life."""
        self._heard: dict[str, float] = {}
        """When each of the others that live was last heard."""
        self._hear: dict[str, Hear] = {}
        self.words: Words | None = None
        """Set once there is a connection for them."""
        self.freed: Callable[[], None] = lambda: None
        """Called when something was taken over from a dead process."""
        self.evict: Callable[[Sequence[str]], Awaitable[object]] | None = None
        """Closes the database's connections of processes that are silent."""
        self.retire: Callable[[int], None] = lambda least: None
        """Called once when the database needs a newer program, with the least schema of one."""
        self._schema = schema
        self._retired = False
        self._said = 0
        self._awaits_echo = False
        self.deaf = False
        """Whether words do not come through; then what they are about is found by looking."""

    @property
    def id(self) -> str:
        """The name under which this process claims."""
        return self._me.id

    def holds(self) -> bool:
        """Whether the last sign of life is young enough."""
        return time.monotonic() - self._beat_at < DEAD_S - SURE_S

    async def living(self) -> frozenset[str]:
        """Who is alive, this process included."""
        return await self._db.read(rows.living(_us(DEAD_S)))

    async def take(self, name: str) -> bool:
        """Lease a name for as long as this process lives."""
        return await self._db.write(rows.take(name, self.id, _us(DEAD_S)))

    async def drop(self, name: str) -> None:
        """Give it back."""
        await self._db.write(rows.drop(name, self.id))

    async def wait_for(self, name: str) -> None:
        """Lease a name, however long another has it."""
        while True:
            if await self.take(name):
                return
            await asyncio.sleep(LEASE_S)

    async def join(self) -> None:
        """Enter. Raises OperatorError when the others keep files apart from ours."""
        began = time.monotonic()
        await self._db.write(rows.join(self._me, _us(DEAD_S)))
        self._beat_at = began

    async def leave(self) -> None:
        """Take this process off; others go on with what it did not end."""
        await self._db.write(rows.leave(self.id, _word(self.id, 0, WORK), to_us(self._clock.now())))

    async def census(self) -> list[Neighbour]:
        """Who is alive, this process included."""
        return await self._db.read(rows.census(_us(DEAD_S)))

    async def run(self) -> None:
        """Give signs of life and look for the dead, until cancelled."""
        while True:
            began = time.monotonic()
            try:
                self._listen()
                living = await self._db.write(rows.beat(self._me, _us(DEAD_S), self._echo()))
                self._beat_at = began
                self._look_for_unheard(living)
                before, self.many = self.many, max(1, len(living))
                if self.many > before:
                    self.say(HERE)  # until it gives a sign itself, who was alone tells nobody
                if await self._is_allowed():
                    await self._look_for_dead()
            except BotError as error:
                log.warning("No sign of life could be given: %s", error.message)
            except Exception:
                log.exception("No sign of life could be given.")
            await asyncio.sleep(BEAT_S)

    async def watch(self) -> None:
        """Close the connections of the silent, until cancelled.

        A process may freeze in the middle of a transaction, and what it holds would keep all others
        from their work. Apart from `run`, whose writer may be the one that waits for it.
        """
        evicted: frozenset[str] = frozenset()
        while True:
            await asyncio.sleep(BEAT_S)
            try:
                silent = frozenset(await self._db.read(rows.silent(_us(DEAD_S)))) - {self.id}
                if self.evict and silent - evicted:
                    await self.evict(sorted(silent - evicted))
                evicted = silent
            except StoreError as error:
                log.warning("Nobody looks after silent processes: %s", error.message)

    def _look_for_unheard(self, living: frozenset[str]) -> None:
        """Look for everything where one of the others may have changed something and not told it:
        it died before it did, or its words do not come through, of which each gives one a beat.
        """
        now = time.monotonic()
        heard = {id_: self._heard.get(id_, now) for id_ in living - {self.id}}
        is_dead = not self._heard.keys() <= heard.keys()
        self._heard = heard
        if not self.deaf and (is_dead or any(now - at > UNHEARD_S for at in heard.values())):
            self.missed()

    async def _look_for_dead(self) -> None:
        now = to_us(self._clock.now())
        if await self._db.write(rows.take_over(now, _us(DEAD_S))):
            self.freed()

    async def _is_allowed(self) -> bool:
        """Whether the database still lets programs as old as this one run."""
        least = await self._db.read(rows.least())
        if self._schema >= least:
            return True
        if not self._retired:
            self._retired = True
            self.retire(least)
        return False

    # Words.

    def on(self, kind: str, hear: Hear) -> None:
        """Call `hear` with what another process says of this kind."""
        self._hear[kind] = hear

    def say(self, kind: str, *what: Any) -> bool:
        """Tell the other processes; False when there are none, or it is too long to be told."""
        if self.words is None or self.many < 2:
            return False
        self._said += 1
        number = 0 if kind == WORK else self._said
        return self.words.send(_word(self.id, number, kind, *what))

    def _listen(self) -> None:
        """As long as the last word to itself did not come back, look for everything."""
        self.deaf = self._awaits_echo
        if self.deaf:
            self.missed()

    def _echo(self) -> str:
        """A word to itself, for the writer's connection: what listens on another one hears it.

        Said at once, and nothing is left for the writer, where words go another way.
        """
        if self.words is None or self.many < 2:
            return ""
        self._awaits_echo = True
        self._said += 1
        word = _word(self.id, self._said, ECHO)
        if self.words.in_commits:
            return word
        self.words.send(word)
        return ""

    def missed(self) -> None:
        """Words may have been lost: whoever keeps something reads it anew."""
        if MISSED in self._hear:
            self._hear[MISSED]()

    def cut_off(self) -> None:
        """The way of words was lost and is there again: neither what others said need have come
        here, nor what was said here to them.
        """
        self.missed()
        self.say(MISSED)

    def hear(self, word: str) -> None:
        """A word has come."""
        try:
            who, _, kind, *what = json.loads(word)
        except (ValueError, TypeError, RecursionError):
            return
        if who != self.id:
            self.many = max(2, self.many)
        if isinstance(who, str) and who in self._heard:
            self._heard[who] = time.monotonic()
        if who == self.id and kind == ECHO:
            self._awaits_echo = self.deaf = False
        if who != self.id and isinstance(kind, str) and kind in self._hear:
            self._hear[kind](*what)


def _word(who: str, number: int, kind: str, *what: Any) -> str:
    """The server folds words that are alike, so each has a number; calls for work may be folded."""
    return json.dumps([who, number, kind, *what])


def _us(seconds: float) -> int:
    return int(seconds * 1e6)
