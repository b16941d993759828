"""`bot feedback`: what people thought of answers: the latest, or all of it, written out."""

from argparse import ArgumentParser, Namespace
from itertools import islice
from pathlib import Path

from bot.cli.client import pages, path_of
from bot.cli.poured import pour
from bot.cli.shell import Shell
from bot.cli.terminal import clean, when
from bot.cli.verb import Actions

LATEST = 50
_SHORT = 60


def list_opinions(shell: Shell, args: Namespace) -> int:
    """Name the latest opinions."""
    query = {"value": args.value} if args.value else {}
    with shell.client() as client:
        items = list(islice(pages(client, path_of("feedback"), **query), args.limit))
    rows = [
        (
            when(item.text("at")),
            item.text("value"),
            item.record("person").text("name"),
            item.text("agent"),
            item.text("model"),
            clean(" ".join((item.text("detail") or item.text("text")).split()))[:_SHORT],
        )
        for item in items
    ]
    lines = shell.terminal.table(("at", "rating", "by", "agent", "model", "words"), rows)
    shell.terminal.show({"items": items}, lines if rows else ["Nobody has rated an answer yet."])
    return 0


def export(shell: Shell, args: Namespace) -> int:
    """Write all opinions, a JSON object a line."""
    return pour(shell, "feedback", args.file, ("opinion", "opinions"))


def _declare(parser: ArgumentParser) -> None:
    actions = Actions(parser)
    every = actions.add("list", list_opinions, "the latest")
    every.add_argument("--limit", type=int, default=LATEST, metavar="N")
    every.add_argument("--value", choices=("up", "down"), default="", help="good or bad ones alone")
    parser.set_defaults(limit=LATEST, value="")
    taken = actions.add("export", export, "write all of it out, a JSON object a line")
    taken.add_argument(
        "file", type=Path, nargs="?", metavar="FILE", help="standard output if not said"
    )


VERBS = {"feedback": _declare}
