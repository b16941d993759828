"""`bot run` as a user starts it, on a Telegram that plays: paired, asked, approved, killed, and on.

Nothing of the house is played: python-telegram-bot speaks to the fake Bot API over loopback, a
model that plays streams its words. What Ana sees in her chat is what is looked at.
"""

import asyncio
import json
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from io import BytesIO
from pathlib import Path

import pytest

pytest.importorskip("telegram")

from aiohttp import ClientSession

from channels.telegram.channel import SECRET_HEADER
from tests.channels.running import Model, Program, found, standing
from tests.fakes.openai_server import Body, Reply
from tests.fakes.telegram_server import TelegramServer
from tests.fakes.telegram_world import Person

pytestmark = pytest.mark.timeout(300)
ANA, BO = Person(11, "Ana"), Person(12, "Bo")
STORY = "Slowly the shop by the sea sold all that it had, and never closed. " * 3
TALE = "It was cut off, and it went on."


def answer(body: Body) -> Reply:
    """What the model says to the last thing that it was told."""
    last = body["messages"][-1]
    words = str(last["content"])
    if last["role"] == "tool":
        return Reply(text="It waits for your yes.")
    if "publish it" in words:
        arguments = json.dumps({"title": "Hours", "text": "We are open on Sunday"})
        return Reply(calls=(("blog_publish", arguments),))
    if "story" in words:
        return Reply(text=STORY)
    if "tale" in words:
        return Reply(text=TALE, delay_s=0.5)
    if "notes.txt" in words:
        return Reply(text="I see your notes.")
    return Reply(text="All right.")


class House:
    """The program, and Ana's side of it."""

    def __init__(self, program: Program, telegram: TelegramServer, model: Model) -> None:
        self.program, self.telegram, self.model = program, telegram, model

    def said(self) -> list[str]:
        """What the bot's messages to Ana read now."""
        return self.telegram.world.said(self.telegram.world.private(ANA))

    async def pair(self) -> None:
        """Ana is let in."""
        self.telegram.world.say(ANA, "/start")
        await found(lambda: any("Give this code" in text for text in self.said()))
        await self.program.admit(self.said()[-1])


@asynccontextmanager
async def whole(
    folder: Path, model: Callable[[Body], Reply] = answer, **more: str
) -> AsyncIterator[House]:
    """A house that runs, and ends well."""
    async with TelegramServer(rates="ban") as telegram, Model(model) as played:
        ours = {"BOTFATHERTOKEN": telegram.token, "BOT_ENDPOINT_TELEGRAM": telegram.base}
        program = Program(folder, played, **{**ours, **more})
        telegram.webhook_via = program.url
        async with standing(program, telegram.token.partition(":")[2]):
            yield House(program, telegram, played)
        assert not played.violations


async def test_from_a_stranger_to_an_approved_post(tmp_path: Path) -> None:
    async with whole(tmp_path) as house:
        world, drafts = house.telegram.world, house.telegram.methods.drafts
        chat = world.private(ANA)
        await house.pair()

        # An answer that is seen while it is written, and stands there once.
        seen: list[str] = []
        world.say(ANA, "Tell me a story")

        def is_told() -> bool:
            seen.extend(drafts.get(chat.id, ()))
            return STORY.strip() in house.said()

        await found(is_told)
        grown = sorted(set(seen), key=len)
        assert len(grown) >= 2 and all(STORY.startswith(each[:20]) for each in grown)
        assert house.said().count(STORY.strip()) == 1

        # A file.
        world.send_file(ANA, b"We close at six.", caption="what is this?")
        await found(lambda: "I see your notes." in house.said())
        kept = [path for path in (tmp_path / "home" / "files").rglob("*") if path.is_file()]
        assert any(path.read_bytes() == b"We close at six." for path in kept)

        # A card: a stranger may nothing, and Ana publishes other words.
        world.say(ANA, "publish it")
        await found(lambda: any(each.buttons for each in world.shown(chat)))
        card = next(each for each in world.shown(chat) if each.buttons)
        assert "We are open on Sunday" in card.text
        buttons = dict(card.buttons)
        query = world.press(BO, card.id, buttons["Approve"], chat)
        await found(lambda: query in house.telegram.world.answers)
        assert world.answers[query]["text"] and world.answers[query]["alert"]
        assert not house.program.posts()
        world.press(ANA, card.id, buttons["Edit"], chat)
        is_asked = "Text\nReply to this message with the new text."
        await found(lambda: any(is_asked in each for each in house.said()))
        question = next(each for each in world.shown(chat) if is_asked in each.text)
        assert question.forced_reply
        world.say(ANA, "We are open on Monday", reply_to=question.id)
        await found(house.program.posts)
        await found(
            lambda: not any(each.buttons for each in world.shown(chat) if each.id == card.id)
        )
        (post,) = house.program.posts()
        assert "We are open on Monday" in post.read_text() and "Sunday" not in post.read_text()
        late = world.press(ANA, card.id, buttons["Approve"], chat)
        await found(lambda: late in world.answers)
        assert len(house.program.posts()) == 1
        assert not house.telegram.mistakes


