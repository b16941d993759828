"""What a platform is to be told: from the words of the command, a pipe, or the keyboard.

Where a platform can be connected in several ways, one is chosen first and only what it takes is
asked for. A secret never stands on a command line, where others on the machine could read it.
"""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from pathlib import Path

from bot.cli.keyboard import Lines
from bot.cli.record import Record
from bot.cli.shell import Shell
from bot.cli.terminal import clean
from bot.core.errors import Invalid

Options = dict[str, str]
MOST = 100_000
"""Characters of what is piped in, or of one file."""
TRIES = 3


def declare(parser: ArgumentParser) -> None:
    """The words that say what it is told."""
    parser.add_argument("--by", default="", metavar="WAY", help="which way, such as a carrier")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="say one thing of it"
    )
    parser.add_argument(
        "--set-file", action="append", default=[], metavar="NAME=FILE", help="a secret, from a file"
    )
    parser.add_argument("--all", action="store_true", help="ask for everything, however rare")
    parser.add_argument("--stdin", action="store_true", help="read what it wants as JSON")


def gather(shell: Shell, args: Namespace, wanted: Record, page: str) -> Options:
    """All that is told; `page` is where it stands. Raises Invalid: what is wrong or missing."""
    told = _of_words(args, wanted)
    ways = _ways(wanted, [part.strip() for part in args.by.split(",") if part.strip()])
    if args.stdin or not (told or args.by or sys.stdin.isatty()):
        return {**_piped(_needs(wanted, ways)), **told}
    if sys.stdin.isatty():
        shell.terminal.say(f"{page} says where each of these is found.")
        _ask(shell, args, wanted, (ways, told))
    missing = [name for name in _needs(wanted, ways) if name not in told]
    if missing:
        raise Invalid(f"Still needed: {', '.join(missing)}. Give them with --set or --set-file.")
    return told


def _of_words(args: Namespace, wanted: Record) -> Options:
    """`--set` and `--set-file`."""
    wants = {want.text("name"): want for want in wanted.records("wants")}
    told: Options = {}
    for word, is_file in [(w, False) for w in args.set] + [(w, True) for w in args.set_file]:
        name, has_value, value = word.partition("=")
        if name not in wants or not has_value:
            raise Invalid(f"{clean(name)} is nothing that it takes. There are: {', '.join(wants)}.")
        if wants[name].flag("secret") and not is_file:
            raise Invalid(
                f"{name} is a secret, and others can read a command line. Give it from a file with "
                f"--set-file {name}=FILE, or leave it out and be asked for it."
            )
        told[name] = _read(value) if is_file else value
    return told


def _read(path: str) -> str:
    try:
        with Path(path).open(encoding="utf-8") as file:
            return file.read(MOST).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} cannot be read.") from error


def _piped(needs: Sequence[str]) -> Options:
    """`{"name": "value"}` as JSON from a pipe."""
    try:
        told = json.loads(sys.stdin.read(MOST))
    except ValueError:
        told = None
    if not isinstance(told, dict):
        shape = json.dumps(dict.fromkeys(needs or ("token",), "…"), ensure_ascii=False)
        raise Invalid(f"Nobody can be asked here. Pipe its answers in as JSON, such as {shape}.")
    return {str(name): value for name, value in told.items()}


def _ways(wanted: Record, named: Sequence[str]) -> list[Record]:
    """The ways of these names. Raises Invalid for one that there is not."""
    there = {way.text("name"): way for way in wanted.records("ways")}
    if strange := [name for name in named if name not in there]:
        known = ", ".join(there) or "only one"
        raise Invalid(f"There is no way {clean(strange[0])}. There are: {known}.")
    return [there[name] for name in named]


def _needs(wanted: Record, ways: Sequence[Record]) -> list[str]:
    always = [want.text("name") for want in wanted.records("wants") if want.flag("needed")]
    return list(dict.fromkeys([*always, *(name for way in ways for name in way.texts("needs"))]))


def _ask(
    shell: Shell, args: Namespace, wanted: Record, known: tuple[list[Record], Options]
) -> None:
    """Ask for what is not known yet, and put it there.

    Who says something on the command line is asked only for what is needed besides.
    """
    ways, told = known
    is_brief = bool(told)
    lines = Lines()
    try:
        if not ways and not told and not args.all and wanted.records("ways"):
            ways += _choose(shell, lines, wanted)
        needs = _needs(wanted, ways)
        groups = _groups(wanted, ways, is_all=args.all)
        wants = {want.text("name"): want for want in wanted.records("wants")}
        for group in groups:
            for name in group:
                if name not in told and (not is_brief or name in needs):
                    _one(lines, wants[name], told, is_needed=name in needs)
                if name == group[0] and name not in told:
                    break  # the rest goes with it
    finally:
        lines.close()


def _groups(wanted: Record, ways: Sequence[Record], *, is_all: bool) -> list[list[str]]:
    """What is asked, in order; each name once."""
    every = [[want.text("name")] for want in wanted.records("wants")]
    if is_all or not ways:
        return every
    found: list[list[str]] = []
    seen: set[str] = set()
    for way in ways:
        for group in way.lists("asks"):
            if names := [name for name in group if name not in seen]:
                found.append(names)
                seen.update(names)
    return found


def _choose(shell: Shell, lines: Lines, wanted: Record) -> list[Record]:
    """Which way, by its number or its name; several with commas."""
    ways = wanted.records("ways")
    for n, way in enumerate(ways, 1):
        shell.terminal.say(f"  {n}  {way.text('name')}: {clean(way.text('title'))}")
    numbered = {str(n): way.text("name") for n, way in enumerate(ways, 1)}
    for left in reversed(range(TRIES)):
        said = lines.answer("Which one? (several with commas) ")
        names = [part.strip().lower() for part in said.split(",") if part.strip()]
        try:
            if found := _ways(wanted, [numbered.get(name, name) for name in names]):
                return found
        except Invalid as error:
            if not left:
                raise
            shell.terminal.say(error.message)
    raise Invalid("Choose one of them, by its number or its name.")


def _one(lines: Lines, want: Record, told: Options, *, is_needed: bool) -> None:
    """Ask for one thing."""
    name, about = want.text("name"), clean(want.text("about"))
    note = "" if is_needed else " (Enter leaves it out)"
    ask = lines.secret if want.flag("secret") else lines.answer
    text, begins = ask(f"{name}: {about}{note} ").strip(), clean(want.text("begins"))
    for _ in range(TRIES):
        if not text or text.startswith(begins):
            break
        text = ask(f"{name} has to begin with {begins} Paste it again: ").strip()
    if text:
        told[name] = text
    elif is_needed:
        raise Invalid(f"{name} is needed. Begin again when you have it.")
