"""`bot sms`: our phone numbers, what was texted to whom and became of it, and who opted out."""

from argparse import ArgumentParser, Namespace

from bot.cli.client import pages, path_of
from bot.cli.record import Record
from bot.cli.shell import Shell
from bot.cli.terminal import clean, when
from bot.cli.verb import Actions
from bot.command import runnable
from bot.core.errors import Invalid

NONE = "No number is connected. Connect them with: bot connect sms"


def numbers(shell: Shell, _: Namespace) -> int:
    """Name them, with the agent and the purpose of each."""
    with shell.client() as client:
        items = list(pages(client, path_of("sms", "numbers")))
    rows = [
        (
            clean(item.text("number")),
            "default" if item.flag("default") else "",
            clean(item.text("state")),
            clean(item.text("agent")) or "by rule",
            clean(item.text("purpose")),
        )
        for item in items
    ]
    lines = shell.terminal.table(("number", "", "texts go", "agent", "purpose"), rows)
    hint = "Give one to an agent with: bot routes add AGENT --channel sms --address NUMBER"
    shell.terminal.show({"items": items}, [*lines, runnable(hint)] if rows else [runnable(NONE)])
    return 0


def threads(shell: Shell, args: Namespace) -> int:
    """Name the threads, or the messages of one."""
    with shell.client() as client:
        if args.contact:
            found = client.call("GET", path_of("sms", "threads", args.number, args.contact))
            items = found.records("items")
            rows = [_message(item) for item in items]
            head = ("at", "way", "state", "segments", "error")
        else:
            items = list(pages(client, path_of("sms", "threads")))
            rows = [_thread(item) for item in items]
            head = ("last", "our number", "contact", "name", "heard/said")
    lines = shell.terminal.table(head, rows)
    shell.terminal.show({"items": items}, lines if rows else ["Nothing was texted yet."])
    return 0


def _thread(item: Record) -> tuple[str, ...]:
    last = f"{when(item.text('last_at'))} {item.text('last')}"
    counts = f"{item.number('heard')}/{item.number('said')}"
    names = (clean(item.text(name)) for name in ("number", "contact", "name"))
    return (last, *names, counts)


def _message(item: Record) -> tuple[str, ...]:
    names = (clean(item.text(name)) for name in ("way", "state"))
    return when(item.text("at")), *names, str(item.number("segments")), clean(item.text("error"))


def opted_out(shell: Shell, _: Namespace) -> int:
    """Name who wants no texts."""
    with shell.client() as client:
        items = list(pages(client, path_of("sms", "opt-outs")))
    rows = [
        (
            when(item.text("at")),
            *(clean(item.text(n)) for n in ("contact", "number", "state", "how")),
        )
        for item in items
    ]
    lines = shell.terminal.table(("at", "contact", "our number", "", "how"), rows)
    shell.terminal.show({"items": items}, lines if rows else ["Nobody has opted out."])
    return 0


def undelivered(shell: Shell, _: Namespace) -> int:
    """Name the texts that did not arrive, and why."""
    with shell.client() as client:
        items = list(pages(client, path_of("sms", "undelivered")))
    rows = [
        (
            when(item.text("changed_at")),
            *(clean(item.text(name)) for name in ("contact", "number", "error")),
        )
        for item in items
    ]
    lines = shell.terminal.table(("at", "contact", "our number", "why"), rows)
    shell.terminal.show({"items": items}, lines if rows else ["No text is known to be lost."])
    return 0


def change(shell: Shell, args: Namespace) -> int:
    """Say what a number is for, or make it the default."""
    body: dict[str, str | bool] = {}
    if args.purpose is not None:
        body["purpose"] = args.purpose
    if args.default:
        body["default"] = True
    if not body:
        raise Invalid("Say --purpose TEXT, --default, or both.")
    with shell.client() as client:
        answer = client.call("POST", path_of("sms", "numbers", args.number), body)
    told = f"{clean(answer.text('number'))}: {clean(answer.text('purpose')) or 'no purpose'}"
    shell.terminal.show(answer, [told + (", the default." if answer.flag("default") else ".")])
    return 0


def _declare(parser: ArgumentParser) -> None:
    actions = Actions(parser)
    actions.add("numbers", numbers, "our numbers, and who answers on each")
    some = actions.add("threads", threads, "who texted with which number; with both: what")
    some.add_argument("number", nargs="?", default="")
    some.add_argument("contact", nargs="?", default="")
    actions.add("opted-out", opted_out, "who wants no texts")
    actions.add("undelivered", undelivered, "texts that did not arrive, and why")
    one = actions.add("set", change, "what a number is for")
    one.add_argument("number")
    one.add_argument("--purpose", default=None, metavar="TEXT")
    one.add_argument("--default", action="store_true", help="agents without a number send from it")


VERBS = {"sms": _declare}
