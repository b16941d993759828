"""`bot db`, `bot backup`, `bot restore`: what is kept, and how it is kept safe."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from bot.cli import archive
from bot.cli.house import house
from bot.cli.shell import Shell
from bot.cli.terminal import count
from bot.cli.verb import Actions
from bot.command import runnable
from bot.config.database import called
from bot.core.errors import NotFound
from bot.home import hold
from bot.infra.clock import SystemClock


def db_status(shell: Shell, _: Namespace) -> int:
    """Say which schema the database has, and which one is needed."""
    has, needs = house().db_status(shell.settings)
    is_current = has == needs
    told = {"has": has, "needs": needs, "current": is_current, "database": _name(shell)}
    mend = "" if is_current else runnable(" Upgrade it: bot db upgrade")
    if int(has) > int(needs):
        mend = " A newer Switchboard upgraded it; install that one here as well."
    shown = "is not there yet" if has == "0" else f"has schema {has}"
    shell.terminal.show(told, [f"{_name(shell)} {shown}; this program needs {needs}.{mend}"])
    return 0 if is_current else 1


def db_upgrade(shell: Shell, _: Namespace) -> int:
    """Bring the database to the needed schema."""
    steps: list[str] = []

    def say(step: str) -> None:
        steps.append(step)
        shell.terminal.say(step)

    house().db_upgrade(shell.settings, say)
    shell.terminal.show({"steps": steps}, [])
    return 0


def backup(shell: Shell, args: Namespace) -> int:
    """Save everything into one file."""
    home, terminal = shell.settings.home, shell.terminal
    if not home.is_dir():
        raise NotFound(f"There is nothing to save: {home} does not exist.")
    stamp = f"{SystemClock().now():%Y%m%d-%H%M%S}"
    target = args.file or home / archive.FOLDER / f"switchboard-{stamp}.tar.gz"
    files = archive.save(home, target, terminal.progress)
    terminal.progress("")
    size = target.stat().st_size
    lines = [f"Saved {count(files, 'file')} ({size / 1e6:.1f} MB) in {target}"]
    if (home / "master.key").is_file():
        lines.append("It holds the master key: keep it as safe as a password.")
    if shell.settings.database_url:
        lines.append("The database is elsewhere and not in it: save that with pg_dump.")
    if not shell.settings.blog.folder.is_relative_to(home):
        lines.append(f"The posts in {shell.settings.blog.folder} are not in it.")
    terminal.show({"file": str(target), "files": files, "bytes": size}, lines)
    return 0


def restore(shell: Shell, args: Namespace) -> int:
    """Bring a backup back, while nothing runs."""
    home, terminal = shell.settings.home, shell.terminal
    if not args.file.is_file():
        raise NotFound(f"There is no file {args.file}.")
    held = hold(home)  # AlreadyRunning, exit 4, when a house runs here
    try:
        stamp = f"{SystemClock().now():%Y%m%d-%H%M%S}"
        aside = home / f"replaced-{stamp}" if args.replace and _has_house(home) else None
        files = archive.bring_back(args.file, home, aside, terminal.progress)
    finally:
        held.release()
    terminal.progress("")
    lines = [f"Brought {count(files, 'file')} back into {home}."]
    if shell.settings.database_url:
        lines.append("The database is elsewhere and not in it: bring that back with pg_restore.")
    if aside:
        lines.append(f"What was there lies in {aside}; delete it when all is well.")
    told = {"home": str(home), "files": files, "aside": str(aside) if aside else None}
    terminal.show(told, [*lines, runnable("Next: bot run")])
    return 0


def _has_house(home: Path) -> bool:
    return any(entry.name not in archive.STAYS for entry in list(home.iterdir()))


def _name(shell: Shell) -> str:
    return str(called(shell.settings.database_url, shell.settings.home))


def _declare_db(parser: ArgumentParser) -> None:
    actions = Actions(parser)
    actions.add("status", db_status, "which schema it has")
    actions.add("upgrade", db_upgrade, "bring it to the needed schema")
    saved = actions.add("backup", backup, "save everything into one file")
    saved.add_argument("file", type=Path, nargs="?", metavar="FILE")


def _declare_backup(parser: ArgumentParser) -> None:
    parser.add_argument("file", type=Path, nargs="?", metavar="FILE")
    parser.set_defaults(act=backup)


def _declare_restore(parser: ArgumentParser) -> None:
    parser.add_argument("file", type=Path, metavar="FILE")
    parser.add_argument("--replace", action="store_true", help="set aside what is there")
    parser.set_defaults(act=restore)


VERBS = {"db": _declare_db, "backup": _declare_backup, "restore": _declare_restore}
