"""Which store holds the files, by the settings."""

from bot.config.values import own_addresses
from bot.core.ports import Clock
from bot.fetch.client import WebFetcher
from bot.files.files import Files
from bot.files.links import Links, Sign
from bot.files.local import LocalStore
from bot.files.port import FileStore
from bot.files.s3 import S3Store
from bot.files.spool import Spool
from bot.files.supabase import SupabaseStore
from bot.settings import Settings
from bot.store.script import Database


def open_files(settings: Settings, db: Database, clock: Clock, sign: Sign) -> Files:
    """The files of a house; asks no store anything."""
    return Files(
        db,
        clock,
        _store(settings),
        Spool(settings.files_dir / "spool", clock),
        Links(clock, sign),
    )


def _store(settings: Settings) -> FileStore:
    match settings.files.store:
        case "s3":
            return S3Store(settings.files)
        case "supabase":
            own = own_addresses(settings.files.supabase_url)
            return SupabaseStore(settings.files, WebFetcher(allow=own))
        case _:
            return LocalStore(settings.files_dir)
