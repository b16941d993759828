"""`bot connections`: accounts at services, how each is, checking and letting go.

Connecting one begins with `bot connect SERVICE`, which keeps our app's ID and secret, and goes on
in a browser, where the service asks for consent. Stripe and the blog's site are connected by a key
alone; they are listed here too, and let go of by `bot connect NAME --remove`.
"""

from argparse import ArgumentParser, Namespace
from collections.abc import Callable

from bot.cli.client import Client, path_of
from bot.cli.record import Record
from bot.cli.shell import Shell
from bot.cli.terminal import clean, when
from bot.cli.verb import Actions
from bot.command import runnable
from bot.core.errors import NotFound

Ask = Callable[[Record], dict[str, str]]
NONE = "No account is connected."
BY_KEY = {"stripe": "stripe", "wordpress": "blog", "ghost": "blog"}
"""Services that a key connects, each with its page; the house lists them beside the platforms."""
UNSET = "not connected"
WORDS = {"active": "connected", "ends": "ends soon", "broken": "broken"}


def listed(shell: Shell, _: Namespace) -> int:
    """Name them; 1 where one is broken."""
    with shell.client() as client:
        items = client.call("GET", path_of("connections")).records("items")
        services = client.call("GET", path_of("services")).records("items")
        items += _by_key(client)
    rows = [_row(item) for item in items]
    lines = shell.terminal.table(("id", "service", "account", "", "may", "ends"), rows)
    ready = [one.text("name") for one in services if one.text("app")]
    names = ", ".join(ready or [one.text("name") for one in services])
    hint = runnable(f"Connect one with: bot connect NAME ({names})")
    shell.terminal.show({"items": items}, [*lines, hint] if rows else [NONE, hint])
    return 1 if any(item.text("status") == "broken" for item in items) else 0


def _by_key(client: Client) -> list[Record]:
    """Those that a key connects, in the shape of accounts; they have no id."""
    found = [
        one
        for one in client.call("GET", path_of("channels")).records("items")
        if one.text("name") in BY_KEY and one.text("detail") != UNSET
    ]
    return [
        Record(
            {
                "provider": one.text("name"),
                "name": one.text("detail"),
                "status": "active" if one.flag("up") else "broken",
            }
        )
        for one in found
    ]


def _row(item: Record) -> tuple[str, ...]:
    may = [clean(one.text("title")) for one in item.records("features") if one.flag("on")]
    agent = item.text("agent")
    name = clean(item.text("name"))
    ends = when(item.text("ends_at")) if item.text("ends_at") else ""
    return (
        item.text("id"),
        item.text("provider"),
        f"{name} (for {agent})" if agent else name,
        WORDS.get(item.text("status"), item.text("status")),
        "; ".join(may),
        "renewed by itself" if item.flag("renewed") else ends,
    )


def told(item: Record) -> str:
    """One account in a line: what works by it, and what it was not allowed."""
    name, agent = clean(item.text("name")), item.text("agent")
    state = WORDS.get(item.text("status"), item.text("status"))
    features = item.records("features")
    may = [clean(one.text("title")) for one in features if one.flag("on")]
    parts = [f"{item.text('title')}, {name}{f' (for {agent})' if agent else ''}: {state}"]
    parts.append(f"works: {', '.join(may)}" if may else "nothing works by it")
    if missing := item.texts("missing"):
        parts.append(f"not allowed: {clean(', '.join(missing))}")
    if ends := "" if item.flag("renewed") else item.text("ends_at"):
        parts.append(f"ends {when(ends)}")
    return "; ".join(parts)


def check(shell: Shell, args: Namespace) -> int:
    """Ask the service whether it works; 1 where it does not."""
    with shell.client() as client:
        item = client.call("POST", path_of("connections", args.id, "check"))
    error = clean(item.text("error"))
    state = WORDS.get(item.text("status"), item.text("status"))
    said = error or f"{item.text('title')}, {clean(item.text('name'))}: {state}."
    shell.terminal.show(item, [said])
    return 1 if error else 0


def disconnect(shell: Shell, args: Namespace) -> int:
    """Take our access back, and wipe it."""
    with shell.client() as client:
        answer = client.call("DELETE", path_of("connections", args.id))
    shell.terminal.show(answer, [f"Disconnected. {clean(answer.text('said'))}"])
    return 0


def service(client: Client, name: str) -> Record | None:
    """A service by its name; None where there is none."""
    items = client.call("GET", path_of("services")).records("items")
    return next((item for item in items if item.text("name") == name), None)


def connect_service(shell: Shell, client: Client, found: Record, ask: Ask, anew: bool) -> int:
    """Keep our app of a service if there is none yet, and say where it goes on."""
    name, title = found.text("name"), found.text("title")
    if anew or not found.text("app"):
        shell.terminal.say(f"Tell {title} this redirect address: {found.text('redirect')}")
        client.call("PUT", path_of("services", name), {"options": ask(found)})
    house = found.text("redirect").removesuffix(f"/oauth/{name}/callback")
    link = f"{house}/admin/connections#{name}"
    lines = [
        runnable(f"The app of {title} is set. Go on in a browser that is signed in (`bot open`):"),
        link,
    ]
    shell.terminal.show({"name": name, "link": link}, lines)
    return 0


def forget_app(client: Client, name: str) -> None:
    """Let go of our app of a service. Raises NotFound."""
    if service(client, name) is None:
        raise NotFound(f"There is no service {name}.")
    client.call("DELETE", path_of("services", name))


def _declare(parser: ArgumentParser) -> None:
    actions = Actions(parser)
    actions.add("list", listed, "what is connected, and how it is")
    one = actions.add("check", check, "ask the service whether one works")
    one.add_argument("id", help="as the list shows it")
    one = actions.add("disconnect", disconnect, "take our access back, and wipe it")
    one.add_argument("id", help="as the list shows it")


VERBS = {"connections": _declare}
