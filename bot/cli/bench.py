"""`bot bench`: hands over to `bench/`, which exists in a checkout only."""

import subprocess
import sys
from argparse import REMAINDER, ArgumentParser, Namespace
from importlib.util import find_spec
from pathlib import Path

from bot.cli.shell import Shell
from bot.core.errors import OperatorError


def bench(_: Shell, args: Namespace) -> int:
    """Run the benchmarks with these words."""
    root = Path(__file__).parents[2]
    if not (root / "bench" / "__main__.py").is_file():
        raise OperatorError("The benchmarks are part of the checkout, not of the installation.")
    if find_spec("pytest") is None:  # what it plays vendors with
        raise OperatorError(f"The benchmarks need the tests' packages: make -C {root} setup-dev")
    command = [sys.executable, "-m", "bench", *args.words]
    return subprocess.run(command, cwd=root).returncode  # noqa: S603 - our own program


def _declare(parser: ArgumentParser) -> None:
    parser.add_argument("words", nargs=REMAINDER, help="words for the benchmarks")
    parser.set_defaults(act=bench)


VERBS = {"bench": _declare}
