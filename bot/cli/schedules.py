"""`bot schedules`: what the clock will do, and a way to stop it."""

from argparse import ArgumentParser, Namespace

from bot.cli.client import pages, path_of
from bot.cli.shell import Shell
from bot.cli.terminal import when
from bot.cli.verb import Act, Actions

STATES = {"pause": "paused", "resume": "active", "cancel": "cancelled"}


def list_schedules(shell: Shell, _: Namespace) -> int:
    """Name them, with their next time."""
    with shell.client() as client:
        items = list(pages(client, path_of("schedules")))
    rows = [
        (s.text("id"), s.text("state"), when(s.text("next_at")), s.text("agent"), s.text("words"))
        for s in items
    ]
    lines = shell.terminal.table(("id", "state", "next", "agent", "what"), rows)
    empty = ["Nothing is scheduled. Say it to an agent: every weekday at 9, …"]
    shell.terminal.show({"items": items}, lines if rows else empty)
    return 0


def change(action: str) -> Act:
    """The action that brings a schedule into another state."""

    def act(shell: Shell, args: Namespace) -> int:
        with shell.client() as client:
            body = {"state": STATES[action]}
            answer = client.call("POST", path_of("schedules", args.id), body)
        shell.terminal.show(answer, [f"{args.id} is {STATES[action]}."])
        return 0

    return act


def _declare(parser: ArgumentParser) -> None:
    actions = Actions(parser)
    actions.add("list", list_schedules, "what the clock will do")
    for name in STATES:
        actions.add(name, change(name), f"{name} one").add_argument("id")


VERBS = {"schedules": _declare}
