"""Everything of a house in one file, and back: the database as it is at one moment, files, keys.

A backup may be made while the house runs. It holds the master key, so whoever has it can read all
that is sealed inside; it is written 0600. What a process leaves behind (locks, logs, the address of
the running house, earlier backups) stays out.
"""

import os
import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from bot.core.errors import Conflict, Invalid
from bot.store import schema

DATABASE = "switchboard.db"
FOLDER = "backups"
STAYS = frozenset({"lock", "server.json", "server.json.part", "chat_history", "logs", FOLDER})
"""Names in the home folder that are not part of a backup."""
_LEFTOVERS = ("-wal", "-shm", "-journal", ".backup", ".part", ".restoring")
Say = Callable[[str], None]


def save(home: Path, target: Path, say: Say) -> int:
    """Write a backup of `home` to `target`, whole or not at all; return how many files it holds.

    `say` is told what is going on. Raises Conflict when the file is there, StoreError and OSError.
    """
    if target.exists():
        raise Conflict(f"{target} is there already. Name another file.")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.part")
    number = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(number, "wb") as out:
            with tarfile.open(fileobj=out, mode="w:gz") as tar:
                count = _fill(tar, home, target.parent, say)
            out.flush()
            os.fsync(out.fileno())
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    return count


def _fill(tar: tarfile.TarFile, home: Path, room: Path, say: Say) -> int:
    """Put everything in; the database is copied in `room` first: a full home can be saved too."""
    count = 0
    if (home / DATABASE).is_file():
        say("copying the database…")
        with tempfile.TemporaryDirectory(dir=room, prefix="backup-") as folder:
            copy = schema.backup(home / DATABASE, Path(folder) / DATABASE)
            tar.add(copy, DATABASE)
            count += 1
    for file in contents(home):
        tar.add(file, file.relative_to(home).as_posix(), recursive=False)
        count += 1
        if count % 100 == 0:
            say(f"{count:,} files…")
    return count


def contents(home: Path) -> Iterator[Path]:
    """The files of a home folder that belong into a backup, the database apart."""
    for entry in sorted(home.iterdir()):
        is_left = entry.name.endswith(_LEFTOVERS) or entry.name.startswith(("backup-", "replaced-"))
        if entry.name in STAYS or entry.name == DATABASE or is_left or entry.is_symlink():
            continue
        if entry.is_file():
            yield entry
        else:
            yield from (f for f in sorted(entry.rglob("*")) if f.is_file() and not f.is_symlink())


def bring_back(backup: Path, home: Path, aside: Path | None, say: Say) -> int:
    """Put a backup into `home`, which the caller holds; return how many files it held.

    What is there is moved to the folder `aside`; without one a folder in use is refused. Nothing is
    changed before the backup has been read whole and its database was found to be sound.
    Raises Conflict, Invalid (no backup of ours), StoreError.
    """
    old = [entry for entry in home.iterdir() if entry.name not in STAYS]
    if aside is None and any(entry.name in (DATABASE, "master.key") for entry in old):
        raise Conflict(f"There is a house in {home} already. `--replace` sets it aside.")
    with tempfile.TemporaryDirectory(dir=home, prefix="restoring-") as folder:
        fresh = Path(folder)
        count = _unpack(backup, fresh, say)
        say("checking the database…")
        if (fresh / DATABASE).is_file():
            checked = fresh / f"{DATABASE}.checked"
            schema.restore(fresh / DATABASE, checked)
            checked.replace(fresh / DATABASE)
        if aside is not None:
            aside.mkdir(mode=0o700)
            for entry in old:
                entry.replace(aside / entry.name)
        for entry in fresh.iterdir():
            entry.replace(home / entry.name)
    return count


def _unpack(backup: Path, folder: Path, say: Say) -> int:
    count = 0
    try:
        with tarfile.open(backup, "r:gz") as tar:
            for member in tar:
                source = tar.extractfile(member) if member.isfile() else None
                if source is None:
                    continue
                target = folder / _safe(member.name)
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                number = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(number, "wb") as out:
                    shutil.copyfileobj(source, out)
                count += 1
                if count % 100 == 0:
                    say(f"{count:,} files…")
    except (tarfile.TarError, EOFError) as error:
        raise Invalid(f"{backup} is no backup of ours, or damaged: {error}.") from None
    if not count:
        raise Invalid(f"{backup} is no backup of ours: it holds no file.")
    return count


def _safe(name: str) -> PurePosixPath:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise Invalid(f"The backup names a file outside the folder: {name}. Nothing was changed.")
    return path
