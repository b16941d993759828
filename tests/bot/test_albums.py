"""Albums: pictures that come one by one are one message, however they come."""

import asyncio
from typing import Any

import pytest

from bot.core.errors import StoreError
from bot.core.event import Attachment, Event
from bot.store import albums, inbox
from tests.fakes.database import Disk
from tests.fakes.model import ScriptedModel, say
from tests.fakes.switchboard import HOME, Switchboard, image

ALBUM = "13370042"


def answering(disk: Disk | None = None) -> Switchboard:
    return Switchboard(ScriptedModel(lambda request: say("Seen.")), disk=disk)


def part(board: Switchboard, number: int, text: str = "", album: str = ALBUM, **more: Any) -> Event:
    """A picture of an album, as the platform names it."""
    item = Attachment(name=f"{number}.jpg", media_type="image/jpeg", size=1, source=f"f{number}")
    event = board.event(text, attachments=(item,), payload={"album": album}, **more)
    return type(event)(**{**_fields(event), "ext_id": f"5:{number}"})


def _fields(event: Event) -> dict[str, Any]:
    return {name: getattr(event, name) for name in event.__dataclass_fields__}


async def bring(board: Switchboard, *parts: Event) -> None:
    for each in parts:
        await board.engine.inbox.accept(each)


async def quiet(board: Switchboard) -> None:
    """Wait until nothing waits any more."""
    async with asyncio.timeout(15):
        while [each for each in await stored(board) if each.state == "new"]:
            await asyncio.sleep(0.02)
    await board.engine.turns.idle()


async def stored(board: Switchboard) -> list[inbox.Stored]:
    return await board.db.read(inbox.recent(HOME, 1 << 62, "", 50))


def endings(found: list[inbox.Stored]) -> list[str]:
    return sorted(each.ending for each in found)


def shown(board: Switchboard, n: int = 0) -> list[str]:
    """The pictures that a turn's model was shown."""
    text = board.model.asked[n].messages[-1].content
    return [name for name in (f"{number}.jpg" for number in range(10)) if name in text]


async def test_an_album_is_one_turn_with_all_its_pictures_and_words() -> None:
    async with answering() as board:
        await bring(board, part(board, 1, "Which is best?"), part(board, 2), part(board, 3, "Or?"))
        await quiet(board)
        assert len(board.model.asked) == 1 and shown(board) == ["1.jpg", "2.jpg", "3.jpg"]
        assert "Which is best?\nOr?" in board.model.asked[0].messages[-1].content
        assert endings(await stored(board)) == ["answered", "merged", "merged"]


async def test_parts_that_come_again_are_known_whenever_they_come() -> None:
    async with answering() as board:
        parts = [part(board, n) for n in (1, 2, 3)]
        await bring(board, parts[0], parts[0], parts[1], parts[0], parts[1])
        await bring(board, *parts)
        await quiet(board)
        got = [await board.engine.inbox.accept(each) for each in parts]
        assert all(each.duplicate for each in got)
        await quiet(board)
        assert len(board.model.asked) == 1 and shown(board) == ["1.jpg", "2.jpg", "3.jpg"]
        assert len(await stored(board)) == 3


async def test_killed_between_two_parts_and_told_all_again_it_is_still_one_turn() -> None:
    disk = Disk(image())
    first = answering(disk)  # never started: it takes in, and dies before it works
    parts = [part(first, n) for n in (1, 2, 3)]
    for each in parts[:2]:
        await first.engine.inbox.accept(each)
    async with answering(disk) as board:
        await bring(board, *parts)
        await quiet(board)
        assert len(board.model.asked) == 1 and shown(board) == ["1.jpg", "2.jpg", "3.jpg"]
        assert endings(await stored(board)) == ["answered", "merged", "merged"]


async def test_a_part_whose_commit_failed_is_in_once_when_it_comes_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with answering() as board:
        parts = [part(board, n) for n in (1, 2)]
        await bring(board, parts[0])
        real, fails = albums.inbox.store, [1]

        def store(*given: Any) -> Any:
            if fails:
                raise StoreError
            return real(*given)

        monkeypatch.setattr(albums.inbox, "store", store)
        with pytest.raises(StoreError):
            await bring(board, parts[1])
        fails.clear()
        await bring(board, parts[1])
        await quiet(board)
        assert shown(board) == ["1.jpg", "2.jpg"] and len(board.model.asked) == 1
        assert board.model.asked[0].messages[-1].content.count("2.jpg") == 1


async def test_a_part_that_comes_too_late_is_a_turn_of_its_own_and_not_lost() -> None:
    async with answering() as board:
        await bring(board, part(board, 1))
        await quiet(board)
        await bring(board, part(board, 2))
        await quiet(board)
        assert [shown(board, n) for n in (0, 1)] == [["1.jpg"], ["2.jpg"]]


async def test_while_another_turn_runs_it_is_still_gathered() -> None:
    thinks, goes_on = asyncio.Event(), asyncio.Event()

    async def slow(request: Any) -> Any:
        thinks.set()
        await goes_on.wait()
        return say("Seen.")

    async with Switchboard(ScriptedModel(slow)) as board:
        await board.accept("First this")
        await thinks.wait()
        await bring(board, part(board, 1))
        goes_on.set()
        await board.engine.turns.idle()
        await bring(board, part(board, 2))
        await quiet(board)
        assert len(board.model.asked) == 2 and shown(board, 1) == ["1.jpg", "2.jpg"]


async def test_albums_of_two_people_and_two_albums_of_one_stay_apart() -> None:
    async with answering() as board:
        other = {"person": None, "ext": "U-Ana", "channel": "chat"}
        await bring(board, part(board, 1), part(board, 2, album="other"), part(board, 3))
        mixed = part(board, 4, **other)
        await bring(board, mixed)
        await quiet(board)
        seen = sorted(shown(board, n) for n in range(len(board.model.asked)))
        assert seen == [["1.jpg", "3.jpg"], ["2.jpg"], ["4.jpg"]]


async def test_one_picture_of_many_that_speaks_to_the_house_speaks_for_all() -> None:
    async with answering() as board:
        where = {"addressed": False, "channel": "chat", "person": None, "ext": "U-Ana"}
        parts = [
            part(board, 1, **where),
            part(board, 2, "@bot look", **{**where, "addressed": True}),
        ]
        await bring(board, *parts)
        await quiet(board)
        assert shown(board) == ["1.jpg", "2.jpg"]


async def test_the_line_of_the_person_has_all_pictures_once() -> None:
    async with answering() as board:
        await bring(board, part(board, 1, "These"), part(board, 2))
        await quiet(board)
        await board.ask("And?")
        (said,) = [m.content for m in board.model.asked[-1].messages if m.content == "These"]
        assert said == "These"
