"""`bot agents`: who is on the team, and what each may use."""

from argparse import ArgumentParser, Namespace
from difflib import unified_diff

from bot.cli.client import pages, path_of
from bot.cli.record import Record
from bot.cli.shell import Shell
from bot.cli.terminal import clean, one_line
from bot.cli.verb import Actions
from bot.command import runnable
from bot.config.mistakes import nearest
from bot.core.errors import NotFound


def list_agents(shell: Shell, _: Namespace) -> int:
    """Name the team."""
    with shell.client() as client:
        team = list(pages(client, path_of("agents")))
    rows = [(a.text("name"), a.text("title"), one_line(", ".join(a.texts("tools")))) for a in team]
    lines = shell.terminal.table(("name", "does", "tools"), rows)
    empty = f"There is no agent. Write one: bot new agent NAME (looked for in {_folder(shell)})"
    shell.terminal.show({"items": team}, lines if rows else [runnable(empty)])
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


def diff_agent(shell: Shell, args: Namespace) -> int:
    """Show what your own version changed in the file."""
    source = _source(shell, args.name)
    lines = unified_diff(
        source.text("file").splitlines(),
        source.text("text").splitlines(),
        f"{source.text('name')}.md",
        "your own version",
        lineterm="",
    )
    same = [f"{source.text('name')} is the file, unchanged."]
    shell.terminal.show(source, [clean(line) for line in lines] or same)
    return 0


def export_agent(shell: Shell, args: Namespace) -> int:
    """Print the version that holds, as a file for the agents folder."""
    source = _source(shell, args.name)
    shell.terminal.show(source, [clean(line) for line in source.text("text").splitlines()])
    return 0


def reset_agent(shell: Shell, args: Namespace) -> int:
    """Drop your own version, so that the file holds again."""
    with shell.client() as client:
        answer = client.call("DELETE", path_of("agents", args.name))
    shell.terminal.show(answer, [f"The file of {clean(args.name)} holds again."])
    return 0


def _source(shell: Shell, name: str) -> Record:
    with shell.client() as client:
        return client.call("GET", path_of("agents", name))


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
    actions.add("diff", diff_agent, "what your own version changed").add_argument("name")
    actions.add("export", export_agent, "the text of one, for a file").add_argument("name")
    actions.add("reset", reset_agent, "back to the file").add_argument("name")


VERBS = {"agents": _declare}
