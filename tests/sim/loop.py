"""An event loop whose time is virtual and whose order is drawn from a seed.

Everything that is ready runs in an order that the seed chooses; when nothing is ready, time jumps
to the next timer. A `Process` is a set of tasks that share a context: once it is dead, nothing of
it runs again, not even its `finally`, just as after `kill -9`.
"""

import asyncio
import contextlib
import heapq
from collections.abc import Callable, Coroutine
from contextvars import Context, ContextVar, copy_context
from functools import wraps
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")
PROCESS: ContextVar["Process | None"] = ContextVar("process", default=None)


class Process:
    """Something that can be killed."""

    def __init__(self) -> None:
        self.dead = False
        self.frozen = False
        """Stopped, but not dead: it goes on when thawed, and does not know that it stood still."""
        self.tasks: list[asyncio.Task[Any]] = []
        self.context: Context = copy_context()
        self.context.run(PROCESS.set, self)

    def spawn(self, work: Coroutine[Any, Any, T]) -> "asyncio.Task[T]":
        """Run a coroutine as a part of this process."""
        task = asyncio.get_running_loop().create_task(work, context=self.context.copy())
        self.tasks.append(task)
        return task


class Killed(BaseException):
    """Thrown from a named point in the process that dies there, to get off the stack."""


class Stuck(Exception):
    """Nothing is ready, nothing is planned, and somebody still waits."""


class SeededLoop(asyncio.BaseEventLoop):
    """The loop. Nothing here opens a socket, a thread or a signal handler."""

    _ready: Any
    _scheduled: list[Any]
    _stopping: bool

    def __init__(self, random: Random) -> None:
        super().__init__()
        self._now = 0.0
        self._random = random
        self._held: list[Any] = []
        self.is_over = False
        """The story is told: everybody wakes up once more, to be sent home."""

    def time(self) -> float:
        return self._now

    def thaw(self) -> None:
        """Let what frozen processes missed become ready."""
        self._ready.extend(self._held)
        self._held.clear()

    def _run_once(self) -> None:
        ready, scheduled = self._ready, self._scheduled
        if not ready:
            self._advance()
        while scheduled and scheduled[0]._when <= self._now:
            timer = heapq.heappop(scheduled)
            timer._scheduled = False
            if not timer._cancelled:
                ready.append(timer)
        batch = list(ready)
        ready.clear()
        if len(batch) > 1:
            self._random.shuffle(batch)
        for handle in batch:
            if handle._cancelled:
                continue
            process = handle._context.get(PROCESS)
            if process is None or self.is_over:
                handle._run()
            elif process.frozen and not process.dead:
                self._held.append(handle)
            elif not process.dead:
                handle._run()

    def _advance(self) -> None:
        scheduled = self._scheduled
        while scheduled and scheduled[0]._cancelled:
            heapq.heappop(scheduled)._scheduled = False
        if not scheduled:
            if not self._stopping:
                raise Stuck("Nothing is ready, nothing is planned, and somebody still waits.")
            return
        self._now = max(self._now, scheduled[0]._when)

    def _process_events(self, event_list: object) -> None:
        raise NotImplementedError

    def _write_to_self(self) -> None:
        """Nobody sleeps in a selector here."""


def run(seed: int, main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on a loop of its own."""
    loop = SeededLoop(Random(f"{seed}:order"))
    loop.set_exception_handler(lambda *_: None)  # tasks of the dead are not asked how they died
    try:
        return loop.run_until_complete(main)
    finally:
        _bury(loop)
        loop.close()


def virtual(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """Run an asynchronous test in virtual time: a wait of minutes costs nothing."""

    @wraps(test)
    def ran(*given: Any, **named: Any) -> None:
        run(1, test(*given, **named))

    return ran


def _bury(loop: SeededLoop) -> None:
    """Let every task that is left end without a word, so that no later collection trips on it."""
    loop.is_over = True
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    for _ in range(5):
        loop.call_soon(loop.stop)
        loop.run_forever()
    for task in left:
        if not task.done():  # its next step was swallowed by a death
            task._log_destroy_pending = False  # type: ignore[attr-defined]
            with contextlib.suppress(BaseException):
                task.get_coro().close()  # type: ignore[union-attr]
