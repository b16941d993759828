"""`bot bulletins`: which kind of message agents post where, when nobody asked for it."""

from argparse import ArgumentParser, Namespace

from bot.cli.client import path_of
from bot.cli.shell import Shell
from bot.cli.terminal import clean
from bot.cli.verb import Actions
from bot.command import runnable

PLATFORMS = ("slack", "discord")
EMPTY = "There is no kind. Agents name the place themselves. Add one: bot bulletins set KIND PLACE"


def list_kinds(shell: Shell, _: Namespace) -> int:
    """Name the kinds, by platform."""
    with shell.client() as client:
        items = client.call("GET", path_of("bulletins")).records("items")
    rows = [
        (
            clean(item.text("kind")),
            item.text("channel"),
            clean(item.text("name")),
            "in the settings" if item.flag("is_set") else clean(item.text("place")),
        )
        for item in items
    ]
    lines = shell.terminal.table(("kind", "platform", "goes to", ""), rows)
    shell.terminal.show({"items": items}, lines if rows else [runnable(EMPTY)])
    return 0


def set_kind(shell: Shell, args: Namespace) -> int:
    """Let a kind go to a place that the bot is in."""
    body = {"channel": args.channel, "kind": args.kind, "place": args.place}
    with shell.client() as client:
        answer = client.call("PUT", path_of("bulletins"), body)
    kind, name, place = (clean(answer.text(key)) for key in ("kind", "name", "place"))
    shell.terminal.show(answer, [f"Messages of the kind {kind} go to {name} ({place})."])
    return 0


def remove_kind(shell: Shell, args: Namespace) -> int:
    """Forget a kind."""
    asked = {"channel": args.channel, "kind": args.kind}
    with shell.client() as client:
        answer = client.call("DELETE", path_of("bulletins"), query=asked)
    shell.terminal.show(answer, [f"The kind {clean(args.kind)} is gone. Agents name the place."])
    return 0


def _declare(parser: ArgumentParser) -> None:
    actions = Actions(parser)
    actions.add("list", list_kinds, "the kinds there are")
    new = actions.add("set", set_kind, "let a kind go to a place")
    new.add_argument("kind", help="a short word, such as alarms")
    new.add_argument("place", help="name or id of a place that the bot is in, such as '#ops'")
    old = actions.add("remove", remove_kind, "forget a kind")
    old.add_argument("kind")
    for each in (new, old):
        each.add_argument("--channel", choices=PLATFORMS, default=PLATFORMS[0])


VERBS = {"bulletins": _declare}
