"""The words after a verb: what argparse finds wrong with them, in a sentence with the mend.

Imports nothing but argparse, so that `bot --help` stays quick.
"""

import re
from argparse import ArgumentParser
from difflib import get_close_matches
from typing import NoReturn

_CHOICE = re.compile(r"argument (?:.*/)?(\S+): invalid choice: '(.*)' \(choose from (.*)\)", re.S)
_STRANGE = re.compile(r"unrecognized arguments: (\S+)")
_MISSING = re.compile(r"the following arguments are required: (.*)")
_OPTION = re.compile(r"--[a-z-]+")


class Words(ArgumentParser):
    """A parser whose complaints name the nearest right word. Its subparsers are such as well."""

    def error(self, message: str) -> NoReturn:
        """Say it after the usage, and end with 2."""
        self.exit(2, f"{self.format_usage()}{self._in_words(message)}\n")

    def _in_words(self, message: str) -> str:
        if found := _CHOICE.fullmatch(message):
            what, said, listed = found.groups()
            there = [word.strip("'") for word in listed.split(", ")]
            near = get_close_matches(said, there, n=1)
            mend = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(there)}."
            name = what if what.startswith("-") else what.lower()
            return f"{said} is no {name} of `{self.prog}`. {mend}"
        if found := _STRANGE.match(message):
            near = get_close_matches(found[1], set(_OPTION.findall(self.format_usage())), n=1)
            mend = f"Did you mean {near[0]}?" if near else "`--help` lists what it takes."
            return f"`{self.prog}` takes no {found[1]}. {mend}"
        if found := _MISSING.fullmatch(message):
            return f"`{self.prog}` wants {found[1]} as well. `--help` says more."
        return f"{message[:1].upper()}{message[1:]}. `--help` says more."
