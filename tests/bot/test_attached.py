"""Files that an agent lets go with its answer: the person's own, once, as they were."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from bot.core.channel import Receipt
from bot.core.effect import Policy
from bot.core.errors import NotFound, VendorRefused
from bot.core.event import Attachment
from bot.core.ids import TenantId
from bot.core.tool import ToolContext
from bot.files.files import Files, NewFile
from bot.files.shelf import TenantShelf
from bot.platforms.files_out import Room, enclose
from bot.store.policies import Rule
from bot.store.sqlite import SqliteDatabase
from bot.testing import outbound
from tests.fakes.channel import FakeChannel
from tests.fakes.clock import StillClock
from tests.fakes.database import Disk, lay
from tests.fakes.files import local_files
from tests.fakes.model import ScriptedModel, call, last_words, say
from tests.fakes.shelf import FakeShelf
from tests.fakes.switchboard import ANA, Switchboard, Team, agent, image
from tests.sim.loop import virtual
from tools.files.library import TOOLS

ATTACH = {tool.name: tool for tool in TOOLS if tool.name == "file_attach"}
ON_CHAT = {"channel": "chat", "ext": "U-Ana", "person": None}
MINUTES = Attachment(
    name="minutes.md",
    media_type="text/markdown",
    size=7,
    sha256=hashlib.sha256(b"minutes").hexdigest(),
    source="fil_1",
)


@dataclass
class Platform(FakeChannel):
    """It remembers which files came with which words."""

    files: list[tuple[str, tuple[Attachment, ...]]] = field(default_factory=list)

    async def send(self, message) -> Receipt:
        self.files.append((message.text, message.attachments))
        return await super().send(message)


class Library:
    """One file, Ana's."""

    async def attachment(self, ctx: ToolContext, id_: str) -> Attachment:
        if (ctx.person, id_) != (ANA, "fil_1"):
            raise NotFound("There is no such file here.")
        return MINUTES


def asked_for(file: str = "fil_1") -> ScriptedModel:
    """A model that attaches a file and then repeats what it is told."""

    def think(request):
        if request.messages[-1].role == "tool" or last_words(request).startswith("[outcome]"):
            return say(last_words(request))
        return call(("file_attach", {"file": file}))

    return ScriptedModel(think)


def house_of(
    outside: Platform, model: ScriptedModel | None = None, disk: Disk | None = None
) -> Switchboard:
    team = Team({"bri": agent("bri", tools=("file_attach",))})
    made = Switchboard(
        model or asked_for(), team=team, tools=ATTACH, channels={"chat": outside}, disk=disk
    )
    made.engine.toolset._settings = {"library": Library()}
    return made


@pytest.fixture(autouse=True)
def _library(monkeypatch: pytest.MonkeyPatch) -> None:
    """The tool takes this library for one."""
    monkeypatch.setattr("tools.files.library.Library", Library)


@virtual
async def test_a_file_goes_with_the_answer_and_stands_on_its_line():
    outside = Platform(policy=Policy.NONE)
    async with house_of(outside) as house:
        got = await house.accept("the minutes, please", **ON_CHAT)
        line = await house.live.line_of(got.event)
        (shown,) = line["attachments"]
        assert (shown["id"], shown["name"], shown["size"]) == ("fil_1", "minutes.md", 7)
        assert outside.files == [("It goes with your answer.", (MINUTES,))]
        assert "minutes.md" in house.disk.all("select attachments from message")[-1][0]


@virtual
async def test_on_the_house_s_own_page_the_line_has_it():
    async with house_of(Platform()) as house:
        got = await house.accept("the minutes, please")
        line = await house.live.line_of(got.event)
        assert [file["id"] for file in line["attachments"]] == ["fil_1"]


@virtual
async def test_a_file_of_somebody_else_does_not_go():
    outside = Platform(policy=Policy.NONE)
    async with house_of(outside, asked_for("fil_2")) as house:
        assert "no such file" in await house.ask("the other one", **ON_CHAT)
        assert outside.files[0][1] == ()


