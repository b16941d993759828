"""`bot doctor`: problems first, each with one command; "nothing to mend" when there is none.

Only what is configured is looked at. Each check is a function of its own and the tuple `CHECKS` is
the whole examination. No key and no token is ever shown.
"""

import re
import shutil
import stat
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path

from bot.cli.connections import told
from bot.cli.patient import Patient, examined
from bot.cli.run import check_packages, is_taken, taken
from bot.cli.shell import Shell
from bot.cli.status import database_name, process
from bot.cli.terminal import clean, count
from bot.command import runnable
from bot.config import tree
from bot.config.database import called
from bot.config.file import NotToml, read
from bot.config.mistakes import Mistaken
from bot.config.values import DIRECT_VENDORS
from bot.core.errors import OperatorError
from bot.extensions import examine
from bot.extras import install
from bot.settings import SECRET_VARIABLES, VARIABLES, Settings, find_file, misspelt
from bot.version import version

_IN_FILE = re.compile(r"(\S+\.(?:md|toml)):(\d+): ")
_IN_WORDS = re.compile(r"bot mcp [a-z]+ [a-z0-9]+$")
"""A sentence of the house that ends with its own mend."""
LEAST_FREE = 200_000_000
"""Bytes on the disk below which the database may soon be unable to grow."""
SECRETS = {VARIABLES[name] for name in SECRET_VARIABLES if name in VARIABLES} | {("mcp", "servers")}
"""Settings that hold a secret, or may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing to mend."""

    what: str
    command: str


Check = Callable[[Patient], Iterator[Problem]]


def wrong_settings(patient: Patient) -> Iterator[Problem]:
    """Every mistake in the settings."""
    try:
        _ = patient.shell.whole_settings
    except Mistaken as error:
        for mistake in error.mistakes:
            file, _, place = mistake.where.partition(":")
            line = place.partition(":")[0] or "1"
            mend = _edit(file, line) if place else f"unset {file}"
            yield Problem(what=str(mistake), command=mend)


def misspelt_variables(_: Patient) -> Iterator[Problem]:
    """A key or the like that is set by a name that nobody reads."""
    for meant, name in misspelt().items():
        what = f"Nobody reads the variable {name}. Did you mean {meant}?"
        yield Problem(what=what, command=f'export {meant}="${name}"; unset {name}')


def foreign_packages(_: Patient) -> Iterator[Problem]:
    """Another package that answers to one of our names."""
    try:
        check_packages(Path(__file__).parents[2])
    except OperatorError as error:
        yield Problem(what=error.message, command="make setup")


def open_files(patient: Patient) -> Iterator[Problem]:
    """Files with secrets that others may read."""
    home = patient.shell.home
    file = find_file(patient.shell.config)
    has_secret = file is not None and _holds_secret(file)
    for path, allowed in ((home, 0o700), (home / "master.key", 0o600), (file, 0o600)):
        if path is None or not path.exists() or (path == file and not has_secret):
            continue
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            mend = f"chmod {allowed:o} {path}"
            yield Problem(what=f"Other users of this machine may read {path}.", command=mend)


def full_disk(patient: Patient) -> Iterator[Problem]:
    """A disk that cannot take more: that of the folder, or that of the files."""
    home, settings = patient.shell.home, patient.settings
    files = settings.files_dir if settings else home
    for kept in (home,) if files.is_relative_to(home) else (home, files):
        there = next(folder for folder in (kept, *kept.parents) if folder.exists())
        free = shutil.disk_usage(there).free
        if free < LEAST_FREE:
            what = f"Only {free / 1e6:.0f} MB are free where {kept} lies."
            yield Problem(what=what, command=f"du -sh {kept}/*")


def missing_parts(patient: Patient) -> Iterator[Problem]:
    """Optional packages that the settings ask for and that are not installed."""
    settings = patient.settings
    if settings is None:
        return
    wanted = (
        ("asyncpg", "postgres", settings.database_url.startswith("postgres")),
        ("litellm", "llm", bool(_through_litellm(settings))),
        ("mcp", "mcp", bool(settings.mcp.servers)),
        ("nats", "nats", bool(settings.nats_url)),
    )
    for package, extra, is_wanted in wanted:
        if is_wanted and find_spec(package) is None:
            what = f"The settings ask for {extra}, and its package is not installed."
            yield Problem(what=what, command=install(extra))


