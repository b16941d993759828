"""Albums on Telegram: one turn and one answer, polled or by webhook, killed in between or not."""

import asyncio
import json
import signal
from pathlib import Path

import pytest

pytest.importorskip("telegram")

from tests.channels.running import found
from tests.channels.test_telegram_whole import ANA, House, whole

pytestmark = pytest.mark.timeout(300)
PICTURES = [b"\xff\xd8\xff\xe0 one", b"\xff\xd8\xff\xe0 two", b"\xff\xd8\xff\xe0 three"]


async def endings(house: House) -> list[str]:
    """How the messages of the album ended."""
    events = json.loads(await house.program.verb("events", "--json"))["items"]
    told = [each for each in events if each["kind"] == "message" and each["channel"] == "telegram"]
    return sorted(str(each["ending"]) for each in told)


def asked(house: House) -> list[str]:
    """What the model was shown last, in each of its calls."""
    bodies = [each.body for each in house.model.requests if "messages" in each.body]
    return [str(body["messages"][-1]["content"]) for body in bodies]


@pytest.mark.parametrize("by", ["polling", "webhook"])
async def test_an_album_is_answered_once(tmp_path: Path, by: str) -> None:
    more = {"BOT_PUBLIC_URL": "https://bot.example"} if by == "webhook" else {}
    async with whole(tmp_path, **more) as house:
        if by == "webhook":
            await found(lambda: house.telegram.webhook.get("url"))
        await house.pair()
        house.telegram.world.send_album(ANA, PICTURES, "Which is best?")
        await found(lambda: "All right." in house.said())
        await asyncio.sleep(1.5)
        assert house.said().count("All right.") == 1
        (words,) = asked(house)
        assert words.count("[file: photo.jpg") == 3 and "Which is best?" in words
        assert (await endings(house)).count("merged") == 2
        kept = [each for each in (tmp_path / "home" / "files").rglob("*") if each.is_file()]
        assert sorted(each.read_bytes() for each in kept) == sorted(PICTURES)
        assert not house.telegram.mistakes


async def test_killed_while_it_comes_in_it_is_answered_once(tmp_path: Path) -> None:
    async with whole(tmp_path) as house:
        await house.pair()
        for answered in (1, 2):
            house.telegram.world.send_album(ANA, PICTURES, "Which is best?")
            await asyncio.sleep(0.3)  # some of it is stored, some confirmed, none answered
            house.program.stop(signal.SIGKILL)
            await house.program.start()
            # An answer that is on its way when the next kill comes may be given once more.
            await found(lambda: house.said().count("All right.") >= answered)  # noqa: B023
        await asyncio.sleep(1.5)
        assert house.said().count("All right.") == 2
        assert [words.count("[file: photo.jpg") for words in asked(house)] == [3, 3]
        assert (await endings(house)).count("merged") == 4
