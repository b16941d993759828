"""`bot new KIND NAME`: the file, its test, and the packages around them; nothing is written over.

What comes out passes its own test and the rules of the house, so that the first change is made to
something that works.
"""

import keyword
import re
import shlex
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Template

from bot.cli.blueprints import BLUEPRINTS, Blueprint
from bot.cli.shell import Shell
from bot.command import runnable
from bot.config.values import shipped_agents
from bot.core.errors import Conflict, Invalid, OperatorError

NO_VENDOR = "In-house: no vendor's documents describe it."
_NAME = re.compile(r"[a-z][a-z0-9_]{0,29}")
_AGENT = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_PACKAGES = ("tools", "tests", "bot", "channels", "scheduler")
"""Folders below which every folder is a package with a docstring."""


def new(shell: Shell, args: Namespace) -> int:
    """Write one of these."""
    blueprint = BLUEPRINTS[args.kind]
    words = _words(args.kind, args.name, args.docs)
    root = args.into or Path(__file__).parents[2]
    folder = shell.settings.agents_dir if args.kind == "agent" and not args.into else None
    if folder is not None and folder != shipped_agents():
        files = {folder / f"{words['name']}.md": blueprint.text}
    else:
        files = _files(root, blueprint, words)
    written = write({path: Template(text).substitute(words) for path, text in files.items()})
    lines = [f"Wrote {path}" for path in written]
    tests = [path for path in written if path.name.startswith("test_")]
    place = "" if root.absolute() == Path.cwd() else f" -C {shlex.quote(str(root))}"
    lines += [f"Test it: make{place} test ARGS={path.relative_to(root)}" for path in tests]
    told = {"files": [str(path) for path in written]}
    shell.terminal.show(told, [*lines, runnable(Template(blueprint.next).substitute(words))])
    return 0


def write(files: Mapping[Path, str]) -> list[Path]:
    """Write all of them, or none when one is there already (Conflict)."""
    for path in files:
        if path.exists():
            raise Conflict(f"{path} is there already. Take another name.")
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return list(files)


def _words(kind: str, said: str, docs: str) -> dict[str, str]:
    group, slash, name = said.rpartition("/")
    if kind == "tool" and not slash:
        raise Invalid(f"A tool stands in a group: bot new tool social/{name}")
    if kind != "tool" and slash:
        raise Invalid(f"Only a tool stands in a group. Say: bot new {kind} {name}")
    for word in (name, *([group] if slash else [])):
        if not _is_name(kind, word):
            between = "dashes" if kind == "agent" else "underscores"
            rule = f"small letters, digits and {between}, a letter first, 30 at most"
            raise Invalid(f"{word} is no name: {rule}.")
    if docs and not docs.startswith("https://"):
        raise Invalid("--docs takes the https address of the vendor's documents.")
    slug = name.replace("-", "_")
    title = slug.replace("_", " ").capitalize()
    return {
        "name": name,
        "slug": slug,
        "group": group,
        "title": title,
        "kind": "".join(part.capitalize() for part in slug.split("_")),
        "host": name.replace("_", "-"),
        "source": f"Documents: {docs}" if docs else NO_VENDOR,
    }


def _is_name(kind: str, word: str) -> bool:
    pattern = _AGENT if kind == "agent" else _NAME
    return bool(pattern.fullmatch(word)) and len(word) <= 30 and not keyword.iskeyword(word)


def _files(root: Path, blueprint: Blueprint, words: Mapping[str, str]) -> dict[Path, str]:
    if not (root / "tests").is_dir():
        raise OperatorError(
            f"{root} is no checkout of Switchboard, so there is no place for a test."
        )
    files: dict[Path, str] = {}
    for path, text in ((blueprint.path, blueprint.text), (blueprint.test_path, blueprint.test)):
        file = root / Template(path).substitute(words)
        for package in _new_packages(root, file):
            files[package / "__init__.py"] = f'"""{package.name.capitalize()}."""\n'
        files[file] = text
    return files


def _new_packages(root: Path, file: Path) -> Iterator[Path]:
    """The packages around a file that are not there yet, from the outside in."""
    for folder in reversed(file.relative_to(root).parents):
        is_package = folder.parts and folder.parts[0] in _PACKAGES
        if is_package and not (root / folder / "__init__.py").exists():
            yield root / folder


def _declare(parser: ArgumentParser) -> None:
    kinds = ", ".join(f"{name} ({each.about})" for name, each in BLUEPRINTS.items())
    parser.add_argument("kind", choices=BLUEPRINTS, metavar="KIND", help=kinds)
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--docs", default="", metavar="URL", help="the vendor's documents")
    parser.add_argument("--into", type=Path, metavar="FOLDER", help="another checkout")
    parser.set_defaults(act=new)


VERBS = {"new": _declare}
