"""What a conversation looks like in a terminal while it happens.

`Talk` is told each event by the feed's thread and writes it; the main thread sends, and waits here
until its turn is over. The draft of an answer appears as it grows; the stored line that follows is
compared with what stands there, so that no word is missing and none is written twice.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Condition

from bot.cli.card import card, outcome
from bot.cli.growing import Growing
from bot.cli.keyboard import Lines
from bot.cli.record import Record
from bot.cli.terminal import Terminal, clean, reveal
from bot.render.dialects.terminal import Screen

_SEEN = 500
Look = Callable[[str], Record | None]
"""An approval as the house has it now; None where it cannot be had."""


class Talk:
    """One conversation on one screen."""

    def __init__(self, terminal: Terminal, lines: Lines, look: Look, base: str = "") -> None:
        """`look` fetches an approval; `base`: the house's address, for links to its own pages."""
        self._terminal = terminal
        self._look = look
        self._screen = Screen(lambda words: terminal.style(words, "bold"))
        self._base = base
        self._lines = lines
        self._changed = Condition()
        self._seen: dict[str, None] = {}
        self._drafting = ""
        self._drafted = ""
        self._growing = self._begun()
        self._is_typing = False
        self._held: list[tuple[str, Record]] | None = None
        self._current = ""
        self._ended: dict[str, None] = {}
        self._told: dict[str, None] = {}
        self._settled: dict[str, None] = {}
        self._waits_for = ""
        self._is_over = True
        self._takers: Mapping[str, Callable[[Record], None]] = {
            "draft": self._draft,
            "reset": self._reset,
            "message": self._message,
            "activity": lambda data: self._activity(data.text("text")),
            "approval": self._approval,
            "error": self._error,
            "state": self._state,
            "lost": lambda _: self._activity("connection lost; waiting for Switchboard…"),
            "back": lambda _: self._activity(""),
            "gone": self._go,
        }
        self.asked: list[str] = []
        """Approvals that wait for this person, oldest first."""
        self.failed = False
        """The last turn ended with an error."""
        self.gone = ""
        """Why there is nothing more to follow."""
        self.position = 0
        """The number of the last line."""

    def expect(self, turn: str) -> None:
        """From now on this turn is waited for; empty stands for whatever answer comes next.

        It may have ended already: the feed is sometimes faster than the answer to a message.
        """
        with self._changed:
            self._waits_for, self._is_over = turn, turn in self._ended
            self.failed = self.failed and self._is_over

    def answered(self, turn: str, text: str) -> None:
        """The answer of a turn came at once; the feed may bring the same as a line."""
        with self._changed:
            if turn not in self._ended:
                self._write(self._read(text))
            self._keep(self._told, turn)
            self._is_over, self.failed = True, False

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the turn is over; False when the time ran out."""
        with self._changed:
            return self._changed.wait_for(lambda: self._is_over or bool(self.gone), seconds)

    def typing(self, is_typing: bool) -> None:
        """The person has the line: nothing may be written into it."""
        with self._changed:
            self._is_typing = is_typing

    @contextmanager
    def hush(self) -> Iterator[None]:
        """Write nothing for a while: a person reads a card. What comes is written afterwards."""
        with self._changed:
            self._held = []
        try:
            yield
        finally:
            with self._changed:
                held, self._held = self._held or [], None
                for name, data in held:
                    self._take(name, data)

    def settled(self, approval: str) -> None:
        """It was decided at this terminal, which has said so."""
        with self._changed:
            self._keep(self._settled, approval)

    def __call__(self, name: str, data: Record) -> None:
        """Take one event of the feed."""
        with self._changed:
            if self._held is None:
                self._take(name, data)
                return
            self._held.append((name, data))
            if name == "approval" and self._lines.waits:
                self._outcome(data)  # of the card that is being read, perhaps

    def _take(self, name: str, data: Record) -> None:
        self._terminal.event(name, data)
        if (take := self._takers.get(name)) is not None:
            take(data)
        self._changed.notify_all()

    def past(self, line: Record) -> None:
        """Write a line of the history."""
        with self._changed:
            self._remember(line)
            if line.text("role") == "user":
                self._write(self._said(line))
            else:
                self._write(self._whose(line) + self._read(line.text("text")))

    def _draft(self, data: Record) -> None:
        if self._is_typing or self._terminal.as_json or not self._terminal.is_live:
            return  # the whole line comes when it is stored
        if self._drafting != data.text("turn"):
            self._end_draft()
            self._drafting = data.text("turn")
            self._terminal.progress("")
            self._put(self._label(data.text("agent", " ")))
        delta = clean(data.text("delta"))
        self._drafted += delta
        self._put(self._growing.more(delta))

    def _reset(self, data: Record) -> None:
        if self._drafting == data.text("turn"):
            self._end_draft()
            self._write(self._terminal.style("… that answer begins again", "dim"))

    def _message(self, line: Record) -> None:
        if line.text("id") in self._seen:
            return
        self._remember(line)
        if line.text("role") == "user":
            self._current = line.text("turn")
            if self._is_typing:  # it was said elsewhere
                self._write(self._said(line))
            return
        if line.text("turn") in self._told:
            return
        text = line.text("text")
        if self._drafting and self._drafting == line.text("turn"):
            self._finish_draft(clean(text))
        else:
            self._end_draft()
            self._write(self._whose(line) + self._read(text))
        if footer := line.text("footer"):
            self._write(self._terminal.style(f"  {clean(footer)}", "dim"))
        if approval := line.text("approval"):
            self._ask(approval)
        elif line.text("cause"):
            self._fail(line)
        self._end(line.text("turn"))

    def _finish_draft(self, text: str) -> None:
        if text.startswith(self._drafted):
            self._end_draft(text[len(self._drafted) :])
        else:
            self._end_draft()
            self._write(self._read(text))

    def _end_draft(self, rest: str = "") -> None:
        if self._drafting:
            self._put(self._growing.rest(rest) + "\n")
        self._drafting = self._drafted = ""
        self._growing = self._begun()

    def _begun(self) -> Growing:
        return Growing(self._screen, self._base)

    def _read(self, text: str) -> str:
        """A whole answer, as it looks once it has grown."""
        return self._begun().rest(clean(text))

    def _activity(self, text: str) -> None:
        if not self._drafting and not self._is_typing:
            self._terminal.progress(f"  · {clean(text)}" if text else "")

    def _approval(self, data: Record) -> None:
        if data.text("state") == "pending":
            self._ask(data.text("id"))
            return
        if data.text("id") in self.asked:
            self.asked.remove(data.text("id"))
        self._outcome(data)

    def _ask(self, approval: str) -> None:
        """Keep a question; one that comes while the person types is shown above their line."""
        if approval in self.asked:
            return
        self.asked.append(approval)
        if not self._is_typing:
            return
        found = self._look(approval)
        lines = card(self._terminal, found) if found else ["A question waits for you."]
        self._write("\n".join([*lines, "  Press Enter to answer it."]))

    def _outcome(self, data: Record) -> None:
        """Say once what became of a question that was decided elsewhere."""
        name = data.text("id")
        if data.text("state") == "pending" or name in self._settled or not self._terminal.is_live:
            return
        self._keep(self._settled, name)
        found = self._look(name)
        if found is None or found.text("state") == "pending":
            return
        shown = found.record("shown")
        words = f"{reveal(shown.text('title'))} ({found.text('code')}): {outcome(found)}"
        self._lines.above(self._terminal.style(words, "bold"))

    def _error(self, data: Record) -> None:
        self._end_draft()
        self._write(self._terminal.style(clean(data.text("message")), "red"))
        self._fail(data)
        self._end(data.text("turn") or self._current)

    def _fail(self, data: Record) -> None:
        """The turn failed: say what mends it, where that can be done here."""
        if "key" in data.record("action").text("href"):
            self._write("Paste a model's key with /key.")
        self.failed = True

    def _go(self, data: Record) -> None:
        self.gone = data.text("message") or "The conversation is not there any more."

    def _state(self, data: Record) -> None:
        if data.text("state") == "idle" and self._current:
            self._is_over = self._is_over or self._current == self._waits_for
            self._keep(self._ended, self._current)

    def _end(self, turn: str) -> None:
        self._keep(self._ended, turn)
        self._is_over = self._is_over or self._waits_for in ("", turn)

    def _keep(self, kept: dict[str, None], name: str) -> None:
        kept[name] = None
        if len(kept) > _SEEN:
            del kept[next(iter(kept))]

    def _remember(self, line: Record) -> None:
        self._keep(self._seen, line.text("id"))
        self.position = max(self.position, line.number("n"))

    def _label(self, agent: str) -> str:
        name = clean(agent) or "Switchboard"
        return self._terminal.style(f"{name} › ".lstrip(), "cyan", "bold")

    def _said(self, line: Record) -> str:
        return self._terminal.style(f"you › {clean(line.text('text'))}", "dim")

    def _whose(self, line: Record) -> str:
        """Who says a stored line: what the house says of a turn is not the agent's."""
        return self._label("" if line.text("role") == "system" else line.text("agent"))

    def _put(self, text: str) -> None:
        if not self._terminal.as_json:
            print(text, end="", file=self._terminal.out, flush=True)

    def _write(self, text: str) -> None:
        if self._terminal.as_json:
            return
        self._terminal.progress("")
        if self._is_typing:
            self._lines.above(text)
        else:
            self._terminal.say(text)