def _through_litellm(settings: Settings) -> list[str]:
    """The providers that LiteLLM is needed for."""
    models = settings.models
    named = (*models.default, *models.reason, *models.write, *models.summarise, *models.fast)
    vendors = dict.fromkeys(model.partition("/")[0] for model in named)
    if not vendors:
        keys = settings.keys
        vendors = dict.fromkeys(name for name in type(keys).model_fields if getattr(keys, name))
    direct = DIRECT_VENDORS if models.transport == "direct" else frozenset()
    return [vendor for vendor in vendors if vendor not in direct]


def sick_database(patient: Patient) -> Iterator[Problem]:
    """A database that cannot be used, or a shared one that cannot be used well."""
    stop = f"kill {patient.running.pid} && " if patient.running else ""
    for what, command in patient.database[0]:
        is_stopped = command.startswith("bot restore")
        yield Problem(what=clean(what), command=f"{stop * is_stopped}{command}")


def broken_book(patient: Patient) -> Iterator[Problem]:
    """Rows of the audit that are not as they were sealed."""
    for why in patient.book or ():
        what = f"The audit was changed behind the house's back: {clean(why)}"
        yield Problem(what=what, command="bot audit verify")


def not_running(patient: Patient) -> Iterator[Problem]:
    """No house, and perhaps somebody else on its port."""
    if patient.running is not None or patient.settings is None:
        return
    settings = patient.settings
    what, command = "Switchboard is not running: nobody is answered.", "bot run"
    if all(is_taken(settings.host, port) for port in settings.ports):
        who, command = taken(settings)
        what = f"Switchboard is not running. {who}"
    yield Problem(what=what, command=command)


def not_ready(patient: Patient) -> Iterator[Problem]:
    """A house that would not answer."""
    named = patient.status.texts("problems")
    for what in named or ([patient.why] if patient.why else []):
        if patient.database[0] and what.startswith("The database cannot be "):
            continue  # what the database is examined for says more
        mend = "bot keys paste" if "key" in what.lower() else "bot status"
        if "cannot be written" in what:
            home = patient.shell.home
            mend = f"fuser -v {home / 'switchboard.db'}" if "locked" in what else f"df -h {home}"
        if place := _IN_FILE.match(what):
            mend = _edit(place[1], place[2])
        if command := _IN_WORDS.search(what):
            mend = command[0]
        yield Problem(what=clean(what), command=mend)


def old_version(patient: Patient) -> Iterator[Problem]:
    """A house that runs with another version than the one installed."""
    running = patient.running
    if running and running.version and running.version != version():
        what = f"Version {running.version} is running, {version()} is installed."
        yield Problem(what=what, command=f"kill {running.pid} && bot run")


def channels_down(patient: Patient) -> Iterator[Problem]:
    """Channels that are set up and do not work."""
    for channel in patient.status.records("channels"):
        if not channel.flag("up"):
            name, detail = clean(channel.text("name")), clean(channel.text("detail")).rstrip(".")
            what = f"The channel {name} is down{f': {detail}' if detail else ''}."
            again = f"bot connect {name}"
            yield Problem(what=what, command=again if again in detail else "bot open")


def apps_behind(patient: Patient) -> Iterator[Problem]:
    """Apps at platforms that may do less than the house asks for by now."""
    for channel in patient.status.records("channels"):
        if behind := clean(channel.text("behind")):
            name = clean(channel.text("name"))
            yield Problem(what=f"{name}: {behind}", command=f"bot connect {name} --manifest")
    for platform, newest, item in patient.installs:
        if not item.text("agent") and item.number("manifest") < newest:
            where = clean(item.text("name") or item.text("workspace"))
            what = (
                f"The app of {platform} in {where} was installed by version "
                f"{item.number('manifest')} of its manifest; {newest} asks for more. Install it "
                "again."
            )
            yield Problem(what=what, command="bot open")


def broken_extensions(patient: Patient) -> Iterator[Problem]:
    """Packages that the settings name and that are not used."""
    wrong = {x.text("name"): x.text("problem") for x in patient.status.records("extensions")}
    if patient.running is None and patient.settings is not None:
        wrong = dict(examine(patient.settings.extensions.allow))
    for name, problem in wrong.items():
        if problem:
            what = f"The extension {clean(name)} is not used. {clean(problem)}"
            yield Problem(what=what, command=f"pip show {clean(name)}")


