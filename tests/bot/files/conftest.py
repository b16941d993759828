"""The three stores, each against what it really is or what plays its vendor; and both databases."""

import logging
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from bot.config.sections import FilesKept
from bot.core.secret import Secret
from bot.fetch.client import WebFetcher
from bot.files.local import LocalStore
from bot.files.port import FileStore
from bot.files.s3 import S3Store
from bot.files.supabase import SupabaseStore
from bot.store.postgres import PostgresDatabase
from bot.store.script import Database
from bot.store.sqlite import SqliteDatabase
from tests.fakes.database import lay
from tests.fakes.supabase_storage import JWT, SupabaseStorage
from tests.postgres import our_database

BUCKET = "kept-files"
SIGNED = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/s3/aws4_request"


@pytest.fixture(scope="session")
def s3_address() -> Iterator[str]:
    """A server that plays S3, with one bucket."""
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    made = urllib.request.Request(
        f"{url}/{BUCKET}", method="PUT", headers={"Authorization": SIGNED}
    )
    urllib.request.urlopen(made, timeout=20).close()
    yield url
    server.stop()


def in_s3(url: str, bucket: str = BUCKET) -> S3Store:
    kept = FilesKept(
        store="s3",
        bucket=bucket,
        endpoint=url,
        region="us-east-1",
        key_id="AKIDEXAMPLE",
        key_secret=Secret("s3-secret"),
    )
    return S3Store(kept)


def in_supabase(url: str, key: str = JWT, bucket: str = "kb_uploads") -> SupabaseStore:
    kept = FilesKept(
        store="supabase", supabase_url=url, supabase_key=Secret(key), supabase_bucket=bucket
    )
    port = int(url.rpartition(":")[2])
    return SupabaseStore(kept, WebFetcher(allow=[("127.0.0.1", port)]))


@pytest.fixture
async def supabase() -> AsyncIterator[SupabaseStorage]:
    async with SupabaseStorage() as storage:
        yield storage
    assert storage.faults == []


@pytest.fixture(params=["local", "s3", "supabase"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, supabase: SupabaseStorage
) -> FileStore:
    if request.param == "local":
        return LocalStore(tmp_path / "files")
    if request.param == "s3":
        return in_s3(request.getfixturevalue("s3_address"))
    return in_supabase(supabase.url)


@pytest.fixture(params=["sqlite", "postgres"])
async def db(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    if request.param == "sqlite":
        path = tmp_path / "house.db"
        lay(path)
        file = SqliteDatabase(path)
        await file.open()
        yield file
        await file.close()
        return
    async with our_database() as url:
        shared = PostgresDatabase(url)
        await shared.open()
        yield shared
        await shared.close()