async def test_killed_and_started_again_nothing_is_lost_and_no_answer_missing(
    tmp_path: Path,
) -> None:
    async with whole(tmp_path) as house:
        world = house.telegram.world
        await house.pair()
        asked = 0
        for _ in range(2):
            world.say(ANA, "Tell me a tale")
            asked += 1
            before = len(house.model.requests)
            await found(lambda: len(house.model.requests) > before)  # noqa: B023
            house.program.stop(signal.SIGKILL)
            world.say(ANA, "And this while you were away")
            asked += 1
            await house.program.start()
        await found(lambda: house.said().count(TALE) >= 2, 60)
        await found(lambda: house.said().count("All right.") >= 2, 60)
        await asyncio.sleep(1)
        told = house.said()
        assert (told.count(TALE), told.count("All right.")) == (2, 2)
        told = json.loads(await house.program.verb("events", "--json"))["items"]
        messages = [
            each for each in told if each["kind"] == "message" and each["channel"] == "telegram"
        ]
        assert len(messages) == asked + 1, "with Start; each once"
        assert not [each for each in house.telegram.mistakes if "409" not in each]


async def test_by_webhook_forged_ones_are_refused_and_a_card_decided_elsewhere_is_rewritten(
    tmp_path: Path,
) -> None:
    async with whole(tmp_path, BOT_PUBLIC_URL="https://bot.example") as house:
        world, telegram = house.telegram.world, house.telegram
        await found(lambda: telegram.webhook.get("url"))
        assert telegram.webhook["url"] == "https://bot.example/webhooks/telegram/700001"
        address = f"{telegram.webhook_via}/webhooks/telegram/700001"
        forged = {"update_id": 5, "message": {"message_id": 1, "date": 1, "text": "hi"}}
        async with ClientSession() as session:
            for path, headers, status in (
                (address, {}, 401),
                (address, {SECRET_HEADER: ""}, 401),
                (address, {SECRET_HEADER: telegram._secret[:-1]}, 401),
                (f"{address}1", {SECRET_HEADER: telegram._secret}, 404),
            ):
                async with session.post(path, json=forged, headers=headers) as answer:
                    assert answer.status == status, (path, headers)
            async with session.post(
                address, data=BytesIO(b" " * 1_100_000), headers={SECRET_HEADER: telegram._secret}
            ) as answer:
                assert answer.status == 413
        await house.pair()
        world.say(ANA, "publish it")
        chat = world.private(ANA)
        await found(lambda: any(each.buttons for each in world.shown(chat)))
        (waiting,) = json.loads(await house.program.verb("approvals", "--json"))["items"]
        await house.program.verb("approvals", "approve", waiting["code"])
        await found(lambda: not any(each.buttons for each in world.shown(chat)))
        assert any("Approved by" in text for text in house.said())
        assert len(house.program.posts()) == 1
        assert all(status == 200 for _, status in telegram.offered)
        assert not telegram.mistakes


async def test_it_is_connected_and_let_go_of_while_the_house_runs(tmp_path: Path) -> None:
    async with whole(tmp_path, BOTFATHERTOKEN="") as house:
        telegram = house.telegram
        assert not telegram.requests
        token = json.dumps({"token": telegram.token})
        said = await house.program.verb("connect", "telegram", "--stdin", told=token)
        assert "telegram listens" in said
        telegram.world.say(ANA, "Hello")
        await found(lambda: any("Give this code" in text for text in house.said()))
        await house.program.verb("connect", "telegram", "--remove")
        telegram.world.say(ANA, "Is anybody there?")
        await asyncio.sleep(1)
        assert len(telegram.world.updates) == 1, "it waits at Telegram"
        assert not telegram.mistakes
