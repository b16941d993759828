"""Scripts side by side: what several of them ask next goes to the database as one statement.

No I/O here: `side_by_side` yields rounds and is sent their rows, as a script is.
Rules, which make the outcome the same as running the scripts one after the other:
1. Scripts of one key run in their order, each to its end before the next begins.
2. Scripts of different keys touch no rows in common but those that they add; each says so by
   having a key. One without a key runs alone, after all before it and before all behind it.
3. What a script adds and asks no answer about waits until one of its own key reads or changes that
   table of that tenant, or until all are done; then it is added with all that of this tenant waits,
   whatever its table. By rule 2 it is nothing to anybody else.
4. A round is of one tenant, so it stands behind one wall.
5. What a script reads and the one before it of the same key has just read is not asked again: in
   between it wrote nothing but new rows of other tables.
6. What a script asks that one behind it of the same key proves is not asked: were it not so, that
   one would fail, and with it all of them.
Whatever goes wrong goes wrong for all of them: the caller takes everything back.
"""

from collections import deque
from collections.abc import Generator, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from bot.store.script import Ask, Proof, Restartable, Row, Script, Statement, Value
from bot.store.shape import shape

Params = Mapping[str, Value]
Rows = list[list[Row]]
"""For each argument set its rows."""


class Round(NamedTuple):
    """One statement of one tenant (empty: of none), for one or many argument sets."""

    tenant: str
    statement: Statement
    params: Sequence[Params]
    also: Sequence[tuple[Statement, Sequence[Params]]] = ()
    """What else is added with it, when it adds; the tables differ."""


Rounds = Generator[Round, Rows, list[Any]]


def side_by_side(scripts: Sequence[Script[Any]]) -> Rounds:
    """Run all of them; returns what each returns, in their order."""
    results: list[Any] = [None] * len(scripts)
    together: list[tuple[int, Script[Any], str]] = []
    for n, script in enumerate(scripts):
        key = script.key if isinstance(script, Restartable) else ""
        together.append((n, script, key))
        if not key:
            yield from _Lanes(together[:-1], results).run()
            yield from _Lanes(together[-1:], results).run()
            together = []
    if together:
        yield from _Lanes(together, results).run()
    return results


class _Lane:
    """The scripts of one key, and the one that runs."""

    __slots__ = ("_at", "_just_read", "_proofs", "_results", "_steps", "_waiting", "is_alone")

    def __init__(self, results: list[Any], key: str) -> None:
        self.is_alone = not key
        self._just_read: tuple[Ask, list[Row]] | None = None
        self._proofs: list[tuple[int, Proof]] = []
        """What scripts prove, each with the script's number."""
        self._waiting: deque[tuple[int, Script[Any]]] = deque()
        self._steps: Script[Any] | None = None
        self._at = 0
        self._results = results

    def add(self, n: int, script: Script[Any]) -> None:
        self._waiting.append((n, script))
        if isinstance(script, Restartable) and script.proves:
            self._proofs.append((n, script.proves))

    def send(self, rows: list[Row]) -> Ask | None:
        """Give the running script its rows; what this lane asks next, None at its end."""
        answer: list[Row] | None = rows
        while True:
            if self._steps is None:
                if not self._waiting:
                    return None
                self._at, script = self._waiting.popleft()
                self._steps, answer = iter(script), None
            try:
                return next(self._steps) if answer is None else self._steps.send(answer)
            except StopIteration as stop:
                self._results[self._at] = stop.value
                self._steps = None

    def told(self, ask: Ask, rows: list[Row]) -> None:
        """What was asked has these rows."""
        is_known = shape(ask.statement).is_read and not self.is_alone
        self._just_read = (ask, rows) if is_known else None

    def knows(self, ask: Ask) -> list[Row] | None:
        """The rows, where what was last read is asked again, or is proved by one behind it."""
        if self._just_read and self._just_read[0] == ask:
            return self._just_read[1]
        proofs = (proof for n, proof in self._proofs if n > self._at)
        return next((rows for proved, rows in proofs if proved == ask), None)

    def adds(self, statement: Statement) -> None:
        """It adds a row; what it has read of that table may have changed."""
        if self._just_read:
            read = shape(self._just_read[0].statement)
            if not read.tables.isdisjoint(shape(statement).tables):
                self._just_read = None


class _Lanes:
    """Lanes that run side by side, what they ask for, and what is still to be added."""

    def __init__(self, scripts: Iterable[tuple[int, Script[Any], str]], results: list[Any]) -> None:
        self._lanes: dict[str, _Lane] = {}
        for n, script, key in scripts:
            if key not in self._lanes:
                self._lanes[key] = _Lane(results, key)
            self._lanes[key].add(n, script)
        self._asked: dict[tuple[str, Statement], list[tuple[_Lane, Ask]]] = {}
        self._added: dict[str, dict[Statement, list[Params]]] = {}
        """By tenant."""
        self._adding: dict[str, dict[_Lane, frozenset[str]]] = {}
        """By tenant: to which tables each lane adds."""
        self._tenant: str | None = None

    def run(self) -> Rounds:
        """All of them, to the end."""
        for lane in self._lanes.values():
            self._go_on(lane, [])
        while self._asked:
            tenant, statement = min(self._asked, key=self._rank)
            asked = self._asked.pop((tenant, statement))
            yield from self._add_for(self._hides(tenant, statement, asked))
            found = yield self._round(tenant, statement, [ask.params for _, ask in asked])
            for (lane, ask), rows in zip(asked, found, strict=True):
                lane.told(ask, rows)
                self._go_on(lane, rows)
        yield from self._add_for(sorted(self._added, key=lambda tenant: tenant != self._tenant))
        return []

    def _go_on(self, lane: _Lane, rows: list[Row]) -> None:
        while ask := lane.send(rows):
            tenant, statement = str(ask.params.get("tenant", "")), ask.statement
            what = shape(statement)
            if what.is_silent:
                lane.adds(statement)
                self._added.setdefault(tenant, {}).setdefault(statement, []).append(ask.params)
                adding = self._adding.setdefault(tenant, {})
                adding[lane] = adding.get(lane, frozenset()) | what.tables
                rows = []
            elif (known := lane.knows(ask)) is not None:
                rows = known
            else:
                self._asked.setdefault((tenant, statement), []).append((lane, ask))
                return

    def _rank(self, of: tuple[str, Statement]) -> tuple[bool, bool, int]:
        """First what needs no other wall, then what need not add rows first, then the most."""
        asked = self._asked[of]
        return of[0] != self._tenant, bool(self._hides(*of, asked)), -len(asked)

    def _hides(
        self, tenant: str, statement: Statement, asked: Sequence[tuple[_Lane, Ask]]
    ) -> list[str]:
        """Of which tenants rows are still to be added that whoever asks this might see."""
        tables = shape(statement).tables
        return [
            whose
            for whose, adding in self._adding.items()
            if (not tenant or whose in ("", tenant))
            and any(not tables.isdisjoint(adding.get(lane, ())) for lane, _ in asked)
        ]

    def _add_for(self, tenants: Iterable[str]) -> Generator[Round, Rows, None]:
        """Add all that waits to be added for these tenants."""
        for tenant in tenants:
            (statement, params), *also = self._added.pop(tenant).items()
            del self._adding[tenant]
            yield self._round(tenant, statement, params, also)

    def _round(
        self,
        tenant: str,
        statement: Statement,
        params: Sequence[Params],
        also: Sequence[tuple[Statement, Sequence[Params]]] = (),
    ) -> Round:
        self._tenant = tenant
        return Round(tenant, statement, params, also)
