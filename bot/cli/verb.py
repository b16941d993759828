"""How a verb is declared: the words it takes and the function that does it.

A file of verbs holds `VERBS`, which maps a verb's name to a function that declares its words on a
parser and sets `act`. Verbs with several actions (`bot routes add`) use `Actions`.
"""

from argparse import SUPPRESS, ArgumentParser, Namespace
from collections.abc import Callable

from bot.cli.shell import Shell

Act = Callable[[Shell, Namespace], int]
"""Does the verb and returns the exit code."""
Declare = Callable[[ArgumentParser], None]


def common(parser: ArgumentParser) -> None:
    """The words that every verb takes, on whichever side of its action they stand."""
    parser.add_argument("--json", action="store_true", default=SUPPRESS, help="answer in JSON")
    parser.add_argument("--config", metavar="FILE", default=SUPPRESS, help="settings' file")


class Actions:
    """The actions of one verb; the first one is done when none is named."""

    def __init__(self, parser: ArgumentParser) -> None:
        self._parser = parser
        self._adder = parser.add_subparsers(title="actions", metavar="ACTION")
        self._is_empty = True

    def add(self, name: str, act: Act, about: str) -> ArgumentParser:
        """Declare one action and return its parser for more words."""
        parser = self._adder.add_parser(name, help=about, description=about, allow_abbrev=False)
        common(parser)
        parser.set_defaults(act=act)
        if self._is_empty:
            self._parser.set_defaults(act=act)
        self._is_empty = False
        return parser
