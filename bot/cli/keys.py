"""`bot token` and `bot keys`: what programs come in with, what models are paid with, what seals.

A key is read without being shown and never stands on a command line, where other users of the
machine could see it. It is tried before it is kept.
"""

import sys
from argparse import ArgumentParser, Namespace

from bot.cli.client import Client, path_of
from bot.cli.keyboard import Lines
from bot.cli.record import Record
from bot.cli.shell import Shell
from bot.cli.terminal import Terminal, clean, count, when
from bot.cli.verb import Actions
from bot.command import runnable
from bot.core.errors import Invalid
from bot.core.secret import Secret

SHOWN = 5
"""Models that are named after a key was taken; the rest is counted."""


def paste(client: Client, terminal: Terminal, key: Secret, model: str = "") -> Record:
    """Give the house a model's key. Raises Refused with the provider's own words."""
    ending = f" ending in {key.last4}" if key.last4 else ""
    terminal.progress(f"trying the key{ending}…")
    body = {"key": key.reveal(), "model": model} if model else {"key": key.reveal()}
    answer = client.call("POST", path_of("models", "key"), body)
    provider, models = clean(answer.text("provider")), answer.texts("models")
    others = [clean(name) for name in models if name != answer.text("model")]
    terminal.progress("")
    terminal.say(f"The {provider} key{ending} works. Answers now come from {answer.text('model')}.")
    if others:
        more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
        names = ", ".join(others[:SHOWN]) + more
        terminal.say(runnable(f"It also opens {names}: bot keys paste --model NAME"))
    return answer


def read_key(args: Namespace) -> Secret:
    """The key from the keyboard, unseen, or from a pipe. Raises Invalid when there is none."""
    is_piped = args.stdin or not sys.stdin.isatty()
    text = sys.stdin.readline() if is_piped else Lines().secret("Paste the key (not shown): ")
    if not text.strip():
        raise Invalid("There was no key. Paste one, or pipe it in: bot keys paste --stdin < file")
    return Secret(text.strip())


def paste_key(shell: Shell, args: Namespace) -> int:
    """Take a model's key."""
    key = read_key(args)
    with shell.client() as client:
        answer = paste(client, shell.terminal, key, args.model)
        shell.terminal.show(answer, [])
    return 0


def key_status(shell: Shell, _: Namespace) -> int:
    """Which keys there are, by their ends."""
    with shell.client() as client:
        answer = client.call("GET", path_of("keys"))
    rows = [
        (key.text("provider"), f"…{key.text('last4')}", key.text("source"))
        for key in answer.records("models")
    ]
    lines = shell.terminal.table(("provider", "key", "from"), rows) if rows else []
    lines = lines or [runnable("No model has a key. Add one with: bot keys paste")]
    for key in answer.records("master"):
        wraps = count(key.number("wraps"), "data key")
        lines.append(f"Master key {key.text('id')} seals {wraps}.")
    shell.terminal.show(answer, lines)
    return 0


def rotate(shell: Shell, _: Namespace) -> int:
    """Make a new master key and seal the data keys anew."""
    with shell.client() as client:
        shell.terminal.progress("sealing anew…")
        answer = client.call("POST", path_of("keys", "rotate"), {})
    done = count(answer.number("rewrapped"), "data key")
    said = f"The new master key is {answer.text('id')}; {done} sealed anew."
    shell.terminal.show(answer, [said, runnable("Make a backup: bot backup")])
    return 0


def create_token(shell: Shell, args: Namespace) -> int:
    """Make a token and show it this once."""
    body = {"name": args.name} | ({"person": args.person} if args.person else {})
    with shell.client() as client:
        answer = client.call("POST", path_of("tokens"), body)
    lines = [answer.text("token"), "It is not shown again. Send it as: Authorization: Bearer TOKEN"]
    shell.terminal.show(answer, lines)
    return 0


def list_tokens(shell: Shell, _: Namespace) -> int:
    """Name the tokens, not what they are."""
    with shell.client() as client:
        answer = client.call("GET", path_of("tokens"), query={"limit": 1000})
    rows = [
        (
            t.text("id"),
            t.text("name"),
            f"…{t.text('last4')}",
            t.text("person"),
            when(t.text("created_at")),
        )
        for t in answer.records("items")
    ]
    head = ("id", "name", "ends in", "person", "made")
    empty = [runnable("There is no token. Make one with: bot token create NAME")]
    shell.terminal.show(answer, shell.terminal.table(head, rows) if rows else empty)
    return 0


def revoke_token(shell: Shell, args: Namespace) -> int:
    """Make a token worthless."""
    with shell.client() as client:
        answer = client.call("DELETE", path_of("tokens", args.id))
    shell.terminal.show(answer, [f"{args.id} opens nothing any more."])
    return 0


def _declare_keys(parser: ArgumentParser) -> None:
    actions = Actions(parser)
    actions.add("status", key_status, "which keys there are")
    new = actions.add("paste", paste_key, "add a model's key; it is tried before it is kept")
    new.add_argument("--model", default="", metavar="NAME", help="answer with this one")
    new.add_argument("--stdin", action="store_true", help="read the key from a pipe")
    actions.add("rotate", rotate, "make a new master key; stored secrets stay as they are")


def _declare_token(parser: ArgumentParser) -> None:
    actions = Actions(parser)
    actions.add("list", list_tokens, "the tokens there are")
    new = actions.add("create", create_token, "make one; it is shown once")
    new.add_argument("name", help="what it is for")
    new.add_argument("--person", default="", metavar="ID", help="whose it is; yours, if not said")
    actions.add("revoke", revoke_token, "make one worthless").add_argument("id")


VERBS = {"keys": _declare_keys, "token": _declare_token}
