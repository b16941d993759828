"""`bot approvals`: what waits for a yes, and the answers a person may give.

Every answer is bound to the version of the card that was read a moment before; `--version` binds
it to one that was seen earlier, so that a script never approves what it has not looked at.
"""

import json
import sys
from argparse import ArgumentParser, Namespace

from bot.cli import decide
from bot.cli.card import card, outcome
from bot.cli.client import Client, Refused, pages, path_of
from bot.cli.keyboard import Lines
from bot.cli.record import Record
from bot.cli.shell import Shell
from bot.cli.terminal import clean, when
from bot.cli.verb import Act, Actions
from bot.core.errors import Invalid

SIMPLE = {
    "approve": "say yes",
    "reject": "say no",
    "there": "of a doubt: it was done, count it",
    "again": "of a doubt: it was not done, do it again",
    "leave": "of a doubt: leave it as it is",
}
"""Answers that take no more than a note."""


def list_approvals(shell: Shell, args: Namespace) -> int:
    """Name what waits."""
    state = "" if args.all else "pending"
    with shell.client() as client:
        items = list(pages(client, path_of("approvals"), state=state))
    rows = [
        (a.text("code"), _title(a), a.text("agent"), a.text("state"), when(a.text("expires_at")))
        for a in items
    ]
    lines = shell.terminal.table(("code", "what", "agent", "state", "until"), rows)
    shell.terminal.show({"items": items}, lines if rows else ["Nothing waits for a yes."])
    return 0


def show_approval(shell: Shell, args: Namespace) -> int:
    """Show one whole; where somebody looks on, let them decide it."""
    with shell.client() as client:
        approval = decide.find(client, args.code)
        terminal = shell.terminal
        if terminal.is_live and sys.stdin.isatty() and approval.text("state") == "pending":
            decide.Asking(shell, lambda: client, Lines()).ask(approval)
            return 0
    terminal.show(approval, card(terminal, approval))
    return 0


def answer(decision: str) -> Act:
    """The action that gives this answer."""

    def act(shell: Shell, args: Namespace) -> int:
        with shell.client() as client:
            approval = _seen(client, args)
            return _send(shell, client, approval, decision, note=args.note)

    return act


def edit(shell: Shell, args: Namespace) -> int:
    """Change what will be done, and approve that."""
    with shell.client() as client:
        approval = _seen(client, args)
        arguments = _arguments(shell, client, approval, args)
        if arguments is None:
            raise Invalid(
                "Nothing was changed, so nothing was decided. `approve` says yes as it is."
            )
        return _send(shell, client, approval, "edit", arguments=arguments, note=args.note)


def ask(shell: Shell, args: Namespace) -> int:
    """Ask the agent something; the question stays open."""
    with shell.client() as client:
        return _send(shell, client, _seen(client, args), "ask", note=" ".join(args.words))


def _send(
    shell: Shell,
    client: Client,
    approval: Record,
    decision: str,
    *,
    arguments: decide.Arguments | None = None,
    note: str = "",
) -> int:
    try:
        done = decide.send(client, approval, decision, arguments=arguments, note=note)
    except Refused as error:
        shown = error.body.record("approval")
        if shown and not shell.terminal.as_json:
            shell.terminal.show(shown, card(shell.terminal, shown))
        raise
    shell.terminal.show(done, [f"{_title(done)}: {outcome(done)}"])
    return 0


def _seen(client: Client, args: Namespace) -> Record:
    found = decide.find(client, args.code)
    return Record({**found.raw, "version": args.version}) if args.version else found


def _arguments(
    shell: Shell, client: Client, approval: Record, args: Namespace
) -> decide.Arguments | None:
    if args.arguments:
        return _object(args.arguments)
    if args.set:
        if len(approval.records("effects")) > 1:
            raise Invalid("It covers several actions: give --arguments, or edit without --set.")
        return {**approval.record("arguments").raw, **dict(map(_pair, args.set))}
    if not sys.stdin.isatty():
        raise Invalid("Say what to change: --set text='New text', or --arguments JSON.")
    return decide.Asking(shell, lambda: client, Lines()).edited(approval)


def _object(text: str) -> decide.Arguments:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise Invalid(f"--arguments is not JSON: {error}.") from None
    if not isinstance(found, dict):
        raise Invalid("--arguments is a JSON object: the new arguments.")
    return found


def _pair(text: str) -> tuple[str, object]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise Invalid(f"{text} is not NAME=VALUE.")
    try:
        # A number, a list and the like may be meant; anything that is no JSON is text.
        parsed: object = json.loads(value)
    except ValueError:
        parsed = value
    return name, parsed


def _title(approval: Record) -> str:
    return clean(approval.record("shown").text("title") or approval.text("tool"))


def _declare(parser: ArgumentParser) -> None:
    actions = Actions(parser)
    every = actions.add("list", list_approvals, "what waits")
    every.add_argument("--all", action="store_true", help="the decided ones as well")
    parser.set_defaults(all=False)
    actions.add("show", show_approval, "one of them, whole").add_argument("code", metavar="CODE")
    for name, about in SIMPLE.items():
        _answerable(actions.add(name, answer(name), about)).add_argument("--note", default="")
    changed = _answerable(actions.add("edit", edit, "change it, and approve that"))
    changed.add_argument("--set", action="append", metavar="NAME=VALUE", help="one argument")
    changed.add_argument("--arguments", default="", metavar="JSON", help="all arguments")
    changed.add_argument("--note", default="")
    asked = _answerable(actions.add("ask", ask, "ask the agent; it stays open"))
    asked.add_argument("words", nargs="+", metavar="WORDS")


def _answerable(parser: ArgumentParser) -> ArgumentParser:
    parser.add_argument("code", metavar="CODE", help="its code, or its id")
    parser.add_argument("--version", type=int, default=0, help="the version that you have seen")
    return parser


VERBS = {"approvals": _declare}
