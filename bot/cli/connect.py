"""`bot connect`: platforms, Stripe and the blog's site, by pasting what they gave.

A token is read without being shown and never stands on a command line. The platform is asked before
anything is kept, and says whose the token is; then the verb waits until it listens, or tells why it
does not.
"""

import json
import time
from argparse import ArgumentParser, Namespace
from difflib import get_close_matches

from bot.cli.asking import declare, gather
from bot.cli.client import Client, Refused, path_of
from bot.cli.connections import BY_KEY, UNSET, connect_service, forget_app, service
from bot.cli.record import Record
from bot.cli.shell import Shell
from bot.cli.terminal import clean
from bot.command import runnable
from bot.core.errors import Conflict, NotFound

WAIT_S = 20.0
"""How long a platform may take until it listens."""
LOOK_S = 0.5


def connect(shell: Shell, args: Namespace) -> int:
    """List the platforms, connect one, or set our app of a service."""
    with shell.client() as client:
        if not args.platform:
            return _list(shell, client)
        if args.agent:
            return _own(shell, client, args)
        if args.app or not _is_platform(client, args.platform):
            found = service(client, args.platform)
            if found is not None:
                return _service(shell, client, found, args)
        if args.manifest:
            return _manifest(shell, client, args)
        if args.remove:
            client.call("DELETE", path_of("channels", args.platform))
            shell.terminal.show({"name": args.platform}, [f"{args.platform} is let go of."])
            return 0
        if args.test is not None:
            return _test(shell, client, args)
        return _platform(shell, client, args)


def _platform(shell: Shell, client: Client, args: Namespace) -> int:
    """Tell it what was pasted, and wait until it listens."""
    wanted = _find(client, args.platform)
    told: dict[str, object] = {"options": gather(shell, args, wanted, _docs(args.platform))}
    if args.unchecked:
        told["unchecked"] = True
    shell.terminal.progress(f"asking {args.platform}…")
    try:
        found = client.call("PUT", path_of("channels", args.platform), told)
    except Refused as error:
        if error.code != "not_checked":
            raise
        again = f"bot connect {args.platform} --unchecked"
        raise Conflict(runnable(f"{error.message} That is: {again}")) from None
    finally:
        shell.terminal.progress("")
    return _connected(shell, args.platform, found, _wait(shell, client, args.platform))


def _connected(shell: Shell, name: str, found: Record, state: Record) -> int:
    """Say what the platform said of it, whether it listens, and what is next."""
    up, is_service = state.flag("up"), name in BY_KEY
    detail = f"{name}: {clean(state.text('detail'))}"
    lines = [] if is_service else checked(name, found)
    lines.append(f"{name} listens." if up and not is_service else detail)
    if up and not is_service:
        test = f"Send a test message with: bot connect {name} --test PLACE"
        lines += [runnable(test)]
    if up:
        lines.append(f"{_docs(name)} says what is next.")
    shell.terminal.show({**dict(found.items()), **dict(state.items())}, lines)
    return 0 if up else 1


def checked(name: str, found: Record) -> list[str]:
    """What the platform said when it was asked, in lines."""
    team, bot = clean(found.text("team")), clean(found.text("bot"))
    who = ", ".join([part for part in (team, bot and f"bot {bot}") if part])
    lines = [f"Connected: {who}."] if who else []
    if not found.flag("checked"):
        lines.append(f"It was not checked: {name} was not asked.")
    if missing := found.texts("missing"):
        lines.append(f"Scopes missing: {', '.join(map(clean, missing))}. {_docs(name)} says more.")
    return [*lines, *map(clean, found.texts("notes"))]


def _test(shell: Shell, client: Client, args: Namespace) -> int:
    """Send one line to a place."""
    found = client.call("POST", path_of("channels", args.platform, "test"), {"place": args.test})
    where = clean(found.text("place"))
    shell.terminal.show(found, [f"A test message stands in {where} on {args.platform}."])
    return 0


def _service(shell: Shell, client: Client, found: Record, args: Namespace) -> int:
    """Keep or forget our app of a service; its accounts are connected in a browser."""
    if args.remove:
        forget_app(client, found.text("name"))
        shell.terminal.show({"name": found.text("name")}, ["Its app is let go of."])
        return 0

    def ask(item: Record) -> dict[str, str]:
        return gather(shell, args, item, "docs/integrations/connections.md")

    is_told = args.stdin or bool(args.set or args.set_file)
    return connect_service(shell, client, found, ask, anew=args.app or is_told)


