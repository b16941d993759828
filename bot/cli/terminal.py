"""What a verb writes: lines for people, JSON for programs, colours only where they are welcome.

Text from models, people and the web may hold codes that move the cursor, hide words or rename the
window; none of them reaches a terminal. On an approval even invisible characters are shown.
"""

import json
import re
import shutil
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from math import floor, log10
from typing import TextIO

from bot.cli.record import Record
from bot.command import runnable
from bot.render.text import straight, visible

_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
_CONTROL = re.compile(
    r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)


def clean(text: str) -> str:
    """Text without anything that a terminal would obey; what turns its order around written out."""
    return straight(_CONTROL.sub("", text.replace("\r\n", "\n")))


def reveal(text: str) -> str:
    """Text in which every invisible character is written out, as an approval must show it."""
    return visible(text)


def one_line(text: str, width: int = 72) -> str:
    """The beginning of a text on one line."""
    flat = " ".join(visible(clean(text)).split())
    return flat if len(flat) <= width else f"{flat[: width - 1]}…"


def when(iso: str) -> str:
    """A time of the API, in the zone of this machine: `21 Nov 10:12`."""
    try:
        at = datetime.fromisoformat(iso)
    except ValueError:
        return clean(iso)
    here = at.replace(tzinfo=at.tzinfo or UTC).astimezone()
    return (
        f"{here:%H:%M}"
        if here.date() == datetime.now(UTC).astimezone().date()
        else (
            f"{here.day} {here:%b %H:%M}"
            if here.year == datetime.now(UTC).year
            else f"{here:%Y-%m-%d}"
        )
    )


def money(micros: int) -> str:
    """Millionths of a dollar as people write them; a small sum keeps two digits."""
    dollars = micros / 1_000_000
    if dollars == 0 or dollars >= 0.01:
        return f"${dollars:.2f}"
    return f"${dollars:.{1 - floor(log10(dollars))}f}".rstrip("0")


def count(number: int, one: str, many: str = "") -> str:
    """`1 approval`, `2 approvals`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


class Terminal:
    """Where a verb writes."""

    def __init__(
        self, *, as_json: bool = False, colour: bool = False, out: TextIO | None = None
    ) -> None:
        self.as_json = as_json
        self.out = out or sys.stdout
        self.is_live = self.out.isatty() and not as_json
        """Somebody looks on: progress and prompts make sense."""
        self._has_colour = colour and self.is_live

    def style(self, text: str, *names: str) -> str:
        """Text in a colour, where there are colours."""
        if not self._has_colour or not text:
            return text
        return f"\x1b[{';'.join(_CODES[name] for name in names)}m{text}\x1b[0m"

    def say(self, text: str = "") -> None:
        """One line for a person; programs that asked for JSON do not see it."""
        if not self.as_json:
            print(text, file=self.out, flush=True)

    def show(self, answer: object, lines: Iterable[str]) -> None:
        """The answer as JSON, or as these lines."""
        if self.as_json:
            print(_json(answer, indent=2), file=self.out, flush=True)
            return
        for line in lines:
            self.say(line)

    def aside(self, text: str) -> None:
        """A line for a person beside what is to be copied; on standard error."""
        if not self.as_json:
            print(text, file=sys.stderr, flush=True)

    def event(self, name: str, answer: object) -> None:
        """One thing of a running story, as one line of JSON."""
        if self.as_json:
            print(_json({"event": name, "data": answer}), file=self.out, flush=True)

    def table(self, head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
        """Columns as wide as they must be; the last one gives way to the width of the window."""
        cells = [[one_line(cell, 200) for cell in row] for row in rows]
        widths = [max(len(row[n]) for row in (head, *cells)) for n in range(len(head))]
        lines = [self.style(_row(head, widths), "dim"), *(_row(row, widths) for row in cells)]
        room = shutil.get_terminal_size().columns if self.is_live else 0
        return [line if not room or len(line) <= room else f"{line[: room - 1]}…" for line in lines]

    def progress(self, text: str) -> None:
        """What is going on, on a line that the next one replaces; only where somebody looks on."""
        if self.is_live:
            print(f"\r\x1b[K{self.style(text, 'dim')}", end="", file=self.out, flush=True)

    def fail(self, message: str, code: str = "failed") -> None:
        """Say what went wrong: JSON where it was asked for, else a sentence on standard error."""
        if self.as_json:
            self.show({"error": {"code": code, "message": message}}, ())
        else:
            self.progress("")
            print(runnable(clean(message)), file=sys.stderr, flush=True)


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _json(answer: object, indent: int | None = None) -> str:
    return json.dumps(answer, ensure_ascii=False, indent=indent, default=_raw)


def _raw(answer: object) -> object:
    if isinstance(answer, Record):
        return answer.raw
    raise TypeError(f"{type(answer).__name__} is no answer of the API.")
