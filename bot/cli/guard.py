"""The outer door of the command line: every error becomes a sentence and an exit code.

What a person or an operator can mend is told to them. What only we can mend goes whole into a file,
and the person is told its name.
"""

import errno
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

from bot.cli.client import Refused
from bot.cli.shell import Shell
from bot.core.errors import BotError, DeveloperError
from bot.infra.clock import SystemClock

FAULT = 70
INTERRUPTED = 130


def guarded(shell: Shell, act: Callable[[], int]) -> int:
    """Do it and return the exit code, whatever happens."""
    try:
        return act()
    except DeveloperError:
        return _fault(shell)
    except Refused as error:
        shell.terminal.fail(error.message, error.code)
        return 1
    except BotError as error:
        shell.terminal.fail(error.message, type(error).__name__.lower())
        code: object = getattr(error, "exit_code", 1)
        return code if isinstance(code, int) else 1
    except KeyboardInterrupt:
        shell.terminal.progress("")
        return INTERRUPTED
    except EOFError:  # Ctrl-D at a question
        shell.terminal.fail("The input ended before all was said, so this was not done.", "ended")
        return 1
    except BrokenPipeError:
        # Whoever read our lines has gone; without this Python complains once more at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        if not error.strerror:
            return _fault(shell)
        shell.terminal.fail(_refused(error), "system")
        return 1
    except Exception as error:  # noqa: BLE001 - the outer door; all of it goes into the file
        return _unforeseen(shell, error)


def _refused(error: OSError) -> str:
    where = f"{error.filename}: " if error.filename else ""
    said = f"{where}{error.strerror}."
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        said += " Make room, then try again. "
        said += "`bot doctor` says how much the house has left."
    if isinstance(error, PermissionError) and where:
        path = Path(str(error.filename)).absolute()
        shut = next((p for p in reversed(path.parents) if not os.access(p, os.X_OK)), path)
        if owner := _other(shut):
            said += f" {shut} belongs to {owner}: run this as that user, or set BOT_HOME to a "
            said += "folder of your own."
    return said


def _other(path: Path) -> str:
    """Whose it is; empty where it is our own, or nobody can tell."""
    try:
        return "" if path.stat().st_uid == os.geteuid() else path.owner()
    except KeyError:
        return "another user"
    except OSError:
        return ""


def _unforeseen(shell: Shell, error: Exception) -> int:
    if isinstance(error, UnicodeEncodeError) and error.reason == "surrogates not allowed":
        shell.terminal.fail("What you wrote holds bytes that are no UTF-8 text.", "invalid")
        return 1
    return _fault(shell)


def _fault(shell: Shell) -> int:
    name = SystemClock().chance(4).hex()
    story = traceback.format_exc()
    file = _write(shell.home / "logs", name, story) or _write(
        Path(tempfile.gettempdir()), name, story
    )
    where = f"The whole story is in {file}." if file else "It could not be written down."
    shell.terminal.fail(
        f"Something is wrong in this program itself (fault {name}). {where} "
        "Please report it with that file.",
        "fault",
    )
    return FAULT


def _write(folder: Path, name: str, story: str) -> Path | None:
    file = folder / f"fault-{name}.txt"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
            out.write(story)
    except OSError:
        return None
    return file
