"""`bot policies`: which tool runs unasked, which asks whom, which is refused."""

from argparse import ArgumentParser, Namespace

from bot.cli.client import pages, path_of
from bot.cli.shell import Shell
from bot.cli.terminal import clean
from bot.cli.verb import Actions

USUAL = "There is no rule: reading runs, writing asks, money asks."


def list_rules(shell: Shell, _: Namespace) -> int:
    """Name the rules, oldest first."""
    with shell.client() as client:
        rules = list(pages(client, path_of("policies")))
    rows = [(rule.text("id"), clean(rule.text("rule"))) for rule in rules]
    lines = shell.terminal.table(("id", "rule"), rows)
    shell.terminal.show({"items": rules}, lines if rows else [USUAL])
    return 0


def set_rule(shell: Shell, args: Namespace) -> int:
    """Write a rule, over one for the same agent, tool and amount."""
    body: dict[str, object] = {"decision": args.decision, "agent": args.agent, "tool": args.tool}
    if args.above:
        body["above_minor"] = round(args.above * 100)
    if args.approver:
        body["approvers"] = args.approver
    for name in ("needs", "hours"):
        if value := getattr(args, name):
            body[name] = value
    with shell.client() as client:
        answer = client.call("POST", path_of("policies"), body)
    shell.terminal.show(answer, [f"From the next call on: {clean(answer.text('rule'))}."])
    return 0


def remove_rule(shell: Shell, args: Namespace) -> int:
    """Take a rule out."""
    with shell.client() as client:
        answer = client.call("DELETE", path_of("policies", args.id))
    shell.terminal.show(answer, [f"The rule {args.id} is gone."])
    return 0


def _declare(parser: ArgumentParser) -> None:
    actions = Actions(parser)
    actions.add("list", list_rules, "the rules there are")
    new = actions.add("set", set_rule, "say what happens with a call")
    new.add_argument("decision", choices=("auto", "ask", "deny"))
    new.add_argument("--agent", default="", metavar="AGENT", help="only this agent's calls")
    new.add_argument("--tool", default="", metavar="TOOL", help="only calls of this tool")
    new.add_argument(
        "--above", type=float, default=0, metavar="AMOUNT", help="only from so much on"
    )
    new.add_argument("--needs", type=int, default=0, metavar="N", help="how many must say yes")
    new.add_argument("--approver", action="append", metavar="PERSON", help="who may; repeatable")
    new.add_argument("--hours", type=int, default=0, metavar="N", help="until it expires")
    actions.add("remove", remove_rule, "take a rule out").add_argument("id")


VERBS = {"policies": _declare}
