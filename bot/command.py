"""How the command is called here: `bot`, or by its path where that word leads nowhere.

`make run` starts the launcher of a checkout, `.venv/bin/bot`, which is on nobody's PATH unless they
put it there. It is known by the `-P` that `.ci/install.py` writes into it.
"""

import re
import shutil
import sys
from functools import cache
from pathlib import Path

COMMAND = re.compile(r"(?:^|(?<=`)|(?<=: )|(?<=\()|(?<=&& )|(?<=\d ))bot(?= [a-z])")
"""The command in words of our own; `the bot is …` is none."""


def runnable(text: str) -> str:
    """A hint in which each `bot VERB`, and a `pip install` for it, can be run as it stands."""
    name = _name()
    if name == "bot":
        return text
    pip = f"pip --python {name.removesuffix('bot')}python install"  # there is no pip beside it
    return COMMAND.sub(name, text).replace("pip install", pip)


@cache
def _name() -> str:
    launcher = Path(__file__).resolve().parent.parent / ".venv" / "bin" / "bot"
    if not sys.flags.safe_path or not launcher.is_file():
        return "bot"
    found = shutil.which("bot")
    if found and Path(found).resolve() == launcher.resolve():
        return "bot"
    here = Path.cwd()
    return str(launcher.relative_to(here) if launcher.is_relative_to(here) else launcher)
