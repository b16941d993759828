"""`bot mcp`: the MCP servers, what their tools say of themselves, and an owner's yes to that."""

import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from bot.cli.client import Client, pages, path_of
from bot.cli.keyboard import Lines
from bot.cli.record import Record
from bot.cli.shell import Shell
from bot.cli.terminal import clean, reveal
from bot.cli.verb import Actions
from bot.command import runnable
from bot.core.errors import NotFound

NONE = "No MCP server is set. bot.toml takes them: docs/integrations/mcp.md shows how."
WAITING = ("new", "changed")


def list_servers(shell: Shell, _: Namespace) -> int:
    """Name the servers and their tools."""
    with shell.client() as client:
        servers = list(pages(client, path_of("mcp")))
    lines = [line for server in servers for line in _lines(shell, server)]
    shell.terminal.show({"items": servers}, lines or [NONE])
    return 0


def check(shell: Shell, args: Namespace) -> int:
    """Connect to a server and read its list of tools."""
    with shell.client() as client:
        shell.terminal.progress(f"connecting to {args.server}…")
        server = client.call("POST", path_of("mcp", args.server, "check"), {})
    shell.terminal.progress("")
    shell.terminal.show(server, _lines(shell, server))
    return 0


def approve(shell: Shell, args: Namespace) -> int:
    """Show what waits, word by word, and let agents use what is said yes to."""
    with shell.client() as client:
        server = _find(client, args.server)
        waiting = [tool for tool in server.records("tools") if tool.text("state") in WAITING]
        wanted = [tool for tool in waiting if not args.tool or tool.text("name") in args.tool]
        missing = set(args.tool) - {tool.text("name") for tool in wanted}
        if missing:
            names = ", ".join(sorted(missing))
            raise NotFound(f"Nothing called {names} waits. `bot mcp list` names what does.")
        done = [tool for tool in wanted if _says_yes(shell, tool, args.yes)]
        for tool in done:
            body = {"tool": tool.text("name"), "hash": tool.text("hash")}
            server = client.call("POST", path_of("mcp", args.server, "approve"), body)
    names = ", ".join(clean(tool.text("tool")) for tool in done)
    said = f"Agents may use: {names}." if done else "Nothing was approved."
    shell.terminal.show(server, [said])
    return 0 if len(done) == len(wanted) else 1


def _says_yes(shell: Shell, tool: Record, yes: bool) -> bool:
    for line in _words(tool):
        shell.terminal.say(line)
    if yes:
        return True
    if not sys.stdin.isatty():
        shell.terminal.say("It is not approved: nobody was asked. With --yes all of it is.")
        return False
    lines = Lines()
    try:
        return lines.answer("Let agents use it? [y/N] ").strip().lower() in ("y", "yes")
    finally:
        lines.close()


def _words(tool: Record) -> Iterator[str]:
    """Everything that a model will read of a tool, hidden characters made visible."""
    yield f"{clean(tool.text('tool'))} ({tool.text('state')}, {tool.text('risk')})"
    if tool.text("state") == "changed":
        yield "  was:  " + reveal(tool.text("was")).replace("\n", "\n        ")
    yield "  says: " + reveal(tool.text("description")).replace("\n", "\n        ")
    shape = json.dumps(dict(tool.record("schema").items()), ensure_ascii=False)
    yield "  takes: " + reveal(shape)


def _find(client: Client, name: str) -> Record:
    for server in pages(client, path_of("mcp")):
        if server.text("server") == name:
            return server
    raise NotFound(f"There is no MCP server {name}. `bot mcp list` names them.")


def _lines(shell: Shell, server: Record) -> list[str]:
    name = server.text("server")
    state = "connected" if server.flag("open") else "connects at its first call"
    lines = [f"{name} ({server.text('way')}): {clean(server.text('problem')) or state}"]
    tools = server.records("tools")
    rows = [
        (clean(tool.text("tool")), tool.text("state"), tool.text("risk"), clean(_about(tool)))
        for tool in tools
    ]
    lines += shell.terminal.table(("tool", "state", "risk", "says"), rows) if rows else []
    if any(tool.text("state") in WAITING for tool in tools):
        lines.append(runnable(f"Next: bot mcp approve {name}"))
    elif not rows:
        lines.append(runnable(f"Next: bot mcp check {name}"))
    return lines


def _about(tool: Record) -> str:
    text = " ".join((tool.text("problem") or tool.text("description")).split())
    return text if len(text) <= 60 else f"{text[:59]}…"


def _declare(parser: ArgumentParser) -> None:
    actions = Actions(parser)
    actions.add("list", list_servers, "the servers and their tools")
    actions.add("check", check, "connect to one, read its list").add_argument("server")
    yes = actions.add("approve", approve, "let agents use tools as they are shown")
    yes.add_argument("server")
    yes.add_argument("tool", nargs="*", help="only these, by the server's names")
    yes.add_argument("--yes", action="store_true", help="to all that is shown, unasked")


VERBS = {"mcp": _declare}
