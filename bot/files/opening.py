"""Which store holds the files, by the settings."""

from bot.core.ports import Clock, Fetcher
from bot.files.files import Files
from bot.files.links import Links, Sign
from bot.files.local import LocalStore
from bot.files.port import FileStore
from bot.files.s3 import S3Store
from bot.files.spool import Spool
from bot.files.supabase import SupabaseStore
from bot.settings import Settings
from bot.store.script import Database


def open_files(
    settings: Settings, db: Database, clock: Clock, fetcher: Fetcher, sign: Sign
) -> Files:
    """The files of a house; asks no store anything."""
    return Files(
        db,
        clock,
        _store(settings, fetcher),
        Spool(settings.files_dir / "spool", clock),
        Links(clock, sign),
    )


def _store(settings: Settings, fetcher: Fetcher) -> FileStore:
    match settings.files.store:
        case "s3":
            return S3Store(settings.files)
        case "supabase":
            return SupabaseStore(settings.files, fetcher)
        case _:
            return LocalStore(settings.files_dir)