def troubles(patient: Patient) -> Iterator[Problem]:
    """What went wrong for good and is not mended; a channel that is down is said above."""
    down = [x.text("name") for x in patient.status.records("channels") if not x.flag("up")]
    said = {f"The channel {name} is down" for name in down}
    for item in patient.status.records("troubles"):
        if item.text("title") in said:
            continue
        times = item.number("count")
        often = f" ({times} times)" if times > 1 else ""
        what = f"{clean(item.text('title'))}{often}. {clean(item.text('step'))}"
        yield Problem(what=what, command=clean(item.text("command")))


def left_over(patient: Patient) -> Iterator[Problem]:
    """Work that waits for a person."""
    if doubts := patient.status.number("doubts"):
        what = f"{count(doubts, 'action')} may or may not have been done; somebody must say."
        yield Problem(what=what, command="bot approvals")
    if dead := patient.status.number("dead"):
        what = f"{count(dead, 'event')} failed for good."
        yield Problem(what=what, command="bot events dead")


CHECKS: tuple[Check, ...] = (
    wrong_settings,
    misspelt_variables,
    foreign_packages,
    open_files,
    full_disk,
    missing_parts,
    sick_database,
    broken_book,
    not_running,
    not_ready,
    old_version,
    channels_down,
    apps_behind,
    broken_extensions,
    troubles,
    left_over,
)


def doctor(shell: Shell, _: Namespace) -> int:
    """Examine, and say what to mend."""
    patient = examined(shell)
    problems = [problem for check in CHECKS for problem in check(patient)]
    notes = _notes(patient)
    found = {"ok": not problems, "problems": [asdict(p) for p in problems], "notes": notes}
    lines: list[str] = []
    for problem in problems:
        lines += [f"✗ {runnable(problem.what)}", f"    {runnable(problem.command)}"]
    head = shell.terminal.style("nothing to mend", "green")
    told_notes = [f"  {runnable(note)}" for note in notes]
    shell.terminal.show(found, [*(lines or [head]), *told_notes])
    return 1 if problems else 0


def _notes(patient: Patient) -> list[str]:
    """What is no problem and good to know."""
    notes = []
    if patient.running:
        notes.append(f"running: {patient.running.describe()}")
    if patient.status.flag("offline"):
        notes.append("model: the built-in offline one; a real one: bot keys paste")
    elif model := patient.status.text("model"):
        notes.append(f"model: {clean(model)}")
    settings = patient.settings
    notes += _database(patient)
    if settings and settings.models.transport == "direct":
        others = ", ".join(_through_litellm(settings))
        notes.append(f"models are asked directly{f', {others} through LiteLLM' * bool(others)}")
    notes += [f"memory: {_memory(settings)}"] if settings else []
    paid = patient.status.record("payments")
    if paid and paid.flag("up"):
        notes.append(f"payments: {clean(paid.text('name'))}, {clean(paid.text('detail'))}")
    if patient.book is None:
        notes.append("audit: too long to be read through here; bot audit verify")
    notes += [f"account: {told(item)}" for item in patient.accounts]
    for item in patient.status.records("extensions"):
        if not item.text("problem"):
            name = clean(f"{item.text('name')} {item.text('version')}")
            notes.append(f"extension: {name}: {clean(item.text('brings'))}")
    return notes


def _memory(settings: Settings) -> str:
    """How notes and lines are found again."""
    model = settings.models.embeddings
    how = f"words and by meaning ({model})" if model else "words alone (no [models] embeddings)"
    return f"found by {how}{'' if settings.database_url else '; compared in the process'}"


def _database(patient: Patient) -> list[str]:
    """Which database it is, how it is, and which processes work on it."""
    facts = [f"database: {clean(fact)}" for fact in patient.database[1]]
    if found := patient.status.record("database"):
        processes = [f"process: {process(one)}" for one in found.records("processes")]
        return [f"database: {database_name(found)}", *facts, *processes]
    settings = patient.settings
    name = [f"database: {called(settings.database_url, settings.home)}"] if settings else []
    return [*name, *facts]


def _edit(file: str, line: str) -> str:
    return f'"${{EDITOR:-vi}}" +{line} {file}'


def _holds_secret(file: Path) -> bool:
    try:
        values = read(file).values
    except (OSError, NotToml):
        return False
    return any(tree.get(values, keys) for keys in SECRETS)


def _declare(parser: ArgumentParser) -> None:
    parser.set_defaults(act=doctor)


VERBS = {"doctor": _declare}
