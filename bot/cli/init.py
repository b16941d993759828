"""`bot init`: the home folder, and at most one question: a model's key, which may be skipped."""

import sys
from argparse import ArgumentParser, Namespace

from bot.cli.keyboard import Lines
from bot.cli.keys import paste
from bot.cli.shell import Shell
from bot.command import runnable
from bot.core.secret import Secret

QUESTION = """\
Paste a key of OpenAI, Anthropic, Gemini, DeepSeek, OpenRouter or Cerebras (it is not shown),
or press Enter to try everything without one: """


def init(shell: Shell, args: Namespace) -> int:
    """Make what is missing; say what comes next."""
    home, terminal = shell.settings.home, shell.terminal
    is_new = not home.is_dir()
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    terminal.say(f"{'Made' if is_new else 'Found'} {home}.")
    model = shell.settings.models.default
    key = None if model or _has_key(shell) else _key(args)
    answer = None
    if key:
        with shell.client() as client:
            answer = paste(client, terminal, key)
    elif not model and not _has_key(shell):
        words = "Without a key the built-in offline model answers. Later: bot keys paste"
        terminal.say(runnable(words))
    is_running = shell.running() is not None
    told = {"home": str(home), "made": is_new, "running": is_running}
    next_ = "bot open" if is_running else "bot run"
    terminal.show(told | ({"key": answer.raw} if answer else {}), [runnable(f"Next: {next_}")])
    return 0


def _has_key(shell: Shell) -> bool:
    keys = shell.settings.keys
    return any(getattr(keys, name) for name in type(keys).model_fields)


def _key(args: Namespace) -> Secret | None:
    if args.stdin:
        return Secret(sys.stdin.readline().strip())
    if not sys.stdin.isatty():
        return None
    return Secret(Lines().secret(QUESTION))


def _declare(parser: ArgumentParser) -> None:
    parser.add_argument("--stdin", action="store_true", help="read the key from a pipe")
    parser.set_defaults(act=init)


VERBS = {"init": _declare}
