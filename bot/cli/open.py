"""`bot open` and `bot login`: a way into the page, by a sign-in link that works once."""

import webbrowser
from argparse import ArgumentParser, Namespace

from bot.cli.client import path_of
from bot.cli.record import Record
from bot.cli.shell import Shell


def open_page(shell: Shell, args: Namespace) -> int:
    """Open the page in a browser, or print where it is."""
    answer = _link(shell)
    link = answer.text("link")
    opened = shell.around.screen and not args.print and webbrowser.open(link)
    said = f"Opened {link.rpartition('/in/')[0] or link} in your browser." if opened else link
    shell.terminal.show({"link": link, "opened": bool(opened)}, [said])
    return 0


def login(shell: Shell, _: Namespace) -> int:
    """Print a new sign-in link."""
    answer = _link(shell)
    lines = [answer.text("link"), "It works once, for ten minutes. Open it in a browser."]
    shell.terminal.show(answer, lines)
    return 0


def _link(shell: Shell) -> Record:
    return shell.running_client().call("POST", path_of("login"), {})


def _declare_open(parser: ArgumentParser) -> None:
    parser.add_argument("--print", action="store_true", help="print the link, open nothing")
    parser.set_defaults(act=open_page)


def _declare_login(parser: ArgumentParser) -> None:
    parser.set_defaults(act=login)


VERBS = {"open": _declare_open, "login": _declare_login}
