"""Files in a folder of a test's own."""

import hmac
from pathlib import Path

from bot.core.ports import Clock
from bot.files.files import Files
from bot.files.links import Links
from bot.files.local import LocalStore
from bot.files.spool import Spool
from bot.store.script import Database


def local_files(db: Database, clock: Clock, folder: Path) -> Files:
    """The real ones, on a disk."""
    links = Links(clock, lambda purpose, text: hmac.digest(b"k", text.encode(), "sha256").hex())
    return Files(db, clock, LocalStore(folder), Spool(folder / "spool", clock), links)
