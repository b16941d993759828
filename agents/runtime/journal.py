"""The journal of a turn: what was found out once is not found out again after a restart.

Each step has a number and a hash of what it was given. On replay a step with the same hash
returns what it returned; with another hash the turn has diverged and is never guessed over.
Steps are posted, not awaited: the next effect's commit carries them to the disk.
"""

from collections.abc import Awaitable, Callable

from bot.core.canonical import Json
from bot.core.conversation import Claim, Step
from bot.core.errors import Diverged
from bot.core.ports import Clock
from bot.points import point
from bot.store import journal
from bot.store.rows import dumps, loads
from bot.store.script import Database


class Journal:
    """Numbers and keeps the steps of one turn."""

    def __init__(self, db: Database, clock: Clock, claim: Claim) -> None:
        self._db = db
        self._clock = clock
        self._claim = claim
        self._next = 0
        self._broken: int | None = None
        """The first step that came to nothing: of it there is no row."""

    @property
    def at(self) -> int:
        """The number of the step that comes next."""
        return self._next

    @property
    def kept(self) -> int:
        """How many steps, from the first, have left a row."""
        return self._next if self._broken is None else self._broken

    async def step(self, kind: str, given: str, work: Callable[[], Awaitable[Json]]) -> Json:
        """Return what this step returned before, or do it now and keep that. Raises Diverged."""
        number = self._next
        self._next += 1
        old = self._claim.journal.get(number)
        if old is not None:
            if old.kind != kind or old.input_hash != given:
                raise Diverged(event=self._claim.event.id, step=number)
            result: Json = loads(old.result)
            return result
        began = self._clock.monotonic()
        try:
            result = await work()
        except BaseException:
            if self._broken is None:
                self._broken = number
            raise
        ms = int((self._clock.monotonic() - began) * 1000)
        step = Step(
            step=number,
            kind=kind,
            input_hash=given,
            result=dumps(result),
            at=self._clock.now(),
            ms=ms,
        )
        point("step.before_journal")
        self._db.post(journal.write_step(self._claim, step))
        point("step.after_journal")
        return result
