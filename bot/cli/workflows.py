"""`bot workflows`: the publish workflows by their ids, and a way to run one.

Running one is saying so to the agent whose work it is; it drafts, the house asks, and after a yes
it is done once. What comes of it is told in that conversation.
"""

from argparse import ArgumentParser, Namespace

from bot.cli.client import path_of
from bot.cli.shell import Shell
from bot.cli.verb import Actions
from bot.command import runnable
from bot.core.errors import NotFound
from tools.social._workflows import BY_ID, WORKFLOWS


def list_workflows(shell: Shell, _: Namespace) -> int:
    """Name them."""
    items = [
        {"id": w.id, "title": w.title, "agent": w.agent, "network": w.network, "needs": w.needs}
        for w in WORKFLOWS
    ]
    rows = [(w.id, w.agent, w.title, w.needs) for w in WORKFLOWS]
    lines = shell.terminal.table(("id", "agent", "what", "also needs"), rows)
    shell.terminal.show(
        {"items": items}, [*lines, "", runnable("Run one: bot workflows run ID TEXT")]
    )
    return 0


def run(shell: Shell, args: Namespace) -> int:
    """Say to its agent that it is to be run. Raises NotFound."""
    workflow = BY_ID.get(args.id.upper())
    if workflow is None:
        raise NotFound(f"There is no workflow {args.id}. `bot workflows` lists them.")
    where = f" on {args.where}" if args.where else ""
    text = f"@{workflow.agent} run {workflow.id}{where}: {' '.join(args.text)}"
    with shell.client() as client:
        answer = client.call("POST", path_of("messages"), {"text": text})
    conversation = answer.text("conversation")
    shell.terminal.show(
        answer,
        [
            f"{workflow.agent} was told ({workflow.id}, {workflow.title}).",
            runnable(f"Follow it: bot chat --conversation {conversation}"),
            runnable("Decide about it: bot approvals"),
        ],
    )
    return 0


def _declare(parser: ArgumentParser) -> None:
    actions = Actions(parser)
    actions.add("list", list_workflows, "every workflow, and whose work it is")
    one = actions.add("run", run, "run one, about what is said")
    one.add_argument("id", help="such as WF-042")
    one.add_argument("--where", default="", help="such as r/bread, or: the board Bread")
    one.add_argument("text", nargs="+", help="what it is about; quoted words are taken as they are")


VERBS = {"workflows": _declare}
