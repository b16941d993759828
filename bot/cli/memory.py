"""`bot memory`: what agents keep about you, and old conversations that were put away."""

from argparse import ArgumentParser, Namespace

from bot.cli.client import pages, path_of
from bot.cli.shell import Shell
from bot.cli.terminal import when
from bot.cli.verb import Actions


def list_notes(shell: Shell, _: Namespace) -> int:
    """Name what is kept, and where it came from."""
    with shell.client() as client:
        items = list(pages(client, path_of("memory")))
    rows = [
        (n.text("id"), when(n.text("at")), n.text("agent"), n.text("source"), n.text("text"))
        for n in items
    ]
    lines = shell.terminal.table(("id", "since", "agent", "from", "note"), rows)
    empty = ["No agent keeps anything about you."]
    shell.terminal.show({"items": items}, lines if rows else empty)
    return 0


def forget(shell: Shell, args: Namespace) -> int:
    """Delete one."""
    with shell.client() as client:
        answer = client.call("DELETE", path_of("memory", args.id))
    shell.terminal.show(answer, [f"{args.id} is forgotten."])
    return 0


def list_archives(shell: Shell, _: Namespace) -> int:
    """Name the conversations that were put away."""
    with shell.client() as client:
        items = list(pages(client, path_of("archives")))
    rows = [
        (
            a.text("id"),
            when(a.text("at")),
            str(a.number("lines")),
            "back" if a.text("restored_at") else "away",
            a.text("title"),
        )
        for a in items
    ]
    lines = shell.terminal.table(("id", "since", "lines", "where", "title"), rows)
    shell.terminal.show({"items": items}, lines if rows else ["Nothing was put away yet."])
    return 0


def restore(shell: Shell, args: Namespace) -> int:
    """Bring one back."""
    with shell.client() as client:
        answer = client.call("POST", path_of("archives", args.id, "restore"))
    told = f"{answer.number('lines')} lines are back in {answer.text('conversation')}."
    shell.terminal.show(answer, [told])
    return 0


def _declare(parser: ArgumentParser) -> None:
    actions = Actions(parser)
    actions.add("list", list_notes, "what agents keep about you")
    actions.add("forget", forget, "delete a note for good").add_argument("id")
    actions.add("archives", list_archives, "old conversations that were put away")
    actions.add("restore", restore, "bring one of them back").add_argument("id")


VERBS = {"memory": _declare}
