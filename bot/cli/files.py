"""`bot files`: what is kept here; put a file in, get one out, link to it, remove it."""

import mimetypes
from argparse import ArgumentParser, Namespace
from pathlib import Path

from bot.cli.client import pages, path_of
from bot.cli.shell import Shell
from bot.cli.terminal import clean, when
from bot.cli.verb import Actions
from bot.command import runnable
from bot.core.errors import Invalid


def list_files(shell: Shell, args: Namespace) -> int:
    """Name them, the newest first."""
    with shell.client() as client:
        items = list(pages(client, path_of("files"), most=args.most))
    rows = [
        (
            f.text("id"),
            f.text("name"),
            f.text("size"),
            "shared" if f.flag("shared") else "",
            when(f.text("created_at")),
        )
        for f in items
    ]
    lines = shell.terminal.table(("id", "name", "bytes", "", "since"), rows)
    shell.terminal.show(
        {"items": items},
        lines if rows else [runnable("No files. Put one here: bot files put FILE")],
    )
    return 0


def put(shell: Shell, args: Namespace) -> int:
    """Keep a copy of a file of this machine."""
    source = Path(args.file)
    if source.exists() and not source.is_file():
        raise Invalid(f"{source} is no file that has an end. Name a file.")
    try:
        data = source.read_bytes()
    except OSError as error:
        raise Invalid(f"{source} cannot be read: {error.strerror}.") from error
    query = {
        "name": source.name,
        "type": mimetypes.guess_type(source.name)[0] or "",
        "shared": "1" if args.shared else "",
    }
    with shell.client() as client:
        answer = client.send(path_of("files"), data, query=query)
    shell.terminal.show(answer, [f"{clean(answer.text('name'))} is {answer.text('id')}"])
    return 0


def get(shell: Shell, args: Namespace) -> int:
    """Write a file's bytes to a new file of this machine; nothing is overwritten."""
    target = Path(args.to)
    part = target.with_name(f"{target.name}.part")
    if target.exists():
        raise Invalid(f"{target} is there already. Name another, or remove it.")
    try:
        with shell.client() as client, part.open("xb") as kept:
            for piece in client.take(path_of("files", args.id)):
                kept.write(piece)
        size = part.stat().st_size
        part.rename(target)
    except FileExistsError:
        raise Invalid(f"{part} is there already. Remove it.") from None
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    shell.terminal.show({"file": str(target), "size": size}, [f"{target}: {size} bytes"])
    return 0


def link(shell: Shell, args: Namespace) -> int:
    """Print a link that gives the file to whoever holds it."""
    with shell.client() as client:
        body = {"lasts_s": args.hours * 3600}
        answer = client.call("POST", path_of("files", args.id, "link"), body)
    until = when(answer.text("expires_at"))
    shell.terminal.show(answer, [answer.text("url"), f"For whoever has it, until {until}."])
    return 0


def remove(shell: Shell, args: Namespace) -> int:
    """Delete a file for good."""
    with shell.client() as client:
        answer = client.call("DELETE", path_of("files", args.id))
    shell.terminal.show(answer, [f"{args.id} is gone."])
    return 0


def _declare(parser: ArgumentParser) -> None:
    parser.set_defaults(most=100)
    actions = Actions(parser)
    listing = actions.add("list", list_files, "what is kept here")
    listing.add_argument("--most", type=int, default=100, help="how many, at most")
    putting = actions.add("put", put, "keep a copy of a file of this machine")
    putting.add_argument("file")
    putting.add_argument("--shared", action="store_true", help="everybody here may read it")
    getting = actions.add("get", get, "write one to this machine")
    getting.add_argument("id")
    getting.add_argument("to", help="where to; must not be there yet")
    linking = actions.add("link", link, "a link for whoever holds it")
    linking.add_argument("id")
    linking.add_argument("--hours", type=int, default=1, help="how long it works, 168 at most")
    actions.add("rm", remove, "delete one for good").add_argument("id")


VERBS = {"files": _declare}
