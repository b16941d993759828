"""An agent's hands on files: whose it sees, what it reads, what it keeps."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.core.errors import Forbidden, Invalid, NotFound, OperatorError
from bot.core.ids import PersonId, TenantId
from bot.core.tool import Risk, ToolContext
from bot.files.drawing import Drawing, Drawn
from bot.files.files import Files, NewFile
from bot.files.library import PAGE_CHARS, Library, paged
from bot.files.links import Links
from bot.files.local import LocalStore
from bot.files.spool import Spool
from bot.store.files import File
from bot.store.sqlite import SqliteDatabase
from tests.fakes.database import lay
from tests.fakes.people_house import StillClock
from tests.tools.kit import ANA, TENANT, context
from tools.files.library import (
    TOOLS,
    NoArguments,
    ReadFile,
    SaveFile,
    file_list,
    file_read,
    file_save,
)


class CountedDrawing(Drawing):
    """The real one, and how often it was asked."""

    asked = 0

    async def draw(self, data: bytes) -> Drawn:
        self.asked += 1
        return await super().draw(data)


@pytest.fixture
async def files(tmp_path: Path) -> AsyncIterator[Files]:
    path = tmp_path / "house.db"
    lay(path)
    db, clock, folder = SqliteDatabase(path), StillClock(), tmp_path / "files"
    await db.open()
    links = Links(clock, lambda purpose, text: "")
    yield Files(db, clock, LocalStore(folder), Spool(folder / "spool", clock), links)
    await db.close()


@pytest.fixture
def drawing() -> CountedDrawing:
    return CountedDrawing()


@pytest.fixture
def ctx(files: Files, drawing: CountedDrawing) -> ToolContext:
    return replace(context(), settings=Library(files, drawing))


async def add(
    files: Files, data: bytes = b"Open on Sunday.", person: str | None = ANA,
    tenant: TenantId = TENANT, name: str = "a.txt", shared: bool = False,
) -> File:  # fmt: skip
    async def pieces() -> AsyncIterator[bytes]:
        yield data

    owner = PersonId(person) if person else None
    new = NewFile(tenant=tenant, person=owner, name=name, media_type="text/plain", shared=shared)
    return await files.keep(new, pieces())


async def said(ctx: ToolContext) -> str:
    return str((await file_list(ctx, NoArguments())).data)


async def test_an_agent_sees_its_persons_files_and_the_shared_ones(
    files: Files, ctx: ToolContext
) -> None:
    mine, common = await add(files), await add(files, person="per_olga", shared=True)
    hidden = [
        await add(files, person="per_ben"),
        await add(files, person=None),
        await add(files, tenant=TenantId("ten_2")),
        await add(files, tenant=TenantId("ten_2"), shared=True),
    ]
    for item in (mine, common):
        assert item.id in await said(ctx)
        assert "Sunday" in str((await file_read(ctx, ReadFile(file=item.id))).data)
    alone = replace(ctx, person=None)
    for item in hidden:
        for who in (ctx, alone):
            assert item.id not in await said(who)
            with pytest.raises(NotFound):
                await file_read(who, ReadFile(file=item.id))
    assert common.id in await said(alone)
    assert mine.id not in await said(alone)


async def test_text_comes_page_by_page_and_is_drawn_once(
    files: Files, ctx: ToolContext, drawing: CountedDrawing
) -> None:
    text = "".join(f"Line {n} of the minutes.\n" for n in range(1000))
    item = await add(files, text.encode())
    pages = paged(text)
    assert "".join(pages) == text
    assert all(len(page) <= PAGE_CHARS and page.endswith("\n") for page in pages)
    for n, page in enumerate(pages, 1):
        found = str((await file_read(ctx, ReadFile(file=item.id, page=n))).data)
        assert found == f"a.txt, page {n} of {len(pages)}.\n\n{page}"
    with pytest.raises(Invalid, match="pages"):
        await file_read(ctx, ReadFile(file=item.id, page=len(pages) + 1))
    assert drawing.asked == 1


async def test_a_deleted_file_is_no_longer_read_although_its_text_was_remembered(
    files: Files, ctx: ToolContext
) -> None:
    item = await add(files)
    await file_read(ctx, ReadFile(file=item.id))
    files._clock.advance(seconds=1)  # type: ignore[attr-defined]
    from tests.bot.files.test_files import person

    await files.delete(replace(person("ana"), id=ANA, tenant=TENANT), item.id)
    with pytest.raises(NotFound):
        await file_read(ctx, ReadFile(file=item.id))


async def test_a_file_is_saved_once_however_often_the_call_is_made(
    files: Files, ctx: ToolContext
) -> None:
    args = SaveFile(name="../minutes.md", text="# Minutes")
    first = await file_save(ctx, args)
    again = await asyncio.gather(file_save(ctx, args), file_save(ctx, args))
    assert {str(outcome.data) for outcome in (first, *again)} == {str(first.data)}
    await file_save(replace(ctx, key="eff_2"), args)
    kept = await files.page_of(TENANT, ANA)
    assert [(f.name, f.person, f.shared) for f in kept] == [("minutes.md", ANA, 0)] * 2
    read = await file_read(ctx, ReadFile(file=kept[0].id))
    assert "# Minutes" in str(read.data)


async def test_the_same_call_in_another_tenant_is_another_file(
    files: Files, ctx: ToolContext
) -> None:
    args = SaveFile(name="a.md", text="x")
    one = await file_save(ctx, args)
    two = await file_save(replace(ctx, tenant=TenantId("ten_2")), args)
    assert one.data != two.data
    assert len(await files.page_of(TenantId("ten_2"), ANA)) == 1


async def test_without_a_person_nothing_is_saved(ctx: ToolContext) -> None:
    with pytest.raises(Forbidden):
        await file_save(replace(ctx, person=None), SaveFile(name="a", text="b"))


async def test_a_house_without_files_says_so(ctx: ToolContext) -> None:
    with pytest.raises(OperatorError):
        await file_list(replace(ctx, settings=None), NoArguments())


def test_what_comes_out_of_files_counts_as_outside_words_and_nothing_asks() -> None:
    outside = {tool.name: tool.outside for tool in TOOLS}
    assert outside == {
        "file_attach": False, "file_list": True, "file_read": True, "file_save": False
    }  # fmt: skip
    assert all(tool.risk is Risk.READ and not tool.egress for tool in TOOLS)
