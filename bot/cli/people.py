"""`bot people`, `bot pair`, `bot tenants`: who may come in, and into which part of the house."""

from argparse import ArgumentParser, Namespace

from bot.cli.client import Client, pages, path_of
from bot.cli.record import Record
from bot.cli.shell import Shell
from bot.cli.terminal import clean, when
from bot.cli.verb import Actions
from bot.core.errors import UserError


def list_people(shell: Shell, _: Namespace) -> int:
    """Name everybody."""
    with shell.client() as client:
        people = list(pages(client, path_of("people")))
    rows = [(p.text("id"), p.text("name"), p.text("role"), p.text("email")) for p in people]
    shell.terminal.show(
        {"items": people}, shell.terminal.table(("id", "name", "role", "e-mail"), rows)
    )
    return 0


def add_person(shell: Shell, args: Namespace) -> int:
    """Add a person and show their sign-in link."""
    body = {"name": args.name, "role": args.role}
    if args.email:
        body["email"] = args.email
    with shell.client() as client:
        answer = client.call("POST", path_of("people"), body)
    name = clean(answer.record("person").text("name") or args.name)
    lines = [answer.text("link"), f"Send it to {name}: it signs them in, once."]
    shell.terminal.show(answer, lines)
    return 0


def give_role(shell: Shell, args: Namespace) -> int:
    """Make somebody an owner, or a member."""
    with shell.client() as client:
        path = path_of("people", _known(client, args.person).text("id"))
        person = client.call("POST", path, {"role": args.role})
    a_role = "an owner" if args.role == "owner" else "a member"
    shell.terminal.show(person, [f"{clean(person.text('name'))} is {a_role} now."])
    return 0


def remove_person(shell: Shell, args: Namespace) -> int:
    """Take somebody out: nothing of theirs opens or runs from then on."""
    with shell.client() as client:
        person = _known(client, args.person)
        answer = client.call("DELETE", path_of("people", person.text("id")))
    name = clean(person.text("name"))
    shell.terminal.show(answer, [f"{name} is gone, with what they signed in by."])
    return 0


def pair(shell: Shell, args: Namespace) -> int:
    """Admit the stranger who was told this code."""
    body = {"code": args.code} | ({"name": args.name} if args.name else {})
    with shell.client() as client:
        if args.person:
            body["person"] = _known(client, args.person).text("id")
        answer = client.call("POST", path_of("pair"), body)
    name = clean(answer.record("person").text("name") or args.name or "They")
    shell.terminal.show(answer, [f"{name} may write to the agents now."])
    return 0


def _known(client: Client, word: str) -> Record:
    """The person whom an id, a name or an address names. Raises UserError."""
    people = list(pages(client, path_of("people")))
    names = ("id", "email", "name")
    found = [p for p in people if word.casefold() in [p.text(n).casefold() for n in names]]
    if len(found) == 1:
        return found[0]
    if found:
        raise UserError(f"{len(found)} people are called {word}. Take the id: bot people list")
    raise UserError(f"Nobody is called {word}. Who is here: bot people list")


def list_tenants(shell: Shell, _: Namespace) -> int:
    """Name the tenants."""
    with shell.client() as client:
        tenants = list(pages(client, path_of("tenants")))
    rows = [(t.text("id"), t.text("name"), when(t.text("created_at"))) for t in tenants]
    shell.terminal.show({"items": tenants}, shell.terminal.table(("id", "name", "since"), rows))
    return 0


def add_tenant(shell: Shell, args: Namespace) -> int:
    """Make a tenant."""
    body = {"name": args.name} | ({"owner": args.owner} if args.owner else {})
    with shell.client() as client:
        answer = client.call("POST", path_of("tenants"), body)
    lines = [
        f"{clean(args.name)} is here: {answer.record('tenant').text('id') or answer.text('id')}"
    ]
    if link := answer.text("link"):
        lines += [link, "Send it to the tenant's owner: it signs them in, once."]
    shell.terminal.show(answer, lines)
    return 0


def _declare_people(parser: ArgumentParser) -> None:
    actions = Actions(parser)
    actions.add("list", list_people, "everybody")
    new = actions.add("add", add_person, "add somebody; prints their sign-in link")
    new.add_argument("name")
    new.add_argument("--role", choices=("owner", "member"), default="member")
    new.add_argument("--email", default="", metavar="ADDRESS")
    role = actions.add("role", give_role, "make somebody an owner or a member")
    role.add_argument("person", metavar="PERSON", help="a name, an address or an id")
    role.add_argument("role", choices=("owner", "member"))
    gone = actions.add("remove", remove_person, "take somebody out")
    gone.add_argument("person", metavar="PERSON", help="a name, an address or an id")


def _declare_pair(parser: ArgumentParser) -> None:
    parser.add_argument("code", help="the eight characters that the stranger was told")
    parser.add_argument("--name", default="", help="what to call them")
    parser.add_argument(
        "--person", default="", metavar="WHO", help="whom they are already: a name, address or id"
    )
    parser.set_defaults(act=pair)


def _declare_tenants(parser: ArgumentParser) -> None:
    actions = Actions(parser)
    actions.add("list", list_tenants, "the tenants there are")
    new = actions.add("add", add_tenant, "make one")
    new.add_argument("name")
    new.add_argument("--owner", default="", metavar="NAME", help="its first owner")


VERBS = {"people": _declare_people, "pair": _declare_pair, "tenants": _declare_tenants}
