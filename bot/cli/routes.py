"""`bot routes`: who answers where. `explain` asks about a message that nobody has sent yet."""

from argparse import ArgumentParser, Namespace
from collections.abc import Mapping

from bot.cli.client import pages, path_of
from bot.cli.record import Record
from bot.cli.shell import Shell
from bot.cli.terminal import Terminal, clean
from bot.cli.verb import Actions
from bot.command import runnable
from bot.core.errors import Invalid

PARTS = ("channel", "workspace", "place", "thread", "person", "address")
"""What a rule may name."""


def list_routes(shell: Shell, _: Namespace) -> int:
    """Name the rules, most specific first, as the house orders them."""
    with shell.client() as client:
        rules = list(pages(client, path_of("routes")))
    rows = [(r.text("id"), r.text("agent"), rule_of(r)) for r in rules]
    lines = shell.terminal.table(("id", "agent", "answers"), rows)
    empty = "There is no rule. The default agent answers. Add one with: bot routes add AGENT …"
    shell.terminal.show({"items": rules}, lines if rows else [runnable(empty)])
    return 0


def explain(shell: Shell, args: Namespace) -> int:
    """Who would answer, which rule won, and why the others lost."""
    asked = {name: getattr(args, name) for name in (*PARTS, "mention") if getattr(args, name)}
    with shell.client() as client:
        answer = client.call("GET", path_of("routes", "explain"), query=asked)
    shell.terminal.show(answer, _explained(shell.terminal, answer))
    return 0 if answer.text("agent") else 1


def add_route(shell: Shell, args: Namespace) -> int:
    """Add a rule."""
    rule = {name: getattr(args, name) for name in PARTS if getattr(args, name)}
    if not rule:
        named = ", ".join(f"--{name}" for name in PARTS)
        raise Invalid(f"A rule names at least one of {named}.")
    with shell.client() as client:
        answer = client.call("POST", path_of("routes"), {"agent": args.agent, **rule})
        rules = list(pages(client, path_of("routes")))
    words = rule_of(answer) if "channel" in answer else rule_of(Record(rule))
    said = [f"{clean(args.agent)} answers {words}."]
    for other in rules:
        if other.text("id") != answer.text("id") and _says_the_same(other, rule):
            said = [
                f"{clean(other.text('agent'))} answers {words} as well, so nobody does until one "
                + runnable(f"of the two is gone: bot routes remove {clean(other.text('id'))}")
            ]
    shell.terminal.show(answer, said)
    return 0


def _says_the_same(rule: Record, parts: Mapping[str, str]) -> bool:
    return all(rule.text(name) == parts.get(name, "") for name in PARTS)


def remove_route(shell: Shell, args: Namespace) -> int:
    """Take a rule out."""
    with shell.client() as client:
        answer = client.call("DELETE", path_of("routes", args.id))
    shell.terminal.show(answer, [f"The rule {args.id} is gone."])
    return 0


def rule_of(rule: Record) -> str:
    """A rule in words."""
    if said := rule.text("rule"):
        return clean(said)
    parts = [f"{name} {clean(rule.text(name))}" for name in PARTS if rule.text(name)]
    return " and ".join(parts) or "everything else"


def _explained(terminal: Terminal, answer: Record) -> list[str]:
    agent = clean(answer.text("agent"))
    head = f"{agent} would answer: " if agent else "Nobody would answer: "
    lines = [terminal.style(head, "bold") + clean(answer.text("why"))]
    for verdict in answer.records("verdicts"):
        mark = "✓" if verdict.flag("won") else "·"
        who = f" → {clean(verdict.text('agent'))}" if verdict.text("agent") else ""
        lines.append(f"  {mark} {clean(verdict.text('rule'))}{who}: {clean(verdict.text('why'))}")
    return lines


def _declare(parser: ArgumentParser) -> None:
    actions = Actions(parser)
    actions.add("list", list_routes, "the rules there are")
    ask = actions.add("explain", explain, "who would answer, and why the others would not")
    new = actions.add("add", add_route, "let an agent answer somewhere")
    new.add_argument("agent")
    for name in PARTS:
        for each in (ask, new):
            each.add_argument(f"--{name}", default="", metavar=name.upper())
    ask.add_argument("--mention", default="", metavar="AGENT", help="whom the message names")
    actions.add("remove", remove_route, "take a rule out").add_argument("id")


VERBS = {"routes": _declare}
