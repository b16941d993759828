"""What every store of bytes does, and what each says when it cannot."""

import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
from aiohttp import web

from bot.core.errors import ConnectionBroken, NotFound, OperatorError, StoreError, VendorUnknown
from bot.files.local import LocalStore
from bot.files.port import BytesMissing, FileStore
from bot.files.s3 import S3Store
from tests.bot.files.conftest import in_s3, in_supabase
from tests.fakes.supabase_storage import NEW_KEY, SupabaseStorage

PATH = "tenants/ten_1/fil_1"
OTHER = "tenants/ten_2/fil_1"


async def read(store: FileStore, path: str) -> bytes:
    return b"".join([piece async for piece in store.read(path)])


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return tmp_path / "source"


@pytest.mark.parametrize("size", [0, 1, 262_144, 7_000_001])
async def test_bytes_come_back_as_they_were(store: FileStore, source: Path, size: int) -> None:
    data = Random(size).randbytes(size)
    source.write_bytes(data)
    await store.put(PATH, source)
    assert await read(store, PATH) == data
    assert source.read_bytes() == data, "the source is the caller's"
    await store.delete(PATH)


async def test_the_same_path_again_replaces(store: FileStore, source: Path) -> None:
    for data in (b"first, and longer", b"second"):
        source.write_bytes(data)
        await store.put(PATH, source)
    assert await read(store, PATH) == b"second"
    await store.delete(PATH)


async def test_deleting_is_done_once_and_asked_for_as_often_as_one_likes(
    store: FileStore, source: Path
) -> None:
    source.write_bytes(b"one")
    await store.put(PATH, source)
    await store.put(OTHER, source)
    await store.delete(PATH)
    await store.delete(PATH)
    with pytest.raises(BytesMissing):
        await read(store, PATH)
    assert await read(store, OTHER) == b"one", "another tenant's file of the same name stays"
    await store.delete(OTHER)


@pytest.mark.parametrize(
    "path",
    [
        *("", "/etc/passwd", "../up", "tenants/../fil_1", "tenants/ten_1/../../x", "tenants/a/b/c"),
        *("tenants/ten_1/fil_1\n", "tenants/ten_1/fil%2e1", "tenants\\ten_1\\fil_1", "x" * 300),
    ],
)
async def test_a_path_that_the_house_does_not_make_is_refused(
    store: FileStore, source: Path, path: str
) -> None:
    source.write_bytes(b"x")
    for asked in (store.put(path, source), read(store, path), store.delete(path)):
        with pytest.raises(NotFound):
            await asked


async def test_files_of_the_folder_are_for_nobody_else(tmp_path: Path, source: Path) -> None:
    source.write_bytes(b"x")
    await LocalStore(tmp_path / "files").put(PATH, source)
    kept = tmp_path / "files" / PATH
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    for folder in (kept.parent, kept.parent.parent, tmp_path / "files"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_a_link_in_the_folder_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "files" / PATH
    target.parent.mkdir(parents=True)
    target.symlink_to("/etc/passwd")
    with pytest.raises(StoreError):
        await read(LocalStore(tmp_path / "files"), PATH)


async def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path, source: Path) -> None:
    source.write_bytes(b"x")
    (tmp_path / "files").write_text("a file where a folder belongs")
    with pytest.raises(StoreError, match="cannot be kept"):
        await LocalStore(tmp_path / "files").put(PATH, source)


async def every_way(store: FileStore, source: Path) -> list[Exception]:
    """What putting, reading and deleting raise."""
    source.write_bytes(b"x")
    found: list[Exception] = []
    for asked in (store.put(PATH, source), read(store, PATH), store.delete(PATH)):
        try:
            await asked
        except Exception as error:
            found.append(error)
    return found


async def test_a_bucket_that_is_not_there_is_named(
    s3_address: str, supabase: SupabaseStorage, source: Path
) -> None:
    for store in (in_s3(s3_address, "missing"), in_supabase(supabase.url, bucket="missing")):
        found = await every_way(store, source)
        assert len(found) == 3
        assert all(type(error) is OperatorError and "missing" in str(error) for error in found)


async def test_a_wrong_key_is_the_operators_to_mend_and_never_shown(
    supabase: SupabaseStorage, source: Path
) -> None:
    found = await every_way(in_supabase(supabase.url, "eyJwrong.e30.key"), source)
    assert [type(error) for error in found] == [ConnectionBroken] * 3
    assert "wrong" not in str(found)


@pytest.mark.parametrize("status", [401, 403])
async def test_a_bucket_that_refuses_the_key_is_the_operators_to_mend(
    source: Path, status: int
) -> None:
    async def refuse(request: web.Request) -> web.Response:
        await request.read()
        text = "<Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>AKIDEXAMPLE</AWSAccessKeyId></Error>"
        return web.Response(status=status, text=text)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", refuse)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        store: S3Store = in_s3(f"http://127.0.0.1:{runner.addresses[0][1]}")
        found = await every_way(store, source)
    finally:
        await runner.cleanup()
    assert [type(error) for error in found] == [ConnectionBroken] * 3
    assert "AKID" not in str(found)


async def test_a_server_that_fails_may_be_asked_again(
    supabase: SupabaseStorage, source: Path
) -> None:
    supabase.broken = 500
    for store in (in_supabase(supabase.url), in_s3("http://127.0.0.1:9")):
        found = await every_way(store, source)
        assert [type(error) for error in found] == [VendorUnknown] * 3


async def test_a_file_that_finds_nobody_at_the_address_is_not_told_to_be_gone(
    supabase: SupabaseStorage, source: Path
) -> None:
    """Such as a project that was deleted, or an endpoint that leads to somebody's page."""
    source.write_bytes(b"x")
    supabase.broken = 404
    async with nobody() as url:
        for store in (in_supabase(supabase.url), in_s3(url)):
            with pytest.raises(OperatorError, match="at that address"):
                await store.put(PATH, source)


@asynccontextmanager
async def nobody() -> AsyncIterator[str]:
    """A server that has nothing anywhere."""
    runner = web.AppRunner(web.Application())
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def test_a_new_key_of_supabase_travels_alone_and_types_are_never_told(
    supabase: SupabaseStorage, source: Path
) -> None:
    source.write_bytes(b"<script>")
    store = in_supabase(supabase.url, NEW_KEY)
    await store.put(PATH, source)
    assert await read(store, PATH) == b"<script>"
    await store.delete(PATH)
    assert supabase.types == {"application/octet-stream"}
    assert supabase.buckets == {"kb_uploads": {}}
