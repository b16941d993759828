"""`bot mail`: what became of mail, and the addresses that nothing more is sent to."""

from argparse import ArgumentParser, Namespace

from bot.cli.client import pages, path_of
from bot.cli.shell import Shell
from bot.cli.terminal import clean, when
from bot.cli.verb import Actions


def news(shell: Shell, _: Namespace) -> int:
    """Name what carriers said, the latest first."""
    return _list(shell, "news", "No carrier has said anything yet.")


def closed(shell: Shell, _: Namespace) -> int:
    """Name the addresses that nothing more is sent to."""
    return _list(shell, "closed", "Every address is open.")


def _list(shell: Shell, noun: str, nothing: str) -> int:
    with shell.client() as client:
        items = list(pages(client, path_of("mail", noun)))
    rows = [
        (
            when(item.text("at")),
            *(clean(item.text(name)) for name in ("address", "state", "detail")),
        )
        for item in items
    ]
    lines = shell.terminal.table(("at", "address", "", "why"), rows)
    shell.terminal.show({"items": items}, lines if rows else [nothing])
    return 0


def open_(shell: Shell, args: Namespace) -> int:
    """Send to an address again."""
    with shell.client() as client:
        answer = client.call("DELETE", path_of("mail", "closed", args.address))
    said = f"{clean(answer.text('address'))} is written to again."
    shell.terminal.show(answer, [said])
    return 0


def _declare(parser: ArgumentParser) -> None:
    actions = Actions(parser)
    actions.add("news", news, "what became of mail")
    actions.add("closed", closed, "addresses that nothing more is sent to")
    one = actions.add("open", open_, "send to an address again")
    one.add_argument("address")


VERBS = {"mail": _declare}