@pytest.mark.parametrize("policy", list(Policy))
@virtual
async def test_an_answer_that_was_cut_off_goes_on_with_its_files(policy: Policy):
    disk, outside = Disk(image()), Platform(policy=policy)

    async def never(_):
        raise ProcessLookupError

    outside.delay = never
    async with house_of(outside, disk=disk) as house:
        got = await house.accept("the minutes, please", **ON_CHAT)
        while not outside.files:
            await asyncio.sleep(0.01)
        await house.engine.stop(seconds=0)
    outside.files.clear()
    outside.delay = FakeChannel().delay
    disk.all("update effect set state = 'sending'")
    async with house_of(outside, ScriptedModel([say("Something else.")]), disk) as again:
        line = await again.live.line_of(got.event, 60)
        assert outside.files == [("It goes with your answer.", (MINUTES,))]
        assert [file["id"] for file in line["attachments"]] == ["fil_1"]


@virtual
async def test_a_file_that_needs_a_yes_goes_with_the_answer_after_it():
    outside = Platform(policy=Policy.NONE)
    async with house_of(outside) as house:
        await house.put_rule(Rule(id="r", agent="", tool="file_attach", decision="ask"))
        await house.ask("the minutes, please", **ON_CHAT)
        assert outside.files[-1][1] == ()
        (question,) = await house.pending()
        await house.decide(question, "approve")
        await house.settled(question)
        assert outside.files[-1][1] == (MINUTES,)


# --- what a channel is lent ------------------------------------------------------------------


@pytest.fixture
async def files(tmp_path: Path) -> AsyncIterator[Files]:
    lay(tmp_path / "house.db")
    db = SqliteDatabase(tmp_path / "house.db")
    await db.open()
    yield local_files(db, StillClock(), tmp_path / "files")
    await db.close()


async def kept(files: Files, tenant: str = "ten_home") -> Attachment:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"minutes"

    new = NewFile(
        tenant=TenantId(tenant), person=ANA, name="minutes.md", media_type="text/markdown"
    )
    item = await files.keep(new, pieces())
    return Attachment(
        name=item.name,
        media_type=item.media_type,
        size=item.size,
        sha256=item.sha256,
        source=item.id,
    )


async def test_a_shelf_gives_its_tenant_s_files_and_no_others(files: Files) -> None:
    item = await kept(files)
    own = TenantShelf(TenantId("ten_home"), files, "https://bots.example/")
    assert await own.has(item)
    assert b"".join([piece async for piece in own.open(item)]) == b"minutes"
    other = TenantShelf(TenantId("ten_away"), files, "https://bots.example/")
    assert not await other.has(item)
    with pytest.raises(VendorRefused, match="not kept here"):
        _ = [piece async for piece in other.open(item)]


async def test_a_link_gives_that_file_and_there_is_none_without_an_address(files: Files) -> None:
    item = await kept(files)
    shelf = TenantShelf(TenantId("ten_home"), files, "https://bots.example/")
    token = shelf.link(item).removeprefix("https://bots.example/files/")
    assert files.links.read(token).file == item.source
    assert TenantShelf(TenantId("ten_home"), files, "").link(item) == ""


async def test_a_file_that_is_another_by_now_is_not_given(files: Files) -> None:
    item = replace(await kept(files), sha256="0" * 64)
    shelf = TenantShelf(TenantId("ten_home"), files, "")
    assert not await shelf.has(item)
    with pytest.raises(VendorRefused):
        _ = [piece async for piece in shelf.open(item)]


async def test_what_does_not_fit_is_said_in_words_with_its_name() -> None:
    shelf = FakeShelf()
    items = [shelf.put(f"{n}_*.md", b"x" * size) for n, size in enumerate((5, 50, 5, 5))]
    room = Room(files=2, max_bytes=10, all_bytes=100)
    message = replace(outbound("Here"), attachments=tuple(items))
    found = await enclose(message, shelf, room)
    assert found.files == (items[0], items[2])
    assert shelf.link(items[1]) in found.text and shelf.link(items[3]) in found.text
    assert "1\\_\\*.md" in found.text
    shelf.address = ""
    assert "page of files" in (await enclose(message, shelf, room)).text
    alone = await enclose(replace(message, text="", attachments=(items[0],)), shelf, room)
    assert alone.text == "0\\_\\*.md"
