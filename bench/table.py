"""A row of the table: ours beside the floors, the ratio, the goal, and whether it is met."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One measured thing; an empty cell was not measured."""

    what: str
    ours: str
    plain: str = ""
    """Floor F."""
    litellm: str = ""
    """Floor L."""
    ratio: str = ""
    goal: str = ""
    ok: bool | None = None
    """None where nothing is promised."""


HEAD = Row(what="", ours="ours", plain="F", litellm="L", ratio="ratio", goal="goal")


def cells(row: Row) -> tuple[str, ...]:
    """A row as it is printed."""
    mark = {True: "✓", False: "✗", None: ""}[row.ok]
    return (row.what, row.ours, row.plain, row.litellm, row.ratio, row.goal, mark)


def render(title: str, command: str, rows: Sequence[Row]) -> str:
    """A table with its title and the command that made it."""
    lines = [cells(row) for row in (HEAD, *rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(lines[0]))]
    body = []
    for line in lines:
        first, *rest = (
            cell.ljust(width) if n in (0, 5, 6) else cell.rjust(width)
            for n, (cell, width) in enumerate(zip(line, widths, strict=True))
        )
        body.append(f"  {first}  " + "  ".join(rest).rstrip())
    return "\n".join((f"\n{title}", f"  $ {command}", *body))


def at_most(value: float, limit: float) -> bool:
    """Whether a goal of this kind is met, at the precision that is shown."""
    return value <= limit * 1.0005


def paced(limit: float, pace: float) -> str:
    """An absolute goal, at the pace of this machine."""
    return f"≤ {limit:g} × {pace:.2f}"


def times(value: float, floor: float, name: str) -> str:
    """How often the floor goes into it."""
    return f"{value / floor:.2f} × {name}" if floor else ""
