"""`bot audit`: the book that nobody edits: read it, prove it, take it out."""

from argparse import ArgumentParser, Namespace
from collections import deque
from pathlib import Path

from bot.cli.client import pages, path_of
from bot.cli.poured import pour
from bot.cli.shell import Shell
from bot.cli.terminal import count, when
from bot.cli.verb import Actions

LATEST = 50


def list_entries(shell: Shell, args: Namespace) -> int:
    """Name the latest entries."""
    with shell.client() as client:
        items = list(deque(pages(client, path_of("audit")), maxlen=args.limit))
    rows = [
        (when(e.text("at")), e.text("actor"), e.text("action"), e.text("target")) for e in items
    ]
    lines = shell.terminal.table(("at", "who", "did", "to what"), rows)
    shell.terminal.show({"items": items}, lines if rows else ["The book is empty."])
    return 0


def verify(shell: Shell, _: Namespace) -> int:
    """Prove that nothing was changed, left out or put in between."""
    with shell.client() as client:
        shell.terminal.progress("reading the book…")
        answer = client.call("GET", path_of("audit", "verify"))
    shell.terminal.progress("")
    entries = count(answer.number("rows"), "entry", "entries")
    problems = answer.texts("problems")
    good = [f"The book is whole: {entries}."]
    shell.terminal.show(answer, good if answer.flag("ok") else [f"In {entries}:", *problems])
    return 0 if answer.flag("ok") else 1


def export(shell: Shell, args: Namespace) -> int:
    """Write the whole book, a JSON object a line."""
    return pour(shell, "audit", args.file, ("entry", "entries"))


def _declare(parser: ArgumentParser) -> None:
    actions = Actions(parser)
    every = actions.add("list", list_entries, "the latest entries")
    every.add_argument("--limit", type=int, default=LATEST, metavar="N")
    parser.set_defaults(limit=LATEST)
    actions.add("verify", verify, "prove that nothing was changed")
    taken = actions.add("export", export, "write it out, a JSON object a line")
    taken.add_argument(
        "file", type=Path, nargs="?", metavar="FILE", help="standard output if not said"
    )


VERBS = {"audit": _declare}
