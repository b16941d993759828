"""`bot agents`: who is on the team, and what each may use."""

from argparse import ArgumentParser, Namespace

from bot.cli.client import pages, path_of
from bot.cli.record import Record
from bot.cli.shell import Shell
from bot.cli.terminal import clean, one_line
from bot.cli.verb import Actions
from bot.config.mistakes import nearest
from bot.core.errors import NotFound


def list_agents(shell: Shell, _: Namespace) -> int:
    """Name the team."""
    with shell.client() as client:
        team = list(pages(client, path_of("agents")))
    rows = [(a.text("name"), a.text("title"), one_line(", ".join(a.texts("tools")))) for a in team]
    lines = shell.terminal.table(("name", "does", "tools"), rows)
    empty = [f"There is no agent. Write one: bot new agent NAME (looked for in {_folder(shell)})"]
    shell.terminal.show({"items": team}, lines if rows else empty)
    return 0


def show_agent(shell: Shell, args: Namespace) -> int:
    """Show one agent."""
    with shell.client() as client:
        team = list(pages(client, path_of("agents")))
    found = next((a for a in team if a.text("name") == args.name.lower()), None)
    if found is None:
        near = nearest(args.name, [a.text("name") for a in team])
        mend = f"Did you mean {near}?" if near else "`bot agents` lists them."
        raise NotFound(f"There is no agent {args.name}. {mend}")
    shell.terminal.show(found, _lines(found))
    return 0


def _lines(agent: Record) -> list[str]:
    lines = [f"{clean(agent.text('emoji'))} {clean(agent.text('name'))}".strip()]
    for key, value in agent.items():
        if key in ("name", "emoji") or value in (None, "", [], {}):
            continue
        shown = ", ".join(agent.texts(key)) if isinstance(value, list) else str(value)
        lines.append(f"  {key.replace('_', ' '):<10} {one_line(shown, 300)}")
    return lines


def _folder(shell: Shell) -> str:
    return str(shell.settings.agents_dir)


def _declare(parser: ArgumentParser) -> None:
    actions = Actions(parser)
    actions.add("list", list_agents, "the team")
    actions.add("show", show_agent, "one of them").add_argument("name")


VERBS = {"agents": _declare}
