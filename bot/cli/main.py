"""`bot VERB …`: finds the verb's file, runs it, and turns every error into a sentence.

`bot --help` and `bot --version` import little but this file and argparse; a verb's file is
imported when that verb is called. Exit codes: 0 done, 1 not done, 2 wrong words or settings, 3 port
taken, 4 already running, 70 a fault of this program, 130 interrupted.
"""

import gc
import sys
from argparse import SUPPRESS, ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, cast

from bot.cli.words import Words
from bot.command import runnable

if TYPE_CHECKING:
    from bot.cli.verb import Act, Declare

VERBS: Mapping[str, tuple[str, str]] = {
    "init": ("init", "make the home folder; paste a model's key, or skip it"),
    "run": ("run", "run the house"),
    "open": ("open", "open the page in a browser, signed in"),
    "login": ("open", "print a new sign-in link"),
    "chat": ("chat", "talk to the agents here"),
    "status": ("status", "is it running, what waits, what was spent"),
    "doctor": ("doctor", "what is wrong, and the command that mends it"),
    "approvals": ("approvals", "what waits for a yes; decide it"),
    "agents": ("agents", "who is on the team"),
    "routes": ("routes", "who answers where; try it out; change it"),
    "bulletins": ("bulletins", "which kind of message agents post where"),
    "policies": ("policies", "which tool runs unasked, asks, or is refused"),
    "connect": ("connect", "platforms where people talk, and our apps at services"),
    "connections": ("connections", "accounts at services: list, check, let go"),
    "sms": ("sms", "our phone numbers, their threads, what did not arrive"),
    "mail": ("mail", "what became of mail, and addresses that are closed"),
    "mcp": ("mcp", "MCP servers, and which of their tools agents may use"),
    "people": ("people", "who may come in"),
    "pair": ("people", "admit a stranger by the code they were told"),
    "tenants": ("people", "the walled parts of the house"),
    "token": ("keys", "tokens for programs that use the API"),
    "keys": ("keys", "models' keys, and the key that seals secrets"),
    "memory": ("memory", "what agents keep about you; old conversations"),
    "schedules": ("schedules", "what the clock will do"),
    "workflows": ("workflows", "publish workflows by their ids; run one"),
    "files": ("files", "what is kept here; put, get, link, remove"),
    "events": ("events", "what happened lately; what failed for good"),
    "trace": ("events", "the story of one event, step by step"),
    "feedback": ("feedback", "what people thought of answers"),
    "audit": ("audit", "the book that nobody edits"),
    "db": ("data", "the database: which revision, upgrade it"),
    "backup": ("data", "save everything into one file"),
    "restore": ("data", "bring a saved file back"),
    "new": ("new", "write a new agent, tool, channel, provider, webhook or job"),
    "bench": ("bench", "measure it"),
}
"""Verb → file in this folder, and what `bot --help` says of it."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code."""
    before, verb, after = _split(list(sys.argv[1:] if argv is None else argv))
    if verb == "help":  # `bot help connect`, as other programs take it
        verb, *after = [*after, "--help"] if after and after[0] != "help" else [""]
    parser = _parser()
    options = parser.parse_args(before)
    if "version" in options:
        from bot.version import version

        print(f"switchboard {version()}")
        return 0
    if not verb:
        parser.print_help()
        return 0
    if verb not in VERBS:
        return _unknown(verb)
    return _run(verb, [*before, *after], as_json="json" in options)


def _split(argv: list[str]) -> tuple[list[str], str, list[str]]:
    """The words before the verb, the verb, the words after it."""
    at = 0
    while at < len(argv) and argv[at].startswith("-"):
        at += 2 if argv[at] == "--config" else 1
    return argv[:at], argv[at] if at < len(argv) else "", argv[at + 1 :]


def _parser() -> ArgumentParser:
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {name.ljust(width)}  {about}" for name, (_, about) in VERBS.items())
    parser = Words(
        prog="bot",
        usage="bot [--config FILE] [--json] VERB …",
        description="Message your team's agents; nothing they do happens without your yes.",
        epilog=f"verbs:\n{verbs}\n\n{runnable('`bot help VERB` says more.')}",
        formatter_class=RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--config", metavar="FILE", default=SUPPRESS, help="settings' file")
    parser.add_argument("--json", action="store_true", default=SUPPRESS, help="answer in JSON")
    parser.add_argument("--version", action="store_true", default=SUPPRESS, help="print it")
    return parser


def _unknown(verb: str) -> int:
    from difflib import get_close_matches

    near = get_close_matches(verb, (*VERBS, "help"), n=1)
    mend = f"Did you mean `bot {near[0]}`?" if near else "`bot help` lists them."
    print(runnable(f"There is no verb {verb}. {mend}"), file=sys.stderr)
    return 2


def _run(verb: str, words: list[str], as_json: bool) -> int:
    gc.disable()  # all that loads stays: looking for what could be dropped is in vain
    module = import_module(f"bot.cli.{VERBS[verb][0]}")
    declare = cast("Declare", module.VERBS[verb])  # each file of verbs holds this mapping
    from bot.cli.guard import guarded
    from bot.cli.shell import Shell
    from bot.cli.verb import common

    gc.freeze()  # so that it is never looked through
    gc.enable()
    parser = Words(prog=f"bot {verb}", description=VERBS[verb][1], allow_abbrev=False)
    common(parser)
    declare(parser)
    words_read = parser.parse_args(words)
    shell = Shell(getattr(words_read, "config", None), as_json or "json" in words_read)
    act = cast("Act", words_read.act)  # set by `declare`
    return guarded(shell, lambda: act(shell, words_read))
