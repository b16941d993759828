"""Rows and bytes together: whose a file is, and what is left when something breaks in between."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from bot.core.errors import Conflict, NotFound, StoreError, VendorUnknown
from bot.core.ids import PersonId, TenantId
from bot.core.people import Person, Role
from bot.core.times import to_us
from bot.files.files import Files, NewFile
from bot.files.links import LONGEST, LinkOver, Links
from bot.files.local import LocalStore
from bot.files.port import BytesMissing, FileStore, TooLarge
from bot.files.spool import Spool
from bot.store import files as rows
from bot.store.files import File
from bot.store.script import Database
from tests.fakes.people_house import StillClock

HOME, OTHER = TenantId("ten_home"), TenantId("ten_other")


def person(name: str, tenant: TenantId = HOME, role: Role = Role.MEMBER) -> Person:
    at = StillClock().now()
    return Person(id=PersonId(f"per_{name}"), tenant=tenant, name=name, role=role, created_at=at)


ANA, BEN, OLGA = person("ana"), person("ben"), person("olga", role=Role.OWNER)
EVE, EVA = person("ana", OTHER), person("eva", OTHER, Role.OWNER)


@dataclass
class Moody:
    """A folder that does what it is told to, once."""

    store: FileStore
    fail: str = ""
    """`put`: refuse; `after put`: keep the bytes, then break; `delete`: refuse."""
    puts: list[str] = field(default_factory=list)

    async def put(self, path: str, source: Path) -> None:
        self.puts.append(path)
        if self.fail == "put":
            raise VendorUnknown("The bucket is away.")
        await self.store.put(path, source)
        if self.fail == "after put":
            raise VendorUnknown("The answer got lost.")

    def read(self, path: str) -> AsyncIterator[bytes]:
        return self.store.read(path)

    async def delete(self, path: str) -> None:
        if self.fail == "delete":
            raise VendorUnknown("The bucket is away.")
        await self.store.delete(path)


@dataclass
class Shelf:
    """Files over a folder, and a look at what is really in it."""

    files: Files
    store: Moody
    clock: StillClock
    folder: Path
    db: Database

    def bytes(self) -> list[str]:
        """What lies in the folder."""
        return sorted(
            str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()
        )

    async def rows(self, tenant: TenantId = HOME) -> list[str]:
        """Every row of a tenant in any state, as `id state`."""
        self.clock.advance(days=2)
        left = await self.db.read(rows.stuck(to_us(self.clock.now()), 100))
        seen = await self.files.page(person("x", tenant, Role.OWNER))
        return [f"{f.id} {f.state}" for f in [*left, *seen] if f.tenant == tenant]


@pytest.fixture
def shelf(db: Database, tmp_path: Path) -> Shelf:
    folder, clock = tmp_path / "files", StillClock()
    store = Moody(LocalStore(folder))
    links = Links(clock, lambda purpose, text: f"{hash((purpose, text)) & (2**256 - 1):064x}")
    files = Files(db, clock, store, Spool(folder / "spool", clock), links)
    return Shelf(files=files, store=store, clock=clock, folder=folder, db=db)


async def pieces(data: bytes) -> AsyncIterator[bytes]:
    yield data


async def keep(shelf: Shelf, who: Person, data: bytes = b"data", **more: object) -> File:
    known = {"tenant": who.tenant, "person": who.id, "name": "a.txt", "media_type": "text/plain"}
    return await shelf.files.keep(NewFile(**{**known, **more}), pieces(data))  # type: ignore[arg-type]


async def keep_one(files: Files, data: bytes, id_: str) -> File:
    """Olga keeps bytes under an id."""
    new = NewFile(tenant=HOME, person=OLGA.id, name="a.txt", media_type="text/plain", id=id_)
    return await files.keep(new, pieces(data))


async def test_a_file_is_kept_listed_read_and_deleted(shelf: Shelf) -> None:
    made = await keep(shelf, ANA)
    assert made.path == f"tenants/ten_home/{made.id}"
    assert shelf.bytes() == [made.path]
    assert [f.id for f in await shelf.files.page(ANA)] == [made.id]
    assert await shelf.files.whole(await shelf.files.get(ANA, made.id)) == b"data"
    await shelf.files.delete(ANA, made.id)
    assert (shelf.bytes(), await shelf.rows()) == ([], [])
    with pytest.raises(NotFound):
        await shelf.files.delete(ANA, made.id)


async def test_who_sees_what(shelf: Shelf) -> None:
    mine, theirs = await keep(shelf, ANA), await keep(shelf, BEN)
    common = await keep(shelf, OLGA, shared=True)
    foreign = await keep(shelf, EVE, shared=True)
    seen = {
        "Ana": (ANA, {mine.id, common.id}),
        "Ben": (BEN, {theirs.id, common.id}),
        "Olga, the owner": (OLGA, {mine.id, theirs.id, common.id}),
        "the owner of another tenant": (EVA, {foreign.id}),
        "somebody there with Ana's id": (EVE, {foreign.id}),
    }
    for name, (who, ids) in seen.items():
        assert {f.id for f in await shelf.files.page(who)} == ids, name
        for made in (mine, theirs, common, foreign):
            if made.id in ids:
                await shelf.files.get(who, made.id)
            else:
                with pytest.raises(NotFound):
                    await shelf.files.get(who, made.id)
                with pytest.raises(NotFound):
                    await shelf.files.delete(who, made.id)
    with pytest.raises(NotFound):
        await shelf.files.delete(ANA, common.id)
    assert [f.id for f in await shelf.files.page_of(HOME, "")] == [common.id]


async def test_equal_ids_in_two_tenants_are_two_files(shelf: Shelf) -> None:
    await keep(shelf, ANA, b"ours", id="fil_same")
    await keep(shelf, EVE, b"theirs", id="fil_same")
    await shelf.files.delete(EVE, "fil_same")
    assert await shelf.files.whole(await shelf.files.get(ANA, "fil_same")) == b"ours"


async def test_pages_follow_one_another_without_a_gap_also_at_one_moment(shelf: Shelf) -> None:
    made = [await keep(shelf, ANA, id=f"fil_{n}") for n in range(7)]
    del made
    still = shelf.clock.now()
    for n in range(7, 12):
        shelf.clock.at = still
        await keep(shelf, ANA, id=f"fil_{n}")
    found: list[str] = []
    before = rows.LATEST
    while page := await shelf.files.page(ANA, before, 3):
        found += [f.id for f in page]
        before = (page[-1].at, page[-1].id)
    assert sorted(found) == sorted(f"fil_{n}" for n in range(12))
    assert len(set(found)) == 12


async def test_the_same_id_twice_keeps_one_file(shelf: Shelf) -> None:
    first = await keep(shelf, ANA, id="fil_once")
    again = await keep(shelf, ANA, id="fil_once")
    both = await asyncio.gather(*(keep(shelf, ANA, id="fil_twice") for _ in range(2)))
    assert first == again
    assert both[0].id == both[1].id
    assert len(await shelf.files.page(ANA)) == 2
    assert len(shelf.bytes()) == 2


async def test_too_many_bytes_leave_nothing(shelf: Shelf) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(2**20)

    new = NewFile(tenant=HOME, person=ANA.id, name="big", media_type="")
    with pytest.raises(TooLarge):
        await shelf.files.keep(new, endless())
    assert (shelf.bytes(), await shelf.rows(), shelf.store.puts) == ([], [], [])


@pytest.mark.parametrize("fail", ["put", "after put"])
async def test_an_upload_that_breaks_is_never_seen_and_is_swept(shelf: Shelf, fail: str) -> None:
    shelf.store.fail = fail
    with pytest.raises(VendorUnknown):
        await keep(shelf, ANA)
    assert await shelf.files.page(OLGA) == []
    assert await shelf.files.sweep() == 0, "not before it is old: another may be at it"
    shelf.clock.advance(hours=2)
    shelf.store.fail = ""
    assert await shelf.files.sweep() == 1
    assert (shelf.bytes(), await shelf.rows()) == ([], [])
    assert await shelf.files.sweep() == 0


async def test_what_cannot_be_deleted_now_is_gone_for_people_and_swept_later(shelf: Shelf) -> None:
    made = await keep(shelf, ANA)
    shelf.store.fail = "delete"
    await shelf.files.delete(ANA, made.id)
    assert await shelf.files.page(OLGA) == []
    shelf.clock.advance(hours=2)
    assert await shelf.files.sweep() == 0
    assert shelf.bytes() == [made.path], "the row stays as long as the bytes do"
    shelf.store.fail = ""
    assert await shelf.files.sweep() == 1
    assert (shelf.bytes(), await shelf.rows()) == ([], [])


async def test_an_upload_that_was_swept_meanwhile_says_so(shelf: Shelf) -> None:
    class Slow(Moody):
        async def put(self, path: str, source: Path) -> None:
            await super().put(path, source)
            shelf.clock.advance(hours=2)
            await shelf.files.sweep()

    shelf.files._store = slow = Slow(shelf.store.store)
    with pytest.raises(Conflict, match="too long"):
        await keep(shelf, ANA)
    assert (shelf.bytes(), await shelf.rows()) == ([], [])
    assert slow.puts


async def test_bytes_that_come_once_more_are_not_taken_for_left(shelf: Shelf) -> None:
    """A row that a dead process left may be old when its bytes come again."""
    new = File(
        tenant=HOME, id="fil_again", name="a", media_type="text/plain", size=4,
        sha256="3a6eb0790f39ac87c94f3856b2dd2c5d110e6811602261a9a923d3bb23adc8b7",
        person=ANA.id, at=1, path="tenants/ten_home/fil_again", moved_at=to_us(shelf.clock.now()),
    )  # fmt: skip
    await shelf.db.write(rows.add(new))
    shelf.clock.advance(hours=2)

    class Swept(Moody):
        async def put(self, path: str, source: Path) -> None:
            assert await shelf.files.sweep() == 0
            await super().put(path, source)

    shelf.files._store = Swept(shelf.store.store)
    await keep(shelf, ANA, id="fil_again")
    assert await shelf.files.whole(await shelf.files.get(ANA, "fil_again")) == b"data"


async def test_what_a_killed_process_left_in_the_spool_is_swept(shelf: Shelf) -> None:
    await keep(shelf, ANA)
    left = shelf.folder / "spool" / "part_x.part"
    left.write_bytes(b"x")
    assert await shelf.files.sweep() == 0
    import os

    os.utime(left, (1, 1))
    assert await shelf.files.sweep() == 1
    assert len(shelf.bytes()) == 1


async def test_older_rows_share_bytes_until_the_last_is_gone(shelf: Shelf) -> None:
    folder = shelf.folder / "ten_home"
    folder.mkdir(parents=True)
    (folder / ("a" * 64)).write_bytes(b"old")
    for n in (1, 2):
        item = File(
            tenant=HOME, id=f"fil_{n}", name="a", media_type="text/plain", size=3, sha256="a" * 64,
            person=ANA.id, at=n, path=f"ten_home/{'a' * 64}", state="kept",
        )  # fmt: skip
        await shelf.db.write(rows.add(item))
    await shelf.files.delete(ANA, "fil_1")
    assert len(shelf.bytes()) == 1
    await shelf.files.delete(ANA, "fil_2")
    assert shelf.bytes() == []


async def test_other_bytes_than_were_kept_are_noticed(shelf: Shelf) -> None:
    made = await keep(shelf, ANA)
    (shelf.folder / made.path).write_bytes(b"evil")
    with pytest.raises(StoreError, match="other bytes"):
        await shelf.files.whole(made)
    (shelf.folder / made.path).unlink()
    with pytest.raises(BytesMissing):
        await shelf.files.whole(made)


def links(clock: StillClock, key: str = "k") -> Links:
    import hmac

    return Links(clock, lambda p, t: hmac.digest(key.encode(), f"{p} {t}".encode(), "sha256").hex())


def test_a_link_names_its_file_until_its_end() -> None:
    clock = StillClock()
    token, ends = links(clock).make(HOME, "fil_1", timedelta(minutes=5))
    found = links(clock).read(token)
    assert (found.tenant, found.file) == (HOME, "fil_1")
    clock.at = ends - timedelta(seconds=1)
    links(clock).read(token)
    clock.at = ends
    with pytest.raises(LinkOver):
        links(clock).read(token)


def test_a_link_that_was_changed_in_any_part_is_none() -> None:
    clock = StillClock()
    token, ends = links(clock).make(HOME, "fil_1")
    tenant, file, end, mark = token.split(".")
    flipped = ("0" if mark[0] != "0" else "1") + mark[1:]
    changed = [
        f"{OTHER}.{file}.{end}.{mark}",
        f"{tenant}.fil_2.{end}.{mark}",
        f"{tenant}.{file}.{int(end) + 1}.{mark}",
        f"{tenant}.{file}.0{end}.{mark}",
        f"{tenant}.{file}.{end}.{flipped}",
        f"{tenant}.{file}.{end}.{mark.upper()}",
        f"{tenant}.{file}.{end}.",
        f"{token}\n",
        "",
        "../../etc/passwd",
    ]
    for text in changed:
        if text == f"{tenant}.{file}.0{end}.{mark}":
            assert links(clock).read(text).file == file, "the same number is the same end"
            continue
        with pytest.raises(NotFound):
            links(clock).read(text)
    with pytest.raises(NotFound):
        links(clock, "another house").read(token)
    del ends


def test_no_link_lasts_longer_than_a_week() -> None:
    clock = StillClock()
    _, ends = links(clock).make(HOME, "fil_1", timedelta(days=365))
    assert ends - clock.now() <= LONGEST