def _is_platform(client: Client, name: str) -> bool:
    items = client.call("GET", path_of("channels")).records("items")
    return any(item.text("name") == name for item in items)


def _list(shell: Shell, client: Client) -> int:
    answer = client.call("GET", path_of("channels"))
    rows = [
        (item.text("name"), "up" if item.flag("up") else "off", clean(item.text("detail")))
        for item in answer.records("items")
    ]
    table = shell.terminal.table(("platform", "", "how it is"), rows)
    shell.terminal.show(answer, [*table, runnable("Connect one with: bot connect NAME")])
    return 0


def _own(shell: Shell, client: Client, args: Namespace) -> int:
    """Connect, or let go of, an app that is one agent's own."""
    name, agent = args.platform, args.agent
    if args.manifest:
        return _manifest(shell, client, args)
    path = path_of("channels", name, "agents", agent)
    if args.remove:
        answer = client.call("DELETE", path)
        lines = [f"The app of {agent} on {name} is let go of.", clean(answer.text("said"))]
        shell.terminal.show(answer, [line for line in lines if line])
        return 0
    found = _find(client, name)
    wants = found.records("own")
    if not wants:
        raise NotFound(f"On {name} agents have no apps of their own.")
    told = {"wants": wants, "ways": found.records("own_ways")}
    wanted = Record({key: [dict(item.items()) for item in items] for key, items in told.items()})
    made = client.call("PUT", path, {"options": gather(shell, args, wanted, _docs(name))})
    if href := made.text("href"):
        words = f"`bot open`, then {href} in that browser installs it."
        shell.terminal.show(made, [runnable(words)])
        return 0
    is_active = made.text("status") == "active"
    where = clean(made.text("name") or made.text("workspace"))
    said = f"{agent} listens in {where} with an app of its own ({clean(made.text('app'))})."
    error = f"{name}: {clean(made.text('error'))}"
    shell.terminal.show(made, [said if is_active else error])
    return 0 if is_active else 1


def _manifest(shell: Shell, client: Client, args: Namespace) -> int:
    """Print what the platform makes an app of, and nothing else, so that it can be pasted; which
    version that is stands on standard error, and beside it in JSON.
    """
    query = {"socket": "1" if args.socket else "", "agent": args.agent}
    found = client.call("GET", path_of("channels", args.platform, "manifest"), query=query)
    made = found.record("manifest")
    shell.terminal.aside(f"This is version {found.number('version')} of the manifest.")
    shell.terminal.show(found, json.dumps(dict(made.items()), indent=2).splitlines())
    return 0


def _find(client: Client, name: str) -> Record:
    items = client.call("GET", path_of("channels")).records("items")
    for item in items:
        if item.text("name") == name:
            return item
    names = [item.text("name") for item in items]
    near = get_close_matches(name, names, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(names)}."
    raise NotFound(f"There is no platform {clean(name)}. {hint}")


def _docs(name: str) -> str:
    page = BY_KEY.get(name)
    return f"docs/integrations/{page}.md" if page else f"docs/channels/{name}.md"


def _wait(shell: Shell, client: Client, name: str) -> Record:
    """Until the platform listens, or says why it does not."""
    shell.terminal.progress(f"connecting to {name}…")
    until = time.monotonic() + WAIT_S
    state = _find(client, name)
    while not state.flag("up") and time.monotonic() < until:
        if state.text("detail") not in ("starting", UNSET):
            break
        time.sleep(LOOK_S)
        state = _find(client, name)
    shell.terminal.progress("")
    return state


def _declare(parser: ArgumentParser) -> None:
    parser.add_argument("platform", nargs="?", default="", help="such as telegram, or a service")
    parser.add_argument(
        "--app", action="store_true", help="it is a service such as google: set our app there anew"
    )
    parser.add_argument(
        "--agent", default="", metavar="NAME", help="an app that is this agent's own"
    )
    declare(parser)
    parser.add_argument("--remove", action="store_true", help="let go of it, and of its tokens")
    parser.add_argument(
        "--manifest", action="store_true", help="print what the platform makes an app of"
    )
    parser.add_argument(
        "--socket",
        action="store_true",
        help="its manifest for Socket Mode, whatever BOT_PUBLIC_URL",
    )
    parser.add_argument(
        "--unchecked", action="store_true", help="keep it though the platform cannot be asked"
    )
    parser.add_argument(
        "--test",
        nargs="?",
        const="",
        metavar="PLACE",
        help="send a test message to a place; without one to the chat that you saved",
    )
    parser.set_defaults(act=connect)


VERBS = {"connect": _declare}
